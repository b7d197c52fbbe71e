//! A perfect group for any number of nodes, with partitions, and programs that
//! write checkpoints.

use crate::amf::config::Groups;
use crate::{Body, Caller, Config, ConnectionId, Node, Now, Output, Pace, SessionId, ckpt, group};
use ais_group::{Output as FromGroup, View, ViewId};
use ais_proto::ckpt::{Attributes, Open, OpenFlags, UpdateOption};
use ais_proto::{AisError, Event, Request, ServiceId};
use ais_wire::{Name, NodeId, Reader, Writer};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NOW: Now = Now { monotonic: 0, wall: 1_000_000_000_000 };

/// The number of a node on the bus: the last octet of its address.
pub(crate) type Number = u8;

pub(crate) fn node(number: Number) -> NodeId {
    NodeId::new([10, 0, 0, number].into())
}

pub(crate) fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// A node, the group as it sees it, and the program on it.
pub(crate) struct Member {
    pub(crate) node: Node,
    /// The component of the network it is in; 0 before its first view.
    component: usize,
    /// How many messages of the component it has had.
    had: usize,
    /// How many it was told that all have.
    stable: u64,
    pub(crate) serving: usize,
    replies: BTreeMap<u32, (Result<(), AisError>, Vec<u8>)>,
    told: Vec<Event>,
    /// What AMF asked of components and was not answered.
    pub(crate) demands: Vec<i32>,
    /// It was to leave and may; whether all have let go.
    pub(crate) may_leave: Option<bool>,
    last_id: u32,
    /// The view in which it was started.
    pub(crate) boot: u64,
}

/// Nodes that see each other.
#[derive(Default)]
struct Component {
    members: Vec<Number>,
    /// Messages in order, with their sender.
    ordered: Vec<(Number, Vec<u8>)>,
}

#[derive(Default)]
pub(crate) struct Bus {
    pub(crate) members: BTreeMap<Number, Member>,
    components: Vec<Component>,
    view: u64,
    /// What the monotonic clocks of all nodes say, in nanoseconds.
    clock: u64,
    /// Deliveries are stable so many messages late.
    pub(crate) stable_lag: usize,
    expected: Option<u32>,
    pace: Pace,
    pub(crate) groups: BTreeMap<Number, Groups>,
}

impl Bus {
    /// Nodes that serve together.
    pub(crate) fn of(numbers: &[Number]) -> Self {
        Self::at_pace(Pace::default(), numbers)
    }

    /// The same, with steps of this size.
    pub(crate) fn at_pace(pace: Pace, numbers: &[Number]) -> Self {
        let mut bus = Self { pace, ..Self::default() };
        bus.start(numbers);
        bus.together();
        bus.settle();
        bus
    }

