//! Messages between the library and the executive: the frame they travel in,
//! the handshake, and per service the requests, replies and events.
//! `docs/IPC.md` shows the same on one page.
//!
//! Nothing here does input or output. Decoding believes nothing: what does
//! not decode is a [`DecodeError`] and costs its sender the connection.

#![forbid(unsafe_code)]

pub mod admin;
pub mod amf;
pub mod ckpt;
pub mod clm;
mod error;
mod frame;
mod hello;
mod messages;
mod numbers;
mod services;
#[cfg(test)]
mod tests;

pub use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
pub use error::AisError;
pub use frame::{
    Code, FrameError, HEADER_LENGTH, Header, MAX_CALL_BODY, MAX_EVENT, MAX_MESSAGE, OK,
    SHORT_FRAME, event_frame, gather,
};
pub use hello::{Cookie, Hello, Kind, Welcome};
pub use services::{Outcome, RequestKind, Subject};

#[cfg(test)]
use services::{Declared, Replies};
use services::{Telling, services};

/// The major version; both sides must have the same.
pub const MAJOR: u8 = 1;
/// The minor version; the executive serves its own and every older one. It grows with each
/// request and each event that is added.
pub const MINOR: u8 = 3;

/// How many asynchronous requests of one library handle may be outstanding;
/// one more is [`AisError::TryAgain`].
pub const MAX_ASYNC_PER_HANDLE: usize = 1024;

/// Track flags (`SA_TRACK_CURRENT`, `SA_TRACK_CHANGES`,
/// `SA_TRACK_CHANGES_ONLY`), used by CLM and AMF alike.
pub mod track {
    bitflags::bitflags! {
        /// What a subscription asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct TrackFlags: u8 {
            /// One callback with everything there is now.
            const CURRENT = 1;
            /// On every change, everything.
            const CHANGES = 2;
            /// On every change, what changed.
            const CHANGES_ONLY = 4;
        }
    }

    crate::numbers::flags!(TrackFlags: u8, TrackFlags::from_api);

    impl TrackFlags {
        /// The flags, if the API allows them together: at least one, no
        /// unknown one, and not both kinds of changes (else `BAD_FLAGS`).
        #[must_use]
        pub fn from_api(flags: u8) -> Option<Self> {
            let flags = Self::from_bits(flags)?;
            let both = Self::CHANGES | Self::CHANGES_ONLY;
            (!flags.is_empty() && !flags.contains(both)).then_some(flags)
        }

        /// Whether later changes are wanted.
        #[must_use]
        pub fn subscribes(self) -> bool {
            self.intersects(Self::CHANGES | Self::CHANGES_ONLY)
        }
    }
}

services! {
    /// Cluster Membership.
    Clm = 1: clm::Request, clm::Event;
    /// Availability Management Framework.
    Amf = 2: amf::Request<'a>, amf::Event;
    /// Checkpoint.
    Ckpt = 3: ckpt::Request<'a>, ckpt::Event;
    /// What an operator asks.
    Admin = 4: admin::Request<'a>, admin::Event;
}

impl<'a> Request<'a> {
    /// The data that follows what [`Request::encode`] wrote, piece by piece.
    pub fn data(&self) -> impl Iterator<Item = &'a [u8]> {
        let ckpt = match self {
            Self::Clm(_) | Self::Amf(_) | Self::Admin(_) => None,
            Self::Ckpt(request) => Some(request.data()),
        };
        ckpt.into_iter().flatten()
    }
}
