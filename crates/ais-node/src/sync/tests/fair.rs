//! Programs that want much sent do not keep others waiting.

use super::bus::{Bus, open};
use crate::ledger::Kind;
use crate::{Caller, ConnectionId, Holder, SessionId, UserId};
use ais_proto::{Request, ckpt};
use ais_wire::Reader;

/// Bytes of a large write.
const LARGE: usize = 100_000;

/// A process of its own user.
fn process(bus: &mut Bus, number: u32) -> Caller {
    let session = SessionId(number.into());
    let holder = Holder { user: UserId(number), process: number };
    bus.member(1).node.session_opened(session, holder);
    Caller { session, connection: ConnectionId(number.into()), handle: None }
}

/// Asks to write so many bytes; the id of the request.
fn write(bus: &mut Bus, caller: &Caller, checkpoint: u32, bytes: usize) -> u32 {
    let data = &vec![1; bytes][..];
    let write = ckpt::Request::Overwrite { checkpoint, id: b"", data };
    bus.ask(1, caller, &Request::Ckpt(write))
}

/// Opens a checkpoint for both.
fn start() -> (Bus, [(Caller, u32); 2]) {
    let mut bus = Bus::of(&[1]);
    let programs = [100, 200].map(|number| {
        let caller = process(&mut bus, number);
        let id = bus.ask(1, &caller, &Request::Ckpt(open("shared")));
        bus.settle();
        let body = bus.body(1, id).unwrap();
        (caller, Reader::new(&body).u32().unwrap())
    });
    (bus, programs)
}

#[test]
fn the_group_has_only_so_much_of_what_programs_send() {
    let (mut bus, [(greedy, checkpoint), _]) = start();
    let ids: Vec<_> = (0..40).map(|_| write(&mut bus, &greedy, checkpoint, LARGE)).collect();
    let sent = bus.member(1).node.external().sent();
    let given: usize = sent.map(|message| message.bytes.len()).sum();
    assert!((256 << 10..(256 << 10) + LARGE).contains(&given), "{given}");
    let waits = bus.member(1).node.ledger().total(Kind::Outbox);
    assert!(waits >= 28 * LARGE as u64, "{waits}");
    bus.settle();
    assert!(ids.iter().all(|id| bus.reply(1, *id) == Some(Ok(()))));
    assert_eq!(bus.member(1).node.ledger().total(Kind::Outbox), 0);
}

#[test]
fn who_writes_little_does_not_wait_for_all_that_another_writes() {
    let (mut bus, [(greedy, theirs), (modest, own)]) = start();
    let ids: Vec<_> = (0..100).map(|_| write(&mut bus, &greedy, theirs, LARGE)).collect();
    let id = write(&mut bus, &modest, own, 1);
    while bus.reply(1, id).is_none() {
        assert!(bus.step());
    }
    let before = ids.iter().filter(|id| bus.reply(1, **id).is_some()).count();
    assert!(before < 20, "{before} of the other's were done first");
    bus.settle();
    assert!(ids.iter().all(|id| bus.reply(1, *id) == Some(Ok(()))), "in the end all are done");
}
