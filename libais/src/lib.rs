//! The C library of AIS A.01.01, on top of the Rust library `ais-client`: what C
//! functions are given is checked, and objects are known by numbers.

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "the boundary to C")]
pub mod ffi;
#[cfg(test)]
#[expect(unsafe_code, reason = "it calls the library as a C program does")]
mod tests;
