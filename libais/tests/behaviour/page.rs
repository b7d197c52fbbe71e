//! The tables of return codes in docs/BEHAVIOUR.md.

use crate::checks::Pair;
use std::collections::BTreeMap;

/// What the page says of the check of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// A program has the function return it.
    Exactly,
    /// A program has the function return it or another code.
    OrAnother,
    /// There is none, and the page says why.
    None,
}

/// The pairs of function and code that the page has. There are two kinds of tables:
/// rows `| function | code | when |`, in which an empty first cell stands for the
/// function above; and one with a column for each code, whose cells are `yes`, `or`,
/// or the number of the reason why there is no check.
pub(crate) fn read(text: &str) -> BTreeMap<Pair, Check> {
    let mut pairs = BTreeMap::new();
    let mut header = Vec::new();
    let mut function = String::new();
    for line in text.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) else {
            header.clear();
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if header.is_empty() {
            header = cells;
            continue;
        }
        if header.first() != Some(&"function") || cells[0].starts_with('-') {
            continue;
        }
        if !cells[0].is_empty() {
            function = bare(cells[0]);
        }
        let found: Vec<(String, Check)> = if header[1] == "code" {
            assert!(cells.len() == 3 && !cells[2].is_empty(), "{line}");
            vec![(bare(cells[1]), Check::Exactly)]
        } else {
            let columns = header.iter().zip(&cells).skip(1).filter(|(_, cell)| !cell.is_empty());
            columns.map(|(code, cell)| (bare(code), check(cell, text))).collect()
        };
        for (code, check) in found {
            let code = format!("SA_ERR_{code}");
            let before = pairs.insert((function.clone(), code.clone()), check);
            assert!(before.is_none(), "{function}, {code}: twice on the page");
        }
    }
    pairs
}

/// What stands between backquotes.
fn bare(cell: &str) -> String {
    let bare = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
    bare.unwrap_or_else(|| panic!("no name: {cell}")).to_owned()
}

fn check(cell: &str, text: &str) -> Check {
    match cell {
        "yes" => Check::Exactly,
        "or" => Check::OrAnother,
        number => {
            let reason = format!("\n{}. ", number.parse::<u8>().unwrap());
            assert!(text.contains(&reason), "no reason {number}");
            Check::None
        }
    }
}
