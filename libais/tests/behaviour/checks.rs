//! What the conformance programs hold: which function returns which codes.

use crate::c::{self, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How a code is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// It may be this code or another one.
    OrAnother,
    /// It has to be this code.
    Exactly,
}

/// A function and a code that it returns.
pub(crate) type Pair = (String, String);

/// The members of `struct service`, which stand for a function of each service.
const MEMBERS: [(&str, [&str; 3]); 5] = [
    ("initialize", ["saClmInitialize", "saCkptInitialize", "saAmfInitialize"]),
    ("finalize", ["saClmFinalize", "saCkptFinalize", "saAmfFinalize"]),
    ("dispatch", ["saClmDispatch", "saCkptDispatch", "saAmfDispatch"]),
    (
        "selection_object_get",
        ["saClmSelectionObjectGet", "saCkptSelectionObjectGet", "saAmfSelectionObjectGet"],
    ),
    (
        "ask",
        ["saClmClusterNodeGetAsync", "saCkptCheckpointOpenAsync", "saAmfProtectionGroupTrackStart"],
    ),
];

/// How deep helpers call each other.
const DEPTH: usize = 5;

/// The sources of the programs, and the functions of the API.
pub(crate) struct Programs<'a> {
    sources: BTreeMap<PathBuf, Source>,
    api: &'a BTreeSet<String>,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(folder: &Path, api: &'a BTreeSet<String>) -> Self {
        Self { sources: c::sources(folder), api }
    }

    /// All that the programs hold.
    pub(crate) fn held(&self) -> BTreeMap<Pair, How> {
        let mut held = BTreeMap::new();
        let mut hold = |functions: &BTreeSet<String>, codes: &BTreeSet<String>, how: How| {
            for function in functions {
                for code in codes {
                    let pair = (function.clone(), code.clone());
                    let known = held.entry(pair).or_insert(how);
                    *known = how.max(*known);
                }
            }
        };
        for source in self.sources.values() {
            for (place, functions, codes) in self.equalities(source) {
                let codes = self.codes(source, place, codes);
                hold(&functions, &codes, How::Exactly);
            }
            for (_, call) in c::calls(&source.text, "CHECK_BAD_HANDLES") {
                let codes = ["SA_ERR_INVALID_PARAM", "SA_ERR_BAD_HANDLE"].map(str::to_owned);
                hold(&self.functions(source, call, DEPTH), &codes.into(), How::Exactly);
            }
            let all_at_once = c::calls(&source.text, "CHECK_CALLS_AT_ONCE");
            for (_, arguments) in c::calls(&source.text, "CHECK_CALLS").chain(all_at_once) {
                let [table, codes @ ..] = &c::split(arguments)[..] else { continue };
                let codes = tokens(&codes.join(" "));
                let how = if codes.len() == 1 { How::Exactly } else { How::OrAnother };
                hold(&self.of_table(source, table), &codes, how);
            }
        }
        held
    }

    /// Checks that a call returns something: where, which functions, what.
    fn equalities<'s>(&self, source: &'s Source) -> Vec<(usize, BTreeSet<String>, &'s str)> {
        let mut found = Vec::new();
        for name in ["CHECK_EQ", "NEED_EQ"] {
            for (place, arguments) in c::calls(&source.text, name) {
                let [call, code] = c::split(arguments)[..] else { continue };
                found.push((place, self.functions_at(source, place, call), code));
            }
        }
        for name in ["CHECK", "AWAIT", "TRACK_AWAIT"] {
            for (place, condition) in c::calls(&source.text, name) {
                for (equals, _) in condition.match_indices(" == SA_") {
                    let Some(call) = call_that_ends(&condition[..equals]) else { continue };
                    let code = condition[equals + 4..].split(|c| !c::in_name(c)).next();
                    let functions = self.functions(source, call, DEPTH);
                    found.push((place, functions, code.unwrap_or_default()));
                }
            }
        }
        found
    }

    /// Of which functions an expression is the result: a call, or a variable with
    /// the result of one.
    fn functions_at(&self, source: &Source, place: usize, expression: &str) -> BTreeSet<String> {
        if expression.contains('(') {
            return self.functions(source, expression, DEPTH);
        }
        let name = c::last_word(expression);
        let is_field = name != expression;
        let scope = match source.function_at(place) {
            Some((_, function)) if !is_field => &source.text[function.body.start..place],
            _ if is_field => &source.text,
            _ => return BTreeSet::new(),
        };
        let mut assigned: Vec<_> = assignments(scope, name).collect();
        if !is_field {
            assigned.drain(..assigned.len().saturating_sub(1));
        }
        assigned.into_iter().flat_map(|value| self.functions(source, value, DEPTH)).collect()
    }

    /// The functions of the API whose result a call returns, itself or through
    /// helpers.
    fn functions(&self, source: &Source, call: &str, depth: usize) -> BTreeSet<String> {
        let Some((callee, _)) = call.split_once('(') else { return BTreeSet::new() };
        let name = c::last_word(callee);
        if self.api.contains(name) {
            return BTreeSet::from([name.to_owned()]);
        }
        if let Some(functions) = member(callee, name) {
            return functions;
        }
        let Some((source, function)) = self.helper(source, name).filter(|_| depth > 0) else {
            return BTreeSet::new();
        };
        let body = &source.text[function.body.clone()];
        let mut found = BTreeSet::new();
        for place in c::places(body, "return") {
            let value = body[place + "return".len()..].split(';').next().unwrap_or_default().trim();
            if value.contains('(') {
                found.append(&mut self.functions(source, value, depth - 1));
            } else {
                for value in assignments(body, value) {
                    found.append(&mut self.functions(source, value, depth - 1));
                }
            }
        }
        found
    }

    /// A function that a source or one that it includes defines.
    fn helper(&self, source: &Source, name: &str) -> Option<(&Source, &c::Function)> {
        source.includes.iter().find_map(|path| {
            let source = &self.sources[path];
            source.functions.get(name).map(|function| (source, function))
        })
    }

    /// The functions that a table of calls has.
    fn of_table(&self, source: &Source, table: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for path in &source.includes {
            let source = &self.sources[path];
            for (begin, _) in source.text.match_indices(&format!(" {table}[] = {{")) {
                let open = begin + source.text[begin..].find('{').unwrap_or(0);
                let rows = &source.text[open..c::closing(&source.text, open)];
                for row in rows.split('{') {
                    let helper = row.split('}').next().unwrap_or_default();
                    let call = format!("{}(", c::last_word(helper));
                    found.append(&mut self.functions(source, &call, DEPTH));
                }
            }
        }
        found
    }

    /// The codes that an expression names; if it is a parameter, those that the
    /// callers give.
    fn codes(&self, source: &Source, place: usize, expression: &str) -> BTreeSet<String> {
        let codes = tokens(expression);
        if !codes.is_empty() {
            return codes;
        }
        let Some((name, function)) = source.function_at(place) else { return codes };
        let is_it = |parameter: &String| parameter == expression;
        let Some(index) = function.parameters.iter().position(is_it) else { return codes };
        let is_seen_by = |other: &&Source| {
            other.includes.iter().any(|path| std::ptr::eq(&raw const self.sources[path], source))
        };
        let callers = self.sources.values().filter(is_seen_by);
        callers
            .flat_map(|caller| c::calls(&caller.text, name))
            .filter_map(|(_, arguments)| c::split(arguments).get(index).copied())
            .flat_map(tokens)
            .collect()
    }
}

