//! Shares of users, and that no step does more than one of them may ask for.

use super::*;
use crate::Holder;
use crate::ledger::Kind;

const FREE: Limits = Limits { memory: u64::MAX, max_message: 1 << 20, ..LIMITS };

fn belongs(rig: &mut Rig, program: Program, user: u32) {
    let holder = Holder { user: UserId(user), process: program.session.0 as u32 };
    rig.replicas[program.node].fx.ledger.open(program.session, holder);
}

#[test]
fn a_user_has_a_share_of_the_memory_of_all_nodes() {
    let mut rig = Rig::with(Limits { user_memory: 10_000, ..LIMITS });
    for (program, user) in [(ONE, 1000), (FAR, 1000), (TWO, 1001)] {
        belongs(&mut rig, program, user);
    }
    let root = program(0, 9);
    belongs(&mut rig, root, 0);
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.overwrite(checkpoint, b"", &[7; 8000]).unwrap();
    // The user is full wherever it asks, and whoever else writes to what is its.
    assert_eq!(rig.overwrite(checkpoint, b"", &[7; 9000]), Err(AisError::NoSpace));
    assert_eq!(rig.create(checkpoint, b"id", i64::MAX, &[7; 400]), Err(AisError::NoSpace));
    assert_eq!(rig.write(checkpoint, &[(b"", 8000, &[7; 800])]), Err((AisError::NoSpace, None)));
    let made = rig.open_with(FAR, "b", BOTH, Some(ATTRIBUTES));
    assert_eq!(made, Err(AisError::NoSpace));
    let shared = rig.open(TWO, "a", BOTH);
    let more = Request::Overwrite { checkpoint: shared, id: b"", data: &[7; 9000] };
    assert_eq!(rig.result(TWO, more), Err(AisError::NoSpace));
    // What is there may be opened and become less, and others have their own.
    rig.open(FAR, "a", BOTH);
    rig.overwrite(checkpoint, b"", &[7; 7000]).unwrap();
    let others = rig.open(TWO, "c", BOTH);
    let data = &[7; 8000];
    rig.result(TWO, Request::Overwrite { checkpoint: others, id: b"", data }).unwrap();
    // Root is free of it, in its own and in those of others.
    let own = rig.open(root, "d", BOTH);
    for checkpoint in [own, rig.open(root, "a", BOTH)] {
        let data = &[7; 50_000];
        rig.result(root, Request::Overwrite { checkpoint, id: b"", data }).unwrap();
    }
}

#[test]
fn what_a_user_gives_back_it_has_again() {
    let mut rig = Rig::with(Limits { user_memory: 10_000, ..LIMITS });
    belongs(&mut rig, ONE, 1000);
    for _ in 0..3 {
        let checkpoint = rig.open(ONE, "a", BOTH);
        rig.overwrite(checkpoint, b"", &[7; 8000]).unwrap();
        rig.unlink("a").unwrap();
        rig.close(ONE, checkpoint).unwrap();
    }
    assert_eq!(rig.replicas[1].ckpt.state.owned(UserId(1000)).memory, 0);
}

#[test]
fn a_user_has_three_quarters_of_the_checkpoints() {
    let mut rig = Rig::with(Limits { checkpoints: 8, ..LIMITS });
    for (program, user) in [(ONE, 1000), (TWO, 1001)] {
        belongs(&mut rig, program, user);
    }
    for name in ["a", "b", "c", "d", "e", "f"] {
        rig.open(ONE, name, BOTH);
    }
    let mut opens = |program, name| rig.open_with(program, name, BOTH, Some(ATTRIBUTES)).map(drop);
    assert_eq!(opens(ONE, "g"), Err(AisError::NoSpace));
    assert_eq!(opens(ONE, "a"), Ok(()));
    assert_eq!(opens(TWO, "g"), Ok(()));
    assert_eq!(opens(FAR, "h"), Ok(()), "nobody knows whose it is");
    assert_eq!(opens(FAR, "i"), Err(AisError::NoSpace));
}

/// What came of requests that were all under way at a time.
fn outcomes(rig: &mut Rig) -> Vec<Result<(), AisError>> {
    rig.release();
    let replies = rig.replicas.iter_mut().flat_map(|replica| replica.replies.drain(..));
    replies.map(|(.., reply)| reply.result).collect()
}

fn to_create<'a>(checkpoint: u32, id: &'a [u8], data: &'a [u8]) -> Request<'a> {
    Request::SectionCreate { checkpoint, id: Some(id), expiration: i64::MAX, data }
}

