//! CKPT: opens and synchronizes that end later.

use super::clm::handles;
use ais_client::ckpt::{Callbacks, Checkpoint, Ckpt, Event, Open, OpenFlags, WriteElement};
use ais_client::dispatch::{Flags, Step, Turn};
use ais_client::{AisError, Name};
use ais_fake::{Daemon, Peer, in_own_process};
use ais_proto::{Request, ckpt as wire};
use std::sync::{Arc, Mutex};

/// The number of every checkpoint that is opened.
const NUMBER: u32 = 5;

pub(super) fn open(text: &str) -> Open {
    let (name, flags) = (Name::try_from(text).unwrap(), OpenFlags::READ | OpenFlags::WRITE);
    Open { name, attributes: None, flags }
}

/// What came of calls on a checkpoint, in order.
static CALLED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn called(what: String) {
    CALLED.lock().unwrap().push(what);
}

/// Has every checkpoint but "none"; events come before the replies.
pub(super) fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    let event = match request {
        Request::Ckpt(wire::Request::OpenAsync { tag, open }) => {
            let is_there = open.name != Name::try_from("none").unwrap();
            let result = if is_there { Ok(NUMBER) } else { Err(AisError::NotExist) };
            Some(wire::Event::Open { tag, result })
        }
        Request::Ckpt(wire::Request::SynchronizeAsync { checkpoint: NUMBER, tag }) => {
            Some(wire::Event::Synchronize { tag, result: Ok(()) })
        }
        Request::Ckpt(wire::Request::Write { checkpoint, elements }) => {
            let data: Vec<&[u8]> = elements.iter().map(|element| element.data).collect();
            called(format!("write {checkpoint} {}", data.concat().escape_ascii()));
            None
        }
        Request::Ckpt(wire::Request::Close { checkpoint }) => {
            called(format!("close {checkpoint}"));
            None
        }
        request => panic!("not expected: {request:?}"),
    };
    if let Some(event) = event {
        peer.event(event.code(), &event.encode());
    }
    peer.reply(id, b"");
}

/// What one dispatch of all that is pending tells.
pub(super) fn told(ckpt: &Ckpt<u32>) -> Result<Vec<Event<u32>>, AisError> {
    let (mut turn, mut all) = (Turn::new(Flags::All), Vec::new());
    while let Step::Call(event) = ckpt.step(&mut turn)? {
        all.push(event);
    }
    Ok(all)
}

/// The checkpoint that arrived as the only event.
pub(super) fn arrived(ckpt: &Ckpt<u32>) -> Arc<Checkpoint> {
    let events = told(ckpt).unwrap();
    let [Event::Opened(_, Ok(checkpoint))] = &events[..] else { panic!("{events:?}") };
    Arc::clone(checkpoint)
}

#[test]
fn a_checkpoint_arrives_and_is_of_use() {
    in_own_process("ckpt::a_checkpoint_arrives_and_is_of_use", &[], || {
        let daemon = Daemon::start(answer);
        let ckpt = Ckpt::new(Callbacks::OPEN | Callbacks::SYNCHRONIZE).unwrap();
        ckpt.open_async(1, &open("none")).unwrap();
        let events = told(&ckpt).unwrap();
        assert!(matches!(events[..], [Event::Opened(1, Err(AisError::NotExist))]), "{events:?}");
        ckpt.open_async(2, &open("state")).unwrap();
        let checkpoint = arrived(&ckpt);
        let element = WriteElement { id: b"section", offset: 0, data: b"data" };
        checkpoint.write(vec![element]).unwrap();
        ckpt.synchronize_async(3, &checkpoint).unwrap();
        let events = told(&ckpt).unwrap();
        assert!(matches!(events[..], [Event::Synchronized(3, Ok(()))]), "{events:?}");
        // An end that nobody waits for any more.
        let stale = wire::Event::Synchronize { tag: 1, result: Ok(()) };
        handles(&daemon)[0].event(stale.code(), &stale.encode());
        assert!(told(&ckpt).unwrap().is_empty());
        checkpoint.close().unwrap();
        assert_eq!(checkpoint.close(), Err(AisError::BadHandle));
        assert_eq!(*CALLED.lock().unwrap(), ["write 5 data", "close 5"]);
    });
}

#[test]
fn what_arrives_for_a_handle_that_ended_is_closed() {
    in_own_process("ckpt::what_arrives_for_a_handle_that_ended_is_closed", &[], || {
        let _daemon = Daemon::start(answer);
        let ckpt = Ckpt::new(Callbacks::OPEN).unwrap();
        ckpt.open_async(1, &open("state")).unwrap();
        ckpt.close();
        assert_eq!(*CALLED.lock().unwrap(), ["close 5"]);
        assert!(told(&ckpt).unwrap().is_empty());
    });
}
