//! network.conf: where the node is, how it finds the others, and the daemon's
//! own settings. Lines of `key:value`; `#` anywhere begins a comment.

use super::error::{ConfigError, Errors};
use super::limits::{
    API_TIMEOUT_MS, BUSY_POLL_US, CHECKPOINT_MEMORY, MAX_CHECKPOINTS, MAX_LINES, MAX_MESSAGE,
    MAX_NODES, MAX_SECTIONS, MCAST_PORT, MTU, TOKEN_MS, TTL,
};
use super::text;
use super::text::{name, nearest, number, quote, size, split_at};
use ais_node::ckpt::Limits;
use ais_wire::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What network.conf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkConf {
    /// The network (last byte 0) or the address of the interface to use. An
    /// address in 127/8 is always one exact address.
    pub bindnetaddr: Ipv4Addr,
    /// The multicast address of the cluster, in 224/4; 0.0.0.0 if it has none,
    /// as only unicast may.
    pub mcastaddr: Ipv4Addr,
    /// The UDP port of the cluster.
    pub mcastport: u16,
    /// How packets for all nodes travel; by default multicast.
    pub transport: Transport,
    /// With unicast: the addresses of all nodes, the own one included. Else
    /// empty.
    pub members: BTreeSet<Ipv4Addr>,
    /// How many routers a multicast packet may pass, and one more; by default 1.
    pub ttl: u8,
    /// Bytes of an IP packet at most; `None` is 1500, or more on loopback.
    pub mtu: Option<u16>,
    /// Milliseconds without a token until the ring counts as broken; by default 1000.
    pub token: u32,
    /// Whether to wait for the interface if it is not there at start; by default yes.
    pub interface_wait: bool,
    /// Which views may change what the cluster has to agree on; by default all.
    pub quorum: Quorum,
    /// How many nodes the whole cluster has; given if there is a quorum.
    pub expected_nodes: Option<u32>,
    /// The CLM name of this node; `None` is its address as a dotted quad.
    pub nodename: Option<Name>,
    /// The file with the key of the cluster; `None` is `key` beside network.conf, if it is
    /// there.
    pub key: Option<PathBuf>,
    /// The name of the cluster, in CLM and on the wire; by default `ais`.
    pub clustername: Name,
    /// Microseconds that a side polls before it sleeps; 0 is never, the default 50.
    pub busy_poll: u32,
    /// Milliseconds that a call with timeout 0 waits; by default 5000.
    pub api_timeout: u32,
    /// The longest message of one call, in bytes; by default 16 MiB.
    pub max_message: u32,
    /// All checkpoints together, in bytes; `None` is half of the memory
    /// that the daemon may use.
    pub checkpoint_memory: Option<u64>,
    /// The checkpoints that one user has made together, in bytes; `None` is three
    /// quarters of those of all.
    pub user_checkpoint_memory: Option<u64>,
    /// How many checkpoints there may be; by default 65536.
    pub max_checkpoints: u32,
    /// How many sections a checkpoint may have; by default 1048576.
    pub max_sections: u32,
    /// Whether creation attributes of checkpoints are limits; by default lenient: they are
    /// not.
    pub checkpoint_limits: CheckpointLimits,
    /// Whether to ask for SCHED_RR and locked memory; by default yes.
    pub realtime: bool,
    /// Whether a program may have this node stopped (`SA_AMF_NODE_FAILFAST`,
    /// `SA_AMF_CLUSTER_RESET`); by default not.
    pub allow_node_recovery: bool,
}

/// How a packet for all nodes travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Once, to the multicast address.
    #[default]
    Multicast,
    /// Once to each member.
    Unicast,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(*self, &TRANSPORTS))
    }
}

