//! Placeholder until filled.
#![forbid(unsafe_code)]
