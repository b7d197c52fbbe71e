//! Which programs wait for which of the messages that this node has sent.

use crate::{Asker, ConnectionId};
use ais_proto::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// The askers, by the messages of this node that they wait for.
#[derive(Debug, Default)]
pub(crate) struct Askers {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// The messages by connection: the end of a connection costs no more than what was
    /// asked there.
    of_connections: BTreeSet<(ConnectionId, u64)>,
}

#[derive(Debug)]
struct Waiting {
    asker: Asker,
    outcome: Outcome,
}

impl Askers {
    pub(crate) fn add(&mut self, asker: Asker, outcome: Outcome) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, Waiting { asker, outcome });
        self.of_connections.insert((asker.connection, self.last));
        self.last
    }

    /// Whether anybody waits.
    pub(crate) fn wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The asker that waits for the message with this origin; none does after.
    pub(crate) fn take(&mut self, origin: u64) -> Option<Asker> {
        self.take_with_outcome(origin).map(|(asker, _)| asker)
    }

    /// The asker that [`Askers::take`] gives, and how the outcome gets to the program.
    pub(crate) fn take_with_outcome(&mut self, origin: u64) -> Option<(Asker, Outcome)> {
        let Waiting { asker, outcome } = self.waiting.remove(&origin)?;
        self.of_connections.remove(&(asker.connection, origin));
        Some((asker, outcome))
    }

    /// Forgets the asker with this id on this connection; how many events that
    /// were waited for do not come now.
    pub(crate) fn forget_call(&mut self, connection: ConnectionId, id: u32) -> usize {
        let is_of_call =
            |origin: &u64| self.waiting.get(origin).is_some_and(|waiting| waiting.asker.id == id);
        let origins: Vec<_> = self.of(connection).filter(is_of_call).collect();
        let ended = origins.into_iter().filter_map(|origin| self.take_with_outcome(origin));
        ended.filter(|(_, outcome)| outcome.has_event()).count()
    }

    /// Forgets all askers of a connection.
    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        for origin in self.of(connection).collect::<Vec<_>>() {
            self.take(origin);
        }
    }

    /// The messages that are waited for on a connection.
    fn of(&self, connection: ConnectionId) -> impl Iterator<Item = u64> {
        let all = (connection, 0)..=(connection, u64::MAX);
        self.of_connections.range(all).map(|(_, origin)| *origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionId;

    #[test]
    fn what_ends_a_connection_or_a_call_leaves_the_others_waiting() {
        let mut askers = Askers::default();
        let asker = |connection, id| Asker {
            session: SessionId(1),
            connection: ConnectionId(connection),
            id,
        };
        let origins: Vec<_> = [(1, 1), (2, 1), (2, 2), (2, 2), (3, 2)]
            .map(|(connection, id)| askers.add(asker(connection, id), Outcome::ReplyAndEvent))
            .into();
        assert_eq!(askers.forget_call(ConnectionId(2), 2), 2);
        assert_eq!(askers.take(origins[2]), None);
        assert_eq!(askers.take(origins[1]), Some(asker(2, 1)));
        askers.forget_connection(ConnectionId(1));
        assert_eq!(askers.take(origins[0]), None);
        assert!(askers.wait());
        assert_eq!(askers.take(origins[4]), Some(asker(3, 2)));
        assert!(!askers.wait() && askers.of_connections.is_empty());
    }
}
