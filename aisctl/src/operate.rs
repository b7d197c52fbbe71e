//! `aisctl amf lock` and the other administrative operations.

use crate::{Failure, Usage, print};
use ais::admin::{AdminState, NodeId, Operated, Operation, Target};
use ais::{AisError, Name};
use std::net::Ipv4Addr;
use std::process::ExitCode;

const OPERATIONS: [(&str, Operation); 5] = [
    ("lock", Operation::Lock),
    ("unlock", Operation::Unlock),
    ("shutdown", Operation::Shutdown),
    ("switch-over", Operation::SwitchOver),
    ("repaired", Operation::Repaired),
];

/// An operation that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operate<'a> {
    operation: Operation,
    kind: Kind,
    name: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Group,
    Unit,
    Component,
    Node,
}

const KINDS: [(&str, Kind); 4] = [
    ("group", Kind::Group),
    ("unit", Kind::Unit),
    ("component", Kind::Component),
    ("node", Kind::Node),
];

/// Understands what stands after `amf`.
pub(crate) fn parse<'a>(arguments: &[&'a str]) -> Result<Operate<'a>, Usage> {
    let [operation, kind, name] = arguments else {
        let text = "amf takes an operation, what it is for, and a name: amf lock unit NAME";
        return Err(Usage(text.into()));
    };
    let operation = find(&OPERATIONS, operation, "an operation of amf")?;
    let kind = find(&KINDS, kind, "something that amf knows")?;
    if name.is_empty() || name.len() > 256 {
        return Err(Usage("a name has 1 to 256 bytes".into()));
    }
    Ok(Operate { operation, kind, name })
}

fn find<T: Copy>(known: &[(&str, T)], word: &str, what: &str) -> Result<T, Usage> {
    let found = known.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
        let text = format!("\"{}\" is not {what}; give one of ", word.escape_debug());
        Usage(text + &words.join(", "))
    })
}

/// Has it done, and says what was done.
pub(crate) fn run(operate: &Operate<'_>, is_json: bool) -> Result<ExitCode, Failure> {
    let Operated { is_accepted, words } = ask(operate)?;
    if is_json {
        let text = serde_json::json!({ "accepted": is_accepted, "words": words });
        print(&format!("{text}\n"))?;
    } else if is_accepted {
        print(&format!("{words}\n"))?;
    } else {
        return Err(Failure::Words(words));
    }
    Ok(if is_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask(operate: &Operate<'_>) -> Result<Operated, Failure> {
    let name = || Name::try_from(operate.name).unwrap_or_default();
    let target = match operate.kind {
        Kind::Group => Target::Group(name()),
        Kind::Unit => Target::Unit(name()),
        Kind::Component => Target::Component(name()),
        Kind::Node => Target::Node(node(operate.name)?),
    };
    ais::admin::operate(operate.operation, target).map_err(|error| match error {
        // There is one, or it would not be asked through.
        AisError::TryAgain if ais::admin::status().is_ok() => Failure::Words(
            "not now: the node has no quorum, no state of the cluster yet, or another groups.conf \
             than the cluster; see aisctl status"
                .into(),
        ),
        error => error.into(),
    })
}

/// The node with this address, or the member with this name.
fn node(name: &str) -> Result<NodeId, Failure> {
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(NodeId::new(address));
    }
    let members = ais::clm::members()?.items;
    let mut named = members.iter().filter(|(node, _)| node.name.as_bytes() == name.as_bytes());
    match (named.next(), named.next()) {
        (Some((node, _)), None) => Ok(NodeId::new(node.address.into())),
        (Some(_), Some(_)) => Err(Failure::Words(format!(
            "several nodes are called {}; give the address of one",
            name.escape_debug()
        ))),
        (None, _) => Err(Failure::Words(format!(
            "no member of the cluster is called {}; give a nodename or an address of \
             aisctl members",
            name.escape_debug()
        ))),
    }
}

/// An administrative state for people.
pub(crate) fn admin_word(admin: AdminState) -> &'static str {
    match admin {
        AdminState::Unlocked => "unlocked",
        AdminState::ShuttingDown => "shut-down",
        AdminState::Locked => "locked",
    }
}

/// An operation for people.
pub(crate) fn operation_word(operation: Operation) -> &'static str {
    let found = OPERATIONS.iter().find(|(_, of)| *of == operation);
    found.map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_understood() {
        for (word, operation) in OPERATIONS {
            assert_eq!(operation_word(operation), word);
            for (kind_word, kind) in KINDS {
                let parsed = parse(&[word, kind_word, "x y"]);
                assert_eq!(parsed, Ok(Operate { operation, kind, name: "x y" }));
            }
        }
        let wrong = |arguments: &[&str]| parse(arguments).unwrap_err().0;
        assert!(wrong(&["lock"]).contains("amf lock unit NAME"));
        assert_eq!(
            wrong(&["look", "unit", "x"]),
            "\"look\" is not an operation of amf; give one of lock, unlock, shutdown, \
             switch-over, repaired"
        );
        assert_eq!(
            wrong(&["lock", "units", "x"]),
            "\"units\" is not something that amf knows; give one of group, unit, component, node"
        );
        assert!(wrong(&["lock", "unit", ""]).contains("1 to 256 bytes"));
    }
}
