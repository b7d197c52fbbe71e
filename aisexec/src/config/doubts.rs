//! What is legal in the files and can hardly be meant: names with the marks of
//! another format in them, numbers that contradict how many there are. A node
//! starts with it, as it may be meant after all, so these are warnings.

use super::blocks::{self, Block, Kind};
use super::error::{ConfigError, Errors};
use super::network_conf::{NetworkConf, Quorum, Transport, line_of};
use super::text::{self, quote, split_at};
use super::timeouts::File;
use ais_node::amf::config::{Component, Group, Groups, RedundancyModel, Unit};
use std::net::Ipv4Addr;

/// What there is to doubt in network.conf and groups.conf, in this order, each
/// in the order of its lines.
pub(super) fn check(
    conf: &NetworkConf,
    groups: &Groups,
    (network_path, network_text): File<'_>,
    (groups_path, groups_text): File<'_>,
) -> Vec<ConfigError> {
    let mut found = Errors::new(network_path, network_text);
    network(conf, network_text, &mut found);
    let mut doubts = found.finish(()).err().unwrap_or_default();
    let mut found = Errors::new(groups_path, groups_text);
    // That the text has no errors is known.
    let file = blocks::parse(groups_text, &mut Errors::new(groups_path, groups_text));
    if groups_text.trim_ascii().is_empty() {
        let message = "holds nothing, so that no component can register; put the groups of the \
                       cluster there, or a comment (`# no groups`) if there are none";
        found.add(found.last_line(), message);
    }
    for (block, group) in file.blocks.iter().zip(&groups.groups) {
        self::group(conf, block, group, &mut found);
    }
    doubts.extend(found.finish(()).err().unwrap_or_default());
    doubts
}

fn network(conf: &NetworkConf, text: &[u8], found: &mut Errors<'_>) {
    let line = |key, found: &Errors<'_>| line_of(text, key).unwrap_or(found.last_line());
    let members = conf.members.len();
    if let Some(expected) = conf.expected_nodes
        && conf.quorum == Quorum::Majority
        && conf.transport == Transport::Unicast
        && members < expected as usize
    {
        let quorum = expected / 2 + 1;
        let never =
            if members < quorum as usize { ", so that there is never a quorum" } else { "" };
        let message = format!(
            "expected-nodes:{expected} is more than the {members} nodes that have a member \
             line{never}; give `expected-nodes:{members}`, or a member line for each node"
        );
        found.add(line("expected-nodes", found), message);
    }
    if let (Quorum::Majority, Some(1)) = (conf.quorum, conf.expected_nodes) {
        let message = "expected-nodes:1 gives every node quorum for itself, as without \
                       `quorum:majority`; give the number of all nodes of the cluster, or remove \
                       both lines";
        found.add(line("expected-nodes", found), message);
    }
    let far = conf.members.iter().find(|member| !member.is_loopback());
    let near = conf.members.iter().find(|member| member.is_loopback());
    if let (Some(far), Some(near)) = (far, near) {
        let message = format!(
            "member {near} is this machine alone, and member {far} cannot be reached from there; \
             give the address that {near} has in the network of the others"
        );
        found.add(line("member", found), message);
    }
    if matches!(conf.mcastaddr.octets(), [224, 0, 0, _]) && conf.transport == Transport::Multicast {
        let message = format!(
            "mcastaddr:{} belongs to the routers of a network (224.0.0.0 to 224.0.0.255); give \
             another one, such as 226.94.1.1",
            conf.mcastaddr
        );
        found.add(line("mcastaddr", found), message);
    }
    let names = [("nodename", conf.nodename.as_ref()), ("clustername", Some(&conf.clustername))];
    for (key, name) in names {
        if let Some(name) = name {
            doubt_name(key, ":", name.as_bytes(), line(key, found), found);
            if let Some(given) = cut_at_comment(text, key) {
                let (name, given) = (quote(name.as_bytes()), quote(given));
                let message = format!(
                    "{key}:{name} is what is left of {given}, since `#` begins a comment wherever \
                     it stands; give a name without it, or put a blank before the comment"
                );
                found.add(line(key, found), message);
            }
        }
    }
    if let Some(address) = conf.nodename.as_ref().and_then(|name| broken_address(name.as_bytes())) {
        let message = format!(
            "nodename:{address} looks like an IPv4 address and is none; give the address of this \
             node, or another name"
        );
        found.add(line("nodename", found), message);
    }
}

/// The value of a key as it was meant, perhaps, if a comment begins inside of it.
fn cut_at_comment<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let number = line_of(text, key)?;
    let (_, line) = text::lines(text).find(|(at, _)| *at == number)?;
    let (_, value) = split_at(line, b':')?;
    let at = value.iter().position(|byte| *byte == b'#')?;
    let is_inside = at.checked_sub(1).is_some_and(|before| !value[before].is_ascii_whitespace());
    is_inside.then_some(value)
}

/// A name that can only be meant as an address, and is none.
fn broken_address(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name).ok()?;
    let is_address = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    let is_dotted = text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    // A port or the length of a network stands behind it.
    let has_more = text.split_once([':', '/']).is_some_and(|(before, _)| is_address(before));
    (is_dotted && !is_address(text) || has_more).then_some(text)
}

