//! Rings in a network in memory: one test for each row of the tables in
//! docs/RING.md.

mod chaos;
mod membership;
mod net;
mod ordering;

use net::*;
