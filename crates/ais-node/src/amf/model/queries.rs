//! What can be known of the model.

use super::status::Phase;
use super::{ComponentId, Model};
use crate::amf::config;
use crate::amf::message::RegistrationId;
use crate::amf::topology::CsiId;
use ais_proto::AisError;
use ais_proto::amf::{Callbacks, HaState, Readiness};
use ais_wire::{Name, NodeId};

/// A member of a protection group, as programs that track the group see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::amf) struct MemberState {
    pub(in crate::amf) registration: Option<RegistrationId>,
    pub(in crate::amf) readiness: Readiness,
    pub(in crate::amf) ha_state: HaState,
}

impl Model {
    /// The component of this name.
    ///
    /// # Errors
    /// `NOT_EXIST` if groups.conf has none.
    pub(in crate::amf) fn find(&self, name: &Name) -> Result<ComponentId, AisError> {
        self.topology.components.find(name).ok_or(AisError::NotExist)
    }

    /// The component of this name, if it is registered.
    ///
    /// # Errors
    /// `NOT_EXIST` if it is not.
    pub(in crate::amf) fn find_registered(&self, name: &Name) -> Result<ComponentId, AisError> {
        let id = self.find(name)?;
        self.registration(id).map(|_| id).ok_or(AisError::NotExist)
    }

    /// The instance of this name.
    ///
    /// # Errors
    /// `NOT_EXIST` if groups.conf has none.
    pub(in crate::amf) fn find_instance(&self, name: &Name) -> Result<CsiId, AisError> {
        self.topology.instances.find(name).ok_or(AisError::NotExist)
    }

    pub(in crate::amf) fn config(&self, id: ComponentId) -> &config::Component {
        &self.topology.components[id].config
    }

    pub(in crate::amf) fn instance_name(&self, csi: CsiId) -> &Name {
        &self.topology.instances[csi].name
    }

    pub(in crate::amf) fn members(&self, csi: CsiId) -> &[ComponentId] {
        &self.topology.instances[csi].members
    }

    /// The instances whose protection groups a component is in.
    pub(in crate::amf) fn instances_of(&self, id: ComponentId) -> &[CsiId] {
        &self.topology.components[id].instances
    }

    /// The registration of a component.
    pub(in crate::amf) fn registration(&self, id: ComponentId) -> Option<RegistrationId> {
        self.status.component(id).registration.as_ref().map(|registration| registration.number)
    }

    pub(in crate::amf) fn node_of(&self, id: ComponentId) -> Option<NodeId> {
        self.status.component(id).registration.as_ref().map(|registration| registration.node)
    }

    pub(super) fn proxy_of(&self, id: ComponentId) -> Option<ComponentId> {
        self.status.component(id).proxy()
    }

    /// The registered components that a component is the proxy of.
    pub(super) fn proxied_by(&self, id: ComponentId) -> Vec<ComponentId> {
        let all = (id, ComponentId(0))..=(id, ComponentId(u64::MAX));
        let mut proxied: Vec<_> = self.status.proxied.range(all).map(|(_, of)| *of).collect();
        proxied.sort_unstable_by_key(|id| self.topology.components.place(*id));
        proxied
    }

    /// As last answered; out of service if it is not registered.
    pub(in crate::amf) fn readiness(&self, id: ComponentId) -> Readiness {
        self.status.component(id).readiness
    }

    /// As last answered.
    ///
    /// # Errors
    /// `NOT_EXIST` if it has no state for the instance.
    pub(in crate::amf) fn ha_state(
        &self,
        id: ComponentId,
        csi: CsiId,
    ) -> Result<HaState, AisError> {
        let assignment = self.status.component(id).assignments.get(&csi);
        assignment.and_then(|assignment| assignment.state).ok_or(AisError::NotExist)
    }

    pub(in crate::amf) fn member_state(&self, id: ComponentId, csi: CsiId) -> MemberState {
        MemberState {
            registration: self.registration(id),
            readiness: self.readiness(id),
            ha_state: self.ha_state(id, csi).unwrap_or(HaState::Quiesced),
        }
    }

    /// Whether a component may register from this node.
    pub(in crate::amf) fn may_be_on(&self, id: ComponentId, node: NodeId, name: &Name) -> bool {
        let is_it = |of: &Name| of == name || of.as_bytes() == node.to_string().as_bytes();
        let unit = &self.topology.units[self.topology.components[id].unit];
        unit.node.as_ref().is_none_or(is_it)
    }

    /// Whether the unit of a component is out of service.
    pub(in crate::amf) fn is_out(&self, id: ComponentId) -> bool {
        self.phase_of(id) == Phase::Out
    }

    /// Whether an operation still waits for its answer.
    pub(in crate::amf) fn is_outstanding(&self, id: ComponentId, operation: u64) -> bool {
        self.status.component(id).asked.iter().any(|asked| asked.operation == operation)
    }

    /// Whether heartbeats are to be sent: from the first answered assignment
    /// until the unit is taken out.
    pub(in crate::amf) fn is_monitored(&self, id: ComponentId) -> bool {
        let component = self.status.component(id);
        let works = |state| matches!(state, Some(HaState::Active | HaState::Standby));
        let is_asked = |csi| component.work_on(csi).is_some();
        let mut assignments = component.assignments.iter();
        matches!(self.phase_of(id), Phase::InService(Some(_)) | Phase::Stopping)
            && component.has_callback(Callbacks::HEALTHCHECK)
            && assignments.all(|(csi, of)| works(of.state) || !is_asked(*csi))
    }

    /// The phase of the unit of a component.
    fn phase_of(&self, id: ComponentId) -> Phase {
        self.status.unit(self.topology.components[id].unit).phase
    }
}
