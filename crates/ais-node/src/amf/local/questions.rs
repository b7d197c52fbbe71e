//! Questions of the model as callbacks of a program.

use crate::amf::config;
use crate::amf::model::Question;
use ais_proto::amf::{self, ExternalAction, Readiness};

/// What is to be done with the answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperationKind {
    /// `saAmfStoppingComplete` answers it.
    Stopping,
    /// `quiesce-timeout` runs once it was dispatched.
    EndsWork {
        dispatched: bool,
    },
    /// The component ends or begins anew with the answer.
    Ends,
    Other,
}

impl OperationKind {
    pub(super) fn of(question: &Question) -> Self {
        match question {
            Question::Readiness(Readiness::Stopping) => Self::Stopping,
            Question::Terminate | Question::Restart | Question::Reset => Self::Ends,
            question if question.ends_work() => Self::EndsWork { dispatched: false },
            _ => Self::Other,
        }
    }
}

/// The callback that asks a component this.
pub(super) fn event(invocation: i32, config: &config::Component, question: Question) -> amf::Event {
    let component = config.name.clone();
    match question {
        Question::Readiness(state) => {
            amf::Event::ReadinessStateSet { invocation, component, state }
        }
        Question::CsiSet { csi, flags, state, active, transition } => {
            amf::Event::CsiSet { invocation, component, csi, flags, state, active, transition }
        }
        Question::CsiRemove { csi, flags } => {
            amf::Event::CsiRemove { invocation, component, csi, flags }
        }
        Question::Confirm(flags) => {
            amf::Event::PendingOperationConfirm { invocation, component, flags }
        }
        Question::Expired(flags) => amf::Event::PendingOperationExpired { component, flags },
        Question::Restart => amf::Event::ExternalComponentRestart { invocation, component },
        Question::Reset => {
            let action = ExternalAction::Reset;
            amf::Event::ExternalComponentControl { invocation, component, action }
        }
        Question::Terminate => amf::Event::ComponentTerminate { invocation, component },
    }
}
