//! The world itself: that packets of all kinds are forged, and what is noticed.

use super::*;
use ais_group::{Output, ViewId};

#[test]
fn view_numbers_grow_under_attack() {
    let node = node_of(0);
    let view = |number| {
        let id = ViewId { number, representative: node };
        let (members, joined, left) = (vec![node], Vec::new(), Vec::new());
        let came_with_me = members.clone();
        Output::View(View { id, members, joined, left, came_with_me, why: String::new() })
    };
    let mut attack = Attack::random(&mut Rng::new(1), 1);
    let mut enter = |number| attack.event(1, node, &view(number)).is_ok();
    assert_eq!([5, 6, 6].map(&mut enter), [true, true, false]);
}

#[test]
fn forged_packets_of_all_kinds_are_sent() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let (mut plan, network, habits, clocks) = Plan::of(&mut rng, 3, 0);
        plan.is_sealed = false;
        let mut world = World::new(plan, rng, network, habits, clocks, Trace(false));
        (0..3).for_each(|host| world.start(host));
        world.settle().unwrap();
        let time = world.plan.tokens(10);
        world.plan_talk(time);
        world.go(time).unwrap();
        kinds.extend(world.fabric.network.latest().keys().copied());
        world.attack = Some(Attack::random(&mut world.fabric.rng, 3));
        (0..20).for_each(|_| world.forge());
        assert!(world.counted.forged > 20);
    }
    assert!(kinds.len() >= 7, "{kinds:?}");
}
