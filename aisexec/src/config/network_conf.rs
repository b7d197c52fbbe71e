//! network.conf: where the node is, how it finds the others, and the daemon's
//! own settings. Lines of `key:value`; `#` anywhere begins a comment.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use ais_wire::Name;

use super::error::{ConfigError, Errors};
use super::limits::{
    API_TIMEOUT_MS, BUSY_POLL_US, CHECKPOINT_MEMORY, MAX_LINES, MAX_MESSAGE, MCAST_PORT,
};
use super::text;
use super::text::{name, nearest, number, quote, size, split_at};

/// What network.conf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkConf {
    /// The network (last byte 0) or the address of the interface to use. An
    /// address in 127/8 is always one exact address.
    pub bindnetaddr: Ipv4Addr,
    /// The multicast address of the cluster, in 224/4.
    pub mcastaddr: Ipv4Addr,
    /// The UDP port of the cluster.
    pub mcastport: u16,
    /// The CLM name of this node; `None` is its address as a dotted quad.
    pub nodename: Option<Name>,
    /// The CLM name of the cluster. `ais`.
    pub clustername: Name,
    /// Microseconds that a side polls before it sleeps; 0 is never. 20.
    pub busy_poll: u32,
    /// Milliseconds that a call with timeout 0 waits. 5000.
    pub api_timeout: u32,
    /// The longest message of one call, in bytes. 16 MiB.
    pub max_message: u32,
    /// All checkpoints together, in bytes; `None` is half of the RAM.
    pub checkpoint_memory: Option<u64>,
    /// Whether creation attributes of checkpoints are limits. Lenient.
    pub checkpoint_limits: CheckpointLimits,
    /// Whether to ask for SCHED_RR and locked memory. Yes.
    pub realtime: bool,
}

/// What maxSections, maxSectionSize, maxSectionIdSize and checkpointSize mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckpointLimits {
    /// They are recorded and not enforced, as in 2004.
    #[default]
    Lenient,
    /// They are enforced with the codes of the specification.
    Strict,
}

type Setter = fn(&mut NetworkConf, &[u8]) -> Result<(), String>;

/// All keys. Each takes its value or says what is wrong with it.
const KEYS: [(&str, Setter); 11] = [
    ("bindnetaddr", |c, v| interface(v).map(|a| c.bindnetaddr = a)),
    ("mcastaddr", |c, v| multicast(v).map(|a| c.mcastaddr = a)),
    ("mcastport", |c, v| number(v, MCAST_PORT, "").map(|n| c.mcastport = n)),
    ("nodename", |c, v| name(v).map(|n| c.nodename = Some(n))),
    ("clustername", |c, v| name(v).map(|n| c.clustername = n)),
    ("busy-poll", |c, v| number(v, BUSY_POLL_US, " microseconds").map(|n| c.busy_poll = n)),
    ("api-timeout", |c, v| number(v, API_TIMEOUT_MS, " milliseconds").map(|n| c.api_timeout = n)),
    ("max-message", |c, v| message_size(v).map(|n| c.max_message = n)),
    ("checkpoint-memory", |c, v| size(v, CHECKPOINT_MEMORY).map(|n| c.checkpoint_memory = Some(n))),
    ("checkpoint-limits", |c, v| limits(v).map(|l| c.checkpoint_limits = l)),
    ("realtime", |c, v| yes_or_no(v).map(|yes| c.realtime = yes)),
];

/// The keys that have no default, each with an example.
const REQUIRED: [(&str, &str); 3] =
    [("bindnetaddr", "192.168.1.0"), ("mcastaddr", "226.94.1.1"), ("mcastport", "6000")];

/// Parses the text of network.conf; `path` is for the messages.
///
/// # Errors
/// All errors of the text, in the order of lines.
pub fn parse(path: &Path, text: &[u8]) -> Result<NetworkConf, Vec<ConfigError>> {
    let mut errors = Errors::new(path, text);
    let mut conf = defaults();
    let mut seen = BTreeMap::new();
    for (number, line) in text::lines(text) {
        if number > MAX_LINES {
            errors.add(number, format!("more than {MAX_LINES} lines; remove some"));
            break;
        }
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        if let Err(message) = assign(&mut conf, &mut seen, number, line) {
            errors.add(number, message);
        }
    }
    for (key, example) in REQUIRED {
        if !seen.contains_key(key) {
            let text = format!("{key} is missing; add a line such as `{key}:{example}`");
            errors.add(errors.last_line(), text);
        }
    }
    errors.finish(conf)
}

