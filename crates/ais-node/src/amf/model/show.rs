//! What an operator is shown of the groups.

use super::{Component, Failure, Phase, RedundancyModel, Role};
use crate::amf::Amf;
use ais_proto::admin;
use ais_wire::NodeId;
use std::collections::BTreeSet;

impl Amf {
    /// The components from a place in groups.conf on, `limit` at most.
    pub(crate) fn show(&self, first: usize, limit: usize) -> admin::Page<admin::Component> {
        let all = &self.model.components;
        let end = first.saturating_add(limit).min(all.len());
        let shown = all.get(first..end).unwrap_or_default();
        let items = shown.iter().map(|component| self.show_one(component)).collect();
        admin::Page { items, more: end < all.len() && first < end }
    }

    /// The nodes that are locked or were taken out.
    pub(crate) fn show_nodes(&self) -> Vec<admin::AmfNode> {
        let (locks, faults) = (&self.model.locks, &self.model.faults);
        let nodes: BTreeSet<_> = locks.keys().chain(faults.keys()).copied().collect();
        let show = |node: NodeId| admin::AmfNode {
            node,
            admin: locks.get(&node).copied().unwrap_or(admin::AdminState::Unlocked),
            fault: faults.get(&node).map(|id| self.model.config(*id).name.clone()),
        };
        nodes.into_iter().map(show).collect()
    }

    fn show_one(&self, component: &Component) -> admin::Component {
        let unit = &self.model.units[component.unit];
        let group = &self.model.groups[unit.group];
        let instances = component.assignments.iter();
        admin::Component {
            group: group.name.clone(),
            redundancy: match group.model {
                RedundancyModel::TwoN => admin::Redundancy::TwoN,
                RedundancyModel::NPlusM => admin::Redundancy::NPlusM,
                RedundancyModel::NoRedundancy => admin::Redundancy::NoRedundancy,
            },
            group_admin: group.admin,
            pending: group.pending.map(|pending| pending.operation),
            group_reason: group.reason.clone(),
            unit: unit.name.clone(),
            place: unit.node.clone(),
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
            name: component.config.name.clone(),
            reason: component.reason.clone(),
            node: component.registration.as_ref().map(|registration| registration.node),
            readiness: component.readiness,
            failure: component.failure.map(|failure| match failure {
                Failure::Reported => admin::Failure::Reported,
                Failure::Refused => admin::Failure::Refused,
                Failure::Silent => admin::Failure::Silent,
            }),
            instances: instances
                .map(|of| (self.model.instances[of.csi.0].name.clone(), of.state))
                .collect(),
        }
    }
}
