//! The functions of `ais_clm.h`.

use super::dispatch::{Dispatching, dispatch};
use super::entry::{guard, guard_release};
use super::error::{self, never_try_again};
use super::handles::{Handles, WithCallbacks};
use super::place::{Buffer, Place};
use super::types::*;
use super::values::{
    self, check_version, given, mask, narrow, need, read, to_name, told, wide, write,
};
use ais_client::clm::{self, Callbacks, Change, Clm, Event, Node, Tracked};
use ais_client::dispatch::{Step, Turn};
use ais_client::{AisError, TrackFlags};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

/// The end of saClmClusterNodeGetAsync; clusterNode is the pointer that was
/// given there.
pub type SaClmClusterNodeGetCallbackT = Option<
    unsafe extern "C-unwind" fn(
        invocation: SaInvocationT,
        clusterNode: *mut SaClmClusterNodeT,
        error: SaErrorT,
    ),
>;

/// The members, or what changed; notificationBuffer is the pointer that was
/// given to saClmClusterTrackStart. With SA_ERR_NO_SPACE the buffer is too
/// small: there are no items, and numberOfMembers tells how many there are.
pub type SaClmClusterTrackCallbackT = Option<
    unsafe extern "C-unwind" fn(
        notificationBuffer: *mut SaClmClusterNotificationT,
        numberOfItems: SaUint32T,
        numberOfMembers: SaUint32T,
        viewNumber: SaUint64T,
        error: SaErrorT,
    ),
>;

/// The callbacks of Cluster Membership; each may be NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SaClmCallbacksT {
    pub saClmClusterNodeGetCallback: SaClmClusterNodeGetCallbackT,
    pub saClmClusterTrackCallback: SaClmClusterTrackCallbackT,
}

/// Opens a handle. Callbacks may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmInitialize(
    clmHandle: *mut SaClmHandleT,
    clmCallbacks: *const SaClmCallbacksT,
    version: *const SaVersionT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(clmHandle)?;
        check_version(version)?;
        let callbacks = given(clmCallbacks, NO_CALLBACKS);
        let handle = Clm::open(callbacks.present())?;
        write(clmHandle, HANDLES.insert(Arc::new(WithCallbacks { handle, callbacks })))
    })
}

/// The descriptor that is readable when a callback is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmSelectionObjectGet(
    clmHandle: *const SaClmHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(selectionObject)?;
        let handle = HANDLES.find(read(clmHandle)?)?;
        write(selectionObject, handle.selection_object()?.as_raw_fd())
    })
}

/// Runs pending callbacks on the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmDispatch(
    clmHandle: *const SaClmHandleT,
    dispatchFlags: MaybeUninit<SaDispatchFlagsT>,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    unsafe { dispatch(&HANDLES, clmHandle, dispatchFlags, Call::run) }
}

/// Closes a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmFinalize(clmHandle: *mut SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        HANDLES.remove(read(clmHandle)?)?.close();
        Ok(())
    })
}

/// Asks for the members (SA_TRACK_CURRENT) and for changes. The buffer is
/// filled before each callback and must stay valid until
/// saClmClusterTrackStop or saClmFinalize.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmClusterTrackStart(
    clmHandle: *const SaClmHandleT,
    trackFlags: SaUint8T,
    notificationBuffer: *mut SaClmClusterNotificationT,
    numberOfItems: SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(notificationBuffer)?;
        let handle = HANDLES.find(read(clmHandle)?)?;
        let flags = TrackFlags::from_api(trackFlags).ok_or(AisError::BadFlags)?;
        let buffer = Buffer::new(notificationBuffer, numberOfItems)?;
        handle.track_start(flags, buffer.capacity(), buffer)
    })
}

/// Ends what saClmClusterTrackStart began.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmClusterTrackStop(clmHandle: *const SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe { never_try_again(HANDLES.find(read(clmHandle)?)?.track_stop()) })
}

/// Looks a node up. Timeout: nanoseconds, 0 for the executive's default.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmClusterNodeGet(
    nodeId: SaClmNodeIdT,
    timeout: SaTimeT,
    clusterNode: *mut SaClmClusterNodeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(clusterNode)?;
        let node = clm::node_get(wide(nodeId), values::timeout(timeout)?)?;
        write(clusterNode, to_node(&node))
    })
}

