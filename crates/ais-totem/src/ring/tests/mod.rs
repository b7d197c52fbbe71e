//! Rings in a network in memory: one test for each row of the tables in
//! docs/RING.md.

mod acks;
mod careful;
mod chaos;
mod commit;
mod crowd;
mod deaf;
mod disk;
mod hostile;
mod hostile_frames;
mod hostile_numbers;
mod hostile_rates;
mod hostile_tokens;
mod latency;
mod links;
mod links_by_kind;
mod membership;
mod net;
mod ordering;
mod pause;
mod problems;
mod recovery;
mod retransmission;
mod sealed;
mod size;

use crate::Engine;
use net::*;
