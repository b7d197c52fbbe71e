//! What breaks a rule is refused, though its checksum is right.

use super::*;

fn refused(packet: Packet) {
    assert_eq!(receive(&packet), Err(Dropped::Malformed), "{packet:?}");
}

fn taken(packet: Packet) {
    assert_eq!(receive(&packet), Ok(packet));
}

/// Every packet of a kind that differs from a good one by one change.
macro_rules! each_change {
    ($kind:ident, $good:expr, $($change:expr),+ $(,)?) => {
        taken(Packet::$kind($good));
        $({
            let mut packet = $good;
            let change: fn(&mut $kind) = $change;
            change(&mut packet);
            refused(Packet::$kind(packet));
        })+
    };
}

fn zero() -> NodeId {
    NodeId::new([0, 0, 0, 0].into())
}

fn many(count: usize) -> Vec<NodeId> {
    (1..=count).map(|host| NodeId::new([10, 0, 0, host as u8].into())).collect()
}

fn set_payload(
    data: &mut Data,
    change: impl FnOnce(&mut ViewId, &mut u64, &mut NodeId, &mut Bytes),
) {
    if let Payload::Recovered { ring, seq, from, chunks } = &mut data.payload {
        change(ring, seq, from, chunks);
    }
}

#[test]
fn of_data() {
    let new = || Data {
        ring: view(2),
        seq: MAX_SEQ,
        asks: false,
        payload: Payload::New { from: node(9), chunks: vec![1; MAX_CHUNKS].into() },
    };
    each_change!(
        Data,
        new(),
        |data| data.ring.number = 0,
        |data| data.ring.number = MAX_VIEW + 1,
        |data| data.ring.representative = zero(),
        |data| data.seq = 0,
        |data| data.seq = MAX_SEQ + 1,
        |data| data.payload = Payload::New { from: zero(), chunks: vec![1].into() },
        |data| data.payload = Payload::New { from: node(9), chunks: [].into() },
        |data| {
            let chunks = vec![1; MAX_CHUNKS + 1].into();
            data.payload = Payload::New { from: node(9), chunks };
        },
    );
    let old = || Data {
        payload: Payload::Recovered {
            ring: view(1),
            seq: 1,
            from: node(9),
            chunks: vec![1].into(),
        },
        ..new()
    };
    each_change!(
        Data,
        old(),
        |data| set_payload(data, |ring, _, _, _| ring.number = 2),
        |data| set_payload(data, |ring, _, _, _| ring.number = 0),
        |data| set_payload(data, |ring, _, _, _| ring.representative = zero()),
        |data| set_payload(data, |_, seq, _, _| *seq = 0),
        |data| set_payload(data, |_, seq, _, _| *seq = MAX_SEQ + 1),
        |data| set_payload(data, |_, _, from, _| *from = zero()),
        |data| set_payload(data, |_, _, _, chunks| *chunks = [].into()),
    );
}

#[test]
fn of_the_token() {
    let good = || Token {
        ring: view(1),
        token_seq: 0,
        seq: 5,
        aru: 5,
        aru_from: None,
        sent: 0,
        backlog: 0,
        idle: 0,
        recovering: false,
        requests: vec![5; MAX_REQUESTS],
    };
    each_change!(
        Token,
        good(),
        |token| token.ring.number = 0,
        |token| token.seq = MAX_SEQ + 1,
        |token| token.aru = 6,
        |token| token.aru_from = Some(zero()),
        |token| token.requests.push(5),
        |token| token.requests = vec![0],
        |token| token.requests = vec![6],
    );
}

