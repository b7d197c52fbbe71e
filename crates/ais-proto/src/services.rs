//! The list of services, and what is to be known of a request or an event whichever
//! service it is of. Each service says that where it declares them.

use crate::track::TrackFlags;
use crate::{AisError, Event};
use ais_wire::Writer;

/// When the node itself may refuse a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// It changes what the whole cluster has to agree on: not without quorum.
    Change,
    /// It gives something back, and is never to be tried again.
    Release,
    /// It shows an operator what there is: also without quorum and without state.
    Inspect,
    /// All else: not without the state of the cluster.
    Other,
}

/// How a program gets the outcome of a request.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    /// With the reply.
    Reply,
    /// With the reply, and one event comes of it, whenever the program takes that.
    ReplyAndEvent,
    /// With an event, whenever the program takes it; the reply says that it will come.
    Event {
        /// Comes back in the event.
        tag: u32,
        /// Makes the event with this tag which says that the request has failed.
        failed: fn(u32, AisError) -> Event,
    },
}

impl Outcome {
    /// The outcome of a request whose event comes later. `failed` makes the one that says
    /// that the request has failed.
    pub(crate) fn event(tag: u32, failed: fn(u32, AisError) -> Event) -> Self {
        Self::Event { tag, failed }
    }

    /// The outcome of a request to track: an event of its own, unless a subscription begins.
    pub(crate) fn of_track(flags: TrackFlags) -> Self {
        if flags.subscribes() { Self::Reply } else { Self::ReplyAndEvent }
    }

    /// Whether an event comes of the request once. There is a bound on how many of
    /// them a library handle may have ([`MAX_ASYNC_PER_HANDLE`](crate::MAX_ASYNC_PER_HANDLE)).
    #[must_use]
    pub fn has_event(self) -> bool {
        !matches!(self, Self::Reply)
    }

    /// The event which says that the request has failed; `None` if the reply says it.
    #[must_use]
    pub fn failure(self, error: AisError) -> Option<Event> {
        match self {
            Self::Reply | Self::ReplyAndEvent => None,
            Self::Event { tag, failed } => Some(failed(tag, error)),
        }
    }
}

/// Which of the events that wait for a program are told to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Each, as it is the outcome of a request ([`Outcome::has_event`]).
    Outcome {
        /// What is told in the place of the event when nobody can tell whether what it says
        /// will last; `None`: the event stands.
        unsettled: Option<Event>,
    },
    /// The newest one about this subject.
    Newest(Subject),
    /// Each, whatever else waits.
    Each,
}

/// What an event is about, if only the newest event about it is of use: a later one
/// takes the place of one that still waits for its program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    service: crate::ServiceId,
    kind: u8,
    name: Vec<u8>,
}

impl Subject {
    /// A subject of this service: `kind` and what `write` writes tell it from its
    /// others.
    pub(crate) fn new(service: crate::ServiceId, kind: u8, write: impl Fn(&mut Writer)) -> Self {
        let mut name = Writer::new();
        write(&mut name);
        Self { service, kind, name: name.into_bytes() }
    }
}

impl Event {
    /// Whether the event is the outcome of a request ([`Outcome::has_event`]).
    #[must_use]
    pub fn ends_request(&self) -> bool {
        matches!(self.telling(), Telling::Outcome { .. })
    }

    /// What the event is about, if only the newest one about that is of use; `None`: each
    /// is told.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        if let Telling::Newest(subject) = self.telling() { Some(subject) } else { None }
    }

    /// What is told in the place of the event when nobody can tell whether what it says
    /// will last; `None`: the event stands.
    #[must_use]
    pub fn unsettled(&self) -> Option<Self> {
        if let Telling::Outcome { unsettled } = self.telling() { unsettled } else { None }
    }
}

/// Codes, names and fields, as they were declared.
#[cfg(test)]
pub(crate) type Declared = &'static [(u16, &'static str, &'static [ais_wire::Field])];

