//! One whole node.
#![forbid(unsafe_code)]

pub mod amf;
