//! The requests to AMF.

use super::{OPAQUE_BUFFER_SIZE_MAX, Recovery};
use crate::track::TrackFlags;
use crate::{AisError, Code, DecodeError, Name, Outcome, Reader, RequestKind, Writer};

/// What `saAmfErrorReport` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReport<'a> {
    /// Who reports.
    pub reporting: Name,
    /// Who failed.
    pub erroneous: Name,
    /// When it was detected, in nanoseconds since the epoch; 0 is now.
    pub detection_time: i64,
    /// `SaAmfErrorReportTypeT`, 1 to 5; 0 if the program gave none of them.
    pub report_type: u8,
    /// `SaAmfProbableCauseT`, 1 to 30.
    pub probable_cause: u8,
    /// `SaAmfErrorImpactAndSeverityT`, 1 to 10; 0 if none of them.
    pub severity: u8,
    /// What the reporter asks for.
    pub recovery: Recovery,
    /// `specificProblem`, `additionalText`, `additionalInformation`; each at
    /// most [`OPAQUE_BUFFER_SIZE_MAX`] bytes.
    pub additional: [Option<&'a [u8]>; 3],
}

/// A request to AMF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// `saAmfComponentRegister`, on the connection of the library handle.
    Register {
        /// The component.
        component: Name,
        /// The component that speaks for it.
        proxy: Option<Name>,
    },
    /// `saAmfComponentUnregister`, on the connection of the library handle.
    Unregister {
        /// The component.
        component: Name,
        /// The component that speaks for it.
        proxy: Option<Name>,
    },
    /// `saAmfCompNameGet`, on the connection of the library handle. Reply:
    /// the name last registered through it; `NOT_EXIST` if there is none.
    ComponentNameGet,
    /// `saAmfReadinessStateGet`. Reply: the number of a [`Readiness`](super::Readiness) (u8).
    ReadinessStateGet {
        /// The component.
        component: Name,
    },
    /// `saAmfHAStateGet`. Reply: the number of an [`HaState`](super::HaState) (u8).
    HaStateGet {
        /// The component.
        component: Name,
        /// The instance.
        csi: Name,
    },
    /// `saAmfComponentCapabilityModelGet`. Reply: the number of the model
    /// (u8).
    CapabilityModelGet {
        /// The component.
        component: Name,
    },
    /// `saAmfPendingOperationGet`. Reply: the flags (u32).
    PendingOperationGet {
        /// The component.
        component: Name,
    },
    /// `saAmfProtectionGroupTrackStart`, on the connection of the library
    /// handle. Reply: nothing.
    TrackStart {
        /// The instance whose protection group it is.
        csi: Name,
        /// What is asked for.
        flags: TrackFlags,
        /// How many notifications the program's buffer holds.
        capacity: u64,
        /// Comes back in every event of this subscription.
        subscription: u32,
    },
    /// `saAmfProtectionGroupTrackStop`, on the connection of the library
    /// handle.
    TrackStop {
        /// The instance.
        csi: Name,
    },
    /// `saAmfErrorReport`.
    ErrorReport(ErrorReport<'a>),
    /// `saAmfErrorCancelAll`.
    ErrorCancelAll {
        /// The component.
        component: Name,
    },
    /// `saAmfStoppingComplete`.
    StoppingComplete {
        /// What it answers.
        invocation: i32,
        /// Whether it succeeded.
        result: Result<(), AisError>,
    },
    /// `saAmfResponse`.
    Response {
        /// What it answers.
        invocation: i32,
        /// Whether it succeeded.
        result: Result<(), AisError>,
    },
}

const REGISTER: Code = Code(0x0201);
const UNREGISTER: Code = Code(0x0202);
const COMPONENT_NAME_GET: Code = Code(0x0203);
const READINESS_STATE_GET: Code = Code(0x0204);
const HA_STATE_GET: Code = Code(0x0205);
const CAPABILITY_MODEL_GET: Code = Code(0x0206);
const PENDING_OPERATION_GET: Code = Code(0x0207);
const TRACK_START: Code = Code(0x0208);
const TRACK_STOP: Code = Code(0x0209);
const ERROR_REPORT: Code = Code(0x020a);
const ERROR_CANCEL_ALL: Code = Code(0x020b);
const STOPPING_COMPLETE: Code = Code(0x020c);
const RESPONSE: Code = Code(0x020d);

