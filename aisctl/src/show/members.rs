//! `aisctl members`.

use super::table::columns;
use super::{Report, ring, status, units};
use ais_client::AisError;
use ais_client::admin::NodeId;
use ais_client::clm::{Node, Tracked, node_get};
use serde_json::{Value, json};

/// The members, which of them is this node, and who should be one.
pub(super) struct Members {
    local: u32,
    tracked: Tracked,
    missing: Vec<NodeId>,
}

impl Members {
    pub(super) fn get() -> Result<Self, AisError> {
        let local = node_get(0, None)?.id;
        let missing = status::missing(&ais_client::admin::status()?);
        Ok(Self { local, tracked: ais_client::clm::members()?, missing })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.tracked.items.iter().map(|(node, _)| node)
    }
}

impl Report for Members {
    fn table(&self) -> String {
        let row = |node: &Node| {
            let mark = if node.id == self.local { '*' } else { ' ' };
            [
                format!("{mark} {}", address(node)),
                node.name.to_string(),
                format!("cluster {}", node.cluster),
                format!("booted {}", units::date(node.boot_timestamp)),
            ]
        };
        let rows: Vec<_> = self.nodes().map(row).collect();
        let Tracked { view, members, .. } = self.tracked;
        let mut text = format!("view {view}, {members} members\n{}", columns(&rows));
        if !self.missing.is_empty() {
            let missing = ring::addresses(&self.missing).join(" ");
            text.push_str(&format!("missing (member: in network.conf): {missing}\n"));
        }
        text
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
        json!({
            "view": self.tracked.view,
            "members": members,
            "missing": ring::addresses(&self.missing),
        })
    }
}

fn address(node: &Node) -> String {
    let [a, b, c, d] = node.address;
    format!("{a}.{b}.{c}.{d}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::Name;
    use ais_client::clm::Change;

    #[test]
    fn the_own_node_has_a_star() {
        let node = |id: u32| Node {
            id,
            address: [10, 0, 0, id as u8],
            name: Name::try_from("a\"b").unwrap(),
            cluster: Name::try_from("ais").unwrap(),
            member: true,
            boot_timestamp: 5_000_000_000,
        };
        let items = vec![(node(1), Change::NoChange), (node(2), Change::NoChange)];
        let missing = vec![NodeId::new([10, 0, 0, 3].into())];
        let shown = Members { local: 2, tracked: Tracked { view: 7, members: 2, items }, missing };
        let line =
            |address| format!("{address}  a\\\"b  cluster ais  booted 1970-01-01 00:00:05 UTC\n");
        let lines = format!(
            "{}{}missing (member: in network.conf): 10.0.0.3\n",
            line("  10.0.0.1"),
            line("* 10.0.0.2")
        );
        assert_eq!(shown.table(), format!("view 7, 2 members\n{lines}"));
        assert_eq!(shown.json()["members"][1]["local"], true);
        super::super::assert_documented(&shown.json(), &[]);
    }
}
