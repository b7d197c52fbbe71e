//! What the log says of bounds that calls have reached.

use super::failure::Failure;
use super::limits::{Limit, Limits};
use crate::Complaints;
use ais_wire::Name;

/// Nanoseconds between two lines about the same bound.
const INTERVAL: u64 = 60_000_000_000;

/// What the log has said of bounds that were reached here.
#[derive(Debug)]
pub(super) struct Reached {
    /// When something was last asked here, on the monotonic clock.
    pub(super) now: u64,
    complaints: Complaints<Limit>,
}

impl Default for Reached {
    fn default() -> Self {
        Self { now: 0, complaints: Complaints::every(INTERVAL) }
    }
}

impl Reached {
    /// Says in the log that a call of a program of this node has failed at a
    /// bound, if it did, and nothing of that bound was said just before.
    pub(super) fn tell(&mut self, failure: &Failure, name: Option<&Name>, limits: &Limits) {
        let Some(limit) = failure.limit else { return };
        self.complaints.log(self.now, limit, Line { failure, limit, name, limits });
    }
}

struct Line<'a> {
    failure: &'a Failure,
    limit: Limit,
    name: Option<&'a Name>,
    limits: &'a Limits,
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name {
            Some(name) => write!(f, "checkpoint {name}: ")?,
            None => write!(f, "a checkpoint: ")?,
        }
        let text = self.limit.text(self.limits);
        write!(f, "a call failed with {}: {text}", self.failure.error)
    }
}
