//! Programs with one thread, which calls and dispatches in turn: a call that
//! waits keeps it from answering. None of them is ever taken for hung.

use super::process::{Process, Series};
use super::{Asked, World};
use crate::cluster::Act;
use crate::cluster::site::{Call, caller};
use crate::cluster::work::{attributes, name};
use crate::fabric::{host_of, node_of};
use crate::plan::MILLISECOND;
use ais_node::ConnectionId;
use ais_proto::admin::{Component, Failure};
use ais_proto::{AisError, Writer, ckpt};

/// How many calls a thread makes at most before it dispatches again: those that
/// count for nothing, as they are answered at once, take less time together than
/// a component may be late.
const LONGEST_SERIES: u64 = 50;

/// How long a thread begins calls at most before it dispatches again, in
/// nanoseconds: less than the calls of a process count while others get on.
const SERIES_TIME: u64 = 3_000 * MILLISECOND;

impl World {
    /// How long a program waits for an answer.
    fn api_timeout(&self) -> u64 {
        self.plan.tokens(40).max(500 * MILLISECOND)
    }

    /// How long a component may leave anything unanswered: longer than it takes
    /// by itself, and mostly shorter than the others take to be rid of a node.
    pub(in crate::cluster) fn press(&mut self) {
        let short = self.plan.token + 200;
        for group in &mut self.amf.groups.groups {
            for component in group.units.iter_mut().flat_map(|unit| &mut unit.components) {
                component.healthcheck_timeout = short;
                component.quiesce_timeout = short;
                component.callback_timeout = 2 * short;
                component.stopping_timeout = 2 * short;
            }
        }
        self.amf.has_one_thread = true;
    }

    /// The thread of a process begins to wait for an answer.
    pub(in crate::cluster) fn enter_call(
        &mut self,
        host: usize,
        session: u64,
        call: (ConnectionId, u32),
    ) {
        let has_one_thread = self.amf.has_one_thread;
        let process = self.sites[host].processes.get_mut(&session);
        if let Some(process) = process.filter(|_| has_one_thread) {
            process.calls.insert(call);
            let time = self.api_timeout();
            self.fabric.plan(time, Act::GiveUp(host, session, call));
        }
    }

    /// A call that the thread of a process waits for is answered.
    pub(in crate::cluster) fn end_call(&mut self, host: usize, call: (ConnectionId, u32)) {
        let mut processes = self.sites[host].processes.iter_mut();
        let of = processes.find_map(|(session, of)| of.calls.remove(&call).then_some(*session));
        let Some(session) = of else { return };
        let now = self.fabric.now;
        let process = self.sites[host].processes.get(&session);
        if process.is_some_and(|process| process.series.goes_on(now)) {
            self.fabric.plan(1, Act::Answer(host, session));
        } else {
            self.plan_answer(host, session);
        }
    }

    /// The thread of a process makes one call or many before it dispatches again.
    pub(super) fn begin_series(&mut self, host: usize, session: u64) {
        let is_long = self.fabric.rng.once_in(3);
        let left = if is_long { self.fabric.rng.below(LONGEST_SERIES) } else { 0 };
        if let Some(process) = self.sites[host].processes.get_mut(&session) {
            let until = (self.fabric.now + SERIES_TIME).min(self.amf.spell_until);
            process.series = Series { left, until };
        }
    }

    /// Whether the next thing that the thread of a process does is a call, which
    /// then begins. Only heartbeats wait so long: after a merge nobody waits for
    /// those of the other side to let go, and the checkers know no moment between.
    pub(super) fn goes_on_calling(&mut self, host: usize, session: u64) -> bool {
        let now = self.fabric.now;
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return false };
        let is_free = !process.silent && process.calls.is_empty() && process.is_idle();
        let goes_on = is_free && process.series.goes_on(now);
        if goes_on {
            process.series.left -= 1;
        }
        goes_on
    }

    /// A process waits for an answer no longer.
    pub(in crate::cluster) fn give_up(
        &mut self,
        host: usize,
        session: u64,
        call: (ConnectionId, u32),
    ) -> Result<(), String> {
        let process = self.sites[host].processes.get(&session);
        if !process.is_some_and(|process| process.calls.contains(&call)) {
            return Ok(());
        }
        if !self.fabric.is_running(host) {
            // The word that it is given up is read behind the request when the daemon
            // goes on.
            let until = self.fabric.hosts()[host].paused_until;
            let delay = until.saturating_sub(self.fabric.now) + 1;
            self.fabric.plan(delay, Act::GiveUp(host, session, call));
            return Ok(());
        }
        self.counted.cancelled += 1;
        self.end_call(host, call);
        self.sites[host].gone.insert(call.0);
        let asked = self.sites[host].calls.remove(&call);
        if !self.give_up_unread(host, call) {
            self.fabric.with(host, |node, now| node.cancel(now, call.0, call.1));
        }
        asked.map_or(Ok(()), |(_, asked)| self.reply(host, asked, Err(AisError::Timeout), &[]))
    }

    /// A process calls something that all nodes have to agree on.
    pub(super) fn call(&mut self, host: usize, session: u64) -> Result<(), String> {
        let name = name("component", self.fabric.rng.below(3) as usize);
        let flags = ckpt::OpenFlags::READ;
        let request = match self.fabric.rng.below(3) {
            0 => ckpt::Request::Unlink { name },
            _ => ckpt::Request::Open(ckpt::Open { name, attributes: Some(attributes(0)), flags }),
        };
        let mut body = Writer::new();
        request.encode(&mut body);
        let caller = caller(session, self.fresh(), None);
        let asked = Call::Amf(Asked::Anything);
        self.ask(host, caller, request.code(), &body.into_bytes(), asked)
    }

    /// No component counts as hung whose process answered as soon as it could.
    pub(super) fn is_hung_if_shown(&self, row: &Component) -> Result<(), String> {
        let (Some(node), Some(Failure::Silent)) = (row.node, row.failure) else { return Ok(()) };
        // A component that was said not to respond on one side may work on another.
        if self.amf.doubted.contains(&row.name) || row.reason.contains("reports an error") {
            return Ok(());
        }
        let processes = self.sites[host_of(node)].processes.values();
        let mut plays = processes.filter(|process| process.components.contains_key(&row.name));
        let hung = |process: &Process| process.was_silent;
        match plays.any(hung) {
            true => Ok(()),
            false => Err(format!(
                "works: {row:?} on {} was taken out, and works",
                node_of(host_of(node))
            )),
        }
    }
}
