//! What an operator has done: lock, unlock, shutdown, switch-over, repaired.
//!
//! A lock counts for whatever it holds: a unit is in service only if neither
//! it nor its group nor the node of one of its components is locked. A
//! shutdown is a lock that lets active units finish their work first.
//!
//! Before a shutdown or a switch-over of a group or a unit is done, those of
//! its components that are at work and have the callback for it are asked to
//! confirm (`PendingOperationConfirm`). If one refuses or does not answer, the
//! operation is given up and all that were asked are told
//! (`PendingOperationExpired`).

use super::recovery::bounded;
use super::{Ask, ComponentId, Demand, Model, Phase, Question, Role, Unit, rules};
use ais_proto::admin::{AdminState, Operation, Target};
use ais_proto::amf::{Callbacks, PENDING_SHUTDOWN, PENDING_SWITCHOVER};
use ais_wire::{Name, NodeId};
use std::ops::Range;

/// How many nodes may be locked: as many as a cluster has at most.
pub(super) const MAX_LOCKS: usize = 128;

/// What was done, or why nothing was, for people.
type Words = Result<String, String>;

/// An operation that waits for confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) operation: Operation,
    pub(super) scope: Scope,
}

/// A group, or one unit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Group(usize),
    Unit(usize),
}

impl Model {
    /// Does an operation, or begins it.
    ///
    /// # Errors
    /// In words, why it changes nothing.
    pub(in crate::amf) fn operate(&mut self, operation: Operation, target: &Target) -> Words {
        let done = match target {
            Target::Group(name) => self
                .find_group(name)
                .and_then(|group| self.operate_on(operation, Scope::Group(group))),
            Target::Unit(name) => {
                self.find_unit(name).and_then(|unit| self.operate_on(operation, Scope::Unit(unit)))
            }
            Target::Component(name) => self.operate_on_component(operation, name),
            Target::Node(node) => self.operate_on_node(operation, *node),
        };
        self.settle();
        match &done {
            Ok(words) => log::info!("an operator: {words}"),
            Err(words) => log::info!("an operator asks in vain: {words}"),
        }
        done
    }

    fn find_group(&self, name: &Name) -> Result<usize, String> {
        let found = self.groups.iter().position(|group| group.name == *name);
        found.ok_or_else(|| format!("there is no group {name} in groups.conf"))
    }

    fn find_unit(&self, name: &Name) -> Result<usize, String> {
        let found = self.units.iter().position(|unit| unit.name == *name);
        found.ok_or_else(|| format!("there is no unit {name} in groups.conf"))
    }

    fn operate_on(&mut self, operation: Operation, scope: Scope) -> Words {
        let group = self.group_of(scope);
        if let Some(pending) = self.groups[group].pending {
            // A lock is done at once, whatever waits; an unlock takes back.
            let goes_before =
                pending.scope == scope && matches!(operation, Operation::Lock | Operation::Unlock);
            if !goes_before && operation != Operation::Repaired {
                return Err(format!(
                    "{} waits for the components of {} to confirm it",
                    noun(pending.operation),
                    self.title(pending.scope)
                ));
            }
            if goes_before {
                let verb = noun(operation);
                self.give_up_pending(group, &format!("{verb} by an operator"));
                if operation == Operation::Unlock {
                    return Ok(format!(
                        "{} of {} is given up",
                        noun(pending.operation),
                        self.title(scope)
                    ));
                }
            }
        }
        match operation {
            Operation::Lock => self.set_admin(scope, AdminState::Locked),
            Operation::Unlock => self.set_admin(scope, AdminState::Unlocked),
            Operation::Shutdown => {
                self.check_admin(&self.title(scope), self.admin(scope), AdminState::ShuttingDown)?;
                self.confirm(operation, scope)
            }
            Operation::SwitchOver => {
                self.successions(scope)?;
                self.confirm(operation, scope)
            }
            Operation::Repaired => {
                for unit in self.units_of(scope) {
                    self.components(unit).for_each(|id| self.repair(id));
                }
                Ok(format!("all errors of {} are repaired", self.title(scope)))
            }
        }
    }

