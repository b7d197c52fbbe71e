//! The loop: one thread, one epoll instance, level-triggered. It waits, hands
//! every event to the server, and ends on SIGTERM and SIGINT.

use crate::busy_poll::{BusyPoll, Next};
use crate::clock;
use crate::ipc::{Server, Token};
use crate::signals::Signals;
use nix::errno::Errno;
use nix::sched::sched_yield;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::rc::Rc;

/// Events taken at once. Those beyond come with the next round: epoll puts
/// what it has told behind what it has not.
const EVENTS: usize = 64;
const MILLISECOND: u64 = 1_000_000;
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
    /// Requests served in a row without looking at all.
    in_a_row: u32,
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
    ) -> io::Result<Self> {
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, Token::Signals.encode()))?;
        Ok(Self { epoll, signals, server, busy, in_a_row: 0 })
    }

    /// Runs until a signal ends it.
    ///
    /// # Errors
    /// If waiting for events fails, which it does not.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let count = self.wait(&mut events)?;
            let now = clock::now();
            for event in &events[..count] {
                let token = Token::decode(event.data());
                if token == Token::Signals && self.signals.asks_to_stop() {
                    return Ok(());
                }
                self.server.on_event(now, token, event.events());
            }
            self.server.serve_ready(now);
            if self.server.deadline().is_some_and(|deadline| deadline <= now.monotonic) {
                self.server.on_time(now);
            }
        }
    }

    /// Waits for events, or until something is due. Polls a while before it
    /// sleeps if requests follow each other.
    fn wait(&mut self, events: &mut [EpollEvent]) -> io::Result<usize> {
        let served = self.server.take_served();
        if self.server.has_ready() {
            return wait(&self.epoll, events, EpollTimeout::ZERO);
        }
        let deadline = self.server.deadline();
        if served {
            let count = self.poll(events, deadline)?;
            if count > 0 || self.server.has_served() {
                return Ok(count);
            }
        }
        let timeout = match deadline {
            Some(deadline) => timeout(deadline.saturating_sub(clock::monotonic())),
            None => EpollTimeout::NONE,
        };
        wait(&self.epoll, events, timeout)
    }

    /// Looks again and again, mostly at the connection that was served last:
    /// a look at one costs less than a look at all, and who waits for replies
    /// asks again soon.
    fn poll(&mut self, events: &mut [EpollEvent], deadline: Option<u64>) -> io::Result<usize> {
        let mut now = clock::now();
        let Some(mut window) = self.busy.begin(now.monotonic) else { return Ok(0) };
        for look in 1_u32.. {
            if look % (LOOKS_AT_LAST + 1) != 0 && self.in_a_row < MOST_IN_A_ROW {
                if self.server.serve_last(now) {
                    self.in_a_row += 1;
                    self.busy.hit();
                    return Ok(0);
                }
            } else {
                self.in_a_row = 0;
                let count = wait(&self.epoll, events, EpollTimeout::ZERO)?;
                if count > 0 {
                    self.busy.hit();
                    return Ok(count);
                }
            }
            now = clock::now();
            let is_due = deadline.is_some_and(|deadline| deadline <= now.monotonic);
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

fn wait(epoll: &Epoll, events: &mut [EpollEvent], timeout: EpollTimeout) -> io::Result<usize> {
    match epoll.wait(events, timeout) {
        Err(Errno::EINTR) => Ok(0),
        result => result.map_err(io::Error::from),
    }
}

/// A timeout of so many ns, rounded up: a wait that ended too early would be
/// repeated at once, again and again.
fn timeout(ns: u64) -> EpollTimeout {
    EpollTimeout::try_from(ns.div_ceil(MILLISECOND)).unwrap_or(EpollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_never_end_too_early() {
        assert_eq!(timeout(0).as_millis(), Some(0));
        assert_eq!(timeout(1).as_millis(), Some(1));
        assert_eq!(timeout(MILLISECOND).as_millis(), Some(1));
        assert_eq!(timeout(MILLISECOND + 1).as_millis(), Some(2));
        assert_eq!(timeout(u64::MAX), EpollTimeout::MAX);
    }
}
