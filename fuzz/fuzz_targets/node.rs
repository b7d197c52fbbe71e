//! A node that is asked anything by anybody: sequences of requests of any
//! content, ends of connections and sessions, and time that passes.
#![no_main]

use ais_node::amf::config::Groups;
use ais_node::ckpt::Limits;
use ais_node::{Body, Caller, Config, ConnectionId, Node, Now, Pace, SessionId};
use ais_proto::{Code, Name, NodeId, ServiceId};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut now = Now { monotonic: 0, wall: 1 << 60 };
    let config = Config {
        node: NodeId::new([127, 0, 0, 1].into()),
        group: ais_node::group::Config::Alone { view: 1 },
            expected_nodes: None,
            configured: Vec::new(),
        node_name: Name::default(),
        cluster_name: Name::default(),
        boot_timestamp: 0,
        ckpt: Limits {
            memory: 1 << 24,
            max_message: 1 << 20,
            strict: bytes.len() % 2 == 0,
            ..Limits::default()
        },
        groups: Groups::default(),
        pace: if bytes.len() % 3 == 0 { Pace { messages: 1, checkpoints: 1 } } else { Pace::default() },
    };
    let mut node = Node::new(config, now);
    let mut callers = Vec::new();
    // A connection without a handle, and a handle of each service.
    let services = std::iter::once(None).chain(ServiceId::ALL.iter().copied().map(Some));
    for (number, service) in services.enumerate() {
        let connection = ConnectionId(number as u64);
        let handle = service.map(|service| (service, u32::MAX));
        let caller = Caller { session: SessionId(1), connection, handle };
        if handle.is_some() {
            node.handle_opened(&caller);
        }
        callers.push(caller);
    }
    let mut rest = bytes;
    let mut id = 0;
    while let Some(([who, service, operation, length], tail)) = rest.split_first_chunk() {
        let (body, tail) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = tail;
        id += 1;
        let caller = callers[usize::from(*who) % callers.len()];
        match who / 5 {
            47 => node.cancel(now, caller.connection, id - 1),
            48 => node.connection_closed(now, caller.connection),
            49 => node.session_closed(now, caller.session),
            50.. => {
                now.monotonic += 1_000_000 << (length % 16);
                now.wall += 1_000_000 << (length % 16);
                node.handle_timeout(now);
            }
            _ => {
                let code = Code(u16::from_le_bytes([*operation, *service]));
                let _ = node.request(now, &caller, id, code, Body::from(body));
            }
        }
        while node.poll_output().is_some() {}
    }
});
