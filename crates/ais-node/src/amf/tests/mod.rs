//! AMF as programs see it: a cluster of replicas that get the same messages
//! in the same order, with a program for every component.

mod answers;
mod calls;
mod capabilities;
mod displaced;
mod drain;
mod failures;
mod guide;
mod holds;
mod messages;
mod node;
mod operations;
mod random;
mod recovery;
mod rules;
mod scale;
mod sides;
mod snapshots;
mod timeouts;
mod topology;
mod tracking;

use super::config::{CapabilityModel, Component, Group, Groups, ProtectionGroup, RedundancyModel};
use super::*;
use crate::Event;
use crate::effects::Effect;
use crate::event::Due;
use crate::timers::Timers;
use ais_proto::admin::{self, AdminState, Operation, Target};
use ais_proto::amf::{self, HaState, Readiness, Recovery};
use ais_wire::Reader;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Outcome = Result<(), AisError>;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// What a program is for: its own name up to a `@`.
fn component_of(program: &str) -> Name {
    name(program.split('@').next().unwrap())
}

fn node(number: usize) -> NodeId {
    NodeId::new([10, 0, 0, number as u8 + 1].into())
}

/// What `nodename` calls a node.
fn node_name(number: usize) -> Name {
    name(&format!("n{number}"))
}

/// A component with the default times, but for heartbeats and for letting go,
/// which it has a second for.
fn component(text: &str) -> Component {
    Component {
        healthcheck_timeout: 1000,
        quiesce_timeout: 1000,
        ..Component::new(name(text), CapabilityModel::XActive)
    }
}

fn protection_group(text: &str, members: Vec<Name>) -> ProtectionGroup {
    ProtectionGroup { name: name(text), active_members: None, members }
}

/// Units x, y, z and so on, as in the original groups.conf: components a and b
/// in each, protection groups pgA and pgB.
fn raid(units: &str) -> Group {
    let members = |letter| units.chars().map(|unit| name(&format!("{letter}_{unit}"))).collect();
    let unit = |unit| {
        let components = ["a", "b"].map(|of| component(&format!("{of}_{unit}"))).to_vec();
        config::Unit::new(name(&format!("raid_{unit}")), components)
    };
    Group {
        name: name("raid"),
        model: RedundancyModel::NPlusM,
        active_units: 1,
        backup_units: Some(2),
        units: units.chars().map(unit).collect(),
        protection_groups: vec![
            protection_group("pgA", members('a')),
            protection_group("pgB", members('b')),
        ],
    }
}

struct Replica {
    amf: Amf,
    fx: Effects,
    timers: Timers,
    is_member: bool,
}

/// What a program does with its callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conduct {
    /// Dispatches and answers at once.
    Answers,
    /// Answers, but always with an error.
    Refuses,
    /// Does not dispatch.
    Sleeps,
}

struct Program {
    node: usize,
    session: SessionId,
    connection: ConnectionId,
    callbacks: Callbacks,
    conduct: Conduct,
    inbox: VecDeque<amf::Event>,
    /// What it was asked, heartbeats and track callbacks left out.
    seen: Vec<String>,
    heartbeats: usize,
    tracked: Vec<amf::Event>,
    /// The instances that it works on as active, for all that it was told.
    works_on: BTreeSet<Name>,
    /// It has unregistered, so it works on nothing whatever it is told.
    has_ended: bool,
}

struct Rig {
    nodes: Vec<Replica>,
    /// Who gets whose messages: each node those of its side.
    sides: Vec<Vec<usize>>,
    /// The number of the last view.
    view: u64,
    groups: Groups,
    queue: VecDeque<(usize, Vec<u8>)>,
    delivered: u64,
    now: u64,
    last_id: u64,
    replies: BTreeMap<u32, (Outcome, Vec<u8>)>,
    programs: BTreeMap<String, Program>,
    /// Nodes that were to end at once.
    resets: Vec<usize>,
}

