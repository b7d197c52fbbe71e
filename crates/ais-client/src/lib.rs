//! The Rust library for programs of an AIS cluster, on which the C library
//! stands too.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`clm`] | Cluster Membership: which nodes there are |
//! | [`amf`] | Availability Management Framework: what is asked of components |
//! | [`ckpt`] | Checkpoint: sections of bytes that all nodes share |
//! | [`admin`] | what an operator's tool asks |
//! | [`dispatch`] | how many events of a handle are taken at a time |
//! | [`boundary`] | for a library that gives this one to programs in C |
//!
//! A call needs the executive (aisexec) of the node. The first one makes a
//! session with it, which all of the process share, and which is made anew
//! after the executive was restarted. Every call ends in time: with
//! [`AisError::Timeout`] if not sooner.
//!
//! ```no_run
//! use ais_client::{AisError, Name, ckpt};
//! use ais_client::ckpt::{Attributes, Open, OpenFlags, UpdateOption, WriteElement};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let attributes = Attributes {
//!     option: UpdateOption::AllReplicas,
//!     checkpoint_size: 1 << 20,
//!     retention_duration: i64::MAX,
//!     max_sections: 16,
//!     max_section_size: 1 << 16,
//!     max_section_id_size: 32,
//! };
//! let flags = OpenFlags::READ | OpenFlags::WRITE;
//! let open = Open { name: Name::try_from("state")?, attributes: Some(attributes), flags };
//! let checkpoint = ckpt::open(open, None)?;
//! match checkpoint.create_section(Some(b"counter"), i64::MAX, b"") {
//!     Ok(_) | Err(AisError::Exist) => {}
//!     Err(error) => return Err(error.into()),
//! }
//! // Every node has the bytes when this returns.
//! let element = WriteElement { id: b"counter", offset: 0, data: b"1" };
//! checkpoint.write(vec![element])?;
//! checkpoint.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! Inside, three floors use those below them: `api` is what calls and events
//! mean, `link` has sessions and connections, and `sys` descriptors, forks,
//! threads and waits. There are no threads and there is no logging.

#![deny(unsafe_code)]

mod api;
mod link;
mod sys;

pub use ais_proto::track::TrackFlags;
pub use ais_proto::{AisError, MAX_MESSAGE, Name, NodeId};
pub use api::{admin, amf, ckpt, clm, dispatch};

/// For a library that gives this one to programs in C, whose threads are
/// cancelled, whose signal handlers make calls, and which fork at any time.
pub mod boundary {
    pub use crate::sys::fork::{PerProcess, generation};
    pub use crate::sys::thread::{PerThread, within};
}
