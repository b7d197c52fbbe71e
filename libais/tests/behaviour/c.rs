//! C sources as text: enough of C to find which call a check is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

/// A function that a source defines.
pub(crate) struct Function {
    /// The names of its parameters, in order.
    pub(crate) parameters: Vec<String>,
    /// Where its body stands in the text, braces included.
    pub(crate) body: Range<usize>,
}

/// A source, without comments and without what stands between quotes.
pub(crate) struct Source {
    /// The text, as long as the file.
    pub(crate) text: String,
    /// Itself and the files of the tree that it includes, by path.
    pub(crate) includes: BTreeSet<PathBuf>,
    /// The functions that it defines, by name.
    pub(crate) functions: BTreeMap<String, Function>,
}

impl Source {
    /// The function in whose body a place is.
    pub(crate) fn function_at(&self, place: usize) -> Option<(&String, &Function)> {
        self.functions.iter().find(|(_, function)| function.body.contains(&place))
    }
}

/// All C and C++ sources under a folder, by their paths in it.
pub(crate) fn sources(folder: &Path) -> BTreeMap<PathBuf, Source> {
    let mut texts = BTreeMap::new();
    read(folder, Path::new(""), &mut texts);
    let mut sources = BTreeMap::new();
    for (path, text) in &texts {
        let mut includes = BTreeSet::new();
        include(path, &texts, &mut includes);
        let text = bare(text);
        let functions = functions(&text);
        sources.insert(path.clone(), Source { text, includes, functions });
    }
    sources
}

fn read(folder: &Path, below: &Path, texts: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            read(folder, &path, texts);
        } else if path.extension().is_some_and(|end| end == "c" || end == "h" || end == "cc") {
            texts.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Notes a file and those of the tree that it includes.
fn include(path: &Path, texts: &BTreeMap<PathBuf, String>, found: &mut BTreeSet<PathBuf>) {
    let Some(text) = texts.get(path) else { return };
    if !found.insert(path.to_owned()) {
        return;
    }
    for line in text.lines() {
        let Some(name) = line.strip_prefix("#include \"") else { continue };
        let name = name.trim_end().trim_end_matches('"');
        include(&plain(&path.with_file_name(name)), texts, found);
    }
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// The text with blanks for comments and for what stands between quotes.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let (mut rest, mut quote) = (text, None);
    while let Some(next) = rest.chars().next() {
        let ends = match quote {
            Some('/') => rest.starts_with("*/").then_some(2),
            Some(mark) => (next == mark).then_some(1),
            None => None,
        };
        let length = match (quote, ends) {
            (_, Some(length)) => length,
            (Some('"' | '\''), None) if next == '\\' => 2,
            (None, _) if rest.starts_with("/*") => 2,
            _ => next.len_utf8(),
        };
        let (taken, left) = rest.split_at(length);
        let is_hidden = quote.is_some_and(|mark| ends.is_none() || mark == '/');
        match taken {
            "/*" if quote.is_none() => quote = Some('/'),
            "\"" | "'" if quote.is_none() => quote = Some(next),
            _ if ends.is_some() => quote = None,
            _ => {}
        }
        let hide = |c: char| if c == '\n' { '\n' } else { ' ' };
        if is_hidden || quote == Some('/') {
            bare.extend(taken.chars().map(hide));
        } else {
            bare.push_str(taken);
        }
        rest = left;
    }
    bare
}

/// Functions begin at the start of a line and have their opening brace alone on one.
fn functions(text: &str) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    for (brace, _) in text.match_indices("\n{") {
        let head = &text[..brace];
        let begin = head.rfind("\n\n").max(head.rfind("}\n")).max(head.rfind(";\n"));
        let head = head[begin.unwrap_or(0)..].trim();
        let Some((before, parameters)) = head.split_once('(') else { continue };
        let Some(parameters) = parameters.strip_suffix(')') else { continue };
        let name = last_word(before).to_owned();
        let parameters = split(parameters).into_iter().map(|of| last_word(of).to_owned()).collect();
        let body = brace + 1..closing(text, brace + 1) + 1;
        functions.insert(name, Function { parameters, body });
    }
    functions
}

/// Whether a character may stand in a name.
pub(crate) fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name at the end of a text.
pub(crate) fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    text.rsplit(|c| !in_name(c)).next().unwrap_or(text)
}

/// Where the bracket that opens at `open` closes; the end if it does not.
pub(crate) fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (place, c) in text[open..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + place;
        }
    }
    text.len()
}

/// What commas divide that stand in no brackets.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (place, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[begin..place].trim());
                begin = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    parts
}

/// The places where a name stands in a text, by itself.
pub(crate) fn places<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(name).map(|(place, _)| place).filter(move |place| {
        let is_free = |c: Option<char>| !c.is_some_and(in_name);
        is_free(text[..*place].chars().next_back())
            && is_free(text[place + name.len()..].chars().next())
    })
}

/// The arguments of each call of a function or macro, and where they begin.
pub(crate) fn calls<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    places(text, name).filter_map(move |place| {
        let open = place + name.len();
        let line = text[..place].rsplit('\n').next().unwrap_or_default();
        let is_call = text[open..].starts_with('(') && !line.trim_start().starts_with("#define");
        is_call.then(|| (open + 1, &text[open + 1..closing(text, open)]))
    })
}
