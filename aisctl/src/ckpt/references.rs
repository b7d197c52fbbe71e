//! `aisctl ckpt refs`: who has a checkpoint open.

use super::take;
use crate::Failure;
use crate::show::{Report, columns, option, units};
use ais_client::Name;
use ais_client::admin::{Inspected, NodeId, Opener};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// How long a node may take to name its processes.
const PATIENCE: Duration = Duration::from_secs(2);

/// A checkpoint and who has it open.
pub(super) struct Shown {
    inspected: Inspected,
    /// Of each node that has answered.
    processes: BTreeMap<NodeId, Vec<Process>>,
}

/// A process, and its command if it runs here.
struct Process {
    opener: Opener,
    command: Option<String>,
}

pub(super) fn get(name: Name) -> Result<Shown, Failure> {
    let own = ais_client::admin::status()?.node;
    let mut inspection = take(&name)?;
    let process = |node| {
        move |opener: Opener| Process {
            command: if node == own { command(opener.process) } else { None },
            opener,
        }
    };
    let openers = inspection.openers(PATIENCE)?;
    let processes = openers
        .into_iter()
        .map(|(node, openers)| (node, openers.into_iter().map(process(node)).collect()))
        .collect();
    Ok(Shown { inspected: inspection.inspected().clone(), processes })
}

fn command(process: u32) -> Option<String> {
    let text = std::fs::read(format!("/proc/{process}/comm")).ok()?;
    Some(text.trim_ascii_end().escape_ascii().to_string())
}

impl Shown {
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
            let process = |Process { opener, command }: &Process| {
                let command = command.as_deref().map_or(String::new(), |text| format!(" {text}"));
                format!("{}{command}:{}", opener.process, opener.opens)
            };
            let processes = match self.processes.get(node) {
                Some(known) => known.iter().map(process).collect::<Vec<_>>().join(", "),
                None => "(no answer)".into(),
            };
            rows.push([node.to_string(), opens.to_string(), processes]);
        }
        let table = if rows.len() > 1 { columns(&rows) } else { "nobody has it open\n".into() };
        format!("{}\n{table}", self.head())
    }

    fn json(&self) -> Value {
        let Inspected { checkpoint, attributes, colocated, active, remaining, .. } =
            &self.inspected;
        let process = |Process { opener, command }: &Process| json!({ "pid": opener.process, "command": command, "opens": opener.opens });
        let node = |(node, opens): &(NodeId, u32)| {
            let processes = self.processes.get(node);
            let processes = processes.map(|known| known.iter().map(process).collect::<Vec<_>>());
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
    use ais_client::admin::Checkpoint;
    use ais_client::ckpt::{Attributes, UpdateOption};

    const ONE: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn process(process: u32, opens: u32, command: Option<&str>) -> Process {
        Process { opener: Opener { process, opens }, command: command.map(str::to_owned) }
    }

    fn shown() -> Shown {
        Shown {
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
            },
            processes: BTreeMap::from([(
                ONE,
                vec![process(71, 2, Some("writer")), process(72, 1, None)],
            )]),
        }
    }

    #[test]
    fn processes_stand_beside_their_node() {
        let shown = shown();
        assert_eq!(
            shown.table(),
            "a, active-replica, colocated, active replica: 10.0.0.2, retained for 5 s\n\
             NODE      OPENS  PROCESSES\n\
             10.0.0.1  3      71 writer:2, 72:1\n\
             10.0.0.2  1      (no answer)\n"
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
