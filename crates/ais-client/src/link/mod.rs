//! The way to aisexec and back: sessions, connections, events.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `session` | the session of the process with aisexec |
//! | `connect`, `anchor` | how a connection is opened |
//! | `connection` | one call at a time: a frame there, a frame back |
//! | `pool` | connections that are lent out |
//! | `client`, `events` | what every library handle has: requests, events, an end |

mod anchor;
pub(crate) mod client;
pub(crate) mod connect;
pub(crate) mod connection;
pub(crate) mod events;
mod pool;
pub(crate) mod session;
