//! What an operator is shown of the groups.

use super::ComponentId;
use super::status::{Failure, Phase, Role};
use crate::amf::Amf;
use crate::amf::config::RedundancyModel;
use ais_proto::admin;
use ais_wire::NodeId;
use std::collections::BTreeSet;

impl Amf {
    /// The components from a place in groups.conf on, `limit` at most.
    pub(crate) fn show(&self, first: usize, limit: usize) -> admin::Page<admin::Component> {
        let ids = self.model.topology.components.ids();
        let (count, end) = (ids.len(), first.saturating_add(limit).min(ids.len()));
        let items = ids.skip(first).take(limit).map(|id| self.show_one(id)).collect();
        admin::Page { items, more: end < count && first < end }
    }

    /// The nodes that are locked or were taken out.
    pub(crate) fn show_nodes(&self) -> Vec<admin::AmfNode> {
        let (locks, faults) = (&self.model.status.locks, &self.model.status.faults);
        let nodes: BTreeSet<_> = locks.keys().chain(faults.keys()).copied().collect();
        let show = |node: NodeId| admin::AmfNode {
            node,
            admin: locks.get(&node).copied().unwrap_or(admin::AdminState::Unlocked),
            fault: faults.get(&node).map(|id| self.model.config(*id).name.clone()),
        };
        nodes.into_iter().map(show).collect()
    }

    fn show_one(&self, id: ComponentId) -> admin::Component {
        let (topology, status) = (&self.model.topology, &self.model.status);
        let of = &topology.components[id];
        let of_unit = &topology.units[of.unit];
        let of_group = &topology.groups[of_unit.group];
        let component = status.component(id);
        let (unit, group) = (status.unit(of.unit), status.group(of_unit.group));
        admin::Component {
            group: of_group.name.clone(),
            redundancy: match of_group.model {
                RedundancyModel::TwoN => admin::Redundancy::TwoN,
                RedundancyModel::NPlusM => admin::Redundancy::NPlusM,
                RedundancyModel::NoRedundancy => admin::Redundancy::NoRedundancy,
            },
            group_admin: group.admin,
            pending: group.pending.map(|pending| pending.operation),
            group_reason: group.reason.clone(),
            unit: of_unit.name.clone(),
            place: of_unit.node.clone(),
            phase: match unit.phase {
                Phase::Out => admin::Phase::Out,
                Phase::Entering => admin::Phase::Entering,
                Phase::InService(None) => admin::Phase::Spare,
                Phase::InService(Some(Role::Active)) => admin::Phase::Active,
                Phase::InService(Some(Role::Standby)) => admin::Phase::Standby,
                Phase::Stopping => admin::Phase::Stopping,
                Phase::Yielding => admin::Phase::SwitchingOver,
                Phase::Quiescing(_) => admin::Phase::Quiescing,
                Phase::Leaving(_) => admin::Phase::Leaving,
            },
            unit_admin: unit.admin,
            unit_reason: unit.reason.clone(),
            name: of.config.name.clone(),
            reason: component.reason.clone(),
            node: component.registration.as_ref().map(|registration| registration.node),
            readiness: component.readiness,
            failure: component.failure.map(|failure| match failure {
                Failure::Reported => admin::Failure::Reported,
                Failure::Refused => admin::Failure::Refused,
                Failure::Silent => admin::Failure::Silent,
            }),
            instances: of
                .instances
                .iter()
                .map(|csi| {
                    (topology.instances[*csi].name.clone(), component.assignments[csi].state)
                })
                .collect(),
        }
    }
}
