//! AMF inside a [`Node`]: what a program sends and gets, byte for byte.

use super::*;
use crate::{Body, Node, Output, Pace, ckpt};
use ais_proto::Code;

struct Driver {
    node: Node,
    now: Now,
    last_id: u32,
    replies: BTreeMap<u32, (Outcome, Vec<u8>)>,
    events: VecDeque<(ConnectionId, amf::Event)>,
}

impl Driver {
    fn new() -> Self {
        let config = crate::Config {
            node: node(0),
            group: crate::group::Config::Alone { view: 1 },
            expected_nodes: None,
            configured: Vec::new(),
            node_name: name("10.0.0.1"),
            cluster_name: name("ais"),
            boot_timestamp: 0,
            ckpt: ckpt::Limits { memory: 1 << 20, max_message: 1 << 20, ..ckpt::Limits::default() },
            groups: Groups { groups: vec![raid("xy")] },
            pace: Pace::default(),
        };
        let now = Now { monotonic: 0, wall: 0 };
        let node = Node::new(config, now);
        Self { node, now, last_id: 0, replies: BTreeMap::new(), events: VecDeque::new() }
    }

    /// A process with one library handle.
    fn open(&mut self, number: u64) -> Caller {
        let (session, connection) = (SessionId(number), ConnectionId(number));
        let caller = Caller { session, connection, handle: Some((ServiceId::Amf, 0x3ff)) };
        self.node.handle_opened(&caller);
        caller
    }

    fn call(&mut self, caller: &Caller, request: &Request<'_>) -> Outcome {
        self.last_id += 1;
        let mut body = Writer::new();
        request.encode(&mut body);
        let (code, body) = (request.code(), body.into_bytes());
        self.node.request(self.now, caller, self.last_id, code, Body::from(&body)).unwrap();
        self.take_outputs();
        self.replies.remove(&self.last_id).unwrap().0
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Reply { id, result, body, .. } => {
                    self.replies.insert(id, (result, body));
                }
                Output::Event { connection, code, body } => {
                    self.take_event(connection, code, &body)
                }
                _ => {}
            }
        }
    }

    fn take_event(&mut self, connection: ConnectionId, code: Code, body: &[u8]) {
        let event = amf::Event::decode(code, body).unwrap();
        self.events.push_back((connection, event));
    }

    /// Answers everything; gives what was asked of whom.
    fn answer_all(&mut self, callers: &[Caller]) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some((connection, event)) = self.events.pop_front() {
            let caller = callers.iter().find(|caller| caller.connection == connection).unwrap();
            seen.push(format!("{} {}", connection.0, words(&event)));
            let invocation = event.invocation().unwrap();
            self.node.dispatched(self.now, caller, invocation);
            let response = Request::Response { invocation, result: Ok(()) };
            assert_eq!(self.call(caller, &response), Ok(()));
        }
        seen
    }

    fn register(&mut self, caller: &Caller, component: &str) {
        let request = Request::Register { component: name(component), proxy: None };
        assert_eq!(self.call(caller, &request), Ok(()));
    }
}

#[test]
fn a_process_that_ends_hands_its_work_over() {
    let mut driver = Driver::new();
    let callers: Vec<_> = (1..=4).map(|number| driver.open(number)).collect();
    for (caller, component) in callers.iter().zip(["a_x", "b_x", "a_y", "b_y"]) {
        driver.register(caller, component);
    }
    assert_eq!(
        driver.answer_all(&callers),
        [
            "1 InService",
            "2 InService",
            "3 InService",
            "4 InService",
            "1 pgA Active",
            "2 pgB Active",
            "3 pgA Standby a_x",
            "4 pgB Standby b_x",
        ]
    );
    assert_eq!(driver.node.poll_timeout(), Some(100_000_000), "the first heartbeats");

    driver.node.connection_closed(driver.now, ConnectionId(1));
    driver.node.session_closed(driver.now, SessionId(1));
    driver.take_outputs();
    assert_eq!(
        driver.answer_all(&callers),
        [
            "2 pgB Quiesced",
            "2 OutOfService",
            "3 pgA Active a_x NotQuiesced",
            "4 pgB Active b_x Quiesced",
        ]
    );

    driver.now.monotonic = driver.node.poll_timeout().unwrap();
    driver.node.handle_timeout(driver.now);
    driver.take_outputs();
    // All at the same time, so in no certain order.
    let beaten: BTreeSet<_> = driver.events.iter().map(|(connection, _)| connection.0).collect();
    assert_eq!(beaten, BTreeSet::from([3, 4]), "only those at work");
}
