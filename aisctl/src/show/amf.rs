//! `aisctl amf`.

use super::Report;
use crate::escape::printable;
use crate::words::{admin_word, operation_word};
use ais_client::AisError;
use ais_client::admin::{
    AdminState, AmfNode, Component, Failure, HaState, Phase, Readiness, Redundancy,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What AMF has.
pub(super) struct Shown {
    /// In the order of groups.conf: those of a unit stand together, and so do
    /// the units of a group.
    components: Vec<Component>,
    /// The nodes that are locked or were taken out.
    nodes: Vec<AmfNode>,
}

impl Shown {
    pub(super) fn get() -> Result<Self, AisError> {
        Ok(Self {
            components: ais_client::admin::components()?,
            nodes: ais_client::admin::amf_nodes()?,
        })
    }

    fn groups(&self) -> impl Iterator<Item = &[Component]> {
        self.components.chunk_by(|one, two| one.group == two.group)
    }
}

fn units(group: &[Component]) -> impl Iterator<Item = &[Component]> {
    group.chunk_by(|one, two| one.unit == two.unit)
}

impl Report for Shown {
    fn table(&self) -> String {
        if self.components.is_empty() {
            return "groups.conf has no groups\n".into();
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        for group in self.groups() {
            let _ = writeln!(text, "{}", group_line(&group[0]));
            for unit in units(group) {
                let _ = writeln!(text, "  {}", unit_line(&unit[0]));
                for component in unit {
                    let _ = writeln!(text, "    {}", line(component));
                }
            }
        }
        for node in &self.nodes {
            let _ = writeln!(text, "{}", node_line(node));
        }
        text
    }

    fn json(&self) -> Value {
        let component = |component: &Component| {
            let instances = component.instances.iter();
            let instances: Vec<_> = instances
                .map(|(name, state)| json!({ "name": name.to_string(), "state": state.map(ha) }))
                .collect();
            json!({
                "name": component.name.to_string(),
                "node": component.node.map(|node| node.to_string()),
                "readiness": readiness(component.readiness),
                "failure": component.failure.map(failure),
                "reason": component.reason,
                "instances": instances,
            })
        };
        let unit = |unit: &[Component]| {
            json!({
                "name": unit[0].unit.to_string(),
                "node": unit[0].place.as_ref().map(ToString::to_string),
                "phase": phase(unit[0].phase),
                "admin": admin_word(unit[0].unit_admin),
                "reason": unit[0].unit_reason,
                "components": unit.iter().map(component).collect::<Vec<_>>(),
            })
        };
        let group = |group: &[Component]| {
            json!({
                "name": group[0].group.to_string(),
                "redundancy": redundancy(group[0].redundancy),
                "admin": admin_word(group[0].group_admin),
                "pending": group[0].pending.map(operation_word),
                "reason": group[0].group_reason,
                "units": units(group).map(unit).collect::<Vec<_>>(),
            })
        };
        let node = |node: &AmfNode| {
            json!({
                "node": node.node.to_string(),
                "admin": admin_word(node.admin),
                "fault": node.fault.as_ref().map(ToString::to_string),
            })
        };
        json!({
            "groups": self.groups().map(group).collect::<Vec<_>>(),
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
        })
    }
}

fn group_line(of: &Component) -> String {
    let mut text = format!("group {}, {}", of.group, redundancy(of.redundancy));
    admin(&mut text, of.group_admin);
    if let Some(operation) = of.pending {
        let _ = write!(text, ", {} waits to be confirmed", operation_word(operation));
    }
    because(&mut text, &of.group_reason);
    text
}

fn unit_line(of: &Component) -> String {
    let mut text = format!("unit {}, {}", of.unit, phase(of.phase));
    admin(&mut text, of.unit_admin);
    if let Some(place) = &of.place {
        let _ = write!(text, ", only on {place}");
    }
    because(&mut text, &of.unit_reason);
    text
}

fn node_line(of: &AmfNode) -> String {
    let mut text = format!("node {}", of.node);
    admin(&mut text, of.admin);
    if let Some(component) = &of.fault {
        let _ = write!(text, ", taken out for an error of {component}");
    }
    text
}

/// What an operator has said, unless all is as in the beginning.
fn admin(text: &mut String, admin: AdminState) {
    if admin != AdminState::Unlocked {
        let _ = write!(text, ", {}", admin_word(admin));
    }
}

fn because(text: &mut String, reason: &str) {
    if !reason.is_empty() {
        let _ = write!(text, " ({})", printable(reason));
    }
}

fn line(component: &Component) -> String {
    let Some(node) = component.node else {
        let mut text = format!("{}: not registered", component.name);
        because(&mut text, &component.reason);
        return text;
    };
    let readiness = readiness(component.readiness);
    let mut text = format!("{}: on {node}, {readiness}", component.name);
    if let Some(reason) = component.failure {
        let _ = write!(text, ", failed ({})", failure(reason));
    }
    for (name, state) in &component.instances {
        if let Some(state) = state {
            let _ = write!(text, ", {name} {}", ha(*state));
        }
    }
    because(&mut text, &component.reason);
    text
}

fn redundancy(redundancy: Redundancy) -> &'static str {
    match redundancy {
        Redundancy::TwoN => "2n",
        Redundancy::NPlusM => "nplusm",
        Redundancy::NoRedundancy => "noredundancy",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Out => "out-of-service",
        Phase::Entering => "entering",
        Phase::Spare => "spare",
        Phase::Active => "active",
        Phase::Standby => "standby",
        Phase::Quiescing => "quiescing",
        Phase::Leaving => "leaving",
        Phase::Stopping => "stopping",
        Phase::SwitchingOver => "switching-over",
    }
}

fn readiness(readiness: Readiness) -> &'static str {
    match readiness {
        Readiness::OutOfService => "out-of-service",
        Readiness::InService => "in-service",
        Readiness::Stopping => "stopping",
    }
}

