//! The library as a C program sees it, against an executive that does what a
//! test tells it. Every test has its own process, since a process has one
//! session with the executive.

mod calls;
mod checkpoints;
mod events;
mod processes;

use crate::ffi::types::{SaDispatchFlagsT, SaErrorT, SaNameT, SaVersionT};
use std::mem::MaybeUninit;

static VERSION: SaVersionT = SaVersionT { releaseCode: b'A' as _, major: 1, minor: 1 };

/// Runs a test of this module in a process of its own.
fn in_own_process(name: &str, test: fn()) {
    in_own_process_with(name, &[], test);
}

/// The same with more in the environment.
fn in_own_process_with(name: &str, variables: &[(&str, &str)], test: fn()) {
    ais_fake::in_own_process(&format!("tests::{name}"), variables, test);
}

/// A dispatch flag, or what a C program may pass for one.
fn dispatch_flag(number: u32) -> MaybeUninit<SaDispatchFlagsT> {
    from_c(number)
}

/// Any number in the place of an enum.
fn from_c<E>(number: u32) -> MaybeUninit<E> {
    assert_eq!(size_of::<E>(), size_of::<u32>());
    let mut value = MaybeUninit::<E>::uninit();
    // SAFETY: four bytes of room, as the assertion says.
    unsafe { value.as_mut_ptr().cast::<u32>().write(number) };
    value
}

fn name(text: &str) -> SaNameT {
    let mut name = SaNameT { length: text.len() as _, value: [0; 256] };
    name.value[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// Asserts that a function returned SA_OK.
#[track_caller]
fn ok(result: SaErrorT) {
    assert_eq!(result, SaErrorT::SA_OK);
}
