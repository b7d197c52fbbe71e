//! Names for what a message made: unique in the cluster, whatever sides it was
//! divided into meanwhile.

use crate::{Digest, ViewId};
use ais_wire::{Writer, methods, record};

record! {
    /// Which message: the view that it was delivered in, and its number there.
    /// Later messages have greater ids at every node that saw both.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct MessageId {
        pub(crate) view: ViewId,
        pub(crate) number: u64,
    }
}

methods!(pub(crate) MessageId);

impl MessageId {
    /// The id right after this one.
    pub(crate) fn next(self) -> Self {
        // Numbers of messages count up from 1.
        Self { number: self.number.saturating_add(1), ..self }
    }

    pub(crate) fn digest(self, digest: &mut Digest) {
        let mut out = Writer::new();
        self.encode(&mut out);
        digest.bytes(&out.into_bytes());
    }
}

/// The view of a node that has not been in one.
pub(crate) const NO_VIEW: ViewId =
    ViewId { number: 0, representative: ais_wire::NodeId::new(std::net::Ipv4Addr::UNSPECIFIED) };

/// No id is less.
pub(crate) const FIRST_ID: MessageId = MessageId { view: NO_VIEW, number: 0 };
