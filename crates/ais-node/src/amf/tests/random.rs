//! Seeded sequences of everything that can happen, with messages under way
//! all the time. [`Rig::check`] looks after every delivery.

use super::*;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn random_groups(random: &mut Random) -> Vec<Group> {
    let mut group = raid(random.pick(&["x", "xy", "xyz", "wxyz"]));
    let models = [RedundancyModel::TwoN, RedundancyModel::NPlusM, RedundancyModel::NoRedundancy];
    group.model = random.pick(&models);
    group.active_units = random.pick(&[1, 1, 1, 2, 3]);
    group.backup_units = random.pick(&[None, Some(0), Some(1), Some(2)]);
    match random.below(4) {
        0 => {
            let members = group.protection_groups[0].members.clone();
            group.protection_groups.push(ProtectionGroup { name: name("pgC"), members });
        }
        1 => {
            group.protection_groups.pop();
        }
        _ => {}
    }
    vec![group]
}

struct Play {
    rig: Rig,
    random: Random,
    components: Vec<String>,
    /// Invocations that programs kept.
    kept: Vec<(String, i32)>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let groups = random_groups(&mut random);
        let units = groups[0].units.iter().flat_map(|unit| &unit.components);
        let components = units.map(|component| component.name.to_string()).collect();
        let rig = Rig::new(3, groups);
        Self { rig, random, components, kept: Vec::new() }
    }

    fn open(&mut self, component: &str) {
        let member = self.members()[self.random.below(self.members().len())];
        let program = self.rig.open(component, member);
        if self.random.below(4) == 0 {
            program.callbacks = Callbacks::CSI_SET;
        }
    }

    fn members(&self) -> Vec<usize> {
        (0..3).filter(|number| self.rig.nodes[*number].is_member).collect()
    }

    /// A component, with a program that it could have.
    fn any(&mut self) -> String {
        let component = self.components[self.random.below(self.components.len())].clone();
        if !self.rig.programs.contains_key(&component) {
            self.open(&component);
        }
        component
    }

    fn step(&mut self) {
        let component = self.any();
        let of = name(&component);
        match self.random.below(24) {
            0..=5 => {
                self.rig.send(&component, Request::Register { component: of, proxy: None });
            }
            6 => {
                self.rig.send(&component, Request::Unregister { component: of, proxy: None });
            }
            7 => self.rig.kill(&component),
            8 => self.report(&component),
            9 | 10 => {
                self.rig.send(&component, Request::ErrorCancelAll { component: of });
            }
            11 => {
                let conducts = [Conduct::Answers, Conduct::Answers, Conduct::Refuses];
                self.rig.program(&component).conduct = self.random.pick(&conducts);
            }
            12 => self.rig.program(&component).conduct = Conduct::Sleeps,
            13..=15 => self.keep(&component),
            16 => self.answer_late(),
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

    fn report(&mut self, component: &str) {
        let recoveries = [
            Recovery::NoRecommendation,
            Recovery::InternallyRecovered,
            Recovery::ComponentRestart,
            Recovery::NodeFailover,
        ];
        let erroneous = name(component);
        let report = ErrorReport {
            reporting: name("somebody"),
            erroneous,
            detection_time: 0,
            report_type: 0,
            probable_cause: self.random.pick(&[5, 30]),
            severity: 0,
            recovery: self.random.pick(&recoveries),
            additional: [None; 3],
        };
        self.rig.send(component, Request::ErrorReport(report));
    }

    /// The program is handed a callback and answers it some other time.
    fn keep(&mut self, component: &str) {
        let invocation = self.rig.take(component).and_then(|event| event.invocation());
        self.kept.extend(invocation.map(|invocation| (component.to_owned(), invocation)));
    }

    fn answer_late(&mut self) {
        if self.kept.is_empty() {
            return;
        }
        let (program, invocation) = self.kept.swap_remove(self.random.below(self.kept.len()));
        let result = self.random.pick(&[Ok(()), Ok(()), Err(AisError::FailedOperation)]);
        if self.rig.programs.contains_key(&program) {
            self.rig.send(&program, Request::Response { invocation, result });
        }
    }

    /// Everything is repaired and everybody answers.
    fn repair(&mut self) {
        self.rig.run();
        for component in self.components.clone() {
            if self.rig.programs.contains_key(&component) {
                self.rig.kill(&component);
            }
            self.rig.run();
            self.open(&component);
            self.rig.register(&component).unwrap();
        }
        self.rig.advance(2_000);
    }
}

#[test]
fn whatever_happens_the_replicas_agree_and_the_work_is_done_in_the_end() {
    for seed in 1..=60 {
        println!("seed {seed}");
        let mut play = Play::new(seed);
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
