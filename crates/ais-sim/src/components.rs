//! What the components were told, and the promise of AMF: never more active
//! units in a group than `active-units`.

use ais_node::amf::config::{
    CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel, Unit,
};
use ais_proto::Name;
use ais_proto::amf::{Event, HaState};
use std::collections::BTreeMap;

/// Units and components in each unit of the group that is simulated.
const UNITS: [&str; 3] = ["x", "y", "z"];
const COMPONENTS: [&str; 2] = ["a", "b"];

/// The group of the guide: three units of two components, one unit active.
pub(crate) fn groups() -> Groups {
    let component = |name: Name| Component::new(name, CapabilityModel::XActive);
    let unit = |unit: &&str| {
        let components = COMPONENTS.iter().map(|of| component(component_name(of, unit))).collect();
        Unit::new(name(&format!("raid{unit}")), components)
    };
    let protection_group = |of: &&str| ProtectionGroup {
        name: name(&format!("pg{of}")),
        active_members: None,
        members: UNITS.iter().map(|unit| component_name(of, unit)).collect(),
    };
    Groups {
        groups: vec![Group {
            name: name("raid"),
            model: RedundancyModel::NPlusM,
            active_units: 1,
            backup_units: Some(2),
            units: UNITS.iter().map(unit).collect(),
            protection_groups: COMPONENTS.iter().map(protection_group).collect(),
        }],
    }
}

/// All component names.
pub(crate) fn names() -> Vec<Name> {
    let names = UNITS.iter().flat_map(|unit| COMPONENTS.map(|of| component_name(of, unit)));
    names.collect()
}

fn component_name(of: &str, unit: &str) -> Name {
    name(&format!("comp_{of}_in_su_{unit}"))
}

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap_or_default()
}

/// Which components hold which instance as active, as they were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    active: BTreeMap<Name, Name>,
}

impl Told {
    /// The component was called back.
    pub(crate) fn callback(&mut self, event: &Event) -> Result<(), String> {
        let Event::CsiSet { component, csi, state, .. } = event else { return Ok(()) };
        if *state != HaState::Active {
            self.active.remove(component);
            return Ok(());
        }
        self.active.insert(component.clone(), csi.clone());
        let others = self.active.iter().find(|(other, of)| *of == csi && *other != component);
        match others {
            Some((other, _)) => {
                Err(format!("{component} was made active for {csi}, and {other} still is"))
            }
            None => Ok(()),
        }
    }

    /// The component is gone or counts as failed: it is not asked any more.
    pub(crate) fn gone(&mut self, component: &Name) {
        self.active.remove(component);
    }

    pub(crate) fn any_active(&self) -> bool {
        !self.active.is_empty()
    }
}
