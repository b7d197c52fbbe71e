//! What holds for AMF when no more faults come: everybody has been told what
//! the operator is shown, and all the work is done that can be.

use super::Asked;
use super::deeds::COMMUNICATION_SUBSYSTEM_FAILURE;
use super::process::{Process, Registration};
use crate::cluster::World;
use crate::fabric::{host_of, node_of};
use crate::plan::MILLISECOND;
use ais_proto::admin::{self, AdminState, AmfNode, Component, Failure, Operation, Phase, Target};
use ais_proto::amf::{Callbacks, HaState, Readiness, Recovery, Request};
use ais_proto::{AisError, Name, Reader};
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// Components on a page.
const PAGE: u32 = 256;

impl World {
    /// Whether AMF rests on this side, which this host is in.
    pub(in crate::cluster) fn amf_rests(&mut self, host: usize) -> Result<(), String> {
        let side = self.fabric.network.side(host);
        for other in 0..self.plan.hosts {
            if self.fabric.network.side(other) == side
                && let Some((session, process)) =
                    self.sites[other].processes.iter().find(|(_, process)| !process.is_idle())
            {
                let (node, pending) = (node_of(other), &process.pending);
                return Err(format!("process {session} on {node} has not answered {pending:?}"));
            }
        }
        self.show(host)?;
        let shown = std::mem::take(&mut self.amf.shown);
        let has_quorum = self.has_quorum(host);
        for (number, group) in self.amf.groups.groups.iter().enumerate() {
            let rows: Vec<_> = shown.iter().filter(|row| row.group == group.name).collect();
            self.does_its_work(number, &rows, has_quorum)
                .map_err(|why| format!("{}: {why}", group.name))?;
        }
        for row in &shown {
            self.is_hung_if_shown(row)?;
            self.is_as_shown(row)?;
        }
        self.dismiss_unshown(side, &shown);
        let works = |row: &&Component| row.phase != Phase::Out;
        for row in shown.iter().filter(works) {
            self.amf.doubted.remove(&row.name);
        }
        Ok(())
    }

    /// As many units are active and standby as can be, the others are spares
    /// or out of service.
    fn does_its_work(
        &self,
        group: usize,
        rows: &[&Component],
        has_quorum: bool,
    ) -> Result<(), String> {
        let mut units = BTreeMap::<&Name, Vec<&Component>>::new();
        for row in rows {
            units.entry(&row.unit).or_default().push(row);
        }
        if let Some(row) = rows.iter().find(|row| row.pending.is_some()) {
            return Err(format!("{:?} waits for confirmation", row.pending));
        }
        let can_work =
            |rows: &Vec<&Component>| has_quorum && rows.iter().all(|row| self.is_able(row));
        let able = units.values().filter(|rows| can_work(rows)).count();
        let can_act = |row: &&Component| self.most(row, HaState::Active) != Some(0);
        let can_lead = |rows: &&Vec<&Component>| can_work(rows) && rows.iter().all(can_act);
        let count = |phase| units.values().filter(|rows| rows[0].phase == phase).count();
        let (actives, standbys) = self.amf.rules.bounds(group);
        let active = units.values().filter(can_lead).count().min(actives);
        let standby = (able - active).min(standbys);
        let expected = (active, standby, able - active - standby);
        let found = (count(Phase::Active), count(Phase::Standby), count(Phase::Spare));
        if found != expected {
            return Err(format!(
                "{able} units can work; active, standby and spare are {found:?}, not {expected:?}"
            ));
        }
        let is_out = |rows: &Vec<&Component>| can_work(rows) || rows[0].phase == Phase::Out;
        if units.values().all(is_out) { Ok(()) } else { Err("who cannot work is not out".into()) }
    }

    /// Whether a component can be in service, as far as it goes.
    fn is_able(&self, row: &Component) -> bool {
        let has_fault = |node: NodeId| {
            let of = self.amf.shown_nodes.iter().find(|of| of.node == node);
            of.is_some_and(|of| of.fault.is_some() || of.admin != AdminState::Unlocked)
        };
        row.failure.is_none()
            && row.node.is_some_and(|node| !has_fault(node))
            && (row.unit_admin, row.group_admin) == (AdminState::Unlocked, AdminState::Unlocked)
    }

