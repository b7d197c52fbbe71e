//! The functions of `ais_ckpt.h`.

mod open;
mod vector;

use super::dispatch::{Dispatching, dispatch};
use super::entry::{guard, guard_release};
use super::error;
use super::handles::{Handles, WithCallbacks};
use super::types::*;
use super::values::{
    self, bytes, check_version, given, mask, name, narrow, need, number, read, size, wide, write,
};
use ais_client::AisError;
use ais_client::ckpt::{
    self, Attributes, Callbacks, Ckpt, Event, NO_LIMIT, Open, OpenFlags, SectionsChosen, Status,
    UpdateOption,
};
use ais_client::dispatch::{Step, Turn};
use open::{CHECKPOINTS, OpenCheckpoint, SECTIONS};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use vector::section_id;

/// Opens a handle. Callbacks may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptInitialize(
    ckptHandle: *mut SaCkptHandleT,
    callbacks: *const SaCkptCallbacksT,
    version: *const SaVersionT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(ckptHandle)?;
        check_version(version)?;
        let callbacks = given(callbacks, NO_CALLBACKS);
        let handle = Ckpt::new(callbacks.present())?;
        write(ckptHandle, HANDLES.insert(Arc::new(WithCallbacks { handle, callbacks })))
    })
}

/// The descriptor that is readable when a callback is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSelectionObjectGet(
    ckptHandle: *const SaCkptHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(selectionObject)?;
        let handle = HANDLES.find(read(ckptHandle)?)?;
        write(selectionObject, handle.selection_object()?.as_raw_fd())
    })
}

/// Runs pending callbacks on the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptDispatch(
    ckptHandle: *const SaCkptHandleT,
    dispatchFlags: MaybeUninit<SaDispatchFlagsT>,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    unsafe { dispatch(&HANDLES, ckptHandle, dispatchFlags, Call::run) }
}

/// Closes a handle. Open checkpoints stay open.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptFinalize(ckptHandle: *const SaCkptHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        HANDLES.remove(read(ckptHandle)?)?.close();
        Ok(())
    })
}

/// Opens a checkpoint; creates it if it is not there, unless
/// checkpointCreationAttributes is NULL. Timeout: nanoseconds, 0 for the
/// executive's default.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointOpen(
    checkpointName: *const SaNameT,
    checkpointCreationAttributes: *const SaCkptCheckpointCreationAttributesT,
    checkpointOpenFlags: SaCkptCheckpointOpenFlagsT,
    timeout: SaTimeT,
    checkpointHandle: *mut SaCkptCheckpointHandleT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(checkpointName)?;
        need(checkpointHandle)?;
        let timeout = values::timeout(timeout)?;
        let open = to_open(checkpointName, checkpointCreationAttributes, checkpointOpenFlags)?;
        let checkpoint = ckpt::open(open, timeout)?;
        write(checkpointHandle, OpenCheckpoint::insert(checkpoint))
    })
}

/// As saCkptCheckpointOpen; the handle comes with the callback.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointOpenAsync(
    ckptHandle: *const SaCkptHandleT,
    invocation: SaInvocationT,
    checkpointName: *const SaNameT,
    checkpointCreationAttributes: *const SaCkptCheckpointCreationAttributesT,
    checkpointOpenFlags: SaCkptCheckpointOpenFlagsT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(checkpointName)?;
        let handle = HANDLES.find(read(ckptHandle)?)?;
        let open = to_open(checkpointName, checkpointCreationAttributes, checkpointOpenFlags)?;
        handle.open_async(invocation, &open)
    })
}

/// Closes a checkpoint; its iterators end.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointClose(
    checkpointHandle: *const SaCkptCheckpointHandleT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe { open::close(read(checkpointHandle)?) })
}

/// Removes the name of a checkpoint. The data lives until the last close.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointUnlink(checkpointName: *const SaNameT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe { ckpt::unlink(name(checkpointName)?) })
}

/// Sets how long a checkpoint outlives its last close, in nanoseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointRetentionDurationSet(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    retentionDuration: SaTimeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        if retentionDuration < 0 {
            return Err(AisError::InvalidParam);
        }
        checkpoint.set_retention_duration(retentionDuration)
    })
}

/// Makes the replica of this node the active one.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptActiveCheckpointSet(
    checkpointHandle: *const SaCkptCheckpointHandleT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        checkpoint.set_active()
    })
}

/// What a checkpoint is like.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointStatusGet(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    checkpointStatus: *mut SaCkptCheckpointStatusT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(checkpointStatus)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        write(checkpointStatus, to_status(&checkpoint.status()?))
    })
}

/// Creates a section with its first data.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionCreate(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    sectionCreationAttributes: *mut SaCkptSectionCreationAttributesT,
    initialData: *const c_void,
    initialDataSize: SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let attributes = read(sectionCreationAttributes)?;
        let id = read(attributes.sectionId)?;
        if initialDataSize > 0 {
            need(initialData)?;
        }
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        let section = section_id(&id)?;
        // What SA_CKPT_GENERATED_SECTION_ID looks like: the executive invents one.
        let section = Some(section).filter(|section| !section.is_empty());
        let length = usize::try_from(initialDataSize).unwrap_or(usize::MAX);
        let data = bytes(initialData, length)?;
        let created = checkpoint.create_section(section, attributes.expirationTime, data)?;
        match section {
            Some(_) => Ok(()),
            None => write(attributes.sectionId, checkpoint.keep(created)),
        }
    })
}

