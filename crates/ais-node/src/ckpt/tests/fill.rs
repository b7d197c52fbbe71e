//! What sections hold comes late to a node that has the rest, while changes go
//! on: in the end it has what the others have, wherever the pieces fell in
//! between.

use super::cluster::receive;
use super::model::Random;
use super::*;

const BIG: Limits = Limits { memory: 1 << 24, max_message: 1 << 20, ..LIMITS };

/// The second node is one that has just been sent the heads of the first.
fn with_heads(mut rig: Rig) -> Rig {
    let chunks: Vec<_> = rig.replicas[0].ckpt.snapshot(Part::Heads).collect();
    let mut joiner = Replica::new(OTHER, BIG);
    let state = Some(receive(&joiner.ckpt, &chunks));
    let view = View {
        id: rig.replicas[0].ckpt.state.view(),
        members: vec![LOWEST, OTHER],
        joined: vec![OTHER],
        left: Vec::new(),
        came_with_me: Vec::new(),
        why: String::new(),
    };
    joiner.ckpt.merge(vec![Side { members: vec![LOWEST], state }], &view, &mut joiner.fx);
    joiner.go_on();
    rig.replicas[1] = joiner;
    rig.compare = false;
    rig
}

/// Writes of all kinds to sections of all sizes, which come and go.
fn change(rig: &mut Rig, random: &mut Random, checkpoints: &mut Vec<u32>) {
    let checkpoint = checkpoints[random.below(checkpoints.len() as u64) as usize];
    let id = [random.below(3) as u8];
    let size = [10, 3_000, 150_000][random.below(3) as usize];
    let data = random.bytes(size);
    // What there is not may fail to be changed.
    match random.below(24) {
        0 => drop(rig.overwrite(checkpoint, &id, &data)),
        1..=17 => drop(rig.write(checkpoint, &[(&id, random.below(200_000), &data)])),
        18 => drop(rig.write(checkpoint, &[(&id, 0, b"x"), (b"", random.below(9), &data)])),
        19..=21 => drop(rig.create(checkpoint, &id, i64::MAX, &data)),
        22 => drop(rig.result(ONE, Request::SectionDelete { checkpoint, id: &id })),
        _ => {
            let name = format!("c{}", random.below(5));
            checkpoints.extend(rig.open_with(ONE, &name, BOTH, Some(ATTRIBUTES)));
            let _ = rig.unlink(&format!("c{}", random.below(20)));
        }
    }
}

#[test]
fn whatever_is_written_meanwhile_both_have_the_same_in_the_end() {
    let mut all_pieces = 0;
    for seed in 1..20 {
        let mut random = Random(seed);
        let mut rig = Rig::with(BIG);
        rig.replicas[0].ckpt.limits = BIG;
        let mut checkpoints = vec![rig.open(ONE, "a", BOTH), rig.open(ONE, "b", BOTH)];
        for _ in 0..40 {
            change(&mut rig, &mut random, &mut checkpoints);
        }
        let mut rig = with_heads(rig);
        let mut cursor = Some(Cursor::START);
        let mut under_way = VecDeque::new();
        let mut pieces = 0;
        while cursor.is_some() || !under_way.is_empty() {
            let is_slow = random.below(6) > 0;
            if let Some(from) = cursor.filter(|_| under_way.len() < 6 && random.below(2) == 0) {
                let (bytes, next) = rig.replicas[0].ckpt.fill_from(from);
                // Another sender may begin where an earlier one has come to.
                cursor = next;
                under_way.push_back(bytes);
            } else if is_slow {
                change(&mut rig, &mut random, &mut checkpoints);
            } else if let Some(bytes) = under_way.pop_front() {
                pieces += 1;
                rig.replicas[1].ckpt.fill(&bytes).unwrap();
                if random.below(8) == 0 {
                    rig.replicas[1].ckpt.fill(&bytes).unwrap();
                }
            }
            rig.replicas[1].ckpt.state.assert_sound();
        }
        all_pieces += pieces;
        assert_eq!(rig.digest(0), rig.digest(1), "seed {seed}");
        assert!(!rig.replicas[1].ckpt.state.awaits_any(), "seed {seed}");
    }
    assert!(all_pieces > 100, "{all_pieces}");
}

#[test]
fn what_is_made_meanwhile_is_not_sent() {
    let mut rig = Rig::with(BIG);
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"old", i64::MAX, &[1; 100_000]).unwrap();
    let mut rig = with_heads(rig);
    let (mut cursor, mut sent) = (Some(Cursor::START), 0);
    while let Some(from) = cursor {
        // As fast as they are sent.
        let id = [sent as u8];
        rig.create(checkpoint, &id, i64::MAX, &[2; 40_000]).unwrap();
        let (bytes, next) = rig.replicas[0].ckpt.fill_from(from);
        rig.replicas[1].ckpt.fill(&bytes).unwrap();
        (cursor, sent) = (next, sent + 1);
        assert!(sent < 10, "it comes to an end");
    }
    assert_eq!(rig.digest(0), rig.digest(1));
}

#[test]
fn empty_sections_cost_nothing_and_do_not_hold_the_walk_up() {
    let mut rig = Rig::with(BIG);
    rig.compare = false;
    let checkpoint = rig.open(ONE, "a", BOTH);
    for number in 0..10_000u32 {
        rig.create(checkpoint, &number.to_le_bytes(), i64::MAX, b"").unwrap();
    }
    let (mut cursor, mut pieces) = (Some(Cursor::START), 0);
    while let Some(from) = cursor {
        let (bytes, next) = rig.replicas[0].ckpt.fill_from(from);
        assert!(bytes.is_empty());
        (cursor, pieces) = (next, pieces + 1);
    }
    assert_eq!(pieces, 3);
    let empty = Ckpt::new(LOWEST, BIG, Pace::default());
    assert_eq!(empty.fill_from(Cursor::START), (vec![], None));
}

#[test]
fn damaged_pieces_do_no_harm() {
    let mut rig = Rig::with(BIG);
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", i64::MAX, &[1; 300]).unwrap();
    rig.create(checkpoint, b"t", i64::MAX, &[2; 300]).unwrap();
    let (bytes, _) = rig.replicas[0].ckpt.fill_from(Cursor::START);
    let mut rig = with_heads(rig);
    for place in 0..bytes.len() {
        for value in [0xff, 1] {
            let mut damaged = bytes.clone();
            damaged[place] ^= value;
            // It may or may not be refused.
            let _ = rig.replicas[1].ckpt.fill(&damaged);
            rig.replicas[1].ckpt.state.assert_sound();
        }
        assert!(rig.replicas[1].ckpt.fill(&bytes[..place]).is_err() || place % 337 == 0, "{place}");
    }
}