    /// For how many instances a component can have this state at most.
    fn most(&self, row: &Component, state: HaState) -> Option<usize> {
        let (actives, standbys, _) = self.amf.rules.of(&row.name)?.abilities();
        Some(if state == HaState::Active { actives } else { standbys })
    }

    fn has_quorum(&self, host: usize) -> bool {
        let daemon = self.fabric.hosts()[host].daemon.as_ref();
        daemon.is_some_and(|daemon| daemon.sync_status().may_change)
    }

    pub(super) fn show(&mut self, host: usize) -> Result<(), String> {
        self.administer(host, &admin::Request::AmfNodes, Asked::ShowNodes)?;
        self.amf.shown.clear();
        loop {
            let first = self.amf.shown.len() as u32;
            let page = admin::Request::Components { first, limit: PAGE };
            self.administer(host, &page, Asked::Show)?;
            self.take_events()?;
            if (self.amf.shown.len() as u32) < first + PAGE {
                return Ok(());
            }
        }
    }

    pub(super) fn shown_nodes(&mut self, result: Result<(), AisError>, body: &[u8]) -> bool {
        let nodes = Reader::new(body).list(AmfNode::decode);
        self.amf.shown_nodes = nodes.unwrap_or_default();
        result.is_ok()
    }

    pub(super) fn shown(&mut self, result: Result<(), AisError>, body: &[u8]) -> bool {
        let page = admin::Page::decode(&mut Reader::new(body), Component::decode);
        match page {
            Ok(page) if result.is_ok() => self.amf.shown.extend(page.items),
            _ => return false,
        }
        true
    }

    /// The process of a component was told what is shown of it.
    fn is_as_shown(&self, row: &Component) -> Result<(), String> {
        let state = match row.phase {
            Phase::Active => Some(HaState::Active),
            Phase::Standby => Some(HaState::Standby),
            _ => None,
        };
        let Some(node) = row.node else {
            let nothing = row.readiness == Readiness::OutOfService && row.failure.is_none();
            return if nothing { Ok(()) } else { Err(format!("nobody is {row:?}")) };
        };
        if state.is_some() && row.readiness != Readiness::InService {
            return Err(format!("{row:?} works out of service"));
        }
        let has = |wanted| row.instances.iter().filter(|(_, of)| *of == Some(wanted)).count();
        for wanted in [HaState::Active, HaState::Standby] {
            let all = row.instances.len().min(self.most(row, wanted).unwrap_or_default());
            if has(wanted) != if state == Some(wanted) { all } else { 0 } {
                return Err(format!("{row:?} differs from its unit"));
            }
        }
        // After a timeout two processes may think that they are this one.
        let processes = self.sites[host_of(node)].processes.values();
        let mut wrong = Err(format!("no process on {node} is {row:?}"));
        for process in processes {
            match Self::was_told(process, row) {
                Some(Ok(())) => return Ok(()),
                Some(Err(why)) => wrong = Err(why),
                None => {}
            }
        }
        wrong
    }

    /// Whether a process was told what is shown of a component that it plays.
    fn was_told(process: &Process, row: &Component) -> Option<Result<(), String>> {
        let played = process.components.get(&row.name);
        let played = played.filter(|of| of.registration != Registration::None)?;
        if process.silent {
            return Some(Ok(()));
        }
        for (csi, shown) in &row.instances {
            let told = played.states.get(csi).copied();
            let works = |state: Option<HaState>| state.filter(|of| *of != HaState::Quiesced);
            if works(told) != works(*shown) {
                return Some(Err(format!("{row:?} was told {told:?} for {csi}")));
            }
            if works(told).is_some() && played.refused.contains(csi) {
                return Some(Err(format!("{row:?} has refused {csi}")));
            }
        }
        Some(Ok(()))
    }

    /// A process that thinks it is registered may have been dismissed when
    /// sides met.
    fn dismiss_unshown(&mut self, side: u32, shown: &[Component]) {
        let node_of_row: BTreeMap<&Name, Option<NodeId>> =
            shown.iter().map(|row| (&row.name, row.node)).collect();
        for host in 0..self.plan.hosts {
            if self.fabric.network.side(host) != side {
                continue;
            }
            for process in self.sites[host].processes.values_mut() {
                let is_here =
                    |name: &Name| node_of_row.get(name).copied().flatten() == Some(node_of(host));
                let gone: Vec<_> = process
                    .components
                    .iter()
                    .filter(|(name, of)| of.registration != Registration::None && !is_here(name))
                    .map(|(name, _)| name.clone())
                    .collect();
                gone.iter().for_each(|name| process.forget(name));
            }
        }
    }

