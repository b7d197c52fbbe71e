//! What this node holds up counts against no component: calls that wait for
//! the group, whichever timer runs meanwhile; what it did not read; and time in
//! which it did not run. A component that is hung is found all the same.

use super::*;
use crate::{Body, Node, Output, Pace, ViewId, ckpt};
use ais_group::{Message, Output as FromGroup};
use ais_proto::admin::{Operation, Target};
use ais_proto::ckpt::{Attributes, Open, OpenFlags, UpdateOption};
use ais_proto::{Request as AnyRequest, admin};

const MILLISECOND: u64 = 1_000_000;
/// What is waited for longer than a timeout says, in ms.
const GRACE: u64 = 120;

/// A node with a group that does nothing unless it is told to, and one process
/// for each of two components of two units.
struct Held {
    node: Node,
    now: Now,
    last_id: u32,
    numbers: u64,
    replies: BTreeMap<u32, Outcome>,
    events: VecDeque<(ConnectionId, amf::Event)>,
    /// The process that answers nothing.
    asleep: Option<Caller>,
}

fn process(number: u64) -> Caller {
    let (session, connection) = (SessionId(number), ConnectionId(number));
    Caller { session, connection, handle: Some((ServiceId::Amf, 0x3ff)) }
}

/// Another connection of a process, for calls.
fn thread(process: &Caller, number: u64) -> Caller {
    let connection = ConnectionId(process.connection.0 * 100 + number);
    Caller { connection, handle: None, ..*process }
}

fn open(flags: OpenFlags) -> AnyRequest<'static> {
    let attributes = Attributes {
        option: UpdateOption::AllReplicas,
        checkpoint_size: 1 << 10,
        retention_duration: 0,
        max_sections: 1,
        max_section_size: 1 << 10,
        max_section_id_size: 10,
    };
    AnyRequest::Ckpt(ais_proto::ckpt::Request::Open(Open {
        name: name("sums"),
        attributes: Some(attributes),
        flags,
    }))
}

fn a_call() -> AnyRequest<'static> {
    open(OpenFlags::READ | OpenFlags::WRITE)
}

impl Held {
    /// The first unit is active, the other one standby; both have one component
    /// with `times`.
    fn new(times: impl Fn(&mut Component)) -> Self {
        let mut group = raid("xy");
        for unit in &mut group.units {
            unit.components.truncate(1);
            let of = &mut unit.components[0];
            times(of);
        }
        group.protection_groups.truncate(1);
        let config = crate::Config {
            node: node(0),
            group: crate::group::Config::External,
            configured: Vec::new(),
            expected_nodes: None,
            node_name: name("10.0.0.1"),
            cluster_name: name("ais"),
            boot_timestamp: 0,
            ckpt: ckpt::Limits { memory: 1 << 20, max_message: 1 << 20, ..ckpt::Limits::default() },
            groups: Groups { groups: vec![group] },
            pace: Pace::default(),
        };
        let now = Now { monotonic: 0, wall: 0 };
        let mut held = Self {
            node: Node::new(config, now),
            now,
            last_id: 0,
            numbers: 0,
            replies: BTreeMap::new(),
            events: VecDeque::new(),
            asleep: None,
        };
        let view = View {
            id: ViewId { number: 1, representative: node(0) },
            members: vec![node(0)],
            joined: vec![node(0)],
            left: Vec::new(),
            came_with_me: vec![node(0)],
            why: "the test wants it".into(),
        };
        held.node.external().bring(FromGroup::View(view));
        held.get_on();
        for (number, component) in [(1, "a_x"), (2, "a_y")] {
            let caller = process(number);
            held.node.handle_opened(&caller);
            let register = Request::Register { component: name(component), proxy: None };
            held.ask(&caller, &AnyRequest::Amf(register));
            held.get_on();
        }
        assert_eq!(held.state("a_x"), Readiness::InService);
        held
    }

    /// What waits for the group is done.
    fn get_on(&mut self) {
        loop {
            self.node.run_group(self.now);
            self.take_outputs();
            let Some(message) = self.node.external().take_sent() else { return };
            self.deliver(message);
        }
    }

    /// The group brings a message of the node, when it is run the next time.
    fn deliver(&mut self, message: Message) {
        self.numbers += 1;
        let (number, from, bytes) = (self.numbers, node(0), message.bytes);
        let group = self.node.external();
        group.bring(FromGroup::Deliver { number, from, bytes });
        group.bring(FromGroup::Stable(number));
    }

    /// Lets so many ms pass, and the group do nothing.
    fn stall(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / 10 {
            self.wait(10);
        }
    }

    /// Lets so many ms pass at once, and the group do nothing.
    fn wait(&mut self, milliseconds: u64) {
        self.now.monotonic += milliseconds * MILLISECOND;
        self.node.handle_timeout(self.now);
        self.take_outputs();
    }

