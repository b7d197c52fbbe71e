//! Places in a walk over what a replica holds.

use crate::message_id::MessageId;
use ais_group::ViewId;
use ais_wire::{NodeId, methods, record};
use std::cmp::Reverse;

record! {
    /// A place in the walk over what the objects of a replica hold
    /// ([`Contents`](crate::service::Contents)): the newest object first, in it the part with
    /// the highest number, and that from its beginning. What lies before the place has been
    /// sent.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Cursor {
        /// The message that made the object.
        pub(crate) object: MessageId,
        pub(crate) part: u64,
        /// In bytes.
        pub(crate) offset: u32,
    }
}

methods!(pub(crate) Cursor);

impl Cursor {
    /// Where the walk begins.
    pub(crate) const START: Self = Self::at(MessageId {
        view: ViewId {
            number: u64::MAX,
            representative: NodeId::new(std::net::Ipv4Addr::BROADCAST),
        },
        number: u64::MAX,
    });

    /// Before the first part of an object.
    pub(crate) const fn at(object: MessageId) -> Self {
        Self { object, part: u64::MAX, offset: 0 }
    }

    /// Grows in the course of the walk.
    pub(crate) fn progress(self) -> impl Ord {
        (Reverse(self.object), Reverse(self.part), self.offset)
    }
}
