//! The functions of `ais_amf.h`.

pub mod callbacks;

use super::dispatch::dispatch;
use super::entry::{guard, guard_release};
use super::error::never_try_again;
use super::handles::{Handles, WithCallbacks};
use super::place::Buffer;
use super::types::*;
use super::values::{
    bytes, check_version, given, name, narrow, need, number, optional_name, read, to_name, write,
};
use ais_client::amf::{self, Amf, ErrorReport, OPAQUE_BUFFER_SIZE_MAX, Recovery};
use ais_client::{AisError, TrackFlags};
use callbacks::{AmfHandle, Call, NO_CALLBACKS, SaAmfCallbacksT, to_ha_state, to_readiness};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// Opens a handle. Callbacks may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfInitialize(
    amfHandle: *mut SaAmfHandleT,
    amfCallbacks: *const SaAmfCallbacksT,
    version: *const SaVersionT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(amfHandle)?;
        check_version(version)?;
        let callbacks = given(amfCallbacks, NO_CALLBACKS);
        let handle = Amf::open(callbacks.present())?;
        write(amfHandle, HANDLES.insert(Arc::new(WithCallbacks { handle, callbacks })))
    })
}

/// The descriptor that is readable when a callback is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfSelectionObjectGet(
    amfHandle: *const SaAmfHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(selectionObject)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        write(selectionObject, handle.selection_object()?.as_raw_fd())
    })
}

/// Runs pending callbacks on the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfDispatch(
    amfHandle: *const SaAmfHandleT,
    dispatchFlags: MaybeUninit<SaDispatchFlagsT>,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    unsafe { dispatch(&HANDLES, amfHandle, dispatchFlags, Call::run) }
}

/// Closes a handle; its components are unregistered.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfFinalize(amfHandle: *const SaAmfHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        HANDLES.remove(read(amfHandle)?)?.close();
        Ok(())
    })
}

/// Announces a component as ready. ProxyCompName is NULL for a component that
/// speaks for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfComponentRegister(
    amfHandle: *const SaAmfHandleT,
    compName: *const SaNameT,
    proxyCompName: *const SaNameT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        handle.register(name(compName)?, optional_name(proxyCompName)?)
    })
}

/// Withdraws a component.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfComponentUnregister(
    amfHandle: *const SaAmfHandleT,
    compName: *const SaNameT,
    proxyCompName: *const SaNameT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        need(compName)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        never_try_again(handle.unregister(name(compName)?, optional_name(proxyCompName)?))
    })
}

/// The component last registered through the handle, else what the
/// environment variable SA_AMF_COMPONENT_NAME says.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfCompNameGet(
    amfHandle: *const SaAmfHandleT,
    compName: *mut SaNameT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        write(compName, to_name(&handle.component_name()?))
    })
}

/// The readiness state of a component.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfReadinessStateGet(
    compName: *const SaNameT,
    readinessState: *mut SaAmfReadinessStateT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        need(readinessState)?;
        write(readinessState, to_readiness(amf::readiness_state(name(compName)?)?))
    })
}

/// Answers a readiness state callback that asked for SA_AMF_STOPPING.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfStoppingComplete(
    invocation: SaInvocationT,
    error: MaybeUninit<SaErrorT>,
) -> SaErrorT {
    guard(|| amf::stopping_complete(invocation, answer(error)?))
}

/// The HA state of a component for a component service instance.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfHAStateGet(
    compName: *const SaNameT,
    csiName: *const SaNameT,
    haState: *mut SaAmfHAStateT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        need(csiName)?;
        need(haState)?;
        write(haState, to_ha_state(amf::ha_state(name(compName)?, name(csiName)?)?))
    })
}

/// Asks for the members of a protection group (SA_TRACK_CURRENT) and for
/// changes. The buffer is filled before each callback, in spite of the const,
/// and must stay valid until saAmfProtectionGroupTrackStop or saAmfFinalize.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfProtectionGroupTrackStart(
    amfHandle: *const SaAmfHandleT,
    csiName: *const SaNameT,
    trackFlags: SaUint8T,
    notificationBuffer: *const SaAmfProtectionGroupNotificationT,
    numberOfItems: SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(csiName)?;
        need(notificationBuffer)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        let flags = TrackFlags::from_api(trackFlags).ok_or(AisError::BadFlags)?;
        let buffer = Buffer::new(notificationBuffer, numberOfItems)?;
        handle.track_start(&name(csiName)?, flags, buffer.capacity(), buffer)
    })
}

/// Ends what saAmfProtectionGroupTrackStart began.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfProtectionGroupTrackStop(
    amfHandle: *const SaAmfHandleT,
    csiName: *const SaNameT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        need(csiName)?;
        let handle = HANDLES.find(read(amfHandle)?)?;
        never_try_again(handle.track_stop(&name(csiName)?))
    })
}

