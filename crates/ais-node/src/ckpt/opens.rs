//! What the programs of this node have open. No other node knows.

use super::message::CheckpointId;
use crate::ledger::Kind;
use crate::{Asker, ConnectionId, Holder, Ledger, SessionId};
use ais_proto::AisError;
use ais_proto::ckpt::OpenFlags;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;

/// Sessions that are over and are passed over at a time, as what they have sent
/// before takes all the room that there is for them.
const MOST_SKIPPED: usize = 64;

/// An open checkpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
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

/// An open as it is kept.
#[derive(Debug, Clone, Copy)]
struct Kept {
    session: SessionId,
    place: Place,
    flags: OpenFlags,
}

/// A checkpoint that is or was open here, whatever its id is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

/// What a process has open.
#[derive(Debug)]
struct OfSession {
    holder: Holder,
    numbers: BTreeSet<u32>,
}

/// The open checkpoints by number.
#[derive(Debug, Default)]
pub(super) struct Opens {
    /// The number of the last open; the next ones follow before any is used
    /// again.
    last: u32,
    opens: BTreeMap<u32, Kept>,
    sessions: BTreeMap<SessionId, OfSession>,
    /// The opens by checkpoint.
    openers: BTreeMap<(Place, SessionId), BTreeSet<u32>>,
    /// What each checkpoint is called now; `None`: it is gone, and nobody has it
    /// open any more.
    ids: BTreeMap<Place, Option<CheckpointId>>,
    places: BTreeSet<(CheckpointId, Place)>,
    last_place: u64,
    /// From which place on checkpoints are still to be followed to their ids.
    following: Option<Place>,
    /// Sessions that are over, and have not had all taken from them yet.
    over: VecDeque<SessionId>,
    /// Checkpoints that are gone; their opens go bit by bit.
    gone: VecDeque<Place>,
    /// Per connection the last open that was answered: id of the request and
    /// number of the open. A library that gave up asks for nothing else on the
    /// connection before it says so.
    answered: BTreeMap<ConnectionId, (u32, u32)>,
}

impl Opens {
    /// Takes an open for the handle that asked for it. Its number.
    pub(super) fn add(
        &mut self,
        asker: Asker,
        checkpoint: CheckpointId,
        flags: OpenFlags,
        ledger: &mut Ledger,
    ) -> u32 {
        let Asker { session, connection, id } = asker;
        self.last = self.last.wrapping_add(1);
        while self.opens.contains_key(&self.last) {
            self.last = self.last.wrapping_add(1);
        }
        let place = self.place(checkpoint);
        self.opens.insert(self.last, Kept { session, place, flags });
        self.openers.entry((place, session)).or_default().insert(self.last);
        let of_session = self.sessions.entry(session).or_insert_with(|| OfSession {
            holder: ledger.holder(session),
            numbers: BTreeSet::new(),
        });
        of_session.numbers.insert(self.last);
        ledger.charge(Kind::Opens, of_session.holder, 1);
        self.answered.insert(connection, (id, self.last));
        self.last
    }

    /// # Errors
    /// `BAD_HANDLE` if the session has no open with this number.
    pub(super) fn find(&self, number: u32, session: SessionId) -> Result<Open, AisError> {
        let kept = self.opens.get(&number).filter(|kept| kept.session == session);
        kept.and_then(|kept| self.open(kept)).ok_or(AisError::BadHandle)
    }

