//! The C library of AIS A.01.01, and the few calls of it that Rust programs
//! of this project use.
//!
//! | floor | what it is for |
//! | --- | --- |
//! | [`ffi`] | the C functions and types, one file per header; the numbers that programs know objects by |
//! | `api` | the services: what a call means, what a callback tells |
//! | `link` | sessions with aisexec and connections |
//! | `sys` | descriptors, forks, threads, waits |
//!
//! A floor uses those below it. There are no threads and there is no logging.
//! No lock is held while a callback runs.

#![deny(unsafe_code)]

mod api;
#[expect(unsafe_code, reason = "the boundary to C")]
pub mod ffi;
mod link;
mod sys;

pub use ais_proto::{AisError, Name};
pub use api::{admin, ckpt, clm};
