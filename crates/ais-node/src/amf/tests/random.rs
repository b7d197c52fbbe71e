//! Seeded sequences of everything that can happen, with messages under way
//! all the time. [`Rig::check`] looks after every delivery.

use super::*;

/// xorshift64*.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const CAPABILITIES: [CapabilityModel; 7] = [
    CapabilityModel::XActiveAndYStandby,
    CapabilityModel::XActiveOrYStandby,
    CapabilityModel::OneActiveOrYStandby,
    CapabilityModel::OneActiveOrOneStandby,
    CapabilityModel::XActive,
    CapabilityModel::OneActive,
    CapabilityModel::NoActive,
];

fn random_groups(random: &mut Random) -> Vec<Group> {
    let mut group = raid(random.pick(&["x", "xy", "xyz", "wxyz"]));
    let models = [RedundancyModel::TwoN, RedundancyModel::NPlusM, RedundancyModel::NoRedundancy];
    group.model = random.pick(&models);
    group.active_units = random.pick(&[1, 1, 1, 2, 3]);
    group.backup_units = random.pick(&[None, Some(0), Some(1), Some(2)]);
    match random.below(5) {
        0 => {
            let members = group.protection_groups[0].members.clone();
            group.protection_groups.push(protection_group("pgC", members));
        }
        1 => {
            group.protection_groups.pop();
        }
        2 if group.model != RedundancyModel::NoRedundancy => {
            // Two instances for the same members, shared among them.
            let members = group.protection_groups[0].members.clone();
            group.protection_groups.push(protection_group("pgC", members));
            group.protection_groups.iter_mut().for_each(|of| of.active_members = Some(1));
            let components = group.units.iter_mut().flat_map(|unit| &mut unit.components);
            components.for_each(|component| component.model = random.pick(&CAPABILITIES));
        }
        _ => {}
    }
    vec![group]
}

pub(super) struct Play {
    pub(super) rig: Rig,
    pub(super) random: Random,
    pub(super) components: Vec<String>,
    /// What programs may do with callbacks.
    pub(super) conducts: Vec<Conduct>,
    /// The probable causes that they report.
    pub(super) causes: Vec<u8>,
    /// Invocations that programs kept.
    kept: Vec<(String, SessionId, i32)>,
}