#[test]
fn of_join() {
    let good = || Join {
        careful: false,
        leaving: false,
        number: 4,
        ring: Some(view(4)),
        members: many(MAX_MEMBERS),
        failed: many(MAX_MEMBERS),
        heard: many(MAX_MEMBERS),
        mutual: many(MAX_MEMBERS),
    };
    each_change!(
        Join,
        good(),
        |join| join.number = 3,
        |join| join.number = MAX_VIEW + 1,
        |join| join.ring = Some(view(0)),
        |join| join.members = many(MAX_MEMBERS + 1),
        |join| join.members.swap(0, 1),
        |join| {
            join.failed.clear();
            join.members = vec![node(SENDER), node(SENDER)];
        },
        |join| {
            join.members.remove(0);
            join.failed.clear();
        },
        |join| join.failed.swap(0, 1),
        |join| join.failed = vec![node(200)],
        |join| join.heard = many(MAX_MEMBERS + 1),
        |join| join.heard.swap(0, 1),
        |join| join.heard = vec![node(7), node(7)],
        |join| join.heard = vec![zero()],
        |join| {
            join.heard = vec![zero()];
            join.mutual.clear();
        },
        |join| {
            join.heard.remove(0);
        },
        |join| join.mutual.swap(0, 1),
    );
    let nobody = Vec::new;
    taken(Packet::Join(Join {
        careful: false,
        leaving: true,
        members: nobody(),
        failed: nobody(),
        heard: nobody(),
        mutual: nobody(),
        ..good()
    }));
}

#[test]
fn of_commit() {
    let entries = |nodes: Vec<NodeId>| -> Vec<CommitEntry> {
        let old =
            OldRing { ring: Some(view(4)), aru: 7, high: 7, safe: 7, obliged: many(MAX_MEMBERS) };
        nodes.into_iter().map(|node| CommitEntry { node, old: Some(old.clone()) }).collect()
    };
    fn old(commit: &mut Commit) -> &mut OldRing {
        commit.members[1].old.as_mut().unwrap()
    }
    let good = || Commit { ring: view(5), hop: 0, members: entries(many(MAX_MEMBERS)), size: 548 };
    each_change!(
        Commit,
        good(),
        |commit| commit.ring.number = 4,
        |commit| commit.ring.number = 0,
        |commit| commit.ring.representative = node(2),
        |commit| commit.members.clear(),
        |commit| commit.members.swap(1, 2),
        |commit| {
            let more = CommitEntry { node: node(200), old: None };
            commit.members.push(more);
        },
        |commit| {
            commit.members.remove(0);
            commit.ring.representative = node(2);
        },
        |commit| old(commit).ring = None,
        |commit| old(commit).ring = Some(view(5)),
        |commit| old(commit).safe = 8,
        |commit| old(commit).aru = 8,
        |commit| old(commit).high = MAX_SEQ + 1,
        |commit| old(commit).obliged.swap(0, 1),
    );
}

#[test]
fn of_hello_and_cancel() {
    let good = || Hello {
        ring: Some(view(1)),
        members: many(MAX_MEMBERS),
        heard: many(MAX_MEMBERS),
        mutual: many(MAX_MEMBERS),
        reach: Reach { length: 3000, ..Reach::default() },
    };
    each_change!(
        Hello,
        good(),
        |hello| hello.ring = Some(view(0)),
        |hello| hello.members.swap(1, 2),
        |hello| hello.members = many(MAX_MEMBERS + 1),
        |hello| hello.heard = many(MAX_MEMBERS + 1),
        |hello| {
            hello.heard = vec![zero()];
            hello.mutual.clear();
        },
        |hello| {
            hello.heard.remove(0);
        },
        |hello| hello.mutual.swap(0, 1),
        |hello| {
            hello.members.remove(0);
        },
        |hello| {
            hello.members.remove(0);
            hello.ring = Some(ViewId { number: 1, representative: node(2) });
        },
    );
    taken(Packet::Hello(Hello {
        ring: None,
        members: Vec::new(),
        heard: Vec::new(),
        mutual: Vec::new(),
        reach: Reach { length: 548, ..Reach::default() },
    }));
    each_change!(Cancel, Cancel { ring: view(1) }, |cancel| cancel.ring.number = 0);
    each_change!(
        Ack,
        Ack { ring: view(1), aru: MAX_SEQ, waits: true },
        |ack| ack.ring.number = 0,
        |ack| ack.aru = MAX_SEQ + 1,
    );
}