/// Reports that a component failed. ErrorDetectionTime is in nanoseconds
/// since the Unix epoch, 0 for now; additionalData may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfErrorReport(
    reportingComponent: *const SaNameT,
    erroneousComponent: *const SaNameT,
    errorDetectionTime: SaTimeT,
    errorDescriptor: *const SaAmfErrorDescriptorT,
    additionalData: *const SaAmfAdditionalDataT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(reportingComponent)?;
        need(erroneousComponent)?;
        let descriptor = read(errorDescriptor)?;
        let probable_cause = in_range(number(descriptor.probableCause), 30);
        if probable_cause == 0 {
            return Err(AisError::InvalidParam);
        }
        amf::error_report(ErrorReport {
            additional: additional(additionalData)?,
            reporting: name(reportingComponent)?,
            erroneous: name(erroneousComponent)?,
            detection_time: errorDetectionTime,
            report_type: in_range(number(descriptor.errorReportType), 5),
            probable_cause,
            severity: in_range(number(descriptor.errorImpactAndSeverity), 10),
            recovery: Recovery::from_number(number(descriptor.recommendedRecovery))
                .unwrap_or(Recovery::NoRecommendation),
        })
    })
}

/// Takes all errors of a component back.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfErrorCancelAll(compName: *const SaNameT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe { amf::error_cancel_all(name(compName)?) })
}

/// The capability model of a component.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfComponentCapabilityModelGet(
    compName: *const SaNameT,
    componentCapabilityModel: *mut SaAmfComponentCapabilityModelT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        need(componentCapabilityModel)?;
        let model = to_model(amf::capability_model(name(compName)?)?)?;
        write(componentCapabilityModel, model)
    })
}

/// The operations of a component that wait for a confirmation.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfPendingOperationGet(
    compName: *const SaNameT,
    pendingOperationFlags: *mut SaAmfPendingOperationFlagsT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(compName)?;
        need(pendingOperationFlags)?;
        let flags = amf::pending_operation(name(compName)?)?;
        write(pendingOperationFlags, narrow(u64::from(flags)))
    })
}

/// Answers a callback: SA_OK or SA_ERR_FAILED_OPERATION. Any thread may
/// answer, in the callback or later.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saAmfResponse(
    invocation: SaInvocationT,
    error: MaybeUninit<SaErrorT>,
) -> SaErrorT {
    guard(|| amf::respond(invocation, answer(error)?))
}

static HANDLES: Handles<AmfHandle> = Handles::new();

/// What a program answers to a callback.
fn answer(error: MaybeUninit<SaErrorT>) -> Result<Result<(), AisError>, AisError> {
    match number(error) {
        1 => Ok(Ok(())),
        number => AisError::from_number(number).map(Err).ok_or(AisError::InvalidParam),
    }
}

/// The number if it is one of 1 to `last`, else 0.
fn in_range(number: u32, last: u8) -> u8 {
    u8::try_from(number).ok().filter(|number| *number <= last).unwrap_or(0)
}

/// The three buffers of an error report.
unsafe fn additional<'a>(
    data: *const SaAmfAdditionalDataT,
) -> Result<[Option<&'a [u8]>; 3], AisError> {
    if data.is_null() {
        return Ok([None; 3]);
    }
    // SAFETY: the contract of `ffi`.
    unsafe {
        let data = read(data)?;
        Ok([
            buffer(data.specificProblem)?,
            buffer(data.additionalText)?,
            buffer(data.additionalInformation)?,
        ])
    }
}

unsafe fn buffer<'a>(buffer: *const SaAmfErrorBufferT) -> Result<Option<&'a [u8]>, AisError> {
    if buffer.is_null() {
        return Ok(None);
    }
    // SAFETY: the contract of `ffi`.
    unsafe {
        let SaAmfErrorBufferT { buffer, size } = read(buffer)?;
        let size = usize::try_from(size).map_err(|_| AisError::InvalidParam)?;
        if size > OPAQUE_BUFFER_SIZE_MAX {
            return Err(AisError::InvalidParam);
        }
        bytes(buffer.cast(), size).map(Some)
    }
}

fn to_model(number: u8) -> Result<SaAmfComponentCapabilityModelT, AisError> {
    use SaAmfComponentCapabilityModelT::*;
    Ok(match number {
        1 => SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_AND_Y_STANDBY,
        2 => SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE_OR_Y_STANDBY,
        3 => SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_Y_STANDBY,
        4 => SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE_OR_1_STANDBY,
        5 => SA_AMF_COMPONENT_CAPABILITY_X_ACTIVE,
        6 => SA_AMF_COMPONENT_CAPABILITY_1_ACTIVE,
        7 => SA_AMF_COMPONENT_CAPABILITY_NO_ACTIVE,
        _ => return Err(AisError::Library),
    })
}
