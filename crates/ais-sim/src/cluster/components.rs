//! The components of AMF on the nodes, and the promise that no two of them are
//! active for one instance on one side.

use super::site::{Call, Program};
use super::{Act, World};
use crate::components::names;
use crate::fabric::node_of;
use ais_node::ConnectionId;
use ais_proto::amf::{Event, HaState, Request};
use ais_proto::{Name, Service, Writer};
use std::collections::{BTreeSet, VecDeque};

impl World {
    /// A component starts here, or something happens to one.
    pub(super) fn disturb_component(&mut self, host: usize) -> Result<(), String> {
        let component = self.fabric.rng.pick(&names()).clone();
        let runs =
            (0..self.plan.hosts).find(|of| self.sites[*of].programs.contains_key(&component));
        let Some(host_of) = runs else { return self.start_component(host, component) };
        if !self.fabric.is_running(host_of) {
            return Ok(());
        }
        match self.fabric.rng.below(4) {
            0 => self.kill_component(host_of, &component),
            1 => {
                if let Some(program) = self.sites[host_of].programs.get_mut(&component) {
                    program.silent ^= true;
                    program.active.clear();
                }
                self.plan_answer(host_of, &component);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn start_component(&mut self, host: usize, component: Name) -> Result<(), String> {
        let caller = self.new_caller(Some((Service::Amf, 0x3ff)));
        self.fabric.with(host, |node, _| node.handle_opened(&caller));
        let program = Program {
            caller,
            silent: false,
            registered: false,
            invocations: VecDeque::new(),
            active: BTreeSet::new(),
        };
        self.sites[host].programs.insert(component.clone(), program);
        self.register(host, component)
    }

    pub(super) fn register(&mut self, host: usize, component: Name) -> Result<(), String> {
        let Some(program) = self.sites[host].programs.get(&component) else { return Ok(()) };
        let caller = program.caller;
        let request = Request::Register { component: component.clone(), proxy: None };
        let mut body = Writer::new();
        request.encode(&mut body);
        self.ask(host, caller, request.code(), &body.into_bytes(), Call::Register(component))
    }

    pub(super) fn kill_component(&mut self, host: usize, component: &Name) {
        let Some(program) = self.sites[host].programs.remove(component) else { return };
        let caller = program.caller;
        self.sites[host].close(caller.session);
        self.fabric.with(host, |node, now| {
            node.connection_closed(now, caller.connection);
            node.session_closed(now, caller.session);
        });
    }

    /// A component was called back.
    pub(super) fn component_event(
        &mut self,
        host: usize,
        connection: ConnectionId,
        event: &Event,
    ) -> Result<(), String> {
        let mut programs = self.sites[host].programs.iter_mut();
        let found = programs.find(|(_, program)| program.caller.connection == connection);
        let Some((component, program)) = found else { return Ok(()) };
        let component = component.clone();
        program.invocations.extend(event.invocation());
        if program.silent {
            return Ok(());
        }
        match event {
            Event::CsiSet { csi, state: HaState::Active, .. } => {
                program.active.insert(csi.clone());
                self.alone_active(host, &component, csi)?;
            }
            Event::CsiSet { csi, .. } | Event::CsiRemove { csi, .. } => {
                program.active.remove(csi);
            }
            _ => {}
        }
        self.plan_answer(host, &component);
        Ok(())
    }

    fn plan_answer(&mut self, host: usize, component: &Name) {
        let delay = self.fabric.rng.below(self.plan.tokens(1));
        self.fabric.plan(delay, Act::Answer(host, component.clone()));
    }

    /// In a view that has been at rest no other component is active for this
    /// instance.
    fn alone_active(&self, host: usize, component: &Name, csi: &Name) -> Result<(), String> {
        // A view that is still to be reported is where this happens already.
        let view_of = |host: usize| {
            let view = self.sites[host].view.as_ref().map(|view| view.id);
            view.filter(|_| !self.coming.contains_key(&host))
        };
        let id = view_of(host);
        if !id.is_some_and(|id| self.ledger.has_rested(id)) {
            return Ok(());
        }
        for (other, site) in self.sites.iter().enumerate() {
            let shares = view_of(other) == id;
            for (name, program) in site.programs.iter().filter(|(name, _)| *name != component) {
                let active = program.active.contains(csi) && self.fabric.is_running(other);
                if shares && active {
                    let (a, b) = (node_of(host), node_of(other));
                    return Err(format!(
                        "one active: {component} on {a} was made active for {csi}, and {name} on \
                         {b} still is"
                    ));
                }
            }
        }
        Ok(())
    }

    /// A component answers its oldest callback.
    pub(super) fn answer(&mut self, host: usize, component: &Name) -> Result<(), String> {
        if !self.fabric.is_running(host) {
            if self.fabric.hosts()[host].daemon.is_some() {
                self.plan_answer(host, component);
            }
            return Ok(());
        }
        let Some(program) = self.sites[host].programs.get_mut(component) else { return Ok(()) };
        if program.silent {
            return Ok(());
        }
        let Some(invocation) = program.invocations.pop_front() else { return Ok(()) };
        let (session, caller) = (program.caller.session, program.caller);
        let more = !program.invocations.is_empty();
        self.fabric.with(host, |node, now| node.dispatched(now, &caller, invocation));
        // Answers come on a connection without a handle.
        let answering = super::site::caller(session.0, self.fresh(), None);
        let response = Request::Response { invocation, result: Ok(()) };
        let mut body = Writer::new();
        response.encode(&mut body);
        let call = Call::Response(component.clone(), invocation);
        self.ask(host, answering, response.code(), &body.into_bytes(), call)?;
        if more {
            self.plan_answer(host, component);
        }
        Ok(())
    }
}
