//! What the programs of this node have open. No other node knows.

use super::message::CheckpointId;
use crate::{Asker, ConnectionId, SessionId};
use ais_proto::AisError;
use ais_proto::ckpt::OpenFlags;
use std::collections::{BTreeMap, BTreeSet};

/// An open checkpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    session: SessionId,
    pub(super) checkpoint: CheckpointId,
    flags: OpenFlags,
}

impl Open {
    /// # Errors
    /// `ACCESS` if it was not opened for this.
    pub(super) fn check(&self, flag: OpenFlags) -> Result<(), AisError> {
        if self.flags.contains(flag) { Ok(()) } else { Err(AisError::Access) }
    }
}

/// The open checkpoints by number.
#[derive(Debug, Default)]
pub(super) struct Opens {
    /// The number of the last open; the next ones follow before any is used
    /// again.
    last: u32,
    opens: BTreeMap<u32, Open>,
    sessions: BTreeMap<SessionId, BTreeSet<u32>>,
    /// Per connection the last open that was answered: id of the request and
    /// number of the open. A library that gave up asks for nothing else on the
    /// connection before it says so.
    answered: BTreeMap<ConnectionId, (u32, u32)>,
}

impl Opens {
    /// Takes an open for whoever asked for it. Its number.
    pub(super) fn add(&mut self, asker: Asker, checkpoint: CheckpointId, flags: OpenFlags) -> u32 {
        let Asker { session, connection, id } = asker;
        self.last = self.last.wrapping_add(1);
        while self.opens.contains_key(&self.last) {
            self.last = self.last.wrapping_add(1);
        }
        self.opens.insert(self.last, Open { session, checkpoint, flags });
        self.sessions.entry(session).or_default().insert(self.last);
        self.answered.insert(connection, (id, self.last));
        self.last
    }

    /// # Errors
    /// `BAD_HANDLE` if the session has no open with this number.
    pub(super) fn find(&self, number: u32, session: SessionId) -> Result<Open, AisError> {
        match self.opens.get(&number) {
            Some(open) if open.session == session => Ok(*open),
            _ => Err(AisError::BadHandle),
        }
    }

    /// Forgets an open.
    pub(super) fn remove(&mut self, number: u32) -> Option<Open> {
        let open = self.opens.remove(&number)?;
        if let Some(numbers) = self.sessions.get_mut(&open.session) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.sessions.remove(&open.session);
            }
        }
        Some(open)
    }

    /// How many a session has.
    pub(super) fn count(&self, session: SessionId) -> usize {
        self.sessions.get(&session).map_or(0, BTreeSet::len)
    }

    /// How many times each session has a checkpoint open.
    pub(super) fn openers(&self, checkpoint: CheckpointId) -> BTreeMap<SessionId, u32> {
        let mut openers = BTreeMap::new();
        for open in self.opens.values().filter(|open| open.checkpoint == checkpoint) {
            *openers.entry(open.session).or_default() += 1;
        }
        openers
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> BTreeMap<CheckpointId, u32> {
        let mut counts = BTreeMap::new();
        for open in self.opens.values() {
            *counts.entry(open.checkpoint).or_default() += 1;
        }
        counts
    }

    /// Forgets all opens of a session. How many it had of each checkpoint.
    pub(super) fn remove_session(&mut self, session: SessionId) -> BTreeMap<CheckpointId, u32> {
        let mut counts = BTreeMap::new();
        for number in self.sessions.remove(&session).unwrap_or_default() {
            if let Some(open) = self.opens.remove(&number) {
                *counts.entry(open.checkpoint).or_default() += 1;
            }
        }
        counts
    }

    /// Checkpoints have other ids now, or none: then nobody has them open.
    pub(super) fn follow(&mut self, now: impl Fn(CheckpointId) -> Option<CheckpointId>) {
        let mut gone = Vec::new();
        for (number, open) in &mut self.opens {
            match now(open.checkpoint) {
                Some(id) => open.checkpoint = id,
                None => gone.push(*number),
            }
        }
        for number in gone {
            self.remove(number);
        }
    }

    /// The open that answered this request, if it was the last one on its
    /// connection.
    pub(super) fn answer_to(&self, connection: ConnectionId, id: u32) -> Option<u32> {
        self.answered.get(&connection).filter(|(of, _)| *of == id).map(|(_, number)| *number)
    }

    /// A connection is gone.
    pub(super) fn forget_connection(&mut self, connection: ConnectionId) {
        self.answered.remove(&connection);
    }
}
