//! Sizes, offsets and constants are those of the 2004 headers, as C sees them:
//! every line of `abi-lp64.txt` becomes an assertion for gcc, and where that
//! also makes programs of 32 bits, every line of `abi-ilp32.txt`.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A data model: the facts, and the flag with which gcc makes its programs.
struct Model {
    facts: &'static str,
    flag: &'static str,
}

const LP64: Model = Model { facts: include_str!("abi-lp64.txt"), flag: "-m64" };
const ILP32: Model = Model { facts: include_str!("abi-ilp32.txt"), flag: "-m32" };

/// The assertion for one fact. An alignment is that of a member, which on i386
/// is less than that of a variable.
fn assertion(fact: &str) -> String {
    let (kind, rest) = fact.split_once('(').expect("KIND(...)");
    let values: Vec<&str> = rest.trim_end_matches(')').split(',').map(str::trim).collect();
    let condition = match (kind, values.as_slice()) {
        ("SIZE", [name, size]) => format!("sizeof({name}) == {size}"),
        ("ALIGN", [name, bytes]) => {
            format!("offsetof(struct {{ char first; {name} second; }}, second) == {bytes}")
        }
        ("SIGNED", [name, signed]) => format!("(({name})-1 < ({name})1) == {signed}"),
        ("VALUE", [name, value]) => format!("{name} == {value}"),
        ("FIELD", [name, member, offset, size]) => format!(
            "offsetof({name}, {member}) == {offset} && sizeof((({name} *)0)->{member}) == {size}"
        ),
        _ => panic!("no such fact: {fact}"),
    };
    format!("_Static_assert({condition}, \"{fact}\");")
}

fn facts(model: &Model) -> Vec<&'static str> {
    model
        .facts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|fact| !fact.is_empty())
        .collect()
}

/// What gcc says about these assertions in this data model.
fn compile(model: &Model, assertions: &[String]) -> Result<(), String> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let mut gcc = Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"])
        .arg(model.flag)
        .arg("-I")
        .arg(include)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let headers = "#include <stddef.h>\n#include <ais_types.h>\n#include <ais_clm.h>\n\
                   #include <ais_amf.h>\n#include <ais_ckpt.h>\n";
    let source = format!("{headers}{}\n", assertions.join("\n"));
    gcc.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let output = gcc.wait_with_output().unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn every_fact_holds(model: &Model) {
    let assertions: Vec<String> = facts(model).into_iter().map(assertion).collect();
    assert!(assertions.len() > 300, "only {} facts were read", assertions.len());
    compile(model, &assertions).unwrap();
}

#[test]
#[cfg(target_arch = "x86_64")]
fn every_fact_holds_in_c_on_lp64() {
    every_fact_holds(&LP64);
}

/// gcc needs nothing of a 32-bit system to tell sizes.
#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn every_fact_holds_in_c_on_ilp32() {
    every_fact_holds(&ILP32);
}

/// Both tables tell of the same types, members and constants.
#[test]
fn no_fact_is_missing() {
    let subjects = |model| -> Vec<String> {
        facts(model)
            .into_iter()
            .map(|fact| {
                let of = if fact.starts_with("FIELD") { 2 } else { 1 };
                fact.split(',').take(of).collect()
            })
            .collect()
    };
    assert_eq!(subjects(&LP64), subjects(&ILP32));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_fact_that_does_not_hold_is_noticed() {
    for wrong in [
        "SIZE(SaUint32T,4)",
        "SIGNED(SaSizeT,0)",
        "ALIGN(SaTimeT,4)",
        "FIELD(SaClmClusterNodeT,member,588,4)",
        "FIELD(SaClmClusterNodeT,member,592,8)",
        "VALUE(SA_ERR_SYSTEM,16)",
    ] {
        assert!(compile(&LP64, &[assertion(wrong)]).is_err(), "{wrong}");
    }
    for wrong in [
        "SIZE(SaUint32T,8)",
        "SIGNED(SaInt32T,0)",
        "ALIGN(SaTimeT,8)",
        "FIELD(SaCkptSectionCreationAttributesT,expirationTime,8,8)",
    ] {
        assert!(compile(&ILP32, &[assertion(wrong)]).is_err(), "{wrong}");
    }
}