fn failure(failure: Failure) -> &'static str {
    match failure {
        Failure::Reported => "reported",
        Failure::Refused => "refused",
        Failure::Silent => "silent",
    }
}

fn ha(state: HaState) -> &'static str {
    match state {
        HaState::Active => "active",
        HaState::Standby => "standby",
        HaState::Quiesced => "quiesced",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::Name;
    use ais_client::admin::{NodeId, Operation};

    fn component(group: &str, unit: &str, name: &str) -> Component {
        let name_of = |text| Name::try_from(text).unwrap();
        Component {
            group: name_of(group),
            redundancy: Redundancy::TwoN,
            group_admin: AdminState::Unlocked,
            pending: None,
            group_reason: String::new(),
            place: None,
            unit_admin: AdminState::Unlocked,
            unit_reason: String::new(),
            reason: String::new(),
            unit: name_of(unit),
            phase: Phase::Active,
            name: name_of(name),
            node: None,
            readiness: Readiness::OutOfService,
            failure: None,
            instances: vec![(name_of("pgA"), None), (name_of("pgB"), Some(HaState::Active))],
        }
    }

    #[test]
    fn components_stand_under_their_units_and_groups() {
        let registered = Component {
            node: Some(NodeId::new([10, 0, 0, 1].into())),
            readiness: Readiness::InService,
            failure: Some(Failure::Silent),
            reason: "it has failed: no answer".into(),
            ..component("g", "u1", "b")
        };
        let odd = Component {
            group_admin: AdminState::ShuttingDown,
            pending: Some(Operation::SwitchOver),
            group_reason: "it is shut down by an operator".into(),
            place: Some(Name::try_from("n1").unwrap()),
            phase: Phase::Stopping,
            unit_admin: AdminState::Locked,
            unit_reason: "unit u3 is locked".into(),
            reason: "its node\n is gone".into(),
            ..component("h", "u3", "d")
        };
        let components =
            vec![component("g", "u1", "a"), registered, component("g", "u2", "c"), odd];
        let node = AmfNode {
            node: NodeId::new([10, 0, 0, 2].into()),
            admin: AdminState::Locked,
            fault: Some(Name::try_from("d").unwrap()),
        };
        let shown = Shown { components, nodes: vec![node] };
        assert_eq!(
            shown.table(),
            "group g, 2n\n  unit u1, active\n    a: not registered\n    b: on 10.0.0.1, \
             in-service, failed (silent), pgB active (it has failed: no answer)\n  unit u2, active\n    \
             c: not registered\ngroup h, 2n, shut-down, switch-over waits to be confirmed (it is shut \
             down by an operator)\n  unit u3, stopping, locked, only on n1 (unit u3 is locked)\n    d: \
             not registered (its node\\n is gone)\nnode 10.0.0.2, locked, taken out for an error of d\n"
        );
        let json = shown.json();
        super::super::assert_documented(&json, &[]);
        assert_eq!(json["groups"][0]["units"][1]["components"][0]["name"], "c");
        assert_eq!(json["groups"][1]["redundancy"], "2n");
        assert_eq!(json["groups"][1]["pending"], "switch-over");
        assert_eq!(json["groups"][1]["units"][0]["admin"], "locked");
        assert_eq!(json["nodes"][0]["fault"], "d");
        let component = &json["groups"][0]["units"][0]["components"][1];
        assert_eq!(
            *component,
            json!({
                "name": "b", "node": "10.0.0.1", "readiness": "in-service", "failure": "silent",
                "reason": "it has failed: no answer",
                "instances": [{ "name": "pgA", "state": null }, { "name": "pgB", "state": "active" }],
            })
        );
    }
}