impl Rig {
    fn new(nodes: usize, groups: Vec<Group>) -> Self {
        let groups = Groups { groups };
        let replica = |number| Replica {
            amf: Amf::new(node(number), node_name(number), groups.clone()),
            fx: Effects::new(),
            timers: Timers::default(),
            is_member: true,
        };
        let all: Vec<_> = (0..nodes).collect();
        let mut rig = Self {
            nodes: (0..nodes).map(replica).collect(),
            groups: groups.clone(),
            sides: vec![all.clone()],
            view: 0,
            queue: VecDeque::new(),
            delivered: 0,
            now: 0,
            last_id: 0,
            replies: BTreeMap::new(),
            programs: BTreeMap::new(),
            resets: Vec::new(),
        };
        rig.install(&all, &all, &[], true);
        rig
    }

    /// One node and the group `raid`.
    fn raid(units: &str) -> Self {
        Self::new(1, vec![raid(units)])
    }

    /// A program with a library handle, named like the component it is for.
    fn open(&mut self, program: &str, node: usize) -> &mut Program {
        self.last_id += 1;
        let opened = Program {
            node,
            session: SessionId(self.last_id),
            connection: ConnectionId(self.last_id),
            callbacks: Callbacks::all(),
            conduct: Conduct::Answers,
            inbox: VecDeque::new(),
            seen: Vec::new(),
            heartbeats: 0,
            tracked: Vec::new(),
            works_on: BTreeSet::new(),
            has_ended: false,
        };
        self.programs.insert(program.into(), opened);
        self.program(program)
    }

    fn program(&mut self, program: &str) -> &mut Program {
        self.programs.get_mut(program).unwrap()
    }

    /// Opens a program on the first node for each component and registers it.
    fn start(&mut self, components: &[&str]) {
        components.iter().for_each(|component| self.start_on(0, component));
    }

    fn start_on(&mut self, node: usize, component: &str) {
        self.open(component, node);
        assert_eq!(self.register(component), Ok(()), "{component}");
        self.run();
    }

    /// Puts a request under way; its reply comes under the id given back.
    fn send(&mut self, program: &str, request: Request<'_>) -> u32 {
        self.last_id += 1;
        let id = self.last_id as u32;
        let Program { node, session, connection, callbacks, .. } = *self.program(program);
        let handle = Some((ServiceId::Amf, callbacks.bits()));
        let caller = Caller { session, connection, handle };
        let asker = Asker { session, connection, id };
        let now = Now { monotonic: self.now, wall: self.now as i64 };
        let replica = &mut self.nodes[node];
        let request = ais_proto::Request::Amf(request);
        replica.amf.on_request(now, &caller, asker, request, &mut replica.fx).unwrap();
        self.apply(node);
        id
    }

    /// Asks and waits for the reply; programs do nothing meanwhile.
    fn call(&mut self, program: &str, request: Request<'_>) -> (Outcome, Vec<u8>) {
        let id = self.send(program, request);
        while !self.replies.contains_key(&id) {
            assert!(self.deliver(), "no reply");
        }
        self.replies.remove(&id).unwrap()
    }

    fn register(&mut self, component: &str) -> Outcome {
        let request = Request::Register { component: component_of(component), proxy: None };
        self.call(component, request).0
    }

    fn unregister(&mut self, component: &str) -> Outcome {
        let request = Request::Unregister { component: component_of(component), proxy: None };
        self.call(component, request).0
    }

    fn report(&mut self, component: &str, recovery: Recovery, probable_cause: u8) -> Outcome {
        let report = ErrorReport {
            reporting: name(component),
            erroneous: name(component),
            detection_time: 0,
            report_type: 1,
            probable_cause,
            severity: 1,
            recovery,
            additional: [None; 3],
        };
        self.call(component, Request::ErrorReport(report)).0
    }

