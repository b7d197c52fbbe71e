//! Sides that went on without each other, nodes that join, and quorum.

use super::displaced::lone;
use super::random::Play;
use super::snapshots::receive;
use super::*;
use crate::amf::model::Incoming;
use crate::service::{ForeignState, Replica as _, Side};

fn boxed(state: Incoming) -> Box<dyn ForeignState> {
    Box::new(state)
}

impl Rig {
    /// Everybody is in one of these sides from now on, each of which was part
    /// of one; only the first has quorum if `majority`.
    pub(super) fn divide(&mut self, sides: &[&[usize]], majority: bool) {
        let before = std::mem::take(&mut self.sides);
        self.sides = sides.iter().map(|side| side.to_vec()).collect();
        for (index, side) in sides.iter().enumerate() {
            let of = before.iter().find(|of| of.contains(&side[0])).unwrap();
            let left: Vec<_> = of.iter().copied().filter(|of| !side.contains(of)).collect();
            self.install(side, side, &left, index == 0 || !majority);
        }
        self.check();
    }

    /// All meet in one view with quorum; nothing is put together yet.
    fn meet(&mut self) {
        let all: Vec<_> = (0..self.nodes.len()).collect();
        self.view += 1;
        for side in self.sides.clone() {
            self.install(&all, &side, &[], true);
        }
    }

    /// Sides that have met are put together in this order. A node that is on
    /// none of them has given up what it had.
    fn merge(&mut self, ranked: &[&[usize]]) {
        let all: Vec<_> = (0..self.nodes.len()).collect();
        let view = self.view_of(&all, &all, &[]);
        let snapshots: Vec<Vec<_>> =
            ranked.iter().map(|side| self.nodes[side[0]].amf.model.status().freeze()).collect();
        for member in &all {
            let replica = &mut self.nodes[*member];
            let side = |(side, chunks): (&&[usize], &Vec<_>)| Side {
                members: side.iter().map(|number| node(*number)).collect(),
                state: (!side.contains(member)).then(|| boxed(receive(&replica.amf, chunks))),
            };
            let sides = ranked.iter().zip(&snapshots).map(side).collect();
            replica.amf.merge(sides, &view, &mut replica.fx);
            self.apply(*member);
        }
        self.sides = vec![all];
        self.check();
    }

    pub(super) fn heal(&mut self, ranked: &[&[usize]]) {
        self.meet();
        self.merge(ranked);
    }

    /// The node starts anew, without its programs, and gets the state of the
    /// others.
    pub(super) fn restart(&mut self, number: usize) {
        let all: Vec<_> = (0..self.nodes.len()).collect();
        let others: Vec<_> = all.iter().copied().filter(|of| *of != number).collect();
        self.queue.retain(|(sender, _)| *sender != number);
        self.programs.retain(|_, program| program.node != number);
        self.nodes[number] = Replica {
            amf: Amf::new(node(number), node_name(number), self.groups.clone()),
            fx: Effects::new(),
            timers: Timers::default(),
            is_member: true,
        };
        self.view += 1;
        self.install(&all, &others, &[number], true);
        self.install(&all, &[number], &[], true);
        let chunks = self.nodes[others[0]].amf.model.status().freeze();
        let view = self.view_of(&all, &all, &[]);
        let replica = &mut self.nodes[number];
        let state = Some(boxed(receive(&replica.amf, &chunks)));
        let members = others.iter().map(|number| node(*number)).collect();
        replica.amf.merge(vec![Side { members, state }], &view, &mut replica.fx);
        self.apply(number);
        self.check();
    }

    /// Programs that were told to be active in an instance and not to end
    /// that.
    pub(super) fn active(&self, csi: &str) -> Vec<&str> {
        let works = |of: &Program| !of.has_ended && of.works_on.contains(&name(csi));
        let works = self.programs.iter().filter(|(_, of)| works(of));
        works.map(|(program, _)| program.as_str()).collect()
    }

