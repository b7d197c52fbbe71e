//! Children of fork, and what the library leaves behind.

use super::calls::look_up;
use super::{VERSION, dispatch_flag, in_own_process, ok};
use crate::ffi::clm::*;
use crate::ffi::types::*;
use ais_fake::{Daemon, Peer};
use ais_proto::{Kind, Request, clm};
use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc;
use std::{fs, thread};

fn open() -> Result<i32, SaErrorT> {
    let mut handle = -1;
    // SAFETY: valid pointers.
    match unsafe { saClmInitialize(&raw mut handle, null(), &raw const VERSION) } {
        SaErrorT::SA_OK => Ok(handle),
        error => Err(error),
    }
}

fn finalize(mut handle: i32) -> SaErrorT {
    // SAFETY: a valid pointer.
    unsafe { saClmFinalize(&raw mut handle) }
}

fn get(id: SaClmNodeIdT) -> SaErrorT {
    get_within(id, 0)
}

fn get_within(id: SaClmNodeIdT, timeout: i64) -> SaErrorT {
    let mut node = MaybeUninit::uninit();
    // SAFETY: a valid pointer.
    unsafe { saClmClusterNodeGet(id, timeout, node.as_mut_ptr()) }
}

fn dispatch(handle: i32, flag: u32) -> SaErrorT {
    // SAFETY: a valid pointer.
    unsafe { saClmDispatch(&raw const handle, dispatch_flag(flag)) }
}

/// Runs `child` in a child; it exits with the number of the check that failed.
fn in_child(child: impl FnOnce() -> i32) {
    // SAFETY: the child calls the library, which is to be tested, and exits.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            libc::_exit(child());
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        assert_eq!(status, 0, "check {} failed in the child", status >> 8);
    }
}

/// Somebody waits for the answer that never comes.
static WAITING: AtomicBool = AtomicBool::new(false);

fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    match request {
        // A call that never ends, so that its connection is in use at a fork.
        Request::Clm(clm::Request::NodeGet { node: 99 }) => WAITING.store(true, Ordering::SeqCst),
        request => look_up(peer, id, request),
    }
}

/// The connected unix sockets of this process: numbers and inodes.
fn sockets() -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| {
            let link = fs::read_link(entry.unwrap().path()).ok()?;
            Some(link.to_str()?.to_owned())
        })
        .filter(|link| link.starts_with("socket:"))
        .collect();
    all.sort();
    all
}

#[test]
fn a_child_starts_anew() {
    in_own_process("processes::a_child_starts_anew", || {
        let daemon = Daemon::start(answer);
        let handle = open().unwrap();
        ok(get(1));
        let before = daemon.peers(|_| true).len();
        let in_use = thread::spawn(|| get(99));
        while !WAITING.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let mut fd = -1;
        // SAFETY: valid pointers.
        ok(unsafe { saClmSelectionObjectGet(&raw const handle, &raw mut fd) });
        in_child(|| {
            // SAFETY: asks about a descriptor, open or not.
            if unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1 {
                return 1;
            }
            if dispatch(handle, 2) != SaErrorT::SA_ERR_BAD_HANDLE {
                return 2;
            }
            if finalize(handle) != SaErrorT::SA_ERR_BAD_HANDLE {
                return 3;
            }
            match open() {
                Ok(fresh) if fresh > handle && finalize(fresh) == SaErrorT::SA_OK => {}
                _ => return 4,
            }
            if get(2) != SaErrorT::SA_OK { 5 } else { 0 }
        });
        // A session, a handle and a connection for calls of the child.
        assert_eq!(daemon.peers(|_| true).len() - before, 3);
        assert_eq!(daemon.peers(|kind| matches!(kind, Kind::Session)).len(), 2);
        // The parent goes on as if nothing had happened.
        ok(dispatch(handle, 2));
        ok(get(3));
        ok(finalize(handle));
        assert_eq!(in_use.join().unwrap(), SaErrorT::SA_ERR_TIMEOUT);
    });
}

/// The child of a callback comes back into the dispatch of the parent.
#[test]
fn a_fork_in_a_callback_does_no_harm() {
    unsafe extern "C-unwind" fn fork(_: i32, _: *mut SaClmClusterNodeT, _: SaErrorT) {
        // SAFETY: the child returns to the test below, which exits.
        CHILD.store(unsafe { libc::fork() }, Ordering::SeqCst);
    }
    static CHILD: AtomicI32 = AtomicI32::new(-1);
    in_own_process("processes::a_fork_in_a_callback_does_no_harm", || {
        let _daemon = Daemon::start(|peer, id, request| {
            if let Request::Clm(clm::Request::NodeGetAsync { tag, .. }) = request {
                let event =
                    clm::Event::NodeGet { tag, result: Err(ais_proto::AisError::InvalidParam) };
                peer.event(event.code(), &event.encode());
            }
            peer.reply(id, b"");
        });
        let callbacks = SaClmCallbacksT {
            saClmClusterNodeGetCallback: Some(fork),
            saClmClusterTrackCallback: None,
        };
        let mut handle = -1;
        let mut node = MaybeUninit::uninit();
        // SAFETY: valid pointers.
        unsafe {
            ok(saClmInitialize(&raw mut handle, &raw const callbacks, &raw const VERSION));
            ok(saClmClusterNodeGetAsync(&raw const handle, 1, 1, node.as_mut_ptr()));
        }
        let result = dispatch(handle, 2);
        let pid = CHILD.load(Ordering::SeqCst);
        if pid == 0 {
            let good = result == SaErrorT::SA_ERR_BAD_HANDLE;
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!good)) };
        }
        ok(result);
        let mut status = -1;
        // SAFETY: a valid pointer.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert_eq!(status, 0);
        ok(finalize(handle));
    });
}

