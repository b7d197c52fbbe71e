//! AMF, the Availability Management Framework.

pub mod config;
