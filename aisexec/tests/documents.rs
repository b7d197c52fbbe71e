//! What the documents say of tests is so, their links and paths lead somewhere, and
//! their lines are not too long. Source files begin as CONTRIBUTING.md says.

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

/// All source files of the repository.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources.extend(self::sources(&path));
        } else if name.ends_with(".rs") {
            sources.push(path);
        }
    }
    sources
}

#[test]
fn source_files_that_pages_name_are_there() {
    let (sources, mut paths) = (sources(&repository()), 0);
    let is_of_path = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    for (page, text) in pages() {
        // A service `lck` is the example of one that is not there.
        let words = text.split(|c| !is_of_path(c)).filter(|word| !word.contains("/lck"));
        for path in words.filter(|word| word.ends_with(".rs")) {
            let place = path.trim_start_matches("../");
            let is_there = sources.iter().any(|source| source.ends_with(place));
            assert!(is_there, "{}: {path}", page.display());
            paths += 1;
        }
    }
    assert!(paths > 200, "{paths} paths");
}

/// The block at the top of a file to which a line belongs: modules, re-exports,
/// imports. `None` if it begins another item.
fn block(line: &str) -> Option<u8> {
    let is_public = line.starts_with("pub");
    let is = |word: &str| match is_public {
        true => line.contains(&format!(" {word} ")),
        false => line.starts_with(&format!("{word} ")),
    };
    if is("mod") && line.ends_with(';') {
        Some(0)
    } else if is("use") {
        Some(if is_public { 1 } else { 2 })
    } else {
        None
    }
}

#[test]
fn source_files_begin_with_modules_then_re_exports_then_imports() {
    let sources = sources(&repository());
    assert!(sources.len() > 400, "{} files", sources.len());
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let (mut last, mut is_apart) = (None, true);
        for line in text.lines() {
            is_apart |= line.is_empty();
            // Not what is a comment, an attribute, or goes on.
            if !line.starts_with(char::is_alphabetic) {
                continue;
            }
            let Some(block) = block(line) else { break };
            let follows = last.is_none_or(|last| match is_apart {
                true => last < block,
                false => last == block,
            });
            assert!(follows, "{}: {line}", path.display());
            (last, is_apart) = (Some(block), false);
        }
    }
}
