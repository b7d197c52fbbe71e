//! What the nodes tell each other: the inputs of the model.

use crate::message_id::MessageId;
use ais_proto::admin::{Operation, Target};
use ais_proto::amf::{Callbacks, Recovery};
use ais_wire::{DecodeError, Name, Reader, Writer};

/// Which registration: the one that this message made. So whatever is about
/// an older one is known to be late, on whichever side it was made.
pub(super) type RegistrationId = MessageId;

/// A message of AMF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// A process on the sender's node registers a component.
    Register { component: Name, proxy: Option<Name>, callbacks: Callbacks },
    /// It unregisters it.
    Unregister { registration: RegistrationId, proxy: Option<Name> },
    /// The library handle of these registrations is gone.
    HandleGone { registrations: Vec<RegistrationId> },
    /// A component answers what it was asked.
    Answer { registration: RegistrationId, operation: u64, is_ok: bool },
    /// It did not, or it failed a healthcheck.
    Unanswered { registration: RegistrationId, operation: Option<u64>, cause: Cause },
    /// `saAmfErrorReport`.
    Report(Report),
    /// `saAmfErrorCancelAll`.
    CancelErrors { component: Name },
    /// An operator has something done.
    Operate { operation: Operation, target: Target },
    /// The sender's side has quorum again, and what it is to do is agreed on.
    Resume,
    /// The sender is about to leave: nothing works there from now on.
    Drain,
    /// A displaced process on the sender's node has let go, or not in time.
    LetGo { registration: RegistrationId },
}

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

/// What a node has against a component of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    HealthcheckUnanswered = 1,
    HealthcheckRefused = 2,
    CallbackUnanswered = 3,
    QuiesceUnanswered = 4,
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

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match input.u8()? {
            1 => Self::HealthcheckUnanswered,
            2 => Self::HealthcheckRefused,
            3 => Self::CallbackUnanswered,
            4 => Self::QuiesceUnanswered,
            _ => return Err(DecodeError::Invalid),
        })
    }
}

const REGISTER: u8 = 1;
const UNREGISTER: u8 = 2;
const HANDLE_GONE: u8 = 3;
const ANSWER: u8 = 4;
const UNANSWERED: u8 = 5;
const REPORT: u8 = 6;
const CANCEL_ERRORS: u8 = 7;
const RESUME: u8 = 8;
const OPERATE: u8 = 9;
const DRAIN: u8 = 10;
const LET_GO: u8 = 11;

impl Message {
    /// Appends the message.
    pub(super) fn encode(&self, out: &mut Writer) {
        match self {
            Self::Register { component, proxy, callbacks } => {
                out.u8(REGISTER).name(component).option(proxy.as_ref(), write_name);
                out.u32(callbacks.bits());
            }
            Self::Unregister { registration, proxy } => {
                registration.encode(out.u8(UNREGISTER));
                out.option(proxy.as_ref(), write_name);
            }
            Self::HandleGone { registrations } => {
                out.u8(HANDLE_GONE).list(registrations, |out, registration| {
                    registration.encode(out);
                });
            }
            Self::Answer { registration, operation, is_ok } => {
                registration.encode(out.u8(ANSWER));
                out.u64(*operation).bool(*is_ok);
            }
            Self::Unanswered { registration, operation, cause } => {
                registration.encode(out.u8(UNANSWERED));
                out.option(operation.as_ref(), |out, number| {
                    out.u64(*number);
                });
                out.u8(*cause as u8);
            }
            Self::Report(report) => {
                out.u8(REPORT).name(&report.reporting).name(&report.erroneous);
                out.u8(report.recovery as u8).u8(report.probable_cause).i64(report.at);
            }
            Self::CancelErrors { component } => {
                out.u8(CANCEL_ERRORS).name(component);
            }
            Self::Operate { operation, target } => {
                target.encode(out.u8(OPERATE).u8(*operation as u8));
            }
            Self::Resume => {
                out.u8(RESUME);
            }
            Self::Drain => {
                out.u8(DRAIN);
            }
            Self::LetGo { registration } => registration.encode(out.u8(LET_GO)),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let input = &mut reader;
        let message = match input.u8()? {
            REGISTER => Self::Register {
                component: input.name()?,
                proxy: input.option(Reader::name)?,
                callbacks: Callbacks::from_bits(input.u32()?).ok_or(DecodeError::Invalid)?,
            },
            UNREGISTER => Self::Unregister {
                registration: RegistrationId::decode(input)?,
                proxy: input.option(Reader::name)?,
            },
            HANDLE_GONE => Self::HandleGone { registrations: input.list(RegistrationId::decode)? },
            ANSWER => Self::Answer {
                registration: RegistrationId::decode(input)?,
                operation: input.u64()?,
                is_ok: input.bool()?,
            },
            UNANSWERED => Self::Unanswered {
                registration: RegistrationId::decode(input)?,
                operation: input.option(Reader::u64)?,
                cause: Cause::decode(input)?,
            },
            REPORT => Self::Report(Report {
                reporting: input.name()?,
                erroneous: input.name()?,
                recovery: Recovery::decode(input)?,
                probable_cause: input.u8()?,
                at: input.i64()?,
            }),
            CANCEL_ERRORS => Self::CancelErrors { component: input.name()? },
            OPERATE => Self::Operate {
                operation: Operation::decode(input)?,
                target: Target::decode(input)?,
            },
            RESUME => Self::Resume,
            DRAIN => Self::Drain,
            LET_GO => Self::LetGo { registration: RegistrationId::decode(input)? },
            _ => return Err(DecodeError::Invalid),
        };
        reader.finish()?;
        Ok(message)
    }
}

fn write_name(out: &mut Writer, name: &Name) {
    out.name(name);
}
