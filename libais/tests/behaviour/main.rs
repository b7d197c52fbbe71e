//! docs/BEHAVIOUR.md says which codes each function returns, and the conformance
//! programs hold it: each row has a check in `ctests/conformance`, or the reason why
//! there is none; and each check has a row. README's program is legal C.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod c;
mod checks;
mod page;

use checks::{How, Pair, Programs};
use page::Check;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The functions that the headers declare.
fn api() -> BTreeSet<String> {
    let mut api = BTreeSet::new();
    for header in ["ais_clm.h", "ais_amf.h", "ais_ckpt.h"] {
        let text = fs::read_to_string(repository().join("include").join(header)).unwrap();
        let declared = text.lines().filter_map(|line| line.strip_prefix("SaErrorT "));
        api.extend(declared.filter_map(|line| Some(line.split_once('(')?.0.to_owned())));
    }
    assert_eq!(api.len(), 47);
    api
}

fn held(api: &BTreeSet<String>) -> BTreeMap<Pair, How> {
    Programs::new(&repository().join("ctests/conformance"), api).held()
}

/// What the page and the programs say of each other that is not so.
fn differences(page: &BTreeMap<Pair, Check>, held: &BTreeMap<Pair, How>) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((function, code), check) in page {
        let how = held.get(&(function.clone(), code.clone())).copied();
        let is_so = match check {
            Check::Exactly => how == Some(How::Exactly),
            Check::OrAnother => how == Some(How::OrAnother),
            Check::None => how.is_none(),
        };
        if !is_so {
            wrong.push(format!("{function}, {code}: {check:?} on the page, {how:?} in programs"));
        }
    }
    for (function, code) in held.keys().filter(|(_, code)| code != "SA_OK") {
        if !page.contains_key(&(function.clone(), code.clone())) {
            wrong.push(format!("{function}, {code}: not on the page"));
        }
    }
    wrong
}

#[test]
fn each_code_of_each_function_has_its_conformance_check() {
    let api = api();
    let text = fs::read_to_string(repository().join("docs/BEHAVIOUR.md")).unwrap();
    let page = page::read(&text);
    let functions: BTreeSet<_> = page.keys().map(|(function, _)| function.clone()).collect();
    assert_eq!(functions, api);
    let wrong = differences(&page, &held(&api));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_function_is_seen_to_succeed() {
    let api = api();
    let held = held(&api);
    for function in &api {
        let pair = (function.clone(), "SA_OK".to_owned());
        assert_eq!(held.get(&pair), Some(&How::Exactly), "{function}");
    }
}

#[test]
fn the_program_of_the_readme_compiles() {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let program = text.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.c");
    fs::write(&file, program).unwrap();
    let output = Command::new("cc")
        .args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"])
        .args([&repository().join("include"), &file])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
