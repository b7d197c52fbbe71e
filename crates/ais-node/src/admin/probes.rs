//! Probes: programs that send messages through the group and see them, and
//! those of all other probes, arrive in order.

use crate::{Asker, ConnectionId, Delivery, Effects, Malformed};
use ais_proto::admin::{Delivered, Deliveries};
use ais_wire::NodeId;
use ais_wire::Reader;
use std::collections::BTreeSet;

/// The probes of this node, and what they have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Probes {
    probes: BTreeSet<ConnectionId>,
    /// What was delivered, cut into pieces that fit into events.
    delivered: Vec<Deliveries>,
    /// Whose requests were delivered to the last message.
    answers: Vec<Asker>,
}

/// What probes are to be told.
#[derive(Debug)]
pub(crate) struct News {
    /// The events, which go out before the replies: a probe waits for them.
    pub(crate) events: Vec<(ConnectionId, Deliveries)>,
    pub(crate) answers: Vec<Asker>,
}

impl Probes {
    pub(super) fn start(&mut self, connection: ConnectionId) {
        self.probes.insert(connection);
    }

    pub(super) fn stop(&mut self, connection: ConnectionId) {
        self.probes.remove(&connection);
    }

    /// Sends messages to the probes of all nodes.
    ///
    /// # Errors
    /// [`Malformed`] if nothing was started on this connection.
    pub(super) fn send(
        &self,
        connection: ConnectionId,
        asker: Asker,
        messages: &[&[u8]],
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        if !self.probes.contains(&connection) {
            return Err(Malformed);
        }
        for (place, message) in messages.iter().enumerate() {
            let is_last = place + 1 == messages.len();
            let mut out = fx.compose(is_last.then_some(asker), 8 + message.len());
            out.u64(connection.0).raw(message);
            fx.multicast(out);
        }
        Ok(())
    }

    /// Takes a message in agreed order.
    pub(super) fn deliver(&mut self, delivery: Delivery<'_>) {
        let mut input = Reader::new(delivery.message);
        let Ok(probe) = input.u64() else { return };
        self.answers.extend(delivery.asker);
        if self.probes.is_empty() {
            return;
        }
        let item = Delivered { from: delivery.from, probe, message: input.rest() };
        if !self.delivered.last_mut().is_some_and(|last| last.push(item)) {
            let mut piece = Deliveries::new(delivery.from, probe);
            // One that fits into no event came from no probe of this version.
            if piece.push(item) {
                self.delivered.push(piece);
            }
        }
    }

    /// What the probes of `me` are to be told, if anything.
    pub(super) fn take_news(&mut self, me: NodeId) -> Option<News> {
        if self.delivered.is_empty() && self.answers.is_empty() {
            return None;
        }
        let delivered = std::mem::take(&mut self.delivered);
        let mut events = Vec::new();
        if let Some((last, others)) = self.probes.iter().copied().collect::<Vec<_>>().split_last() {
            for probe in others {
                let pieces = delivered.iter().map(|piece| piece.clone().told_to(me, probe.0));
                events.extend(pieces.map(|piece| (*probe, piece)));
            }
            let pieces = delivered.into_iter().map(|piece| piece.told_to(me, last.0));
            events.extend(pieces.map(|piece| (*last, piece)));
        }
        Some(News { events, answers: std::mem::take(&mut self.answers) })
    }
}
