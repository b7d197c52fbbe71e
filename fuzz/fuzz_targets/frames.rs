//! What arrives on the sockets: headers, handshakes, requests, replies, events.
//! Nothing may panic, and a request that decodes is the same after a round trip.
#![no_main]

use ais_proto::{Code, Event, HEADER_LENGTH, Header, Hello, MAX_CALL_BODY, Request, Welcome};
use ais_proto::{Reader, Writer, admin, ckpt, clm};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first_chunk::<HEADER_LENGTH>() else { return };
    let _ = Header::decode(first, MAX_CALL_BODY);
    let _ = Hello::decode(body);
    let _ = Welcome::decode(body);
    let code = Code(u16::from_le_bytes([first[6], first[7]]));
    if let Ok(Event::Admin(admin::Event::Deliveries(deliveries))) = Event::decode(code, body) {
        assert!(deliveries.iter().map(|item| item.message.len()).sum::<usize>() <= body.len());
    }
    let _ = ckpt::Status::decode(body);
    let _ = ckpt::Section::decode(body);
    let _ = ckpt::ReadReply::decode(body);
    let input = || Reader::new(body);
    let _ = clm::Node::decode(&mut input());
    let _ = admin::Status::decode(&mut input());
    let _ = admin::Ring::decode(&mut input());
    let _ = admin::Keys::decode(&mut input());
    let _ = admin::Page::decode(&mut input(), admin::Checkpoint::decode);
    let _ = admin::Page::decode(&mut input(), admin::Component::decode);
    let _ = admin::AmfNode::decode(&mut input());
    let _ = admin::Operated::decode(&mut input());
    let _ = admin::Started::decode(&mut input());
    let _ = admin::Inspected::decode(&mut input());
    let _ = admin::Piece::decode(&mut input());
    if let Ok(request) = Request::decode(code, body) {
        let mut again = Writer::new();
        request.encode(&mut again);
        for piece in request.data() {
            again.raw(piece);
        }
        assert_eq!(Request::decode(code, &again.into_bytes()), Ok(request));
    }
});
