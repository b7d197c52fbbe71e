//! The library handles of this node: what their programs are to be told while
//! there is no room for it, and how much they have asked for that comes later.
//!
//! Whatever a handle has waiting, one entry more takes the same work.

use crate::event::{Due, Key};
use crate::ledger::Kind;
use crate::{ConnectionId, Event, Holder, Ledger};
use ais_proto::MAX_ASYNC_PER_HANDLE;
use ais_proto::admin::{self, Opener};
use std::collections::{BTreeMap, VecDeque};

/// Bytes that the outcome of an asynchronous request counts for, from when it is
/// asked for until it is told.
const OUTCOME: u64 = 256;

/// A library handle.
#[derive(Debug)]
struct Handle {
    /// The process of the handle.
    holder: Holder,
    /// Its event socket is full.
    is_blocked: bool,
    /// The handle is among those that are told in turn.
    has_turn: bool,
    waiting: Queue,
    /// How many requests are under way, or waiting, whose outcome is an event.
    asynchronous: usize,
}

/// What is to be told, in order, and where what has a key stands.
#[derive(Debug, Default)]
struct Queue {
    last: u64,
    entries: BTreeMap<u64, Due>,
    places: BTreeMap<Key, u64>,
}

/// The library handles.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    handles: BTreeMap<ConnectionId, Handle>,
    /// The handles that are told in turn what many are told at once.
    turns: VecDeque<ConnectionId>,
}

impl Queue {
    fn push(&mut self, due: Due) {
        self.last += 1;
        if let Some(key) = due.key() {
            self.places.insert(key, self.last);
        }
        self.entries.insert(self.last, due);
    }

    /// Puts it in the place of one with the same key, which comes back.
    fn replace(&mut self, due: Due) -> Option<Due> {
        let place = due.key().and_then(|key| self.places.get(&key));
        match place.and_then(|place| self.entries.get_mut(place)) {
            Some(earlier) => Some(std::mem::replace(earlier, due)),
            None => {
                self.push(due);
                None
            }
        }
    }

    fn pop(&mut self) -> Option<Due> {
        let (place, due) = self.entries.pop_first()?;
        if let Some(key) = due.key()
            && self.places.get(&key) == Some(&place)
        {
            self.places.remove(&key);
        }
        Some(due)
    }
}

impl Handles {
    pub(crate) fn open(&mut self, connection: ConnectionId, holder: Holder) {
        self.handles.insert(connection, Handle::new(holder));
    }

    pub(crate) fn contains(&self, connection: ConnectionId) -> bool {
        self.handles.contains_key(&connection)
    }

    /// The process of a handle.
    pub(crate) fn holder(&self, connection: ConnectionId) -> Option<Holder> {
        self.handles.get(&connection).map(|handle| handle.holder)
    }

    /// Forgets a handle; the events that waited for it come back.
    pub(crate) fn close(&mut self, connection: ConnectionId, ledger: &mut Ledger) -> Vec<Event> {
        let Some(mut handle) = self.handles.remove(&connection) else { return Vec::new() };
        let waiting = std::iter::from_fn(|| handle.pop(ledger)).filter_map(|due| match due {
            Due::Event(event) => Some(event),
            _ => None,
        });
        let waiting = waiting.collect();
        handle.end_asynchronous(handle.asynchronous, ledger);
        waiting
    }

    /// How many things wait for a handle.
    #[cfg(test)]
    pub(crate) fn waiting(&self, connection: ConnectionId) -> usize {
        self.handles.get(&connection).map_or(0, |handle| handle.waiting.entries.len())
    }

    /// Counts one more asynchronous request, unless there are too many of this
    /// handle or its user.
    pub(crate) fn begin_asynchronous(
        &mut self,
        connection: ConnectionId,
        ledger: &mut Ledger,
    ) -> bool {
        let Some(handle) = self.handles.get_mut(&connection) else { return false };
        let may_begin = handle.asynchronous < MAX_ASYNC_PER_HANDLE
            && ledger.may_take(Kind::Events, handle.holder, OUTCOME);
        if may_begin {
            handle.asynchronous += 1;
            ledger.charge(Kind::Events, handle.holder, OUTCOME);
        }
        may_begin
    }

    /// Ends this many asynchronous requests without an event: they were refused,
    /// or nobody waits any more.
    pub(crate) fn end_asynchronous(
        &mut self,
        connection: ConnectionId,
        requests: usize,
        ledger: &mut Ledger,
    ) {
        if let Some(handle) = self.handles.get_mut(&connection) {
            handle.end_asynchronous(requests, ledger);
        }
    }

