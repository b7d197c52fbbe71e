//! The very code that ships, under a virtual clock and with input that a seed
//! decides: rings, whole nodes, the network between them, and programs that
//! come and go, ask, answer, fall silent and talk nonsense. Checkers watch
//! what comes out. A seed that fails replays the same way every time.

#![forbid(unsafe_code)]

mod checkpoints;
mod cluster;
mod components;
mod fabric;
mod hazards;
mod history;
mod plan;
mod report;
mod ring_world;
mod rng;
mod world;

pub use report::{Counted, Violation};
pub use rng::Rng;

use ais_node::Digest;
use report::Trace;

/// Runs all worlds of a seed; returns a digest of all that came out of them,
/// and what they covered. With `trace` every step is told on the standard
/// error output.
///
/// # Errors
/// The first [`Violation`].
pub fn run(seed: u64, trace: bool) -> Result<(u64, Counted), Violation> {
    let mut digest = Digest::default();
    let (ring, mut counted) = ring_world::run(seed, Trace(trace))?;
    digest.number(ring);
    digest.number(world::run(seed)?);
    let (cluster, more) = cluster::run(seed, Trace(trace))?;
    digest.number(cluster);
    counted += more;
    Ok((digest.value(), counted))
}

#[cfg(test)]
mod tests;
