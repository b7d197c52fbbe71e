//! The checkpoints that operators look into. A handle has one at most. What is
//! taken may come to cost as much memory as the checkpoint does, as programs
//! write to that, so each counts for all of it.
//!
//! All together have as much as checkpoints may, and one always finds room. A
//! look that was not read on for a moment makes room for others; then one of the user
//! that holds most does, and at last one that has had time enough. A look that is not
//! read on for long is given back in any case.

use super::Sights;
use crate::ckpt::Taken;
use crate::ledger::Kind;
use crate::{ConnectionId, Effects, Holder, Ledger, Timer, UserId};
use ais_proto::admin::{Inspected, Page, Piece};
use ais_proto::ckpt::Section;
use ais_proto::{AisError, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that a look counts for beside the checkpoint.
const OVERHEAD: u64 = 64 << 10;
/// A look that was not read on for so long makes room for others, in nanoseconds.
const IDLE: u64 = 100_000_000;
/// A look that was not read on for so long is given back, in nanoseconds.
const ABANDONED: u64 = 30_000_000_000;
/// How long one may take in any case, in nanoseconds, and for each byte.
const TIME: u64 = 10_000_000_000;
const TIME_OF_BYTE: u64 = 100;

/// The timer for looks that are not read on.
pub(super) const TIMER: Timer = Timer { kind: 1, object: 0 };

/// A checkpoint that was taken.
#[derive(Debug)]
struct Look {
    taken: Taken,
    holder: Holder,
    bytes: u64,
    /// When it was taken, and when it was last read, on the monotonic clock.
    since: u64,
    read: u64,
}

#[derive(Debug, Default)]
pub(super) struct Inspections {
    looks: BTreeMap<ConnectionId, Look>,
    /// The one that was not read for the longest time first.
    order: BTreeSet<(u64, ConnectionId)>,
    of_holders: BTreeSet<(Holder, u64, ConnectionId)>,
    /// The handles whose look was given up.
    without: BTreeSet<ConnectionId>,
    /// What was taken, and is of no use any more.
    unwanted: Vec<Taken>,
}

/// Why a handle is shown nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Nothing {
    /// The handle has taken nothing to look into.
    Taken,
    /// What it had taken was given up.
    Left,
}

impl Inspections {
    /// A handle gives back what it has.
    pub(super) fn stop(&mut self, handle: ConnectionId, ledger: &mut Ledger) {
        self.without.remove(&handle);
        self.forget(handle, ledger);
    }

    /// What was given back since this was asked last.
    pub(super) fn take_unwanted(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.unwanted)
    }

    /// Takes a checkpoint for a handle.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is none of that name, `BUSY` if there is no room for
    /// it beside what others are reading.
    pub(super) fn take(
        &mut self,
        now: u64,
        (handle, holder): (ConnectionId, Holder),
        name: &Name,
        sights: &Sights<'_>,
        fx: &mut Effects,
    ) -> Result<Inspected, AisError> {
        self.stop(handle, &mut fx.ledger);
        let (inspected, taken) = sights.ckpt.inspect(name).ok_or(AisError::NotExist)?;
        let bytes = OVERHEAD + taken.memory();
        fx.ledger.charge(Kind::Inspections, holder, bytes);
        while let Some(debtor) = fx.ledger.debtor(Kind::Inspections)
            && !self.looks.is_empty()
        {
            let Some(other) = self.who_makes_room(now, holder, debtor, &fx.ledger) else {
                fx.ledger.release(Kind::Inspections, holder, bytes);
                self.unwanted.push(taken);
                return Err(AisError::Busy);
            };
            self.give_up(other, &mut fx.ledger);
        }
        if self.looks.is_empty() {
            fx.set_timer(TIMER, ABANDONED);
        }
        self.order.insert((now, handle));
        self.of_holders.insert((holder, now, handle));
        self.looks.insert(handle, Look { taken, holder, bytes, since: now, read: now });
        Ok(inspected)
    }

    /// As [`Taken::sections`].
    pub(super) fn sections(
        &mut self,
        now: u64,
        handle: ConnectionId,
        first: u64,
    ) -> Result<Page<Section>, Nothing> {
        Ok(self.read(now, handle)?.sections(first))
    }

    /// As [`Taken::bytes`].
    pub(super) fn bytes(
        &mut self,
        now: u64,
        handle: ConnectionId,
        section: u64,
        offset: u32,
    ) -> Result<Option<Piece>, Nothing> {
        Ok(self.read(now, handle)?.bytes(section, offset))
    }

    /// Time has passed: looks that are not read on are given back.
    pub(super) fn on_timer(&mut self, now: u64, fx: &mut Effects) {
        while let Some((read, handle)) = self.order.first().copied() {
            let end = read.saturating_add(ABANDONED);
            if end > now {
                return fx.set_timer(TIMER, end - now);
            }
            self.give_up(handle, &mut fx.ledger);
        }
    }

    /// Whose look is given up for a newcomer, if anybody's is: there is too much
    /// with it, and `debtor` holds most.
    fn who_makes_room(
        &self,
        now: u64,
        newcomer: Holder,
        debtor: Holder,
        ledger: &Ledger,
    ) -> Option<ConnectionId> {
        let (read, longest_idle) = *self.order.first()?;
        if now.saturating_sub(read) >= IDLE {
            return Some(longest_idle);
        }
        let is_root = |holder: Holder| holder.user == UserId::ROOT;
        let held = |holder| ledger.held(Kind::Inspections, holder);
        let pays = is_root(newcomer) && !is_root(debtor) || held(debtor) > held(newcomer);
        let of_debtor = || self.first_of(debtor).filter(|_| pays);
        let has_had_time = |look: &Look| {
            let time = TIME.saturating_add(look.bytes.saturating_mul(TIME_OF_BYTE));
            now.saturating_sub(look.since) >= time
        };
        let late = || self.looks.iter().find(|(_, look)| has_had_time(look));
        of_debtor()
            .or_else(|| self.first_of(newcomer))
            .or_else(|| late().map(|(handle, _)| *handle))
    }

    /// The look of a process that was not read for the longest time.
    fn first_of(&self, holder: Holder) -> Option<ConnectionId> {
        let all = (holder, 0, ConnectionId(0))..=(holder, u64::MAX, ConnectionId(u64::MAX));
        self.of_holders.range(all).next().map(|(.., handle)| *handle)
    }

    fn read(&mut self, now: u64, handle: ConnectionId) -> Result<&Taken, Nothing> {
        let Some(look) = self.looks.get_mut(&handle) else {
            let is_given_up = self.without.contains(&handle);
            return Err(if is_given_up { Nothing::Left } else { Nothing::Taken });
        };
        let before = std::mem::replace(&mut look.read, now);
        self.order.remove(&(before, handle));
        self.order.insert((now, handle));
        self.of_holders.remove(&(look.holder, before, handle));
        self.of_holders.insert((look.holder, now, handle));
        Ok(&look.taken)
    }

    fn give_up(&mut self, handle: ConnectionId, ledger: &mut Ledger) {
        self.forget(handle, ledger);
        self.without.insert(handle);
    }

    fn forget(&mut self, handle: ConnectionId, ledger: &mut Ledger) {
        let Some(Look { taken, holder, bytes, read, .. }) = self.looks.remove(&handle) else {
            return;
        };
        self.order.remove(&(read, handle));
        self.of_holders.remove(&(holder, read, handle));
        ledger.release(Kind::Inspections, holder, bytes);
        self.unwanted.push(taken);
    }
}
