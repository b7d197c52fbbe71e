//! Snapshots: what they cost, and what a bad one can do.

use super::cluster::receive;
use super::*;
use crate::SNAPSHOT_CHUNK;
use crate::ckpt::snapshot::Incoming;

/// A state with everything in it.
fn rich() -> Rig {
    let limits = Limits { memory: 1 << 22, max_message: 1 << 22, ..LIMITS };
    let mut rig = Rig::with(limits);
    let checkpoint = rig.open(ONE, "a", COLOCATED);
    rig.open(FAR, "a", BOTH);
    rig.create(checkpoint, b"s", START + 40 * SECOND, b"x").unwrap();
    rig.create(checkpoint, &[7; 60_000], i64::MAX, &vec![3; 300_000]).unwrap();
    rig.create(checkpoint, b"deleted", i64::MAX, b"").unwrap();
    rig.result(ONE, Request::SectionDelete { checkpoint, id: b"deleted" }).unwrap();
    rig.write(checkpoint, &[(b"s", 1 << 20, b"after a hole")]).unwrap();
    let create = Request::SectionCreate { checkpoint, id: None, expiration: i64::MAX, data: b"" };
    rig.result(ONE, create).unwrap();
    let retained = rig.open(FAR, "retained", BOTH);
    rig.close(FAR, retained).unwrap();
    rig.wait(6 * SECOND);
    let weak = rig.open_with(ONE, "weak", COLOCATED, Some(WEAK)).unwrap();
    rig.result(ONE, Request::ActiveSet { checkpoint: weak }).unwrap();
    rig.open_with(FAR, "unset", COLOCATED, Some(WEAK)).unwrap();
    rig.create(weak, b"past", START, b"x").unwrap();
    rig.open(ONE, "unlinked", READ);
    rig.unlink("unlinked").unwrap();
    rig
}

fn chunks(rig: &mut Rig) -> Vec<Vec<u8>> {
    rig.replicas[0].ckpt.snapshot(Part::Whole).collect()
}

/// A node that has just joined, with this state.
fn join(rig: &Rig, chunks: &[Vec<u8>]) -> Replica {
    let mut joiner = Replica::new(OTHER, rig.replicas[0].ckpt.limits);
    let state = Some(receive(&joiner.ckpt, chunks));
    let view = View {
        id: rig.replicas[0].ckpt.state.view(),
        members: vec![LOWEST, OTHER],
        joined: vec![OTHER],
        left: Vec::new(),
        came_with_me: Vec::new(),
        why: String::new(),
    };
    joiner.ckpt.merge(vec![Side { members: vec![LOWEST], state }], &view, &mut joiner.fx);
    joiner
}

#[test]
fn a_joiner_has_all_that_the_others_have() {
    let mut rig = rich();
    let chunks = chunks(&mut rig);
    let joiner = join(&rig, &chunks);
    joiner.ckpt.state.assert_sound();
    assert_eq!(joiner.digest(), rig.digest(0));
    // And it goes on as they do.
    rig.replicas[1] = joiner;
    let checkpoint = rig.open(ONE, "a", BOTH);
    let create = Request::SectionCreate { checkpoint, id: None, expiration: i64::MAX, data: b"" };
    rig.result(ONE, create).unwrap();
    rig.wait(60 * SECOND);
    assert!(!rig.exists("retained"));
    assert_eq!(rig.digest(0), rig.digest(1));
}

#[test]
fn a_frozen_state_does_not_change() {
    let mut rig = rich();
    let (before, expected) = (rig.digest(0), chunks(&mut rig));
    let mut frozen = rig.replicas[0].ckpt.snapshot(Part::Whole);
    let mut taken = Vec::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    for step in 0u8.. {
        rig.overwrite(checkpoint, b"", &[step; 100]).unwrap();
        rig.overwrite(checkpoint, &[7; 60_000], &vec![step; 200_000]).unwrap();
        rig.create(checkpoint, &[step], i64::MAX, b"new").unwrap();
        let _ = rig.result(ONE, Request::SectionDelete { checkpoint, id: b"s" });
        match frozen.next() {
            Some(chunk) => taken.push(chunk),
            None => break,
        }
    }
    assert!(taken == expected);
    assert_eq!(join(&rig, &taken).digest(), before);
}

