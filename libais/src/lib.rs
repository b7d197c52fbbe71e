//! The C library of AIS A.01.01, and the few calls of it that Rust programs
//! of this project use.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`ffi`] | the C functions and types, one file per header; all `unsafe` |
//! | `handle` | the numbers that programs know objects by |
//! | [`clm`], `amf`, [`ckpt`] | the services: what a call means, what a callback tells |
//! | [`admin`] | what an operator's tool asks; no C function leads there |
//! | `track`, `asking` | subscriptions and asynchronous requests that are open |
//! | `client` | what every library handle has: requests, events, an end |
//! | `dispatch` | the event socket and the three ways to dispatch |
//! | `process`, `session` | what a process has: its session with aisexec, its handles |
//! | `pool`, `connection`, `connect`, `anchor` | connections: lent out, used for calls, opened |
//! | `socket`, `deadline`, `poll` | system calls that survive signals, end in time, and hurry |
//!
//! There are no threads and there is no logging. No lock is held while a
//! callback runs.

#![deny(unsafe_code)]

pub mod admin;
mod amf;
mod anchor;
mod asking;
pub mod ckpt;
mod client;
pub mod clm;
mod connect;
mod connection;
mod deadline;
mod dispatch;
#[expect(unsafe_code, reason = "the boundary to C")]
pub mod ffi;
mod handle;
mod poll;
mod pool;
mod process;
mod session;
mod socket;
mod track;

pub use ais_proto::{AisError, Name};
