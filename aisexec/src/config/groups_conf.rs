//! groups.conf: which groups, units, components and protection groups there
//! are. This part gives the blocks of the file their meaning and checks what
//! the services rely on: unique names, members that exist, bounded counts.

use super::blocks::{self, Block, Field, Kind};
use super::error::{ConfigError, Errors};
use super::limits::{
    ACTIVE_MEMBERS, CALLBACK_TIMEOUT_MS, COMPONENT_TIME_MS, MAX_COMPONENTS, MAX_GROUPS,
    MAX_MEMBERS, MAX_PROTECTION_GROUPS, MAX_UNITS, RESTARTS, UNIT_COUNT,
};
use super::redundancy;
use super::text::{name, nearest, number, quote};
use ais_node::amf::config::{
    CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel, Unit,
};
use ais_wire::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;

pub(super) const REDUNDANCY_MODELS: [(&str, RedundancyModel); 3] = [
    ("2n", RedundancyModel::TwoN),
    ("nplusm", RedundancyModel::NPlusM),
    ("noredundancy", RedundancyModel::NoRedundancy),
];

/// Models that are known and not supported.
const UNSUPPORTED_MODELS: [&str; 2] = ["nway", "nwayactive"];

pub(super) const CAPABILITY_MODELS: [(&str, CapabilityModel); 7] = [
    ("x_active_and_y_standby", CapabilityModel::XActiveAndYStandby),
    ("x_active_or_y_standby", CapabilityModel::XActiveOrYStandby),
    ("1_active_or_y_standby", CapabilityModel::OneActiveOrYStandby),
    ("1_active_or_1_standby", CapabilityModel::OneActiveOrOneStandby),
    ("x_active", CapabilityModel::XActive),
    ("1_active", CapabilityModel::OneActive),
    ("no_active", CapabilityModel::NoActive),
];

/// Parses the text of groups.conf; `path` is for the messages. A text without
/// any group is one: a node that serves only CLM and CKPT.
///
/// # Errors
/// All errors of the text, in the order of lines.
pub fn parse(path: &Path, text: &[u8]) -> Result<Groups, Vec<ConfigError>> {
    let mut errors = Errors::new(path, text);
    let file = blocks::parse(text, &mut errors);
    let mut reader = Reader {
        errors,
        groups: Names::new("group", MAX_GROUPS),
        units: Names::new("unit", MAX_UNITS),
        components: Names::new("component", MAX_COMPONENTS),
        protection_groups: Names::new("protection group", MAX_PROTECTION_GROUPS),
    };
    let groups: Vec<_> = file.blocks.iter().map(|block| reader.group(block)).collect();
    // Members may be defined below the protection group that names them.
    for block in &file.blocks {
        reader.check_members(block);
    }
    // What keys mean together counts once each of them is good.
    if reader.errors.is_empty() {
        for (block, group) in file.blocks.iter().zip(&groups) {
            redundancy::check(block, group, &mut reader.errors);
        }
    }
    reader.errors.finish(Groups { groups })
}

/// Reads blocks. A block with errors still yields a value, which no caller
/// sees.
struct Reader<'p> {
    errors: Errors<'p>,
    groups: Names,
    units: Names,
    components: Names,
    protection_groups: Names,
}

