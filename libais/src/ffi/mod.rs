//! The C interface: one file per header.
//!
//! # Safety
//!
//! All functions share one contract. A pointer is NULL or points to what its
//! type says, for as long as the function runs; a notification buffer or the
//! memory of an asynchronous look-up as long as the header says. A pointer to
//! results may be uninitialised memory. Everything else is checked: handles,
//! enums, lengths, NULL.
//!
//! Every function does the same: check the pointers, find the handle, check
//! the values, call the safe part, write the results, and nothing of them
//! unless the call succeeded. All of it happens inside (`entry`).

#![expect(clippy::missing_safety_doc, reason = "all functions share the contract of this module")]
#![expect(non_camel_case_types, reason = "the names are those of the C headers")]
#![expect(non_snake_case, reason = "the names are those of the C headers")]
#![expect(missing_docs, reason = "fields and values explain themselves by their names")]

pub mod amf;
pub mod ckpt;
pub mod clm;
mod dispatch;
mod entry;
mod error;
mod handles;
mod memory;
mod place;
pub mod types;
mod values;
