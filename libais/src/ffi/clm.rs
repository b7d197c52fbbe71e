//! The functions of `ais_clm.h`.

use super::error::never_try_again;
use super::fork::process;
use super::types::*;
use super::{
    check_version, error, flags, given, guard, mask, narrow, need, place, read, to_name, wide,
    write,
};
use crate::clm::{self, Change, Clm, Lookup, Node, Program, Tracked};
use crate::track::Buffer;
use ais_proto::AisError;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

/// The end of saClmClusterNodeGetAsync; clusterNode is the pointer that was
/// given there.
pub type SaClmClusterNodeGetCallbackT = Option<
    unsafe extern "C" fn(
        invocation: SaInvocationT,
        clusterNode: *mut SaClmClusterNodeT,
        error: SaErrorT,
    ),
>;

/// The members, or what changed; notificationBuffer is the pointer that was
/// given to saClmClusterTrackStart. With SA_ERR_NO_SPACE the buffer is too
/// small: there are no items, and numberOfMembers tells how many there are.
pub type SaClmClusterTrackCallbackT = Option<
    unsafe extern "C" fn(
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
pub unsafe extern "C" fn saClmInitialize(
    clmHandle: *mut SaClmHandleT,
    clmCallbacks: *const SaClmCallbacksT,
    version: *const SaVersionT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(clmHandle)?;
        check_version(version)?;
        let program = Box::new(given(clmCallbacks, NO_CALLBACKS));
        let handle = Clm::open(process(), program)?;
        write(clmHandle, process().clm.insert(Arc::new(handle)))
    })
}

/// The descriptor that is readable when a callback is pending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmSelectionObjectGet(
    clmHandle: *const SaClmHandleT,
    selectionObject: *mut SaSelectionObjectT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(selectionObject)?;
        let handle = process().clm.find(read(clmHandle)?)?;
        write(selectionObject, handle.selection_object()?)
    })
}

/// Runs pending callbacks on the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmDispatch(
    clmHandle: *const SaClmHandleT,
    dispatchFlags: MaybeUninit<SaDispatchFlagsT>,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        let handle = process().clm.find(read(clmHandle)?)?;
        handle.dispatch(flags(dispatchFlags)?)
    })
}

/// Closes a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmFinalize(clmHandle: *mut SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        process().clm.remove(read(clmHandle)?)?.close();
        Ok(())
    })
}

/// Asks for the members (SA_TRACK_CURRENT) and for changes. The buffer is
/// filled before each callback and must stay valid until
/// saClmClusterTrackStop or saClmFinalize.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterTrackStart(
    clmHandle: *const SaClmHandleT,
    trackFlags: SaUint8T,
    notificationBuffer: *mut SaClmClusterNotificationT,
    numberOfItems: SaUint32T,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(notificationBuffer)?;
        let handle = process().clm.find(read(clmHandle)?)?;
        let address = notificationBuffer.expose_provenance();
        handle.track_start(trackFlags, Buffer { address, capacity: wide(numberOfItems) })
    })
}

/// Ends what saClmClusterTrackStart began.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterTrackStop(clmHandle: *const SaClmHandleT) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe { never_try_again(process().clm.find(read(clmHandle)?)?.track_stop()) })
}

/// Looks a node up. Timeout: nanoseconds, 0 for the executive's default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saClmClusterNodeGet(
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
pub unsafe extern "C" fn saClmClusterNodeGetAsync(
    clmHandle: *const SaClmHandleT,
    invocation: SaInvocationT,
    nodeId: SaClmNodeIdT,
    clusterNode: *mut SaClmClusterNodeT,
) -> SaErrorT {
    // SAFETY: the contract of `ffi` binds the caller.
    guard(|| unsafe {
        need(clusterNode)?;
        let handle = process().clm.find(read(clmHandle)?)?;
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

    fn track(&self, buffer: Buffer, tracked: &Tracked, result: Result<(), AisError>) {
        let Some(callback) = self.saClmClusterTrackCallback else { return };
        let items = if result.is_ok() { tracked.items.len() } else { 0 };
        // With an error the members are what the program needs room for.
        let members = match result {
            Ok(()) => u64::from(tracked.members),
            Err(_) => u64::from(tracked.members).max(tracked.items.len() as u64),
        };
        // SAFETY: a callback that the program gave for this.
        unsafe {
            callback(
                place(buffer.address, 0),
                narrow(items as u64),
                narrow(members),
                tracked.view,
                error::to_c(result),
            );
        }
    }

    fn fill_node(&self, lookup: Lookup, node: &Node) {
        // SAFETY: the program keeps the memory until the callback.
        unsafe { ptr::write_unaligned(place(lookup.address, 0), to_node(node)) };
    }

    fn node_got(&self, lookup: Lookup, result: Result<(), AisError>) {
        if let Some(callback) = self.saClmClusterNodeGetCallback {
            // SAFETY: a callback that the program gave for this.
            unsafe { callback(lookup.invocation, place(lookup.address, 0), error::to_c(result)) };
        }
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
