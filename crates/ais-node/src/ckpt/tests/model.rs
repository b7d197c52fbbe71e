//! Random sequences of operations against a model that is nothing but maps
//! and vectors. Every answer, everything that can be read, and the count of
//! the memory have to agree after every step.

use super::*;
use AisError::{Exist, InvalidParam, NotExist};
use std::collections::BTreeMap;

/// A small generator (xorshift64*), so that a seed says it all.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    pub(super) fn bytes(&mut self, most: u64) -> Vec<u8> {
        let count = self.below(most + 1);
        let first = self.below(256);
        (0..count).map(|n| (n + first) as u8).collect()
    }

    /// An id that is often, not always, there.
    fn id(&mut self) -> &'static [u8] {
        [&b""[..], b"a", b"b", b"c", b"d", b"none"][self.below(6) as usize]
    }

    /// Offsets near the bounds of chunks.
    fn offset(&mut self) -> u64 {
        [0, 65_530, 131_060, 200_000][self.below(4) as usize] + self.below(12)
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
type Element = (&'static [u8], u64, Vec<u8>);

fn write(model: &mut Model, elements: &[Element]) -> Result<(), (AisError, Option<u32>)> {
    let mut after = model.clone();
    for (index, (id, offset, data)) in elements.iter().enumerate() {
        let fail = |error| (error, Some(index as u32));
        let section = after.get_mut(*id).ok_or(fail(NotExist))?;
        let (begin, end) = (*offset as usize, *offset as usize + data.len());
        if end > i32::MAX as usize {
            return Err(fail(AisError::NoSpace));
        }
        if end > section.len() && !data.is_empty() {
            section.resize(end, 0);
        }
        if !data.is_empty() {
            section[begin..end].copy_from_slice(data);
        }
    }
    *model = after;
    Ok(())
}

fn create(model: &mut Model, id: &[u8], data: &[u8]) -> Result<(), AisError> {
    if id == b"none" {
        return Ok(());
    }
    if model.contains_key(id) {
        return Err(Exist);
    }
    model.insert(id.to_vec(), data.to_vec());
    Ok(())
}

fn step(rig: &mut Rig, checkpoint: u32, model: &mut Model, random: &mut Random) {
    match random.below(8) {
        0 => {
            let (id, data) = (random.id(), random.bytes(70_000));
            let expected = create(model, id, &data);
            if id == b"none" {
                // It is to stay unknown.
                assert_eq!(rig.create(checkpoint, id, START - 1, &data), expected);
                rig.wait(SECOND);
            } else {
                assert_eq!(rig.create(checkpoint, id, i64::MAX, &data), expected);
            }
        }
        1 => {
            let id = random.id();
            let expected = match id {
                b"" => Err(InvalidParam),
                id => model.remove(id).map(|_| ()).ok_or(NotExist),
            };
            assert_eq!(rig.result(ONE, Request::SectionDelete { checkpoint, id }), expected);
        }
        2 | 3 => {
            let (id, data) = (random.id(), random.bytes(140_000));
            let section = model.get_mut(id).ok_or(NotExist);
            let expected = section.map(|section| section.clone_from(&data));
            assert_eq!(rig.overwrite(checkpoint, id, &data), expected);
        }
        _ => {
            let count = 1 + random.below(4);
            let mut elements: Vec<Element> = Vec::new();
            for _ in 0..count {
                elements.push((random.id(), random.offset(), random.bytes(70_000)));
            }
            if random.below(10) == 0 {
                elements.push((b"", i32::MAX as u64, b"x".to_vec()));
            }
            let expected = write(model, &elements);
            let elements: Vec<_> =
                elements.iter().map(|(id, offset, data)| (*id, *offset, &data[..])).collect();
            assert_eq!(rig.write(checkpoint, &elements), expected);
        }
    }
}

fn compare(rig: &mut Rig, checkpoint: u32, model: &Model, random: &mut Random) {
    for (id, section) in model {
        assert!(rig.contents(checkpoint, id).as_ref() == Ok(section), "section {id:?} differs");
    }
    let (id, offset, size) = (random.id(), random.offset(), random.below(70_000));
    let expected = match model.get(id) {
        None => Err((NotExist, Some(0))),
        Some(section) => match section.get(offset as usize..) {
            None => Err((InvalidParam, Some(0))),
            Some(rest) => Ok(vec![rest[..rest.len().min(size as usize)].to_vec()]),
        },
    };
    assert!(rig.read(ONE, checkpoint, &[(id, offset, Some(size as u32))]) == expected);
    let status = rig.status(checkpoint).unwrap();
    let size: usize = model.values().map(Vec::len).sum();
    assert_eq!((status.sections, status.memory_used), (model.len() as u64, size as u64));
    let ids: usize = model.keys().map(Vec::len).sum();
    let memory = (size + ids) as u64 + SECTION_OVERHEAD * status.sections + CHECKPOINT_OVERHEAD;
    assert_eq!(rig.replicas[0].ckpt.state.memory(), memory);
}

#[test]
fn sections_are_as_the_model_says() {
    for seed in 1..=10 {
        println!("seed {seed}"); // Shown when the test fails.
        let mut random = Random(seed);
        let limits = Limits { memory: u64::MAX, max_message: u32::MAX, ..LIMITS };
        let mut rig = Rig::with(limits);
        let checkpoint = rig.open(ONE, "a", BOTH);
        let mut model = Model::from([(Vec::new(), Vec::new())]);
        rig.compare = false;
        for _ in 0..60 {
            step(&mut rig, checkpoint, &mut model, &mut random);
            compare(&mut rig, checkpoint, &model, &mut random);
        }
        assert_eq!(rig.digest(0), rig.digest(1));
    }
}
