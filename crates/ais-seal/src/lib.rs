//! Datagrams between nodes that share a key: strangers can neither read nor make
//! them, and none counts twice ([`Guard`]). The key file is a text ([`Keys`]).
//! docs/SECURITY.md says what that holds against, and docs/RING.md has the layout.
//!
//! Nothing here reads a clock, draws a random number or touches a socket: calls
//! bring time, random bytes and datagrams.

#![forbid(unsafe_code)]

mod cipher;
#[doc(hidden)]
pub mod fuzz;
mod guard;
mod header;
mod key;
mod peers;
mod proof;
#[cfg(test)]
mod tests;
mod window;

pub use guard::{Guard, Opened, Refused};
pub use header::{OVERHEAD, is_greeting, is_sealed};
pub use key::{Key, KeyError, KeyId, Keys, MAX_KEYS};
pub use peers::Peer;
