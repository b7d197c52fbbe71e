//! What becomes of a component that failed: the recovery that was recommended,
//! or a stronger one.
//!
//! A unit fails as one, so that another component takes over (failover) means
//! that another unit does. Nothing here ends a process: a restart is
//! `ComponentTerminate`, after which the component registers anew, or for one
//! that has a proxy `ExternalComponentRestart`, and `ExternalComponentControl`
//! with RESET if that fails.

use super::status::{Ask, Failure};
use super::{ComponentId, Model, Question, Reset};
use crate::amf::message::Report;
use ais_proto::AisError;
use ais_proto::amf::{Callbacks, Recovery};
use ais_wire::{Name, NodeId};

/// `SA_AMF_NOT_RESPONDING` of `SaAmfProbableCauseT`.
const NOT_RESPONDING: u8 = 30;

const MILLISECOND: u64 = 1_000_000;

impl Model {
    /// Somebody reports an error of a component.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is no such component, `BAD_OPERATION` if it is not
    /// registered.
    pub(in crate::amf) fn report(&mut self, report: &Report) -> Result<(), AisError> {
        let Report { reporting, erroneous, recovery, probable_cause, .. } = report;
        let id = self.find_to_repair(erroneous)?;
        let reason = format!(
            "{reporting} reports an error (probable cause {probable_cause}, recommended \
             recovery {recovery:?})"
        );
        if *recovery == Recovery::InternallyRecovered {
            self.explain(id, format!("it has recovered: {reason}"));
            return Ok(());
        }
        if *probable_cause == NOT_RESPONDING {
            self.fail(id, Failure::Silent, &reason);
        } else {
            self.fail(id, Failure::Reported, &reason);
        }
        match recovery {
            Recovery::ComponentRestart => self.restart(id, report.at),
            Recovery::NodeSwitchover => self.take_node_out(id),
            Recovery::NodeFailover => drop(self.fail_node_over(id)),
            Recovery::NodeFailfast => {
                self.outcome.reset = self.fail_node_over(id).map(Reset::Node);
            }
            Recovery::ClusterReset => {
                self.fail_node_over(id);
                self.outcome.reset = Some(Reset::Cluster);
            }
            Recovery::NoRecommendation
            | Recovery::InternallyRecovered
            | Recovery::ComponentFailover => {}
        }
        self.settle();
        Ok(())
    }

    /// Has a failed component restarted, unless that was tried too often or it
    /// cannot be asked: then another takes over, until the error is cancelled.
    fn restart(&mut self, id: ComponentId, at: i64) {
        let component = self.status.component_mut(id);
        if !component.is_reachable() {
            return;
        }
        let ask = if component.proxy().is_some() { Ask::Restart } else { Ask::Terminate };
        let callback = match ask {
            Ask::Restart => Callbacks::EXTERNAL_COMPONENT_RESTART,
            _ => Callbacks::COMPONENT_TERMINATE,
        };
        if !component.has_callback(callback) {
            return;
        }
        let config = &self.topology.components[id].config;
        let probation = u64::from(config.restart_probation) * MILLISECOND;
        let most = config.restart_max as usize;
        component.restarts.retain(|earlier| at.abs_diff(*earlier) < probation);
        if component.restarts.len() >= most {
            let text = format!(
                "it was restarted {most} times in component-restart-probation, so another takes \
                 over"
            );
            return self.explain(id, text);
        }
        component.restarts.push(at);
        self.ask(id, ask);
    }

    /// The proxy of a component has restarted or reset it, or has not.
    pub(super) fn was_restarted(&mut self, id: ComponentId, what: Ask, is_ok: bool) {
        let component = self.status.component_mut(id);
        if is_ok {
            component.failure = None;
            self.begin_anew(id);
            return self.explain(id, "its proxy has restarted it".into());
        }
        let can_reset = component.has_callback(Callbacks::EXTERNAL_COMPONENT_CONTROL);
        if what == Ask::Restart && can_reset {
            self.explain(id, "its proxy could not restart it, and shall reset it".into());
            self.ask(id, Ask::Reset);
        } else {
            self.fail(id, Failure::Silent, "its proxy could not restart it");
        }
    }

