//! The handshake, which begins every connection and gives it its kind.

use crate::ServiceId;
use ais_wire::{DecodeError, Reader, Writer};

/// The secret that ties the connections of one process together. The
/// executive draws it when the process opens its session.
pub type Cookie = [u8; 16];

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first of a process. It carries no calls; when it ends, everything
    /// that the process holds is given back.
    Session,
    /// For calls without a library handle.
    Call(Cookie),
    /// One library handle. The reply carries the event socket with it.
    Handle {
        /// The session of the process.
        cookie: Cookie,
        /// The service of the handle.
        service: ServiceId,
        /// Which callbacks the program gave: bit n is member n of the
        /// callbacks structure in its header.
        callbacks: u32,
    },
}

/// The request of the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// What the connection will be for.
    pub kind: Kind,
}

impl Hello {
    /// The body of the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self.kind {
            Kind::Session => out.u8(0),
            Kind::Call(cookie) => out.u8(1).raw(&cookie),
            Kind::Handle { cookie, service, callbacks } => {
                out.u8(2).raw(&cookie).u8(service as u8).u32(callbacks)
            }
        };
        out.into_bytes()
    }

    /// Reads the body of the request. Bytes after it are ignored: a later
    /// minor version may say more.
    ///
    /// # Errors
    /// A [`DecodeError`] if this is no handshake.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        let kind = match input.u8()? {
            0 => Kind::Session,
            1 => Kind::Call(cookie(&mut input)?),
            2 => Kind::Handle {
                cookie: cookie(&mut input)?,
                service: ServiceId::decode(&mut input)?,
                callbacks: input.u32()?,
            },
            _ => return Err(DecodeError::Invalid),
        };
        Ok(Self { kind })
    }
}

/// The reply to the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    /// The session of the process.
    pub cookie: Cookie,
    /// How long a call waits that names no time, in milliseconds
    /// (`api-timeout`).
    pub api_timeout_ms: u32,
    /// How long to poll for a reply before sleeping, in microseconds
    /// (`busy-poll`); 0 is never.
    pub busy_poll_us: u32,
    /// The most data one call may carry, in bytes (`max-message`).
    pub max_message: u32,
}

impl Welcome {
    /// The body of the reply.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(&self.cookie).u32(self.api_timeout_ms).u32(self.busy_poll_us).u32(self.max_message);
        out.into_bytes()
    }

    /// Reads the body of the reply; bytes after it are ignored.
    ///
    /// # Errors
    /// A [`DecodeError`] if the executive talks nonsense.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(body);
        Ok(Self {
            cookie: cookie(&mut input)?,
            api_timeout_ms: input.u32()?,
            busy_poll_us: input.u32()?,
            max_message: input.u32()?,
        })
    }
}

fn cookie(input: &mut Reader<'_>) -> Result<Cookie, DecodeError> {
    input.take(size_of::<Cookie>())?.try_into().map_err(|_| DecodeError::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_round_trip() {
        let cookie = *b"0123456789abcdef";
        for kind in [
            Kind::Session,
            Kind::Call(cookie),
            Kind::Handle { cookie, service: ServiceId::Amf, callbacks: 0x3ff },
        ] {
            let hello = Hello { kind };
            assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
        }
        let welcome =
            Welcome { cookie, api_timeout_ms: 5000, busy_poll_us: 20, max_message: 1 << 24 };
        assert_eq!(Welcome::decode(&welcome.encode()), Ok(welcome));
        assert!(Hello::decode(&[3]).is_err());
        assert!(Hello::decode(&[1, 2]).is_err());
    }
}