    fn expect_nothing_of(&mut self, programs: &[&str]) {
        programs.iter().for_each(|program| self.expect(program, &[]));
    }
}

/// Units x and y on one node each, x the active one, and they lose sight of
/// each other: both are active.
fn both_active() -> Rig {
    let mut rig = Rig::new(2, vec![raid("xy")]);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_y", "b_y"].iter().for_each(|component| rig.start_on(1, component));
    rig.divide(&[&[0], &[1]], false);
    rig.run();
    assert_eq!(rig.active("pgA"), ["a_x", "a_y"]);
    ["a_x", "b_x", "a_y", "b_y"].iter().for_each(|program| drop(rig.seen(program)));
    rig
}

#[test]
fn the_first_side_goes_on_and_the_other_begins_anew() {
    let mut rig = both_active();
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.expect_nothing_of(&["a_x", "b_x"]);
    rig.expect("a_y", &["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_x"]);
    rig.expect("b_y", &["pgB Quiesced", "OutOfService", "InService", "pgB Standby b_x"]);
    assert_eq!(rig.active("pgA"), ["a_x"]);
    rig.model().assert_at_work();
    // And it takes over as ever.
    rig.kill("a_x");
    rig.run();
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
}

#[test]
fn the_side_that_ranks_first_need_not_have_the_preferred_unit() {
    let mut rig = both_active();
    rig.heal(&[&[1], &[0]]);
    rig.run();
    rig.expect_nothing_of(&["a_y", "b_y"]);
    rig.expect("a_x", &["pgA Quiesced", "OutOfService", "InService", "pgA Standby a_y"]);
    rig.model().assert_at_work();
}

#[test]
fn a_group_of_the_other_side_alone_is_not_disturbed() {
    let mut rig = Rig::new(2, vec![raid("xy")]);
    rig.divide(&[&[0], &[1]], false);
    let all = ["a_x", "b_x", "a_y", "b_y"];
    all.iter().for_each(|component| rig.start_on(1, component));
    all.iter().for_each(|program| drop(rig.seen(program)));
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.expect_nothing_of(&all);
    rig.model().assert_at_work();
    rig.kill("b_x");
    rig.run();
    assert_eq!(rig.active("pgA"), ["a_y"]);
}

#[test]
fn units_without_redundancy_are_not_disturbed() {
    let mut group = raid("xy");
    group.model = RedundancyModel::NoRedundancy;
    let mut rig = Rig::new(2, vec![group]);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_y", "b_y"].iter().for_each(|component| rig.start_on(1, component));
    rig.divide(&[&[0], &[1]], false);
    let all = ["a_x", "b_x", "a_y", "b_y"];
    all.iter().for_each(|program| drop(rig.seen(program)));
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.expect_nothing_of(&all);
    rig.model().assert_at_work();
}

/// The active died before another one was in service; then its side meets one that
/// has nothing, and ranks first.
#[test]
fn who_takes_over_after_a_merge_is_told_whose_work_that_is() {
    let mut rig = Rig::new(2, vec![lone("xyz")]);
    rig.divide(&[&[1], &[0]], false);
    rig.start(&["a_x"]);
    for program in ["a_y", "a_z"] {
        rig.open(program, 0).conduct = Conduct::Sleeps;
        rig.register(program).unwrap();
    }
    rig.kill("a_x");
    rig.run();
    rig.heal(&[&[1], &[0]]);
    rig.program("a_y").conduct = Conduct::Answers;
    rig.run();
    rig.expect("a_y", &["InService", "pgA Active a_x NotQuiesced"]);
}

