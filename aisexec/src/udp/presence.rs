//! Whether the address of this node is still where it was. Only the decisions
//! are here.

use crate::identity::Place;
use ais_wire::NodeId;

/// What was known last.
#[derive(Debug)]
pub(super) struct Presence {
    node: NodeId,
    place: Option<Place>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing has changed.
    Same,
    /// Something has, which is to be said.
    Say(String),
    /// The sockets are to join this interface; then [`Presence::joined`].
    Join(Place),
}

impl Presence {
    /// The sockets of `node` are on this interface.
    pub(super) fn new(node: NodeId, place: Place) -> Self {
        Self { node, place: Some(place) }
    }

    /// Compares with where the address is now.
    pub(super) fn check(&mut self, now: Option<Place>) -> Verdict {
        match (&self.place, now) {
            (None, None) => Verdict::Same,
            (Some(old), None) => {
                let text = format!(
                    "{} has lost the address {}: this node hears and reaches nobody until it is \
                     back, and takes no other address; to change it, restart aisexec",
                    old.name, self.node
                );
                self.place = None;
                Verdict::Say(text)
            }
            (Some(old), Some(new)) if old.index == new.index => {
                let was_running = old.is_running;
                let name = new.name.clone();
                let is_running = new.is_running;
                self.place = Some(new);
                match (was_running, is_running) {
                    (true, false) => Verdict::Say(format!(
                        "{name} is down: this node hears and reaches nobody until it is up"
                    )),
                    (false, true) => Verdict::Say(format!("{name} is up again")),
                    _ => Verdict::Same,
                }
            }
            (_, Some(new)) => Verdict::Join(new),
        }
    }

    /// The sockets have joined. What to say.
    pub(super) fn joined(&mut self, place: Place) -> String {
        let text = format!("{} has the address {} again", place.name, self.node);
        self.place = Some(place);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(index: u32, is_running: bool) -> Place {
        Place { name: format!("eth{index}"), index, is_running }
    }

    #[test]
    fn every_change_is_said_once() {
        let node = NodeId::new([10, 0, 0, 1].into());
        let mut presence = Presence::new(node, place(1, true));
        let mut say = |now| match presence.check(now) {
            Verdict::Say(text) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(say(Some(place(1, true))), "Same");
        assert!(say(Some(place(1, false))).starts_with("eth1 is down"));
        assert_eq!(say(Some(place(1, false))), "Same");
        assert_eq!(say(Some(place(1, true))), "eth1 is up again");
        assert!(say(None).starts_with("eth1 has lost the address 10.0.0.1"));
        assert_eq!(say(None), "Same");
    }

    #[test]
    fn the_sockets_join_until_that_succeeds() {
        let node = NodeId::new([10, 0, 0, 1].into());
        let mut presence = Presence::new(node, place(1, true));
        assert_eq!(presence.check(Some(place(2, true))), Verdict::Join(place(2, true)));
        assert_eq!(presence.check(Some(place(2, true))), Verdict::Join(place(2, true)));
        assert_eq!(presence.joined(place(2, true)), "eth2 has the address 10.0.0.1 again");
        assert_eq!(presence.check(Some(place(2, true))), Verdict::Same);
        assert!(matches!(presence.check(None), Verdict::Say(_)));
        assert_eq!(presence.check(Some(place(2, true))), Verdict::Join(place(2, true)));
    }
}