impl<'a> Request<'a> {
    /// The code of the request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Register { .. } => REGISTER,
            Self::Unregister { .. } => UNREGISTER,
            Self::ComponentNameGet => COMPONENT_NAME_GET,
            Self::ReadinessStateGet { .. } => READINESS_STATE_GET,
            Self::HaStateGet { .. } => HA_STATE_GET,
            Self::CapabilityModelGet { .. } => CAPABILITY_MODEL_GET,
            Self::PendingOperationGet { .. } => PENDING_OPERATION_GET,
            Self::TrackStart { .. } => TRACK_START,
            Self::TrackStop { .. } => TRACK_STOP,
            Self::ErrorReport(_) => ERROR_REPORT,
            Self::ErrorCancelAll { .. } => ERROR_CANCEL_ALL,
            Self::StoppingComplete { .. } => STOPPING_COMPLETE,
            Self::Response { .. } => RESPONSE,
        }
    }

    /// Appends the body of the request.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Register { component, proxy } | Self::Unregister { component, proxy } => {
                out.name(component).option(proxy.as_ref(), |out, proxy| {
                    out.name(proxy);
                });
            }
            Self::ComponentNameGet => {}
            Self::ReadinessStateGet { component }
            | Self::CapabilityModelGet { component }
            | Self::PendingOperationGet { component }
            | Self::ErrorCancelAll { component } => {
                out.name(component);
            }
            Self::HaStateGet { component, csi } => {
                out.name(component).name(csi);
            }
            Self::TrackStart { csi, flags, capacity, subscription } => {
                out.name(csi).u8(flags.bits()).u64(*capacity).u32(*subscription);
            }
            Self::TrackStop { csi } => {
                out.name(csi);
            }
            Self::ErrorReport(report) => report.encode(out),
            Self::StoppingComplete { invocation, result }
            | Self::Response { invocation, result } => {
                out.i32(*invocation).u8(result.map_or_else(|error| error as u8, |()| 1));
            }
        }
    }

    pub(crate) fn decode(code: Code, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match code {
            REGISTER => {
                Self::Register { component: input.name()?, proxy: input.option(Reader::name)? }
            }
            UNREGISTER => {
                Self::Unregister { component: input.name()?, proxy: input.option(Reader::name)? }
            }
            COMPONENT_NAME_GET => Self::ComponentNameGet,
            READINESS_STATE_GET => Self::ReadinessStateGet { component: input.name()? },
            HA_STATE_GET => Self::HaStateGet { component: input.name()?, csi: input.name()? },
            CAPABILITY_MODEL_GET => Self::CapabilityModelGet { component: input.name()? },
            PENDING_OPERATION_GET => Self::PendingOperationGet { component: input.name()? },
            TRACK_START => Self::TrackStart {
                csi: input.name()?,
                flags: TrackFlags::from_api(input.u8()?).ok_or(DecodeError::Invalid)?,
                capacity: input.u64()?,
                subscription: input.u32()?,
            },
            TRACK_STOP => Self::TrackStop { csi: input.name()? },
            ERROR_REPORT => Self::ErrorReport(ErrorReport::decode(input)?),
            ERROR_CANCEL_ALL => Self::ErrorCancelAll { component: input.name()? },
            STOPPING_COMPLETE => {
                Self::StoppingComplete { invocation: input.i32()?, result: decode_result(input)? }
            }
            RESPONSE => Self::Response { invocation: input.i32()?, result: decode_result(input)? },
            _ => return Err(DecodeError::Invalid),
        })
    }
}

impl<'a> ErrorReport<'a> {
    /// Appends the report.
    pub fn encode(&self, out: &mut Writer) {
        out.name(&self.reporting).name(&self.erroneous).i64(self.detection_time);
        out.u8(self.report_type).u8(self.probable_cause).u8(self.severity);
        out.u8(self.recovery as u8);
        for part in &self.additional {
            out.option(part.as_ref(), |out, part| {
                out.bytes(part);
            });
        }
    }

    /// Reads a report.
    ///
    /// # Errors
    /// A [`DecodeError`] if there is none, or a buffer is too long.
    pub fn decode(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut report = Self {
            reporting: input.name()?,
            erroneous: input.name()?,
            detection_time: input.i64()?,
            report_type: input.u8()?,
            probable_cause: input.u8()?,
            severity: input.u8()?,
            recovery: Recovery::decode(input)?,
            additional: [None; 3],
        };
        for part in &mut report.additional {
            *part = input.option(Reader::bytes)?;
            if part.is_some_and(|part| part.len() > OPAQUE_BUFFER_SIZE_MAX) {
                return Err(DecodeError::Invalid);
            }
        }
        Ok(report)
    }
}

fn decode_result(input: &mut Reader<'_>) -> Result<Result<(), AisError>, DecodeError> {
    match input.u8()? {
        1 => Ok(Ok(())),
        number => AisError::from_number(u32::from(number)).map(Err).ok_or(DecodeError::Invalid),
    }
}

impl Request<'_> {
    /// When the node itself may refuse the request, and how its program gets the outcome.
    pub(crate) fn handling(&self) -> (RequestKind, Outcome) {
        match self {
            Self::Register { .. } | Self::ErrorReport(_) | Self::ErrorCancelAll { .. } => {
                (RequestKind::Change, Outcome::Reply)
            }
            Self::Unregister { .. } | Self::TrackStop { .. } => {
                (RequestKind::Release, Outcome::Reply)
            }
            Self::TrackStart { flags, .. } => (RequestKind::Other, Outcome::of_track(*flags)),
            // Answers of components too: without quorum they are asked to go out of service.
            Self::ComponentNameGet
            | Self::ReadinessStateGet { .. }
            | Self::HaStateGet { .. }
            | Self::CapabilityModelGet { .. }
            | Self::PendingOperationGet { .. }
            | Self::StoppingComplete { .. }
            | Self::Response { .. } => (RequestKind::Other, Outcome::Reply),
        }
    }
}
