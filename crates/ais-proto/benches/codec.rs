//! What messages between library and executive cost to write and to read: the
//! writes of a checkpoint, which are many, and events of membership, which are long.

use ais_proto::ckpt::WriteElement;
use ais_proto::{Name, Request, Writer, ckpt, clm};
use divan::{Bencher, black_box};

/// Elements of a vector write, of 100 bytes each.
const ELEMENTS: [usize; 2] = [1, 16];
/// Nodes in an event: a small cluster, and the largest.
const NODES: [usize; 2] = [3, 128];

fn main() {
    divan::main();
}

fn write(elements: usize) -> Request<'static> {
    let element = WriteElement { id: b"section", offset: 0, data: &[7; 100] };
    Request::Ckpt(ckpt::Request::Write { checkpoint: 1, elements: vec![element; elements] })
}

fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut out = Writer::new();
    request.encode(&mut out);
    for piece in request.data() {
        out.raw(piece);
    }
    out.into_bytes()
}

#[divan::bench(args = ELEMENTS)]
fn encode_write(bencher: Bencher<'_, '_>, elements: usize) {
    let request = write(elements);
    bencher.bench_local(|| encoded(black_box(&request)));
}

#[divan::bench(args = ELEMENTS)]
fn decode_write(bencher: Bencher<'_, '_>, elements: usize) {
    let request = write(elements);
    let (code, body) = (request.code(), encoded(&request));
    assert_eq!(Request::decode(code, &body), Ok(request));
    bencher.bench_local(|| Request::decode(code, black_box(&body)));
}

fn track(nodes: usize) -> clm::Event {
    let node = clm::Node {
        id: 7,
        address: [10, 0, 0, 7],
        name: Name::new(b"a node").unwrap_or_default(),
        cluster: Name::default(),
        member: true,
        boot_timestamp: 0,
    };
    let items = vec![(node, clm::Change::NoChange); nodes];
    clm::Event::Track { subscription: 1, view: 1, members: 3, items }
}

#[divan::bench(args = NODES)]
fn encode_track(bencher: Bencher<'_, '_>, nodes: usize) {
    let event = track(nodes);
    bencher.bench_local(|| black_box(&event).encode());
}

#[divan::bench(args = NODES)]
fn decode_track(bencher: Bencher<'_, '_>, nodes: usize) {
    let event = track(nodes);
    let (code, body) = (event.code(), event.encode());
    assert_eq!(clm::Event::decode(code, &body), Ok(event));
    bencher.bench_local(|| clm::Event::decode(code, black_box(&body)));
}
