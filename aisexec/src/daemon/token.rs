//! What an event of epoll is about.

/// The source of an event, in the 64 bits that epoll keeps for it. Numbers of
/// connections and sessions are never used twice, so an event that comes late
/// finds nothing rather than somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// Signals.
    Signals,
    /// The listening socket.
    Listener,
    /// The stream of a connection.
    Stream(u64),
    /// The event socket of a connection.
    Events(u64),
    /// The process of a session.
    Process(u64),
    /// A socket of the ring.
    Ring,
    /// The thread that writes files.
    Writer,
}

const TAG_BITS: u32 = 3;

impl Token {
    /// Whether more is done at once than to note what was told.
    pub(crate) fn is_work(self) -> bool {
        !matches!(self, Self::Ring | Self::Stream(_) | Self::Events(_))
    }

    pub(crate) fn encode(self) -> u64 {
        let (tag, number) = match self {
            Self::Signals => (0, 0),
            Self::Listener => (1, 0),
            Self::Stream(number) => (2, number),
            Self::Events(number) => (3, number),
            Self::Process(number) => (4, number),
            Self::Ring => (5, 0),
            Self::Writer => (6, 0),
        };
        number << TAG_BITS | tag
    }

    pub(crate) fn decode(bits: u64) -> Self {
        let number = bits >> TAG_BITS;
        match bits & ((1 << TAG_BITS) - 1) {
            0 => Self::Signals,
            1 => Self::Listener,
            2 => Self::Stream(number),
            3 => Self::Events(number),
            4 => Self::Process(number),
            5 => Self::Ring,
            _ => Self::Writer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip() {
        let number = u64::MAX >> TAG_BITS;
        for token in [
            Token::Signals,
            Token::Listener,
            Token::Stream(1),
            Token::Events(number),
            Token::Process(7),
            Token::Ring,
            Token::Writer,
        ] {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}
