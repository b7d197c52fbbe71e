//! What every message of this project is made of: a bounded [`Reader`] and
//! [`Writer`] over little-endian bytes, the values that appear in all of them,
//! [`Name`], [`NodeId`] and [`ViewId`], and declarations that list the fields of a
//! message once ([`record!`], [`variants!`], [`tagged!`]).
//!
//! A reader never panics, never reads outside its bytes and never allocates
//! more than the bytes it was given; what cannot be read is a [`DecodeError`].

#![forbid(unsafe_code)]

mod declare;
mod name;
mod node_id;
mod reader;
mod view_id;
mod wire;
mod writer;

pub use name::{MAX_NAME_LENGTH, Name, NameTooLong};
pub use node_id::{MAX_NODES, NodeId};
pub use reader::{DecodeError, Reader};
pub use view_id::ViewId;
pub use wire::{Bytes, Field, Form, Own, Record, Rest, Variants, Wire};
pub use writer::Writer;