/// When a part of the cluster may act for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quorum {
    /// Always, as in 2004.
    #[default]
    None,
    /// If more than half of the expected nodes are in it.
    Majority,
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(*self, &QUORUMS))
    }
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
const KEYS: [(&str, Setter); 24] = [
    ("bindnetaddr", |c, v| interface(v).map(|a| c.bindnetaddr = a)),
    ("mcastaddr", |c, v| multicast(v).map(|a| c.mcastaddr = a)),
    ("mcastport", |c, v| number(v, MCAST_PORT, "").map(|n| c.mcastport = n)),
    ("transport", |c, v| one_of(v, &TRANSPORTS).map(|t| c.transport = t)),
    (MEMBER, |_, v| member(v).map(drop)),
    ("ttl", |c, v| number(v, TTL, "").map(|n| c.ttl = n)),
    ("mtu", |c, v| number(v, MTU, " bytes").map(|n| c.mtu = Some(n))),
    ("token", |c, v| number(v, TOKEN_MS, " milliseconds").map(|n| c.token = n)),
    ("interface-wait", |c, v| one_of(v, &YES_OR_NO).map(|yes| c.interface_wait = yes)),
    ("quorum", |c, v| one_of(v, &QUORUMS).map(|q| c.quorum = q)),
    ("expected-nodes", |c, v| number(v, 1..=MAX_NODES, "").map(|n| c.expected_nodes = Some(n))),
    ("nodename", |c, v| name(v).map(|n| c.nodename = Some(n))),
    ("key", |c, v| absolute(v).map(|path| c.key = Some(path))),
    ("clustername", |c, v| name(v).map(|n| c.clustername = n)),
    ("busy-poll", |c, v| number(v, BUSY_POLL_US, " microseconds").map(|n| c.busy_poll = n)),
    ("api-timeout", |c, v| number(v, API_TIMEOUT_MS, " milliseconds").map(|n| c.api_timeout = n)),
    ("max-message", |c, v| message_size(v).map(|n| c.max_message = n)),
    ("checkpoint-memory", |c, v| size(v, CHECKPOINT_MEMORY).map(|n| c.checkpoint_memory = Some(n))),
    ("user-checkpoint-memory", |c, v| {
        size(v, CHECKPOINT_MEMORY).map(|n| c.user_checkpoint_memory = Some(n))
    }),
    ("max-checkpoints", |c, v| number(v, MAX_CHECKPOINTS, "").map(|n| c.max_checkpoints = n)),
    ("max-sections", |c, v| number(v, MAX_SECTIONS, "").map(|n| c.max_sections = n)),
    ("checkpoint-limits", |c, v| one_of(v, &LIMIT_WORDS).map(|l| c.checkpoint_limits = l)),
    ("realtime", |c, v| one_of(v, &YES_OR_NO).map(|yes| c.realtime = yes)),
    ("allow-node-recovery", |c, v| one_of(v, &YES_OR_NO).map(|yes| c.allow_node_recovery = yes)),
];

/// The key that is given once for each node.
const MEMBER: &str = "member";

const TRANSPORTS: [(&str, Transport); 2] =
    [("multicast", Transport::Multicast), ("unicast", Transport::Unicast)];
const QUORUMS: [(&str, Quorum); 2] = [("none", Quorum::None), ("majority", Quorum::Majority)];
const LIMIT_WORDS: [(&str, CheckpointLimits); 2] =
    [("strict", CheckpointLimits::Strict), ("lenient", CheckpointLimits::Lenient)];
const YES_OR_NO: [(&str, bool); 2] = [("yes", true), ("no", false)];

/// Where what was said so far was said.
#[derive(Default)]
struct Seen {
    keys: BTreeMap<&'static str, usize>,
    members: BTreeMap<Ipv4Addr, usize>,
}

/// Parses the text of network.conf; `path` is for the messages.
///
/// # Errors
/// All errors of the text, in the order of lines.
pub fn parse(path: &Path, text: &[u8]) -> Result<NetworkConf, Vec<ConfigError>> {
    let mut errors = Errors::new(path, text);
    let mut conf = defaults();
    let mut seen = Seen::default();
    for (number, line) in text::lines(text) {
        if number > MAX_LINES {
            errors.add(number, format!("more than {MAX_LINES} lines; remove some"));
            break;
        }
        let line = without_comment(line);
        if line.is_empty() {
            continue;
        }
        if let Err(message) = assign(&mut conf, &mut seen, number, line) {
            errors.add(number, message);
        }
    }
    conf.members = seen.members.keys().copied().collect();
    check_whole(&conf, &seen, &mut errors);
    errors.finish(conf)
}

fn without_comment(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii()
}

/// The line in which a key is given, in a text without errors.
pub(super) fn line_of(text: &[u8], key: &str) -> Option<usize> {
    let is_there = |(_, line): &(usize, &[u8])| {
        split_at(without_comment(line), b':').is_some_and(|(known, _)| known == key.as_bytes())
    };
    text::lines(text).find(is_there).map(|(number, _)| number)
}

/// The defaults. The addresses and the port have none: [`parse`] does not let
/// a file pass without them.
fn defaults() -> NetworkConf {
    let limits = Limits::default();
    NetworkConf {
        bindnetaddr: Ipv4Addr::UNSPECIFIED,
        mcastaddr: Ipv4Addr::UNSPECIFIED,
        mcastport: 0,
        transport: Transport::default(),
        members: BTreeSet::new(),
        ttl: 1,
        mtu: None,
        token: 1000,
        interface_wait: true,
        quorum: Quorum::default(),
        expected_nodes: None,
        nodename: None,
        key: None,
        clustername: Name::try_from("ais").unwrap_or_default(),
        busy_poll: 50,
        api_timeout: 5000,
        max_message: *MAX_MESSAGE.end(),
        checkpoint_memory: None,
        user_checkpoint_memory: None,
        max_checkpoints: limits.checkpoints,
        max_sections: limits.sections,
        checkpoint_limits: CheckpointLimits::default(),
        realtime: true,
        allow_node_recovery: false,
    }
}

