//! What the documents say of tests is so, their links lead somewhere, and their lines
//! are not too long.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

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

#[test]
fn the_minimum_rust_is_the_same_wherever_it_is_named() {
    let read = |name: &str| fs::read_to_string(repository().join(name)).unwrap();
    let manifest = read("Cargo.toml");
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let page = read("README.md");
    assert!(page.contains(&format!("Rust {version} or later")), "README.md: not {version}");
    let page = read("CONTRIBUTING.md");
    let named = format!("rustup toolchain install {version}`");
    assert!(page.contains(&named), "CONTRIBUTING.md: not {version}");
}

/// README and the pages beside it, and those in docs, with their paths.
fn pages() -> Vec<(PathBuf, String)> {
    let folders = [repository(), repository().join("docs")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    paths.filter(is_page).map(read).collect()
}

/// The lines of a page that are prose: neither code nor a row of a table.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence && !line.starts_with('|')
    })
}

#[test]
fn lines_of_prose_have_at_most_a_hundred_columns() {
    let pages = pages();
    assert!(pages.len() > 15, "{} pages", pages.len());
    for (path, text) in pages {
        for line in prose(&text) {
            assert!(line.chars().count() <= 100, "{}: {line}", path.display());
        }
    }
}

/// What GitHub calls a heading in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let mut links = 0;
    for (path, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.with_file_name(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                assert!(anchors.any(|anchor| anchor == heading), "{}: {link}", path.display());
            }
            links += 1;
        }
    }
    assert!(links > 40, "{links} links");
}