fn group(conf: &NetworkConf, block: &Block<'_>, group: &Group, found: &mut Errors<'_>) {
    let (active, units) = (group.active_units as usize, group.units.len());
    if let Some(field) = block.field("active-units")
        && group.model != RedundancyModel::NoRedundancy
        && active > units
    {
        let message = format!(
            "active-units = {active} is more than the {units} units of {}; give at most {units}, \
             or add units",
            block.title()
        );
        found.add(field.line, message);
    }
    let standby = units.saturating_sub(active);
    if let (Some(field), Some(backup)) = (block.field("backup-units"), group.backup_units)
        && backup as usize > standby
    {
        let message = format!(
            "backup-units = {backup} is more than the {standby} of the {units} units of {} that \
             active-units = {active} leaves; give at most {standby}, or add units",
            block.title()
        );
        found.add(field.line, message);
    }
    let can_be_active =
        |unit: &Unit| unit.components.iter().all(|component| component.model.most_active() > 0);
    if let Some(field) = block.field("active-units")
        && active == 0
        && group.units.iter().any(can_be_active)
    {
        let message = format!(
            "active-units = 0 has no component of {} ever become active; give 1 or more",
            block.title()
        );
        found.add(field.line, message);
    }
    name_of(block, found);
    block.children(Kind::Protection).for_each(|protection| name_of(protection, found));
    for (block, unit) in block.children(Kind::Unit).zip(&group.units) {
        name_of(block, found);
        place_of(conf, block, found);
        for (block, component) in block.blocks.iter().zip(&unit.components) {
            name_of(block, found);
            healthchecks_of(block, component, found);
        }
    }
}

fn name_of(block: &Block<'_>, found: &mut Errors<'_>) {
    if let Some(field) = block.field("name") {
        doubt_name("name", " = ", field.value, field.line, found);
    }
}

/// A unit that may only be on a node that cannot be there.
fn place_of(conf: &NetworkConf, block: &Block<'_>, found: &mut Errors<'_>) {
    let Some(field) = block.field("node") else { return };
    doubt_name("node", " = ", field.value, field.line, found);
    let is_name = conf.nodename.as_ref().is_some_and(|name| name.as_bytes() == field.value);
    if let Some(address) = broken_address(field.value).filter(|_| !is_name) {
        let message = format!(
            "node = {address} looks like an IPv4 address and is none, so that no component of {} \
             could ever register, unless that is a nodename; give the address of a node, such as \
             192.168.1.1, or a nodename",
            block.title()
        );
        found.add(field.line, message);
    }
    let address = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
    let is_member = |address: &Ipv4Addr| conf.members.contains(address);
    if let Some(address) = address.filter(|address| !conf.members.is_empty() && !is_member(address))
    {
        let message = format!(
            "node = {address} is no member, so that no component of {} could ever register; give \
             the address of a member line of network.conf, or a nodename",
            block.title()
        );
        found.add(field.line, message);
    }
}

fn healthchecks_of(block: &Block<'_>, component: &Component, found: &mut Errors<'_>) {
    let (interval, timeout) = (component.healthcheck_interval, component.healthcheck_timeout);
    let field = block.field("healthcheck-timeout").or_else(|| block.field("healthcheck-interval"));
    if let Some(field) = field.filter(|_| timeout < interval) {
        let message = format!(
            "healthcheck-timeout = {timeout} is over before the next healthcheck is made \
             (healthcheck-interval = {interval}), so that {} fails at the first one that is late; \
             give `healthcheck-timeout = {interval}` or more, or a shorter interval",
            block.title()
        );
        found.add(field.line, message);
    }
}

/// Says what of a name looks as if it were not part of it.
fn doubt_name(key: &str, separator: &str, name: &[u8], line: usize, found: &mut Errors<'_>) {
    if let Some(what) = doubtful(name) {
        let name = quote(name);
        let message = format!(
            "{key}{separator}{name} has {what}, which is part of the name then: programs and other \
             files have to give it, too; remove it if it is not meant"
        );
        found.add(line, message);
    }
}

/// What of a name is most likely a slip.
fn doubtful(name: &[u8]) -> Option<&'static str> {
    const QUOTES: [char; 9] =
        ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}'];
    // A name need not be text. What is no text is not looked at.
    let text = std::str::from_utf8(name).ok()?;
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    let invisible = |c: char| {
        !c.is_ascii() && (c.is_whitespace() || c.is_control())
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    if QUOTES.contains(&first) || QUOTES.contains(&last) {
        Some("a quotation mark")
    } else if matches!(last, ';' | ',') {
        Some("a mark at its end")
    } else if matches!(first, '=' | ':') {
        Some("a second separator at its beginning")
    } else if last == '{' {
        Some("a `{` at its end")
    } else if text.contains("/*") || text.contains(" //") || text.starts_with("//") {
        Some("what looks like a comment")
    } else if text.contains('#') {
        // Only in groups.conf: in network.conf it is a comment.
        Some("a `#` that begins no comment, as no blank is before it")
    } else if text.contains(invisible) {
        Some("a character that cannot be seen")
    } else {
        None
    }
}
