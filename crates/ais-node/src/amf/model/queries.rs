//! What can be known of the model.

use super::{ComponentId, CsiId, Model, Phase};
use crate::Digest;
use crate::amf::config;
use crate::amf::message::RegistrationId;
use ais_proto::AisError;
use ais_proto::amf::{Callbacks, HaState, Readiness};
use ais_wire::{Name, NodeId};

/// A member of a protection group, as those who track the group see it.
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
        self.component_names.get(name).copied().ok_or(AisError::NotExist)
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
        self.instance_names.get(name).copied().ok_or(AisError::NotExist)
    }

    pub(in crate::amf) fn config(&self, id: ComponentId) -> &config::Component {
        &self.components[id.0].config
    }

    pub(in crate::amf) fn instance_name(&self, csi: CsiId) -> &Name {
        &self.instances[csi.0].name
    }

    pub(in crate::amf) fn members(&self, csi: CsiId) -> &[ComponentId] {
        &self.instances[csi.0].members
    }

    /// The instances whose protection groups a component is in.
    pub(in crate::amf) fn instances_with(
        &self,
        id: ComponentId,
    ) -> impl Iterator<Item = CsiId> + '_ {
        self.components[id.0].assignments.iter().map(|assignment| assignment.csi)
    }

    /// The registration of a component.
    pub(in crate::amf) fn registration(&self, id: ComponentId) -> Option<RegistrationId> {
        self.components[id.0].registration.as_ref().map(|registration| registration.number)
    }

    pub(in crate::amf) fn node_of(&self, id: ComponentId) -> Option<NodeId> {
        self.components[id.0].registration.as_ref().map(|registration| registration.node)
    }

    pub(super) fn proxy_of(&self, id: ComponentId) -> Option<ComponentId> {
        self.components[id.0].proxy()
    }

    /// The registered components that a component is the proxy of.
    pub(super) fn proxied_by(&self, id: ComponentId) -> Vec<ComponentId> {
        let last = ComponentId(usize::MAX);
        self.proxied.range((id, ComponentId(0))..=(id, last)).map(|(_, of)| *of).collect()
    }

    /// As last answered; out of service if it is not registered.
    pub(in crate::amf) fn readiness(&self, id: ComponentId) -> Readiness {
        self.components[id.0].readiness
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
        let assignment = self.components[id.0].assignment(csi);
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
        self.units[self.components[id.0].unit].node.as_ref().is_none_or(is_it)
    }

    /// Whether the unit of a component is out of service.
    pub(in crate::amf) fn is_out(&self, id: ComponentId) -> bool {
        self.units[self.components[id.0].unit].phase == Phase::Out
    }

    /// Whether an operation still waits for its answer.
    pub(in crate::amf) fn is_outstanding(&self, id: ComponentId, operation: u64) -> bool {
        self.components[id.0].asked.iter().any(|asked| asked.operation == operation)
    }

    /// Whether heartbeats are to be sent: from the first answered assignment
    /// until the unit is taken out.
    pub(in crate::amf) fn is_monitored(&self, id: ComponentId) -> bool {
        let component = &self.components[id.0];
        let works = |state| matches!(state, Some(HaState::Active | HaState::Standby));
        let is_asked = |csi| component.work_on(csi).is_some();
        let mut assignments = component.assignments.iter();
        let phase = self.units[component.unit].phase;
        matches!(phase, Phase::InService(Some(_)) | Phase::Stopping)
            && component.has_callback(Callbacks::HEALTHCHECK)
            && assignments.all(|of| works(of.state) || !is_asked(of.csi))
    }

    /// Adds all of the model to a digest.
    pub(in crate::amf) fn digest(&self, digest: &mut Digest) {
        let view = (self.view, self.view_has_quorum, self.has_quorum, self.last_operation);
        digest.bytes(format!("{view:?}").as_bytes());
        let marks = (&self.locks, &self.faults, &self.draining, &self.displaced);
        digest.bytes(format!("{marks:?}").as_bytes());
        for group in &self.groups {
            digest.bytes(format!("{:?}", (group.admin, group.pending, &group.reason)).as_bytes());
        }
        for unit in &self.units {
            digest.bytes(format!("{:?}", (unit.phase, unit.admin, &unit.reason)).as_bytes());
        }
        for component in &self.components {
            let state = (
                &component.registration,
                component.failure,
                component.readiness,
                &component.assignments,
                &component.asked,
                &component.restarts,
                &component.reason,
            );
            digest.bytes(format!("{state:?}").as_bytes());
        }
        for instance in &self.instances {
            digest.bytes(format!("{:?}", instance.vacated).as_bytes());
        }
    }
}
