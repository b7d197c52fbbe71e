//! What a write of a checkpoint costs in one node: from the request to the reply,
//! through the order of a group of one member.

use ais_node::{
    Body, Caller, Config, ConnectionId, Holder, Node, Now, Output, SessionId, UserId, group,
};
use ais_proto::ckpt::{Attributes, Open, OpenFlags, UpdateOption, WriteElement};
use ais_proto::{Code, Name, NodeId, Reader, Request, Writer, ckpt};
use divan::Bencher;
use divan::counter::BytesCount;

/// Bytes of a write.
const SIZES: [usize; 2] = [100, 1 << 16];
const CALLER: Caller = Caller { session: SessionId(1), connection: ConnectionId(1), handle: None };

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn ckpt_write(bencher: Bencher<'_, '_>, size: usize) {
    let mut alone = Alone::new();
    let attributes = Attributes {
        option: UpdateOption::AllReplicas,
        checkpoint_size: 0,
        retention_duration: 0,
        max_sections: 1,
        max_section_size: 0,
        max_section_id_size: 0,
    };
    let flags = OpenFlags::READ | OpenFlags::WRITE;
    let open = Open { name: Name::default(), flags, attributes: Some(attributes) };
    let (code, body) = encoded(&Request::Ckpt(ckpt::Request::Open(open)));
    let opened = alone.ask(code, &body);
    let checkpoint = Reader::new(&opened).u32().expect("a number");
    let data = vec![7; size];
    let elements = vec![WriteElement { id: b"", offset: 0, data: &data }];
    let (code, body) = encoded(&Request::Ckpt(ckpt::Request::Write { checkpoint, elements }));
    bencher.counter(BytesCount::new(size)).bench_local(|| alone.ask(code, &body));
}

fn encoded(request: &Request<'_>) -> (Code, Vec<u8>) {
    let mut out = Writer::new();
    request.encode(&mut out);
    for piece in request.data() {
        out.raw(piece);
    }
    (request.code(), out.into_bytes())
}

/// A node without a network, and a program that asks it.
struct Alone {
    node: Node,
    now: Now,
    id: u32,
}

impl Alone {
    fn new() -> Self {
        let me = NodeId::new([10, 0, 0, 1].into());
        let now = Now { monotonic: 0, wall: 0 };
        let mut node = Node::new(Config::new(me, group::Config::Alone { view: 1 }), now);
        while node.poll_output().is_some() {}
        node.session_opened(CALLER.session, Holder { user: UserId(0), process: 1 });
        Self { node, now, id: 0 }
    }

    /// Makes a request that succeeds; the body of the reply.
    fn ask(&mut self, code: Code, body: &[u8]) -> Vec<u8> {
        self.id += 1;
        self.now.monotonic += 1_000;
        let taken = self.node.request(self.now, &CALLER, self.id, code, Body::from(body));
        assert!(taken.is_ok());
        loop {
            match self.node.poll_output() {
                Some(Output::Reply { id, result, body, .. }) if id == self.id => {
                    assert_eq!(result, Ok(()));
                    return body;
                }
                Some(_) => {}
                None => {
                    let due = self.node.poll_timeout().expect("the reply is to come");
                    self.now.monotonic = self.now.monotonic.max(due);
                    self.node.handle_timeout(self.now);
                }
            }
        }
    }
}
