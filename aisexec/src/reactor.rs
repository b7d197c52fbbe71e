//! The loop: one thread, one epoll instance, level-triggered. It waits, looks
//! at the sockets of the ring, hands every event to the server, and ends on
//! SIGTERM and SIGINT: on the first when the components of this node have let go
//! of their work, on the second at once.

use crate::breaks::{BREAK, Breaks};
use crate::busy_poll::{BusyPoll, Next};
use crate::clock::{self, SECOND};
use crate::daemon::{Failure, Server, Token};
use crate::signals::Signals;
use crate::watchdog::{Step, Watchdog};
use crate::{logs, notify, sys};
use ais_node::Now;
use nix::errno::Errno;
use nix::sched::sched_yield;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use std::io;
use std::rc::Rc;

/// Events taken at once: so many that who has few connections is not behind all
/// those of somebody who has thousands. Those beyond come with the next round:
/// epoll puts what it has told behind what it has not.
const EVENTS: usize = 1024;
/// For how long clients have turns in one round, in ns; who is left has one in
/// the next, when the sockets of the ring were looked at.
const SERVING_TIME: u64 = SECOND / 2000;
/// The sockets of the ring are looked at after so many ns, whatever epoll tells.
const LOOK_INTERVAL: u64 = SECOND / 1000;
/// Requests served from where the last one came before all are looked at.
const MOST_IN_A_ROW: u32 = 16;
/// While polling, one look at all after so many at where the last request came
/// from.
const LOOKS_AT_LAST: u32 = 3;
/// Looks between two offers of the processor to others: an offer costs as much
/// as a look or two.
const LOOKS_PER_YIELD: u32 = 8;

/// The loop and what it runs.
#[derive(Debug)]
pub(crate) struct Reactor {
    epoll: Rc<Epoll>,
    signals: Signals,
    server: Server,
    busy: BusyPoll,
    breaks: Breaks,
    /// When something is due, as of when events were waited for.
    deadline: Option<u64>,
    /// When the sockets of the ring were looked at last, on the monotonic clock.
    looked_at: u64,
    /// A signal has come that ends it.
    is_stopping: bool,
    /// Requests served in a row without looking at all.
    in_a_row: u32,
    /// The request that was served last came so.
    is_in_stride: bool,
    watchdog: Watchdog,
    /// Since when the thread may have slept, if the last wait was no mere look.
    slept_from: Option<u64>,
    /// When to tell next of what was counted, on the monotonic clock.
    tell_at: u64,
}

