//! The redundancy models: which unit gets which role, and what a component
//! does for an instance then. Everything that depends on the model of a group
//! or on the capability model of a component is here.

use super::HaState;
use super::status::{Phase, Role};
use crate::amf::config::{CapabilityModel, RedundancyModel};
use crate::amf::topology::Group;

/// How many units have a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) actives: usize,
    pub(super) standbys: usize,
}

impl Bounds {
    pub(super) fn of(group: &Group) -> Self {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let actives = number(group.active_units);
        match group.model {
            RedundancyModel::TwoN => {
                let standbys = group.backup_units.map_or(1, number);
                Self { actives: actives.min(1), standbys: standbys.min(1) }
            }
            RedundancyModel::NPlusM => {
                Self { actives, standbys: group.backup_units.map_or(usize::MAX, number) }
            }
            RedundancyModel::NoRedundancy => Self { actives: usize::MAX, standbys: 0 },
        }
    }
}

/// Where a unit is, as far as it counts here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    /// All its components have answered what they were asked.
    pub(super) is_settled: bool,
}

/// Makes units active while there is room, the first one first: `promote` does
/// so if there is something for it to do. Gives those that become standby then.
/// A unit that is on its way out keeps its role until it is gone, and nobody
/// loses a role to a unit that comes later.
pub(super) fn plan(
    bounds: Bounds,
    units: &[Standing],
    mut promote: impl FnMut(usize) -> bool,
) -> Vec<usize> {
    let ranked = units.iter().enumerate();
    let mut candidates: Vec<_> =
        ranked.filter_map(|(unit, standing)| Some((Rank::of(*standing)?, unit))).collect();
    candidates.sort_unstable();
    let mut room = bounds.actives.saturating_sub(count(units, Role::Active));
    let mut taken = count(units, Role::Standby);
    let mut spares = Vec::new();
    for (rank, unit) in candidates {
        if room > 0 && promote(unit) {
            room -= 1;
            taken -= usize::from(rank != Rank::Spare);
        } else if rank == Rank::Spare {
            spares.push(unit);
        }
    }
    spares.truncate(bounds.standbys.saturating_sub(taken));
    spares
}

/// Whether a unit that becomes active does so in place of one that was.
pub(super) fn takes_over(group: &Group) -> bool {
    group.model != RedundancyModel::NoRedundancy
}

/// For how many instances a component is active and standby, the one in
/// question left out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    pub(super) active: usize,
    pub(super) standby: usize,
}

/// What a component does for one instance of its own, in a unit with this
/// role; `has_room`: the instance may have one more active.
pub(super) fn share(
    role: Role,
    model: CapabilityModel,
    load: Load,
    has_room: bool,
) -> Option<HaState> {
    let can_wait = load.standby < model.most_standby();
    match role {
        Role::Active if has_room && load.active < model.most_active() => Some(HaState::Active),
        Role::Active => (can_wait && model.can_be_both()).then_some(HaState::Standby),
        Role::Standby => can_wait.then_some(HaState::Standby),
    }
}

/// How soon a unit becomes active; the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Standby,
    /// Its components are still being made standby.
    StandbySoon,
    Spare,
}

impl Rank {
    fn of(unit: Standing) -> Option<Self> {
        match unit.phase {
            Phase::InService(Some(Role::Standby)) if unit.is_settled => Some(Self::Standby),
            Phase::InService(Some(Role::Standby)) => Some(Self::StandbySoon),
            Phase::InService(None) => Some(Self::Spare),
            _ => None,
        }
    }
}

fn count(units: &[Standing], role: Role) -> usize {
    units.iter().filter(|unit| unit.phase.role() == Some(role)).count()
}
