//! Availability Management Framework (A.01.01 section AMF): what is asked of
//! components, and what they answer.
//!
//! ```no_run
//! use ais_client::amf::{self, Amf, Callbacks, Event, Question};
//! use ais_client::dispatch::{Flags, Step, Turn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let amf = Amf::<()>::open(Callbacks::HEALTHCHECK | Callbacks::READINESS_STATE_SET)?;
//! amf.register(amf.component_name()?, None)?;
//! loop {
//!     amf.wait(None)?;
//!     let mut turn = Turn::new(Flags::One);
//!     let step = amf.step(&mut turn, |event| match event {
//!         Event::Asked(question) => Some(question),
//!         Event::Track(..) => None,
//!     })?;
//!     if let Step::Call(Some(question)) = step {
//!         if let Question::ReadinessStateSet { state, .. } = &question {
//!             println!("in readiness state {state:?} from now on");
//!         }
//!         if let Some(invocation) = question.invocation() {
//!             amf::respond(invocation, Ok(()))?;
//!         }
//!     }
//! }
//! # }
//! ```

// Whether a callback is missing (`Init`) is checked after names and states,
// which only aisexec knows; so aisexec checks it.

pub use ais_proto::amf::{
    Callbacks, ErrorReport, Event as Question, ExternalAction, HaState, Healthcheck, Member,
    OPAQUE_BUFFER_SIZE_MAX, ProtectionGroupChange, Readiness, Recovery, Transition,
};

use super::dispatch::{Step, Turn};
use super::track::Subscriptions;
use crate::link::client::Client;
use crate::link::connection::{Reply, done};
use crate::link::session;
use ais_proto::amf::Request;
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, DecodeError, Name, Reader, ServiceId};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Where a program finds the name of its component before it registers it.
const NAME_VARIABLE: &str = "SA_AMF_COMPONENT_NAME";

/// The members of a protection group, or what changed.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The instance whose protection group it is.
    pub csi: Name,
    /// How many members the group has.
    pub members: u32,
    /// The members.
    pub items: Vec<Member>,
}

/// What a handle is told.
#[derive(Debug)]
pub enum Event<'a, S> {
    /// For a subscription, which was given to [`Amf::track_start`].
    Track(&'a S, Tracked),
    /// Anything else: a question, or that one has expired.
    Asked(Question),
}

/// A handle of AMF, of which subscriptions are known as an `S`. It ends when it
/// is closed or dropped, and its components are unregistered then.
#[derive(Debug)]
pub struct Amf<S> {
    client: Client,
    subscriptions: Subscriptions<S>,
}

impl<S> Amf<S> {
    /// Opens a handle (`saAmfInitialize`).
    ///
    /// # Errors
    /// `TryAgain` if there is no aisexec.
    pub fn open(callbacks: Callbacks) -> Result<Self, AisError> {
        let client = Client::open(ServiceId::Amf, callbacks.bits())?;
        Ok(Self { client, subscriptions: Subscriptions::new() })
    }