    fn cancel_errors(&mut self, component: &str) -> Outcome {
        self.call(component, Request::ErrorCancelAll { component: name(component) }).0
    }

    /// An operator has something done, through the first node that is there.
    fn operate(&mut self, operation: Operation, target: Target) -> Result<String, String> {
        let node = self.nodes.iter().position(|replica| replica.is_member).unwrap();
        let id = self.send_operation(node, operation, target);
        while !self.replies.contains_key(&id) {
            assert!(self.deliver(), "no reply");
        }
        let (result, body) = self.replies.remove(&id).unwrap();
        assert_eq!(result, Ok(()));
        let Operated { is_accepted, words } = Operated::decode(&mut Reader::new(&body)).unwrap();
        if is_accepted { Ok(words) } else { Err(words) }
    }

    fn send_operation(&mut self, node: usize, operation: Operation, target: Target) -> u32 {
        self.last_id += 1;
        let id = self.last_id as u32;
        let asker = Asker { session: SessionId(0), connection: ConnectionId(0), id };
        let caller = Caller { session: asker.session, connection: asker.connection, handle: None };
        let now = Now { monotonic: self.now, wall: self.now as i64 };
        let request = ais_proto::Request::Admin(admin::Request::Operate { operation, target });
        let replica = &mut self.nodes[node];
        replica.amf.on_request(now, &caller, asker, request, &mut replica.fx).unwrap();
        self.apply(node);
        id
    }

    fn answer(&mut self, program: &str, invocation: i32, result: Outcome) -> Outcome {
        self.call(program, Request::Response { invocation, result }).0
    }

    /// The process of a program dies.
    fn kill(&mut self, program: &str) {
        let Program { node, session, connection, .. } = self.programs.remove(program).unwrap();
        let replica = &mut self.nodes[node];
        replica.fx.askers.forget_connection(connection);
        replica.amf.on_handle_gone(connection, &mut replica.fx);
        replica.amf.on_session_gone(session, &mut replica.fx);
        self.apply(node);
    }

    /// The programs of a node, and the node, are no longer there.
    fn node_leaves(&mut self, gone: usize) {
        while self.deliver() {}
        self.nodes[gone].is_member = false;
        self.programs.retain(|_, program| program.node != gone);
        self.sides.iter_mut().for_each(|side| side.retain(|member| *member != gone));
        self.sides.retain(|side| !side.is_empty());
        for side in self.sides.clone() {
            self.install(&side, &side, &[gone], true);
        }
        self.check();
    }

    /// Those of `came` see a view with these members.
    fn install(&mut self, members: &[usize], came: &[usize], left: &[usize], has_quorum: bool) {
        self.view += u64::from(members == came);
        let view = self.view_of(members, came, left);
        for member in came {
            let replica = &mut self.nodes[*member];
            replica.amf.on_view(&view, has_quorum, &mut replica.fx);
            self.apply(*member);
        }
    }

    fn view_of(&self, members: &[usize], came: &[usize], left: &[usize]) -> View {
        let nodes = |numbers: &[usize]| numbers.iter().map(|number| node(*number)).collect();
        let joined: Vec<_> = members.iter().copied().filter(|of| !came.contains(of)).collect();
        View {
            id: ais_group::ViewId { number: self.view, representative: node(members[0]) },
            members: nodes(members),
            joined: nodes(&joined),
            left: nodes(left),
            came_with_me: nodes(came),
            why: String::new(),
        }
    }

    /// Delivers one message to the side of its sender.
    fn deliver(&mut self) -> bool {
        let Some((sender, bytes)) = self.queue.pop_front() else { return false };
        let side = self.sides.iter().find(|side| side.contains(&sender));
        if let Some(side) = side.cloned() {
            self.deliver_to(&side, sender, &bytes);
        }
        true
    }