#[test]
fn of_two_processes_for_a_component_one_stays() {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.divide(&[&[0], &[1]], false);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_x@2", "b_x@2"].iter().for_each(|program| rig.start_on(1, program));
    let all = ["a_x", "b_x", "a_x@2", "b_x@2"];
    all.iter().for_each(|program| drop(rig.seen(program)));
    assert_eq!(rig.active("pgA"), ["a_x", "a_x@2"]);
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.expect_nothing_of(&["a_x", "b_x"]);
    rig.expect("a_x@2", &["pgA Quiesced", "OutOfService"]);
    assert_eq!(rig.active("pgA"), ["a_x"]);
    assert_eq!(rig.unregister("a_x@2"), Err(AisError::BadHandle));
    assert_eq!(rig.register("a_x@2"), Err(AisError::Exist));
    rig.kill("b_x@2");
    rig.run();
    rig.model().assert_at_work();
    rig.kill("a_x");
    rig.run();
    assert_eq!(rig.register("a_x@2"), Ok(()));
    rig.run();
    rig.model().assert_at_work();
}

#[test]
fn a_late_answer_of_the_process_that_did_not_stay_is_taken() {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.divide(&[&[0], &[1]], false);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_x@2", "b_x@2"].iter().for_each(|program| rig.start_on(1, program));
    rig.heal(&[&[0], &[1]]);
    let invocation = rig.take("a_x@2").unwrap().invocation().unwrap();
    // The component comes and goes on the same node meanwhile.
    rig.kill("a_x");
    rig.start_on(1, "a_x@3");
    rig.kill("a_x@3");
    while rig.deliver() {}
    assert_eq!(rig.answer("a_x@2", invocation, Ok(())), Ok(()));
}

#[test]
fn who_cannot_be_told_otherwise_is_terminated() {
    let mut group = raid("x");
    group.protection_groups.clear();
    let mut rig = Rig::new(2, vec![group]);
    rig.divide(&[&[0], &[1]], false);
    rig.start(&["a_x", "b_x"]);
    for program in ["a_x@2", "b_x@2"] {
        rig.open(program, 1).callbacks -= Callbacks::READINESS_STATE_SET;
        rig.register(program).unwrap();
    }
    rig.run();
    rig.heal(&[&[0], &[1]]);
    rig.run();
    rig.expect("a_x@2", &["Terminate"]);
}

#[test]
fn answers_under_way_are_not_taken_for_others() {
    let mut rig = both_active();
    // A question and its answer on each side, with numbers that agree.
    let one = rig.report("a_x", Recovery::NoRecommendation, 5);
    let other = rig.report("a_y", Recovery::NoRecommendation, 5);
    assert_eq!((one, other), (Ok(()), Ok(())));
    for program in ["a_x", "b_x", "a_y", "b_y"] {
        let invocation = rig.take(program).unwrap().invocation().unwrap();
        rig.send(program, Request::Response { invocation, result: Ok(()) });
    }
    assert_eq!(rig.queue.len(), 4);
    rig.heal(&[&[0], &[1]]);
    rig.run();
    assert_eq!(rig.cancel_errors("a_x"), Ok(()));
    assert_eq!(rig.cancel_errors("a_y"), Ok(()));
    rig.run();
    rig.model().assert_at_work();
}

#[test]
fn an_answer_under_way_does_not_answer_what_is_asked_after_the_merge() {
    let mut rig = Rig::new(2, vec![raid("yz")]);
    rig.divide(&[&[0], &[1]], false);
    // Nothing was ever asked on the first side, so its count is behind.
    rig.start(&["a_z"]);
    for component in ["a_y", "b_y"] {
        rig.open(component, 1);
        rig.register(component).unwrap();
    }
    for component in ["a_y", "b_y"] {
        let invocation = rig.take(component).unwrap().invocation().unwrap();
        rig.send(component, Request::Response { invocation, result: Ok(()) });
    }
    rig.heal(&[&[0], &[1]]);
    while rig.deliver() {}
    for component in ["a_y", "b_y"] {
        assert_eq!(words(&rig.take(component).unwrap()), "OutOfService");
        assert!(rig.take(component).is_none(), "it has not left yet");
    }
}

