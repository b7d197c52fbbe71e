//! One whole node: the three services as replicated state machines, and the
//! [`Node`] that puts them behind the group and in front of the clients.
//!
//! Nothing here reads a clock, touches a socket or draws a random number.
//! Time and bytes come in with the calls, [`Output`]s come out; the same calls
//! give the same outputs. The daemon moves the bytes, the simulator moves them
//! too.

#![forbid(unsafe_code)]

mod admin;
pub mod amf;
mod body;
mod by_service;
pub mod ckpt;
mod clients;
pub mod clm;
mod complaints;
mod config;
mod cursor;
mod digest;
mod effects;
mod event;
#[cfg(test)]
mod golden;
pub mod group;
mod handles;
mod holds;
pub mod ledger;
mod message_id;
mod node;
mod pace;
mod record;
mod service;
mod services;
mod sync;
mod timers;
mod turns;

pub use ais_group::{View, ViewId};
pub use ais_proto::Event;
pub use body::{Body, ROOM_TO_FORWARD};
pub use clients::{Caller, ConnectionId, Malformed, SessionId};
pub use complaints::Complaints;
pub use config::Config;
pub use cursor::Cursor;
pub use digest::Digest;
pub use effects::{Asker, Effects, Promise};
pub use ledger::{Holder, Ledger, UserId};
pub use node::{Node, Output};
pub use pace::Pace;
pub use record::Record;
pub use service::{
    Configured, Contents, Delivery, Fingerprint, ForeignState, Part, Replica, SNAPSHOT_CHUNK,
    Service, Side, Snapshot, Timer, Words,
};
pub use services::SERVICES;
pub use sync::SyncStatus;
pub use turns::Turns;

/// The time, as whoever drives the node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds since some fixed point; never goes back.
    pub monotonic: u64,
    /// Nanoseconds since the epoch; may jump.
    pub wall: i64,
}
