//! The functions of `ais_clm.h`.

use super::dispatch::{Dispatching, dispatch};
use super::entry::{guard, guard_release};
use super::error::never_try_again;
use super::handles::handles;
use super::types::*;
use super::{
    check_version, error, given, mask, narrow, need, place, read, to_name, told, wide, write,
};
use crate::api::clm::{self, Callback, Change, Clm, Lookup, Node, Program};
use crate::api::dispatch::{Step, Turn};
use crate::api::track::Buffer;
use ais_proto::AisError;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;
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
        let handle = Clm::open(given(clmCallbacks, NO_CALLBACKS))?;
        write(clmHandle, handles().clm.insert(Arc::new(handle)))
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
        let handle = handles().clm.find(read(clmHandle)?)?;
        write(selectionObject, handle.selection_object()?)
    })
}

/// Runs pending callbacks on the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmDispatch(
    clmHandle: *const SaClmHandleT,
    dispatchFlags: MaybeUninit<SaDispatchFlagsT>,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    unsafe { dispatch(|| &handles().clm, clmHandle, dispatchFlags, Call::run) }
}

/// Closes a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmFinalize(clmHandle: *mut SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe {
        handles().clm.remove(read(clmHandle)?)?.close();
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
        let handle = handles().clm.find(read(clmHandle)?)?;
        let address = notificationBuffer.expose_provenance();
        handle.track_start(trackFlags, Buffer { address, capacity: wide(numberOfItems) })
    })
}

/// Ends what saClmClusterTrackStart began.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn saClmClusterTrackStop(clmHandle: *const SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard_release(|| unsafe { never_try_again(handles().clm.find(read(clmHandle)?)?.track_stop()) })
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
        let node = clm::node_get(wide(nodeId), super::timeout(timeout)?)?;
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
        let handle = handles().clm.find(read(clmHandle)?)?;
        let lookup = Lookup { invocation, address: clusterNode.expose_provenance() };
        handle.node_get_async(wide(nodeId), lookup)
    })
}

const NO_CALLBACKS: SaClmCallbacksT =
    SaClmCallbacksT { saClmClusterNodeGetCallback: None, saClmClusterTrackCallback: None };

impl Program for SaClmCallbacksT {
    fn callbacks(&self) -> u32 {
        mask([self.saClmClusterNodeGetCallback.is_some(), self.saClmClusterTrackCallback.is_some()])
    }

    fn fill(&self, buffer: Buffer, items: &[(Node, Change)]) {
        for (index, (node, change)) in items.iter().enumerate() {
            let notification = SaClmClusterNotificationT {
                clusterNode: to_node(node),
                clusterChanges: match change {
                    Change::NoChange => SaClmClusterChangesT::SA_CLM_NODE_NO_CHANGE,
                    Change::Joined => SaClmClusterChangesT::SA_CLM_NODE_JOINED,
                    Change::Left => SaClmClusterChangesT::SA_CLM_NODE_LEFT,
                },
            };
            // SAFETY: the notifications fit, and the buffer is the program's
            // promise until it stops tracking, which waits for this.
            unsafe { ptr::write_unaligned(place(buffer.address, index), notification) };
        }
    }

    fn fill_node(&self, lookup: Lookup, node: &Node) {
        // SAFETY: the program keeps the memory until the callback.
        unsafe { ptr::write_unaligned(place(lookup.address, 0), to_node(node)) };
    }
}

/// A callback and what it is told.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Track(SaClmClusterTrackCallbackT, Buffer, [SaUint32T; 2], SaUint64T, SaErrorT),
    NodeGot(SaClmClusterNodeGetCallbackT, Lookup, SaErrorT),
}

impl Call {
    /// Makes it, if the program gave one.
    unsafe fn run(self) {
        // SAFETY: a callback that the program gave for this.
        unsafe {
            match self {
                Self::Track(Some(callback), buffer, [items, members], view, error) => {
                    callback(place(buffer.address, 0), items, members, view, error);
                }
                Self::NodeGot(Some(callback), lookup, error) => {
                    callback(lookup.invocation, place(lookup.address, 0), error);
                }
                Self::Track(None, ..) | Self::NodeGot(None, ..) => {}
            }
        }
    }
}

impl Dispatching for Clm<SaClmCallbacksT> {
    type Call = Call;

    fn step(&self, turn: &mut Turn) -> Result<Step<Call>, AisError> {
        let program = self.program();
        self.step(turn)?.try_map(|callback| {
            Ok(match callback {
                Callback::Track(buffer, counts, result) => {
                    let told = told(counts.items, counts.members, result);
                    let callback = program.saClmClusterTrackCallback;
                    Call::Track(callback, buffer, told, counts.view, error::to_c(result))
                }
                Callback::NodeGot(lookup, result) => {
                    Call::NodeGot(program.saClmClusterNodeGetCallback, lookup, error::to_c(result))
                }
            })
        })
    }

    fn selection_object(&self) -> Result<RawFd, AisError> {
        self.selection_object()
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