impl Reader<'_> {
    fn group(&mut self, block: &Block<'_>) -> Group {
        let name = self.name(block);
        self.groups.define(&name, block, block.line, &mut self.errors);
        if block.children(Kind::Unit).next().is_none() {
            let text = format!("{} has no unit; add one with `unit {{`", block.title());
            self.errors.add(block.line, text);
        }
        let backup = block.field("backup-units").map(|field| self.number(field, UNIT_COUNT));
        Group {
            name,
            model: self.redundancy_model(block),
            active_units: self.optional(block, "active-units", UNIT_COUNT, 1),
            backup_units: backup,
            units: block.children(Kind::Unit).map(|unit| self.unit(unit, block.line)).collect(),
            protection_groups: block
                .children(Kind::Protection)
                .map(|protection| self.protection_group(protection, block.line))
                .collect(),
        }
    }

    fn unit(&mut self, block: &Block<'_>, group: usize) -> Unit {
        let name = self.name(block);
        self.units.define(&name, block, group, &mut self.errors);
        if block.blocks.is_empty() {
            let text = format!("{} has no component; add one with `component {{`", block.title());
            self.errors.add(block.line, text);
        }
        let node = block.field("node").map(|field| self.legal_name(field, "node"));
        Unit {
            name,
            node,
            components: block.blocks.iter().map(|c| self.component(c, group)).collect(),
        }
    }

    fn component(&mut self, block: &Block<'_>, group: usize) -> Component {
        let name = self.name(block);
        self.components.define(&name, block, group, &mut self.errors);
        let times = COMPONENT_TIME_MS;
        let mut component = Component::new(name, self.capability_model(block));
        for (key, range, place) in [
            ("healthcheck-interval", times.clone(), &mut component.healthcheck_interval),
            ("healthcheck-timeout", times.clone(), &mut component.healthcheck_timeout),
            ("callback-timeout", CALLBACK_TIMEOUT_MS, &mut component.callback_timeout),
            ("quiesce-timeout", times.clone(), &mut component.quiesce_timeout),
            ("stopping-timeout", times.clone(), &mut component.stopping_timeout),
            ("component-restart-max", RESTARTS, &mut component.restart_max),
            ("component-restart-probation", times, &mut component.restart_probation),
        ] {
            *place = self.optional(block, key, range, *place);
        }
        component
    }

    fn protection_group(&mut self, block: &Block<'_>, group: usize) -> ProtectionGroup {
        let group_name = self.name(block);
        self.protection_groups.define(&group_name, block, group, &mut self.errors);
        if block.members.is_empty() {
            let text = format!("{} has no member; add `member = COMPONENT`", block.title());
            self.errors.add(block.line, text);
        }
        if let Some(field) = block.members.get(MAX_MEMBERS) {
            let text = format!("{} has more than {MAX_MEMBERS} members; split it", block.title());
            self.errors.add(field.line, text);
        }
        // Whether it is a legal name shows where the component is defined.
        let members = block.members.iter().map(|field| Name::new(field.value).unwrap_or_default());
        let members = members.collect();
        let most = block.field("active-members").map(|field| self.number(field, ACTIVE_MEMBERS));
        ProtectionGroup { name: group_name, active_members: most, members }
    }

    /// Checks that the protection groups of a group have components of this
    /// group as members, each once, and that every component is a member.
    fn check_members(&mut self, group: &Block<'_>) {
        let mut protected = BTreeSet::new();
        for protection in group.children(Kind::Protection) {
            let mut lines = BTreeMap::new();
            for field in &protection.members {
                protected.insert(field.value);
                let problem = if let Some(first) = lines.insert(field.value, field.line) {
                    format!("is a member twice; remove this line or line {first}")
                } else {
                    match self.components.group_of(field.value) {
                        Some(line) if line == group.line => continue,
                        Some(line) => {
                            format!(
                                "is in the group of line {line}; name a component of this group"
                            )
                        }
                        None => "is not a component; define it in a unit of this group, \
                                 or correct the name"
                            .into(),
                    }
                };
                self.errors.add(field.line, format!("member {} {problem}", quote(field.value)));
            }
        }
        for component in group.children(Kind::Unit).flat_map(|unit| &unit.blocks) {
            let Some(name) = component.field("name") else { continue };
            if !protected.contains(name.value) {
                let text = format!(
                    "component {} is in no protection group and so could never be active or \
                     standby; make it a `member` of one",
                    quote(name.value)
                );
                self.errors.add(component.line, text);
            }
        }
    }

    fn name(&mut self, block: &Block<'_>) -> Name {
        let word = block.kind.word();
        let Some(field) = block.field("name") else {
            self.errors.add(block.line, format!("this {word} has no name; add `name = NAME`"));
            return Name::default();
        };
        self.legal_name(field, word)
    }

    fn legal_name(&mut self, field: Field<'_>, word: &str) -> Name {
        name(field.value).unwrap_or_else(|message| {
            self.errors.add(field.line, format!("name of a {word}: {message}"));
            Name::default()
        })
    }

    fn redundancy_model(&mut self, block: &Block<'_>) -> RedundancyModel {
        let Some(field) = block.field("model") else { return RedundancyModel::default() };
        if UNSUPPORTED_MODELS.iter().any(|model| model.as_bytes() == field.value) {
            let text = format!(
                "model = {} is not supported; give one of {}",
                quote(field.value),
                words(&REDUNDANCY_MODELS)
            );
            self.errors.add(field.line, text);
            return RedundancyModel::default();
        }
        self.keyword(field, &REDUNDANCY_MODELS).unwrap_or_default()
    }

    fn capability_model(&mut self, block: &Block<'_>) -> CapabilityModel {
        let model = match block.field("model") {
            Some(field) => self.keyword(field, &CAPABILITY_MODELS),
            None => {
                let known = words(&CAPABILITY_MODELS);
                let text =
                    format!("{} has no model; add `model =` with one of {known}", block.title());
                self.errors.add(block.line, text);
                None
            }
        };
        model.unwrap_or(CapabilityModel::XActive)
    }

    /// The value that a keyword stands for; an unknown one is reported.
    fn keyword<T: Copy>(&mut self, field: Field<'_>, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(word, _)| word.as_bytes() == field.value);
        if found.is_none() {
            let advice = match nearest(field.value, known.iter().map(|(word, _)| *word)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("give one of {}", words(known)),
            };
            let text = format!("{} = {} is not known; {advice}", field.key, quote(field.value));
            self.errors.add(field.line, text);
        }
        found.map(|(_, value)| *value)
    }

    fn optional(
        &mut self,
        block: &Block<'_>,
        key: &str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        block.field(key).map_or(default, |field| self.number(field, range))
    }

    fn number(&mut self, field: Field<'_>, range: RangeInclusive<u32>) -> u32 {
        let counts = ["-units", "-members", "-max"];
        let is_count = counts.iter().any(|end| field.key.ends_with(end));
        let unit = if is_count { "" } else { " milliseconds" };
        number(field.value, range, unit).unwrap_or_else(|message| {
            self.errors.add(field.line, format!("{}: {message}", field.key));
            0
        })
    }
}