#[test]
fn chunks_have_about_the_size_they_should() {
    let mut rig = rich();
    let chunks = chunks(&mut rig);
    let total: usize = chunks.iter().map(Vec::len).sum();
    assert!((300_000..600_000).contains(&total), "holes are not sent: {total}");
    // Only an id is not divided.
    let most = SNAPSHOT_CHUNK + 60_000 + 1000;
    assert!(chunks.iter().all(|chunk| chunk.len() <= most));
    let small = chunks.iter().filter(|chunk| chunk.len() < SNAPSHOT_CHUNK / 2).count();
    assert!(small <= 1, "only the last may be small");
    let mut empty = Ckpt::new(LOWEST, LIMITS, Pace::default());
    assert_eq!(empty.snapshot(Part::Whole).count(), 1);
}

#[test]
fn many_sections_are_frozen_at_once_and_written_out_in_order() {
    let limits = Limits { memory: 1 << 30, max_message: 1 << 20, ..LIMITS };
    let mut rig = Rig::with(limits);
    rig.compare = false;
    let checkpoint = rig.open(ONE, "a", BOTH);
    for number in 0..100_000u32 {
        rig.create(checkpoint, &number.to_le_bytes(), i64::MAX, b"data").unwrap();
    }
    let frozen = rig.replicas[0].ckpt.snapshot(Part::Whole);
    rig.overwrite(checkpoint, &7u32.to_le_bytes(), b"other").unwrap();
    let chunks: Vec<_> = frozen.collect();
    assert!(chunks.len() > 50);
    rig.overwrite(checkpoint, &7u32.to_le_bytes(), b"data").unwrap();
    let joiner = join(&rig, &chunks);
    assert_eq!(joiner.ckpt.state.memory(), rig.replicas[0].ckpt.state.memory());
    assert_eq!(joiner.digest(), rig.digest(0));
}

#[test]
fn a_state_that_needs_too_much_is_refused() {
    let mut rig = rich();
    let chunks = chunks(&mut rig);
    let small = Ckpt::new(OTHER, Limits { memory: 1 << 18, ..LIMITS }, Pace::default());
    assert!(small.incoming().take_chunk(&chunks[0]).is_err());
    // It may not need more than it said at first.
    let mut first = chunks[0].clone();
    let said = rig.replicas[0].ckpt.state.memory() - 1;
    first[13..21].copy_from_slice(&said.to_le_bytes());
    let mut incoming = Incoming::default();
    let mut all = std::iter::once(&first).chain(&chunks[1..]);
    assert!(all.any(|chunk| incoming.take(chunk).is_err()));
}

#[test]
fn damaged_chunks_do_no_harm() {
    let mut rig = rich();
    let chunks = chunks(&mut rig);
    let heads: Vec<_> = chunks.iter().map(|chunk| chunk.len().min(1000)).collect();
    for (index, head) in heads.into_iter().enumerate() {
        for place in (0..head).step_by(5) {
            for value in [0xff, 1] {
                let mut damaged = chunks[index].clone();
                damaged[place] ^= value;
                let mut incoming = Incoming::with_memory(1 << 22);
                let mut all = chunks[..index].iter().chain([&damaged]).chain(&chunks[index + 1..]);
                if all.all(|chunk| incoming.take(chunk).is_ok()) {
                    let (state, is_complete) = incoming.finish();
                    assert!(is_complete);
                    state.assert_sound();
                }
            }
        }
    }
}

#[test]
fn chunks_out_of_place_are_refused() {
    let mut rig = rich();
    let chunks = chunks(&mut rig);
    let is_taken = |chunks: &[&Vec<u8>]| {
        let mut incoming = Incoming::with_memory(1 << 22);
        chunks.iter().all(|chunk| incoming.take(chunk).is_ok()) && incoming.finish().1
    };
    let all: Vec<_> = chunks.iter().collect();
    assert!(is_taken(&all));
    assert!(!is_taken(&all[1..]));
    assert!(!is_taken(&all[..all.len() - 1]));
    for place in 0..all.len() {
        let mut twice = all.clone();
        twice.insert(place, all[0]);
        assert!(!is_taken(&twice), "{place}");
    }
    for bytes in [&[][..], &[0], &[9], &[1], &[2; 50], &[5], &[4, 0, 0, 0, 0, 0, 0, 0, 0]] {
        let mut incoming = Incoming::default();
        let result = incoming.take(bytes);
        assert_eq!(result.is_ok(), bytes.is_empty());
    }
}
