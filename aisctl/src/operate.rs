//! `aisctl amf lock` and the other administrative operations.

use crate::escape::quoted;
use crate::given::Given;
use crate::output::print;
use crate::words::OPERATIONS;
use crate::{Failure, escape, explain};
use ais_client::admin::{Component, NodeId, Operated, Target};
use ais_client::clm::{Change, Node};
use ais_client::{AisError, Name};
use std::net::Ipv4Addr;
use std::process::ExitCode;

/// What an operation is for.
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

/// Has it done, and says what was done.
pub(crate) fn run(given: &Given) -> Result<ExitCode, Failure> {
    let (kind, name) = parse(given)?;
    let operation = OPERATIONS.iter().find(|(word, _)| given.command.words.last() == Some(word));
    let (_, operation) = operation.ok_or(AisError::NotSupported)?;
    let target = match kind {
        Kind::Group => Target::Group(name.clone()),
        Kind::Unit => Target::Unit(name.clone()),
        Kind::Component => Target::Component(name.clone()),
        Kind::Node => Target::Node(node(&name)?),
    };
    let Operated { is_accepted, mut words } = ais_client::admin::operate(*operation, target)
        .map_err(|error| match error {
            AisError::Timeout | AisError::Library => {
                let words = explain::words(&error.into());
                Failure::Words(format!("{words}; whether it is done is to be seen in `aisctl amf`"))
            }
            error => error.into(),
        })?;
    if !is_accepted {
        words.push_str(&known(kind, &name));
    }
    let code = if is_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if given.is_json() {
        let text = serde_json::json!({ "accepted": is_accepted, "words": words });
        print(&format!("{text}\n"))?;
    } else if is_accepted {
        print(&format!("{}\n", escape::printable(&words)))?;
    } else {
        return Err(Failure::Words(words));
    }
    Ok(code)
}

/// What it is for: the kind, and the name.
fn parse(given: &Given) -> Result<(Kind, Name), Failure> {
    let word = given.value(0);
    let found = KINDS.iter().find(|(known, _)| word == *known);
    let (_, kind) = found.ok_or_else(|| {
        let kinds: Vec<_> = KINDS.iter().map(|(word, _)| *word).collect();
        let text = format!("{} is nothing that amf knows; give one of ", quoted(word));
        Failure::Usage(text + &kinds.join(", "))
    })?;
    let name = given.name(1)?;
    if name.as_bytes().is_empty() {
        return Err(Failure::Usage("the name is empty; a name has 1 to 256 bytes".into()));
    }
    Ok((*kind, name))
}

/// The node with this address, or the member with this name.
fn node(name: &Name) -> Result<NodeId, Failure> {
    let address = std::str::from_utf8(name.as_bytes()).ok();
    if let Some(address) = address.and_then(|text| text.parse::<Ipv4Addr>().ok()) {
        return Ok(NodeId::new(address));
    }
    let members = ais_client::clm::members()?.items;
    let mut named = members.iter().filter(|(node, _)| node.name == *name);
    match (named.next(), named.next()) {
        (Some((node, _)), None) => Ok(NodeId::new(node.address.into())),
        (Some(_), Some(_)) => {
            Err(Failure::Words(format!("several nodes are called {name}; give the address of one")))
        }
        (None, _) => {
            let text = format!("no member of the cluster is called {name}; there are ");
            Err(Failure::Words(text + &escape::some_of(shown(&members), "`aisctl members`")))
        }
    }
}

/// Members as they can be named.
fn shown(members: &[(Node, Change)]) -> impl Iterator<Item = String> {
    members.iter().map(|(node, _)| format!("{} ({})", Ipv4Addr::from(node.address), node.name))
}

/// What there is, if there is nothing of this name. It is a help only: the
/// operation has been answered.
fn known(kind: Kind, name: &Name) -> String {
    let of: fn(&Component) -> &Name = match kind {
        Kind::Group => |component| &component.group,
        Kind::Unit => |component| &component.unit,
        Kind::Component => |component| &component.name,
        Kind::Node => return known_members(name),
    };
    let components = ais_client::admin::components().unwrap_or_default();
    let mut names: Vec<_> = components.iter().map(of).collect();
    names.dedup();
    if names.is_empty() || names.contains(&name) {
        return String::new();
    }
    let names = names.iter().map(ToString::to_string);
    format!("; there are {}", escape::some_of(names, "`aisctl amf`"))
}

/// The same for a node that was named by its address.
fn known_members(name: &Name) -> String {
    let members = ais_client::clm::members().map(|tracked| tracked.items).unwrap_or_default();
    let is_named =
        |address: [u8; 4]| *Ipv4Addr::from(address).to_string().as_bytes() == *name.as_bytes();
    if members.is_empty() || members.iter().any(|(node, _)| is_named(node.address)) {
        return String::new();
    }
    format!("; there are {}", escape::some_of(shown(&members), "`aisctl members`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::operation_word;

    #[test]
    fn what_it_is_for_is_understood() {
        for (word, operation) in OPERATIONS {
            assert_eq!(operation_word(operation), word);
            for (kind_word, kind) in KINDS {
                let given = Given::of(&["amf", word, kind_word, "x y\\x00"]);
                let name = Name::new(b"x y\0").unwrap();
                assert_eq!(parse(&given).unwrap(), (kind, name));
            }
        }
        let wrong = |kind, name| match parse(&Given::of(&["amf", "lock", kind, name])) {
            Err(Failure::Usage(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            wrong("units", "x"),
            "\"units\" is nothing that amf knows; give one of group, unit, component, node"
        );
        assert!(wrong("unit", "").contains("1 to 256 bytes"));
        assert!(wrong("unit", &"n".repeat(257)).contains("at most 256 bytes"));
    }
}
