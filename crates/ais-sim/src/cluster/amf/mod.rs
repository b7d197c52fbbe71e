//! AMF in the cluster: groups that the seed decides, processes that play their
//! components well or badly, and checkers of what they are told.

mod deeds;
mod groups;
mod held;
#[cfg(test)]
mod many;
mod process;
mod rest;
mod told;

pub(super) use process::Process;

use super::site::{Call, caller};
use super::{Act, World};
use crate::Rng;
use crate::fabric::{host_of, node_of};
use ais_node::amf::config::Groups;
use ais_node::{Caller, ConnectionId, View};
use ais_proto::admin::{self, AmfNode};
use ais_proto::amf::{Event, HaState, Readiness, Request};
use ais_proto::{AisError, Name, Writer};
use ais_wire::NodeId;
use groups::Rules;
use process::{Registration, addressee, meant};
use std::collections::BTreeSet;
use told::{Hold, Told};

/// How long a program takes to answer at most, in nanoseconds.
const SLOWEST_ANSWER: u64 = 300_000_000;

/// What is known of AMF.
#[derive(Debug)]
pub(super) struct Amf {
    pub(super) groups: Groups,
    rules: Rules,
    told: Told,
    /// How much of ten pieces of work is about AMF.
    pub(super) share: u64,
    /// Components that somebody said do not respond: they are asked nothing,
    /// whatever they do. So they count for nothing until they work again.
    doubted: BTreeSet<Name>,
    /// What an operator was shown last.
    shown: Vec<admin::Component>,
    shown_nodes: Vec<AmfNode>,
    /// Processes do one thing at a time.
    has_one_thread: bool,
    /// When the spell ends: in a rest calls are to end too.
    pub(super) spell_until: u64,
}

impl Amf {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let groups = groups::random(rng);
        Self { share: *rng.pick(&[3, 9]), ..Self::with(groups) }
    }

    /// With this groups.conf, and nothing done.
    fn with(groups: Groups) -> Self {
        Self {
            rules: Rules::new(&groups),
            groups,
            told: Told::default(),
            share: 0,
            doubted: BTreeSet::new(),
            shown: Vec::new(),
            shown_nodes: Vec::new(),
            has_one_thread: false,
            spell_until: 0,
        }
    }

    pub(super) fn view(&mut self, host: usize, view: &View) {
        self.told.view(host, view, host_of);
    }

    pub(super) fn host_gone(&mut self, host: usize) {
        self.told.host_gone(host);
    }

    /// The programs of a host notice that its daemon has left.
    pub(super) fn notice(&mut self, host: usize) {
        self.told.notice(host);
    }
}

/// A question of a process that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// The process registers a component.
    Register(u64, Name),
    /// The process unregisters a component.
    Unregister(u64, Name),
    /// The process answers a callback. Twice, if that was not taken.
    Answer(u64, Event, bool),
    /// The process answers what it has answered, or what another one was asked.
    Nonsense,
    /// The process reports or cancels errors.
    Errors,
    /// The process asks how a component stands.
    State,
    /// The process calls something else.
    Anything,
    /// An operator looks.
    Show,
    ShowNodes,
    /// An operator does something.
    Operate,
}

impl World {
    /// A component was called back.
    pub(super) fn amf_event(
        &mut self,
        host: usize,
        connection: ConnectionId,
        event: Event,
    ) -> Result<(), String> {
        let mut processes = self.sites[host].processes.iter();
        let found = processes.find(|(_, process)| process.caller.connection == connection);
        let Some((session, process)) = found else { return Ok(()) };
        let session = *session;
        process.accept(&event).map_err(|what| format!("{}: {what}", node_of(host)))?;
        if !process.silent {
            self.hear(host, session, &event)?;
            self.plan_answer(host, session);
        }
        if let Some(process) = self.sites[host].processes.get_mut(&session)
            && event.invocation().is_some()
        {
            let told = process::Told { event, obeyed: false, stale: false };
            process.pending.push_back(told);
        }
        Ok(())
    }

    /// From now on it is active, if it is told so.
    fn hear(&mut self, host: usize, session: u64, event: &Event) -> Result<(), String> {
        let Event::CsiSet { component, csi, flags, state: HaState::Active, .. } = event else {
            return Ok(());
        };
        self.counted.actives += 1;
        let process = &self.sites[host].processes[&session];
        let leaves = process.components.get(component).is_some_and(|played| played.leaves);
        if leaves || self.amf.doubted.contains(component) {
            return Ok(());
        }
        let peers = self.peers(host);
        let Some(place) = self.amf.rules.of(component) else {
            return Err(format!("addressee: there is no {component}"));
        };
        for csi in meant(csi, *flags, place) {
            let hold = Hold { host, session, component: component.clone(), csi };
            self.amf.told.active(hold, &peers, &self.amf.rules)?;
        }
        Ok(())
    }

