//! Callbacks: when they run, what they fill, and how handles end.

use super::calls::node;
use super::{VERSION, dispatch_flag, in_own_process, name, ok};
use crate::ffi::amf::callbacks::*;
use crate::ffi::amf::*;
use crate::ffi::clm::*;
use crate::ffi::types::*;
use ais_fake::{Daemon, Peer};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Kind, Name, Request, amf, clm};
use nix::poll::{PollFd, PollFlags, poll};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

const ONE: u32 = 1;
const ALL: u32 = 2;
const BLOCKING: u32 = 3;

/// What the callbacks saw, in order.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The handle that a callback finalizes.
static HANDLE: Mutex<i32> = Mutex::new(-1);

fn saw(text: String) {
    SEEN.lock().unwrap().push(text);
}

fn seen() -> Vec<String> {
    std::mem::take(&mut SEEN.lock().unwrap())
}

unsafe extern "C-unwind" fn track(
    buffer: *mut SaClmClusterNotificationT,
    items: SaUint32T,
    members: SaUint32T,
    view: SaUint64T,
    error: SaErrorT,
) {
    // SAFETY: the library has filled so many.
    let nodes: Vec<_> = (0..items as usize)
        .map(|index| unsafe { (*buffer.add(index)).clusterNode.nodeId })
        .collect();
    saw(format!("track {nodes:?} of {members} in {view}: {error:?}"));
}

unsafe extern "C-unwind" fn got(invocation: i32, node: *mut SaClmClusterNodeT, error: SaErrorT) {
    // SAFETY: the pointer that was given, filled if there is no error.
    let id = if error == SaErrorT::SA_OK { unsafe { (*node).nodeId } } else { 0 };
    saw(format!("got {invocation} {:#x} {id}: {error:?}", node as usize));
}

unsafe extern "C-unwind" fn finalize(_: i32, _: *mut SaClmClusterNodeT, _: SaErrorT) {
    saw("finalize".to_owned());
    let mut handle = *HANDLE.lock().unwrap();
    // SAFETY: a valid pointer.
    ok(unsafe { saClmFinalize(&raw mut handle) });
}

fn open(callbacks: &SaClmCallbacksT) -> i32 {
    let mut handle = -1;
    // SAFETY: valid pointers.
    ok(unsafe { saClmInitialize(&raw mut handle, callbacks, &raw const VERSION) });
    handle
}

fn open_all() -> i32 {
    open(&SaClmCallbacksT {
        saClmClusterNodeGetCallback: Some(got),
        saClmClusterTrackCallback: Some(track),
    })
}

fn dispatch(handle: i32, flag: u32) -> SaErrorT {
    // SAFETY: a valid pointer.
    unsafe { saClmDispatch(&raw const handle, dispatch_flag(flag)) }
}

/// Whether the selection object is readable.
fn pending(handle: i32) -> bool {
    let mut fd = -1;
    // SAFETY: valid pointers; the descriptor is open as long as the handle.
    let fd = unsafe {
        ok(saClmSelectionObjectGet(&raw const handle, &raw mut fd));
        BorrowedFd::borrow_raw(fd)
    };
    poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], 0u8).unwrap() > 0
}

fn get_async(handle: i32, invocation: i32, node: *mut SaClmClusterNodeT) -> SaErrorT {
    // SAFETY: the node outlives the callback.
    unsafe { saClmClusterNodeGetAsync(&raw const handle, invocation, 7, node) }
}

/// Answers everything; events first, so that they are there when a call
/// returns.
fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    match request {
        Request::Clm(clm::Request::NodeGetAsync { node: wanted, tag }) => {
            let result = match wanted {
                7 => Ok(node(7)),
                _ => Err(AisError::InvalidParam),
            };
            let event = clm::Event::NodeGet { tag, result };
            peer.event(event.code(), &event.encode());
        }
        Request::Clm(clm::Request::TrackStart { flags, subscription, .. })
            if flags.contains(TrackFlags::CURRENT) =>
        {
            tell(peer, subscription, 2);
        }
        _ => {}
    }
    peer.reply(id, b"");
}

/// Sends a track event with so many nodes.
fn tell(peer: &Peer, subscription: u32, count: u32) {
    let items = (1..=count).map(|id| (node(id), clm::Change::NoChange)).collect();
    let event = clm::Event::Track { subscription, view: 40, members: count, items };
    peer.event(event.code(), &event.encode());
}

fn handles(daemon: &Daemon) -> Vec<Arc<Peer>> {
    daemon.peers(|kind| matches!(kind, Kind::Handle { .. }))
}