/// Deletes a section.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionDelete(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let id = read(sectionId)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        checkpoint.delete_section(section_id(&id)?)
    })
}

/// Sets when a section expires, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionExpirationTimeSet(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
    expirationTime: SaTimeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let id = read(sectionId)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        checkpoint.set_expiration_time(section_id(&id)?, expirationTime)
    })
}

/// Begins to list sections. SectionsChosen may be 0 for SA_CKPT_SECTIONS_ANY.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionIteratorInitialize(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    sectionsChosen: MaybeUninit<SaCkptSectionsChosenT>,
    expirationTime: SaTimeT,
    sectionIterator: *mut SaCkptSectionIteratorT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(sectionIterator)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        let chosen = match number(sectionsChosen) {
            0 => SectionsChosen::Any,
            number => SectionsChosen::from_number(number).ok_or(AisError::InvalidParam)?,
        };
        let listing = checkpoint.list(chosen, expirationTime)?;
        write(sectionIterator, SECTIONS.insert(Arc::new(listing)))
    })
}

/// The next section; SA_ERR_NOT_EXIST at the end.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionIteratorNext(
    sectionIterator: *mut SaCkptSectionIteratorT,
    sectionDescriptor: *mut SaCkptSectionDescriptorT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(sectionDescriptor)?;
        let listing = SECTIONS.find(read(sectionIterator)?)?;
        write(sectionDescriptor, listing.next()?)
    })
}

/// Ends an iterator.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionIteratorFinalize(
    sectionIterator: *mut SaCkptSectionIteratorT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe { SECTIONS.remove(read(sectionIterator)?).map(drop) })
}

/// Writes all elements or none. ErroneousVectorIndex may be NULL; it is set
/// only if an element is to blame for an error.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointWrite(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    ioVector: *const SaCkptIOVectorElementT,
    numberOfElements: SaUint32T,
    erroneousVectorIndex: *mut SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(ioVector)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        let result = vector::write(&checkpoint, ioVector, numberOfElements);
        vector::tell_index(result, erroneousVectorIndex)
    })
}

/// Replaces all that a section holds.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptSectionOverwrite(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    sectionId: *const SaCkptSectionIdT,
    dataBuffer: *mut SaUint8T,
    dataSize: SaSizeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let id = read(sectionId)?;
        if dataSize != 0 {
            need(dataBuffer)?;
        }
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        let size = usize::try_from(dataSize).map_err(|_| AisError::InvalidParam)?;
        checkpoint.overwrite(section_id(&id)?, bytes(dataBuffer.cast(), size)?)
    })
}

/// Reads. Where dataBuffer is NULL the library allocates it with malloc and the
/// caller frees it; a dataSize of 0 then asks for the rest of the section.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointRead(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    ioVector: *mut SaCkptIOVectorElementT,
    numberOfElements: SaUint32T,
    erroneousVectorIndex: *mut SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(ioVector)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        let result = vector::read(&checkpoint, ioVector, numberOfElements);
        vector::tell_index(result, erroneousVectorIndex)
    })
}

/// Waits until all replicas have all that was written before. Timeout:
/// nanoseconds, 0 for the executive's default.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointSynchronize(
    checkpointHandle: *const SaCkptCheckpointHandleT,
    timeout: SaTimeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        checkpoint.synchronize(values::timeout(timeout)?)
    })
}

/// As saCkptCheckpointSynchronize; the end is told by the callback.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saCkptCheckpointSynchronizeAsync(
    ckptHandle: *const SaCkptHandleT,
    invocation: SaInvocationT,
    checkpointHandle: *const SaCkptCheckpointHandleT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(checkpointHandle)?;
        let handle = HANDLES.find(read(ckptHandle)?)?;
        let checkpoint = CHECKPOINTS.find(read(checkpointHandle)?)?;
        handle.synchronize_async(invocation, &checkpoint)
    })
}

const NO_CALLBACKS: SaCkptCallbacksT = SaCkptCallbacksT {
    saCkptCheckpointOpenCallback: None,
    saCkptCheckpointSynchronizeCallback: None,
};

/// A handle of CKPT, of which requests are known by their invocation.
type CkptHandle = WithCallbacks<Ckpt<SaInvocationT>, SaCkptCallbacksT>;

static HANDLES: Handles<CkptHandle> = Handles::new();

impl SaCkptCallbacksT {
    /// Which callbacks there are.
    fn present(&self) -> Callbacks {
        Callbacks::from_bits_truncate(mask([
            self.saCkptCheckpointOpenCallback.is_some(),
            self.saCkptCheckpointSynchronizeCallback.is_some(),
        ]))
    }
}

/// A callback and what it is told.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Opened(SaCkptCheckpointOpenCallbackT, SaInvocationT, SaCkptCheckpointHandleT, SaErrorT),
    Synchronized(SaCkptCheckpointSynchronizeCallbackT, SaInvocationT, SaErrorT),
}

