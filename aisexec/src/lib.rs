//! The daemon: what `main` runs.

#![deny(unsafe_code)]

mod announce;
pub mod args;
mod background;
mod busy_poll;
mod clock;
pub mod config;
mod identity;
mod ipc;
mod listen;
mod logs;
mod reactor;
mod realtime;
mod ring_number;
pub mod run;
mod signals;
#[expect(unsafe_code, reason = "system calls that nix does not offer, made safe one by one")]
mod sys;
