//! Whole nodes on a perfect group: after every step those that have the same
//! state have the same digest of it.

mod admin;
pub(crate) mod bus;
mod diverged;
mod drain;
mod fair;
mod hostile;
mod joins;
mod members;
mod merges;
mod pieces;
mod quorum;
mod random;
mod waits;