/// The functions behind a member of `struct service`.
fn member(callee: &str, name: &str) -> Option<BTreeSet<String>> {
    let (_, functions) = MEMBERS.iter().find(|(member, _)| *member == name)?;
    let owner = callee.trim().strip_suffix(name)?;
    let owner = owner.strip_suffix("->").or(owner.strip_suffix('.'))?;
    let one = match owner {
        "clm_service" => Some(0),
        "ckpt_service" => Some(1),
        "amf_service" => Some(2),
        _ => None,
    };
    let is_it = |index: &usize| one.is_none_or(|one| one == *index);
    Some((0..3).filter(is_it).map(|index| functions[index].to_owned()).collect())
}

/// The call with which a text ends, if it ends with one.
fn call_that_ends(text: &str) -> Option<&str> {
    let mut depth = 0;
    let open = text.strip_suffix(')')?.char_indices().rev().find(|(_, c)| {
        depth += match c {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        depth < 0
    })?;
    let before = text[..open.0].trim_end_matches(|c| c::in_name(c) || "->.".contains(c));
    Some(&text[before.len()..])
}

/// What a variable or a field is set to.
fn assignments<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    c::places(text, name).filter_map(move |place| {
        let value = text[place + name.len()..].strip_prefix(" = ")?;
        value.split(';').next()
    })
}

/// The codes in a text.
fn tokens(text: &str) -> BTreeSet<String> {
    let is_code = |word: &&str| *word == "SA_OK" || word.starts_with("SA_ERR_");
    text.split(|c| !c::in_name(c)).filter(is_code).map(str::to_owned).collect()
}