    /// Whether what a handle is told goes out at once.
    pub(crate) fn reads(&self, connection: ConnectionId) -> bool {
        self.handles.get(&connection).is_some_and(|handle| !handle.is_blocked && !handle.has_turn)
    }

    /// Has something wait for a handle, in the place of what it makes obsolete
    /// if the program is not there to see both.
    pub(crate) fn add(&mut self, connection: ConnectionId, due: Due, ledger: &mut Ledger) {
        let Some(handle) = self.handles.get_mut(&connection) else { return };
        let due = handle.fit(due, ledger);
        ledger.charge(Kind::Events, handle.holder, cost(&due));
        if !handle.is_blocked && !handle.has_turn {
            handle.waiting.push(due);
        } else if let Some(earlier) = handle.waiting.replace(due) {
            handle.settle(&earlier, ledger);
        }
    }

    /// The same; it is told in turn with others.
    pub(crate) fn add_in_turn(&mut self, connection: ConnectionId, due: Due, ledger: &mut Ledger) {
        if let Some(handle) = self.handles.get_mut(&connection)
            && !handle.is_blocked
            && !std::mem::replace(&mut handle.has_turn, true)
        {
            self.turns.push_back(connection);
        }
        self.add(connection, due, ledger);
    }

    /// Whether some have not had their turn.
    pub(crate) fn have_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    /// The next that is to be told in turn, and what.
    pub(crate) fn take_turn(&mut self, ledger: &mut Ledger) -> Option<(ConnectionId, Due)> {
        while let Some(connection) = self.turns.pop_front() {
            let Some(handle) = self.handles.get_mut(&connection) else { continue };
            handle.has_turn = false;
            if handle.is_blocked {
                continue;
            }
            if let Some(due) = handle.pop(ledger) {
                if !handle.waiting.entries.is_empty() {
                    handle.has_turn = true;
                    self.turns.push_back(connection);
                }
                return Some((connection, due));
            }
        }
        None
    }

    /// The next thing that waits for a handle, if its program has room.
    pub(crate) fn take(&mut self, connection: ConnectionId, ledger: &mut Ledger) -> Option<Due> {
        self.handles.get_mut(&connection).filter(|handle| !handle.is_blocked)?.pop(ledger)
    }

    pub(crate) fn block(&mut self, connection: ConnectionId) {
        if let Some(handle) = self.handles.get_mut(&connection) {
            handle.is_blocked = true;
        }
    }

    /// The program has made room: the next thing that waited for it. When there
    /// is none the handle is no longer blocked.
    pub(crate) fn next(&mut self, connection: ConnectionId, ledger: &mut Ledger) -> Option<Due> {
        let handle = self.handles.get_mut(&connection)?;
        let next = handle.pop(ledger);
        handle.is_blocked &= next.is_some();
        next
    }
}

impl Handle {
    fn new(holder: Holder) -> Self {
        Self {
            holder,
            is_blocked: false,
            has_turn: false,
            waiting: Queue::default(),
            asynchronous: 0,
        }
    }

    fn pop(&mut self, ledger: &mut Ledger) -> Option<Due> {
        let due = self.waiting.pop()?;
        self.settle(&due, ledger);
        Some(due)
    }

    /// Something waits no more.
    fn settle(&mut self, due: &Due, ledger: &mut Ledger) {
        ledger.release(Kind::Events, self.holder, cost(due));
        self.end_asynchronous(due.ends_asynchronous().into(), ledger);
    }

    fn end_asynchronous(&mut self, requests: usize, ledger: &mut Ledger) {
        let requests = requests.min(self.asynchronous);
        self.asynchronous -= requests;
        ledger.release(Kind::Events, self.holder, requests as u64 * OUTCOME);
    }

    /// What there is room for: of a list of processes that is too long for that
    /// it is said how many times they have the checkpoint open together.
    fn fit(&self, mut due: Due, ledger: &Ledger) -> Due {
        let has_room = ledger.may_take(Kind::Events, self.holder, cost(&due));
        if let Due::Event(Event::Admin(admin::Event::Openers { openers, .. })) = &mut due
            && !has_room
        {
            let opens = openers.iter().fold(0_u32, |sum, of| sum.saturating_add(of.opens));
            *openers = vec![Opener { process: 0, opens }];
        }
        due
    }
}

