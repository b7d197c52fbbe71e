//! What one process, or one user, cannot take from others.

use super::super::bounds::{
    ACCEPTS_PER_ROUND, CLOSES_PER_ROUND, MAX_HANDLES, OUTPUTS_PER_STEP, PAYMENTS_AT_A_TIME,
    REQUESTS_PER_TURN, UNPARKS_PER_ROUND,
};
use super::super::connection::{Connection, State};
use super::*;
use ais_node::ledger::{Bound, Kind as Counted};
use ais_node::{Body, Holder, UserId};
use ais_proto::{AisError, ServiceId, clm};
use nix::sys::epoll::EpollFlags;
use nix::unistd::{Pid, Uid};

/// A process of somebody else.
const OTHER: Holder = Holder { user: UserId(4321), process: 4_000_001 };

impl Stage {
    fn last(&mut self) -> &mut Connection {
        self.server.connections.values_mut().next_back().unwrap()
    }

    /// Has the newest connection be one of another process.
    fn hand_to(&mut self, holder: Holder) {
        let peer = &mut self.last().peer;
        let own = peer.holder();
        peer.uid = Uid::from_raw(holder.user.0);
        peer.pid = Pid::from_raw(holder.process.cast_signed());
        let (kind, descriptors) = (self.last().kind, self.last().descriptors);
        let ledger = self.server.node.ledger_mut();
        ledger.release(kind, own, descriptors);
        ledger.charge(kind, holder, descriptors);
    }

    fn total(&self, kind: Counted) -> u64 {
        self.server.node.ledger().total(kind)
    }

    fn bound(&mut self, kind: Counted, total: u64) {
        self.server.node.ledger_mut().set_bound(kind, Bound { total, for_root: 0 });
    }
}

fn own() -> Holder {
    let (pid, uid) = (nix::unistd::getpid(), nix::unistd::getuid());
    Holder { user: UserId(uid.as_raw()), process: pid.as_raw().unsigned_abs() }
}

fn request(id: u32) -> Vec<u8> {
    let request = clm::Request::NodeGet { node: 0 };
    let mut body = ais_proto::Writer::new();
    request.encode(&mut body);
    let body = body.into_bytes();
    let header = Header::new(request.code(), id, body.len()).encode();
    [&header[..], &body].concat()
}

/// Whether exactly one reply is there, with this id.
fn is_answered(stream: &mut UnixStream, id: u32) -> bool {
    let mut bytes = [0; 4096];
    let Ok(count) = stream.read(&mut bytes) else { return false };
    let header = Header::decode(bytes.first_chunk().unwrap(), MAX_MESSAGE).unwrap();
    count == HEADER_LENGTH + header.length as usize && header.id == id
}

#[test]
fn beyond_the_memory_for_all_who_holds_most_pays() {
    let mut stage = Stage::new();
    stage.bound(Counted::Sockets, 3_000_000);
    let claim = Header::new(Code(0x0310), 1, 1 << 20).encode();
    // One process holds little on many connections, the other much on few.
    let (mut anchor, cookie) = stage.greet(Kind::Session);
    let mut small: Vec<UnixStream> = (0..12).map(|_| stage.greet(Kind::Call(cookie)).0).collect();
    let (mut neighbour, theirs) = stage.greet(Kind::Session);
    stage.hand_to(OTHER);
    let mut large: Vec<UnixStream> = (0..2)
        .map(|_| {
            let stream = stage.greet(Kind::Call(theirs)).0;
            stage.hand_to(OTHER);
            stream
        })
        .collect();
    let push = |stage: &mut Stage, stream: &mut UnixStream, bytes: &[u8]| {
        stream.write_all(bytes).unwrap();
        stage.run();
    };
    for stream in small.iter_mut().chain(&mut large) {
        push(&mut stage, stream, &claim);
    }
    for _ in 0..10 {
        for stream in &mut small {
            push(&mut stage, stream, &[0; 10_000]);
        }
    }
    assert!(stage.total(Counted::Sockets) >= 1_200_000);
    for _ in 0..5 {
        push(&mut stage, &mut large[0], &[0; 30_000]);
        push(&mut stage, &mut large[1], &[0; 90_000]);
    }
    assert!(large.iter_mut().chain(&mut small).all(|stream| !is_closed(stream)));
    // The other process is asked for the largest that it has only when it holds
    // most of all.
    stage.bound(Counted::Sockets, stage.total(Counted::Sockets));
    push(&mut stage, &mut large[0], &[0; 60_000]);
    let closed = small.iter_mut().filter_map(|stream| is_closed(stream).then_some(())).count();
    assert!((1..3).contains(&closed), "{closed} of the process that holds most");
    assert!(large.iter_mut().all(|stream| !is_closed(stream)));
    assert!(!is_closed(&mut anchor) && !is_closed(&mut neighbour));
    drop(small);
    drop(large);
    stage.run();
    assert_eq!(stage.total(Counted::Sockets), 0);
}