/// What no line shows by itself.
fn check_whole(conf: &NetworkConf, seen: &Seen, errors: &mut Errors<'_>) {
    let is_multicast = conf.transport == Transport::Multicast;
    let required = [
        ("bindnetaddr", "192.168.1.0", true),
        ("mcastaddr", "226.94.1.1", is_multicast),
        ("mcastport", "6000", true),
        (MEMBER, "192.168.1.1", !is_multicast),
        ("expected-nodes", "3", conf.quorum == Quorum::Majority),
    ];
    for (key, example, _) in required.iter().filter(|(.., is_required)| *is_required) {
        if !seen.keys.contains_key(key) {
            let text = format!("{key} is missing; add a line such as `{key}:{example}`");
            errors.add(errors.last_line(), text);
        }
    }
    if let Some(line) = seen.keys.get(MEMBER).filter(|_| is_multicast) {
        let text = "member: only unicast has members; add `transport:unicast`, or remove this line";
        errors.add(*line, text);
    }
    let is_useless = conf.quorum == Quorum::None && conf.expected_nodes.is_some();
    if let Some(line) = seen.keys.get("expected-nodes").filter(|_| is_useless) {
        let text = "expected-nodes: counts only for a quorum; add `quorum:majority`, or remove \
                    this line";
        errors.add(*line, text);
    }
    let nodes = conf.expected_nodes.unwrap_or(MAX_NODES);
    if seen.members.len() > nodes as usize {
        let line = seen.keys.get("expected-nodes").copied().unwrap_or(errors.last_line());
        let count = seen.members.len();
        errors.add(line, format!("there are {count} member lines for {nodes} nodes; correct one"));
    }
    // A network is only known where its interface is: see `own_member`.
    if conf.bindnetaddr.is_loopback()
        && !seen.members.is_empty()
        && !seen.members.contains_key(&conf.bindnetaddr)
    {
        errors.add(errors.last_line(), no_own_member(&[conf.bindnetaddr]));
    }
}

/// What is wrong if the addresses of this node, of which there is at least
/// one, are not among the members.
pub(crate) fn no_own_member(own: &[Ipv4Addr]) -> String {
    let own: Vec<String> = own.iter().map(Ipv4Addr::to_string).collect();
    let (first, all) = (own.first().cloned().unwrap_or_default(), own.join(", "));
    format!("no member line has the address of this node ({all}); add `member:{first}`")
}

/// Takes one line that is neither empty nor a comment.
fn assign(
    conf: &mut NetworkConf,
    seen: &mut Seen,
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
    let first = *seen.keys.entry(key).or_insert(line_number);
    if first != line_number && *key != MEMBER {
        return Err(format!("{key} is given a second time; keep this line or line {first}"));
    }
    if value.is_empty() {
        return Err(format!("{key} has no value; write it after the colon"));
    }
    set(conf, value).map_err(|message| format!("{key}: {message}"))?;
    match address(value).filter(|_| *key == MEMBER) {
        Some(member) => is_new(&mut seen.members, member, line_number),
        None => Ok(()),
    }
}

fn is_new(
    members: &mut BTreeMap<Ipv4Addr, usize>,
    member: Ipv4Addr,
    line: usize,
) -> Result<(), String> {
    let first = *members.entry(member).or_insert(line);
    if first == line {
        return Ok(());
    }
    Err(format!("member {member} is given a second time; remove this line or line {first}"))
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

fn is_host(address: &Ipv4Addr) -> bool {
    !(address.is_multicast() || address.is_unspecified() || address.is_broadcast())
}

fn interface(value: &[u8]) -> Result<Ipv4Addr, String> {
    address(value).filter(is_host).ok_or_else(|| {
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

fn absolute(value: &[u8]) -> Result<PathBuf, String> {
    let path = Path::new(OsStr::from_bytes(value));
    if path.is_absolute() {
        return Ok(path.into());
    }
    Err(format!("{} is no absolute path; give one such as /etc/ais/key", quote(value)))
}

fn message_size(value: &[u8]) -> Result<u32, String> {
    let range = u64::from(*MAX_MESSAGE.start())..=u64::from(*MAX_MESSAGE.end());
    size(value, range).map(|n| u32::try_from(n).unwrap_or(*MAX_MESSAGE.end()))
}

fn member(value: &[u8]) -> Result<Ipv4Addr, String> {
    address(value).filter(is_host).ok_or_else(|| {
        format!("{} is not the IPv4 address of a node; give one such as 192.168.1.1", quote(value))
    })
}

/// What the one of two words stands for that is given.
fn one_of<T: Copy>(value: &[u8], words: &[(&str, T); 2]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| word.as_bytes() == value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let [(first, _), (second, _)] = words;
        format!("{} is not known; give `{first}` or `{second}`", quote(value))
    })
}

/// The one of two words that stands for a value.
fn word<T: Copy + PartialEq>(value: T, words: &[(&'static str, T); 2]) -> &'static str {
    let [(first, of), (second, _)] = words;
    if *of == value { first } else { second }
}

#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().map(|(key, _)| key)
}
