//! Real daemons, each in a network namespace of its own on one bridge: what a
//! cluster has to survive, and how long it takes.
//!
//! Everything lives in namespaces that end with this process, so nothing is
//! left behind and runs side by side do not meet.

#![allow(clippy::disallowed_methods, reason = "real daemons live in real time")]

mod addresses;
mod amf;
mod bad_networks;
mod bench;
mod chaos;
mod checkpoints;
mod cluster;
mod components;
mod conditions;
mod failover;
mod figures;
mod floods;
mod hop;
mod keys;
mod latency;
mod ledger;
mod namespaces;
mod node;
mod random;
mod soak;
mod suite;
mod switch;
mod timed;
mod uninvolved;
mod watch;
mod writer;

use cluster::Settings;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
Usage: ais-cluster COMMAND [OPTION...]

  suite [TEXT]              every scenario once; the tests of make check. Only
                            those with this text in their name
  soak SECONDS [SEED]       faults at random
  chaos MINUTES [SEED]      faults of every kind, a key that changes, and forged packets
  kills [ROUNDS]            kill -9 of any node under 40 writers
  join [MIB]                a node joins and is sent so much under 40 writers
  idle SECONDS [--busy]     nothing happens, and nobody may be lost
  failover [ROUNDS]         how long until a standby is active, in ms
  uninvolved [ROUNDS]       nodes without components fail, and nobody may be
                            taken out for that
  figures [ROUNDS]          how long membership changes take, in ms
  conditions [SECONDS] [TEXT]
                            what a cluster does on bad networks of every kind, as
                            a table. Only those with this text in their name
  floods [TEXT]             how a program fares while others flood its daemon, in
                            every way, as a table. Only those with this text in
                            their name
  latency [SECONDS]         what a write costs on slow and lossy links
  replays [COUNT]           recordings, altered and foreign datagrams against a ring
                            with a key under load
  bench [ROUNDS]            what the group alone can do, by aisctl bench

  --bin DIR       where aisexec and aisctl are (target/release)
  --ctests DIR    where the C programs are (target/ctests)
  --conf DIR      where groups.conf is (conf)
  --token MS      the token of network.conf
  --transport T   multicast or unicast
  --sealed        the cluster has a key
  --quorum        changes want a majority of the nodes
";

fn main() -> ExitCode {
    let mut settings = Settings::default();
    let mut words = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--bin" => settings.bin = PathBuf::from(value()),
            "--ctests" => settings.ctests = PathBuf::from(value()),
            "--conf" => settings.conf = PathBuf::from(value()),
            "--token" => settings.token = value().parse().unwrap_or(settings.token),
            "--transport" => settings.transport = value(),
            "--busy" => settings.busy = true,
            "--sealed" => settings.sealed = true,
            "--quorum" => settings.quorum = true,
            _ => words.push(argument),
        }
    }
    if let Some(result) = play(&words) {
        return told(result);
    }
    if let Err(reason) = namespaces::enter() {
        println!("SKIPPED cluster: {reason}");
        return ExitCode::SUCCESS;
    }
    let number = |place: usize, default: u64| {
        words.get(place).and_then(|word: &String| word.parse().ok()).unwrap_or(default)
    };
    let result = match words.first().map(String::as_str) {
        Some("suite") => suite::run(&settings, words.get(1).map_or("", String::as_str)),
        Some("soak") => soak::run(&settings, number(1, 600), number(2, 1)),
        Some("chaos") => chaos::run(&settings, number(1, 30), number(2, 1)),
        Some("kills") => checkpoints::kills(&settings, number(1, 100)),
        Some("join") => checkpoints::join(&settings, number(1, 1024)),
        Some("idle") => soak::idle(&settings, number(1, 300)),
        Some("conditions") => {
            let only = words.get(2).map_or("", String::as_str);
            conditions::run(&settings, number(1, 12), only)
        }
        Some("floods") => floods::run(&settings, words.get(1).map_or("", String::as_str)),
        Some("latency") => latency::run(&settings, number(1, 5)),
        Some("replays") => keys::replays(&settings, number(1, 1_000_000)),
        Some("bench") => bench::run(&settings, number(1, 3)),
        Some("uninvolved") => uninvolved::run(&settings, number(1, 10)),
        Some("failover") => failover::run(&settings, number(1, 100)),
        Some("figures") => figures::run(&settings, number(1, 5)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    told(result)
}

/// What this program is to its own processes on the nodes; none of the commands
/// of people.
fn play(words: &[String]) -> Option<Result<(), String>> {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().unwrap_or_default();
    Some(match *words {
        ["write", section, bytes, gap, most] => {
            let gap = Duration::from_micros(number(gap));
            writer::write(section, number(bytes) as usize, gap, number(most))
        }
        ["as", user, ref rest @ ..] => {
            let rest: Vec<_> = rest.iter().map(|word| (*word).to_owned()).collect();
            let played = || play(&rest).unwrap_or(Err("not a part to play".into()));
            floods::become_user(number(user) as u32).and_then(|()| played())
        }
        ["flood", name, place, time] => floods::play(name, number(place) as u32, number(time)),
        ["processor", place] => floods::watch(number(place) as u32),
        ["once", section] => writer::once(section),
        ["held", section] => writer::held(section),
        ["echo", own] => hop::echo(own),
        ["ping", own, other] => hop::ping(own, other),
        _ => return None,
    })
}

fn told(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("FAILED cluster: {message}");
            ExitCode::FAILURE
        }
    }
}