impl Play {
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let groups = random_groups(&mut random);
        let units = groups[0].units.iter().flat_map(|unit| &unit.components);
        let components = units.map(|component| component.name.to_string()).collect();
        let rig = Rig::new(nodes, groups);
        let conducts = vec![Conduct::Answers, Conduct::Answers, Conduct::Refuses, Conduct::Sleeps];
        let causes = vec![5, 30];
        Self { rig, random, components, conducts, causes, kept: Vec::new() }
    }

    pub(super) fn open(&mut self, component: &str) {
        let member = self.members()[self.random.below(self.members().len())];
        let program = self.rig.open(component, member);
        if self.random.below(4) == 0 {
            program.callbacks = Callbacks::CSI_SET;
        }
    }

    fn members(&self) -> Vec<usize> {
        (0..self.rig.nodes.len()).filter(|number| self.rig.nodes[*number].is_member).collect()
    }

    /// A program that a component could have.
    fn any(&mut self) -> String {
        let mut component = self.components[self.random.below(self.components.len())].clone();
        if self.random.below(4) == 0 {
            component += "@2";
        }
        if !self.rig.programs.contains_key(&component) {
            self.open(&component);
        }
        component
    }

    pub(super) fn step(&mut self) {
        let component = self.any();
        let of = component_of(&component);
        match self.random.below(24) {
            0..=5 if self.rig.program(&component).has_ended => self.rig.kill(&component),
            0..=5 => {
                self.rig.send(&component, Request::Register { component: of, proxy: None });
            }
            6 => {
                self.rig.program(&component).has_ended = true;
                self.rig.send(&component, Request::Unregister { component: of, proxy: None });
            }
            7 => self.rig.kill(&component),
            8 => self.report(&component),
            9 | 10 => {
                self.rig.send(&component, Request::ErrorCancelAll { component: of });
            }
            11 | 12 => {
                let conducts = self.conducts.clone();
                self.rig.program(&component).conduct = self.random.pick(&conducts);
            }
            13..=15 if self.conducts.len() > 1 => self.keep(&component),
            16 => self.answer_late(),
            19 => self.operate(),
            17 => self.rig.run(),
            18 => {
                let time = self.random.pick(&[1, 100, 1000, 6000]);
                self.rig.advance(time);
            }
            _ => {
                self.rig.deliver();
            }
        }
    }

    fn operate(&mut self) {
        let operations = [
            Operation::Lock,
            Operation::Unlock,
            Operation::Unlock,
            Operation::Shutdown,
            Operation::SwitchOver,
            Operation::SwitchOver,
            Operation::Repaired,
        ];
        let operation = self.random.pick(&operations);
        let number = self.random.below(8);
        let target = match number {
            0 => Target::Group(name("raid")),
            1 | 2 => Target::Node(node(self.random.below(self.rig.nodes.len()))),
            3 => Target::Component(name(&self.components[0])),
            _ => {
                let units = &self.rig.groups.groups[0].units;
                Target::Unit(units[self.random.below(units.len())].name.clone())
            }
        };
        let member = self.members()[self.random.below(self.members().len())];
        self.rig.send_operation(member, operation, target);
    }

    /// An operator unlocks everything.
    fn unlock(&mut self) {
        let nodes = (0..self.rig.nodes.len()).map(|number| Target::Node(node(number)));
        let units = self.rig.groups.groups[0].units.iter();
        let units = units.map(|unit| Target::Unit(unit.name.clone()));
        let all: Vec<_> = nodes.chain(units).chain([Target::Group(name("raid"))]).collect();
        for target in all {
            let _ = self.rig.operate(Operation::Unlock, target);
        }
    }

    fn report(&mut self, component: &str) {
        let recoveries = [
            Recovery::NoRecommendation,
            Recovery::InternallyRecovered,
            Recovery::ComponentRestart,
            Recovery::ComponentRestart,
            Recovery::NodeSwitchover,
            Recovery::NodeFailover,
            Recovery::ClusterReset,
        ];
        let erroneous = component_of(component);
        let report = ErrorReport {
            reporting: name("somebody"),
            erroneous,
            detection_time: 0,
            report_type: 1,
            probable_cause: self.random.pick(&self.causes),
            severity: 1,
            recovery: self.random.pick(&recoveries),
            additional: [None; 3],
        };
        self.rig.send(component, Request::ErrorReport(report));
    }

    /// The program is handed a callback and answers it some other time.
    fn keep(&mut self, component: &str) {
        let invocation = self.rig.take(component).and_then(|event| event.invocation());
        let session = self.rig.program(component).session;
        self.kept.extend(invocation.map(|of| (component.to_owned(), session, of)));
    }

    fn answer_late(&mut self) {
        if self.kept.is_empty() {
            return;
        }
        let kept = self.kept.swap_remove(self.random.below(self.kept.len()));
        let (program, session, invocation) = kept;
        let result = self.random.pick(&[Ok(()), Ok(()), Err(AisError::FailedOperation)]);
        if self.rig.programs.get(&program).is_some_and(|of| of.session == session) {
            self.rig.send(&program, Request::Response { invocation, result });
        }
    }

    /// Everything is repaired and everybody answers.
    pub(super) fn repair(&mut self) {
        self.rig.run();
        for program in self.rig.programs.keys().cloned().collect::<Vec<_>>() {
            self.rig.kill(&program);
        }
        self.rig.run();
        self.unlock();
        for component in self.components.clone() {
            self.open(&component);
            self.rig.register(&component).unwrap();
        }
        for component in self.components.clone() {
            self.rig.cancel_errors(&component).unwrap();
        }
        self.rig.advance(2_000);
    }
}

#[test]
fn whatever_happens_the_replicas_agree_and_the_work_is_done_in_the_end() {
    for seed in 1..=60 {
        println!("seed {seed}");
        let mut play = Play::new(seed, 3);
        for step in 0..200 {
            play.step();
            if step == 150 && play.random.below(3) == 0 {
                play.rig.node_leaves(2);
            }
        }
        play.repair();
        play.rig.model().assert_at_work();
    }
}
