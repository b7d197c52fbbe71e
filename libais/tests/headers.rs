//! The committed headers are what the Rust definitions say, and each of them
//! compiles alone in every C and C++ that the project promises.
//! `BLESS=1 cargo test -p libais --test headers` rewrites them.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

use cbindgen::{Builder, Config, DocumentationStyle, Language, RenameRule, SortKey, Style};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const TYPES_EXTRA: &str = "
/* A compiler that is not GNU's has no word for what goes beyond its dialect. */
#if !defined(__GNUC__) && !defined(__extension__)
#define __extension__
#endif

/* The end of time: never. The largest SaTimeT, without a constant of a kind
   that C89 does not have. */
#define SA_TIME_END ((SaTimeT)((SaUint64T)-1 >> 1))

/* The 2004 headers give two causes the same value. */
#define SA_AMF_LAN_ERROR SA_AMF_OUT_OF_MEMORY
/* The spelling that the next two names should have had. */
#define SA_AMF_REMOTE_NODE_TRANSMISSION_ERROR SA_AMF_REMOTE_NODE_TRNASMISSION_ERROR
#define SA_AMF_UNDERLYING_RESOURCE_UNAVAILABLE SA_AMF_UNDERLYING_REOUSRCE_UNAVAILABLE

/* Initializers of an SaCkptSectionIdT. */
#define SA_CKPT_DEFAULT_SECTION_ID {0, 0}
#define SA_CKPT_GENERATED_SECTION_ID {0, 0}";

/// g++ remarks on `long long` in C++98 whatever stands before it.
const OLD_CPP_BEGIN: &str = "\
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \"-Wlong-long\"
#endif
";
const OLD_CPP_END: &str = "\
#if defined(__GNUC__) && defined(__cplusplus) && __cplusplus < 201103L
#pragma GCC diagnostic pop
#endif
";

/// A header: its name, the Rust files, what it is about, what stands in it
/// that Rust cannot say.
const HEADERS: [(&str, &[&str], &str, &str); 4] = [
    ("ais_types", &["types.rs"], "the types", TYPES_EXTRA),
    ("ais_clm", &["clm.rs"], "Cluster Membership", ""),
    ("ais_amf", &["amf/mod.rs", "amf/callbacks.rs"], "Availability Management Framework", ""),
    ("ais_ckpt", &["ckpt/mod.rs"], "Checkpoint", ""),
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

fn generate(header: &str, files: &[&str], about: &str, extra: &str) -> String {
    let source = |file: &&str| root().join(format!("libais/src/ffi/{file}"));
    let sources: Vec<PathBuf> = files.iter().map(source).collect();
    let file = files[0];
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        cpp_compat: true,
        no_includes: true,
        include_guard: Some(format!("{}_H_DEFINED", header.to_uppercase())),
        header: Some(format!("/* AIS A.01.01: {about}. Generated from libais/src/ffi/{file}. */")),
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
    config.export.include = sources.iter().flat_map(|source| types_of(source)).collect();
    let mut text = Vec::new();
    let builder = Builder::new().with_config(config);
    let builder = sources.into_iter().fold(builder, Builder::with_src);
    builder.generate().unwrap().write(&mut text);
    spell(&String::from_utf8(text).unwrap())
}

/// The text as every dialect takes it: C89 has no `long long`, no comma behind
/// the last value of an enum, and no `//`. And Rust has no const for a
/// parameter of a function pointer.
fn spell(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("//") {
        Some((code, comment)) => format!("{code}/*{comment} */\n"),
        None if line.starts_with("typedef ") && line.contains("long long ") => {
            format!("{OLD_CPP_BEGIN}__extension__ {line}\n{OLD_CPP_END}")
        }
        None => format!("{line}\n"),
    });
    lines
        .collect::<String>()
        .replace(",\n}", "\n}")
        .replace("ComponentControlCallbackT)(Sa", "ComponentControlCallbackT)(const Sa")
        .replace("OperationConfirmCallbackT)(Sa", "OperationConfirmCallbackT)(const Sa")
}

#[test]
fn the_committed_headers_are_up_to_date() {
    for (header, files, about, extra) in HEADERS {
        let path = root().join(format!("include/{header}.h"));
        let generated = generate(header, files, about, extra);
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "{} differs from libais/src/ffi/{}; BLESS=1 cargo test -p libais --test \
             headers rewrites it",
            path.display(),
            files[0]
        );
    }
}

/// Each header for each dialect, strictly, and for programs of 32 bits, where
/// the compiler makes them.
#[test]
fn every_header_compiles_alone() {
    let c = ["c89", "gnu89", "iso9899:199409", "c99", "c11", "c17", "c2x", "gnu2x"];
    let cpp = ["c++98", "gnu++98", "c++11", "c++17", "c++20"];
    let widths: &[&str] = if cfg!(target_arch = "x86_64") { &["-m64", "-m32"] } else { &[] };
    for header in ["ais_types", "ais_clm", "ais_amf", "ais_ckpt", "ais_msg"] {
        for (compiler, language, standards) in [("gcc", "c", &c[..]), ("g++", "c++", &cpp)] {
            for standard in standards {
                compile(compiler, language, &[&format!("-std={standard}")], header).unwrap();
            }
            // What ais_msg.h includes of the system is not everywhere for both.
            for width in widths.iter().filter(|_| header != "ais_msg") {
                for standard in [standards[0], standards[standards.len() - 1]] {
                    let flags = [*width, &format!("-std={standard}")];
                    compile(compiler, language, &flags, header).unwrap();
                }
            }
        }
    }
}

/// What a header holds is used in every dialect as well: macros say nothing
/// until then.
const USE: &str = "
SaTimeT never(void);
SaTimeT never(void) { return SA_TIME_END; }
SaCkptSectionIdT of_default = SA_CKPT_DEFAULT_SECTION_ID;
SaCkptSectionIdT generated = SA_CKPT_GENERATED_SECTION_ID;
SaAmfProbableCauseT cause = SA_AMF_LAN_ERROR;
SaUint64T largest = (SaUint64T)-1;
";

/// What the compiler says about a program that includes this header and uses
/// the types.
fn compile(compiler: &str, language: &str, flags: &[&str], header: &str) -> Result<(), String> {
    let mut child = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"])
        .args(flags)
        .arg("-I")
        .arg(root().join("include"))
        .args(["-x", language, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let source = format!("#include <{header}.h>\n{USE}");
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    match output.status.success() {
        true => Ok(()),
        false => {
            Err(format!("{header}.h, {flags:?}:\n{}", String::from_utf8_lossy(&output.stderr)))
        }
    }
}
