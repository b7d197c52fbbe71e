//! groups.conf: what the keys of a group say together. A group that contradicts
//! its redundancy model, or in which something could never be active, is
//! refused.

use super::blocks::{Block, Kind};
use super::error::Errors;
use super::text::quote;
use ais_node::amf::config::{
    CapabilityModel, Component, Group, ProtectionGroup, RedundancyModel, Unit,
};
use std::collections::{BTreeMap, BTreeSet};

/// Checks a group that was parsed from this block without an error.
pub(super) fn check(block: &Block<'_>, group: &Group, errors: &mut Errors<'_>) {
    let check = Check { block, group };
    match group.model {
        RedundancyModel::TwoN => check.two_n(errors),
        RedundancyModel::NPlusM => {}
        RedundancyModel::NoRedundancy => check.no_redundancy(errors),
    }
    check.active_members(errors);
    check.several_instances(errors);
    if group.active_units > 0 {
        check.somebody_can_be_active(errors);
    }
}

struct Check<'a> {
    block: &'a Block<'a>,
    group: &'a Group,
}

impl Check<'_> {
    fn two_n(&self, errors: &mut Errors<'_>) {
        for (key, kind, count) in [
            ("active-units", "active", Some(self.group.active_units)),
            ("backup-units", "standby", self.group.backup_units),
        ] {
            let count = count.unwrap_or(0);
            if let Some(field) = self.block.field(key).filter(|_| count > 1) {
                let text = format!(
                    "{key} = {count} contradicts model = 2n, which has one {kind} unit; give 1, \
                     or `model = nplusm`"
                );
                errors.add(field.line, text);
            }
        }
    }

    fn no_redundancy(&self, errors: &mut Errors<'_>) {
        let (active, units) = (self.group.active_units, self.group.units.len());
        if let Some(field) = self.block.field("active-units")
            && (active as usize) < units
        {
            let text = format!(
                "active-units = {active} contradicts model = noredundancy, which has all {units} \
                 units active; remove this line, or give another model"
            );
            errors.add(field.line, text);
        }
        let backup = self.group.backup_units.unwrap_or(0);
        if let Some(field) = self.block.field("backup-units").filter(|_| backup > 0) {
            let text = format!(
                "backup-units = {backup} contradicts model = noredundancy, which has no standby \
                 unit; remove this line, or give another model"
            );
            errors.add(field.line, text);
        }
    }

    fn active_members(&self, errors: &mut Errors<'_>) {
        for (block, protection) in self.protections() {
            let Some(field) = block.field("active-members") else { continue };
            let (most, members) = (protection.active_members.unwrap_or(0), &protection.members);
            if self.group.model == RedundancyModel::NoRedundancy {
                let text = "active-members does not go with model = noredundancy, where every \
                            unit is active for itself; remove this line";
                errors.add(field.line, text);
            } else if most as usize > members.len() {
                let members = members.len();
                let text = format!(
                    "active-members = {most} is more than the {members} members of {}; give at \
                     most {members}",
                    block.title()
                );
                errors.add(field.line, text);
            }
        }
    }

    /// A component that is active for one instance alone cannot be so for two
    /// that its unit takes on together.
    fn several_instances(&self, errors: &mut Errors<'_>) {
        let mut instances = BTreeMap::<_, Vec<_>>::new();
        for (block, protection) in self.protections() {
            if protection.active_members.is_none() {
                for member in &protection.members {
                    instances.entry(member).or_default().push(block.title());
                }
            }
        }
        for (block, _, component) in self.components() {
            let Some(titles) = instances.get(&component.name) else { continue };
            if let [first, second, ..] = &titles[..]
                && component.model.most_active() == 1
            {
                let text = format!(
                    "{} can be active for one instance, but {first} and {second} would be its at \
                     the same time; give both `active-members`, or the component x_active",
                    block.title()
                );
                errors.add(block.line, text);
            }
        }
    }

    fn somebody_can_be_active(&self, errors: &mut Errors<'_>) {
        if self.group.model == RedundancyModel::NoRedundancy {
            for (block, unit, component) in self.components() {
                if component.model == CapabilityModel::NoActive {
                    let text = format!(
                        "{} is no_active, so unit {} could never be active, and without \
                         redundancy nothing else; give another model",
                        block.title(),
                        quote(unit.name.as_bytes())
                    );
                    errors.add(block.line, text);
                }
            }
            return;
        }
        let is_able = |of: &&Unit| of.components.iter().all(|of| of.model.most_active() > 0);
        let able = self.group.units.iter().filter(is_able).flat_map(|unit| &unit.components);
        let able: BTreeSet<_> = able.map(|component| &component.name).collect();
        for (block, protection) in self.protections() {
            if !protection.members.iter().any(|member| able.contains(member)) {
                let text = format!(
                    "no member of {} could ever be active, as the unit of each has a component \
                     that is no_active; give that another model, or `active-units = 0`",
                    block.title()
                );
                errors.add(block.line, text);
            }
        }
    }

    fn protections(&self) -> impl Iterator<Item = (&Block<'_>, &ProtectionGroup)> {
        self.block.children(Kind::Protection).zip(&self.group.protection_groups)
    }

    fn components(&self) -> impl Iterator<Item = (&Block<'_>, &Unit, &Component)> {
        let units = self.block.children(Kind::Unit).zip(&self.group.units);
        units.flat_map(|(block, unit)| {
            block.blocks.iter().zip(&unit.components).map(move |(block, of)| (block, unit, of))
        })
    }
}