/// Looks a node up; clusterNode is filled before the callback and must stay
/// valid until then.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmClusterNodeGetAsync(
    clmHandle: *const SaClmHandleT,
    invocation: SaInvocationT,
    nodeId: SaClmNodeIdT,
    clusterNode: *mut SaClmClusterNodeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(clusterNode)?;
        let handle = HANDLES.find(read(clmHandle)?)?;
        let lookup = Lookup { invocation, place: Place::of(clusterNode) };
        handle.node_get_async(wide(nodeId), lookup)
    })
}

const NO_CALLBACKS: SaClmCallbacksT =
    SaClmCallbacksT { saClmClusterNodeGetCallback: None, saClmClusterTrackCallback: None };

/// A handle of CLM, with what the program wants to be told and where.
type ClmHandle = WithCallbacks<Clm<Buffer<SaClmClusterNotificationT>, Lookup>, SaClmCallbacksT>;

static HANDLES: Handles<ClmHandle> = Handles::new();

/// An asynchronous look-up, as the program asked for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup {
    invocation: SaInvocationT,
    place: Place<SaClmClusterNodeT>,
}

impl SaClmCallbacksT {
    /// Which callbacks there are.
    fn present(&self) -> Callbacks {
        Callbacks::from_bits_truncate(mask([
            self.saClmClusterNodeGetCallback.is_some(),
            self.saClmClusterTrackCallback.is_some(),
        ]))
    }
}

/// A callback and what it is told.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Track(
        SaClmClusterTrackCallbackT,
        Buffer<SaClmClusterNotificationT>,
        [SaUint32T; 2],
        SaUint64T,
        SaErrorT,
    ),
    NodeGot(SaClmClusterNodeGetCallbackT, Lookup, SaErrorT),
}

impl Call {
    /// Makes it, if the program gave one.
    unsafe fn run(self) {
        // SAFETY: a callback that the program gave for this.
        unsafe {
            match self {
                Self::Track(Some(callback), buffer, [items, members], view, error) => {
                    callback(buffer.pointer(), items, members, view, error);
                }
                Self::NodeGot(Some(callback), lookup, error) => {
                    callback(lookup.invocation, lookup.place.pointer(), error);
                }
                Self::Track(None, ..) | Self::NodeGot(None, ..) => {}
            }
        }
    }

    /// The callback of an event, its memory filled.
    fn of(
        callbacks: &SaClmCallbacksT,
        event: Event<'_, Buffer<SaClmClusterNotificationT>, Lookup>,
    ) -> Self {
        match event {
            Event::Track(buffer, Tracked { view, members, items }) => {
                // SAFETY: the buffer is the program's promise until it stops
                // tracking, which waits for this.
                let result = unsafe { buffer.fill(items.iter().map(to_notification)) };
                let told = told(items.len(), members, result);
                let callback = callbacks.saClmClusterTrackCallback;
                Self::Track(callback, *buffer, told, view, error::to_c(result))
            }
            Event::NodeGot(lookup, result) => {
                // SAFETY: the program keeps the memory until the callback.
                let result = result.map(|node| unsafe { lookup.place.write(to_node(&node)) });
                Self::NodeGot(callbacks.saClmClusterNodeGetCallback, lookup, error::to_c(result))
            }
        }
    }
}

impl Dispatching for ClmHandle {
    type Call = Call;

    fn step(&self, turn: &mut Turn) -> Result<Step<Call>, AisError> {
        self.handle.step(turn, |event| Call::of(&self.callbacks, event))
    }

    fn selection_object(&self) -> Result<RawFd, AisError> {
        Ok(self.handle.selection_object()?.as_raw_fd())
    }
}

fn to_notification((node, change): &(Node, Change)) -> SaClmClusterNotificationT {
    SaClmClusterNotificationT {
        clusterNode: to_node(node),
        clusterChanges: match change {
            Change::NoChange => SaClmClusterChangesT::SA_CLM_NODE_NO_CHANGE,
            Change::Joined => SaClmClusterChangesT::SA_CLM_NODE_JOINED,
            Change::Left => SaClmClusterChangesT::SA_CLM_NODE_LEFT,
        },
    }
}

fn to_node(node: &Node) -> SaClmClusterNodeT {
    let mut address = [0; SA_CLM_MAX_ADDRESS_LENGTH];
    address[..node.address.len()].copy_from_slice(&node.address);
    SaClmClusterNodeT {
        nodeId: narrow(u64::from(node.id)),
        nodeAddress: SaClmNodeAddressT { length: node.address.len() as SaUint8T, value: address },
        nodeName: to_name(&node.name),
        clusterName: to_name(&node.cluster),
        member: if node.member { SaBoolT::SA_TRUE } else { SaBoolT::SA_FALSE },
        bootTimestamp: node.boot_timestamp,
    }
}
