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
mod numbers;

pub use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
pub use error::AisError;
pub use frame::{
    Code, FrameError, HEADER_LENGTH, Header, MAJOR, MAX_CALL_BODY, MAX_EVENT, MAX_MESSAGE, MINOR,
    OK, event_frame,
};
pub use hello::{Cookie, Hello, Kind, ServiceId, Welcome};

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

/// A request of any service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// A request to CLM.
    Clm(clm::Request),
    /// A request to AMF.
    Amf(amf::Request<'a>),
    /// A request to CKPT.
    Ckpt(ckpt::Request<'a>),
    /// A request to Admin.
    Admin(admin::Request<'a>),
}

impl<'a> Request<'a> {
    /// The code of the request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Clm(request) => request.code(),
            Self::Amf(request) => request.code(),
            Self::Ckpt(request) => request.code(),
            Self::Admin(request) => request.code(),
        }
    }

    /// Appends the body but for the data, which [`Request::data`] has.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Clm(request) => request.encode(out),
            Self::Amf(request) => request.encode(out),
            Self::Ckpt(request) => request.encode(out),
            Self::Admin(request) => request.encode(out),
        }
    }

    /// The data that follows what [`Request::encode`] wrote, piece by piece.
    pub fn data(&self) -> impl Iterator<Item = &'a [u8]> {
        let ckpt = match self {
            Self::Clm(_) | Self::Amf(_) | Self::Admin(_) => None,
            Self::Ckpt(request) => Some(request.data()),
        };
        ckpt.into_iter().flatten()
    }

    /// The request that a frame with this code and body holds.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is no such request.
    pub fn decode(code: Code, body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        let request = match code.service() {
            Some(ServiceId::Clm) => Self::Clm(clm::Request::decode(code, &mut input)?),
            Some(ServiceId::Amf) => Self::Amf(amf::Request::decode(code, &mut input)?),
            Some(ServiceId::Ckpt) => Self::Ckpt(ckpt::Request::decode(code, &mut input)?),
            Some(ServiceId::Admin) => Self::Admin(admin::Request::decode(code, &mut input)?),
            None => return Err(DecodeError::Invalid),
        };
        input.finish()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests;