/// Bytes that something counts for while it waits. Outcomes of asynchronous
/// requests count from when they are asked for; of all else a handle has at most
/// one for each thing that there is.
fn cost(due: &Due) -> u64 {
    match due {
        Due::Event(Event::Admin(admin::Event::Openers { openers, .. })) => {
            (openers.capacity() * size_of::<Opener>()) as u64
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::clm::Due as OfClm;
    use ais_proto::{Name, amf, ckpt};

    const HANDLE: ConnectionId = ConnectionId(1);
    const HOLDER: Holder = Holder { user: UserId(1000), process: 1 };

    fn handles() -> (Handles, Ledger) {
        let mut handles = Handles::default();
        handles.open(HANDLE, HOLDER);
        (handles, Ledger::default())
    }

    fn demand(invocation: i32) -> Due {
        let component = Name::try_from("c").unwrap();
        Due::Event(Event::Amf(amf::Event::ComponentTerminate { invocation, component }))
    }

    fn waiting(handles: &mut Handles, ledger: &mut Ledger) -> Vec<Due> {
        std::iter::from_fn(|| handles.next(HANDLE, ledger)).collect()
    }

    #[test]
    fn what_a_later_one_makes_obsolete_is_not_told() {
        let (mut handles, mut ledger) = handles();
        let ledger = &mut ledger;
        handles.block(HANDLE);
        let opened = Due::Event(Event::Ckpt(ckpt::Event::Open { tag: 1, result: Ok(1) }));
        handles.add(HANDLE, demand(1), ledger);
        for _ in 0..2 {
            handles.add(HANDLE, opened.clone(), ledger);
            handles.add(HANDLE, Due::Clm(OfClm::Changes), ledger);
            handles.add_in_turn(HANDLE, Due::View, ledger);
        }
        handles.add(HANDLE, demand(2), ledger);
        let changes = Due::Clm(OfClm::Changes);
        assert_eq!(
            waiting(&mut handles, ledger),
            [demand(2), opened.clone(), changes, Due::View, opened],
            "each in the place of the first"
        );
        // What its program sees at once is not put together.
        handles.add(HANDLE, demand(1), ledger);
        handles.add(HANDLE, demand(2), ledger);
        handles.block(HANDLE);
        handles.add(HANDLE, demand(3), ledger);
        assert_eq!(waiting(&mut handles, ledger), [demand(1), demand(3)]);
    }

    #[test]
    fn who_is_told_in_turn_is_not_told_twice_nor_while_it_is_blocked() {
        let (mut handles, mut ledger) = handles();
        let ledger = &mut ledger;
        let other = ConnectionId(2);
        handles.open(other, HOLDER);
        for _ in 0..3 {
            handles.add_in_turn(HANDLE, Due::View, ledger);
            handles.add_in_turn(other, Due::View, ledger);
        }
        handles.add(other, demand(1), ledger);
        handles.block(HANDLE);
        assert_eq!(handles.take_turn(ledger), Some((other, Due::View)));
        assert_eq!(handles.take_turn(ledger), Some((other, demand(1))));
        assert_eq!(handles.take_turn(ledger), None);
        assert!(!handles.have_turns() && handles.reads(other) && !handles.reads(HANDLE));
        assert_eq!(
            (handles.take(HANDLE, ledger), handles.next(HANDLE, ledger)),
            (None, Some(Due::View))
        );
        assert_eq!((handles.next(HANDLE, ledger), handles.reads(HANDLE)), (None, true));
    }

    #[test]
    fn outcomes_that_wait_count_until_they_are_told() {
        let (mut handles, mut ledger) = handles();
        let ledger = &mut ledger;
        handles.block(HANDLE);
        for number in 0..MAX_ASYNC_PER_HANDLE as u32 {
            assert!(handles.begin_asynchronous(HANDLE, ledger));
            handles.add(HANDLE, Due::Clm(OfClm::Current(number)), ledger);
        }
        assert!(!handles.begin_asynchronous(HANDLE, ledger));
        assert!(handles.next(HANDLE, ledger).is_some());
        assert!(handles.begin_asynchronous(HANDLE, ledger));
        // One that takes the place of another counts once.
        handles.add(HANDLE, Due::Clm(OfClm::Current(7)), ledger);
        assert!(
            handles.begin_asynchronous(HANDLE, ledger)
                && !handles.begin_asynchronous(HANDLE, ledger)
        );
    }

    #[test]
    fn what_is_no_outcome_ends_no_request() {
        let (mut handles, mut ledger) = handles();
        let ledger = &mut ledger;
        for _ in 0..MAX_ASYNC_PER_HANDLE {
            assert!(handles.begin_asynchronous(HANDLE, ledger));
        }
        for due in [demand(1), Due::Clm(OfClm::Changes), Due::View, Due::Deliveries] {
            handles.add(HANDLE, due.clone(), ledger);
            assert_eq!(waiting(&mut handles, ledger), [due]);
        }
        assert!(!handles.begin_asynchronous(HANDLE, ledger));
    }
}
