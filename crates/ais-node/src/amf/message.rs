//! What the nodes tell each other: the inputs of the model.

use crate::message_id::MessageId;
use ais_proto::admin::{Operation, Target};
use ais_proto::amf::{Callbacks, Recovery};
use ais_wire::{Name, record, tagged};

/// Which registration: the one that this message made. So whatever is about
/// an older one is known to be late, on whichever side it was made.
pub(super) type RegistrationId = MessageId;

tagged! {
    /// A message of AMF.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum Message {
        /// A process on the sender's node registers a component.
        1 Register { component: Name, proxy: Option<Name>, callbacks: Callbacks },
        /// The process unregisters it.
        2 Unregister { registration: RegistrationId, proxy: Option<Name> },
        /// The library handle of these registrations is gone.
        3 HandleGone { registrations: Vec<RegistrationId> },
        /// A component answers what it was asked.
        4 Answer { registration: RegistrationId, operation: u64, is_ok: bool },
        /// The process did not answer, or failed a healthcheck.
        5 Unanswered { registration: RegistrationId, operation: Option<u64>, cause: Cause },
        /// `saAmfErrorReport`.
        6 Report(report: Report),
        /// `saAmfErrorCancelAll`.
        7 CancelErrors { component: Name },
        /// An operator has something done.
        9 Operate { operation: Operation, target: Target },
        /// The sender's side has quorum again, and what it is to do is agreed on.
        8 Resume,
        /// The sender is about to leave: nothing works there from now on.
        10 Drain,
        /// A displaced process on the sender's node has let go, or not in time.
        11 LetGo { registration: RegistrationId },
    }
}

record! {
    /// What counts of an error report.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct Report {
        pub(super) reporting: Name,
        pub(super) erroneous: Name,
        pub(super) recovery: Recovery,
        /// `SaAmfProbableCauseT`.
        pub(super) probable_cause: u8,
        /// When, in nanoseconds since the epoch, on the sender's clock.
        pub(super) at: i64,
    }
}

tagged! {
    /// What a node has against a component of its own.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Cause {
        1 HealthcheckUnanswered,
        2 HealthcheckRefused,
        3 CallbackUnanswered,
        4 QuiesceUnanswered,
    }
}

impl Cause {
    /// For people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::HealthcheckUnanswered => "no answer to a healthcheck in healthcheck-timeout",
            Self::HealthcheckRefused => "it answered a healthcheck with an error",
            Self::CallbackUnanswered => "no answer to a callback in callback-timeout",
            Self::QuiesceUnanswered => {
                "no answer to a dispatched QUIESCED or OUT_OF_SERVICE in quiesce-timeout"
            }
        }
    }
}
