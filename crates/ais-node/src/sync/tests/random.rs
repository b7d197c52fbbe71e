//! Seeded runs of everything at once.

use super::bus::{Bus, Number, caller, handle, name, open};
use super::quorum::groups;
use crate::Caller;
use ais_proto::{AisError, Request, ServiceId, amf, ckpt};
use std::collections::BTreeMap;

const NODES: u64 = 5;
const STEPS: u64 = 300;

/// Random numbers that a seed decides (SplitMix64).
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % bound
    }
}

/// Divides the living, some of whom may crash or start, at random.
fn change_view(bus: &mut Bus, rng: &mut Rng) {
    for number in 1..=NODES as Number {
        let is_there = bus.members.contains_key(&number);
        match rng.below(8) {
            0 if is_there && bus.members.len() > 1 => {
                bus.members.remove(&number);
            }
            1 | 2 if !is_there => bus.start(&[number]),
            _ => {}
        }
    }
    let mut parts = BTreeMap::<u64, Vec<Number>>::new();
    let sides = 1 + rng.below(3);
    for number in bus.members.keys() {
        parts.entry(rng.below(sides)).or_default().push(*number);
    }
    let parts: Vec<_> = parts.values().map(Vec::as_slice).collect();
    bus.views(&parts);
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let mut bus = Bus::with_quorum((rng.below(2) == 0).then_some(NODES as u32));
    bus.groups.extend((1..=NODES as Number).map(|number| (number, groups(&["x", "y"]))));
    bus.start(&[1, 2, 3]);
    bus.together();
    let mut asked = Vec::new();
    let calm = 1 + rng.below(40);
    for _ in 0..STEPS {
        let numbers: Vec<_> = bus.members.keys().copied().collect();
        let number = numbers[rng.below(numbers.len() as u64) as usize];
        let mut ask = |bus: &mut Bus, number, caller: &Caller, request: &Request<'_>| {
            let id = bus.ask(number, caller, request);
            asked.push((number, bus.member(number).boot, id));
        };
        match rng.below(22 + calm) {
            0 => change_view(&mut bus, &mut rng),
            1 | 2 => {
                let name = format!("c{}", rng.below(4));
                ask(&mut bus, number, &caller(), &Request::Ckpt(open(&name)));
            }
            3..6 => {
                let size = [10, 5_000, 80_000][rng.below(3) as usize];
                let data = vec![rng.below(256) as u8; size];
                let checkpoint = 1 + rng.below(4) as u32;
                let write = ckpt::Request::Overwrite { checkpoint, id: b"", data: &data };
                ask(&mut bus, number, &caller(), &Request::Ckpt(write));
            }
            6 => {
                let component = name(["component x", "component y"][rng.below(2) as usize]);
                let register = amf::Request::Register { component, proxy: None };
                ask(&mut bus, number, &handle(ServiceId::Amf), &Request::Amf(register));
            }
            7 => {
                let member = bus.member(number);
                if let Some(invocation) = member.demands.pop() {
                    let result = if rng.below(8) == 0 { Err(AisError::System) } else { Ok(()) };
                    let response = amf::Request::Response { invocation, result };
                    ask(&mut bus, number, &handle(ServiceId::Amf), &Request::Amf(response));
                }
            }
            8..14 => {
                bus.order(number);
            }
            _ => {
                bus.deliver(number);
            }
        }
        bus.check_equal();
    }
    for number in 1..=NODES as Number {
        if !bus.members.contains_key(&number) {
            bus.start(&[number]);
        }
    }
    bus.together();
    bus.settle();
    bus.check_synced();
    for name in ["c0", "c1", "c2", "c3"] {
        let first = bus.read(1, name);
        assert_ne!(first, Err(AisError::TryAgain), "seed {seed}");
        for number in 2..=NODES as Number {
            assert_eq!(bus.read(number, name), first, "seed {seed}");
        }
    }
    bus.check_synced();
    for (number, boot, id) in asked {
        let is_same = bus.member(number).boot == boot;
        assert!(!is_same || bus.reply(number, id).is_some(), "seed {seed}: {number} {id}");
    }
}

#[test]
fn those_with_the_same_state_have_the_same_digest_whatever_happens() {
    for seed in 0..60 {
        run(seed);
    }
}
