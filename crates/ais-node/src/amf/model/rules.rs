//! The redundancy models: which unit gets which role. Everything that depends
//! on the model of a group is here.

use super::{Group, Phase, Role};
use crate::amf::config::RedundancyModel;

/// Where a unit is, as far as it counts here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    /// All its components have answered what they were asked.
    pub(super) is_settled: bool,
}

/// Who else gets a role now, given the units in their order. A unit that is
/// on its way out keeps its role until it is gone, and nobody loses a role to
/// a unit that comes later.
pub(super) fn plan(group: &Group, units: &[Standing]) -> Vec<(usize, Role)> {
    let (actives, standbys) = bounds(group);
    let ranked = units.iter().enumerate();
    let mut candidates: Vec<_> =
        ranked.filter_map(|(unit, standing)| Some((Rank::of(*standing)?, unit))).collect();
    candidates.sort_unstable();
    let room = actives.saturating_sub(count(units, Role::Active)).min(candidates.len());
    let (promoted, others) = candidates.split_at(room);
    let is_spare = |candidate: &&(Rank, usize)| candidate.0 == Rank::Spare;
    let given_up = promoted.len() - promoted.iter().filter(is_spare).count();
    let taken = count(units, Role::Standby) - given_up;
    let spares = others.iter().filter(is_spare).take(standbys.saturating_sub(taken));
    let promoted = promoted.iter().map(|(_, unit)| (*unit, Role::Active));
    promoted.chain(spares.map(|(_, unit)| (*unit, Role::Standby))).collect()
}

/// Whether a unit that becomes active does so in place of one that was.
pub(super) fn takes_over(group: &Group) -> bool {
    group.model != RedundancyModel::NoRedundancy
}

/// How many units may be active, and how many standby.
fn bounds(group: &Group) -> (usize, usize) {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    match group.model {
        RedundancyModel::TwoN | RedundancyModel::NPlusM => {
            (number(group.active_units), group.backup_units.map_or(usize::MAX, number))
        }
        RedundancyModel::NoRedundancy => (usize::MAX, 0),
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

impl Phase {
    /// The role that counts as taken.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Self::Out | Self::Entering => None,
            Self::InService(role) | Self::Leaving(role) => role,
            Self::Quiescing(role) => Some(role),
        }
    }
}