#[test]
fn a_half_frame_counts_with_all_the_memory_it_takes() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    call.write_all(&Header::new(Code(0x0310), 1, 1 << 20).encode()).unwrap();
    for _ in 0..20 {
        call.write_all(&[0; 20_000]).unwrap();
        stage.run();
        let counted = stage.total(Counted::Sockets);
        assert_eq!(counted, stage.last().input.held_bytes());
    }
    assert!(stage.total(Counted::Sockets) >= 400_000);
}

#[test]
fn replies_count_until_they_are_read() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    for id in 0..100 {
        call.write_all(&request(id)).unwrap();
        stage.run();
    }
    assert!(stage.last().output.is_empty(), "the kernel has them all");
    let unread = stage.total(Counted::Sockets);
    assert!(unread >= 100 * HEADER_LENGTH as u64, "{unread}");
    let mut replies = [0; 100_000];
    while call.read(&mut replies).is_ok() {}
    call.write_all(&request(100)).unwrap();
    stage.run();
    assert!(is_answered(&mut call, 100));
    assert_eq!(stage.total(Counted::Sockets), 0);
}

#[test]
fn a_session_with_many_handles_ends_bit_by_bit_and_others_are_served() {
    let mut stage = Stage::new();
    let (anchor, cookie) = stage.greet(Kind::Session);
    let (_neighbours, theirs) = stage.greet(Kind::Session);
    let (mut neighbour, _) = stage.greet(Kind::Call(theirs));
    let handles: Vec<_> = (0..3 * CLOSES_PER_ROUND)
        .map(|_| {
            let (service, callbacks) = (ServiceId::Clm, 0);
            stage.greet(Kind::Handle { cookie, service, callbacks }).0
        })
        .collect();
    let mut left = stage.server.connections.len();
    let (all, held) = (left, stage.total(Counted::Descriptors));
    drop(anchor);
    let mut rounds = 0;
    while left > 2 {
        neighbour.write_all(&request(rounds)).unwrap();
        stage.round();
        assert!(is_answered(&mut neighbour, rounds), "in round {rounds}");
        let now = stage.server.connections.len();
        assert!(left - now <= CLOSES_PER_ROUND, "{left} to {now}");
        left = now;
        rounds += 1;
        assert!(rounds < 100, "{left} are left");
    }
    assert!(all >= 3 * CLOSES_PER_ROUND && rounds >= 3);
    assert!(stage.total(Counted::Descriptors) < held / 10);
    drop(handles);
}

#[test]
fn a_process_with_many_connections_has_one_turn_before_another_has() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let mut many: Vec<UnixStream> = (0..9).map(|_| stage.greet(Kind::Call(cookie)).0).collect();
    let (_theirs, cookie) = stage.greet(Kind::Session);
    let (_one, _) = stage.greet(Kind::Call(cookie));
    stage.hand_to(OTHER);
    let other = stage.server.last_connection;
    for stream in &mut many {
        stream.write_all(&request(1)).unwrap();
    }
    for id in 1..=other {
        stage.server.await_turn(id, EpollFlags::EPOLLIN, EpollFlags::empty());
    }
    let order: Vec<_> = std::iter::from_fn(|| stage.server.ready.pop()).collect();
    assert!(order[..2].contains(&other), "{order:?}");
}

#[test]
fn a_turn_serves_so_many_requests_and_the_next_one_goes_on() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    let id = stage.server.last_connection;
    let many: Vec<u8> = (0..40).flat_map(request).collect();
    call.write_all(&many).unwrap();
    stage.server.await_turn(id, EpollFlags::EPOLLIN, EpollFlags::empty());
    let mut served = Vec::new();
    let mut replies = [0; 100_000];
    while stage.server.serve_ready(stage.now) == Some(id) {
        let count = call.read(&mut replies).unwrap_or(0);
        served.push(replies[..count].windows(4).filter(|bytes| *bytes == b"AIS1").count());
    }
    assert_eq!(served, [REQUESTS_PER_TURN, REQUESTS_PER_TURN, 40 - 2 * REQUESTS_PER_TURN]);
}