impl Reactor {
    /// A loop for `server`, which watches with the same `epoll`.
    ///
    /// # Errors
    /// If epoll does not take the signals.
    pub(crate) fn new(
        epoll: Rc<Epoll>,
        signals: Signals,
        server: Server,
        busy: BusyPoll,
        breaks: Breaks,
    ) -> io::Result<Self> {
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, Token::Signals.encode()))?;
        Ok(Self {
            epoll,
            signals,
            server,
            busy,
            breaks,
            deadline: None,
            looked_at: 0,
            is_stopping: false,
            in_a_row: 0,
            is_in_stride: false,
            watchdog: Watchdog::new(clock::monotonic()),
            slept_from: None,
            tell_at: 0,
        })
    }

    /// Runs until signals end it, then leaves the cluster. Calls `ready` once
    /// when clients can connect.
    ///
    /// # Errors
    /// If clients cannot be served, or an error report has the node stopped.
    pub(crate) fn run(&mut self, ready: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
        let mut ready = Some(ready);
        let mut events = [EpollEvent::empty(); EVENTS];
        let result = loop {
            match self.round(&mut events) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
            match self.server.is_open() {
                Ok(true) => {
                    if let Some(ready) = ready.take()
                        && let Err(error) = ready()
                    {
                        break Err(error.into());
                    }
                }
                Ok(false) => {}
                Err(failure) => break Err(failure),
            }
        };
        if !self.is_stopping {
            notify::stopping();
        }
        self.server.leave_cluster(clock::now());
        result
    }

    /// Waits once and does what there is to do. Whether to go on.
    fn round(&mut self, events: &mut [EpollEvent]) -> io::Result<bool> {
        let count = self.wait(events)?;
        let is_ring = |event: &EpollEvent| event.data() == Token::Ring.encode();
        let now = self.look(count == EVENTS || events[..count].iter().any(is_ring));
        for event in &events[..count] {
            let token = Token::decode(event.data());
            if token == Token::Signals && !self.answer_signals(now) {
                return Ok(false);
            }
            self.server.on_event(now, token, event.events());
            if token.is_work() {
                self.ended(Step::Event(token));
            }
        }
        self.serve(now);
        if self.deadline.is_some_and(|deadline| deadline <= now.monotonic) {
            self.server.on_time(now);
            self.ended(Step::Time);
        }
        if self.server.tidy(now) {
            self.ended(Step::Tidying);
        }
        if self.tell_at <= now.monotonic {
            self.tell_at = now.monotonic.saturating_add(SECOND);
            self.tell(now.monotonic);
        }
        self.server.flush_network(now);
        self.ended(Step::Sending);
        Ok(!self.server.may_leave())
    }

    /// Takes the datagrams that have come, and tells the time after that. Where none
    /// `may_have_come`, as epoll has told, it is looked for them only if something is due,
    /// which they may be about, and now and then: this thread may not have run since.
    fn look(&mut self, may_have_come: bool) -> Now {
        let now = clock::now();
        let slept_from = self.slept_from.take();
        if let Some(from) = slept_from {
            self.breaks.waited(from, now.monotonic);
        }
        self.watchdog.begin(now.monotonic, slept_from.is_some());
        let is_due = self.deadline.is_some_and(|deadline| deadline <= now.monotonic);
        let is_long_ago = now.monotonic.saturating_sub(self.looked_at) >= LOOK_INTERVAL;
        // Between requests that follow each other where there are no other nodes, a datagram
        // of one that starts shows among the events, which are looked at now and then.
        if std::mem::take(&mut self.is_in_stride) || !(may_have_come || is_due || is_long_ago) {
            return now;
        }
        let now = self.server.look(now.monotonic);
        self.looked_at = now.monotonic;
        self.ended(Step::Datagrams);
        now
    }

    /// Gives turns to those who are in line, each one at most.
    fn serve(&mut self, now: Now) {
        if self.server.ready() == 0 {
            return;
        }
        let until = clock::monotonic().saturating_add(SERVING_TIME);
        for _ in 0..self.server.ready() {
            let Some(id) = self.server.serve_ready(now) else { return };
            if self.ended(Step::Turn(id)) >= until {
                return;
            }
        }
    }

    /// A step is over. When that was, on the monotonic clock.
    fn ended(&mut self, step: Step) -> u64 {
        let Self { watchdog, server, .. } = self;
        let now = clock::monotonic();
        watchdog.end(now, step, || match step {
            Step::Turn(id) => server.peer_of(id),
            _ => None,
        });
        server.begin_step();
        now
    }

    /// Tells of lines that were left out of the log, and operators of what is
    /// counted here.
    #[cold]
    fn tell(&mut self, now: u64) {
        logs::on_time(now);
        let counters = self.watchdog.counters().into_iter().chain(logs::counters());
        self.server.tell_counters(counters.collect());
    }

    /// Does what signals ask for. Whether to go on.
    #[cold]
    fn answer_signals(&mut self, now: Now) -> bool {
        let asked = self.signals.asked();
        if asked.state {
            self.server.log_state(now);
        }
        if asked.keys {
            self.server.reload_keys(now);
        }
        if asked.stop {
            if std::mem::replace(&mut self.is_stopping, true) {
                return false;
            }
            notify::stopping();
            self.server.prepare_leave(now);
        }
        true
    }

    /// Waits for events, or until something is due. Polls a while before it
    /// sleeps if requests follow each other.
    fn wait(&mut self, events: &mut [EpollEvent]) -> io::Result<usize> {
        let served = self.server.take_served();
        let mut now = self.have_break();
        self.deadline = self.server.deadline();
        if self.server.has_work() {
            return wait(&self.epoll, events, Some(0));
        }
        if served {
            let count = self.poll(events)?;
            if count > 0 || self.server.has_served() {
                return Ok(count);
            }
            now = clock::monotonic();
        }
        let left = self.deadline.map(|deadline| deadline.saturating_sub(now));
        self.slept_from.get_or_insert(now);
        wait(&self.epoll, events, left)
    }

    /// Lets ordinary programs have the processor for a moment, if that is due. The
    /// time after that, or when the last step ended, a moment ago.
    #[expect(clippy::disallowed_methods, reason = "others are to run, and nothing is waited for")]
    fn have_break(&mut self) -> u64 {
        let now = self.watchdog.began();
        if !self.breaks.is_due(now) {
            return now;
        }
        self.slept_from = Some(now);
        std::thread::sleep(BREAK);
        clock::monotonic()
    }

    /// Looks again and again; if there are no other nodes mostly at the
    /// connection that was served last: a look at one costs less than a look
    /// at all, and who waits for replies asks again soon.
    fn poll(&mut self, events: &mut [EpollEvent]) -> io::Result<usize> {
        let mut now = clock::now();
        let pollers = self.server.pollers_here();
        let Some(mut window) = self.busy.begin(now.monotonic, pollers) else { return Ok(0) };
        let is_alone = self.server.is_alone();
        for look in 1_u32.. {
            let at_last = is_alone && look % (LOOKS_AT_LAST + 1) != 0;
            if at_last && self.in_a_row < MOST_IN_A_ROW {
                if let Some(id) = self.server.serve_last(now) {
                    self.watchdog.begin(now.monotonic, false);
                    self.ended(Step::Turn(id));
                    self.in_a_row += 1;
                    self.is_in_stride = true;
                    self.busy.hit();
                    return Ok(0);
                }
            } else {
                self.in_a_row = 0;
                let count = wait(&self.epoll, events, Some(0))?;
                if count > 0 {
                    self.busy.hit();
                    return Ok(count);
                }
            }
            now = clock::now();
            self.breaks.idled(now.monotonic);
            let is_due = self.deadline.is_some_and(|deadline| deadline <= now.monotonic);
            if is_due || self.busy.miss(&mut window, now.monotonic) == Next::Sleep {
                break;
            }
            // Whoever shares the processor has a turn. It cannot fail.
            if look % LOOKS_PER_YIELD == 0 {
                let _ = sched_yield();
            }
        }
        Ok(0)
    }
}

/// Waits for events for so many ns at most, or for as long as it takes.
fn wait(epoll: &Epoll, events: &mut [EpollEvent], ns: Option<u64>) -> io::Result<usize> {
    match sys::wait_for_events(epoll, events, ns) {
        Err(Errno::EINTR) => Ok(0),
        result => result.map_err(io::Error::from),
    }
}
