//! `aisctl amf`.

use super::Report;
use ais::admin::{Component, Failure, HaState, Phase, Readiness, Redundancy};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The components, in the order of groups.conf: those of a unit stand
/// together, and so do the units of a group.
pub(super) struct Shown(pub(super) Vec<Component>);

impl Shown {
    fn groups(&self) -> impl Iterator<Item = &[Component]> {
        self.0.chunk_by(|one, two| one.group == two.group)
    }
}

fn units(group: &[Component]) -> impl Iterator<Item = &[Component]> {
    group.chunk_by(|one, two| one.unit == two.unit)
}

impl Report for Shown {
    fn table(&self) -> String {
        if self.0.is_empty() {
            return "groups.conf has no groups\n".into();
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        for group in self.groups() {
            let _ = writeln!(text, "group {}, {}", group[0].group, redundancy(group[0].redundancy));
            for unit in units(group) {
                let _ = writeln!(text, "  unit {}, {}", unit[0].unit, phase(unit[0].phase));
                for component in unit {
                    let _ = writeln!(text, "    {}", line(component));
                }
            }
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
                "instances": instances,
            })
        };
        let unit = |unit: &[Component]| {
            json!({
                "name": unit[0].unit.to_string(),
                "phase": phase(unit[0].phase),
                "components": unit.iter().map(component).collect::<Vec<_>>(),
            })
        };
        let group = |group: &[Component]| {
            json!({
                "name": group[0].group.to_string(),
                "redundancy": redundancy(group[0].redundancy),
                "units": units(group).map(unit).collect::<Vec<_>>(),
            })
        };
        json!({ "groups": self.groups().map(group).collect::<Vec<_>>() })
    }
}

fn line(component: &Component) -> String {
    let Some(node) = component.node else {
        return format!("{}: not registered", component.name);
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
    use ais::Name;
    use ais::admin::NodeId;

    fn component(group: &str, unit: &str, name: &str) -> Component {
        let name_of = |text| Name::try_from(text).unwrap();
        Component {
            group: name_of(group),
            redundancy: Redundancy::TwoN,
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
            ..component("g", "u1", "b")
        };
        let shown = Shown(vec![
            component("g", "u1", "a"),
            registered,
            component("g", "u2", "c"),
            component("h", "u3", "d"),
        ]);
        assert_eq!(
            shown.table(),
            "group g, 2n\n  unit u1, active\n    a: not registered\n    b: on 10.0.0.1, \
             in-service, failed (silent), pgB active\n  unit u2, active\n    c: not registered\n\
             group h, 2n\n  unit u3, active\n    d: not registered\n"
        );
        let json = shown.json();
        super::super::assert_documented(&json, &[]);
        assert_eq!(json["groups"][0]["units"][1]["components"][0]["name"], "c");
        assert_eq!(json["groups"][1]["redundancy"], "2n");
        let component = &json["groups"][0]["units"][0]["components"][1];
        assert_eq!(
            *component,
            json!({
                "name": "b", "node": "10.0.0.1", "readiness": "in-service", "failure": "silent",
                "instances": [{ "name": "pgA", "state": null }, { "name": "pgB", "state": "active" }],
            })
        );
    }
}