    fn operate_on_component(&mut self, operation: Operation, name: &Name) -> Words {
        let id =
            self.find(name).map_err(|_| format!("there is no component {name} in groups.conf"))?;
        if operation == Operation::Repaired {
            self.repair(id);
            return Ok(format!("all errors of component {name} are repaired"));
        }
        let unit = &self.units[self.components[id.0].unit].name;
        Err(format!("a component is in service with its unit; name unit {unit}"))
    }

    fn operate_on_node(&mut self, operation: Operation, node: NodeId) -> Words {
        let state = self.lock_of(node);
        let is_known = self.members.contains(&node) || self.locks.contains_key(&node);
        if !is_known {
            return Err(format!("node {node} is no member of the cluster"));
        }
        let state_after = match operation {
            Operation::Lock => AdminState::Locked,
            Operation::Unlock => AdminState::Unlocked,
            Operation::Shutdown => AdminState::ShuttingDown,
            Operation::SwitchOver => {
                return Err("a switch-over is of a group or a unit; shut the node down".into());
            }
            Operation::Repaired => {
                self.registered_on(node).into_iter().for_each(|id| self.repair(id));
                self.repair_node(node);
                return Ok(format!("all errors on node {node} are repaired"));
            }
        };
        self.check_admin(&format!("node {node}"), state, state_after)?;
        if state_after == AdminState::Unlocked {
            self.locks.remove(&node);
        } else if self.locks.len() < MAX_LOCKS || self.locks.contains_key(&node) {
            self.locks.insert(node, state_after);
        } else {
            return Err(format!("{MAX_LOCKS} nodes are locked already"));
        }
        self.touch_node(node);
        Ok(format!("node {node} is {}", participle(state_after)))
    }

    /// Why a state cannot follow another, if it cannot.
    fn check_admin(
        &self,
        title: &str,
        before: AdminState,
        after: AdminState,
    ) -> Result<(), String> {
        match (before, after) {
            (before, after) if before == after => {
                Err(format!("{title} is {} already", participle(before)))
            }
            (AdminState::Locked, AdminState::ShuttingDown) => {
                Err(format!("{title} is locked already"))
            }
            _ => Ok(()),
        }
    }

    fn set_admin(&mut self, scope: Scope, admin: AdminState) -> Words {
        let title = self.title(scope);
        self.check_admin(&title, self.admin(scope), admin)?;
        let words = format!("it is {} by an operator", participle(admin));
        match scope {
            Scope::Group(group) => {
                self.groups[group].admin = admin;
                self.groups[group].reason = words;
            }
            Scope::Unit(unit) => {
                self.units[unit].admin = admin;
                self.units[unit].reason = words;
            }
        }
        let units = self.units_of(scope);
        units.clone().for_each(|unit| self.touch_unit(unit));
        let mut done = format!("{title} is {}", participle(admin));
        let held = units.clone().find(|unit| self.lock(*unit) != AdminState::Unlocked);
        if admin == AdminState::Unlocked
            && let Some(unit) = held
        {
            done += &format!(", but {}", self.lock_reason(unit));
        }
        Ok(done)
    }

    /// Has the components at work confirm an operation; does it at once if
    /// there is nobody to ask.
    fn confirm(&mut self, operation: Operation, scope: Scope) -> Words {
        let group = self.group_of(scope);
        let asked = self.at_work(scope, Callbacks::PENDING_OPERATION_CONFIRM);
        if asked.is_empty() {
            return self.carry_out(operation, scope);
        }
        self.groups[group].pending = Some(Pending { operation, scope });
        let count = asked.len();
        asked.into_iter().for_each(|id| self.ask(id, Ask::Confirm(operation)));
        self.unplanned.insert(group);
        let title = self.title(scope);
        let what = noun(operation);
        Ok(format!("{what} of {title} waits for {count} components to confirm it"))
    }