    /// A thread of the active component makes so many calls, one after the other,
    /// which take so many ms each.
    fn calls(&mut self, number: u64, milliseconds: u64) {
        for _ in 0..number {
            self.ask(&thread(&process(1), 1), &a_call());
            self.wait(milliseconds);
            self.get_on();
        }
    }

    /// How many ms have passed since `from`.
    fn slept(&self, from: u64) -> u64 {
        (self.now.monotonic - from) / MILLISECOND
    }

    /// Lets so many ms pass.
    fn pass(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / 10 {
            self.stall(10);
            self.get_on();
        }
    }

    fn ask(&mut self, caller: &Caller, request: &AnyRequest<'_>) -> u32 {
        self.last_id += 1;
        let mut body = Writer::new();
        request.encode(&mut body);
        for data in request.data() {
            body.raw(data);
        }
        let (id, code) = (self.last_id, request.code());
        self.node.request(self.now, caller, id, code, Body::from(&body.into_bytes())).unwrap();
        self.take_outputs();
        id
    }

    /// Whoever is not asleep answers at once.
    fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Reply { id, result, .. } => {
                    self.replies.insert(id, result);
                }
                Output::Event { connection, code, body } => {
                    let event = amf::Event::decode(code, &body).unwrap();
                    self.events.push_back((connection, event));
                }
                _ => {}
            }
        }
        let asleep = self.asleep.map(|of| of.connection);
        while let Some(place) = self.events.iter().position(|(of, _)| Some(*of) != asleep)
            && let Some((connection, event)) = self.events.remove(place)
        {
            self.answer(&process(connection.0), &event);
        }
    }

    fn answer(&mut self, caller: &Caller, event: &amf::Event) {
        let Some(invocation) = event.invocation() else { return };
        self.node.dispatched(self.now, caller, invocation);
        let response = Request::Response { invocation, result: Ok(()) };
        self.ask(caller, &AnyRequest::Amf(response));
    }

    fn state(&self, component: &str) -> Readiness {
        let model = &self.node.services().amf.model;
        model.readiness(model.find(&name(component)).unwrap())
    }

    fn works(&self) -> bool {
        self.state("a_x") != Readiness::OutOfService
    }

    /// The active component wakes up.
    fn wake(&mut self) {
        self.asleep = None;
        self.take_outputs();
        self.get_on();
    }
}

/// Something that happens.
type Step = fn(&mut Held);

/// Brings the active component to where a timer of each kind runs.
const QUESTIONS: [(&str, Step); 4] = [
    ("heartbeat", |_| {}),
    ("stopping", |held| {
        let (operation, target) = (Operation::Shutdown, Target::Unit(name("raid_x")));
        held.ask(&process(9), &AnyRequest::Admin(admin::Request::Operate { operation, target }));
        held.get_on();
    }),
    ("quiesce, seen", |held| {
        report(held);
        let (_, event) = held.events.iter().find(|(of, _)| of.0 == 1).unwrap();
        let invocation = event.invocation().unwrap();
        held.node.dispatched(held.now, &process(1), invocation);
    }),
    ("quiesce, unseen", report),
];

fn report(held: &mut Held) {
    let report = ErrorReport {
        reporting: name("a_y"),
        erroneous: name("a_x"),
        detection_time: 0,
        report_type: 1,
        probable_cause: 5,
        severity: 1,
        recovery: Recovery::ComponentFailover,
        additional: [None; 3],
    };
    held.ask(&process(9), &AnyRequest::Amf(Request::ErrorReport(report)));
    held.get_on();
}

fn is_taken_over(held: &Held) -> bool {
    let model = &held.node.services().amf.model;
    let other = model.find(&name("a_y")).unwrap();
    model.ha_state(other, model.find_instance(&name("pgA")).unwrap()) == Ok(HaState::Active)
}

#[test]
fn no_timer_runs_while_a_call_waits_for_the_group() {
    for (what, ask) in QUESTIONS {
        let mut held = Held::new(|of| {
            of.callback_timeout = 2000;
            of.stopping_timeout = 1000;
        });
        held.asleep = Some(process(1));
        ask(&mut held);
        let timeout = if what == "quiesce, unseen" { 2000 } else { 1000 };
        let call = held.ask(&thread(&process(1), 1), &a_call());
        held.stall(4_500);
        assert_eq!(held.replies.get(&call), None);
        held.get_on();
        assert_eq!(held.replies[&call], Ok(()));
        assert!(!is_taken_over(&held), "{what}");
        // It has its whole time anew, and no more.
        held.pass(timeout - 110);
        assert!(!is_taken_over(&held), "{what}");
        held.pass(110 + 110 + GRACE);
        assert!(is_taken_over(&held), "{what}");
    }
}