    /// The daemon of a host is about to leave, and its programs do not know.
    pub(super) fn orphan(&mut self, host: usize) {
        let peers = self.peers(host);
        self.amf.told.orphan(host, &peers);
    }

    /// The hosts that share a view with this one, itself among them.
    fn peers(&self, host: usize) -> BTreeSet<usize> {
        let id = self.sites[host].view.as_ref().map(|view| view.id);
        let shares = |other: &usize| self.sites[*other].view.as_ref().map(|view| view.id) == id;
        let comes = |other: &usize| {
            let coming = self.coming.get(&host);
            coming.is_none_or(|coming: &Vec<NodeId>| coming.contains(&node_of(*other)))
        };
        (0..self.plan.hosts).filter(shares).filter(comes).collect()
    }

    /// Hosts that are one with those they have met.
    pub(super) fn amf_synced(&mut self) {
        let hosts = self.fabric.hosts();
        self.amf.told.apart.retain(|host| {
            let daemon = hosts[*host].daemon.as_ref();
            daemon.is_some_and(|daemon| daemon.sync_status().phase != "serving")
        });
    }

    /// How long a program takes at most to look at what has come.
    pub(super) fn slowest_answer(&self) -> u64 {
        self.plan.tokens(1).min(SLOWEST_ANSWER)
    }

    pub(super) fn plan_answer(&mut self, host: usize, session: u64) {
        let delay = self.fabric.rng.below(self.slowest_answer());
        self.fabric.plan(delay, Act::Answer(host, session));
    }

    /// A process answers all that it was asked.
    pub(super) fn answer(&mut self, host: usize, session: u64) -> Result<(), String> {
        if !self.fabric.is_running(host) {
            // What it says lies in the socket until the daemon goes on.
            let until = self.fabric.hosts()[host].paused_until;
            if until > self.fabric.now && self.sites[host].processes.contains_key(&session) {
                let delay = until - self.fabric.now + 1;
                self.fabric.plan(delay, Act::Answer(host, session));
            }
            return Ok(());
        }
        if self.goes_on_calling(host, session) {
            return self.call(host, session);
        }
        let there = |process: &Process| process.pending.len();
        for _ in 0..self.sites[host].processes.get(&session).map_or(0, there) {
            let process = self.sites[host].processes.get_mut(&session);
            let process = process.filter(|process| !process.silent && process.calls.is_empty());
            let Some(told) = process.and_then(|process| process.pending.pop_front()) else {
                return Ok(());
            };
            self.answer_one(host, session, told)?;
            self.take_events()?;
        }
        let Some(process) = self.sites[host].processes.get(&session) else { return Ok(()) };
        process.check_abilities(&self.amf.rules)?;
        let dispatches = !process.silent && process.calls.is_empty();
        if self.amf.has_one_thread && dispatches && self.fabric.rng.once_in(2) {
            self.begin_series(host, session);
            self.call(host, session)?;
        }
        Ok(())
    }

