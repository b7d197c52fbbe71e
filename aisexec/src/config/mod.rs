//! The configuration of one node: network.conf and groups.conf of a directory,
//! read once at start. Files are parsed to the end, so that all their errors
//! are known at once; nothing in a file can panic or grow without bound.

mod blocks;
mod doubts;
mod error;
pub mod groups_conf;
pub mod network_conf;
mod redundancy;
#[cfg(test)]
mod tests;
mod text;
mod timeouts;

pub use error::ConfigError;
pub use network_conf::{CheckpointLimits, NetworkConf, Quorum, Transport};

use ais_node::amf::config::Groups;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Every bound on what a configuration file may contain, and every range of a
/// number in it.
pub mod limits {
    use std::ops::RangeInclusive;

    /// The longest file, in bytes.
    pub const MAX_FILE: u64 = 4 << 20;
    /// Lines of a file.
    pub const MAX_LINES: usize = 200_000;
    /// Errors reported for a file.
    pub const MAX_ERRORS: usize = 1000;

    /// Groups in groups.conf.
    pub const MAX_GROUPS: usize = 256;
    /// Units in groups.conf, all groups together.
    pub const MAX_UNITS: usize = 4096;
    /// Components in groups.conf, all groups together.
    pub const MAX_COMPONENTS: usize = 16384;
    /// Protection groups in groups.conf, all groups together.
    pub const MAX_PROTECTION_GROUPS: usize = 4096;
    /// Members of one protection group: one callback names all of them.
    pub const MAX_MEMBERS: usize = 256;

    /// `active-units` and `backup-units`.
    pub const UNIT_COUNT: RangeInclusive<u32> = 0..=4096;
    /// `healthcheck-interval`, `healthcheck-timeout`, `quiesce-timeout`,
    /// `stopping-timeout`, `component-restart-probation`, in ms.
    pub const COMPONENT_TIME_MS: RangeInclusive<u32> = 10..=3_600_000;
    /// `active-members`.
    pub const ACTIVE_MEMBERS: RangeInclusive<u32> = 1..=256;
    /// `component-restart-max`: each is remembered as long as it counts.
    pub const RESTARTS: RangeInclusive<u32> = 0..=100;
    /// `callback-timeout`, in ms. Programs of 2004 leave callbacks alone for a
    /// second at a time and are alive nevertheless.
    pub const CALLBACK_TIMEOUT_MS: RangeInclusive<u32> = 2000..=3_600_000;

    /// `mcastport`.
    pub const MCAST_PORT: RangeInclusive<u16> = 1..=65535;
    /// `member` lines, and `expected-nodes`: the nodes of a cluster.
    pub const MAX_NODES: u32 = ais_wire::MAX_NODES as u32;
    /// `ttl`, in hops.
    pub const TTL: RangeInclusive<u8> = 1..=255;
    /// `mtu`, in bytes of an IP packet.
    pub const MTU: RangeInclusive<u16> = 576..=65535;
    /// `token`, in ms.
    pub const TOKEN_MS: RangeInclusive<u32> = 30..=600_000;
    /// `busy-poll`, in us.
    pub const BUSY_POLL_US: RangeInclusive<u32> = 0..=1000;
    /// `api-timeout`, in ms.
    pub const API_TIMEOUT_MS: RangeInclusive<u32> = 100..=3_600_000;
    /// `max-message`, in bytes. Programs of 2004 write 250,000 bytes at once.
    pub const MAX_MESSAGE: RangeInclusive<u32> = 262_144..=16_777_216;
    /// `checkpoint-memory`, in bytes: 1 MiB to 16 TiB.
    pub const CHECKPOINT_MEMORY: RangeInclusive<u64> = 1 << 20..=1 << 44;
    /// `max-checkpoints`.
    pub const MAX_CHECKPOINTS: RangeInclusive<u32> = 1..=1 << 20;
    /// `max-sections`, in a checkpoint.
    pub const MAX_SECTIONS: RangeInclusive<u32> = 1..=1 << 24;
}

/// What both files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// network.conf.
    pub network: NetworkConf,
    /// groups.conf.
    pub groups: Groups,
    /// What people should know of both; nothing of it keeps the node from
    /// starting.
    pub warnings: Vec<ConfigError>,
}

/// Reads `network.conf` and `groups.conf` of the directory `dir`.
///
/// # Errors
/// All errors of both files: network.conf first, each file in the order of
/// its lines.
pub fn load(dir: &Path) -> Result<Config, Vec<ConfigError>> {
    let (network_file, groups_file) = (network_file(dir), dir.join("groups.conf"));
    let network = read(&network_file, network_conf::parse);
    let groups = read(&groups_file, groups_conf::parse);
    match (network, groups) {
        (Ok((network, text)), Ok((groups, groups_text))) => {
            let files = ((&*network_file, &*text), (&*groups_file, &*groups_text));
            let mut warnings = timeouts::check(&network, files.0, files.1);
            warnings.extend(doubts::check(&network, &groups, files.0, files.1));
            Ok(Config { network, groups, warnings })
        }
        (network, groups) => {
            let mut errors = network.err().unwrap_or_default();
            errors.extend(groups.err().unwrap_or_default());
            Err(errors)
        }
    }
}

/// What is wrong with the value of a key of network.conf in `dir`, for reasons
/// that are not in the file.
#[must_use]
pub fn at_key(dir: &Path, key: &str, message: String) -> ConfigError {
    let path = network_file(dir);
    let line = bytes(&path).ok().and_then(|text| network_conf::line_of(&text, key));
    ConfigError { path, line, message }
}

/// Where the settings of the network are in the directory `dir`.
#[must_use]
pub fn network_file(dir: &Path) -> PathBuf {
    dir.join("network.conf")
}

type Parser<T> = fn(&Path, &[u8]) -> Result<T, Vec<ConfigError>>;

/// What a file means, and its text.
fn read<T>(path: &Path, parse: Parser<T>) -> Result<(T, Vec<u8>), Vec<ConfigError>> {
    let whole_file = |message| vec![ConfigError { path: path.into(), line: None, message }];
    let text = bytes(path).map_err(whole_file)?;
    Ok((parse(path, &text)?, text))
}

/// The bytes of a regular file of bounded size, or what is wrong with it.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    // Asked before opening: opening a FIFO would wait for its writer.
    if !fs::metadata(path).map_err(|error| unreadable(&error))?.is_file() {
        return Err("is not a regular file; put the configuration there".into());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(limits::MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > limits::MAX_FILE {
        return Err(format!("is larger than {} bytes; shorten it", limits::MAX_FILE));
    }
    is_text(&bytes).map(|()| bytes)
}

/// Whether a file has lines as these files have them, or what it has instead.
fn is_text(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is UTF-16; save it as UTF-8 or ASCII".into());
    }
    let is_inside = |pair: &[u8]| pair[0] == b'\r' && !matches!(pair[1], b'\r' | b'\n');
    match bytes.windows(2).position(is_inside) {
        Some(at) => {
            let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Err(format!(
                "has a carriage return inside line {line}, where a line may have been meant to \
                 end; save it with newlines"
            ))
        }
        None => Ok(()),
    }
}

fn unreadable(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => {
            "copy the sample file of that name there, or name another directory with --config-dir"
        }
        io::ErrorKind::PermissionDenied => "make it readable for the user aisexec runs as",
        _ => "name another directory with --config-dir",
    };
    format!("cannot be read ({error}); {advice}")
}
