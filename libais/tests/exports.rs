//! The shared library exports the 47 functions of A.01.01 and nothing else, with
//! a version, under the soname that old programs look for; and programs that
//! were linked before there were versions run with it.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod built;

use built::built;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The version of all that A.01.01 has.
const VERSION: &str = "LIBAIS_A.01.01";

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
        // The version itself.
        .filter(|name| *name != VERSION)
        .map(str::to_owned)
        .collect();
    assert_eq!(exported.len(), 47);
    // The default version, by which a program finds it that asks for none.
    let versioned = |name: String| format!("{name}@@{VERSION}");
    assert_eq!(exported, declared().into_iter().map(versioned).collect());
}

/// A program that asks the library for two functions, of which those of a stub
/// answer as no library would.
const PROGRAM: &str = "\
#include <ais_clm.h>
#include <ais_ckpt.h>
int main(void)
{
\tif (saClmInitialize(0, 0, 0) != SA_ERR_INVALID_PARAM)
\t\treturn 1;
\treturn saCkptCheckpointClose(0) == SA_ERR_INVALID_PARAM ? 0 : 2;
}
";
const STUB: &str = "\
int saClmInitialize(void *handle, void *callbacks, void *version) { return 77; }
int saCkptCheckpointClose(void *handle) { return 77; }
";

/// Links the program with a library and tells which versions it asks for, once
/// it has run with the library of this build.
fn versions_asked_for(directory: &Path, linked_with: &Path) -> String {
    let program = directory.join("program");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    run(Command::new("gcc")
        .arg("-o")
        .arg(&program)
        .arg("-I")
        .arg(include)
        .arg(directory.join("program.c"))
        .arg(linked_with));
    let place = directory.join("new");
    run(Command::new(&program).env("LD_LIBRARY_PATH", place).env("LD_BIND_NOW", "1"));
    run(Command::new("readelf").arg("-V").arg(&program))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn programs_run_that_were_linked_before_there_were_versions() {
    let directory = env::temp_dir().join(format!("ais-versions-{}", std::process::id()));
    let new = directory.join("new/libais.so.1");
    fs::create_dir_all(new.parent().unwrap()).unwrap();
    fs::copy(built("libais.so"), &new).unwrap();
    fs::write(directory.join("program.c"), PROGRAM).unwrap();
    fs::write(directory.join("stub.c"), STUB).unwrap();
    let old = directory.join("libais.so.1");
    run(Command::new("gcc")
        .args(["-shared", "-fPIC", "-Wl,-soname,libais.so.1", "-o"])
        .arg(&old)
        .arg(directory.join("stub.c")));
    let asked_before = versions_asked_for(&directory, &old);
    assert!(!asked_before.contains(VERSION), "{asked_before}");
    let asked_now = versions_asked_for(&directory, &new);
    assert!(asked_now.contains(VERSION), "{asked_now}");
    fs::remove_dir_all(&directory).unwrap();
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