#[test]
fn replies_are_put_out_some_in_a_step_and_none_is_lost() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    let id = stage.server.last_connection;
    let caller = stage.last().state.caller().unwrap();
    let unlink = ckpt_proto::Request::Unlink { name: Name::default() };
    let mut body = ais_proto::Writer::new();
    unlink.encode(&mut body);
    let body = body.into_bytes();
    // As if the group had brought all of them with one datagram.
    for number in 0..=2 * OUTPUTS_PER_STEP as u32 {
        stage
            .server
            .node
            .request(stage.now, &caller, number, unlink.code(), Body::from(&body))
            .unwrap();
    }
    stage.server.has_outputs = true;
    let mut sent = Vec::new();
    let mut replies = [0; 100_000];
    while stage.server.has_work() {
        stage.server.begin_step();
        stage.server.tidy(stage.now);
        let mut count = 0;
        while let Ok(length) = call.read(&mut replies) {
            count += replies[..length].windows(4).filter(|bytes| *bytes == b"AIS1").count();
            stage.server.flush(stage.now, id);
        }
        sent.push(count);
    }
    assert_eq!(sent, [OUTPUTS_PER_STEP, OUTPUTS_PER_STEP, 1]);
}

/// Connections for calls of as many sessions as that takes, and those.
fn many_calls(stage: &mut Stage, count: usize) -> (Vec<UnixStream>, Vec<UnixStream>) {
    let (mut anchors, mut calls) = (Vec::new(), Vec::new());
    while calls.len() < count {
        let (anchor, cookie) = stage.greet(Kind::Session);
        calls.extend((0..10).map(|_| stage.greet(Kind::Call(cookie)).0));
        anchors.push(anchor);
    }
    (anchors, calls)
}

#[test]
fn what_is_held_too_much_is_closed_some_at_a_time() {
    let mut stage = Stage::new();
    let (_anchors, mut calls) = many_calls(&mut stage, 2 * PAYMENTS_AT_A_TIME);
    let claim = Header::new(Code(0x0310), 1, 1 << 20).encode();
    for call in &mut calls {
        call.write_all(&claim).unwrap();
        call.write_all(&[0; 10_000]).unwrap();
    }
    stage.run();
    stage.bound(Counted::Sockets, 0);
    let mut left = stage.total(Counted::Sockets);
    let each = left / calls.len() as u64;
    while left > 0 {
        stage.server.collect(stage.now);
        let now = stage.total(Counted::Sockets);
        assert!(left - now <= PAYMENTS_AT_A_TIME as u64 * each, "{left} to {now}");
        assert!(now < left);
        left = now;
    }
    // Their memory goes as each is closed.
    assert!(stage.server.connections.values().all(|connection| {
        connection.is_closing
            == connection.remains.as_ref().is_some_and(|remains| remains.0.held_bytes() > 0)
    }));
    stage.run();
    assert!(calls.iter_mut().all(is_closed));
}

#[test]
fn who_waited_for_the_group_goes_on_some_in_a_round() {
    let mut stage = Stage::new();
    let (_anchors, mut calls) = many_calls(&mut stage, UNPARKS_PER_ROUND + 1);
    let room = stage.server.node.ledger().room(Counted::Outbox, own());
    stage.server.node.ledger_mut().charge(Counted::Outbox, own(), room);
    for call in &mut calls {
        call.write_all(&request(7)).unwrap();
    }
    stage.run();
    assert_eq!(stage.server.parked.len(), calls.len());
    stage.server.node.ledger_mut().release(Counted::Outbox, own(), room);
    stage.server.tidy(stage.now);
    assert_eq!(stage.server.parked.len(), calls.len() - UNPARKS_PER_ROUND);
    stage.run();
    stage.server.tidy(stage.now);
    stage.run();
    assert!(calls.iter_mut().all(|call| is_answered(call, 7)));
}

