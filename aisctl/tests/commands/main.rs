//! aisctl beside a real daemon.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod bench;
mod ckpt;
mod node;
mod show;
