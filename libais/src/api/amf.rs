//! Availability Management Framework (A.01.01 section AMF).
//!
//! Whether a callback is missing (`INIT`) is checked after names and states,
//! which only aisexec knows; so aisexec checks it.

use crate::api::dispatch::{Step, Turn};
use crate::api::track::{Buffer, Subscriptions};
use crate::link::client::Client;
use crate::link::connection::{Reply, done};
use crate::link::session;
use ais_proto::amf::{Callbacks, ErrorReport, Event, HaState, Member, Readiness, Request};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Name, Reader, ServiceId};
use std::fmt;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

/// Where a program finds the name of its component before it registers it.
const NAME_VARIABLE: &str = "SA_AMF_COMPONENT_NAME";

/// The program's side of a handle: its memory and its callbacks.
pub(crate) trait Program: Send + Sync {
    /// Which callbacks there are.
    fn callbacks(&self) -> Callbacks;
    /// Copies the notifications, which fit, to the program's buffer.
    fn fill(&self, buffer: Buffer, items: &[Member]);
}

/// What a track callback tells.
#[derive(Debug, Clone)]
pub(crate) struct Tracked {
    /// The instance whose protection group it is.
    pub(crate) csi: Name,
    /// How many members the group has.
    pub(crate) members: u32,
    /// How many notifications there are.
    pub(crate) items: usize,
}

/// A handle of AMF.
pub(crate) struct Amf<P> {
    client: Client,
    program: P,
    subscriptions: Subscriptions,
}

/// A callback that is due.
#[derive(Debug)]
pub(crate) enum Callback {
    /// The track callback; the buffer is filled if the result is good.
    Track(Buffer, Tracked, Result<(), AisError>),
    /// Any other.
    Other(Event),
}

impl<P: Program> Amf<P> {
    pub(crate) fn open(program: P) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Amf, program.callbacks().bits())?;
        Ok(Self { client, program, subscriptions: Subscriptions::new() })
    }

    /// The descriptor that is readable when a callback is pending.
    pub(crate) fn selection_object(&self) -> Result<RawFd, AisError> {
        self.client.events().number()
    }

    /// `saAmfComponentRegister`.
    pub(crate) fn register(&self, component: Name, proxy: Option<Name>) -> Result<(), AisError> {
        self.call(Request::Register { component, proxy }, done)
    }

    /// `saAmfComponentUnregister`.
    pub(crate) fn unregister(&self, component: Name, proxy: Option<Name>) -> Result<(), AisError> {
        self.call(Request::Unregister { component, proxy }, done)
    }

    /// `saAmfCompNameGet`: what was registered, else what the environment
    /// says.
    pub(crate) fn component_name(&self) -> Result<Name, AisError> {
        match self.call(Request::ComponentNameGet, |reply| reply.read(Reader::name)) {
            Err(AisError::NotExist) => {
                let text = std::env::var_os(NAME_VARIABLE).ok_or(AisError::NotExist)?;
                Name::new(text.as_bytes()).map_err(|_| AisError::NotExist)
            }
            result => result,
        }
    }

    /// `saAmfProtectionGroupTrackStart`.
    pub(crate) fn track_start(
        &self,
        csi: &Name,
        flags: TrackFlags,
        buffer: Buffer,
    ) -> Result<(), AisError> {
        self.subscriptions.start(csi, flags, buffer, |subscription| {
            let capacity = buffer.capacity;
            let request = Request::TrackStart { csi: csi.clone(), flags, capacity, subscription };
            self.call(request, done)
        })
    }

    /// `saAmfProtectionGroupTrackStop`.
    pub(crate) fn track_stop(&self, csi: &Name) -> Result<(), AisError> {
        self.call(Request::TrackStop { csi: csi.clone() }, done)?;
        self.subscriptions.stop(csi);
        Ok(())
    }

    /// The program's callbacks.
    pub(crate) fn program(&self) -> &P {
        &self.program
    }

    /// The next step of `saAmfDispatch`.
    pub(crate) fn step(&self, turn: &mut Turn) -> Result<Step<Callback>, AisError> {
        let step = turn.step(&self.client, || self.next())?;
        if let Step::Call(Callback::Other(event)) = &step
            && let Some(invocation) = event.invocation()
        {
            self.client.events().tell_dispatched(invocation);
        }
        Ok(step)
    }

    /// `saAmfFinalize`.
    pub(crate) fn close(&self) {
        self.client.close();
        self.subscriptions.forget();
    }

    /// The next callback that is not stale.
    fn next(&self) -> Result<Option<Callback>, AisError> {
        // Decided where it is received, so that threads keep the order.
        let receive = |code, body: &[u8]| Some(self.decide(Event::decode(code, body).ok()?));
        while let Some(callback) = self.client.events().next(receive)? {
            if callback.is_some() {
                return Ok(callback);
            }
        }
        Ok(None)
    }

    /// The callback of an event, its memory filled; none if it is stale.
    fn decide(&self, event: Event) -> Option<Callback> {
        let Event::ProtectionGroupTrack { subscription, csi, members, items } = event else {
            return Some(Callback::Other(event));
        };
        let fill = |buffer| self.program.fill(buffer, &items);
        let (buffer, result) = self.subscriptions.deliver(subscription, items.len(), fill)?;
        let tracked = Tracked { csi, members, items: items.len() };
        Some(Callback::Track(buffer, tracked, result))
    }

    fn call<T>(
        &self,
        request: Request<'_>,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        self.client.call(&ais_proto::Request::Amf(request), answer)
    }
}

impl<P> fmt::Debug for Amf<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amf").field("client", &self.client).finish_non_exhaustive()
    }
}

/// `saAmfReadinessStateGet`.
pub(crate) fn readiness_state(component: Name) -> Result<Readiness, AisError> {
    call(Request::ReadinessStateGet { component }, |reply| reply.read(Readiness::decode))
}

/// `saAmfHAStateGet`.
pub(crate) fn ha_state(component: Name, csi: Name) -> Result<HaState, AisError> {
    call(Request::HaStateGet { component, csi }, |reply| reply.read(HaState::decode))
}

/// `saAmfComponentCapabilityModelGet`: the number of the model.
pub(crate) fn capability_model(component: Name) -> Result<u8, AisError> {
    call(Request::CapabilityModelGet { component }, |reply| reply.read(Reader::u8))
}

/// `saAmfPendingOperationGet`.
pub(crate) fn pending_operation(component: Name) -> Result<u32, AisError> {
    call(Request::PendingOperationGet { component }, |reply| reply.read(Reader::u32))
}

/// `saAmfErrorReport`.
pub(crate) fn error_report(report: ErrorReport<'_>) -> Result<(), AisError> {
    call(Request::ErrorReport(report), done)
}

/// `saAmfErrorCancelAll`.
pub(crate) fn error_cancel_all(component: Name) -> Result<(), AisError> {
    call(Request::ErrorCancelAll { component }, done)
}

/// `saAmfStoppingComplete`.
pub(crate) fn stopping_complete(
    invocation: i32,
    result: Result<(), AisError>,
) -> Result<(), AisError> {
    call(Request::StoppingComplete { invocation, result }, done)
}

/// `saAmfResponse`.
pub(crate) fn respond(invocation: i32, result: Result<(), AisError>) -> Result<(), AisError> {
    call(Request::Response { invocation, result }, done)
}

fn call<T>(
    request: Request<'_>,
    answer: impl Fn(Reply<'_>) -> Result<T, AisError>,
) -> Result<T, AisError> {
    session::current().call(&ais_proto::Request::Amf(request), None, answer)
}