    /// A bus of a cluster that asks for quorum of so many, if it does.
    pub(crate) fn with_quorum(expected: Option<u32>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The configuration of a member that starts now.
    pub(crate) fn config(&self, number: Number) -> Config {
        Config {
            node: node(number),
            group: group::Config::External,
            expected_nodes: self.expected,
            configured: [1, 2, 3].map(node).to_vec(),
            node_name: name(&format!("node {number} of {}", self.view)),
            cluster_name: name("ais"),
            boot_timestamp: 0,
            ckpt: ckpt::Limits { memory: 1 << 26, max_message: 1 << 20, ..ckpt::Limits::default() },
            groups: self.groups.get(&number).cloned().unwrap_or_default(),
            pace: self.pace,
        }
    }

    /// Starts these nodes; they are in no view yet.
    pub(crate) fn start(&mut self, numbers: &[Number]) {
        if self.components.is_empty() {
            self.components.push(Component::default());
        }
        for number in numbers {
            let mut member = Member {
                node: Node::new(self.config(*number), NOW),
                component: 0,
                had: 0,
                stable: 0,
                serving: 0,
                replies: BTreeMap::new(),
                told: Vec::new(),
                demands: Vec::new(),
                may_leave: None,
                last_id: 0,
                boot: self.view,
            };
            member.node.handle_opened(&caller());
            for service in ServiceId::ALL {
                member.node.handle_opened(&handle(*service));
            }
            self.members.insert(*number, member);
        }
    }

    /// The nodes divide themselves so; who is in no part has crashed. What is
    /// under way of a sender that lives is delivered before.
    pub(crate) fn views(&mut self, parts: &[&[Number]]) {
        let living: BTreeSet<Number> = parts.iter().copied().flatten().copied().collect();
        self.members.retain(|number, _| living.contains(number));
        self.view += 1;
        for part in parts {
            self.install(part);
        }
        for part in parts {
            for number in *part {
                self.run(*number);
            }
        }
    }

    /// These go on without the others, which do not know yet.
    pub(crate) fn view_of(&mut self, part: &[Number]) {
        self.view += 1;
        self.install(part);
        for number in part {
            self.run(*number);
        }
    }

    /// A view in which all that live are together.
    pub(crate) fn together(&mut self) {
        let all: Vec<_> = self.members.keys().copied().collect();
        self.views(&[&all]);
    }

    fn install(&mut self, part: &[Number]) {
        let new = self.components.len();
        let mut members: Vec<Number> = part.to_vec();
        members.sort_unstable();
        let ids: Vec<NodeId> = members.iter().copied().map(node).collect();
        let mut outputs = BTreeMap::new();
        for number in &members {
            let old = self.members[number].component;
            let came: Vec<Number> = if old == 0 {
                vec![*number]
            } else {
                let same = |other: &&Number| self.members[*other].component == old;
                members.iter().filter(same).copied().collect()
            };
            let mut output = self.end_of(old, self.members[number].had, &came);
            let of = |numbers: &[Number]| numbers.iter().copied().map(node).collect::<Vec<_>>();
            let came = of(&came);
            let left = of(&self.components[old].members);
            output.push(FromGroup::View(View {
                id: ViewId { number: self.view, representative: ids[0] },
                members: ids.clone(),
                joined: ids.iter().filter(|id| !came.contains(id)).copied().collect(),
                left: left.into_iter().filter(|id| !came.contains(id)).collect(),
                came_with_me: came,
                why: "the test wants it".into(),
            }));
            outputs.insert(*number, output);
        }
        for (number, output) in outputs {
            let member = self.members.get_mut(&number).unwrap();
            member.component = new;
            (member.had, member.stable) = (0, 0);
            output.into_iter().for_each(|output| member.node.external().bring(output));
        }
        self.components.push(Component { members, ordered: Vec::new() });
    }

    /// What those who leave a component together still deliver in it: up to
    /// where the first of them is, and after that what they sent themselves.
    fn end_of(&self, component: usize, had: usize, came: &[Number]) -> Vec<FromGroup> {
        if component == 0 {
            return Vec::new();
        }
        let first = came.iter().map(|number| self.members[number].had).max().unwrap();
        let mut outputs = Vec::new();
        let mut is_over = false;
        for (place, (from, bytes)) in self.components[component].ordered.iter().enumerate() {
            if place >= first && !is_over {
                outputs.push(FromGroup::Transitional(came.iter().copied().map(node).collect()));
                is_over = true;
            }
            if place >= had && (place < first || came.contains(from)) {
                outputs.push(deliver(place, *from, bytes));
            }
        }
        if !is_over {
            outputs.push(FromGroup::Transitional(came.iter().copied().map(node).collect()));
        }
        outputs
    }

    /// The next message that this node wants to send, which it does not.
    pub(crate) fn keep_back(&mut self, number: Number) -> Vec<u8> {
        self.member(number).node.external().take_sent().expect("a message").bytes
    }

    /// Gives a message a place in the order, whoever may have sent it.
    pub(crate) fn inject(&mut self, from: Number, bytes: Vec<u8>) {
        let component = self.members[&from].component;
        self.components[component].ordered.push((from, bytes));
    }

    /// What a node does when it is its turn again.
    pub(crate) fn go_on(&mut self, number: Number) {
        let now = Now { monotonic: self.clock, ..NOW };
        let member = self.member(number);
        member.node.handle_timeout(now);
        member.take_outputs();
    }

    /// Lets this many seconds pass at once; then each node does what it was to do by
    /// now.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.clock += seconds * 1_000_000_000;
        let numbers: Vec<_> = self.members.keys().copied().collect();
        for number in numbers {
            self.go_on(number);
        }
    }

    /// Until nobody has anything left to do.
    pub(crate) fn rest(&mut self) {
        let is_due = |member: &Member| member.node.poll_timeout().is_some_and(|at| at == 0);
        self.settle();
        while let Some(number) =
            self.members.iter().find(|(_, member)| is_due(member)).map(|(number, _)| *number)
        {
            self.go_on(number);
            self.settle();
        }
    }

    /// Gives the next message that this node wants to send a place in the
    /// order. False if there is none.
    pub(crate) fn order(&mut self, number: Number) -> bool {
        let member = self.members.get_mut(&number).unwrap();
        if member.component == 0 {
            return false;
        }
        let Some(message) = member.node.external().take_sent() else {
            return false;
        };
        self.components[member.component].ordered.push((number, message.bytes));
        self.run(number);
        true
    }

    /// Delivers the next message to this node, or tells it what all have if there
    /// is none. False if it knows that.
    pub(crate) fn deliver(&mut self, number: Number) -> bool {
        let member = self.members.get_mut(&number).unwrap();
        let Some((from, bytes)) = self.components[member.component].ordered.get(member.had) else {
            return self.tell_stable(number);
        };
        let output = deliver(member.had, *from, bytes);
        member.had += 1;
        member.node.external().bring(output);
        self.tell_stable(number);
        true
    }

