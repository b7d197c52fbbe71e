//! The vectors of read and write: the program's elements in, its buffers and
//! the index of a failing element out.

use super::super::types::*;
use super::super::values::{bytes, narrow, size, wide};
use ais_client::AisError;
use ais_client::ckpt::{Checkpoint, ReadElement, ReadReply, VectorError, WriteElement};
use std::ffi::c_void;
use std::ptr;

/// The longest section id that the library looks at, in bytes.
const MOST_ID_BYTES: u64 = 65_535;

/// The bytes of a section id; none for the default section.
pub(super) unsafe fn section_id<'a>(id: &SaCkptSectionIdT) -> Result<&'a [u8], AisError> {
    let length = wide(id.idLen);
    if id.id.is_null() != (length == 0) || length > MOST_ID_BYTES {
        return Err(AisError::InvalidParam);
    }
    // SAFETY: the contract of `ffi`.
    unsafe { bytes(id.id.cast_const().cast(), length as usize) }
}

/// The most elements of one call.
const MOST_ELEMENTS: u64 = 1 << 20;

/// Copies of the elements of a vector, each turned into what is sent.
unsafe fn elements<T>(
    vector: *const SaCkptIOVectorElementT,
    count: SaUint32T,
    convert: impl Fn(SaCkptIOVectorElementT) -> Result<T, AisError>,
) -> Result<Vec<T>, VectorError> {
    let count = wide(count);
    if count == 0 || count > MOST_ELEMENTS {
        return Err(VectorError::from(AisError::InvalidParam));
    }
    let mut converted = Vec::new();
    converted.try_reserve_exact(count as usize).map_err(|_| AisError::NoMemory)?;
    for index in 0..count as u32 {
        // SAFETY: the contract of `ffi`: there are as many elements as the
        // program says.
        let element = unsafe { ptr::read_unaligned(vector.add(index as usize)) };
        let blame = |error| VectorError { error, index: Some(index) };
        converted.push(convert(element).map_err(blame)?);
    }
    Ok(converted)
}

/// `saCkptCheckpointWrite`.
pub(super) unsafe fn write(
    checkpoint: &Checkpoint,
    vector: *const SaCkptIOVectorElementT,
    count: SaUint32T,
) -> Result<(), VectorError> {
    // SAFETY: the contract of `ffi`.
    let elements = unsafe {
        elements(vector, count, |element| {
            Ok(WriteElement {
                id: section_id(&element.sectionId)?,
                offset: wide(element.dataOffset),
                data: bytes(element.dataBuffer.cast_const(), length(element.dataSize)?)?,
            })
        })?
    };
    checkpoint.write(elements)
}

/// `saCkptCheckpointRead`.
pub(super) unsafe fn read(
    checkpoint: &Checkpoint,
    vector: *mut SaCkptIOVectorElementT,
    count: SaUint32T,
) -> Result<(), VectorError> {
    // SAFETY: the contract of `ffi`.
    let elements = unsafe {
        elements(vector, count, |element| {
            let length = length(element.dataSize)?;
            let rest = element.dataBuffer.is_null() && length == 0;
            Ok(ReadElement {
                id: section_id(&element.sectionId)?,
                offset: wide(element.dataOffset),
                size: (!rest).then_some(length as u32),
            })
        })?
    };
    // SAFETY: there is one piece for each element, and where the program gave
    // a buffer it is as long as the element says, which no piece exceeds.
    checkpoint.read(elements, |reply| unsafe { place(vector, &reply) })
}

fn length(size: SaSizeT) -> Result<usize, AisError> {
    usize::try_from(size).map_err(|_| AisError::InvalidParam)
}

/// Puts the pieces where the program wants them; all of them or none.
unsafe fn place(
    vector: *mut SaCkptIOVectorElementT,
    reply: &ReadReply<'_>,
) -> Result<(), AisError> {
    // SAFETY: see `read`, the only caller; malloc gives as much as is asked.
    unsafe {
        let mut allocated = Allocated(Vec::new());
        for (index, piece) in reply.pieces().enumerate() {
            if (&raw const (*vector.add(index)).dataBuffer).read_unaligned().is_null() {
                allocated.allocate(index, piece.len())?;
            }
        }
        for (index, buffer) in std::mem::take(&mut allocated.0) {
            (&raw mut (*vector.add(index)).dataBuffer).write_unaligned(buffer);
        }
        for (index, piece) in reply.pieces().enumerate() {
            let element = vector.add(index);
            let buffer = (&raw const (*element).dataBuffer).read_unaligned();
            ptr::copy_nonoverlapping(piece.as_ptr(), buffer.cast(), piece.len());
            (&raw mut (*element).readSize).write_unaligned(size(piece.len()));
        }
    }
    Ok(())
}

/// Buffers for the program, freed unless they get there.
struct Allocated(Vec<(usize, *mut c_void)>);

impl Allocated {
    /// A buffer for an element. One of no bytes is none, so that it has one.
    fn allocate(&mut self, index: usize, length: usize) -> Result<(), AisError> {
        self.0.try_reserve(1).map_err(|_| AisError::NoMemory)?;
        // SAFETY: malloc may be called with any size.
        let buffer = unsafe { libc::malloc(length.max(1)) };
        if buffer.is_null() {
            return Err(AisError::NoMemory);
        }
        self.0.push((index, buffer));
        Ok(())
    }
}

impl Drop for Allocated {
    fn drop(&mut self) {
        for (_, buffer) in &self.0 {
            // SAFETY: from malloc, and nobody else has it.
            unsafe { libc::free(*buffer) };
        }
    }
}

/// Tells the program which element is to blame, if it wants to know.
pub(super) unsafe fn tell_index(
    result: Result<(), VectorError>,
    erroneousVectorIndex: *mut SaUint32T,
) -> Result<(), AisError> {
    result.map_err(|VectorError { error, index }| {
        if let Some(index) = index.filter(|_| !erroneousVectorIndex.is_null()) {
            // SAFETY: not NULL, and the contract of `ffi`.
            unsafe { erroneousVectorIndex.write_unaligned(narrow(u64::from(index))) };
        }
        error
    })
}
