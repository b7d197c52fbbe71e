//! The clients: their connections and sessions, from accept to close.
//!
//! Every step is bounded, so that no client waits for another: a turn of a
//! connection receives once and serves a few requests, users take turns, and the
//! processes of a user do; what ends, ends bit by bit. A connection is not read
//! while its replies wait to be read.

mod accept;
mod accounts;
pub(super) mod bounds;
mod close;
mod connection;
mod events;
mod greet;
mod input;
mod output;
mod peer;
mod send;
mod serve;
mod sessions;
#[cfg(test)]
mod tests;
mod unread;

pub(super) use accounts::Heavy;
pub(super) use close::Ending;
pub(super) use connection::Connection;
pub(crate) use peer::Access;
pub(super) use sessions::Sessions;
