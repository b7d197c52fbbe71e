//! `aisctl ckpt refs`: who has a checkpoint open.

use super::take;
use crate::Failure;
use crate::show::{Report, columns, option, units};
use ais::Name;
use ais::admin::{Inspected, NodeId, Opener};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A checkpoint and who has it open. Only the own node knows its processes.
pub(super) struct Shown {
    node: NodeId,
    inspected: Inspected,
    /// The command of each process, where it could be read.
    commands: Vec<Option<String>>,
}

pub(super) fn get(name: Name) -> Result<Shown, Failure> {
    let node = ais::admin::status()?.node;
    let inspected = take(&name)?.inspected().clone();
    let command = |opener: &Opener| {
        let text = std::fs::read(format!("/proc/{}/comm", opener.process)).ok()?;
        Some(text.trim_ascii_end().escape_ascii().to_string())
    };
    let commands = inspected.openers.iter().map(command).collect();
    Ok(Shown { node, inspected, commands })
}

impl Shown {
    fn processes(&self) -> impl Iterator<Item = (&Opener, Option<&str>)> {
        let commands = self.commands.iter().map(Option::as_deref);
        self.inspected.openers.iter().zip(commands)
    }

    fn head(&self) -> String {
        let Inspected { checkpoint, attributes, .. } = &self.inspected;
        let mut text = format!("{}, {}", checkpoint.name, option(checkpoint.option));
        // Writing to a string does not fail.
        if self.inspected.colocated {
            let active = self.inspected.active.map(|node| node.to_string());
            let active = active.unwrap_or("none".into());
            let _ = write!(text, ", colocated, active replica: {active}");
        }
        if checkpoint.unlinked {
            text.push_str(", unlinked: its last close is its end");
        } else {
            let retention = units::retention(attributes.retention_duration);
            let _ = write!(text, ", retained for {retention}");
        }
        if let Some(remaining) = self.inspected.remaining {
            let remaining = units::retention(remaining.try_into().unwrap_or(i64::MAX));
            let _ = write!(text, ", closed, {remaining} left");
        }
        text
    }
}

impl Report for Shown {
    fn table(&self) -> String {
        let mut rows = vec![["NODE", "OPENS", "PROCESSES"].map(str::to_owned)];
        for (node, opens) in &self.inspected.checkpoint.references {
            let mut processes = String::from("(ask there)");
            if *node == self.node {
                let process = |(opener, command): (&Opener, Option<&str>)| {
                    format!("{} {}:{}", opener.process, command.unwrap_or("?"), opener.opens)
                };
                processes = self.processes().map(process).collect::<Vec<_>>().join(", ");
            }
            rows.push([node.to_string(), opens.to_string(), processes]);
        }
        let table = if rows.len() > 1 { columns(&rows) } else { "nobody has it open\n".into() };
        format!("{}\n{table}", self.head())
    }

    fn json(&self) -> Value {
        let Inspected { checkpoint, attributes, colocated, active, remaining, .. } =
            &self.inspected;
        let process = |(opener, command): (&Opener, Option<&str>)| json!({ "pid": opener.process, "command": command, "opens": opener.opens });
        let node = |(node, opens): &(NodeId, u32)| {
            let is_own = *node == self.node;
            let processes = is_own.then(|| self.processes().map(process).collect::<Vec<_>>());
            json!({ "node": node.to_string(), "opens": opens, "processes": processes })
        };
        json!({
            "name": checkpoint.name.to_string(),
            "unlinked": checkpoint.unlinked,
            "option": option(checkpoint.option),
            "colocated": colocated,
            "active": active.map(|node| node.to_string()),
            "retention_ns": attributes.retention_duration,
            "remaining_ns": remaining,
            "nodes": checkpoint.references.iter().map(node).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::assert_documented;
    use ais::admin::Checkpoint;
    use ais::ckpt::{Attributes, UpdateOption};

    const ONE: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn shown() -> Shown {
        Shown {
            node: ONE,
            inspected: Inspected {
                checkpoint: Checkpoint {
                    name: Name::try_from("a").unwrap(),
                    sections: 1,
                    bytes: 0,
                    unlinked: false,
                    retention: 5_000_000_000,
                    option: UpdateOption::ActiveReplica,
                    references: vec![(ONE, 3), (TWO, 1)],
                },
                attributes: Attributes {
                    option: UpdateOption::ActiveReplica,
                    checkpoint_size: 0,
                    retention_duration: 5_000_000_000,
                    max_sections: 1,
                    max_section_size: 0,
                    max_section_id_size: 0,
                },
                colocated: true,
                active: Some(TWO),
                remaining: None,
                openers: vec![Opener { process: 71, opens: 2 }, Opener { process: 72, opens: 1 }],
            },
            commands: vec![Some("writer".into()), None],
        }
    }

    #[test]
    fn processes_stand_beside_their_node() {
        let shown = shown();
        assert_eq!(
            shown.table(),
            "a, active-replica, colocated, active replica: 10.0.0.2, retained for 5 s\n\
             NODE      OPENS  PROCESSES\n\
             10.0.0.1  3      71 writer:2, 72 ?:1\n\
             10.0.0.2  1      (ask there)\n"
        );
        let json = shown.json();
        assert_documented(&json, &[]);
        assert_eq!(json["nodes"][1]["processes"], Value::Null);
        let process = json!({ "pid": 71, "command": "writer", "opens": 2 });
        assert_eq!(json["nodes"][0]["processes"][0], process);
    }

    #[test]
    fn what_is_closed_says_what_is_left() {
        let mut shown = shown();
        shown.inspected.checkpoint.references.clear();
        shown.inspected.remaining = Some(2_500_000_000);
        let expected = "retained for 5 s, closed, 2.500 s left\nnobody has it open\n";
        assert!(shown.table().ends_with(expected), "{}", shown.table());
    }
}
