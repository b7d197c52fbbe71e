//! The daemon.

pub mod args;
pub mod config;