/// A process that has a session needs the path to the socket no more.
#[test]
fn further_connections_need_no_socket() {
    in_own_process("processes::further_connections_need_no_socket", || {
        let _daemon = Daemon::start(answer);
        ok(get(1));
        fs::remove_file(std::env::var_os("AIS_SOCKET").unwrap()).unwrap();
        let handles: Vec<i32> = (0..10).map(|_| open().unwrap()).collect();
        ok(get(2));
        for handle in handles {
            ok(dispatch(handle, 2));
            ok(finalize(handle));
        }
    });
}

/// Whoever gives up leaves his request to the next, so that an executive that
/// stands still has few to answer when it goes on.
#[test]
fn a_further_connection_is_asked_for_once() {
    in_own_process("processes::a_further_connection_is_asked_for_once", || {
        let daemon = Daemon::start(answer);
        ok(get(1));
        // The connection for calls is in use.
        let in_use = thread::spawn(|| get_within(99, 60_000_000_000));
        while !WAITING.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        daemon.hold(true);
        let before = daemon.asked();
        for _ in 0..50 {
            assert_eq!(get_within(2, 1_000_000), SaErrorT::SA_ERR_TIMEOUT);
        }
        daemon.hold(false);
        ok(get(2));
        // One that was given up, and one if the answer to it came between two
        // calls: it may have been there for long.
        assert!((1..=2).contains(&(daemon.asked() - before)), "{}", daemon.asked() - before);
        drop(daemon);
        assert_eq!(in_use.join().unwrap(), SaErrorT::SA_ERR_LIBRARY);
    });
}

#[test]
fn an_older_executive_is_asked_at_its_socket() {
    in_own_process("processes::an_older_executive_is_asked_at_its_socket", || {
        let daemon = Daemon::start_old(2, answer);
        ok(get(1));
        let handle = open().unwrap();
        ok(finalize(handle));
        assert_eq!(daemon.peers(|_| true).len(), 3);
    });
}

#[test]
fn handles_leave_no_descriptors_behind() {
    in_own_process("processes::handles_leave_no_descriptors_behind", || {
        let daemon = Daemon::start(answer);
        ok(get(1));
        let first = open().unwrap();
        ok(finalize(first));
        daemon.wait_ended(1);
        drop(daemon);
        // Only the library's own ends are left: they do not grow from here.
        for _ in 0..3 {
            assert_eq!(get(1), SaErrorT::SA_ERR_TRY_AGAIN);
            assert_eq!(open(), Err(SaErrorT::SA_ERR_TRY_AGAIN));
        }
        let before = sockets();
        for _ in 0..20 {
            assert_eq!(get(1), SaErrorT::SA_ERR_TRY_AGAIN);
            assert_eq!(open(), Err(SaErrorT::SA_ERR_TRY_AGAIN));
        }
        assert!(sockets().len() <= before.len(), "{before:?} became {:?}", sockets());
    });
}

#[test]
fn finalize_ends_a_call_of_another_thread() {
    in_own_process("processes::finalize_ends_a_call_of_another_thread", || {
        let (told, asked) = mpsc::channel();
        let told = std::sync::Mutex::new(told);
        let _daemon = Daemon::start(move |_, _, _| told.lock().unwrap().send(()).unwrap());
        let handle = open().unwrap();
        // SAFETY: a valid pointer.
        let stop = thread::spawn(move || unsafe { saClmClusterTrackStop(&raw const handle) });
        asked.recv().unwrap();
        ok(finalize(handle));
        assert_eq!(stop.join().unwrap(), SaErrorT::SA_ERR_BAD_HANDLE);
    });
}

/// The callback may run before the thread that asked for it has seen that its
/// request succeeded.
#[test]
fn finalize_takes_no_reply_from_another_thread() {
    in_own_process("processes::finalize_takes_no_reply_from_another_thread", || {
        let (told, asked) = mpsc::channel();
        let told = std::sync::Mutex::new(told);
        let _daemon = Daemon::start(move |peer, id, _| {
            told.lock().unwrap().send(()).unwrap();
            // The last thing that it does before it sees the end.
            peer.wait_for_end();
            peer.reply(id, b"");
        });
        let handle = open().unwrap();
        // SAFETY: a valid pointer.
        let stop = thread::spawn(move || unsafe { saClmClusterTrackStop(&raw const handle) });
        asked.recv().unwrap();
        ok(finalize(handle));
        ok(stop.join().unwrap());
    });
}
