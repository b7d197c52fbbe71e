//! What an operator has done: lock, unlock, shutdown, switch-over, repaired.
//!
//! A lock counts for whatever it holds: a unit is in service only if neither
//! it nor its group nor the node of one of its components is locked. A
//! shutdown is a lock that lets active units finish their work first.
//!
//! Before a shutdown or a switch-over of a group or a unit is done, those of
//! its components that are at work and have the callback for it are asked to
//! confirm (`PendingOperationConfirm`). If one refuses, the operation is given
//! up and all that were asked are told (`PendingOperationExpired`). One that
//! does not answer in time is told that, and not waited for: the programs of
//! 2004 have the callback and never answer.

use super::recovery::bounded;
use super::status::{Ask, Pending, Phase, Role, Scope};
use super::{ComponentId, Demand, GroupId, Model, Question, UnitId, rules};
use ais_proto::admin::{AdminState, Operation, Target};
use ais_proto::amf::{Callbacks, PENDING_SHUTDOWN, PENDING_SWITCHOVER};
use ais_wire::{MAX_NODES, Name, NodeId};

/// How many nodes may be locked: as many as a cluster has at most.
pub(super) const MAX_LOCKS: usize = MAX_NODES;

/// What was done, or why nothing was, for people.
type Words = Result<String, String>;

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

    fn find_group(&self, name: &Name) -> Result<GroupId, String> {
        let found = self.topology.groups.find(name);
        found.ok_or_else(|| format!("there is no group {name} in groups.conf"))
    }

    fn find_unit(&self, name: &Name) -> Result<UnitId, String> {
        let found = self.topology.units.find(name);
        found.ok_or_else(|| format!("there is no unit {name} in groups.conf"))
    }

    fn operate_on(&mut self, operation: Operation, scope: Scope) -> Words {
        let group = self.group_of(scope);
        if let Some(pending) = self.status.group(group).pending {
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
                self.components_of(scope).into_iter().for_each(|id| self.repair(id));
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
        let unit = &self.topology.units[self.topology.components[id].unit].name;
        Err(format!("a component is in service with its unit; name unit {unit}"))
    }

    fn operate_on_node(&mut self, operation: Operation, node: NodeId) -> Words {
        let state = self.lock_of(node);
        let is_known = self.members.contains(&node) || self.status.locks.contains_key(&node);
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
            self.status.locks.remove(&node);
        } else if self.status.locks.len() < MAX_LOCKS || self.status.locks.contains_key(&node) {
            self.status.locks.insert(node, state_after);
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
                self.status.group_mut(group).admin = admin;
                self.status.group_mut(group).reason = words;
            }
            Scope::Unit(unit) => {
                self.status.unit_mut(unit).admin = admin;
                self.status.unit_mut(unit).reason = words;
            }
        }
        let units = self.units_of(scope);
        units.iter().for_each(|unit| self.touch_unit(*unit));
        let mut done = format!("{title} is {}", participle(admin));
        let held = units.into_iter().find(|unit| self.lock(*unit) != AdminState::Unlocked);
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
        self.status.group_mut(group).pending = Some(Pending { operation, scope });
        let count = asked.len();
        asked.into_iter().for_each(|id| self.ask(id, Ask::Confirm(operation)));
        self.mark_group(group);
        let title = self.title(scope);
        let what = noun(operation);
        Ok(format!("{what} of {title} waits for {count} components to confirm it"))
    }

    /// The components in active units of a scope that can be asked, with this callback.
    fn at_work(&self, scope: Scope, callback: Callbacks) -> Vec<ComponentId> {
        let is_active =
            |unit: &UnitId| self.status.unit(*unit).phase == Phase::InService(Some(Role::Active));
        let active = self.units_of(scope).into_iter().filter(is_active);
        let components = active.flat_map(|unit| self.components(unit));
        let can = |id: &ComponentId| {
            let component = self.status.component(*id);
            component.is_reachable() && component.has_callback(callback)
        };
        components.copied().filter(can).collect()
    }

    /// Does the pending operation of a group if all have confirmed it.
    pub(super) fn resolve_pending(&mut self, group: GroupId) {
        let Some(Pending { operation, scope }) = self.status.group(group).pending else { return };
        let mut components = self.components_of(scope).into_iter();
        if components.any(|id| self.status.component(id).is_asked(Ask::Confirm(operation))) {
            return;
        }
        match self.carry_out(operation, scope) {
            Ok(words) => {
                log::info!("{words}");
                self.status.group_mut(group).pending = None;
            }
            Err(words) => self.give_up_pending(group, &words),
        }
    }

    /// A component refuses the pending operation of its group.
    pub(super) fn is_refused(&mut self, id: ComponentId) {
        let reason = format!("component {} refuses it", self.config(id).name);
        self.give_up_pending(self.topology.group_of(id), &reason);
    }

    /// Gives the pending operation of a group up, and tells the components at work so.
    pub(super) fn give_up_pending(&mut self, group: GroupId, reason: &str) {
        let pending = self.status.group_mut(group).pending.take();
        let Some(Pending { operation, scope }) = pending else { return };
        let words = format!("{} of {} is given up: {reason}", noun(operation), self.title(scope));
        log::info!("{words}");
        self.status.group_mut(group).reason = bounded(words);
        for id in self.components_of(scope) {
            let asked = &mut self.status.component_mut(id).asked;
            asked.retain(|asked| asked.what != Ask::Confirm(operation));
            self.touch(id);
        }
        for id in self.at_work(scope, Callbacks::PENDING_OPERATION_EXPIRED) {
            self.tell_expired(id, operation);
        }
    }

    /// A component need not confirm an operation any more.
    pub(super) fn tell_expired(&mut self, id: ComponentId, operation: Operation) {
        let Some(registration) = self.registration(id) else { return };
        if self.status.component(id).has_callback(Callbacks::PENDING_OPERATION_EXPIRED) {
            let question = Question::Expired(flags(operation));
            let demand = Demand { component: id, registration, operation: 0, question };
            self.outcome.demands.push(demand);
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
            self.status.group_mut(group).reason = "it is switched over by an operator".into();
        }
        Ok(words)
    }

    /// The units of a scope that can give their work to a standby now, each to
    /// one of its own.
    fn successions(&self, scope: Scope) -> Result<Vec<UnitId>, String> {
        let group = self.group_of(scope);
        let title = self.title(scope);
        if !rules::takes_over(&self.topology.groups[group]) {
            return Err(format!("{title} has no standby: its units stand for themselves"));
        }
        let is_active =
            |unit: &UnitId| self.status.unit(*unit).phase == Phase::InService(Some(Role::Active));
        let active: Vec<_> = self.units_of(scope).into_iter().filter(is_active).collect();
        if active.is_empty() {
            return Err(format!("{title} is not active"));
        }
        let mut standbys = self.topology.groups[group].units.clone();
        standbys.retain(|unit| self.can_succeed(*unit));
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

    fn can_succeed(&self, unit: UnitId) -> bool {
        let can = |id: &ComponentId| self.config(*id).model.most_active() > 0;
        self.status.unit(unit).phase == Phase::InService(Some(Role::Standby))
            && self.is_settled(unit)
            && self.components(unit).iter().all(can)
    }

    /// Whether a standby can do something that a unit does.
    fn shares_work(&self, unit: UnitId, standby: UnitId) -> bool {
        let of = |unit: UnitId| {
            let components = self.components(unit).iter();
            components.flat_map(|id| self.instances_of(*id)).collect::<Vec<_>>()
        };
        let (work, other) = (of(unit), of(standby));
        work.is_empty() || other.iter().any(|csi| work.contains(csi))
    }

    /// The operation that a component was asked to confirm and that is not
    /// done or given up (`SaAmfPendingOperationFlagsT`).
    pub(in crate::amf) fn pending_flags(&self, id: ComponentId) -> u32 {
        let unit = self.topology.components[id].unit;
        let group = self.status.group(self.topology.units[unit].group);
        let pending = group.pending.filter(|pending| self.units_of(pending.scope).contains(&unit));
        pending.map_or(0, |pending| flags(pending.operation))
    }

    fn group_of(&self, scope: Scope) -> GroupId {
        match scope {
            Scope::Group(group) => group,
            Scope::Unit(unit) => self.topology.units[unit].group,
        }
    }

    fn units_of(&self, scope: Scope) -> Vec<UnitId> {
        match scope {
            Scope::Group(group) => self.topology.groups[group].units.clone(),
            Scope::Unit(unit) => vec![unit],
        }
    }

    fn components_of(&self, scope: Scope) -> Vec<ComponentId> {
        let units = self.units_of(scope).into_iter();
        units.flat_map(|unit| self.components(unit)).copied().collect()
    }

    fn admin(&self, scope: Scope) -> AdminState {
        match scope {
            Scope::Group(group) => self.status.group(group).admin,
            Scope::Unit(unit) => self.status.unit(unit).admin,
        }
    }

    pub(super) fn title(&self, scope: Scope) -> String {
        match scope {
            Scope::Group(group) => format!("group {}", self.topology.groups[group].name),
            Scope::Unit(unit) => format!("unit {}", self.topology.units[unit].name),
        }
    }

    fn lock_of(&self, node: NodeId) -> AdminState {
        self.status.locks.get(&node).copied().unwrap_or(AdminState::Unlocked)
    }

    /// What holds a unit back most: itself, its group, or the node of one of
    /// its components.
    pub(super) fn lock(&self, unit: UnitId) -> AdminState {
        let (admin, group) = (self.status.unit(unit).admin, self.topology.units[unit].group);
        let nodes = self.components(unit).iter().filter_map(|id| self.node_of(*id));
        let of_nodes = nodes.map(|node| self.lock_of(node)).max();
        admin.max(self.status.group(group).admin).max(of_nodes.unwrap_or(AdminState::Unlocked))
    }

    /// Why a unit is locked, in words.
    pub(super) fn lock_reason(&self, unit: UnitId) -> String {
        let (lock, of) = (self.lock(unit), &self.topology.units[unit]);
        let state = participle(lock);
        if self.status.unit(unit).admin == lock {
            format!("unit {} is {state}", of.name)
        } else if self.status.group(of.group).admin == lock {
            format!("group {} is {state}", self.topology.groups[of.group].name)
        } else {
            let mut nodes = self.components(unit).iter().filter_map(|id| self.node_of(*id));
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