#[test]
fn who_answers_when_the_call_is_over_stays_active() {
    for (what, ask) in QUESTIONS {
        let mut held = Held::new(|of| of.stopping_timeout = 1000);
        held.asleep = Some(process(1));
        ask(&mut held);
        for _ in 0..10 {
            // It tries again, and dispatches in between.
            held.ask(&thread(&process(1), 1), &a_call());
            held.stall(5_000);
            held.node.cancel(held.now, thread(&process(1), 1).connection, held.last_id);
            assert!(!is_taken_over(&held), "{what}");
        }
        held.get_on();
        held.wake();
        held.pass(5_000);
        assert_eq!(held.works(), what == "heartbeat", "{what}");
    }
}

#[test]
fn many_short_calls_count_as_one_long_call_does() {
    for milliseconds in [3, 10, 40, 90, 110] {
        for (what, ask) in QUESTIONS {
            let mut held = Held::new(|of| {
                of.callback_timeout = 2000;
                of.stopping_timeout = 1000;
            });
            held.asleep = Some(process(1));
            ask(&mut held);
            held.calls(4_500 / milliseconds, milliseconds);
            assert!(!is_taken_over(&held), "{what} and calls of {milliseconds} ms");
            held.wake();
            held.pass(5_000);
            assert_eq!(held.works(), what == "heartbeat", "{what}");
        }
    }
}

#[test]
fn what_holds_up_all_takes_nothing_from_what_calls_may_take() {
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    held.calls(125, 40);
    // A node is lost meanwhile.
    held.ask(&thread(&process(1), 1), &a_call());
    held.stall(5_000);
    held.get_on();
    held.calls(75, 40);
    assert!(held.works());
    held.wake();
    held.pass(5_000);
    assert!(held.works());
}

#[test]
fn a_hung_component_is_found_whatever_its_other_threads_call() {
    // Calls that the group answers at once count for nothing.
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    let slept_from = held.now.monotonic;
    while held.works() {
        held.calls(1, 1);
        assert!(held.slept(slept_from) <= 100 + 1000 + GRACE + 10);
    }

    // Slower ones count, but not for ever.
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    let slept_from = held.now.monotonic;
    while held.works() {
        held.calls(1, 40);
        assert!(held.slept(slept_from) < 13_000, "it is never found");
    }
    assert!(held.slept(slept_from) > 5_000);

    // One of its threads always waits; but the others get on.
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    let mut waited = 0;
    while held.works() {
        let number = waited / 200 % 2;
        held.ask(&thread(&process(1), number), &a_call());
        let other = process(2);
        let mut oldest = None;
        for _ in 0..20 {
            held.ask(&thread(&other, 1), &a_call());
            held.stall(10);
            waited += 10;
            // The oldest call stays behind.
            oldest = oldest.or_else(|| held.node.external().take_sent());
            held.get_on();
        }
        oldest.into_iter().for_each(|message| held.deliver(message));
        held.get_on();
        assert!(waited < 13_000, "it is never found");
    }
    assert!(waited > 5_000, "its calls count as long as one of them takes at most");
}

#[test]
fn a_component_that_waits_for_another_process_is_not_hung_while_nothing_gets_on() {
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    let helper = Caller { session: SessionId(7), connection: ConnectionId(70), handle: None };
    held.ask(&helper, &a_call());
    held.stall(60_000);
    held.get_on();
    held.pass(900);
    assert!(held.works());
    held.pass(100 + 110 + GRACE);
    assert!(!held.works());
}

#[test]
fn what_is_not_read_is_held_up() {
    let mut held = Held::new(|_| {});
    held.asleep = Some(process(1));
    let connection = thread(&process(1), 1);
    held.node.request_waits(held.now, &connection);
    held.node.request_waits(held.now, &connection);
    held.pass(3_000);
    assert!(held.works());
    held.node.request_is_read(held.now, connection.connection);
    held.pass(900);
    assert!(held.works());
    held.pass(100 + 110 + GRACE);
    assert!(!held.works());
}

#[test]
fn a_call_ends_with_its_reply_its_cancellation_and_its_connection() {
    type End = fn(&mut Held, &Caller);
    let ends: [End; 3] = [
        |held, _| held.get_on(),
        |held, caller| held.node.cancel(held.now, caller.connection, held.last_id),
        |held, caller| held.node.connection_closed(held.now, caller.connection),
    ];
    for end in ends {
        let mut held = Held::new(|_| {});
        held.asleep = Some(process(1));
        let caller = thread(&process(1), 1);
        held.ask(&caller, &a_call());
        held.stall(500);
        end(&mut held, &caller);
        held.pass(100 + 1000 + 110 + GRACE);
        assert!(!held.works());
    }
}

#[test]
fn time_in_which_the_node_does_not_run_counts_for_nobody() {
    let mut held = Held::new(|of| of.callback_timeout = 2000);
    held.asleep = Some(process(1));
    held.pass(500);
    held.now.monotonic += 30_000 * MILLISECOND;
    // What comes first need not be the timer.
    held.ask(&process(2), &a_call());
    held.stall(10);
    held.get_on();
    held.pass(500);
    assert!(held.works());
    held.wake();
    held.pass(5_000);
    assert!(held.works());
}