    pub(in crate::cluster) fn check_actives(&mut self) -> Result<(), String> {
        let network = &self.fabric.network;
        self.amf.told.rest(|host| network.side(host), &self.amf.rules)
    }

    /// Everybody is there and answers: then all the work is done.
    pub(in crate::cluster) fn finale(&mut self) -> Result<(), String> {
        let living = self.living();
        for host in &living {
            let processes = &self.sites[*host].processes;
            for session in processes.keys().copied().collect::<Vec<_>>() {
                self.end_process(*host, session, false);
            }
        }
        let nodes = living.iter().map(|host| Target::Node(node_of(*host)));
        for target in self.amf.rules.targets.clone().into_iter().chain(nodes) {
            for operation in [Operation::Unlock, Operation::Repaired] {
                self.operate(living[0], operation, target.clone())?;
            }
        }
        for component in self.amf.rules.components() {
            let host = *self.fabric.rng.pick(&living);
            self.start_process(host, component)?;
        }
        for _ in 0..200 {
            self.go(self.plan.tokens(2).max(50 * MILLISECOND))?;
            let mut missing = false;
            for host in &living {
                let sessions = self.sites[*host].processes.keys().copied();
                for session in sessions.collect::<Vec<_>>() {
                    let components = self.sites[*host].processes[&session].components.values();
                    let is_there =
                        |of: &super::process::Played| of.registration == Registration::Registered;
                    missing |= !components.into_iter().all(is_there);
                    self.register_again(*host, session)?;
                }
            }
            if !missing {
                break;
            }
        }
        self.settle()?;
        self.show(living[0])?;
        if let Some(row) = self.amf.shown.iter().find(|row| !self.is_able(row)) {
            return Err(format!("progress: everybody is there and answers, and {row:?}"));
        }
        self.fail_one(&living)
    }

    /// The error of a component at work is reported: then the component works no more.
    fn fail_one(&mut self, living: &[usize]) -> Result<(), String> {
        let active = self.amf.shown.iter().filter(|row| row.phase == Phase::Active);
        let active: Vec<_> = active.map(|row| row.name.clone()).collect();
        if active.is_empty() {
            return Ok(());
        }
        let erroneous = self.fabric.rng.pick(&active).clone();
        let host = *self.fabric.rng.pick(living);
        let recovery = Recovery::ComponentFailover;
        self.report_of(host, erroneous.clone(), COMMUNICATION_SUBSYSTEM_FAILURE, recovery)?;
        self.settle()?;
        self.show(host)?;
        match self.amf.shown.iter().find(|row| row.name == erroneous) {
            Some(row) if row.failure.is_some() && row.phase == Phase::Out => {
                self.refuse(&erroneous, living)
            }
            row => Err(format!("progress: its error was reported, and {row:?}")),
        }
    }

    /// A component is repaired, and answers that it cannot come into service: then it
    /// does not.
    fn refuse(&mut self, component: &Name, living: &[usize]) -> Result<(), String> {
        let plays = |process: &Process| {
            process.components.contains_key(component)
                && process.callbacks.contains(Callbacks::READINESS_STATE_SET)
        };
        let found = living.iter().find_map(|host| {
            let mut processes = self.sites[*host].processes.iter();
            processes.find(|(_, process)| plays(process)).map(|(session, _)| (*host, *session))
        });
        // A component that is not asked has nothing to refuse.
        let Some((host, session)) = found else { return Ok(()) };
        if let Some(process) = self.sites[host].processes.get_mut(&session) {
            process.refuses = true;
        }
        let request = Request::ErrorCancelAll { component: component.clone() };
        self.say_of(host, session, &request, Asked::Errors)?;
        self.settle()?;
        self.show(host)?;
        match self.amf.shown.iter().find(|row| row.name == *component) {
            Some(row) if row.failure == Some(Failure::Refused) && row.phase == Phase::Out => Ok(()),
            row => Err(format!("progress: it has refused to come into service, and {row:?}")),
        }
    }
}
