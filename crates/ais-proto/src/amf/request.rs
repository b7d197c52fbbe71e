//! The requests to AMF.

use super::{HaState, OPAQUE_BUFFER_SIZE_MAX, Readiness, Recovery};
use crate::messages::requests;
use crate::track::TrackFlags;
use crate::{AisError, DecodeError, Name, Outcome, Reader, Writer};
use ais_wire::{Form, Wire, record};

record! {
    /// What `saAmfErrorReport` says.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ErrorReport<'a> {
        /// The component that reports.
        pub reporting: Name,
        /// The component that failed.
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
        pub additional: [Option<&'a [u8]>; 3] as Additional,
    }
}

requests! {
    /// A request to AMF.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Request<'a> {
        /// `saAmfComponentRegister`, on the connection of the library handle.
        0x0201 Register {
            /// The component.
            component: Name,
            /// The component that speaks for it.
            proxy: Option<Name>,
        } -> (): Change,
        /// `saAmfComponentUnregister`, on the connection of the library handle.
        0x0202 Unregister {
            /// The component.
            component: Name,
            /// The component that speaks for it.
            proxy: Option<Name>,
        } -> (): Release,
        /// `saAmfCompNameGet`, on the connection of the library handle: the name last
        /// registered through it; `NOT_EXIST` if there is none.
        0x0203 ComponentNameGet -> Name: Other,
        /// `saAmfReadinessStateGet`.
        0x0204 ReadinessStateGet {
            /// The component.
            component: Name,
        } -> Readiness: Other,
        /// `saAmfHAStateGet`.
        0x0205 HaStateGet {
            /// The component.
            component: Name,
            /// The instance.
            csi: Name,
        } -> HaState: Other,
        /// `saAmfComponentCapabilityModelGet`: the number of the model.
        0x0206 CapabilityModelGet {
            /// The component.
            component: Name,
        } -> u8: Other,
        /// `saAmfPendingOperationGet`: the flags.
        0x0207 PendingOperationGet {
            /// The component.
            component: Name,
        } -> u32: Other,
        /// `saAmfProtectionGroupTrackStart`, on the connection of the library handle.
        0x0208 TrackStart {
            /// The instance whose protection group it is.
            csi: Name,
            /// What is asked for.
            flags: TrackFlags,
            /// How many notifications the program's buffer holds.
            capacity: u64,
            /// Comes back in every event of this subscription.
            subscription: u32,
        } -> (): Other => Outcome::of_track(*flags),
        /// `saAmfProtectionGroupTrackStop`, on the connection of the library
        /// handle.
        0x0209 TrackStop {
            /// The instance.
            csi: Name,
        } -> (): Release,
        /// `saAmfErrorReport`.
        0x020a ErrorReport(report: ErrorReport<'a>) -> (): Change,
        /// `saAmfErrorCancelAll`.
        0x020b ErrorCancelAll {
            /// The component.
            component: Name,
        } -> (): Change,
        /// `saAmfStoppingComplete`. Answers of components are taken without quorum too: they are
        /// asked to go out of service then.
        0x020c StoppingComplete {
            /// What it answers.
            invocation: i32,
            /// Whether it succeeded.
            result: Result<(), AisError> as Number,
        } -> (): Other,
        /// `saAmfResponse`.
        0x020d Response {
            /// What it answers.
            invocation: i32,
            /// Whether it succeeded.
            result: Result<(), AisError> as Number,
        } -> (): Other,
    }
}

/// The buffers of an error report, each of which may be missing.
enum Additional {}

impl<'a> Form<'a, [Option<&'a [u8]>; 3]> for Additional {
    fn put(value: &[Option<&'a [u8]>; 3], out: &mut Writer) {
        for part in value {
            part.put(out);
        }
    }

    fn take(input: &mut Reader<'a>) -> Result<[Option<&'a [u8]>; 3], DecodeError> {
        let mut parts = [None; 3];
        for part in &mut parts {
            *part = input.option(Reader::bytes)?;
            if part.is_some_and(|part| part.len() > OPAQUE_BUFFER_SIZE_MAX) {
                return Err(DecodeError::Invalid);
            }
        }
        Ok(parts)
    }
}

/// What a component answers, as a number of `SaErrorT`: 1 (`SA_OK`) or that of the error.
enum Number {}

impl Form<'_, Result<(), AisError>> for Number {
    fn put(value: &Result<(), AisError>, out: &mut Writer) {
        out.u8(value.map_or_else(|error| error as u8, |()| 1));
    }

    fn take(input: &mut Reader<'_>) -> Result<Result<(), AisError>, DecodeError> {
        match input.u8()? {
            1 => Ok(Ok(())),
            number => AisError::from_number(u32::from(number)).map(Err).ok_or(DecodeError::Invalid),
        }
    }
}
