//! Probes: programs that send messages through the group and see them, and
//! those of all other probes, arrive in order.

use crate::{Asker, ConnectionId, Delivery, Effects, Malformed};
use ais_proto::admin::{Delivered, Deliveries};
use ais_wire::Reader;
use std::collections::BTreeMap;

/// The probes of this node, and what they have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Probes {
    /// How many of its own messages each has to hear of.
    own: BTreeMap<ConnectionId, u32>,
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
        self.own.entry(connection).or_default();
    }

    pub(super) fn stop(&mut self, connection: ConnectionId) {
        self.own.remove(&connection);
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
        if !self.own.contains_key(&connection) {
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
    pub(super) fn deliver(&mut self, delivery: Delivery<'_>, is_mine: bool) {
        let mut input = Reader::new(delivery.message);
        let Ok(probe) = input.u64() else { return };
        self.answers.extend(delivery.asker);
        if self.own.is_empty() {
            return;
        }
        if is_mine && let Some(own) = self.own.get_mut(&ConnectionId(probe)) {
            *own = own.saturating_add(1);
        }
        let item = Delivered { from: delivery.from, probe, message: input.rest() };
        if !self.delivered.last_mut().is_some_and(|last| last.push(item)) {
            let mut piece = Deliveries::default();
            // One that fits into no event came from no probe of this version.
            if piece.push(item) {
                self.delivered.push(piece);
            }
        }
    }

    pub(super) fn take_news(&mut self) -> Option<News> {
        if self.delivered.is_empty() && self.answers.is_empty() {
            return None;
        }
        let delivered = std::mem::take(&mut self.delivered);
        let mut events = Vec::new();
        for (connection, own) in &mut self.own {
            let mut own = std::mem::take(own);
            for piece in &delivered {
                let mut piece = piece.clone();
                piece.own = std::mem::take(&mut own);
                events.push((*connection, piece));
            }
        }
        Some(News { events, answers: std::mem::take(&mut self.answers) })
    }
}
