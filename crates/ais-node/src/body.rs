//! The body of a request, as the driver of the node has it.

use ais_wire::Writer;

/// Room that a driver leaves behind the bytes of a large request, so that the memory
/// of the request holds the message that the request becomes.
pub const ROOM_TO_FORWARD: usize = 128;

/// The bytes of a request.
#[derive(Debug)]
pub enum Body<'a> {
    /// Bytes that stay with the driver.
    Borrowed(&'a [u8]),
    /// Memory that the driver has no more use for.
    Owned {
        /// What the driver received.
        bytes: Vec<u8>,
        /// Where the body begins in that.
        from: usize,
    },
}

impl Body<'_> {
    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned { bytes, from } => bytes.get(*from..).unwrap_or_default(),
        }
    }

    /// The message that begins with `head` and ends with the body. A large body stays in
    /// the memory it has: new pages of memory take the system longer than the bytes take
    /// to be moved.
    pub(crate) fn behind(self, head: Writer) -> Vec<u8> {
        let head = head.into_bytes();
        match self {
            Self::Borrowed(body) => [&head, body].concat(),
            Self::Owned { mut bytes, from } => {
                bytes.reserve_exact(head.len().saturating_sub(from));
                bytes.splice(..from.min(bytes.len()), head);
                bytes
            }
        }
    }
}

impl<'a> From<&'a [u8]> for Body<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Body<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Borrowed(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Writer {
        let mut head = Writer::new();
        head.raw(bytes);
        head
    }

    #[test]
    fn a_message_is_a_head_and_the_body() {
        for from in [0, 3, 9] {
            let bytes = [&vec![0; from][..], b"body"].concat();
            let owned = Body::Owned { bytes, from };
            assert_eq!(owned.bytes(), b"body");
            assert_eq!(owned.behind(head(b"head ")), b"head body");
        }
        let borrowed = Body::from(&b"body"[..]);
        assert_eq!(borrowed.bytes(), b"body");
        assert_eq!(borrowed.behind(head(b"head ")), b"head body");
        let none = Body::Owned { bytes: vec![1], from: 2 };
        assert_eq!(none.bytes(), b"");
        assert_eq!(none.behind(head(b"head")), b"head");
    }

    #[test]
    fn a_body_stays_in_its_memory_if_there_is_room() {
        let mut bytes = Vec::with_capacity(1000 + ROOM_TO_FORWARD);
        bytes.resize(1000, 7);
        let (place, capacity) = (bytes.as_ptr(), bytes.capacity());
        let message = Body::Owned { bytes, from: 12 }.behind(head(&[1; ROOM_TO_FORWARD]));
        assert_eq!((message.as_ptr(), message.capacity()), (place, capacity));
        assert_eq!(message.len(), 988 + ROOM_TO_FORWARD);
    }
}
