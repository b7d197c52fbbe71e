//! `aisctl members`.

use super::Report;
use super::table::columns;
use ais::AisError;
use ais::clm::{Node, Tracked, node_get};
use serde_json::{Value, json};

/// The members, and which of them is this node.
pub(super) struct Members {
    local: u32,
    tracked: Tracked,
}

impl Members {
    pub(super) fn get() -> Result<Self, AisError> {
        let local = node_get(0, None)?.id;
        Ok(Self { local, tracked: ais::clm::members()? })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.tracked.items.iter().map(|(node, _)| node)
    }
}

impl Report for Members {
    fn table(&self) -> String {
        let row = |node: &Node| {
            let mark = if node.id == self.local { '*' } else { ' ' };
            let seconds = node.boot_timestamp / 1_000_000_000;
            [
                format!("{mark} {}", address(node)),
                node.name.to_string(),
                format!("cluster {}", node.cluster),
                format!("up since {seconds} s after the epoch"),
            ]
        };
        let rows: Vec<_> = self.nodes().map(row).collect();
        let Tracked { view, members, .. } = self.tracked;
        format!("view {view}, {members} members\n{}", columns(&rows))
    }

    fn json(&self) -> Value {
        let member = |node: &Node| {
            json!({
                "id": node.id,
                "address": address(node),
                "name": node.name.to_string(),
                "cluster": node.cluster.to_string(),
                "local": node.id == self.local,
                "boot_timestamp": node.boot_timestamp,
            })
        };
        let members: Vec<_> = self.nodes().map(member).collect();
        json!({ "view": self.tracked.view, "members": members })
    }
}

fn address(node: &Node) -> String {
    let [a, b, c, d] = node.address;
    format!("{a}.{b}.{c}.{d}")
}
