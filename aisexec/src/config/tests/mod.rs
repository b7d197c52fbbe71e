//! What the tests of both files share, and reading a directory.

mod doubts;
mod groups;
mod hostile;
mod network;
mod redundancy;
mod samples;
mod timeouts;

use super::{CheckpointLimits, ConfigError, NetworkConf, Quorum, Transport, limits, load};
use ais_node::amf::config::{CapabilityModel, Component, Groups, RedundancyModel};
use ais_wire::Name;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file as it was handed out in 2004: tabs, blanks around `=`, blanks at the
/// end of lines, no second unit.
const OLD_GROUPS: &str = "# a comment\n  \ngroup {\n\tname=raid\n\tmodel=nplusm\n\tactive-units=1\n\
    \tbackup-units=0\n\t\t\n\tunit {  \n\t\tname=raidA\n\t\tcomponent {\n\t\t\tname=comp_a\n\
    \t\t\tmodel=x_active\n\t\t}\n\t\tcomponent {\n\t\t\tname=comp_b\n\t\t\tmodel = x_active\t\n\
    \t\t}\n\t}\n# another comment \n\tprotection {\n\t\tname = pgA\n\t\tmember = comp_a\n\
    \t\tmember = comp_b\n\t}\n}\n";

const OLD_NETWORK: &str = "bindnetaddr:192.168.1.0\nmcastaddr:226.94.1.1\nmcastport:6000\n";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn groups(text: impl AsRef<[u8]>) -> Result<Groups, Vec<ConfigError>> {
    super::groups_conf::parse(Path::new("g"), text.as_ref())
}

fn network(text: impl AsRef<[u8]>) -> Result<NetworkConf, Vec<ConfigError>> {
    super::network_conf::parse(Path::new("n"), text.as_ref())
}

fn shown<T>(result: Result<T, Vec<ConfigError>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// A scratch directory of its own for each test; removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("ais-config-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.join(file), bytes).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_directory_gives_the_errors_of_both_files() {
    let scratch = Scratch::new();
    let found = shown(load(&scratch.0));
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert!(first.contains("/network.conf: cannot be read (No such file"), "{first}");
    assert!(second.contains("/groups.conf: cannot be read (No such file"), "{second}");
    assert!(second.ends_with("or name another directory with --config-dir"), "{second}");

    scratch.write("network.conf", OLD_NETWORK.replace("6000", "x"));
    scratch.write("groups.conf", "group\n");
    let found = shown(load(&scratch.0));
    let prefix = scratch.0.display();
    assert!(found[0].starts_with(&format!("{prefix}/network.conf:3: mcastport: `x`")), "{found:?}");
    assert!(found[1].starts_with(&format!("{prefix}/groups.conf:1: `group`")), "{found:?}");

    scratch.write("network.conf", OLD_NETWORK);
    scratch.write("groups.conf", OLD_GROUPS);
    let config = load(&scratch.0).unwrap();
    assert_eq!(config.network, network(OLD_NETWORK).unwrap());
    assert_eq!(config.groups, groups(OLD_GROUPS).unwrap());
}

#[test]
fn what_is_not_a_file_of_moderate_size_is_refused() {
    let scratch = Scratch::new();
    nix::unistd::mkfifo(&scratch.0.join("network.conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    scratch.write("groups.conf", vec![b'#'; limits::MAX_FILE as usize + 1]);
    let found = shown(load(&scratch.0));
    assert!(found[0].ends_with("is not a regular file; put the configuration there"), "{found:?}");
    assert!(found[1].ends_with("is larger than 4194304 bytes; shorten it"), "{found:?}");

    scratch.write("groups.conf", vec![b'#'; limits::MAX_FILE as usize]);
    assert_eq!(shown(load(&scratch.0)).len(), 1);
}
