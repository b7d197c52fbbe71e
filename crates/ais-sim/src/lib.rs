//! A whole node, the very code that ships, under a virtual clock and with
//! input that a seed decides: programs that come and go, ask, answer, fall
//! silent and talk nonsense. Checkers watch what comes out. A seed that fails
//! replays the same way every time.

#![forbid(unsafe_code)]

mod checkpoints;
mod components;
mod rng;
mod world;

pub use rng::Rng;
pub use world::{Violation, World, run};

#[cfg(test)]
mod tests;
