//! What the documents say of tests is so.

use std::fs;
use std::path::{Path, PathBuf};

/// Where a path in docs/LIMITS.md may begin.
const FOLDERS: [&str; 4] = ["crates/ais-node/src", "crates", "aisexec/src", "aisexec/tests"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The text of a source file, by a path that may leave out where it begins.
fn source(path: &str) -> String {
    let read = |folder: &str| fs::read_to_string(repository().join(folder).join(path)).ok();
    FOLDERS.iter().find_map(|folder| read(folder)).unwrap_or_else(|| panic!("no file {path}"))
}

fn has_test(source: &str, name: &str) -> bool {
    source.split("#[test]").skip(1).any(|rest| {
        let function = rest.trim_start().strip_prefix("fn ");
        function.is_some_and(|function| function.starts_with(&format!("{name}(")))
    })
}

#[test]
fn every_limit_has_a_test_that_reaches_it() {
    let text = fs::read_to_string(repository().join("docs/LIMITS.md")).unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| what |");
    let rows: Vec<_> = text.lines().filter(is_row).filter(|line| !line.contains("---")).collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for row in rows {
        let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        let (mut of_file, mut tests) = (None, 0);
        for name in quoted(cell) {
            if name.ends_with(".rs") {
                of_file = Some((name, source(name)));
            } else {
                let (path, source) = of_file.as_ref().unwrap_or_else(|| panic!("no file: {row}"));
                assert!(has_test(source, name), "{path} has no test {name}: {row}");
                tests += 1;
            }
        }
        assert!(tests > 0, "no test: {row}");
    }
}
