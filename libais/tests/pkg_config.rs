//! What pkg-config tells is enough to link, statically too.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod built;

use built::built;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const TEMPLATE: &str = include_str!("../ais.pc.in");

/// What pkg-config says about the library as installed in some place.
fn pkg_config(arguments: &[&str]) -> Option<String> {
    let directory =
        env::temp_dir().join(format!("ais-pc-{}{}", std::process::id(), arguments.len()));
    fs::create_dir_all(&directory).unwrap();
    let text = TEMPLATE
        .replace("@PREFIX@", "/opt/ais")
        .replace("@LIBDIR@", "/opt/ais/lib")
        .replace("@INCLUDEDIR@", "/opt/ais/include")
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    assert!(!text.contains('@'), "{text}");
    fs::write(directory.join("ais.pc"), text).unwrap();
    let output = Command::new("pkg-config")
        .args(arguments)
        .arg("ais")
        .env("PKG_CONFIG_PATH", &directory)
        .output();
    fs::remove_dir_all(&directory).unwrap();
    // Not every machine that builds has pkg-config.
    let output = output.ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn pkg_config_knows_where_things_are() {
    let Some(told) = pkg_config(&["--cflags", "--libs", "--static"]) else { return };
    for flag in ["-I/opt/ais/include", "-L/opt/ais/lib", "-lais", "-lpthread", "-lm", "-ldl"] {
        assert!(told.split_whitespace().any(|word| word == flag), "{flag}: {told}");
    }
    let shared = pkg_config(&["--libs"]).unwrap();
    assert_eq!(shared.trim(), "-L/opt/ais/lib -lais");
}

/// The private libraries are those that a static link needs.
#[test]
fn a_c_program_links_the_static_library() {
    let private = TEMPLATE.lines().find_map(|line| line.strip_prefix("Libs.private: ")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let directory = env::temp_dir().join(format!("ais-static-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let source = directory.join("program.c");
    fs::write(
        &source,
        "#include <ais_clm.h>\n\
         int main(void) { return saClmInitialize(0, 0, 0) == SA_ERR_INVALID_PARAM ? 0 : 1; }\n",
    )
    .unwrap();
    let program = directory.join("program");
    let output = Command::new("gcc")
        .arg("-I")
        .arg(root.join("include"))
        .arg(&source)
        .arg(built("libais.a"))
        .args(private.split_whitespace())
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let status = Command::new(&program).status().unwrap();
    fs::remove_dir_all(&directory).unwrap();
    assert!(status.success());
}
