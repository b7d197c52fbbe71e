//! Values as C has them: checked and read where the program gives them, written where it
//! takes them.

use super::types::*;
use ais_client::dispatch::Flags;
use ais_client::{AisError, MAX_MESSAGE, Name};
use std::ffi::{c_char, c_void};
use std::mem::{MaybeUninit, transmute_copy};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// Checks a pointer that must not be NULL.
pub(super) fn need<T>(pointer: *const T) -> Result<(), AisError> {
    if pointer.is_null() { Err(AisError::InvalidParam) } else { Ok(()) }
}

/// Reads what a pointer points to, aligned or not.
pub(super) unsafe fn read<T: Copy>(pointer: *const T) -> Result<T, AisError> {
    need(pointer)?;
    // SAFETY: not NULL, and the contract of `ffi`.
    Ok(unsafe { ptr::read_unaligned(pointer) })
}

/// Writes a result, aligned or not.
pub(super) unsafe fn write<T>(pointer: *mut T, value: T) -> Result<(), AisError> {
    need(pointer)?;
    // SAFETY: not NULL, and the contract of `ffi`.
    unsafe { ptr::write_unaligned(pointer, value) };
    Ok(())
}

/// The number that arrived where an enum was declared.
pub(super) fn number<E>(value: MaybeUninit<E>) -> u32 {
    const { assert!(size_of::<E>() == size_of::<u32>()) }
    // SAFETY: a C enum is passed as a 32-bit number, and any number is a u32.
    unsafe { transmute_copy(&value) }
}

/// How to dispatch.
pub(super) fn flags(value: MaybeUninit<SaDispatchFlagsT>) -> Result<Flags, AisError> {
    match number(value) {
        1 => Ok(Flags::One),
        2 => Ok(Flags::All),
        3 => Ok(Flags::Blocking),
        _ => Err(AisError::InvalidParam),
    }
}

/// The version that this library serves, in either case.
pub(super) unsafe fn check_version(version: *const SaVersionT) -> Result<(), AisError> {
    // SAFETY: the contract of `ffi`.
    let version = unsafe { read(version) }.map_err(|_| AisError::Version)?;
    let release = version.releaseCode;
    let known = release == b'A' as c_char || release == b'a' as c_char;
    if known && version.major == 1 && version.minor == 1 { Ok(()) } else { Err(AisError::Version) }
}

/// A callbacks structure; without one there are no callbacks.
pub(super) unsafe fn given<T: Copy>(pointer: *const T, none: T) -> T {
    // SAFETY: the contract of `ffi`.
    unsafe { read(pointer) }.unwrap_or(none)
}

/// The bits of the callbacks that are there, the first of the structure first.
pub(super) fn mask<const N: usize>(given: [bool; N]) -> u32 {
    given.iter().rev().fold(0, |mask, given| mask << 1 | u32::from(*given))
}

/// A duration that a call may last; 0 leaves it to the executive.
pub(super) fn timeout(nanoseconds: SaTimeT) -> Result<Option<Duration>, AisError> {
    match u64::try_from(nanoseconds) {
        Ok(0) => Ok(None),
        Ok(nanoseconds) => Ok(Some(Duration::from_nanos(nanoseconds))),
        Err(_) => Err(AisError::InvalidParam),
    }
}

/// An `unsigned long`, however long it is here.
#[allow(clippy::unnecessary_cast, reason = "it is a conversion on 32-bit platforms")]
pub(super) fn wide(value: SaUint32T) -> u64 {
    value as u64
}

/// A number as an `unsigned long`; one that does not fit is the greatest.
#[allow(clippy::useless_conversion, reason = "it is a conversion on 32-bit platforms")]
pub(super) fn narrow(value: u64) -> SaUint32T {
    value.try_into().unwrap_or(SaUint32T::MAX)
}

/// A number as an `SaSizeT`; one that does not fit is the greatest.
pub(super) fn size(value: impl TryInto<SaSizeT>) -> SaSizeT {
    value.try_into().unwrap_or(SaSizeT::MAX)
}

/// Bytes of the program.
pub(super) unsafe fn bytes<'a>(
    pointer: *const c_void,
    length: usize,
) -> Result<&'a [u8], AisError> {
    if length == 0 {
        return Ok(&[]);
    }
    need(pointer)?;
    if length > MAX_MESSAGE {
        return Err(AisError::NoSpace);
    }
    // SAFETY: not NULL, of a length that an object can have, and the contract
    // of this module; the caller lets go of them before the function returns.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// A name of the program; only the bytes that count are read.
pub(super) unsafe fn name(pointer: *const SaNameT) -> Result<Name, AisError> {
    need(pointer)?;
    // SAFETY: not NULL, and the contract of `ffi`.
    unsafe {
        let length = usize::from(ptr::read_unaligned(&raw const (*pointer).length));
        if length > SA_MAX_NAME_LENGTH {
            return Err(AisError::InvalidParam);
        }
        let value = &raw const (*pointer).value;
        Name::new(bytes(value.cast(), length)?).map_err(|_| AisError::InvalidParam)
    }
}

/// A name that may be missing.
pub(super) unsafe fn optional_name(pointer: *const SaNameT) -> Result<Option<Name>, AisError> {
    // SAFETY: the contract of `ffi`.
    NonNull::new(pointer.cast_mut()).map(|name| unsafe { self::name(name.as_ptr()) }).transpose()
}

/// A name for the program.
pub(super) fn to_name(name: &Name) -> SaNameT {
    let bytes = name.as_bytes();
    let mut value = [0; SA_MAX_NAME_LENGTH];
    value[..bytes.len()].copy_from_slice(bytes);
    // A name has at most 256 bytes.
    SaNameT { length: bytes.len() as SaUint16T, value }
}

/// What a track callback is told: how many items there are and how many
/// members. With an error the members are what the program needs room for.
pub(super) fn told(items: usize, members: u32, result: Result<(), AisError>) -> [SaUint32T; 2] {
    let (items, members) = (items as u64, u64::from(members));
    match result {
        Ok(()) => [narrow(items), narrow(members)],
        Err(_) => [0, narrow(members.max(items))],
    }
}
