//! Dispatching: callbacks run outside of the library, between its steps.
//!
//! What a callback gets is copied to the stack of the dispatching thread, and
//! the handle is looked up anew after it: a frame that a callback never comes
//! back to holds nothing. A thread that waits must keep the handle, so that
//! its socket stays open; that is kept with the thread, not with the frame.

use super::entry::{self, inside};
use super::error;
use super::handles::Handles;
use super::types::{SaDispatchFlagsT, SaErrorT};
use super::values::{flags, read};
use ais_client::AisError;
use ais_client::boundary::{PerThread, generation, within};
use ais_client::dispatch::{Step, Turn};
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
    handles: &'static Handles<H>,
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
            let handle = match (handles.find(number), &begun) {
                (Ok(handle), _) => handle,
                // It was finalized meanwhile. The child of a fork in a callback
                // learns that it has no handle.
                (Err(_), Some(begun)) if begun.generation == generation() => {
                    return Ok(Next::Done);
                }
                (Err(error), _) => return Err(error),
            };
            let begun = match &mut begun {
                Some(begun) => begun,
                none => {
                    let turn = Turn::new(flags(dispatch_flags)?);
                    none.insert(Begun { number, turn, generation: generation() })
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
#[derive(Default)]
struct Kept(Vec<(usize, u32, Arc<dyn Any + Send + Sync>)>);

static KEPT: PerThread<Kept> = PerThread::new();

/// Keeps a handle for the wait of this frame.
fn keep(frame: usize, handle: Arc<dyn Any + Send + Sync>) -> Result<(), AisError> {
    KEPT.with(|kept| {
        kept.drop_ended(frame);
        kept.0.try_reserve(1).map_err(|_| AisError::NoMemory)?;
        kept.0.push((frame, generation(), handle));
        Ok(())
    })?
}

/// The wait of this frame is over.
fn release(frame: usize) {
    // What a thread has, it has room for.
    let _ = KEPT.with(|kept| kept.drop_ended(frame));
}

impl Kept {
    /// Drops what was kept for this frame and for those that it has called: they
    /// have ended, if only by longjmp out of a signal handler.
    fn drop_ended(&mut self, frame: usize) {
        while let Some((other, made, _)) = self.0.last() {
            // The stack grows downwards.
            if *other > frame {
                return;
            }
            let is_inherited = *made != generation();
            if let Some((_, _, handle)) = self.0.pop()
                && is_inherited
            {
                // What the parent had is left as it is.
                mem::forget(handle);
            }
        }
    }
}

impl Drop for Kept {
    /// The thread ends, perhaps in the middle of a wait.
    fn drop(&mut self) {
        self.drop_ended(usize::MAX);
    }
}
