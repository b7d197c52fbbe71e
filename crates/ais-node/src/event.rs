//! What there is to tell library handles.

use ais_proto::{Event, Subject};

/// What a library handle is to be told when its program has room for it.
///
/// Most of it is only made then: so what waits for a program that does not
/// dispatch is a few bytes, and a newer state takes the place of an older one
/// by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// This.
    Event(Event),
    /// What CLM has to say by then.
    Clm(crate::clm::Due),
    /// What AMF has to say of a protection group by then.
    Group(crate::amf::Due),
    /// The view by then, for a handle that watches.
    View,
    /// What probes were sent, and this one was not told yet.
    Deliveries,
}

/// What only the newest is of use of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Event(Subject),
    Clm(crate::clm::Due),
    Group(crate::amf::Due),
    View,
    Deliveries,
}

impl From<crate::clm::Due> for Due {
    fn from(due: crate::clm::Due) -> Self {
        Self::Clm(due)
    }
}

impl From<crate::amf::Due> for Due {
    fn from(due: crate::amf::Due) -> Self {
        Self::Group(due)
    }
}

impl Due {
    /// Whether it is the outcome of an asynchronous request.
    pub(crate) fn ends_asynchronous(&self) -> bool {
        match self {
            Self::Event(event) => event.ends_request(),
            Self::Clm(due) => due.is_asked_for(),
            Self::Group(due) => due.is_asked_for(),
            Self::View | Self::Deliveries => false,
        }
    }

    /// What a later one with the same key makes it obsolete by; `None`: each
    /// is told.
    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Event(event) => event.subject().map(Key::Event),
            Self::Clm(due) => due.is_the_same_later().then_some(Key::Clm(*due)),
            Self::Group(due) => Some(Key::Group(*due)),
            Self::View => Some(Key::View),
            Self::Deliveries => Some(Key::Deliveries),
        }
    }
}