#[test]
fn a_session_has_so_many_handles_and_no_more() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let State::Anchor(id) = stage.last().state else { panic!("no session") };
    let open = |stage: &mut Stage| {
        let mut stream = stage.connect();
        let body = Hello { kind: Kind::Handle { cookie, service: ServiceId::Clm, callbacks: 0 } };
        let body = body.encode();
        stream.write_all(&Header::new(Code::HELLO, 1, body.len()).encode()).unwrap();
        stream.write_all(&body).unwrap();
        stage.run();
        let mut reply = [0; MAX_HELLO_BODY];
        let count = stream.read(&mut reply).unwrap();
        assert!(count >= HEADER_LENGTH);
        let header = Header::decode(reply.first_chunk().unwrap(), MAX_MESSAGE).unwrap();
        (header.result(), stream)
    };
    stage.server.sessions.get_mut(id).unwrap().handles = MAX_HANDLES - 1;
    let last = open(&mut stage);
    assert_eq!(last.0, Ok(()));
    assert_eq!(open(&mut stage).0, Err(AisError::NoResources));
    drop(last);
    stage.run();
    assert_eq!(open(&mut stage).0, Ok(()));
}

#[test]
fn connections_are_accepted_many_at_a_time() {
    let mut stage = Stage::new();
    let mut clients: Vec<_> =
        (0..ACCEPTS_PER_ROUND + 9).map(|_| UnixStream::connect(&stage.path).unwrap()).collect();
    stage.server.on_event(stage.now, Token::Listener, EpollFlags::EPOLLIN);
    // As many as there was time for.
    assert!((1..=ACCEPTS_PER_ROUND).contains(&stage.server.connections.len()));
    stage.run();
    assert_eq!(stage.server.connections.len(), clients.len());
    clients.clear();
    stage.run();
    assert_eq!(stage.server.connections.len(), 0);
    assert!(stage.server.greetings.is_empty());
}

#[test]
fn those_that_say_nothing_in_time_are_closed_some_in_a_round() {
    let mut stage = Stage::new();
    let mut silent: Vec<_> = (0..=CLOSES_PER_ROUND).map(|_| stage.connect()).collect();
    stage.now.monotonic += GREETING_TIME;
    stage.server.on_time(stage.now);
    assert_eq!(stage.server.endings.len(), CLOSES_PER_ROUND);
    assert!(stage.server.deadline().is_some_and(|at| at <= stage.now.monotonic));
    stage.run();
    stage.run();
    assert!(silent.iter_mut().all(is_closed));
}

#[test]
fn silent_connections_of_one_process_leave_room_for_others() {
    let mut stage = Stage::new();
    stage.bound(Counted::Descriptors, 100);
    let silent: Vec<_> = (0..300).map(|_| stage.connect()).collect();
    let taken = stage.total(Counted::Descriptors);
    assert!((40..70).contains(&taken), "{taken}");
    assert!(stage.total(Counted::Refusals) < 32);
    let waiting = stage.server.connections.len() as u64;
    assert_eq!(waiting, taken + stage.total(Counted::Refusals), "the others are closed at once");
    // Somebody else, by the account of somebody else.
    let ledger = stage.server.node.ledger();
    assert!(!ledger.may_take(Counted::Descriptors, own(), 1));
    assert!(ledger.may_take(Counted::Descriptors, OTHER, 3));
    let colleague = Holder { process: OTHER.process, ..own() };
    assert!(ledger.may_take(Counted::Descriptors, colleague, 3));
    drop(silent);
    stage.run();
    assert_eq!((stage.total(Counted::Descriptors), stage.total(Counted::Refusals)), (0, 0));
}

#[test]
fn a_process_whose_messages_wait_for_the_group_is_not_read_and_others_are() {
    let mut stage = Stage::new();
    let (_anchor, cookie) = stage.greet(Kind::Session);
    let (mut call, _) = stage.greet(Kind::Call(cookie));
    let (_theirs, cookie) = stage.greet(Kind::Session);
    let (mut other, _) = stage.greet(Kind::Call(cookie));
    stage.hand_to(OTHER);
    let room = stage.server.node.ledger().room(Counted::Outbox, own());
    stage.server.node.ledger_mut().charge(Counted::Outbox, own(), room);
    for stream in [&mut call, &mut other] {
        stream.write_all(&request(7)).unwrap();
        stage.run();
    }
    assert!(is_answered(&mut other, 7));
    assert!(!is_answered(&mut call, 7));
    assert_eq!(stage.server.parked.len(), 1);
    stage.server.node.ledger_mut().release(Counted::Outbox, own(), room);
    stage.server.tidy(stage.now);
    stage.run();
    assert!(is_answered(&mut call, 7));
}