    fn answer_one(&mut self, host: usize, session: u64, told: process::Told) -> Result<(), String> {
        let process::Told { event, obeyed, stale } = told;
        let (Some((component, _)), Some(invocation)) = (addressee(&event), event.invocation())
        else {
            return Ok(());
        };
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return Ok(()) };
        let (caller, refuses) = (process.caller, process.refuses);
        if !obeyed && !stale {
            let Some(place) = self.amf.rules.of(component) else { return Ok(()) };
            process.obey(&event, place)?;
            let is = |hold: &Hold| {
                (hold.host, hold.session, &hold.component) == (host, session, component)
            };
            match &event {
                Event::CsiSet { csi, flags, state, .. } if *state != HaState::Active => {
                    let csis = meant(csi, *flags, place);
                    self.amf.told.let_go(|hold| is(hold) && csis.contains(&hold.csi));
                }
                Event::CsiRemove { csi, flags, .. } => {
                    let csis = meant(csi, *flags, place);
                    self.amf.told.let_go(|hold| is(hold) && csis.contains(&hold.csi));
                }
                Event::ExternalComponentRestart { .. } | Event::ExternalComponentControl { .. } => {
                    self.amf.told.let_go(is);
                }
                _ => {}
            }
        }
        self.fabric.with(host, |node, now| node.dispatched(now, &caller, invocation));
        let result = if refuses { Err(AisError::FailedOperation) } else { Ok(()) };
        let stopping =
            matches!(&event, Event::ReadinessStateSet { state: Readiness::Stopping, .. });
        let request = if stopping {
            Request::StoppingComplete { invocation, result }
        } else {
            Request::Response { invocation, result }
        };
        self.say_of(host, session, &request, Asked::Answer(session, event.clone(), obeyed))?;
        if matches!(event, Event::ComponentTerminate { .. }) {
            self.end_process(host, session, false);
        }
        Ok(())
    }

    /// A process asks on a connection without a handle.
    fn say_of(
        &mut self,
        host: usize,
        session: u64,
        request: &Request<'_>,
        asked: Asked,
    ) -> Result<(), String> {
        let caller = caller(session, self.fresh(), None);
        self.say_through(host, caller, request, asked)
    }

    fn say_through(
        &mut self,
        host: usize,
        caller: Caller,
        request: &Request<'_>,
        asked: Asked,
    ) -> Result<(), String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        self.ask(host, caller, request.code(), &body.into_bytes(), Call::Amf(asked))
    }

    /// A question of AMF was answered.
    pub(super) fn amf_reply(
        &mut self,
        host: usize,
        asked: Asked,
        result: Result<(), AisError>,
        body: &[u8],
    ) -> Result<(), String> {
        let unclear = matches!(result, Err(AisError::TryAgain | AisError::Timeout));
        let fits = match &asked {
            Asked::Register(session, component) => {
                self.registered(host, *session, component, result);
                // A proxy, and one that another process has.
                unclear
                    || matches!(
                        result,
                        Ok(()) | Err(AisError::Exist | AisError::NotExist | AisError::BadOperation)
                    )
            }
            Asked::Unregister(session, component) => {
                if result.is_ok()
                    && let Some(process) = self.sites[host].processes.get_mut(session)
                {
                    process.forget(component);
                }
                // The component was dismissed when sides met; or others have it as
                // proxy.
                matches!(
                    result,
                    Ok(())
                        | Err(AisError::NotExist
                            | AisError::BadHandle
                            | AisError::BadOperation
                            | AisError::Timeout)
                )
            }
            Asked::Answer(session, event, again) => {
                self.answered(host, *session, event, *again, result)
            }
            Asked::Nonsense => unclear || result == Err(AisError::InvalidParam),
            Asked::Errors => unclear || matches!(result, Ok(()) | Err(AisError::BadOperation)),
            Asked::State => unclear || matches!(result, Ok(()) | Err(AisError::NotExist)),
            Asked::Anything => true,
            Asked::Show => self.shown(result, body),
            Asked::ShowNodes => self.shown_nodes(result, body),
            Asked::Operate => unclear || result.is_ok(),
        };
        if fits {
            return Ok(());
        }
        Err(format!("answers: {} answers {asked:?} with {result:?}", node_of(host)))
    }

    fn registered(
        &mut self,
        host: usize,
        session: u64,
        component: &Name,
        result: Result<(), AisError>,
    ) {
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return };
        // After a timeout it may be registered.
        if result == Err(AisError::Timeout) {
            return;
        }
        if result.is_err() {
            return process.forget(component);
        }
        self.counted.registrations += 1;
        let is_told = process.callbacks.contains(ais_proto::amf::Callbacks::READINESS_STATE_SET);
        if let Some(played) = process.components.get_mut(component) {
            played.registration = Registration::Registered;
            played.in_service |= !is_told;
        }
    }

    /// Whether an answer may have been answered so.
    fn answered(
        &mut self,
        host: usize,
        session: u64,
        event: &Event,
        again: bool,
        result: Result<(), AisError>,
    ) -> bool {
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return true };
        match result {
            Ok(()) => {
                if self.fabric.rng.once_in(8)
                    && let Some(invocation) = event.invocation()
                {
                    self.fabric.plan(0, Act::AnswerAgain(host, session, invocation));
                }
                true
            }
            Err(AisError::TryAgain) => {
                // The callback may count as unanswered when the answer can be said at
                // last.
                let told = process::Told { event: event.clone(), obeyed: true, stale: false };
                process.pending.push_back(told);
                self.amf.told.let_go(|hold| (hold.host, hold.session) == (host, session));
                self.plan_answer(host, session);
                true
            }
            Err(AisError::Timeout) => true,
            Err(AisError::InvalidParam) => process.was_silent || again,
            Err(_) => false,
        }
    }
}