    /// The descriptor that is readable when an event is pending
    /// (`saAmfSelectionObjectGet`).
    ///
    /// # Errors
    /// `BadHandle` in a child; `Library` if the program has closed it.
    pub fn selection_object(&self) -> Result<BorrowedFd<'_>, AisError> {
        self.client.events().descriptor()
    }

    /// Waits until an event is pending or the handle is closed, so long at
    /// most, or for ever.
    ///
    /// # Errors
    /// `Timeout` if none came in time; `BadHandle` in a child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), AisError> {
        self.client.wait(timeout)
    }

    /// Announces a component as ready (`saAmfComponentRegister`), for which
    /// `proxy` speaks, if that is another one.
    ///
    /// # Errors
    /// The errors of the C function, as all below.
    pub fn register(&self, component: Name, proxy: Option<Name>) -> Result<(), AisError> {
        self.call(Request::Register { component, proxy }, done)
    }

    /// Withdraws a component (`saAmfComponentUnregister`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn unregister(&self, component: Name, proxy: Option<Name>) -> Result<(), AisError> {
        self.call(Request::Unregister { component, proxy }, done)
    }

    /// The component that was registered last, else what the environment
    /// variable SA_AMF_COMPONENT_NAME says (`saAmfCompNameGet`).
    ///
    /// # Errors
    /// `NotExist` if there is neither.
    pub fn component_name(&self) -> Result<Name, AisError> {
        match self.call(Request::ComponentNameGet, |reply| reply.read(Reader::name)) {
            Err(AisError::NotExist) => {
                let text = std::env::var_os(NAME_VARIABLE).ok_or(AisError::NotExist)?;
                Name::new(text.as_bytes()).map_err(|_| AisError::NotExist)
            }
            result => result,
        }
    }

    /// Subscribes to a protection group (`saAmfProtectionGroupTrackStart`).
    /// `capacity` is how many members the subscriber has room for.
    ///
    /// # Errors
    /// The errors of the C function; `TryAgain` also if too many events are awaited.
    pub fn track_start(
        &self,
        csi: &Name,
        flags: TrackFlags,
        capacity: u64,
        to: S,
    ) -> Result<(), AisError> {
        self.subscriptions.start(csi, flags, to, |subscription| {
            let request = Request::TrackStart { csi: csi.clone(), flags, capacity, subscription };
            self.call(request, done)
        })
    }

    /// Ends the subscriptions to a protection group
    /// (`saAmfProtectionGroupTrackStop`).
    ///
    /// # Errors
    /// The errors of the C function.
    pub fn track_stop(&self, csi: &Name) -> Result<(), AisError> {
        self.call(Request::TrackStop { csi: csi.clone() }, done)?;
        self.subscriptions.stop(csi);
        Ok(())
    }

    /// The next step of a dispatch (`saAmfDispatch`); `tell` turns an event
    /// into what the step has. While `tell` runs nobody ends the subscription,
    /// so it shall not use the handle.
    ///
    /// # Errors
    /// `Library` if aisexec is gone; `BadHandle` in a child.
    pub fn step<R>(
        &self,
        turn: &mut Turn,
        tell: impl FnOnce(Event<'_, S>) -> R,
    ) -> Result<Step<R>, AisError> {
        let mut tell = Some(tell);
        let next = || self.client.next(|code, body| self.tell(code, body, &mut tell));
        turn.step(&self.client, next)?.try_map(|(told, invocation)| {
            if let Some(invocation) = invocation {
                self.client.events().tell_dispatched(invocation);
            }
            Ok(told)
        })
    }

    /// Ends the handle (`saAmfFinalize`).
    pub fn close(&self) {
        self.client.close();
        self.subscriptions.forget();
    }

    /// What `tell` makes of an event, and the invocation that aisexec awaits an
    /// answer to; nothing if it is stale.
    fn tell<R>(
        &self,
        code: Code,
        body: &[u8],
        tell: &mut Option<impl FnOnce(Event<'_, S>) -> R>,
    ) -> Result<Option<(R, Option<i32>)>, DecodeError> {
        let question = Question::decode(code, body)?;
        let invocation = question.invocation();
        let told = match question {
            Question::ProtectionGroupTrack { subscription, csi, members, items } => {
                let tracked = Tracked { csi, members, items };
                let deliver = |to: &S| tell.take().map(|tell| tell(Event::Track(to, tracked)));
                self.subscriptions.deliver(subscription, deliver).flatten()
            }
            question => tell.take().map(|tell| tell(Event::Asked(question))),
        };
        Ok(told.map(|told| (told, invocation)))
    }

    fn call<T>(
        &self,
        request: Request<'_>,
        answer: impl FnOnce(Reply<'_>) -> Result<T, AisError>,
    ) -> Result<T, AisError> {
        self.client.call(&ais_proto::Request::Amf(request), answer)
    }
}

/// The readiness state of a component (`saAmfReadinessStateGet`).
///
/// # Errors
/// The errors of the C function.
pub fn readiness_state(component: Name) -> Result<Readiness, AisError> {
    call(Request::ReadinessStateGet { component }, |reply| reply.read(Readiness::decode))
}

/// The HA state of a component for an instance (`saAmfHAStateGet`).
///
/// # Errors
/// The errors of the C function.
pub fn ha_state(component: Name, csi: Name) -> Result<HaState, AisError> {
    call(Request::HaStateGet { component, csi }, |reply| reply.read(HaState::decode))
}

/// The number of the capability model of a component
/// (`saAmfComponentCapabilityModelGet`).
///
/// # Errors
/// The errors of the C function.
pub fn capability_model(component: Name) -> Result<u8, AisError> {
    call(Request::CapabilityModelGet { component }, |reply| reply.read(Reader::u8))
}

/// The operations of a component that wait for a confirmation
/// (`saAmfPendingOperationGet`).
///
/// # Errors
/// The errors of the C function.
pub fn pending_operation(component: Name) -> Result<u32, AisError> {
    call(Request::PendingOperationGet { component }, |reply| reply.read(Reader::u32))
}

/// Reports that a component failed (`saAmfErrorReport`).
///
/// # Errors
/// The errors of the C function.
pub fn error_report(report: ErrorReport<'_>) -> Result<(), AisError> {
    call(Request::ErrorReport(report), done)
}

/// Takes all errors of a component back (`saAmfErrorCancelAll`).
///
/// # Errors
/// The errors of the C function.
pub fn error_cancel_all(component: Name) -> Result<(), AisError> {
    call(Request::ErrorCancelAll { component }, done)
}

/// Answers a question that asked for [`Readiness::Stopping`]
/// (`saAmfStoppingComplete`).
///
/// # Errors
/// The errors of the C function.
pub fn stopping_complete(invocation: i32, result: Result<(), AisError>) -> Result<(), AisError> {
    call(Request::StoppingComplete { invocation, result }, done)
}

/// Answers any other question (`saAmfResponse`). Any thread of the process may
/// answer, at any time.
///
/// # Errors
/// The errors of the C function.
pub fn respond(invocation: i32, result: Result<(), AisError>) -> Result<(), AisError> {
    call(Request::Response { invocation, result }, done)
}

fn call<T>(
    request: Request<'_>,
    answer: impl Fn(Reply<'_>) -> Result<T, AisError>,
) -> Result<T, AisError> {
    session::current().call(&ais_proto::Request::Amf(request), None, answer)
}