    /// Those in active units of a scope that can be asked, with this callback.
    fn at_work(&self, scope: Scope, callback: Callbacks) -> Vec<ComponentId> {
        let is_active =
            |unit: &usize| self.units[*unit].phase == Phase::InService(Some(Role::Active));
        let components =
            self.units_of(scope).filter(is_active).flat_map(|unit| self.components(unit));
        let can = |id: &ComponentId| {
            let component = &self.components[id.0];
            component.is_reachable() && component.has_callback(callback)
        };
        components.filter(can).collect()
    }

    /// Does the pending operation of a group if all have confirmed it.
    pub(super) fn resolve_pending(&mut self, group: usize) {
        let Some(Pending { operation, scope }) = self.groups[group].pending else { return };
        let mut components = self.units_of(scope).flat_map(|unit| self.components(unit));
        if components.any(|id| self.components[id.0].is_asked(Ask::Confirm(operation))) {
            return;
        }
        match self.carry_out(operation, scope) {
            Ok(words) => {
                log::info!("{words}");
                self.groups[group].pending = None;
            }
            Err(words) => self.give_up_pending(group, &words),
        }
    }

    /// A component does not confirm the pending operation of its group.
    pub(super) fn is_not_confirmed(&mut self, id: ComponentId, why: &str) {
        let component = &self.components[id.0];
        let group = self.units[component.unit].group;
        let reason = format!("component {} {why}", component.config.name);
        self.give_up_pending(group, &reason);
    }

    /// Whoever was asked to confirm is told that it is not about to happen.
    pub(super) fn give_up_pending(&mut self, group: usize, reason: &str) {
        let Some(Pending { operation, scope }) = self.groups[group].pending.take() else { return };
        let words = format!("{} of {} is given up: {reason}", noun(operation), self.title(scope));
        log::info!("{words}");
        self.groups[group].reason = bounded(words);
        let components = self.units_of(scope).flat_map(|unit| self.components(unit));
        for id in components.collect::<Vec<_>>() {
            self.components[id.0].asked.retain(|asked| asked.what != Ask::Confirm(operation));
            self.touch(id);
        }
        for id in self.at_work(scope, Callbacks::PENDING_OPERATION_EXPIRED) {
            let Some(registration) = self.registration(id) else { continue };
            let question = Question::Expired(flags(operation));
            self.outcome.demands.push(Demand {
                component: id,
                registration,
                operation: 0,
                question,
            });
        }
    }

    fn carry_out(&mut self, operation: Operation, scope: Scope) -> Words {
        if operation == Operation::Shutdown {
            return self.set_admin(scope, AdminState::ShuttingDown);
        }
        let successions = self.successions(scope)?;
        for unit in &successions {
            self.yield_work(*unit);
        }
        let words = format!("{} gives its work to a standby", self.title(scope));
        if let Scope::Group(group) = scope {
            self.groups[group].reason = "it is switched over by an operator".into();
        }
        Ok(words)
    }

    /// The units of a scope that can give their work to a standby now, each to
    /// one of its own.
    fn successions(&self, scope: Scope) -> Result<Vec<usize>, String> {
        let group = self.group_of(scope);
        let title = self.title(scope);
        if !rules::takes_over(&self.groups[group]) {
            return Err(format!("{title} has no standby: its units stand for themselves"));
        }
        let is_active =
            |unit: &usize| self.units[*unit].phase == Phase::InService(Some(Role::Active));
        let active: Vec<_> = self.units_of(scope).filter(is_active).collect();
        if active.is_empty() {
            return Err(format!("{title} is not active"));
        }
        let mut standbys: Vec<_> =
            self.groups[group].units.clone().filter(|unit| self.can_succeed(*unit)).collect();
        let mut yielding = Vec::new();
        for unit in active {
            if let Some(place) = standbys.iter().position(|other| self.shares_work(unit, *other)) {
                standbys.remove(place);
                yielding.push(unit);
            }
        }
        if yielding.is_empty() {
            return Err(format!("no standby is ready to take over from {title}"));
        }
        Ok(yielding)
    }

