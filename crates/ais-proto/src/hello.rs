//! The handshake, which begins every connection and gives it its kind.

use crate::ServiceId;
use crate::messages::bodies;
use ais_wire::{record, tagged};

/// The secret that ties the connections of one process together. The
/// executive draws it when the process opens its session.
pub type Cookie = [u8; 16];

tagged! {
    /// What a connection is for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Kind {
        /// The first of a process. It carries no calls; when it ends, everything
        /// that the process holds is given back.
        0 Session,
        /// For calls without a library handle.
        1 Call(cookie: Cookie),
        /// One library handle. The reply carries the event socket with it.
        2 Handle {
            /// The session of the process.
            cookie: Cookie,
            /// The service of the handle.
            service: ServiceId,
            /// Which callbacks the program gave: bit n is member n of the
            /// callbacks structure in its header.
            callbacks: u32,
        },
    }
}

record! {
    /// The request of the handshake.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Hello {
        /// What the connection will be for.
        pub kind: Kind,
    }
}

record! {
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
}

bodies!(Hello, Welcome);

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
