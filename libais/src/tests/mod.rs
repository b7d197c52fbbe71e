//! The library as a C program sees it, against an executive that does what a
//! test tells it. Every test has its own process, since a process has one
//! session with the executive.

mod calls;
mod checkpoints;
mod events;
mod fake;
mod processes;

use crate::ffi::types::{SaDispatchFlagsT, SaErrorT, SaNameT, SaVersionT};
use std::mem::MaybeUninit;
use std::process::Command;
use std::{env, fs};

static VERSION: SaVersionT = SaVersionT { releaseCode: b'A' as _, major: 1, minor: 1 };

/// Which test a process is for.
const TEST: &str = "AIS_LIBRARY_TEST";

/// Runs a test in a process of its own, where `AIS_SOCKET` names a socket that
/// nobody listens on yet.
fn in_own_process(name: &str, test: fn()) {
    in_own_process_with(name, &[], test);
}

/// The same with more in the environment.
fn in_own_process_with(name: &str, variables: &[(&str, &str)], test: fn()) {
    if env::var(TEST).is_ok_and(|running| running == name) {
        return test();
    }
    let unique = format!("ais-{}-{}", std::process::id(), name.replace("::", "."));
    let directory = env::temp_dir().join(unique);
    fs::create_dir_all(&directory).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("tests::{name}"), "--nocapture", "--test-threads=1"])
        .env(TEST, name)
        .env("AIS_SOCKET", directory.join("s"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(" 1 passed"),
        "{name}: {}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
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
