//! The very code that ships, under a virtual clock and with input that a seed
//! decides: rings, whole nodes, the network between them, and programs that
//! come and go, ask, answer, fall silent and talk nonsense. Checkers watch
//! what comes out. A seed that fails replays the same way every time.

#![forbid(unsafe_code)]

mod attacked;
mod checkpoints;
mod cluster;
mod components;
mod fabric;
mod forgery;
mod hazards;
mod history;
mod joining;
mod linear;
mod nodes;
mod plan;
mod report;
mod ring_world;
mod rng;
#[cfg(test)]
mod tests;
mod trace;
mod world;

pub use report::{Counted, Violation};
pub use rng::Rng;

use ais_node::Digest;
use trace::Trace;

/// What to run of a seed, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice {
    /// Every step is told on the standard error output.
    pub trace: bool,
    /// Only this one of [`WORLDS`]; none: all of them.
    pub world: Option<&'static str>,
}

/// The worlds of a seed.
pub const WORLDS: [&str; 7] = ["ring", "cluster", "held", "node", "links", "hostile", "attacked"];

/// Runs the worlds of a seed; returns a digest of all that came out of them,
/// and what they covered.
///
/// # Errors
/// The first [`Violation`].
pub fn run(seed: u64, choice: Choice) -> Result<(u64, Counted), Violation> {
    let trace = Trace(choice.trace);
    let (mut digest, mut counted) = (Digest::default(), Counted::default());
    let worlds = choice.world.as_ref().map_or(&WORLDS[..], std::slice::from_ref);
    for world in worlds.iter().copied() {
        let (of_world, more) = match world {
            "ring" => ring_world::run(seed, trace)?,
            "cluster" => cluster::run(seed, trace)?,
            "held" => cluster::run_held(seed, trace)?,
            "links" => ring_world::links::run(seed, trace)?,
            "hostile" => ring_world::hostile::run(seed, trace)?,
            "attacked" => attacked::run(seed, trace)?,
            _ => (world::run(seed)?, Counted::default()),
        };
        digest.number(of_world);
        counted += more;
    }
    Ok((digest.value(), counted))
}

/// A table of how long a lone writer waits on links that take long or lose
/// packets; always the same.
///
/// # Errors
/// What a ring did wrong.
pub fn latencies() -> Result<String, String> {
    ring_world::latencies()
}

/// A table of what a node that joins over a slow link costs those that write;
/// always the same.
///
/// # Errors
/// What a node did wrong.
pub fn joins() -> Result<String, String> {
    joining::table()
}
