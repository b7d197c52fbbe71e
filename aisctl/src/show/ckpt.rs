//! `aisctl ckpt`.

use super::table::columns;
use super::{Report, units};
use ais_client::admin::{Checkpoint, UpdateOption};
use serde_json::{Map, Value, json};

/// The checkpoints.
pub(super) struct Shown(pub(super) Vec<Checkpoint>);

impl Report for Shown {
    fn table(&self) -> String {
        if self.0.is_empty() {
            return "there are no checkpoints\n".into();
        }
        let head = ["NAME", "SECTIONS", "BYTES", "RETENTION", "OPTION", "OPEN"];
        let mut rows = vec![head.map(str::to_owned)];
        for checkpoint in &self.0 {
            let mut open: Vec<String> = checkpoint
                .references
                .iter()
                .map(|(node, count)| format!("{node}:{count}"))
                .collect();
            if checkpoint.unlinked {
                open.push("(unlinked)".into());
            }
            rows.push([
                checkpoint.name.to_string(),
                checkpoint.sections.to_string(),
                checkpoint.bytes.to_string(),
                units::retention(checkpoint.retention),
                option(checkpoint.option).into(),
                open.join(" "),
            ]);
        }
        columns(&rows)
    }

    fn json(&self) -> Value {
        let checkpoint = |checkpoint: &Checkpoint| {
            let references = checkpoint.references.iter();
            let open: Map<_, _> =
                references.map(|(node, count)| (node.to_string(), (*count).into())).collect();
            json!({
                "name": checkpoint.name.to_string(),
                "sections": checkpoint.sections,
                "bytes": checkpoint.bytes,
                "unlinked": checkpoint.unlinked,
                "retention_ns": checkpoint.retention,
                "option": option(checkpoint.option),
                "open": open,
            })
        };
        json!({ "checkpoints": self.0.iter().map(checkpoint).collect::<Vec<_>>() })
    }
}

pub(crate) fn option(option: UpdateOption) -> &'static str {
    match option {
        UpdateOption::AllReplicas => "all-replicas",
        UpdateOption::ActiveReplica => "active-replica",
        UpdateOption::ActiveReplicaWeak => "active-replica-weak",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::Name;
    use ais_client::admin::NodeId;

    #[test]
    fn a_checkpoint_is_a_line_and_an_object() {
        let shown = Shown(vec![Checkpoint {
            name: Name::new(b"abra\0").unwrap(),
            sections: 2,
            bytes: 30,
            unlinked: true,
            retention: 5_000_000_000,
            option: UpdateOption::ActiveReplica,
            references: vec![(NodeId::new([10, 0, 0, 1].into()), 3)],
        }]);
        let table = shown.table();
        let line: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        let open = ["active-replica", "10.0.0.1:3", "(unlinked)"];
        assert_eq!(line, [&["abra\\x00", "2", "30", "5", "s"][..], &open].concat());
        assert_eq!(
            shown.json()["checkpoints"][0],
            json!({
                "name": "abra\\x00", "sections": 2, "bytes": 30, "unlinked": true,
                "retention_ns": 5_000_000_000_u64, "option": "active-replica",
                "open": { "10.0.0.1": 3 },
            })
        );
        super::super::assert_documented(&shown.json(), &["checkpoints[].open"]);
        assert_eq!(Shown(vec![]).json(), json!({ "checkpoints": [] }));
    }
}
