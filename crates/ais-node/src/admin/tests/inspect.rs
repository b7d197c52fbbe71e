//! Looking into one checkpoint while programs go on.

use super::*;
use crate::{Holder, UserId};
use ais_proto::admin::{Inspected, Opener, Piece};
use ais_proto::ckpt::Request as Ckpt;
use ais_proto::ckpt::Section;

fn inspect(rig: &mut Rig, handle: &Caller, text: &str) -> Inspected {
    let body = rig.ask(handle, Request::Inspect { name: name(text) });
    Inspected::decode(&mut Reader::new(&body)).unwrap()
}

fn sections(rig: &mut Rig, handle: &Caller, first: u64) -> Page<Section> {
    let body = rig.ask(handle, Request::InspectSections { first });
    Page::decode(&mut Reader::new(&body), |input| Section::decode(input.bytes()?)).unwrap()
}

fn piece(rig: &mut Rig, handle: &Caller, section: u64, offset: u32) -> Option<(u32, Vec<u8>)> {
    let body = rig.ask(handle, Request::InspectBytes { section, offset });
    let piece = Reader::new(&body).option(Piece::decode).unwrap();
    piece.map(|piece| (piece.offset, piece.bytes))
}

#[test]
fn a_checkpoint_is_shown_as_it_was_when_it_was_taken() {
    let mut rig = Rig::new();
    let ckpt = rig.open(1, ServiceId::Ckpt);
    let checkpoint = open_checkpoint(&mut rig, &ckpt, "a");
    let (expiration, data) = (i64::MAX, &vec![7; 70_000][..]);
    let create = |id| Ckpt::SectionCreate { checkpoint, id: Some(id), expiration, data };
    rig.ask(&ckpt, create(&b"one"[..]));
    let handle = rig.open(2, ServiceId::Admin);
    let inspected = inspect(&mut rig, &handle, "a");
    assert_eq!((inspected.checkpoint.sections, inspected.checkpoint.bytes), (2, 70_000));
    assert_eq!((inspected.active, inspected.remaining), (None, None));
    // What programs do from now on does not show.
    rig.ask(&ckpt, create(&b"two"[..]));
    rig.ask(&ckpt, Ckpt::Overwrite { checkpoint, id: b"one", data: b"new" });
    rig.ask(&ckpt, Ckpt::Unlink { name: name("a") });
    rig.ask(&ckpt, Ckpt::Close { checkpoint });
    let page = sections(&mut rig, &handle, 0);
    let listed: Vec<_> = page.items.iter().map(|of| (of.number, of.id.as_slice())).collect();
    assert_eq!((listed, page.more), (vec![(0, &b""[..]), (1, b"one")], false));
    assert_eq!(page.items[1].size, 70_000);
    // Pieces end where chunks do.
    assert_eq!(piece(&mut rig, &handle, 1, 3), Some((3, vec![7; 65_533])));
    assert_eq!(piece(&mut rig, &handle, 1, 65_536), Some((65_536, vec![7; 4464])));
    for (section, offset) in [(1, 70_000), (1, u32::MAX), (0, 0), (2, 0), (u64::MAX, 0)] {
        assert_eq!(piece(&mut rig, &handle, section, offset), None);
    }
    assert_eq!(rig.error(&handle, Request::Inspect { name: name("a") }), AisError::NotExist);
    assert!(rig.try_ask(&handle, Request::InspectSections { first: 0 }).is_none());
}

#[test]
fn processes_that_have_it_open_are_told_by_their_node() {
    let mut rig = Rig::new();
    rig.node.session_opened(SessionId(1), Holder { user: UserId(1000), process: 4711 });
    let (one, two) = (rig.open(1, ServiceId::Ckpt), rig.open(2, ServiceId::Ckpt));
    for caller in [&one, &one, &two] {
        open_checkpoint(&mut rig, caller, "a");
    }
    let handle = rig.open(3, ServiceId::Admin);
    let mut ask = |text| {
        rig.ask(&handle, Request::AskOpeners { name: name(text) });
        std::mem::take(&mut rig.events)
    };
    let told = |openers| vec![(ConnectionId(3), Event::Openers { node: ME, openers })];
    let (known, unknown) = (Opener { process: 4711, opens: 2 }, Opener { process: 0, opens: 1 });
    assert_eq!(ask("a"), told(vec![known, unknown]));
    assert_eq!(ask("b"), told(Vec::new()));
    // Who does not read has one answer of each node wait.
    rig.full.push(ConnectionId(3));
    rig.ask(&handle, Request::AskOpeners { name: name("a") });
    for _ in 0..100 {
        rig.ask(&handle, Request::AskOpeners { name: name("b") });
    }
    rig.read_on(ConnectionId(3));
    assert_eq!(rig.events.len(), 2);
    assert_eq!(rig.events[1..], told(Vec::new()));
}