    fn deliver_to(&mut self, members: &[usize], sender: usize, bytes: &[u8]) {
        self.delivered += 1;
        for number in members.iter().copied() {
            let replica = &mut self.nodes[number];
            let mut input = Reader::new(bytes);
            assert_eq!(input.u8(), Ok(ServiceId::Clm as u8), "the service that Effects::new names");
            let origin = input.u64().unwrap();
            let asker = if number == sender { replica.fx.askers.take(origin) } else { None };
            let (from, message) = (node(sender), input.rest());
            let delivery = Delivery { from, number: self.delivered, asker, message };
            replica.amf.on_deliver(delivery, &mut replica.fx);
            self.apply(number);
        }
        self.check();
    }

    fn apply(&mut self, number: usize) {
        let list = std::mem::take(&mut self.nodes[number].fx.list);
        for effect in list {
            let effect = match effect {
                Effect::Tell { connection, due: Due::Group(due), .. } => {
                    let Some(event) = self.nodes[number].amf.tell(connection, due) else {
                        continue;
                    };
                    Effect::Event { connection, after: None, event }
                }
                effect => effect,
            };
            match effect {
                Effect::Reply { asker, result, body, .. } => {
                    let earlier = self.replies.insert(asker.id, (result, body));
                    assert_eq!(earlier, None, "answered twice");
                }
                Effect::Event { connection, event: Event::Amf(event), .. } => {
                    let is_for = |program: &&mut Program| {
                        (program.connection, program.node) == (connection, number)
                    };
                    if let Some(program) = self.programs.values_mut().find(is_for) {
                        program.inbox.push_back(event);
                    }
                }
                Effect::Event { event, .. } => panic!("{event:?}"),
                Effect::Tell { due, .. } => panic!("{due:?}"),
                Effect::Multicast { bytes, .. } => self.queue.push_back((number, bytes)),
                Effect::SetTimer(timer, after) | Effect::SetTimerFor(_, timer, after) => {
                    self.nodes[number].timers.set(ServiceId::Amf, timer, self.now + after);
                }
                Effect::Reset => self.resets.push(number),
                Effect::CancelTimer(timer) => {
                    self.nodes[number].timers.cancel(ServiceId::Amf, timer)
                }
            }
        }
    }

    /// The replicas of each side are the same, and sound.
    fn check(&self) {
        for side in &self.sides {
            for member in side {
                assert_eq!(self.digest(*member), self.digest(side[0]), "the replicas differ");
            }
            self.nodes[side[0]].amf.model.assert_sound();
        }
    }

    fn digest(&self, member: usize) -> u64 {
        let mut digest = Digest::default();
        self.nodes[member].amf.digest(&mut digest);
        digest.value()
    }

    /// Delivers and dispatches until nothing is left to do.
    fn run(&mut self) {
        loop {
            while self.deliver() {}
            let mut awake = self.programs.iter().filter(|(_, program)| {
                program.conduct != Conduct::Sleeps && !program.inbox.is_empty()
            });
            let Some((program, _)) = awake.next() else { return };
            let program = program.clone();
            self.dispatch(&program);
        }
    }

    /// The program dispatches one callback, if there is one.
    fn dispatch(&mut self, program: &str) {
        let Some(event) = self.take(program) else { return };
        let result = match self.program(program).conduct {
            Conduct::Refuses => Err(AisError::FailedOperation),
            Conduct::Answers | Conduct::Sleeps => Ok(()),
        };
        if let Some(invocation) = event.invocation() {
            let request = match event {
                amf::Event::ReadinessStateSet { state: Readiness::Stopping, .. } => {
                    Request::StoppingComplete { invocation, result }
                }
                _ => Request::Response { invocation, result },
            };
            assert_eq!(self.call(program, request).0, Ok(()), "{event:?}");
        }
    }