    /// Forgets an open.
    pub(super) fn remove(&mut self, number: u32, ledger: &mut Ledger) -> Option<Open> {
        let kept = self.opens.remove(&number)?;
        let open = self.open(&kept);
        let Kept { session, place, .. } = kept;
        if let Some(of_session) = self.sessions.get_mut(&session) {
            of_session.numbers.remove(&number);
            ledger.release(Kind::Opens, of_session.holder, 1);
            if of_session.numbers.is_empty() {
                self.sessions.remove(&session);
            }
        }
        if let Some(numbers) = self.openers.get_mut(&(place, session)) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.openers.remove(&(place, session));
                self.leave(place);
            }
        }
        open
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.opens.len()
    }

    /// How many a session has.
    pub(super) fn count(&self, session: SessionId) -> usize {
        self.sessions.get(&session).map_or(0, |of| of.numbers.len())
    }

    /// How many times each session has a checkpoint open.
    pub(super) fn openers(
        &self,
        checkpoint: CheckpointId,
    ) -> impl Iterator<Item = (SessionId, u32)> {
        let openers = self.places_of(checkpoint).flat_map(|place| self.openers.range(all(place)));
        // A process has at most MAX_OPENS.
        openers.map(|((_, session), numbers)| (*session, numbers.len() as u32))
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> BTreeMap<CheckpointId, u32> {
        let mut counts = BTreeMap::new();
        for open in self.opens.values().filter_map(|kept| self.open(kept)) {
            *counts.entry(open.checkpoint).or_default() += 1;
        }
        counts
    }

    /// A session is over; what it has open goes with [`Opens::take_some`].
    pub(super) fn end_session(&mut self, session: SessionId) {
        if self.sessions.contains_key(&session) {
            self.over.push_back(session);
        }
    }

    /// Forgets about so many opens of sessions that are over and may send messages,
    /// and of checkpoints that are gone. How many there were by holder and
    /// checkpoint, if that is there.
    pub(super) fn take_some(
        &mut self,
        most: usize,
        ledger: &mut Ledger,
    ) -> BTreeMap<(Holder, CheckpointId), u32> {
        let mut counts = BTreeMap::new();
        for _ in 0..most {
            let Some((holder, number)) = self.next_over(ledger) else { break };
            if let Some(open) = self.remove(number, ledger) {
                *counts.entry((holder, open.checkpoint)).or_default() += 1;
            }
        }
        counts
    }

    /// Whether some are still to be forgotten.
    pub(super) fn have_more(&self) -> bool {
        !self.over.is_empty() || !self.gone.is_empty()
    }

    /// The next open to forget, and its holder.
    fn next_over(&mut self, ledger: &Ledger) -> Option<(Holder, u32)> {
        for _ in 0..self.over.len().min(MOST_SKIPPED) {
            let session = self.over.pop_front()?;
            let Some(of_session) = self.sessions.get(&session) else { continue };
            if ledger.may_take(Kind::Outbox, of_session.holder, 1) {
                self.over.push_front(session);
                return Some((of_session.holder, *of_session.numbers.first()?));
            }
            self.over.push_back(session);
        }
        while let Some(place) = self.gone.front() {
            if let Some(((_, session), numbers)) = self.openers.range(all(*place)).next() {
                return Some((self.sessions.get(session)?.holder, *numbers.first()?));
            }
            self.gone.pop_front();
        }
        None
    }

    /// Checkpoints have other ids now, or none: then nobody has them open. Until
    /// all are followed, none is opened.
    pub(super) fn begin_to_follow(&mut self) {
        self.following = Some(Place(0));
    }

    /// Follows so many checkpoints at most to what they are `now`. How many there
    /// were.
    pub(super) fn follow_some(
        &mut self,
        most: usize,
        now: impl Fn(CheckpointId) -> Option<CheckpointId>,
    ) -> usize {
        let Some(from) = self.following.take() else { return 0 };
        let mut count = 0;
        for (place, id) in self.ids.range_mut(from..) {
            if count == most {
                self.following = Some(*place);
                break;
            }
            count += 1;
            let Some(before) = *id else { continue };
            *id = now(before);
            if *id != Some(before) {
                self.places.remove(&(before, *place));
            }
            match *id {
                Some(id) => {
                    self.places.insert((id, *place));
                }
                None => self.gone.push_back(*place),
            }
        }
        count
    }

    /// Whether some are still to be followed.
    pub(super) fn follow_more(&self) -> bool {
        self.following.is_some()
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

    /// The open, if its checkpoint is not gone.
    fn open(&self, kept: &Kept) -> Option<Open> {
        let Kept { place, flags, .. } = *kept;
        let checkpoint = (*self.ids.get(&place)?)?;
        Some(Open { checkpoint, flags })
    }

    fn places_of(&self, id: CheckpointId) -> impl Iterator<Item = Place> {
        self.places.range((id, Place(0))..=(id, Place(u64::MAX))).map(|(_, place)| *place)
    }

    /// The place of a checkpoint, which has one from now on.
    fn place(&mut self, id: CheckpointId) -> Place {
        if let Some(place) = self.places_of(id).next() {
            return place;
        }
        self.last_place += 1;
        let place = Place(self.last_place);
        self.places.insert((id, place));
        self.ids.insert(place, Some(id));
        place
    }

    /// A session has a checkpoint open no more; perhaps none has.
    fn leave(&mut self, place: Place) {
        if self.openers.range(all(place)).next().is_none()
            && let Some(Some(id)) = self.ids.remove(&place)
        {
            self.places.remove(&(id, place));
        }
    }
}

/// All sessions that have a checkpoint open.
fn all(place: Place) -> RangeInclusive<(Place, SessionId)> {
    (place, SessionId(0))..=(place, SessionId(u64::MAX))
}
