//! By hand: one daemon of three is flooded in each way that programs can, beside
//! a program that writes, and a table tells how that one fares: the victim.
//!
//! A flood is made of processes of this program (`ais-cluster flood`), and lasts
//! [`TIME`]. Whoever may become another user (root) has the floods be one of a
//! user in the group `ais`, the victim be one of another, and itself look in as
//! root; else all are one user, for whom nothing is kept free.

mod checkpoints;
mod client;
mod connections;
mod events;
mod flood;
mod meanwhile;
mod operators;
mod row;
mod standstill;
mod tally;
mod ways;

pub(crate) use standstill::watch;

use crate::cluster::Settings;
use flood::Flood;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};
use row::Row;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tally::Tally;
use ways::WAYS;

/// How long each flood lasts.
const TIME: Duration = Duration::from_secs(5);
/// Bytes that a daemon may use (RLIMIT_AS). A sixteenth of it, or 256 MiB, is for
/// what is under way to and from programs.
const MEMORY: u64 = 4 << 30;
/// Descriptors that a daemon may have, and each process of a flood.
const DESCRIPTORS: u64 = 4096;
/// The group `ais`, and who floods and who is the victim.
const GROUP: u32 = 61_000;
const FLOODING: u32 = 61_001;
const VICTIM: u32 = 61_002;

/// Floods in each way with this text in its name, and prints the table.
///
/// # Errors
/// If a row is not as it should be.
pub(crate) fn run(settings: &Settings, only: &str) -> Result<(), String> {
    make_users()?;
    limit(Resource::RLIMIT_AS, MEMORY)?;
    limit(Resource::RLIMIT_NOFILE, DESCRIPTORS)?;
    println!("{}", row::HEADING);
    let (mut bad, mut count) = (0, 0);
    let mut longest_step = Duration::ZERO;
    for way in WAYS.iter().filter(|way| way.name.contains(only)) {
        count += 1;
        match Row::of(way, settings) {
            Ok(row) => {
                print!("{row}");
                bad += usize::from(!row.faults().is_empty());
                longest_step = longest_step.max(row.own_step());
            }
            Err(error) => {
                println!("{:<36} BAD: {error}", way.name);
                bad += 1;
            }
        }
        // Whoever watches a pipe sees each row when it is there.
        let _ = std::io::stdout().flush();
    }
    let longest_step = longest_step.as_secs_f64() * 1e3;
    println!("longest step of all, without what processors stood still: {longest_step:.1} ms");
    if bad == 0 { Ok(()) } else { Err(format!("{bad} of {count} floods")) }
}

fn limit(resource: Resource, most: u64) -> Result<(), String> {
    setrlimit(resource, most, most).map_err(|error| format!("{resource:?}: {error}"))
}

/// Whether this process may become others.
fn is_root() -> bool {
    // In a user namespace of its own it is the only user there is.
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let count = map.split_whitespace().nth(2).and_then(|count| count.parse::<u64>().ok());
    geteuid().is_root() && count.is_some_and(|count| count > u64::from(VICTIM))
}

/// Sees to a group `ais` that the users of [`become_user`] are in, for the mount
/// namespace of this process alone.
fn make_users() -> Result<(), String> {
    if !is_root() {
        println!("not root: floods, victim and who looks in are one user\n");
        return Ok(());
    }
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(file.path(), format!("root:x:0:\nais:x:{GROUP}:\n"))
        .map_err(|error| error.to_string())?;
    let path = file.path().display().to_string();
    crate::namespaces::command("chmod", &["644", &path])?;
    crate::namespaces::command("mount", &["--bind", &path, "/etc/group"])
}

/// Goes on as this user of the group `ais`, if this process may.
///
/// # Errors
/// If the system does not let it.
pub(crate) fn become_user(user: u32) -> Result<(), String> {
    if !is_root() {
        return Ok(());
    }
    let changed = setgroups(&[])
        .and_then(|()| setgid(Gid::from_raw(GROUP)))
        .and_then(|()| setuid(Uid::from_raw(user)));
    changed.map_err(|error| format!("to become user {user}: {error}"))
}

/// One process of the flood with this name, until `milliseconds` are over. Says
/// what it has done.
///
/// # Errors
/// If there is no such flood.
pub(crate) fn play(name: &str, place: u32, milliseconds: u64) -> Result<(), String> {
    let way = WAYS.iter().find(|way| way.name == name).ok_or(format!("no flood '{name}'"))?;
    become_user(FLOODING)?;
    let socket = std::env::var_os("AIS_SOCKET").map(PathBuf::from).ok_or("no AIS_SOCKET")?;
    let end = Instant::now() + Duration::from_millis(milliseconds);
    let mut flood = Flood { socket, place, end, tally: Tally::default() };
    if let Err(error) = (way.flood)(&mut flood) {
        flood.tally.add(&format!("processes gave up ({error})"), 1);
    }
    print!("{}", flood.tally);
    Ok(())
}