/// Two sides with a_x. The one of the second node, a_x@2, is the proxy of b_x.
pub(super) fn spoken_for_elsewhere() -> Rig {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.divide(&[&[0], &[1]], false);
    rig.start(&["a_x"]);
    rig.start_on(1, "a_x@2");
    let request = Request::Register { component: name("b_x"), proxy: Some(name("a_x")) };
    assert_eq!(rig.call("a_x@2", request).0, Ok(()));
    rig.run();
    rig
}

#[test]
fn who_is_spoken_for_ends_with_the_registration_of_its_proxy() {
    let mut rig = spoken_for_elsewhere();
    rig.seen("a_x@2");
    rig.heal(&[&[0], &[1]]);
    rig.run();
    let told = ["pgA Quiesced", "OutOfService", "pgB Quiesced", "OutOfService"];
    rig.expect("a_x@2", &told);
    assert_eq!(rig.model().find_registered(&name("b_x")), Err(AisError::NotExist));
    rig.start(&["b_x"]);
    rig.model().assert_at_work();
}

#[test]
fn the_end_of_a_process_under_way_counts_after_a_merge() {
    let mut rig = both_active();
    rig.kill("a_y");
    assert_eq!(rig.queue.len(), 1);
    rig.heal(&[&[0], &[1]]);
    rig.run();
    assert_eq!(rig.model().find_registered(&name("a_y")), Err(AisError::NotExist));
    rig.start_on(1, "a_y");
    rig.model().assert_at_work();
}

#[test]
fn without_quorum_nothing_works() {
    let mut rig = Rig::new(3, vec![raid("xy")]);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_y", "b_y"].iter().for_each(|component| rig.start_on(1, component));
    ["a_x", "b_x", "a_y", "b_y"].iter().for_each(|program| drop(rig.seen(program)));
    rig.divide(&[&[1, 2], &[0]], true);
    rig.run();
    rig.expect("a_x", &["pgA Quiesced", "OutOfService"]);
    rig.expect("a_y", &["pgA Active a_x NotQuiesced"]);
    rig.heal(&[&[1, 2], &[0]]);
    rig.run();
    rig.expect("a_x", &["InService", "pgA Standby a_y"]);
    rig.expect("a_y", &[]);
    rig.model().assert_at_work();
}

#[test]
fn with_quorum_again_a_side_waits_for_what_it_met() {
    let mut rig = Rig::new(3, vec![raid("x")]);
    for component in ["a_x", "b_x"] {
        rig.open(component, 0).callbacks -= Callbacks::READINESS_STATE_SET;
        rig.register(component).unwrap();
    }
    rig.run();
    rig.divide(&[&[1, 2], &[0]], true);
    rig.run();
    assert_eq!(rig.active("pgA"), [""; 0]);
    rig.meet();
    while !rig.program("a_x").inbox.is_empty() {
        rig.take("a_x");
    }
    assert_eq!(rig.active("pgA"), [""; 0], "it has quorum, but does not know what the others do");
    rig.merge(&[&[1, 2], &[0]]);
    rig.run();
    assert_eq!(rig.active("pgA"), ["a_x"]);
}

#[test]
fn with_quorum_by_nodes_that_have_nothing_a_side_goes_on() {
    let mut rig = Rig::new(2, vec![raid("x")]);
    rig.start(&["a_x", "b_x"]);
    rig.divide(&[&[0], &[1]], true);
    rig.install(&[0], &[0], &[], false);
    rig.sides = vec![vec![0]];
    rig.run();
    assert_eq!(rig.active("pgA"), [""; 0]);
    rig.sides = vec![vec![0, 1]];
    rig.restart(1);
    rig.run();
    assert_eq!(rig.active("pgA"), ["a_x"]);
    rig.model().assert_at_work();
}

