//! Dispatching: callbacks run outside of the library, between its steps.
//!
//! What a callback gets is copied to the stack of the dispatching thread, and
//! the handle is looked up anew after it: a frame that a callback never comes
//! back to holds nothing. A thread that waits must keep the handle, so that
//! its socket stays open; that is kept with the thread, not with the frame.

use super::entry::{self, inside};
use super::handles::Table;
use super::types::{SaDispatchFlagsT, SaErrorT};
use super::{error, flags, read};
use crate::api::dispatch::{Step, Turn};
use crate::sys::fork;
use crate::sys::thread::{Key, within};
use ais_proto::AisError;
use libc::c_void;
use std::any::Any;
use std::mem::{self, MaybeUninit};
use std::os::fd::RawFd;
use std::sync::Arc;

/// A library handle that can dispatch.
pub(super) trait Dispatching: Any + Send + Sync {
    /// A callback and its arguments, without anything that must be dropped.
    type Call: Copy;

    /// The next step.
    fn step(&self, turn: &mut Turn) -> Result<Step<Self::Call>, AisError>;
    /// The descriptor to wait for.
    fn selection_object(&self) -> Result<RawFd, AisError>;
}

/// Runs callbacks of a handle; `run` makes one.
///
/// # Safety
/// The contract of `ffi`, also for the callbacks.
pub(super) unsafe fn dispatch<H: Dispatching>(
    table: fn() -> &'static Table<H>,
    handle: *const i32,
    dispatch_flags: MaybeUninit<SaDispatchFlagsT>,
    run: unsafe fn(H::Call),
) -> SaErrorT {
    entry::test_cancel();
    let mut begun: Option<Begun> = None;
    let frame = (&raw const begun).addr();
    loop {
        let next = inside(|| {
            // SAFETY: the caller.
            let number = begun.map_or_else(|| unsafe { read(handle) }, |begun| Ok(begun.number))?;
            let handle = match (table().find(number), &begun) {
                (Ok(handle), _) => handle,
                // It was finalized meanwhile. The child of a fork in a callback
                // learns that it has no handle.
                (Err(_), Some(begun)) if begun.generation == fork::generation() => {
                    return Ok(Next::Done);
                }
                (Err(error), _) => return Err(error),
            };
            let begun = match &mut begun {
                Some(begun) => begun,
                none => {
                    let turn = Turn::new(flags(dispatch_flags)?);
                    none.insert(Begun { number, turn, generation: fork::generation() })
                }
            };
            Ok(match handle.step(&mut begun.turn)? {
                Step::Done => Next::Done,
                Step::Call(call) => Next::Call(call),
                Step::Wait => {
                    let fd = handle.selection_object()?;
                    keep(frame, handle)?;
                    Next::Wait(fd)
                }
            })
        });
        match next {
            // SAFETY: the caller; no frame here has a destructor.
            Ok(Next::Call(call)) => unsafe { run(call) },
            Ok(Next::Wait(fd)) => {
                entry::wait_outside(fd);
                // It fails for want of nothing: the step has used as much.
                let _ = within(|| {
                    release(frame);
                    Ok(())
                });
            }
            Ok(Next::Done) => return SaErrorT::SA_OK,
            Err(error) => {
                entry::test_cancel();
                return error::to_c(Err(error));
            }
        }
    }
}

/// A dispatch that has found its handle.
#[derive(Clone, Copy)]
struct Begun {
    number: i32,
    turn: Turn,
    /// The process, counted in forks.
    generation: u32,
}

#[derive(Clone, Copy)]
enum Next<C> {
    Done,
    Call(C),
    Wait(RawFd),
}

/// What the waits of a thread need: of which frame, in which process, what.
type Kept = Vec<(usize, u32, Arc<dyn Any + Send + Sync>)>;

static KEPT: Key = Key::new(Some(drop_kept));

/// Keeps a handle for the wait of this frame.
fn keep(frame: usize, handle: Arc<dyn Any + Send + Sync>) -> Result<(), AisError> {
    let key = KEPT.get()?;
    // SAFETY: the key is one; its value is null or what is set here.
    unsafe {
        let mut kept = libc::pthread_getspecific(key).cast::<Kept>();
        if kept.is_null() {
            kept = Box::into_raw(Box::default());
            if libc::pthread_setspecific(key, kept.cast()) != 0 {
                drop(Box::from_raw(kept));
                return Err(AisError::NoMemory);
            }
        }
        drop_ended(&mut *kept, frame);
        (*kept).try_reserve(1).map_err(|_| AisError::NoMemory)?;
        (*kept).push((frame, fork::generation(), handle));
    }
    Ok(())
}

/// The wait of this frame is over.
fn release(frame: usize) {
    let Ok(key) = KEPT.get() else { return };
    // SAFETY: as in `keep`.
    if let Some(kept) = unsafe { libc::pthread_getspecific(key).cast::<Kept>().as_mut() } {
        drop_ended(kept, frame);
    }
}

/// Drops what was kept for this frame and for those that it has called: they
/// have ended, if only by longjmp out of a signal handler.
fn drop_ended(kept: &mut Kept, frame: usize) {
    while let Some((other, generation, _)) = kept.last() {
        // The stack grows downwards.
        if *other > frame {
            return;
        }
        let is_inherited = *generation != fork::generation();
        if let Some((_, _, handle)) = kept.pop()
            && is_inherited
        {
            // What the parent had is left as it is.
            mem::forget(handle);
        }
    }
}

/// The thread ends, perhaps in the middle of a wait.
unsafe extern "C" fn drop_kept(kept: *mut c_void) {
    let _ = within(|| {
        // SAFETY: from Box::into_raw in `keep`, and the thread has no more of it.
        let mut kept = unsafe { Box::from_raw(kept.cast::<Kept>()) };
        drop_ended(&mut kept, usize::MAX);
        Ok(())
    });
}
