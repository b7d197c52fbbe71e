//! What the sockets of clients hold, on whose account, and who pays when it is
//! too much.

use super::bounds::{CROWD, MAPPED_IN_CROWD, PAYMENTS_AT_A_TIME};
use super::connection::{Connection, Fault};
use crate::daemon::Server;
use crate::{memory, sys};
use ais_node::ledger::Kind;
use ais_node::{Holder, Now};
use std::collections::BTreeSet;

/// The connections that make the daemon hold memory, by who they belong to.
#[derive(Debug, Default)]
pub(crate) struct Heavy {
    order: BTreeSet<(Holder, u64, u64)>,
}

impl Heavy {
    fn change(&mut self, holder: Holder, id: u64, before: u64, now: u64) {
        if before > 0 {
            self.order.remove(&(holder, before, id));
        }
        if now > 0 {
            self.order.insert((holder, now, id));
        }
    }

    /// The one of a process that holds most.
    fn heaviest_of(&self, holder: Holder) -> Option<u64> {
        let of_process = (holder, 0, 0)..=(holder, u64::MAX, u64::MAX);
        self.order.range(of_process).next_back().map(|(_, _, id)| *id)
    }
}

impl Server {
    /// Counts what a connection holds now.
    pub(super) fn recount(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (holder, now) = (connection.peer.holder(), connection.held_bytes());
        let before = std::mem::replace(&mut connection.counted, now);
        if before != now {
            self.node.ledger_mut().recharge(Kind::Sockets, holder, before, now);
            self.heavy.change(holder, id, before, now);
        }
    }

    /// Forgets a connection and gives back what it had.
    pub(super) fn forget(&mut self, id: u64) -> Option<Connection> {
        let connection = self.connections.remove(&id)?;
        let (holder, counted) = (connection.peer.holder(), connection.counted);
        self.heavy.change(holder, id, counted, 0);
        let ledger = self.node.ledger_mut();
        ledger.release(Kind::Sockets, holder, counted);
        ledger.release(connection.kind, holder, connection.descriptors);
        Some(connection)
    }

    /// Closes connections of those who hold most, as long as too much is held.
    pub(super) fn collect(&mut self, now: Now) {
        for _ in 0..PAYMENTS_AT_A_TIME {
            let debtor = self.node.ledger().debtor(Kind::Sockets);
            let Some(id) = debtor.and_then(|holder| self.heavy.heaviest_of(holder)) else { return };
            let Some(connection) = self.connections.get_mut(&id) else { return };
            let counted = connection.counted;
            // The program may have read some of it since that was counted.
            connection.look();
            if connection.held_bytes() < counted {
                self.recount(id);
            } else {
                self.close(now, id, Fault::Heaviest);
            }
        }
    }

    /// Has what is allocated in a crowd go back to the system when it is freed.
    /// The allocator keeps what lies between pieces that are still in use, and
    /// it cannot give that back if memory is locked.
    pub(super) fn look_at_crowd(&mut self) {
        let bytes = [Kind::Sockets, Kind::Outbox, Kind::Events];
        let held: u64 = bytes.map(|kind| self.node.ledger().total(kind)).iter().sum();
        let is_crowd = held >= CROWD;
        if is_crowd != std::mem::replace(&mut self.is_crowd, is_crowd) {
            sys::map_memory_from(if is_crowd { MAPPED_IN_CROWD } else { memory::RETURN_FROM });
        }
    }
}