#[test]
fn dispatch_runs_one_or_all_and_never_waits_for_them() {
    in_own_process("events::dispatch_runs_one_or_all_and_never_waits_for_them", || {
        let _daemon = Daemon::start(answer);
        let handle = open_all();
        assert_eq!(handle, 0);
        ok(dispatch(handle, ONE));
        ok(dispatch(handle, ALL));
        assert!(!pending(handle));
        let mut place = MaybeUninit::uninit();
        let place = place.as_mut_ptr();
        for invocation in 1..=4 {
            ok(get_async(handle, invocation, place));
        }
        assert!(pending(handle));
        ok(dispatch(handle, ONE));
        let text = |invocation| format!("got {invocation} {:#x} 7: SA_OK", place as usize);
        assert_eq!(seen(), [text(1)]);
        ok(dispatch(handle, ALL));
        assert_eq!(seen(), [text(2), text(3), text(4)]);
        assert!(!pending(handle));
        for flag in [0, 4, u32::MAX] {
            assert_eq!(dispatch(handle, flag), SaErrorT::SA_ERR_INVALID_PARAM);
        }
        assert_eq!(dispatch(77, ALL), SaErrorT::SA_ERR_BAD_HANDLE);
        assert_eq!(dispatch(-1, ALL), SaErrorT::SA_ERR_BAD_HANDLE);
        // SAFETY: NULL is an argument like any other.
        unsafe {
            let invalid = SaErrorT::SA_ERR_INVALID_PARAM;
            assert_eq!(saClmDispatch(null(), dispatch_flag(ONE)), invalid);
            assert_eq!(get_async(handle, 9, null_mut()), invalid);
            // An unknown node is told by the callback, with the same pointer.
            ok(saClmClusterNodeGetAsync(&raw const handle, 5, 99, place));
        }
        ok(dispatch(handle, ALL));
        assert_eq!(seen(), [format!("got 5 {:#x} 0: SA_ERR_INVALID_PARAM", place as usize)]);
    });
}

#[test]
fn initialize_checks_the_version_and_takes_no_callbacks() {
    in_own_process("events::initialize_checks_the_version_and_takes_no_callbacks", || {
        let _daemon = Daemon::start(answer);
        let mut handle = 4711;
        let call = |handle, version: *const SaVersionT| {
            // SAFETY: valid pointers or NULL.
            unsafe { saClmInitialize(handle, null(), version) }
        };
        assert_eq!(call(null_mut(), &raw const VERSION), SaErrorT::SA_ERR_INVALID_PARAM);
        assert_eq!(call(&raw mut handle, null()), SaErrorT::SA_ERR_VERSION);
        for (release, major, minor) in [(b'B', 1, 1), (b'A', 2, 1), (b'A', 1, 0), (b'A', 1, 2)] {
            let version = SaVersionT { releaseCode: release as _, major, minor };
            assert_eq!(call(&raw mut handle, &raw const version), SaErrorT::SA_ERR_VERSION);
        }
        assert_eq!(handle, 4711);
        let lower = SaVersionT { releaseCode: b'a' as _, major: 1, minor: 1 };
        ok(call(&raw mut handle, &raw const lower));
        let mut place = MaybeUninit::uninit();
        assert_eq!(get_async(handle, 1, place.as_mut_ptr()), SaErrorT::SA_ERR_INIT);
        ok(dispatch(handle, ALL));
        // SAFETY: a valid pointer.
        unsafe {
            ok(saClmFinalize(&raw mut handle));
            assert_eq!(saClmFinalize(&raw mut handle), SaErrorT::SA_ERR_BAD_HANDLE);
        }
    });
}