    /// What is delivered to this node next, and who has sent it.
    pub(crate) fn next(&self, number: Number) -> Option<(Number, &[u8])> {
        let member = &self.members[&number];
        let next = self.components[member.component].ordered.get(member.had)?;
        Some((next.0, &next.1))
    }

    /// As [`Bus::deliver`], but this node is given another message in its place.
    pub(crate) fn deliver_changed(&mut self, number: Number, change: impl Fn(&mut [u8])) {
        let member = self.members.get_mut(&number).unwrap();
        let (from, bytes) = &self.components[member.component].ordered[member.had];
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let output = deliver(member.had, *from, &bytes);
        member.had += 1;
        member.node.external().bring(output);
        self.run(number);
    }

    /// Nobody comes along with this node into the next view.
    pub(crate) fn comes_alone(&mut self, number: Number) {
        let members = self.components[self.members[&number].component].members.clone();
        let member = self.members.get_mut(&number).unwrap();
        member.component = self.components.len();
        (member.had, member.stable) = (0, 0);
        self.components.push(Component { members, ordered: Vec::new() });
    }

    /// Tells this node what all that it sees have, if it is more than before.
    /// Whether it was.
    fn tell_stable(&mut self, number: Number) -> bool {
        let all = &self.components[self.members[&number].component].members;
        let slowest = all.iter().filter_map(|other| self.members.get(other)).map(|of| of.had).min();
        let stable = slowest.unwrap_or(0).saturating_sub(self.stable_lag) as u64;
        let member = self.members.get_mut(&number).unwrap();
        let is_more = stable > std::mem::replace(&mut member.stable, stable);
        member.node.external().bring(FromGroup::Stable(stable));
        self.run(number);
        is_more
    }

    /// One message more for everybody who has one to order or to take. False
    /// if nobody has, and all know that.
    pub(crate) fn step(&mut self) -> bool {
        let numbers: Vec<_> = self.members.keys().copied().collect();
        let mut moved = false;
        for number in &numbers {
            moved |= self.order(*number);
        }
        for number in &numbers {
            moved |= self.deliver(*number);
        }
        moved
    }

    /// Until nothing more is under way.
    pub(crate) fn settle(&mut self) {
        while self.step() {}
        let lag = std::mem::take(&mut self.stable_lag);
        let numbers: Vec<_> = self.members.keys().copied().collect();
        for number in numbers {
            let member = self.members.get_mut(&number).unwrap();
            let stable = FromGroup::Stable(member.had as u64);
            member.node.external().bring(stable);
            self.run(number);
        }
        while self.step() {}
        self.stable_lag = lag;
    }

    pub(super) fn run(&mut self, number: Number) {
        let member = self.members.get_mut(&number).unwrap();
        let now = Now { monotonic: self.clock, ..NOW };
        member.node.wake(now);
        member.node.run_group(now);
        member.take_outputs();
    }

    pub(crate) fn member(&mut self, number: Number) -> &mut Member {
        self.members.get_mut(&number).unwrap()
    }

    /// Asks without waiting for the answer; the id of the request.
    pub(crate) fn ask(&mut self, number: Number, caller: &Caller, request: &Request<'_>) -> u32 {
        let member = self.member(number);
        member.last_id += 1;
        let mut body = Writer::new();
        request.encode(&mut body);
        for data in request.data() {
            body.raw(data);
        }
        let (id, code) = (member.last_id, request.code());
        member.node.request(NOW, caller, id, code, Body::from(&body.into_bytes())).unwrap();
        member.take_outputs();
        id
    }

    pub(crate) fn reply(&mut self, number: Number, id: u32) -> Option<Result<(), AisError>> {
        Some(self.member(number).replies.get(&id)?.0)
    }

    /// What else the answer says.
    pub(crate) fn body(&mut self, number: Number, id: u32) -> Option<Vec<u8>> {
        Some(self.member(number).replies.get(&id)?.1.clone())
    }

    /// The answer to what has been answered at once.
    pub(crate) fn call_at_once(&mut self, number: Number, request: &Request<'_>) -> Vec<u8> {
        let id = self.ask(number, &caller(), request);
        let (result, body) = self.member(number).replies.remove(&id).expect("a reply");
        assert_eq!(result, Ok(()));
        body
    }

    /// Asks, and lets everything happen until nothing more does.
    pub(crate) fn call(
        &mut self,
        number: Number,
        request: &Request<'_>,
    ) -> (Result<(), AisError>, Vec<u8>) {
        let id = self.ask(number, &caller(), request);
        self.settle();
        self.member(number).replies.remove(&id).expect("a reply")
    }

