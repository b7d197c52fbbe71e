//! What this node itself holds up: calls of programs that wait for the group,
//! and programs that wait while nothing runs here or nothing gets on. None of
//! that time counts against a component, as another node may be to blame for it
//! and the component cannot do anything else meanwhile.
//!
//! Two things are measured. *A process* is held while a call of it waits, from
//! when the node was asked (or did not read what was asked) to when the reply is
//! put out. *All* processes are held while this node did not run, and while
//! answers are awaited from the group and none comes; so a component that waits
//! for another process is not taken for hung either.
//!
//! A call counts from its beginning if it takes longer than [`HELD_FROM`], which
//! is short: many calls in a row, each a little slower because a member is far
//! away, keep a program with one thread from answering as one long call does.
//! What is answered faster counts for nothing, so that in a quiet cluster a
//! component whose other threads call all the time is found to be hung as soon as
//! one that never calls. Where calls take longer, that takes [`LONGEST`] more for
//! each timer at most.

use crate::{Caller, ConnectionId, SessionId};
use ais_proto::ServiceId;
use std::collections::BTreeMap;

/// A call that is answered sooner was not held up, in nanoseconds: ten times what
/// a call takes where all members are near and have little to do.
const HELD_FROM: u64 = 2_000_000;

/// All are held up if the node does not run, or nothing gets on, for longer, in
/// nanoseconds. That is far above [`HELD_FROM`], for it has no bound: answers that
/// are slow, and come, are no reason to wait for a component any longer.
pub(crate) const STALLED_FROM: u64 = 100_000_000;

/// For how long the calls of a process count as held at most in the course of one
/// timer, besides the time in which all are held, in nanoseconds: as long as a
/// call takes at most by default. An answer that does not come is waited for by
/// two timers, one after the other.
/// What holds up all has no bound, for the group can be told nothing meanwhile.
const LONGEST: u64 = 5_000_000_000;

/// A request of a connection: its id, or `None` for what was not read yet.
type Call = (ConnectionId, Option<u32>);

/// What is held, and for how long it was.
#[derive(Debug)]
pub(crate) struct Holds {
    calls: BTreeMap<Call, (SessionId, u64)>,
    /// The processes that may have components.
    processes: BTreeMap<SessionId, Process>,
    all: Meter,
    /// Answers are awaited from the group, and none has come since then.
    stalled_since: Option<u64>,
    /// When the node was run last.
    ran_at: u64,
}

/// The calls of a process that wait.
#[derive(Debug, Default)]
struct Process {
    /// How many wait since when.
    waiting: BTreeMap<u64, usize>,
    meter: Meter,
}

/// Adds up times that were held. No moment counts twice.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    total: u64,
    until: u64,
}

/// How long a process had been held by a certain moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    all: u64,
    process: u64,
}

impl Meter {
    /// What it will show at `now` if something has been going on since then,
    /// which is a hold if it takes longer than `from`.
    fn with(self, since: Option<u64>, now: u64, from: u64) -> Self {
        match since {
            Some(since) if now.saturating_sub(since) > from => {
                let more = now.saturating_sub(since.max(self.until));
                Self { total: self.total + more, until: self.until.max(now) }
            }
            _ => self,
        }
    }
}

impl Holds {
    /// Nothing is held.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            calls: BTreeMap::new(),
            processes: BTreeMap::new(),
            all: Meter::default(),
            stalled_since: None,
            ran_at: now,
        }
    }

    /// A library handle was opened.
    pub(crate) fn open(&mut self, caller: &Caller) {
        if caller.callbacks(ServiceId::Amf).is_some() {
            self.processes.entry(caller.session).or_default();
        }
    }

    /// A process is gone, after all its connections.
    pub(crate) fn close(&mut self, session: SessionId) {
        self.processes.remove(&session);
    }

    /// A connection is gone.
    pub(crate) fn disconnect(&mut self, connection: ConnectionId) {
        let of_it = (connection, None)..=(connection, Some(u32::MAX));
        let calls: Vec<_> = self.calls.range(of_it).map(|(call, _)| *call).collect();
        for (connection, id) in calls {
            self.end(connection, id);
        }
    }

    /// A call waits from now on.
    pub(crate) fn begin(&mut self, caller: &Caller, id: Option<u32>) {
        let now = self.ran_at;
        let Some(process) = self.processes.get_mut(&caller.session) else { return };
        self.calls.entry((caller.connection, id)).or_insert_with(|| {
            *process.waiting.entry(now).or_default() += 1;
            (caller.session, now)
        });
    }

    /// A call waits no longer, if it did.
    pub(crate) fn end(&mut self, connection: ConnectionId, id: Option<u32>) {
        let Some((session, since)) = self.calls.remove(&(connection, id)) else { return };
        let Some(process) = self.processes.get_mut(&session) else { return };
        process.meter = process.meter.with(Some(since), self.ran_at, HELD_FROM);
        if let Some(count) = process.waiting.get_mut(&since) {
            *count -= 1;
            if *count == 0 {
                process.waiting.remove(&since);
            }
        }
    }

    /// The node runs; whether it may not have when it was to, as there was a
    /// pause.
    pub(crate) fn run(&mut self, now: u64) -> bool {
        let ran_at = std::mem::replace(&mut self.ran_at, now);
        now.saturating_sub(ran_at) > STALLED_FROM
    }

    /// The node did not run when it was to.
    pub(crate) fn overslept(&mut self, due: u64) {
        self.all = self.all.with(Some(due), self.ran_at, STALLED_FROM);
    }

    /// An answer has come from the group.
    pub(crate) fn get_on(&mut self) {
        self.all = self.all.with(self.stalled_since, self.ran_at, STALLED_FROM);
        self.stalled_since = self.stalled_since.map(|_| self.ran_at);
    }

    /// Whether answers are awaited from the group.
    pub(crate) fn await_group(&mut self, is_awaited: bool) {
        if is_awaited {
            self.stalled_since.get_or_insert(self.ran_at);
        } else {
            self.get_on();
            self.stalled_since = None;
        }
    }

    /// How long a process had been held by now.
    pub(crate) fn mark(&self, session: SessionId, now: u64) -> Mark {
        let of = self.processes.get(&session);
        let process = of.map_or(0, |of| {
            let oldest = of.waiting.first_key_value().map(|(since, _)| *since);
            of.meter.with(oldest, now, HELD_FROM).total
        });
        Mark { all: self.all.with(self.stalled_since, now, STALLED_FROM).total, process }
    }

    /// For how much of the time since `mark` it was held.
    pub(crate) fn since(&self, mark: Mark, session: SessionId, now: u64) -> u64 {
        let Mark { all, process } = self.mark(session, now);
        let all = all.saturating_sub(mark.all);
        // Mostly its calls wait too while all are held.
        process.saturating_sub(mark.process).min(all.saturating_add(LONGEST)).max(all)
    }
}
