//! The shared library exports the 47 functions of A.01.01 and nothing else
//! that begins with `sa`, under the soname that old programs look for.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod built;

use built::built;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a program says of the shared library.
fn output(program: &str, arguments: &[&str]) -> String {
    let library = built("libais.so");
    let output = Command::new(program).args(arguments).arg(library).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The functions that the headers declare.
fn declared() -> BTreeSet<String> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let mut names = BTreeSet::new();
    for header in ["ais_clm.h", "ais_amf.h", "ais_ckpt.h"] {
        let text = fs::read_to_string(include.join(header)).unwrap();
        names.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("SaErrorT "))
                .filter_map(|line| Some(line.split_once('(')?.0.to_owned())),
        );
    }
    names
}

#[test]
fn exactly_the_declared_functions_are_exported() {
    let exported: BTreeSet<String> = output("nm", &["-D", "--defined-only"])
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|name| name.to_lowercase().starts_with("sa"))
        .map(str::to_owned)
        .collect();
    assert_eq!(exported.len(), 47);
    assert_eq!(exported, declared());
}

/// Threads and forks call what the library has set for their end.
#[test]
fn the_library_stays_loaded() {
    let dynamic = output("readelf", &["-d"]);
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(flags.contains("NODELETE"), "{dynamic}");
    let path = CString::new(built("libais.so").into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: a path, and what dlopen has returned; the library runs nothing
    // when it is loaded.
    unsafe {
        let loaded = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!loaded.is_null());
        assert_eq!(libc::dlclose(loaded), 0);
        let again = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD);
        assert_eq!(again, loaded);
    }
}

#[test]
fn the_soname_is_that_of_the_2004_library() {
    let dynamic = output("readelf", &["-d"]);
    assert!(dynamic.contains("Library soname: [libais.so.1]"), "{dynamic}");
}
