//! Calls without a library handle: replies in pieces and replies too late,
//! busy connections, signals, no executive.

use super::{from_c, in_own_process, in_own_process_with, name, ok};
use crate::ffi::amf::{saAmfReadinessStateGet, saAmfResponse};
use crate::ffi::clm::saClmClusterNodeGet;
use crate::ffi::types::{SaAmfReadinessStateT, SaClmClusterNodeT, SaClmNodeIdT, SaErrorT};
use ais_fake::{API_TIMEOUT, Daemon, Peer, is_own_process};
use ais_proto::{Code, Header, Kind, Name, OK, Request, Writer, amf, clm};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const MILLISECOND: i64 = 1_000_000;
/// The timeout of a call that is answered in the end, however busy the machine.
const LONG: i64 = 60_000 * MILLISECOND;

pub(super) fn node(id: u32) -> clm::Node {
    clm::Node {
        id,
        address: id.to_ne_bytes(),
        name: Name::try_from("node").unwrap(),
        cluster: Name::try_from("ais").unwrap(),
        member: true,
        boot_timestamp: 77,
    }
}

fn encoded(node: &clm::Node) -> Vec<u8> {
    let mut out = Writer::new();
    node.encode(&mut out);
    out.into_bytes()
}

/// saClmClusterNodeGet, which tells the id of the node that it got.
fn get(id: SaClmNodeIdT, timeout: i64) -> Result<SaClmNodeIdT, SaErrorT> {
    let mut node = MaybeUninit::<SaClmClusterNodeT>::uninit();
    // SAFETY: a valid pointer; the node is read only if it was written.
    unsafe {
        match saClmClusterNodeGet(id, timeout, node.as_mut_ptr()) {
            SaErrorT::SA_OK => Ok(node.assume_init_ref().nodeId),
            error => Err(error),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "timeouts are about real time")]
fn now() -> Instant {
    Instant::now()
}

/// Answers look-ups with the node asked for.
pub(super) fn look_up(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    match request {
        Request::Clm(clm::Request::NodeGet { node: wanted }) => {
            peer.reply(id, &encoded(&node(wanted as u32)));
        }
        request => panic!("not expected: {request:?}"),
    }
}

#[test]
fn without_an_executive_calls_may_be_tried_again() {
    in_own_process("calls::without_an_executive_calls_may_be_tried_again", || {
        assert_eq!(get(1, 0), Err(SaErrorT::SA_ERR_TRY_AGAIN));
        let daemon = Daemon::start(look_up);
        assert_eq!(get(1, 0), Ok(1));
        drop(daemon);
        assert_eq!(get(1, 0), Err(SaErrorT::SA_ERR_TRY_AGAIN));
        // A restarted executive is found without any trouble for the program.
        let _daemon = Daemon::start_as([1; 16], look_up);
        assert_eq!(get(2, 0), Ok(2));
        assert_eq!(get(1, -1), Err(SaErrorT::SA_ERR_INVALID_PARAM));
        assert_eq!(get(3, i64::MAX), Ok(3));
    });
}

#[test]
fn an_executive_that_does_not_answer_is_a_timeout() {
    in_own_process("calls::an_executive_that_does_not_answer_is_a_timeout", || {
        // It listens, but is stopped before it accepts.
        let path = std::env::var_os("AIS_SOCKET").unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        assert_eq!(get(1, 50 * MILLISECOND), Err(SaErrorT::SA_ERR_TIMEOUT));
    });
}

#[test]
fn a_late_reply_is_skipped_and_the_connection_stays() {
    in_own_process("calls::a_late_reply_is_skipped_and_the_connection_stays", || {
        let late = Mutex::new(None);
        let daemon = Daemon::start(move |peer, id, request| {
            let mut late = late.lock().unwrap();
            if late.is_none() {
                // Half of the reply now, the rest when the caller has gone.
                let body = encoded(&node(1));
                let mut frame = Header::new(Code(OK), id, body.len()).encode().to_vec();
                frame.extend(body);
                peer.raw(&frame[..20]);
                *late = Some(frame.split_off(20));
            } else {
                peer.raw(&late.replace(Vec::new()).unwrap());
                look_up(peer, id, request);
            }
        });
        let start = now();
        assert_eq!(get(1, 60 * MILLISECOND), Err(SaErrorT::SA_ERR_TIMEOUT));
        assert!(start.elapsed() >= Duration::from_millis(60));
        assert_eq!(daemon.wait_cancelled(1).len(), 1);
        assert_eq!(get(2, 0), Ok(2));
        assert_eq!(get(3, 0), Ok(3));
        assert_eq!(daemon.peers(|kind| matches!(kind, Kind::Call(_))).len(), 1);
    });
}

#[test]
fn replies_may_come_byte_by_byte() {
    in_own_process("calls::replies_may_come_byte_by_byte", || {
        let _daemon = Daemon::start(|peer, id, _| {
            let body = encoded(&node(9));
            let mut frame = Header::new(Code(OK), id, body.len()).encode().to_vec();
            frame.extend(body);
            for byte in frame {
                peer.raw(&[byte]);
            }
        });
        assert_eq!(get(9, 0), Ok(9));
        assert_eq!(get(9, 0), Ok(9));
    });
}

#[test]
fn nonsense_and_broken_connections_are_library_errors() {
    in_own_process("calls::nonsense_and_broken_connections_are_library_errors", || {
        let _daemon = Daemon::start(|peer, id, request| match request {
            Request::Clm(clm::Request::NodeGet { node: 1 }) => peer.raw(b"this is not a frame!"),
            Request::Clm(clm::Request::NodeGet { node: 2 }) => peer.hang_up(),
            Request::Clm(clm::Request::NodeGet { node: 3 }) => peer.reply(id, b"short"),
            Request::Clm(clm::Request::NodeGet { node: 4 }) => {
                let header = Header { length: u32::MAX, ..Header::new(Code(OK), id, 0) };
                peer.raw(&header.encode());
            }
            Request::Clm(clm::Request::NodeGet { node: 5 }) => peer.reply_with(4711, id, b""),
            Request::Clm(clm::Request::NodeGet { node: 6 }) => peer.reply_with(7, id, b""),
            request => look_up(peer, id, request),
        });
        for id in 1..=5 {
            assert_eq!(get(id, 0), Err(SaErrorT::SA_ERR_LIBRARY), "{id}");
            assert_eq!(get(10, 0), Ok(10));
        }
        assert_eq!(get(6, 0), Err(SaErrorT::SA_ERR_INVALID_PARAM));
    });
}

#[test]
fn many_threads_share_eight_connections() {
    in_own_process("calls::many_threads_share_eight_connections", || {
        let busy = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let seen = Arc::clone(&busy);
        let first = Arc::new(Barrier::new(8));
        let daemon = Daemon::start(move |peer, id, request| {
            let now = seen.0.fetch_add(1, Ordering::SeqCst) + 1;
            seen.1.fetch_max(now, Ordering::SeqCst);
            // The first eight are answered when all eight have come.
            if matches!(request, Request::Clm(clm::Request::NodeGet { node: 0..8 })) {
                first.wait();
            }
            seen.0.fetch_sub(1, Ordering::SeqCst);
            look_up(peer, id, request);
        });
        let threads: Vec<_> = (0..40)
            .map(|number| {
                thread::spawn(move || {
                    for round in 0..20 {
                        // The numbers below 8 are asked for once each.
                        let wanted = if round == 0 { number } else { number + 100 };
                        assert_eq!(get(wanted, LONG), Ok(wanted));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(busy.1.load(Ordering::SeqCst), 8);
        assert_eq!(daemon.peers(|kind| matches!(kind, Kind::Call(_))).len(), 8);
        assert_eq!(daemon.peers(|kind| matches!(kind, Kind::Session)).len(), 1);
    });
}

#[test]
fn who_finds_all_connections_busy_waits_no_longer_than_asked() {
    in_own_process("calls::who_finds_all_connections_busy_waits_no_longer_than_asked", || {
        let all = Arc::new(Barrier::new(9));
        let busy = Arc::clone(&all);
        let daemon = Daemon::start(move |peer, id, request| {
            // All have come; and then they may have their answers.
            busy.wait();
            busy.wait();
            look_up(peer, id, request);
        });
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| get(1, LONG))).collect();
        all.wait();
        assert_eq!(get(2, 20 * MILLISECOND), Err(SaErrorT::SA_ERR_TIMEOUT));
        all.wait();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Ok(1));
        }
        // The one that never had a connection had nothing to cancel.
        assert_eq!(daemon.wait_cancelled(0), [0; 0]);
    });
}

#[test]
fn signals_interrupt_no_call() {
    in_own_process("calls::signals_interrupt_no_call", || {
        extern "C" fn nothing(_: i32) {}
        // SAFETY: a handler that does nothing, without SA_RESTART.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
            assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
        }
        // SAFETY: no arguments.
        let caller = unsafe { libc::pthread_self() } as usize;
        let _daemon = Daemon::start(move |peer, id, request| {
            if matches!(request, Request::Clm(clm::Request::NodeGet { node: 2 })) {
                return;
            }
            for _ in 0..200 {
                // SAFETY: the thread waits for the reply below.
                unsafe { libc::pthread_kill(caller as libc::pthread_t, libc::SIGUSR1) };
                thread::yield_now();
            }
            look_up(peer, id, request);
        });
        for _ in 0..5 {
            assert_eq!(get(1, LONG), Ok(1));
        }
        let start = now();
        assert_eq!(get(2, 0), Err(SaErrorT::SA_ERR_TIMEOUT));
        assert!(start.elapsed() >= API_TIMEOUT);
    });
}

#[test]
fn polling_can_be_switched_off_and_on() {
    for microseconds in ["0", "5000", "not a number"] {
        let variables = [("AIS_BUSY_POLL", microseconds)];
        in_own_process_with("calls::polling_can_be_switched_off_and_on", &variables, || {
            let _daemon = Daemon::start(look_up);
            for id in 0..50 {
                assert_eq!(get(id, 0), Ok(id));
            }
        });
        if is_own_process() {
            return;
        }
    }
}

#[test]
fn amf_answers_are_checked_before_they_are_sent() {
    in_own_process("calls::amf_answers_are_checked_before_they_are_sent", || {
        let _daemon = Daemon::start(|peer, id, request| match request {
            Request::Amf(amf::Request::Response { invocation: 5, result: Ok(()) }) => {
                peer.reply(id, b"");
            }
            Request::Amf(amf::Request::ReadinessStateGet { component }) => {
                assert_eq!(component.as_bytes(), b"comp");
                peer.reply(id, &[2]);
            }
            _ => peer.reply_with(12, id, b""),
        });
        let mut state = SaAmfReadinessStateT::SA_AMF_STOPPING;
        let mut long = name("comp");
        // SAFETY: valid pointers, or NULL.
        unsafe {
            ok(saAmfResponse(5, from_c(1)));
            assert_eq!(saAmfResponse(5, from_c(22)), SaErrorT::SA_ERR_NOT_EXIST);
            assert_eq!(saAmfResponse(5, from_c(0)), SaErrorT::SA_ERR_INVALID_PARAM);
            assert_eq!(saAmfResponse(5, from_c(77)), SaErrorT::SA_ERR_INVALID_PARAM);
            ok(saAmfReadinessStateGet(&raw const long, &raw mut state));
            assert_eq!(state, SaAmfReadinessStateT::SA_AMF_IN_SERVICE);
            long.length = 257;
            let result = saAmfReadinessStateGet(&raw const long, &raw mut state);
            assert_eq!(result, SaErrorT::SA_ERR_INVALID_PARAM);
            let result = saAmfReadinessStateGet(std::ptr::null(), &raw mut state);
            assert_eq!(result, SaErrorT::SA_ERR_INVALID_PARAM);
        }
        assert_eq!(state, SaAmfReadinessStateT::SA_AMF_IN_SERVICE);
    });
}