#[test]
fn who_gave_up_what_it_had_is_told() {
    let mut rig = both_active();
    rig.meet();
    rig.merge(&[&[0]]);
    rig.run();
    rig.expect("a_y", &["pgA Quiesced", "OutOfService"]);
    assert_eq!(rig.active("pgA"), ["a_x"]);
    assert_eq!(rig.unregister("a_y"), Err(AisError::NotExist));
    for component in ["a_y", "b_y"] {
        assert_eq!(rig.register(component), Ok(()));
    }
    rig.run();
    rig.model().assert_at_work();
}

#[test]
fn a_node_that_joins_has_what_the_others_have() {
    let mut rig = Rig::new(3, vec![raid("xyz")]);
    ["a_x", "b_x"].iter().for_each(|component| rig.start_on(0, component));
    ["a_y", "b_y"].iter().for_each(|component| rig.start_on(1, component));
    rig.report("b_y", Recovery::NoRecommendation, 5).unwrap();
    rig.restart(2);
    rig.run();
    assert_eq!(rig.cancel_errors("b_y"), Ok(()));
    ["a_z", "b_z"].iter().for_each(|component| rig.start_on(2, component));
    rig.model().assert_at_work();
}

/// The sides of five nodes, in rank order.
const DIVISIONS: [&[&[usize]]; 5] = [
    &[&[0, 1], &[2, 3, 4]],
    &[&[2, 3, 4], &[0, 1]],
    &[&[1, 3], &[0, 4], &[2]],
    &[&[4], &[3], &[0, 1, 2]],
    &[&[1, 2, 3, 4], &[0]],
];

impl Play {
    fn steps(&mut self, count: usize) {
        (0..self.random.below(count)).for_each(|_| self.step());
    }

    /// They part, go on, meet, perhaps in vain at first, and go on.
    fn part_and_meet(&mut self) {
        let divided = self.random.pick(&DIVISIONS);
        let majority = self.random.below(3) == 0;
        self.rig.divide(divided, majority);
        self.steps(100);
        if self.random.below(3) == 0 {
            self.rig.meet();
            for _ in 0..self.random.below(6) {
                if let Some((sender, bytes)) = self.rig.queue.pop_front() {
                    self.rig.deliver_to(&[0, 1, 2, 3, 4], sender, &bytes);
                }
            }
        }
        self.rig.meet();
        let all_but_last = &divided[..divided.len() - 1];
        let gives_up = all_but_last.len() > 1 && self.random.below(4) == 0;
        self.rig.merge(if gives_up { all_but_last } else { divided });
    }

    /// Nobody works beside those that may, when all have answered.
    fn assert_actives(&mut self) {
        self.rig.run();
        let group = &self.rig.groups.groups[0];
        let bound = match group.model {
            RedundancyModel::NoRedundancy => usize::MAX,
            RedundancyModel::TwoN => 1,
            RedundancyModel::NPlusM => group.active_units as usize,
        };
        for csi in ["pgA", "pgB", "pgC"] {
            let active = self.rig.active(csi);
            assert!(active.len() <= bound, "{csi}: {active:?}");
        }
    }
}

#[test]
fn whatever_happened_on_the_sides_the_replicas_agree_and_the_work_is_done_in_the_end() {
    for seed in 1..=40 {
        println!("seed {seed}");
        let mut play = Play::new(seed, 5);
        for _ in 0..3 {
            play.steps(60);
            play.part_and_meet();
            play.steps(60);
            if play.random.below(3) == 0 {
                let node = play.random.below(5);
                play.rig.restart(node);
            }
        }
        play.repair();
        play.rig.model().assert_at_work();
    }
}

#[test]
fn where_all_answer_no_merge_leaves_two_active() {
    for seed in 1..=40 {
        println!("seed {seed}");
        let mut play = Play::new(seed, 5);
        play.conducts = vec![Conduct::Answers];
        play.causes = vec![5];
        for _ in 0..3 {
            play.steps(60);
            play.part_and_meet();
            play.assert_actives();
        }
    }
}