#[test]
fn track_fills_the_buffer_or_says_how_much_it_needs() {
    in_own_process("events::track_fills_the_buffer_or_says_how_much_it_needs", || {
        let daemon = Daemon::start(answer);
        let handle = open_all();
        let mut buffer = MaybeUninit::<[SaClmClusterNotificationT; 3]>::uninit();
        let buffer = buffer.as_mut_ptr().cast::<SaClmClusterNotificationT>();
        let start = |flags, buffer, count| {
            // SAFETY: the buffer outlives the handle and has room for 3.
            unsafe { saClmClusterTrackStart(&raw const handle, flags, buffer, count) }
        };
        for flags in [0, 6, 7, 8, 255] {
            assert_eq!(start(flags, buffer, 3), SaErrorT::SA_ERR_BAD_FLAGS);
        }
        assert_eq!(start(1, null_mut(), 3), SaErrorT::SA_ERR_INVALID_PARAM);
        assert_eq!(start(1, buffer, 0), SaErrorT::SA_ERR_INVALID_PARAM);
        // Subscription 1, current and changes.
        ok(start(3, buffer, 3));
        let peer = handles(&daemon).remove(0);
        tell(&peer, 1, 3);
        tell(&peer, 1, 4);
        tell(&peer, 99, 1);
        ok(dispatch(handle, ALL));
        assert_eq!(
            seen(),
            [
                "track [1, 2] of 2 in 40: SA_OK",
                "track [1, 2, 3] of 3 in 40: SA_OK",
                "track [] of 4 in 40: SA_ERR_NO_SPACE",
            ]
        );
        // A new subscription with less room; the events of the old one are stale.
        ok(start(4, buffer, 1));
        tell(&peer, 1, 1);
        tell(&peer, 2, 1);
        tell(&peer, 2, 2);
        ok(dispatch(handle, ALL));
        let small = ["track [1] of 1 in 40: SA_OK", "track [] of 2 in 40: SA_ERR_NO_SPACE"];
        assert_eq!(seen(), small);
        tell(&peer, 2, 1);
        // SAFETY: a valid pointer.
        ok(unsafe { saClmClusterTrackStop(&raw const handle) });
        ok(dispatch(handle, ALL));
        assert_eq!(seen(), [""; 0]);
    });
}

#[test]
fn a_callback_may_finalize_its_handle() {
    in_own_process("events::a_callback_may_finalize_its_handle", || {
        let daemon = Daemon::start(answer);
        for flag in [ONE, ALL, BLOCKING] {
            let handle = open(&SaClmCallbacksT {
                saClmClusterNodeGetCallback: Some(finalize),
                saClmClusterTrackCallback: None,
            });
            *HANDLE.lock().unwrap() = handle;
            let mut place = MaybeUninit::uninit();
            ok(get_async(handle, 1, place.as_mut_ptr()));
            ok(get_async(handle, 2, place.as_mut_ptr()));
            ok(dispatch(handle, flag));
            assert_eq!(seen(), ["finalize"]);
            assert_eq!(dispatch(handle, flag), SaErrorT::SA_ERR_BAD_HANDLE);
        }
        daemon.wait_ended(3);
    });
}

#[test]
fn blocking_ends_with_finalize_and_with_the_executive() {
    in_own_process("events::blocking_ends_with_finalize_and_with_the_executive", || {
        let daemon = Daemon::start(answer);
        let block = |handle: i32| {
            let (started, start) = mpsc::channel();
            let thread = thread::spawn(move || {
                started.send(()).unwrap();
                dispatch(handle, BLOCKING)
            });
            start.recv().unwrap();
            thread
        };
        let mut handle = open_all();
        let mut place = MaybeUninit::uninit();
        let dispatchers = [block(handle), block(handle), block(handle)];
        for invocation in 0..100 {
            ok(get_async(handle, invocation, place.as_mut_ptr()));
        }
        while SEEN.lock().unwrap().len() < 100 {
            thread::yield_now();
        }
        // SAFETY: a valid pointer.
        ok(unsafe { saClmFinalize(&raw mut handle) });
        for dispatcher in dispatchers {
            ok(dispatcher.join().unwrap());
        }
        let handle = open_all();
        let dispatchers = [block(handle), block(handle)];
        drop(daemon);
        for dispatcher in dispatchers {
            assert_eq!(dispatcher.join().unwrap(), SaErrorT::SA_ERR_LIBRARY);
        }
        assert!(pending(handle));
        assert_eq!(dispatch(handle, ALL), SaErrorT::SA_ERR_LIBRARY);
        assert_eq!(get_async(handle, 1, place.as_mut_ptr()), SaErrorT::SA_ERR_LIBRARY);
        let mut handle = handle;
        // SAFETY: a valid pointer.
        ok(unsafe { saClmFinalize(&raw mut handle) });
    });
}