    fn can_succeed(&self, unit: usize) -> bool {
        let can = |id: ComponentId| self.components[id.0].config.model.most_active() > 0;
        self.units[unit].phase == Phase::InService(Some(Role::Standby))
            && self.is_settled(unit)
            && self.components(unit).all(can)
    }

    /// Whether a standby can do something that a unit does.
    fn shares_work(&self, unit: usize, standby: usize) -> bool {
        let of = |unit: usize| {
            self.components(unit).flat_map(|id| self.instances_of(id)).collect::<Vec<_>>()
        };
        let (work, other) = (of(unit), of(standby));
        work.is_empty() || other.iter().any(|csi| work.contains(csi))
    }

    /// The operation that a component was asked to confirm and that is not
    /// done or given up (`SaAmfPendingOperationFlagsT`).
    pub(in crate::amf) fn pending_flags(&self, id: ComponentId) -> u32 {
        let unit = self.components[id.0].unit;
        let group = &self.groups[self.units[unit].group];
        let pending = group.pending.filter(|pending| self.units_of(pending.scope).contains(&unit));
        pending.map_or(0, |pending| flags(pending.operation))
    }

    fn group_of(&self, scope: Scope) -> usize {
        match scope {
            Scope::Group(group) => group,
            Scope::Unit(unit) => self.units[unit].group,
        }
    }

    fn units_of(&self, scope: Scope) -> Range<usize> {
        match scope {
            Scope::Group(group) => self.groups[group].units.clone(),
            Scope::Unit(unit) => unit..unit + 1,
        }
    }

    fn admin(&self, scope: Scope) -> AdminState {
        match scope {
            Scope::Group(group) => self.groups[group].admin,
            Scope::Unit(unit) => self.units[unit].admin,
        }
    }

    pub(super) fn title(&self, scope: Scope) -> String {
        match scope {
            Scope::Group(group) => format!("group {}", self.groups[group].name),
            Scope::Unit(unit) => format!("unit {}", self.units[unit].name),
        }
    }

    fn lock_of(&self, node: NodeId) -> AdminState {
        self.locks.get(&node).copied().unwrap_or(AdminState::Unlocked)
    }

    /// What holds a unit back most: itself, its group, or the node of one of
    /// its components.
    pub(super) fn lock(&self, unit: usize) -> AdminState {
        let Unit { admin, group, .. } = self.units[unit];
        let nodes = self.components(unit).filter_map(|id| self.node_of(id));
        let of_nodes = nodes.map(|node| self.lock_of(node)).max();
        admin.max(self.groups[group].admin).max(of_nodes.unwrap_or(AdminState::Unlocked))
    }

    /// The same in words.
    pub(super) fn lock_reason(&self, unit: usize) -> String {
        let (lock, of) = (self.lock(unit), &self.units[unit]);
        let state = participle(lock);
        if of.admin == lock {
            format!("unit {} is {state}", of.name)
        } else if self.groups[of.group].admin == lock {
            format!("group {} is {state}", self.groups[of.group].name)
        } else {
            let mut nodes = self.components(unit).filter_map(|id| self.node_of(id));
            let node = nodes.find(|node| self.lock_of(*node) == lock);
            node.map_or_else(String::new, |node| format!("node {node} is {state}"))
        }
    }
}

fn noun(operation: Operation) -> &'static str {
    match operation {
        Operation::Lock => "a lock",
        Operation::Unlock => "an unlock",
        Operation::Shutdown => "a shutdown",
        Operation::SwitchOver => "a switch-over",
        Operation::Repaired => "a repair",
    }
}

fn participle(admin: AdminState) -> &'static str {
    match admin {
        AdminState::Unlocked => "unlocked",
        AdminState::ShuttingDown => "shut down",
        AdminState::Locked => "locked",
    }
}

/// `SaAmfPendingOperationFlagsT`.
pub(super) fn flags(operation: Operation) -> u32 {
    match operation {
        Operation::SwitchOver => PENDING_SWITCHOVER,
        Operation::Shutdown => PENDING_SHUTDOWN,
        Operation::Lock | Operation::Unlock | Operation::Repaired => 0,
    }
}