    /// The program is handed one callback.
    fn take(&mut self, program: &str) -> Option<amf::Event> {
        let of = self.program(program);
        let event = of.inbox.pop_front()?;
        match &event {
            amf::Event::Healthcheck { .. } => of.heartbeats += 1,
            amf::Event::ProtectionGroupTrack { .. } => of.tracked.push(event.clone()),
            asking => of.seen.push(words(asking)),
        }
        match &event {
            amf::Event::CsiSet { csi, state: HaState::Active, .. } => {
                of.works_on.insert(csi.clone());
            }
            amf::Event::CsiSet { csi, .. } | amf::Event::CsiRemove { csi, .. } => {
                of.works_on.remove(csi);
            }
            amf::Event::ComponentTerminate { .. } => of.works_on.clear(),
            _ => {}
        }
        let (session, connection, number) = (of.session, of.connection, of.node);
        if let Some(invocation) = event.invocation() {
            let handle = Some((ServiceId::Amf, of.callbacks.bits()));
            let caller = Caller { session, connection, handle };
            let replica = &mut self.nodes[number];
            replica.amf.on_dispatched(&caller, invocation, &mut replica.fx);
            self.apply(number);
        }
        Some(event)
    }

    /// Lets time pass.
    fn advance(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds * 1_000_000;
        self.run();
        while let Some(next) = self.next_timer().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            let now = Now { monotonic: self.now, wall: 0 };
            for number in 0..self.nodes.len() {
                while self.nodes[number].is_member
                    && let Some((_, timer)) = self.nodes[number].timers.take_next(self.now)
                {
                    let replica = &mut self.nodes[number];
                    replica.amf.on_timer(now, timer, &mut replica.fx);
                    self.apply(number);
                }
            }
            self.run();
        }
        self.now = end;
    }

    fn next_timer(&self) -> Option<u64> {
        let members = self.nodes.iter().filter(|replica| replica.is_member);
        members.filter_map(|replica| replica.timers.next()).min()
    }

    /// What a program was asked since the last look.
    fn seen(&mut self, program: &str) -> Vec<String> {
        std::mem::take(&mut self.program(program).seen)
    }

    #[track_caller]
    fn expect(&mut self, program: &str, expected: &[&str]) {
        assert_eq!(self.seen(program), expected, "{program}");
    }

    fn model(&self) -> &Model {
        let member = self.nodes.iter().find(|replica| replica.is_member).unwrap();
        &member.amf.model
    }

    fn readiness(&self, component: &str) -> Readiness {
        self.model().readiness(self.model().find(&name(component)).unwrap())
    }

    fn ha_state(&self, component: &str, csi: &str) -> Result<HaState, AisError> {
        let csi = self.model().find_instance(&name(csi)).unwrap();
        self.model().ha_state(self.model().find(&name(component)).unwrap(), csi)
    }
}

/// A callback in words: for an assignment the state, the active component if
/// one is named, and the transition unless it is a new assignment.
fn words(event: &amf::Event) -> String {
    match event {
        amf::Event::ReadinessStateSet { state, .. } => format!("{state:?}"),
        amf::Event::CsiSet { csi, state, active, transition, flags, .. } => {
            let mut words = format!("{csi} {state:?}");
            if *active != Name::default() {
                words += &format!(" {active}");
            }
            if *transition != amf::Transition::NewAssign {
                words += &format!(" {transition:?}");
            }
            if *flags != amf::CSI_ALL_INSTANCES {
                words += &format!(" flags {flags}");
            }
            words
        }
        amf::Event::CsiRemove { csi, .. } => format!("{csi} Remove"),
        amf::Event::ComponentTerminate { .. } => "Terminate".into(),
        amf::Event::PendingOperationConfirm { flags, .. } => format!("Confirm {flags}"),
        amf::Event::PendingOperationExpired { flags, .. } => format!("Expired {flags}"),
        amf::Event::ExternalComponentRestart { component, .. } => format!("Restart {component}"),
        amf::Event::ExternalComponentControl { component, action, .. } => {
            format!("{action:?} {component}")
        }
        other => format!("{other:?}"),
    }
}