#[test]
fn requests_of_many_threads_do_not_mix() {
    in_own_process("events::requests_of_many_threads_do_not_mix", || {
        let daemon = Daemon::start(answer);
        let handle = open_all();
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                // Any thread may fill it, even when this one has ended.
                let place: &'static mut _ = Box::leak(Box::new(MaybeUninit::uninit()));
                thread::spawn(move || {
                    for round in 0..30 {
                        ok(get_async(handle, thread * 100 + round, place.as_mut_ptr()));
                        ok(dispatch(handle, ALL));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        ok(dispatch(handle, ALL));
        assert_eq!(seen().len(), 240);
        assert_eq!(handles(&daemon).len(), 1);
    });
}

#[test]
fn requests_that_nobody_dispatches_are_bounded() {
    in_own_process("events::requests_that_nobody_dispatches_are_bounded", || {
        let _daemon = Daemon::start(|peer, id, _| peer.reply(id, b""));
        let handle = open_all();
        let mut place = MaybeUninit::uninit();
        for invocation in 0..1024 {
            ok(get_async(handle, invocation, place.as_mut_ptr()));
        }
        assert_eq!(get_async(handle, 0, place.as_mut_ptr()), SaErrorT::SA_ERR_TRY_AGAIN);
    });
}

#[test]
fn packets_that_make_no_sense_end_the_events() {
    in_own_process("events::packets_that_make_no_sense_end_the_events", || {
        let daemon = Daemon::start(answer);
        for packet in [
            b"short".to_vec(),
            b"longer than a header, but none".to_vec(),
            ais_proto::event_frame(Code(0x0181), 0, b"no event"),
            ais_proto::event_frame(Code(0x0281), 0, b""),
        ] {
            let mut handle = open_all();
            let peer = handles(&daemon).pop().unwrap();
            peer.packet(&packet);
            assert_eq!(dispatch(handle, ALL), SaErrorT::SA_ERR_LIBRARY);
            assert_eq!(dispatch(handle, BLOCKING), SaErrorT::SA_ERR_LIBRARY);
            // SAFETY: a valid pointer.
            ok(unsafe { saClmFinalize(&raw mut handle) });
        }
    });
}

unsafe extern "C-unwind" fn set(
    invocation: i32,
    component: *const SaNameT,
    csi: *const SaNameT,
    flags: SaAmfCSIFlagsT,
    state: *mut SaAmfHAStateT,
    active: *mut SaNameT,
    transition: SaAmfCSITransitionDescriptorT,
) {
    // SAFETY: the library passes valid pointers.
    let (lengths, state) =
        unsafe { ([(*component).length, (*csi).length, (*active).length], *state) };
    saw(format!("set {invocation} {lengths:?} {flags} {state:?} {transition:?}"));
}

#[test]
fn amf_tells_the_executive_what_it_hands_to_the_program() {
    in_own_process("events::amf_tells_the_executive_what_it_hands_to_the_program", || {
        let daemon = Daemon::start(|peer, id, request| match request {
            Request::Amf(amf::Request::ComponentNameGet) => peer.reply_with(12, id, b""),
            Request::Amf(amf::Request::Register { component, proxy: None }) => {
                let event = amf::Event::CsiSet {
                    invocation: -5,
                    component,
                    csi: Name::try_from("pg").unwrap(),
                    flags: amf::CSI_ALL_INSTANCES,
                    state: amf::HaState::Standby,
                    active: Name::default(),
                    transition: amf::Transition::StillActive,
                };
                peer.event(event.code(), &event.encode());
                // Nobody wants this one.
                let component = Name::default();
                let kind = amf::Healthcheck::Heartbeat;
                let event = amf::Event::Healthcheck { invocation: 6, component, kind };
                peer.event(event.code(), &event.encode());
                peer.reply(id, b"");
            }
            request => panic!("not expected: {request:?}"),
        });
        let mut callbacks = MaybeUninit::<SaAmfCallbacksT>::zeroed();
        let component = name("comp");
        let mut answer = name("");
        let mut handle = -1;
        // SAFETY: valid pointers; a structure of zeros has no callbacks.
        unsafe {
            (*callbacks.as_mut_ptr()).saAmfCSISetCallback = Some(set);
            ok(saAmfInitialize(&raw mut handle, callbacks.as_ptr(), &raw const VERSION));
            ok(saAmfComponentRegister(&raw const handle, &raw const component, null()));
            ok(saAmfDispatch(&raw const handle, dispatch_flag(ALL)));
            let result = saAmfCompNameGet(&raw const handle, &raw mut answer);
            assert_eq!(result, SaErrorT::SA_ERR_NOT_EXIST);
            std::env::set_var("SA_AMF_COMPONENT_NAME", "from outside");
            ok(saAmfCompNameGet(&raw const handle, &raw mut answer));
        }
        let text = "set -5 [4, 2, 0] 2 SA_AMF_STANDBY SA_AMF_CSI_STILL_ACTIVE";
        assert_eq!(seen(), [text]);
        let callbacks = amf::Callbacks::CSI_SET.bits();
        let fits =
            |kind: &Kind| matches!(kind, Kind::Handle { callbacks: c, .. } if *c == callbacks);
        let told = daemon.peers(fits).remove(0).hear();
        assert_eq!((told.code, told.id as i32), (Code::DISPATCHED, -5));
        assert_eq!(&answer.value[..answer.length as usize], b"from outside");
    });
}
