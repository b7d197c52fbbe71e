//! Sizes, offsets and constants are those of the 2004 headers on LP64, as C
//! sees them: every line of `abi-lp64.txt` becomes an assertion for gcc.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const FACTS: &str = include_str!("abi-lp64.txt");

/// The assertion for one fact.
fn assertion(fact: &str) -> String {
    let (kind, rest) = fact.split_once('(').expect("KIND(...)");
    let values: Vec<&str> = rest.trim_end_matches(')').split(',').map(str::trim).collect();
    let condition = match (kind, values.as_slice()) {
        ("SIZE", [name, size]) => format!("sizeof({name}) == {size}"),
        ("SIGNED", [name, signed]) => format!("(({name})-1 < ({name})1) == {signed}"),
        ("VALUE", [name, value]) => format!("{name} == {value}"),
        ("FIELD", [name, member, offset, size]) => format!(
            "offsetof({name}, {member}) == {offset} && sizeof((({name} *)0)->{member}) == {size}"
        ),
        _ => panic!("no such fact: {fact}"),
    };
    format!("_Static_assert({condition}, \"{fact}\");")
}

fn facts() -> Vec<&'static str> {
    FACTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|fact| !fact.is_empty())
        .collect()
}

/// What gcc says about these assertions.
fn compile(assertions: &[String]) -> Result<(), String> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let mut gcc = Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", "-I"])
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

#[test]
fn every_fact_holds_in_c() {
    let assertions: Vec<String> = facts().into_iter().map(assertion).collect();
    assert!(assertions.len() > 280, "only {} facts were read", assertions.len());
    compile(&assertions).unwrap();
}

#[test]
fn a_fact_that_does_not_hold_is_noticed() {
    for wrong in [
        "SIZE(SaUint32T,4)",
        "SIGNED(SaSizeT,0)",
        "FIELD(SaClmClusterNodeT,member,588,4)",
        "FIELD(SaClmClusterNodeT,member,592,8)",
        "VALUE(SA_ERR_SYSTEM,16)",
    ] {
        assert!(compile(&[assertion(wrong)]).is_err(), "{wrong}");
    }
}