#[test]
fn a_page_of_sections_is_bounded_in_number_and_bytes() {
    let mut rig = Rig::new();
    let ckpt = rig.open(1, ServiceId::Ckpt);
    let checkpoint = open_checkpoint(&mut rig, &ckpt, "a");
    let mut create = |id: &[u8]| {
        let (expiration, data) = (i64::MAX, &b""[..]);
        rig.ask(&ckpt, Ckpt::SectionCreate { checkpoint, id: Some(id), expiration, data });
    };
    for number in 0..300_u32 {
        create(&number.to_le_bytes());
    }
    for number in 0..3 {
        create(&[number; 40_000]);
    }
    let handle = rig.open(2, ServiceId::Admin);
    inspect(&mut rig, &handle, "a");
    let (mut first, mut counts) = (0, Vec::new());
    loop {
        let page = sections(&mut rig, &handle, first);
        counts.push(page.items.len());
        first = page.items.last().map_or(first, |last| last.number + 1);
        if !page.more {
            break;
        }
    }
    assert_eq!(counts, [256, 47, 1]);
    assert!(sections(&mut rig, &handle, u64::MAX).items.is_empty());
}

/// The node of a checkpoint of half a MiB, as much as half of what all may have.
fn with_half() -> Rig {
    let mut rig = Rig::new();
    let ckpt = rig.open(1, ServiceId::Ckpt);
    let checkpoint = open_checkpoint(&mut rig, &ckpt, "a");
    let data = vec![7; 1 << 19];
    rig.ask(&ckpt, Ckpt::Overwrite { checkpoint, id: b"", data: &data });
    rig
}

fn look(rig: &mut Rig, handle: &Caller) -> Result<(), AisError> {
    rig.answer(handle, Request::Inspect { name: name("a") }).unwrap().0
}

fn reads(rig: &mut Rig, handle: &Caller) -> Result<(), AisError> {
    rig.answer(handle, Request::InspectBytes { section: 0, offset: 0 }).unwrap().0
}

/// A process of a user, with a handle.
fn process(rig: &mut Rig, user: u32, number: u64) -> Caller {
    let holder = Holder { user: UserId(user), process: number as u32 };
    rig.node.session_opened(SessionId(number), holder);
    rig.open(number, ServiceId::Admin)
}

#[test]
fn looks_take_no_more_memory_than_checkpoints_may() {
    let mut rig = with_half();
    let held = |rig: &Rig| rig.node.ledger().total(crate::ledger::Kind::Inspections);
    for number in 2..20 {
        let handle = rig.open(number, ServiceId::Admin);
        look(&mut rig, &handle).unwrap();
        rig.now.monotonic += 1_000_000_000;
        assert!(held(&rig) <= 1 << 20, "{}", held(&rig));
    }
    // The last has what it took, the others have to take it again.
    let handle = |number| Caller { handle: Some((ServiceId::Admin, 0)), ..caller(number) };
    assert_eq!(reads(&mut rig, &handle(19)), Ok(()));
    assert_eq!(reads(&mut rig, &handle(2)), Err(AisError::TryAgain));
    rig.now.monotonic += 1_000_000_000;
    assert_eq!(look(&mut rig, &handle(2)), Ok(()));
    assert_eq!(reads(&mut rig, &handle(2)), Ok(()));
    for number in 2..20 {
        rig.close(&handle(number));
    }
    assert_eq!(held(&rig), 0);
}

fn caller(number: u64) -> Caller {
    Caller { session: SessionId(number), connection: ConnectionId(number), handle: None }
}

#[test]
fn who_reads_on_is_not_disturbed_but_by_who_holds_less() {
    let mut rig = with_half();
    let reader = process(&mut rig, 1000, 2);
    look(&mut rig, &reader).unwrap();
    let newcomer = process(&mut rig, 1001, 3);
    assert_eq!(look(&mut rig, &newcomer), Err(AisError::Busy), "as much as the other has");
    let lower = process(&mut rig, 999, 5);
    assert_eq!(look(&mut rig, &lower), Err(AisError::Busy), "nor is it a matter of the number");
    assert_eq!(reads(&mut rig, &reader), Ok(()));
    // Root gets in.
    let root = process(&mut rig, 0, 4);
    assert_eq!(look(&mut rig, &root), Ok(()));
    assert_eq!(reads(&mut rig, &reader), Err(AisError::TryAgain));
    // Who has had time enough makes room, however much he reads.
    assert_eq!(look(&mut rig, &reader), Err(AisError::Busy));
    for _ in 0..700 {
        rig.now.monotonic += 99_000_000;
        reads(&mut rig, &root).unwrap();
    }
    assert_eq!(look(&mut rig, &reader), Ok(()));
    // Who does not read on does at once.
    rig.now.monotonic += 100_000_000;
    assert_eq!(look(&mut rig, &newcomer), Ok(()));
    assert_eq!(reads(&mut rig, &reader), Err(AisError::TryAgain));
}

#[test]
fn what_is_not_read_on_is_given_back() {
    let mut rig = with_half();
    let handle = rig.open(2, ServiceId::Admin);
    look(&mut rig, &handle).unwrap();
    let start = rig.now.monotonic;
    rig.now.monotonic = start + 20_000_000_000;
    reads(&mut rig, &handle).unwrap();
    for (seconds, is_there) in [(30, true), (49, true), (50, false)] {
        rig.now.monotonic = start + seconds * 1_000_000_000;
        rig.go_on();
        let held = rig.node.ledger().total(crate::ledger::Kind::Inspections);
        assert_eq!(held > 0, is_there, "after {seconds} s");
    }
    assert_eq!(reads(&mut rig, &handle), Err(AisError::TryAgain));
}
