//! The real daemon in temporary directories, spoken to with raw frames.

#![expect(clippy::unwrap_used, reason = "this is all test code")]

mod bad_clients;
mod bounds;
mod client;
mod cluster;
mod executive;
mod given;
mod handshake;
mod leave;
mod limits;
mod operators;
mod processes;
mod readers;
mod recovery;
mod settings;
mod shares;
mod start_stop;