/// The defaults. The addresses and the port have none: [`parse`] does not let
/// a file pass without them.
fn defaults() -> NetworkConf {
    NetworkConf {
        bindnetaddr: Ipv4Addr::UNSPECIFIED,
        mcastaddr: Ipv4Addr::UNSPECIFIED,
        mcastport: 0,
        nodename: None,
        clustername: Name::try_from("ais").unwrap_or_default(),
        busy_poll: 50,
        api_timeout: 5000,
        max_message: *MAX_MESSAGE.end(),
        checkpoint_memory: None,
        checkpoint_limits: CheckpointLimits::default(),
        realtime: true,
    }
}

/// Takes one line that is neither empty nor a comment. `seen` has the lines of
/// the keys so far.
fn assign(
    conf: &mut NetworkConf,
    seen: &mut BTreeMap<&'static str, usize>,
    line_number: usize,
    line: &[u8],
) -> Result<(), String> {
    let Some((key, value)) = split_at(line, b':') else {
        return Err(format!(
            "{} is not `key:value`; write the key, a colon and the value",
            quote(line)
        ));
    };
    let Some((key, set)) = KEYS.iter().find(|(known, _)| known.as_bytes() == key) else {
        return Err(unknown(key));
    };
    if let Some(first) = seen.insert(key, line_number) {
        seen.insert(key, first);
        return Err(format!("{key} is given a second time; keep this line or line {first}"));
    }
    if value.is_empty() {
        return Err(format!("{key} has no value; write it after the colon"));
    }
    set(conf, value).map_err(|message| format!("{key}: {message}"))
}

fn unknown(key: &[u8]) -> String {
    let known = KEYS.map(|(known, _)| known);
    match nearest(key, known) {
        Some(nearest) => format!("unknown key {}; did you mean `{nearest}`?", quote(key)),
        None => format!("unknown key {}; the keys are {}", quote(key), known.join(", ")),
    }
}

fn address(value: &[u8]) -> Option<Ipv4Addr> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn interface(value: &[u8]) -> Result<Ipv4Addr, String> {
    let usable = |a: &Ipv4Addr| !(a.is_multicast() || a.is_unspecified() || a.is_broadcast());
    address(value).filter(usable).ok_or_else(|| {
        format!(
            "{} is not the IPv4 address of an interface or its network; give one such as 192.168.1.0",
            quote(value)
        )
    })
}

fn multicast(value: &[u8]) -> Result<Ipv4Addr, String> {
    address(value).filter(Ipv4Addr::is_multicast).ok_or_else(|| {
        format!(
            "{} is not an IPv4 multicast address; give one from 224.0.0.0 to 239.255.255.255, \
             such as 226.94.1.1",
            quote(value)
        )
    })
}

fn message_size(value: &[u8]) -> Result<u32, String> {
    let range = u64::from(*MAX_MESSAGE.start())..=u64::from(*MAX_MESSAGE.end());
    size(value, range).map(|n| u32::try_from(n).unwrap_or(*MAX_MESSAGE.end()))
}

fn limits(value: &[u8]) -> Result<CheckpointLimits, String> {
    match value {
        b"strict" => Ok(CheckpointLimits::Strict),
        b"lenient" => Ok(CheckpointLimits::Lenient),
        _ => Err(format!("{} is not known; give `strict` or `lenient`", quote(value))),
    }
}

fn yes_or_no(value: &[u8]) -> Result<bool, String> {
    match value {
        b"yes" => Ok(true),
        b"no" => Ok(false),
        _ => Err(format!("{} is neither; give `yes` or `no`", quote(value))),
    }
}

#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().map(|(key, _)| key)
}