#[test]
fn what_is_under_way_on_all_nodes_does_not_pass_a_bound() {
    let mut rig = Rig::with(Limits { user_memory: 10_000, checkpoints: 6, sections: 9, ..LIMITS });
    let far = program(1, 4);
    for (program, user) in [(ONE, 1000), (FAR, 1000), (TWO, 1001), (far, 1001)] {
        belongs(&mut rig, program, user);
    }
    let (near, other) = (rig.open(ONE, "a", BOTH), rig.open(FAR, "a", BOTH));
    // Memory of a user: each of these fits alone, two do together.
    rig.hold = true;
    for (program, checkpoint, id) in [(ONE, near, b"1"), (FAR, other, b"2"), (ONE, near, b"3")] {
        rig.send(program, to_create(checkpoint, id, &[7; 4000]));
    }
    let mut results = outcomes(&mut rig);
    results.sort_unstable_by_key(Result::is_err);
    assert_eq!(results, [Ok(()), Ok(()), Err(AisError::NoSpace)]);
    assert!(rig.replicas[0].ckpt.state.owned(UserId(1000)).memory <= 10_000);
    // Sections of a checkpoint, of another user.
    let (near, other) = (rig.open(TWO, "b", BOTH), rig.open(far, "b", BOTH));
    rig.hold = true;
    for number in 0..7 {
        rig.send(TWO, to_create(near, &[number], b""));
        rig.send(far, to_create(other, &[number + 100], b""));
    }
    assert_eq!(outcomes(&mut rig).iter().filter(|result| result.is_ok()).count(), 9);
    // Checkpoints.
    rig.hold = true;
    for number in 0..5 {
        for program in [TWO, FAR] {
            let name = format!("{number} of {}", program.node);
            rig.send(program, Request::Open(to_open(&name, BOTH, Some(ATTRIBUTES))));
        }
    }
    assert_eq!(outcomes(&mut rig).iter().filter(|result| result.is_ok()).count(), 4);
    assert_eq!(rig.replicas[1].ckpt.state.len(), 6);
}

#[test]
fn opens_are_bounded_by_user() {
    let mut rig = Rig::new();
    for node in 0..2 {
        let bound = crate::ledger::Bound::of(160);
        rig.replicas[node].fx.ledger.set_bound(Kind::Opens, bound);
    }
    for (program, user) in [(ONE, 1000), (TWO, 1000), (HANDLE, 1000)] {
        belongs(&mut rig, program, user);
    }
    let mut fill = |program| {
        let opens = std::iter::from_fn(|| rig.open_with(program, "a", BOTH, Some(ATTRIBUTES)).ok());
        opens.count()
    };
    let first = fill(ONE);
    assert!((70..100).contains(&first), "{first}");
    assert!(fill(TWO) > 0);
    let other = program(0, 8);
    assert!(fill(other) > 0);
    rig.kill(ONE);
    assert!(rig.open_with(TWO, "a", BOTH, None).is_ok());
}

/// Opens of the first node that all nodes count.
fn counted(rig: &Rig) -> u32 {
    let state = &rig.replicas[1].ckpt.state;
    state.iter().filter_map(|(_, checkpoint)| checkpoint.references(LOWEST)).sum()
}

#[test]
fn what_a_process_had_open_is_closed_bit_by_bit() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    let many = Pace::default().checkpoints as u32 * 5 / 2;
    for number in 0..many {
        rig.open(ONE, &format!("{}", number % 1500), BOTH);
    }
    rig.open(TWO, "0", BOTH);
    rig.kill(ONE);
    let mut left = vec![counted(&rig)];
    while left.last().is_some_and(|left| *left > 1) {
        rig.wait(1_000_000);
        left.push(counted(&rig));
    }
    let step = Pace::default().checkpoints as u32;
    assert_eq!(left, [1 + many - step, 1 + many - 2 * step, 1]);
    assert_eq!(rig.replicas[0].fx.ledger.total(Kind::Opens), 1);
    rig.replicas[0].ckpt.assert_counted(LOWEST);
}

#[test]
fn many_processes_that_end_at_once_have_no_more_closed_than_one() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    let step = Pace::default().checkpoints as u32;
    for program in [ONE, TWO] {
        for number in 0..step * 3 / 4 {
            rig.open(program, &format!("{number}"), BOTH);
        }
    }
    rig.kill(ONE);
    rig.kill(TWO);
    assert_eq!(counted(&rig), step / 2);
    rig.wait(1_000_000);
    assert_eq!(counted(&rig), 0);
}

#[test]
fn what_a_process_had_open_waits_for_the_room_of_its_user_and_nobody_else_for_that() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    for (program, user) in [(ONE, 1000), (TWO, 1001)] {
        belongs(&mut rig, program, user);
        rig.open(program, "a", BOTH);
    }
    let ledger = &mut rig.replicas[0].fx.ledger;
    let full = ledger.holder(ONE.session);
    let sent = ledger.room(Kind::Outbox, full);
    ledger.charge(Kind::Outbox, full, sent);
    rig.kill(ONE);
    rig.kill(TWO);
    rig.wait(SECOND);
    assert_eq!(counted(&rig), 1, "that of the first is still open");
    rig.replicas[0].fx.ledger.release(Kind::Outbox, full, sent);
    rig.wait(1_000_000);
    assert_eq!(counted(&rig), 0);
}

