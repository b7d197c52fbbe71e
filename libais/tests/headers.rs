//! The committed headers are what the Rust definitions say, and each of them
//! compiles alone in every C and C++ that the project promises.
//! `BLESS=1 cargo test -p libais --test headers` rewrites them.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

use cbindgen::{Builder, Config, DocumentationStyle, Language, RenameRule, SortKey, Style};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const TYPES_EXTRA: &str = "
/* The end of time: never. */
#define SA_TIME_END ((SaTimeT)0x7fffffffffffffffLL)

/* The 2004 headers give two causes the same value. */
#define SA_AMF_LAN_ERROR SA_AMF_OUT_OF_MEMORY
/* The spelling that the next two names should have had. */
#define SA_AMF_REMOTE_NODE_TRANSMISSION_ERROR SA_AMF_REMOTE_NODE_TRNASMISSION_ERROR
#define SA_AMF_UNDERLYING_RESOURCE_UNAVAILABLE SA_AMF_UNDERLYING_REOUSRCE_UNAVAILABLE

/* Initializers of an SaCkptSectionIdT. */
#define SA_CKPT_DEFAULT_SECTION_ID {0, 0}
#define SA_CKPT_GENERATED_SECTION_ID {0, 0}";

/// A header: its name, the Rust file, what it is about, what stands in it
/// that Rust cannot say.
const HEADERS: [(&str, &str, &str, &str); 4] = [
    ("ais_types", "types", "the types", TYPES_EXTRA),
    ("ais_clm", "clm", "Cluster Membership", ""),
    ("ais_amf", "amf", "Availability Management Framework", ""),
    ("ais_ckpt", "ckpt", "Checkpoint", ""),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The names of all types that a Rust file defines. A header without
/// functions would otherwise come out empty.
fn types_of(source: &Path) -> Vec<String> {
    let text = fs::read_to_string(source).unwrap();
    text.lines()
        .filter_map(|line| {
            let rest = ["pub struct ", "pub enum ", "pub type "]
                .iter()
                .find_map(|start| line.strip_prefix(start))?;
            Some(rest.split([' ', '=', '<']).next()?.to_owned())
        })
        .collect()
}

fn generate(header: &str, module: &str, about: &str, extra: &str) -> String {
    let source = root().join(format!("libais/src/ffi/{module}.rs"));
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        cpp_compat: true,
        no_includes: true,
        include_guard: Some(format!("{}_H_DEFINED", header.to_uppercase())),
        header: Some(format!(
            "/* AIS A.01.01: {about}. Generated from libais/src/ffi/{module}.rs. */"
        )),
        documentation_style: DocumentationStyle::Doxy,
        tab_width: 4,
        line_length: 90,
        ..Config::default()
    };
    if header == "ais_types" {
        config.after_includes = Some(extra.to_owned());
    } else {
        config.includes = vec!["ais_types.h".to_owned()];
    }
    config.function.sort_by = Some(SortKey::None);
    config.constant.sort_by = Some(SortKey::None);
    config.enumeration.rename_variants = RenameRule::None;
    config.export.include = types_of(&source);
    let mut text = Vec::new();
    Builder::new().with_config(config).with_src(source).generate().unwrap().write(&mut text);
    // Rust has no const for a parameter of a function pointer.
    String::from_utf8(text)
        .unwrap()
        .replace("ComponentControlCallbackT)(Sa", "ComponentControlCallbackT)(const Sa")
        .replace("OperationConfirmCallbackT)(Sa", "OperationConfirmCallbackT)(const Sa")
}

#[test]
fn the_committed_headers_are_up_to_date() {
    for (header, module, about, extra) in HEADERS {
        let path = root().join(format!("include/{header}.h"));
        let generated = generate(header, module, about, extra);
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "{} differs from libais/src/ffi/{module}.rs; BLESS=1 cargo test -p libais --test \
             headers rewrites it",
            path.display()
        );
    }
}

#[test]
fn every_header_compiles_alone() {
    let c: &[(&str, &[&str])] = &[
        ("gnu89", &[]),
        ("c99", &["-Wpedantic"]),
        ("c11", &["-Wpedantic"]),
        ("c17", &["-Wpedantic"]),
        ("c2x", &["-Wpedantic"]),
        ("gnu2x", &["-Wpedantic"]),
    ];
    let cpp: &[(&str, &[&str])] =
        &[("c++98", &["-Wno-long-long"]), ("c++11", &["-Wpedantic"]), ("c++17", &["-Wpedantic"])];
    for header in ["ais_types", "ais_clm", "ais_amf", "ais_ckpt", "ais_msg"] {
        for (compiler, language, standards) in [("gcc", "c", c), ("g++", "c++", cpp)] {
            for (standard, more) in standards {
                compile(compiler, language, standard, more, header);
            }
        }
    }
}

fn compile(compiler: &str, language: &str, standard: &str, more: &[&str], header: &str) {
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
        .arg(format!("-std={standard}"))
        .args(more)
        .arg("-I")
        .arg(root().join("include"))
        .arg("-include")
        .arg(format!("{header}.h"))
        .args(["-x", language, "/dev/null"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{header}.h as {standard}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