    /// Opens a checkpoint, which is made if need be.
    pub(crate) fn open(&mut self, number: Number, checkpoint: &str) -> Result<u32, AisError> {
        let (result, body) = self.call(number, &Request::Ckpt(open(checkpoint)));
        result.map(|()| Reader::new(&body).u32().unwrap())
    }

    /// What a checkpoint says on this node.
    pub(crate) fn read(&mut self, number: Number, checkpoint: &str) -> Result<Vec<u8>, AisError> {
        let checkpoint = self.open(number, checkpoint)?;
        let element = ais_proto::ckpt::ReadElement { id: b"", offset: 0, size: None };
        let read = ais_proto::ckpt::Request::Read { checkpoint, elements: vec![element] };
        let (result, body) = self.call(number, &Request::Ckpt(read));
        result?;
        let reply = ais_proto::ckpt::ReadReply::decode(&body).unwrap();
        Ok(reply.pieces().flatten().copied().collect())
    }

    /// Begins to put a text into the default section of an open checkpoint.
    pub(crate) fn write(&mut self, number: Number, checkpoint: u32, data: &[u8]) -> u32 {
        let write = ais_proto::ckpt::Request::Overwrite { checkpoint, id: b"", data };
        self.ask(number, &caller(), &Request::Ckpt(write))
    }

    /// All that see each other and have the state have the same.
    pub(crate) fn check_equal(&self) {
        let mut digests = BTreeMap::new();
        for (number, member) in &self.members {
            let status = member.node.sync_status();
            if let Some(lineage) = status.lineage {
                let place = (member.component, member.had, lineage, status.excluded.clone());
                let digest = member.node.digest();
                let (first, expected) = *digests.entry(place).or_insert((*number, digest));
                assert_eq!(digest, expected, "nodes {first} and {number} differ");
            }
        }
    }

    /// Everybody has the state, and all that see each other the same.
    pub(crate) fn check_synced(&self) {
        let mut lineages = BTreeMap::new();
        for (number, member) in &self.members {
            let status = member.node.sync_status();
            assert_eq!(status.phase, "serving", "node {number}");
            assert_eq!(member.serving, 1, "node {number} says once that it serves");
            let members = &self.components[member.component].members;
            let synced: Vec<_> = members.iter().copied().map(node).collect();
            assert_eq!(status.synced, synced, "node {number}");
            let first = *lineages.entry(member.component).or_insert(status.lineage);
            assert_eq!(status.lineage, first, "node {number}");
        }
        self.check_equal();
    }

    pub(crate) fn phase(&self, number: Number) -> &'static str {
        self.members[&number].node.sync_status().phase
    }
}

fn deliver(place: usize, from: Number, bytes: &[u8]) -> FromGroup {
    FromGroup::Deliver { number: place as u64 + 1, from: node(from), bytes: bytes.to_vec() }
}

impl Member {
    /// What the program was told by this service since the last look.
    pub(crate) fn take_told(&mut self, service: ServiceId) -> Vec<Event> {
        self.told.extract_if(.., |event| event.service() == service).collect()
    }

    pub(crate) fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Reply { id, result, body, .. } => {
                    let earlier = self.replies.insert(id, (result, body));
                    assert_eq!(earlier, None, "a second reply to {id}");
                }
                Output::Event { code, body, .. } => {
                    let event = Event::decode(code, &body).unwrap();
                    if let Event::Amf(event) = &event {
                        self.demands.extend(event.invocation());
                    }
                    self.told.push(event);
                }
                Output::Serving => self.serving += 1,
                Output::MayLeave { is_clean } => self.may_leave = Some(is_clean),
                Output::View(_) | Output::Ring(_) | Output::Reset => {}
            }
        }
    }
}

pub(crate) fn caller() -> Caller {
    Caller { session: SessionId(1), connection: ConnectionId(1), handle: None }
}

pub(crate) fn handle(service: ServiceId) -> Caller {
    let connection = ConnectionId(10 + service as u64);
    Caller { session: SessionId(1), connection, handle: Some((service, u32::MAX)) }
}

pub(crate) fn open(checkpoint: &str) -> ais_proto::ckpt::Request<'static> {
    ais_proto::ckpt::Request::Open(how_to_open(checkpoint))
}

pub(crate) fn how_to_open(checkpoint: &str) -> Open {
    let attributes = Attributes {
        option: UpdateOption::AllReplicas,
        checkpoint_size: 1 << 20,
        retention_duration: i64::MAX,
        max_sections: 4,
        max_section_size: 1 << 20,
        max_section_id_size: 10,
    };
    let flags = OpenFlags::READ | OpenFlags::WRITE;
    Open { name: name(checkpoint), attributes: Some(attributes), flags }
}