#[test]
fn openers_are_those_of_the_checkpoint_whoever_else_has_many_open() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    for number in 0..3000 {
        rig.open(ONE, &format!("{}", number % 3), BOTH);
    }
    rig.open(TWO, "1", BOTH);
    let openers = |rig: &Rig, name: &str| {
        let name = Name::try_from(name).unwrap();
        rig.replicas[0].ckpt.openers(&name).collect::<Vec<_>>()
    };
    assert_eq!(openers(&rig, "0"), [(ONE.session, 1000)]);
    assert_eq!(openers(&rig, "1"), [(ONE.session, 1000), (TWO.session, 1)]);
    rig.kill(ONE);
    while rig.replicas[0].ckpt.opens.have_more() {
        rig.wait(1_000_000);
    }
    assert_eq!(openers(&rig, "1"), [(TWO.session, 1)]);
    assert_eq!(openers(&rig, "0"), []);
}

/// A section of so many chunks, each of which is stored.
fn sparse(rig: &mut Rig, checkpoint: u32, id: &[u8], chunks: u64) {
    for first in (0..chunks).step_by(1000) {
        let offsets = (first..chunks.min(first + 1000)).map(|chunk| chunk << 16);
        let elements: Vec<_> = offsets.map(|offset| (id, offset, &b"x"[..])).collect();
        rig.write(checkpoint, &elements).unwrap();
    }
}

/// So many steps it takes until all memory is given back.
fn burial(rig: &mut Rig) -> usize {
    let mut steps = 0;
    while rig.replicas[0].ckpt.state.has_graves() {
        rig.wait(1_000_000);
        steps += 1;
        assert!(steps < 1000, "it does not come to an end");
    }
    steps
}

#[test]
fn the_memory_of_large_sections_is_given_back_bit_by_bit() {
    let mut rig = Rig::with(FREE);
    let checkpoint = rig.open(ONE, "a", BOTH);
    for id in ["over", "cut", "gone", "late"] {
        let expiration = if id == "late" { START + 9 * SECOND } else { i64::MAX };
        rig.create(checkpoint, id.as_bytes(), expiration, b"").unwrap();
        sparse(&mut rig, checkpoint, id.as_bytes(), 5000);
    }
    assert_eq!(burial(&mut rig), 0);
    rig.overwrite(checkpoint, b"over", b"short").unwrap();
    assert_eq!(burial(&mut rig), 40, "128 chunks at a time");
    rig.overwrite(checkpoint, b"cut", &[7; 70_000]).unwrap();
    assert_eq!(burial(&mut rig), 40);
    assert_eq!(rig.contents(checkpoint, b"cut").unwrap(), [7; 70_000]);
    rig.result(ONE, Request::SectionDelete { checkpoint, id: b"gone" }).unwrap();
    assert_eq!(burial(&mut rig), 40);
    rig.wait(9 * SECOND);
    assert!(rig.contents(checkpoint, b"late").is_err());
    sparse(&mut rig, checkpoint, b"over", 5000);
    rig.unlink("a").unwrap();
    rig.close(ONE, checkpoint).unwrap();
    assert!((40..=42).contains(&burial(&mut rig)));
}

#[test]
fn what_was_taken_to_be_looked_at_is_given_back_bit_by_bit() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    let checkpoint = rig.open(ONE, "a", BOTH);
    for number in 0..5000_u32 {
        rig.create(checkpoint, &number.to_be_bytes(), i64::MAX, b"old").unwrap();
    }
    let (_, taken) = rig.replicas[0].ckpt.inspect(&Name::try_from("a").unwrap()).unwrap();
    for number in 0..5000_u32 {
        rig.overwrite(checkpoint, &number.to_be_bytes(), b"new").unwrap();
    }
    let Replica { ckpt, fx, .. } = &mut rig.replicas[0];
    ckpt.bury(taken, fx);
    rig.settle();
    assert_eq!(burial(&mut rig), 3);
    assert_eq!(rig.contents(checkpoint, &7_u32.to_be_bytes()).unwrap(), b"new");
}

#[test]
fn a_view_goes_through_many_checkpoints_in_pieces() {
    let mut rig = Rig::with(FREE);
    rig.compare = false;
    for number in 0..3000 {
        let checkpoint = rig.open(FAR, &format!("{number}"), BOTH);
        if number % 2 == 0 {
            rig.close(FAR, checkpoint).unwrap();
        }
    }
    let view = View {
        id: ais_group::ViewId { number: 9, representative: LOWEST },
        members: vec![LOWEST],
        joined: Vec::new(),
        left: vec![OTHER],
        came_with_me: vec![LOWEST],
        why: String::new(),
    };
    let replica = &mut rig.replicas[0];
    replica.ckpt.on_view(&view, true, &mut replica.fx);
    let is_open = |replica: &Replica| {
        let checkpoints = replica.ckpt.state.iter();
        checkpoints.filter(|(_, checkpoint)| checkpoint.is_open()).count()
    };
    assert_eq!(is_open(replica), 1500 - Pace::default().checkpoints / 2, "the first piece");
    let pieces = replica.go_on();
    assert_eq!((is_open(replica), pieces), (0, 5), "through all twice");
    // Their retention is watched from then on.
    rig.settle();
    rig.wait(10 * SECOND);
    assert_eq!(rig.replicas[0].ckpt.state.len(), 0);
}
