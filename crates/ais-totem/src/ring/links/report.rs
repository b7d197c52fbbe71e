//! What is wrong with links, for people.

use super::Links;
use ais_wire::NodeId;

impl Links {
    /// What does not get through between `node` and this member, for people.
    pub(in super::super) fn what_is_lost(&self, now: u64, node: NodeId) -> String {
        let ((one, all), (there, all_there)) = (self.came(now, node), self.told(now, node));
        let me = "this node";
        let mut lost = Vec::new();
        let ways = [
            (one, "to one node (unicast)", format!("{node} to {me}")),
            (all, "to all nodes (multicast)", format!("{node} to {me}")),
            (there, "to one node (unicast)", format!("{me} to {node}")),
            (all_there, "to all nodes (multicast)", format!("{me} to {node}")),
        ];
        for (length, what, way) in ways {
            if length == 0 {
                lost.push(format!("nothing sent {what} gets from {way}"));
            } else if length < self.full {
                lost.push(format!(
                    "packets {what} with more than {length} bytes are lost from {way}: look at \
                     the mtu on the way"
                ));
            }
        }
        match lost.is_empty() {
            true => "packets are lost".into(),
            false => lost.join("; "),
        }
    }
}
