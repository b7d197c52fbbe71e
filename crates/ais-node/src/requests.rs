//! What the node has to know of a request, whichever service it is for.

use crate::Event;
use ais_proto::{AisError, Request, ServiceId, admin, amf, ckpt, clm};

/// When a request may be refused by the node itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It changes what the whole cluster has to agree on: not without quorum.
    Change,
    /// It gives something back, and is never to be tried again.
    Release,
    /// It shows what there is, whatever that is.
    Sight,
    /// All else.
    Other,
}

impl Kind {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        use amf::Request as Amf;
        use ckpt::Request as Ckpt;
        match request {
            Request::Amf(
                Amf::Register { .. } | Amf::ErrorReport(_) | Amf::ErrorCancelAll { .. },
            )
            | Request::Admin(admin::Request::Operate { .. })
            | Request::Ckpt(
                Ckpt::Open(_)
                | Ckpt::OpenAsync { .. }
                | Ckpt::Unlink { .. }
                | Ckpt::RetentionDurationSet { .. }
                | Ckpt::ActiveSet { .. }
                | Ckpt::SectionCreate { .. }
                | Ckpt::SectionDelete { .. }
                | Ckpt::ExpirationTimeSet { .. }
                | Ckpt::Write { .. }
                | Ckpt::Overwrite { .. },
            ) => Self::Change,
            Request::Clm(clm::Request::TrackStop)
            | Request::Amf(Amf::Unregister { .. } | Amf::TrackStop { .. })
            | Request::Ckpt(Ckpt::Close { .. }) => Self::Release,
            Request::Admin(_) => Self::Sight,
            // Answers of components too: without quorum they are asked to
            // go out of service.
            Request::Clm(_) | Request::Amf(_) | Request::Ckpt(_) => Self::Other,
        }
    }

    /// What a timer of this service proposes. CKPT proposes expirations; AMF
    /// tells what happened to a component.
    pub(crate) fn of_timer(service: ServiceId) -> Self {
        if service == ServiceId::Ckpt { Self::Change } else { Self::Other }
    }
}

/// Whether an event comes of a request once, whenever the program takes it: so
/// there is a bound on how many of them a handle may have.
pub(crate) fn is_told_later(request: &Request<'_>) -> bool {
    match request {
        Request::Clm(clm::Request::TrackStart { flags, .. })
        | Request::Amf(amf::Request::TrackStart { flags, .. }) => !flags.subscribes(),
        request => Outcome::of(request).is_event(),
    }
}

/// How a program gets the outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Reply,
    NodeGet,
    Open { tag: u32 },
    Synchronize { tag: u32 },
}

impl Outcome {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Clm(clm::Request::NodeGetAsync { .. }) => Self::NodeGet,
            Request::Ckpt(ckpt::Request::OpenAsync { tag, .. }) => Self::Open { tag: *tag },
            Request::Ckpt(ckpt::Request::SynchronizeAsync { tag, .. }) => {
                Self::Synchronize { tag: *tag }
            }
            _ => Self::Reply,
        }
    }

    /// Whether it comes as an event.
    pub(crate) fn is_event(self) -> bool {
        self != Self::Reply
    }

    /// The event that says it failed.
    pub(crate) fn failure(self, error: AisError) -> Option<Event> {
        let result = Err(error);
        match self {
            // Nobody waits for a message of CLM: it is answered at once.
            Self::Reply | Self::NodeGet => None,
            Self::Open { tag } => Some(Event::Ckpt(ckpt::Event::Open { tag, result: Err(error) })),
            Self::Synchronize { tag } => {
                Some(Event::Ckpt(ckpt::Event::Synchronize { tag, result }))
            }
        }
    }
}