    /// Takes all units that have a component on the node of this one out of
    /// service, in order, until its error is cancelled or the node starts anew.
    fn take_node_out(&mut self, id: ComponentId) {
        if let Some(node) = self.node_of(id) {
            self.status.faults.insert(node, id);
            log::warn!("node {node} is taken out: {}", self.status.component(id).reason);
            self.touch_node(node);
        }
    }

    /// Takes the node out like [`Model::take_node_out`], but its components are terminated
    /// rather than quiesced, where they can be. Gives the node.
    fn fail_node_over(&mut self, id: ComponentId) -> Option<NodeId> {
        let node = self.node_of(id)?;
        self.take_node_out(id);
        for id in self.registered_on(node) {
            let component = self.status.component(id);
            if component.is_reachable() && component.has_callback(Callbacks::COMPONENT_TERMINATE) {
                self.ask(id, Ask::Terminate);
            }
        }
        Some(node)
    }

    /// All errors of a component are repaired, and its node is if one of them
    /// had that taken out.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is no such component, `BAD_OPERATION` if it is not
    /// registered.
    pub(in crate::amf) fn cancel_errors(&mut self, name: &Name) -> Result<(), AisError> {
        let id = self.find_to_repair(name)?;
        self.repair(id);
        self.settle();
        Ok(())
    }

    pub(super) fn repair(&mut self, id: ComponentId) {
        let component = self.status.component_mut(id);
        component.restarts.clear();
        if component.failure.take().is_some() {
            self.explain(id, "its errors are cancelled".into());
        }
        let nodes: Vec<_> =
            self.status.faults.iter().filter(|(_, of)| **of == id).map(|of| *of.0).collect();
        nodes.into_iter().for_each(|node| self.repair_node(node));
        self.touch(id);
    }

    /// The fault of a node, if it has one, is repaired.
    pub(super) fn repair_node(&mut self, node: NodeId) {
        if self.status.faults.remove(&node).is_some() {
            log::info!("node {node} is repaired");
            self.touch_node(node);
        }
    }

    fn find_to_repair(&self, name: &Name) -> Result<ComponentId, AisError> {
        let id = self.find(name)?;
        let registered = self.status.component(id).registration.is_some();
        if registered { Ok(id) } else { Err(AisError::BadOperation) }
    }

    pub(super) fn fail(&mut self, id: ComponentId, failure: Failure, reason: &str) {
        log::warn!("component {} has failed: {reason}", self.config(id).name);
        let component = self.status.component_mut(id);
        component.reason = bounded(format!("it has failed: {reason}"));
        let is_silent = component.failure == Some(Failure::Silent);
        if failure == Failure::Silent && !is_silent {
            let mut farewell = self.dismissal(id);
            farewell.retain(|question| *question != Question::Terminate);
            self.outcome.given_up.push((id, farewell));
            self.stop_counting_on(id);
        }
        if !is_silent {
            self.status.component_mut(id).failure = Some(failure);
        }
        self.touch(id);
    }

    /// Says what happened to a component last.
    pub(super) fn explain(&mut self, id: ComponentId, text: String) {
        log::info!("component {}: {text}", self.config(id).name);
        self.status.component_mut(id).reason = bounded(text);
    }

    pub(super) fn registered_on(&self, node: NodeId) -> Vec<ComponentId> {
        let there = |id: &ComponentId| self.node_of(*id) == Some(node);
        self.status.registered.values().copied().filter(there).collect()
    }

    pub(super) fn touch_node(&mut self, node: NodeId) {
        self.registered_on(node).into_iter().for_each(|id| self.touch(id));
    }
}

/// Bytes of a reason at most: it goes into snapshots.
pub(super) const MAX_REASON: usize = 256;

/// As much of a text as a reason may have.
pub(super) fn bounded(mut text: String) -> String {
    let end = (0..=MAX_REASON).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    if text.len() > MAX_REASON {
        text.truncate(end);
    }
    text
}
