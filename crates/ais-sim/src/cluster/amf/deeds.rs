//! What processes with components do, and what happens to them.

use super::process::{Played, Process, Registration, Series};
use super::{Asked, Hold};
use crate::cluster::World;
use crate::cluster::site::Call;
use crate::fabric::node_of;
use ais_proto::admin::{self, Operation, Target};
use ais_proto::amf::{Callbacks, ErrorReport, Recovery, Request};
use ais_proto::{Name, ServiceId, Writer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const RECOVERIES: [Recovery; 8] = [
    Recovery::NoRecommendation,
    Recovery::InternallyRecovered,
    Recovery::ComponentRestart,
    Recovery::ComponentFailover,
    Recovery::NodeSwitchover,
    Recovery::NodeFailover,
    Recovery::NodeFailfast,
    Recovery::ClusterReset,
];
/// Of `SaAmfProbableCauseT`.
pub(super) const COMMUNICATION_SUBSYSTEM_FAILURE: u8 = 5;
const NOT_RESPONDING: u8 = 30;

impl World {
    /// A process starts on this host, or something happens to one.
    pub(in crate::cluster) fn disturb_amf(&mut self, host: usize) -> Result<(), String> {
        let sessions: Vec<u64> = self.sites[host].processes.keys().copied().collect();
        if sessions.is_empty() || self.fabric.rng.once_in(3) {
            let component = self.fabric.rng.pick(&self.amf.rules.components()).clone();
            return self.start_process(host, component);
        }
        let session = *self.fabric.rng.pick(&sessions);
        match self.fabric.rng.below(21) {
            0 | 1 => {
                let only_handle = self.fabric.rng.once_in(3);
                self.end_process(host, session, only_handle);
                Ok(())
            }
            2 | 3 => {
                self.hang_or_go_on(host, session);
                Ok(())
            }
            4 => {
                if let Some(process) = self.sites[host].processes.get_mut(&session) {
                    process.refuses ^= true;
                }
                Ok(())
            }
            5 | 6 => self.unregister(host, session),
            7..=10 => self.register_again(host, session),
            11..=13 => self.report(host),
            14 | 15 => self.cancel(host, session),
            16 => self.talk_nonsense(host, session),
            17 => self.play_proxy(host, session),
            18 => self.operate_somehow(host),
            _ => self.ask_state(host, session),
        }
    }

    /// All components that nobody plays get a process, mostly the units each
    /// on a host of its own.
    pub(in crate::cluster) fn muster(&mut self) -> Result<(), String> {
        let serving = self.serving();
        if serving.is_empty() {
            return Ok(());
        }
        for component in self.amf.rules.components() {
            let plays = |site: &super::super::site::Site| {
                site.processes.values().any(|process| process.components.contains_key(&component))
            };
            if self.sites.iter().any(plays) || self.fabric.rng.once_in(5) {
                continue;
            }
            let unit = self.amf.rules.of(&component).map_or(0, |place| place.unit);
            let host = if self.fabric.rng.once_in(6) {
                *self.fabric.rng.pick(&serving)
            } else {
                serving[unit % serving.len()]
            };
            self.start_process(host, component)?;
        }
        Ok(())
    }

    pub(super) fn start_process(&mut self, host: usize, component: Name) -> Result<(), String> {
        let callbacks =
            if self.fabric.rng.once_in(6) { Callbacks::CSI_SET } else { Callbacks::all() };
        let caller = self.new_caller(Some((ServiceId::Amf, callbacks.bits())));
        self.fabric.with(host, |node, _| node.handle_opened(&caller));
        let process = Process {
            caller,
            callbacks,
            silent: false,
            was_silent: false,
            refuses: false,
            components: BTreeMap::new(),
            calls: BTreeSet::new(),
            series: Series::default(),
            pending: VecDeque::new(),
        };
        let session = caller.session.0;
        self.sites[host].processes.insert(session, process);
        self.register(host, session, component, None)
    }

    fn register(
        &mut self,
        host: usize,
        session: u64,
        component: Name,
        proxy: Option<Name>,
    ) -> Result<(), String> {
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return Ok(()) };
        let registration = Registration::Asked;
        let in_service = !process.callbacks.contains(Callbacks::READINESS_STATE_SET);
        let proxy_too = proxy.clone();
        let played = Played { proxy: proxy_too, registration, in_service, ..Played::default() };
        process.components.insert(component.clone(), played);
        let caller = process.caller;
        let request = Request::Register { component: component.clone(), proxy };
        self.say_through(host, caller, &request, Asked::Register(session, component))
    }

    /// Registers what is not registered.
    pub(super) fn register_again(&mut self, host: usize, session: u64) -> Result<(), String> {
        let Some(process) = self.sites[host].processes.get(&session) else { return Ok(()) };
        let free = |(_, played): &(&Name, &Played)| played.registration == Registration::None;
        let free = process.components.iter().filter(free);
        let free: Vec<_> = free.map(|(name, of)| (name.clone(), of.proxy.clone())).collect();
        for (component, proxy) in free {
            self.register(host, session, component, proxy)?;
        }
        Ok(())
    }

    /// A process speaks for another component too.
    fn play_proxy(&mut self, host: usize, session: u64) -> Result<(), String> {
        let other = self.fabric.rng.pick(&self.amf.rules.components()).clone();
        let Some(process) = self.sites[host].processes.get(&session) else { return Ok(()) };
        let mut own = process.components.iter();
        let own = own.find(|(_, of)| of.registration == Registration::Registered);
        let Some((own, _)) = own.filter(|_| !process.components.contains_key(&other)) else {
            return Ok(());
        };
        let proxy = self.fabric.rng.once_in(2).then(|| own.clone());
        self.register(host, session, other, proxy)
    }

    fn unregister(&mut self, host: usize, session: u64) -> Result<(), String> {
        let Some(process) = self.sites[host].processes.get_mut(&session) else { return Ok(()) };
        let caller = process.caller;
        let mut registered = process.components.iter_mut();
        let found = registered.find(|(_, of)| of.registration == Registration::Registered);
        let Some((component, played)) = found else { return Ok(()) };
        played.leaves = true;
        let (component, proxy) = (component.clone(), played.proxy.clone());
        self.amf.told.let_go(|hold| hold.session == session && hold.component == component);
        let request = Request::Unregister { component: component.clone(), proxy };
        self.say_through(host, caller, &request, Asked::Unregister(session, component))
    }

    pub(super) fn end_process(&mut self, host: usize, session: u64, only_handle: bool) {
        let Some(process) = self.sites[host].processes.remove(&session) else { return };
        let caller = process.caller;
        self.amf.told.let_go(|hold| hold.session == session);
        self.sites[host].close(caller.session);
        if !only_handle {
            self.sites[host].unread.retain(|of| of.caller.session != caller.session);
        }
        self.fabric.with(host, |node, now| {
            node.connection_closed(now, caller.connection);
            if !only_handle {
                node.session_closed(now, caller.session);
            }
        });
    }

    fn hang_or_go_on(&mut self, host: usize, session: u64) {
        if let Some(process) = self.sites[host].processes.get_mut(&session) {
            process.silent ^= true;
            process.was_silent = true;
        }
        // Others may take over from it before it knows.
        self.amf.told.let_go(|hold| hold.session == session);
        self.plan_answer(host, session);
    }

    /// A process reports somebody's error.
    fn report(&mut self, host: usize) -> Result<(), String> {
        let erroneous = self.fabric.rng.pick(&self.amf.rules.components()).clone();
        let probable_cause = if self.fabric.rng.once_in(6) {
            NOT_RESPONDING
        } else {
            COMMUNICATION_SUBSYSTEM_FAILURE
        };
        let recovery = *self.fabric.rng.pick(&RECOVERIES);
        if probable_cause == NOT_RESPONDING {
            self.amf.told.let_go(|hold: &Hold| hold.component == erroneous);
            self.amf.doubted.insert(erroneous.clone());
        }
        self.counted.reports += 1;
        self.report_of(host, erroneous, probable_cause, recovery)
    }

    /// Some process on this host reports this error.
    pub(super) fn report_of(
        &mut self,
        host: usize,
        erroneous: Name,
        probable_cause: u8,
        recovery: Recovery,
    ) -> Result<(), String> {
        let report = ErrorReport {
            reporting: erroneous.clone(),
            erroneous,
            detection_time: 0,
            report_type: 1,
            probable_cause,
            severity: 1,
            recovery,
            additional: [None; 3],
        };
        let caller = self.new_caller(None);
        self.say_through(host, caller, &Request::ErrorReport(report), Asked::Errors)
    }

    fn cancel(&mut self, host: usize, session: u64) -> Result<(), String> {
        let component = self.fabric.rng.pick(&self.amf.rules.components()).clone();
        self.say_of(host, session, &Request::ErrorCancelAll { component }, Asked::Errors)
    }

    /// A process answers what another one was asked.
    fn talk_nonsense(&mut self, host: usize, session: u64) -> Result<(), String> {
        let others = self.sites[host].processes.iter().filter(|(other, _)| **other != session);
        let asked = others.filter_map(|(_, process)| process.pending.front());
        let invocation = asked.filter_map(|told| told.event.invocation()).next().unwrap_or(-7);
        self.answer_again(host, session, invocation)
    }

    pub(in crate::cluster) fn answer_again(
        &mut self,
        host: usize,
        session: u64,
        invocation: i32,
    ) -> Result<(), String> {
        if !self.sites[host].processes.contains_key(&session) {
            return Ok(());
        }
        let request = Request::Response { invocation, result: Ok(()) };
        self.say_of(host, session, &request, Asked::Nonsense)
    }

    /// An operator does something to somebody, half of the time for good.
    fn operate_somehow(&mut self, host: usize) -> Result<(), String> {
        let rng = &mut self.fabric.rng;
        let operation = if rng.once_in(2) {
            *rng.pick(&[Operation::Unlock, Operation::Repaired])
        } else {
            *rng.pick(&[Operation::Lock, Operation::Shutdown, Operation::SwitchOver])
        };
        let target = if rng.once_in(4) {
            Target::Node(node_of(rng.below(self.plan.hosts as u64) as usize))
        } else {
            rng.pick(&self.amf.rules.targets).clone()
        };
        self.operate(host, operation, target)
    }

    pub(super) fn operate(
        &mut self,
        host: usize,
        operation: Operation,
        target: Target,
    ) -> Result<(), String> {
        self.counted.operations += 1;
        self.administer(host, &admin::Request::Operate { operation, target }, Asked::Operate)
    }

    pub(super) fn administer(
        &mut self,
        host: usize,
        request: &admin::Request<'_>,
        asked: Asked,
    ) -> Result<(), String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        let caller = self.new_caller(None);
        self.ask(host, caller, request.code(), &body.into_bytes(), Call::Amf(asked))
    }

    fn ask_state(&mut self, host: usize, session: u64) -> Result<(), String> {
        let component = self.fabric.rng.pick(&self.amf.rules.components()).clone();
        let csis = self.amf.rules.of(&component).map(|place| place.instances.clone());
        let request = match csis.unwrap_or_default().pop() {
            Some(csi) if self.fabric.rng.once_in(2) => Request::HaStateGet { component, csi },
            _ if self.fabric.rng.once_in(2) => Request::CapabilityModelGet { component },
            _ => Request::ReadinessStateGet { component },
        };
        self.say_of(host, session, &request, Asked::State)
    }
}