/// Of each request its kind, and the type of its reply.
#[cfg(test)]
pub(crate) type Replies = &'static [(RequestKind, &'static str)];

/// Defines the ids of the services, and the enums of what any of them is asked and
/// tells. Of each service: its number, and the types of its requests and its events.
/// The types of a service declare the methods that are called here ([`messages`](crate::messages)).
macro_rules! services {
    ($($(#[$doc:meta])* $id:ident = $number:literal: $request:ty, $event:ty;)*) => {
        $crate::numbers::numbered! {
            /// The services, with the number that stands in the high byte of a code.
            pub enum ServiceId { $($(#[$doc])* $id = $number,)* }
        }

        impl ServiceId {
            /// All services, by their number.
            pub const ALL: &[Self] = &[$(Self::$id),*];
        }

        /// A request of any service.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Request<'a> { $($(#[$doc])* $id($request),)* }

        impl<'a> Request<'a> {
            /// What each service declares: its requests, the kinds and the replies of those,
            /// and its events.
            #[cfg(test)]
            pub(crate) const DECLARED: &'static [(ServiceId, Declared, Replies, Declared)] = &[$((
                ServiceId::$id,
                <$request as ais_wire::Variants>::DECLARED,
                <$request>::REPLIES,
                <$event as ais_wire::Variants>::DECLARED,
            )),*];

            /// The service that is asked.
            #[must_use]
            pub fn service(&self) -> ServiceId {
                match self { $(Self::$id(_) => ServiceId::$id,)* }
            }

            /// The code of the request.
            #[must_use]
            pub fn code(&self) -> Code {
                match self { $(Self::$id(request) => request.code(),)* }
            }

            /// When the node itself may refuse the request.
            #[must_use]
            pub fn kind(&self) -> RequestKind {
                match self { $(Self::$id(request) => request.handling().0,)* }
            }

            /// How the program gets the outcome of the request.
            #[must_use]
            pub fn outcome(&self) -> Outcome {
                match self { $(Self::$id(request) => request.handling().1,)* }
            }

            /// Appends the body but for the data, which [`Request::data`] has.
            pub fn encode(&self, out: &mut Writer) {
                match self { $(Self::$id(request) => request.encode(out),)* }
            }

            /// The request that a frame with this code and body holds.
            ///
            /// # Errors
            /// A [`DecodeError`] if there is no such request.
            pub fn decode(code: Code, body: &'a [u8]) -> Result<Self, DecodeError> {
                let mut input = Reader::new(body);
                let service = code.service().ok_or(DecodeError::Invalid)?;
                let request = match service {
                    $(ServiceId::$id => {
                        Self::$id(ais_wire::Variants::take_body(code.0, &mut input)?)
                    })*
                };
                input.finish()?;
                Ok(request)
            }
        }

        /// An event of any service.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event { $($(#[$doc])* $id($event),)* }

        impl Event {
            /// The event that a packet with this code and body holds.
            ///
            /// # Errors
            /// A [`DecodeError`] if there is no such event.
            pub fn decode(code: Code, body: &[u8]) -> Result<Self, DecodeError> {
                match code.service().ok_or(DecodeError::Invalid)? {
                    $(ServiceId::$id => <$event>::decode(code, body).map(Self::$id),)*
                }
            }

            /// The service that tells it.
            #[must_use]
            pub fn service(&self) -> ServiceId {
                match self { $(Self::$id(_) => ServiceId::$id,)* }
            }

            /// The code of its packet.
            #[must_use]
            pub fn code(&self) -> Code {
                match self { $(Self::$id(event) => event.code(),)* }
            }

            /// The body of its packet.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$id(event) => event.encode(),)* }
            }

            fn telling(&self) -> Telling {
                match self { $(Self::$id(event) => event.telling(),)* }
            }
        }

        $(impl From<$event> for Event {
            fn from(event: $event) -> Self { Self::$id(event) }
        })*
    };
}

pub(crate) use services;
