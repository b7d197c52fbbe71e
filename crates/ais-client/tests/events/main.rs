//! Events as a Rust program has them, from an executive that does what a test
//! tells it.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod admin;
mod amf;
mod ckpt;
mod clm;
mod dropped;

use std::time::Duration;

/// How long anything may take before a test fails.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));