fn words<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// The names of one kind: unique in the file, and not too many.
struct Names {
    what: &'static str,
    most: usize,
    /// Where each is defined: its own line, and the line of its group.
    lines: BTreeMap<Name, (usize, usize)>,
}

impl Names {
    fn new(what: &'static str, most: usize) -> Self {
        Self { what, most, lines: BTreeMap::new() }
    }

    /// Enters a name, unless it is empty: that was reported already.
    fn define(&mut self, name: &Name, block: &Block<'_>, group: usize, errors: &mut Errors<'_>) {
        if name.as_bytes().is_empty() {
            return;
        }
        let line = block.field("name").map_or(block.line, |field| field.line);
        if let Some((first, _)) = self.lines.get(name) {
            let name = quote(name.as_bytes());
            let text =
                format!("{} {name} was defined in line {first}; give it another name", self.what);
            return errors.add(line, text);
        }
        if self.lines.len() == self.most {
            errors.add(line, format!("more than {} {}s; remove some", self.most, self.what));
        }
        self.lines.insert(name.clone(), (line, group));
    }

    /// The line of the group in which a name is defined.
    fn group_of(&self, name: &[u8]) -> Option<usize> {
        let name = Name::new(name).ok()?;
        self.lines.get(&name).map(|(_, group)| *group)
    }
}
