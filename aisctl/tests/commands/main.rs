//! aisctl beside a real daemon.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

mod bench;
mod ckpt;
mod export;
mod files;
mod import;
mod messages;
mod node;
mod output;
mod show;