impl Call {
    /// Makes it, if the program gave one.
    unsafe fn run(self) {
        // SAFETY: a callback that the program gave for this.
        unsafe {
            match self {
                Self::Opened(Some(callback), invocation, handle, error) => {
                    callback(invocation, &raw const handle, error);
                }
                Self::Synchronized(Some(callback), invocation, error) => {
                    callback(invocation, error);
                }
                Self::Opened(None, ..) | Self::Synchronized(None, ..) => {}
            }
        }
    }
}

impl Dispatching for CkptHandle {
    type Call = Call;

    fn step(&self, turn: &mut Turn) -> Result<Step<Call>, AisError> {
        self.handle.step(turn)?.try_map(|event| {
            Ok(match event {
                Event::Opened(invocation, result) => {
                    let mut handle = -1;
                    let result = result.map(|checkpoint| {
                        handle = OpenCheckpoint::insert(checkpoint);
                    });
                    let callback = self.callbacks.saCkptCheckpointOpenCallback;
                    Call::Opened(callback, invocation, handle, error::to_c(result))
                }
                Event::Synchronized(invocation, result) => {
                    let callback = self.callbacks.saCkptCheckpointSynchronizeCallback;
                    Call::Synchronized(callback, invocation, error::to_c(result))
                }
            })
        })
    }

    fn selection_object(&self) -> Result<RawFd, AisError> {
        Ok(self.handle.selection_object()?.as_raw_fd())
    }
}

/// What to open: flags first, then attributes, then the name.
unsafe fn to_open(
    checkpointName: *const SaNameT,
    attributes: *const SaCkptCheckpointCreationAttributesT,
    flags: SaCkptCheckpointOpenFlagsT,
) -> Result<Open, AisError> {
    let flags = u8::try_from(flags).ok().and_then(OpenFlags::from_bits);
    let is_legal = |flags: &OpenFlags| !flags.is_empty() && !flags.contains(OpenFlags::AMENDED);
    let mut flags = flags.filter(is_legal).ok_or(AisError::BadFlags)?;
    // SAFETY: the contract of `ffi`.
    unsafe {
        let attributes = match attributes.is_null() {
            true => None,
            false => {
                let given = read(attributes)?;
                if is_of_other_headers(&given) {
                    ckpt::tell_misfit();
                }
                flags.set(OpenFlags::AMENDED, !is_as_specified(&given));
                Some(from_attributes(&given)?)
            }
        };
        Ok(Open { name: name(checkpointName)?, attributes, flags })
    }
}

/// Whether these creation attributes look like those of a program compiled on
/// LP64 with headers in which `SaUint32T` has 32 bits: its `checkpointSize` is
/// then the upper half of what is read as `creationFlags`.
fn is_of_other_headers(attributes: &SaCkptCheckpointCreationAttributesT) -> bool {
    let flags = wide(attributes.creationFlags);
    flags > u64::from(u32::MAX) && UpdateOption::strongest(flags & u64::from(u32::MAX)).is_some()
}

/// Whether the specification allows these creation attributes.
fn is_as_specified(attributes: &SaCkptCheckpointCreationAttributesT) -> bool {
    wide(attributes.creationFlags).is_power_of_two()
        && attributes.checkpointSize >= 0
        && attributes.maxSectionSize >= 0
        && attributes.retentionDuration >= 0
}

/// Creation attributes as the programs of 2004 meant them: the strongest of
/// the options that they name, and no limit where they give a negative one.
fn from_attributes(
    attributes: &SaCkptCheckpointCreationAttributesT,
) -> Result<Attributes, AisError> {
    let option = UpdateOption::strongest(wide(attributes.creationFlags));
    let limit = |size: SaSizeT| u32::try_from(size).unwrap_or(NO_LIMIT);
    let duration = attributes.retentionDuration;
    Ok(Attributes {
        option: option.ok_or(AisError::InvalidParam)?,
        checkpoint_size: limit(attributes.checkpointSize),
        retention_duration: if duration < 0 { SaTimeT::MAX } else { duration },
        max_sections: wide(attributes.maxSections),
        max_section_size: limit(attributes.maxSectionSize),
        max_section_id_size: wide(attributes.maxSectionIdSize),
    })
}

fn to_status(status: &Status) -> SaCkptCheckpointStatusT {
    let attributes = &status.attributes;
    let limit = |limit: u32| if limit == NO_LIMIT { -1 } else { size(limit) };
    SaCkptCheckpointStatusT {
        checkpointCreationAttributes: SaCkptCheckpointCreationAttributesT {
            creationFlags: narrow(u64::from(attributes.option.number())),
            checkpointSize: limit(attributes.checkpoint_size),
            retentionDuration: attributes.retention_duration,
            maxSections: narrow(attributes.max_sections),
            maxSectionSize: limit(attributes.max_section_size),
            maxSectionIdSize: narrow(attributes.max_section_id_size),
        },
        numberOfSections: narrow(status.sections),
        memoryUsed: narrow(status.memory_used),
    }
}
