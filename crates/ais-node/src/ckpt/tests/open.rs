//! Opening, closing, unlinking, and who holds what open.

use super::*;
use AisError::{Access, BadFlags, BadHandle, BadOperation, Exist, Init, InvalidParam, NotExist};

#[test]
fn an_open_finds_or_makes_a_checkpoint() {
    let mut rig = Rig::new();
    assert_eq!(rig.open_with(ONE, "a", BOTH, None), Err(NotExist));
    let reply = rig.ask(ONE, Request::Open(to_open("a", BOTH, Some(ATTRIBUTES))));
    assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Stable));
    let first = rig.open_with(ONE, "a", BOTH, None).unwrap();
    let second = rig.open_with(TWO, "a", READ, Some(WEAK)).unwrap();
    assert_ne!(first, second);
    let status = rig.status(first).unwrap();
    assert_eq!(status, Status { attributes: ATTRIBUTES, sections: 1, memory_used: 0 });
    rig.open_with(FAR, "a", WRITE, None).unwrap();
}

#[test]
fn an_open_is_for_something() {
    for strict in [false, true] {
        let mut rig = Rig::with(Limits { strict, ..LIMITS });
        let none = OpenFlags::empty();
        assert_eq!(rig.open_with(ONE, "a", none, Some(ATTRIBUTES)), Err(BadFlags));
        assert_eq!(rig.open_with(ONE, "a", OpenFlags::AMENDED, Some(ATTRIBUTES)), Err(BadFlags));
        for flags in [READ, WRITE, BOTH] {
            rig.open_with(ONE, "a", flags, Some(ATTRIBUTES)).unwrap();
            rig.open_with(ONE, "a", flags | OpenFlags::COLOCATED, Some(ATTRIBUTES)).unwrap();
        }
    }
}

#[test]
fn colocated_alone_keeps_a_replica_and_nothing_else() {
    let mut rig = Rig::new();
    let colocated = OpenFlags::COLOCATED;
    assert_eq!(rig.open_with(ONE, "a", colocated, None), Err(NotExist));
    let checkpoint = rig.open_with(ONE, "a", colocated, Some(WEAK)).unwrap();
    let (id, data, expiration) = (&b""[..], &b"x"[..], i64::MAX);
    let requests = [
        Request::SectionCreate { checkpoint, id: Some(b"s"), expiration, data },
        Request::ExpirationTimeSet { checkpoint, id, expiration },
        Request::SectionDelete { checkpoint, id },
        Request::Overwrite { checkpoint, id, data },
        Request::Write { checkpoint, elements: vec![WriteElement { id, offset: 0, data }] },
        Request::Read { checkpoint, elements: vec![ReadElement { id, offset: 0, size: None }] },
        Request::ActiveSet { checkpoint },
        Request::Synchronize { checkpoint },
    ];
    for request in requests {
        assert_eq!(rig.result(ONE, request), Err(Access));
    }
    assert_eq!(rig.status(checkpoint).unwrap().sections, 1);
    assert_eq!(rig.list(checkpoint, SectionsChosen::Any, 0), []);
    // It keeps the checkpoint, as every open does.
    rig.wait(60 * SECOND);
    assert_eq!(rig.result(ONE, Request::RetentionDurationSet { checkpoint, duration: 0 }), Ok(()));
    rig.close(ONE, checkpoint).unwrap();
    assert!(!rig.exists("a"));
    let asynchronous = |flags| Request::OpenAsync { tag: 1, open: to_open("a", flags, Some(WEAK)) };
    assert_eq!(rig.result(HANDLE, asynchronous(colocated)), Ok(()));
    rig.replicas[0].ckpt.limits.strict = true;
    assert_eq!(rig.open_with(ONE, "a", colocated, Some(WEAK)), Err(BadFlags));
    assert_eq!(rig.open_with(ONE, "a", colocated, None), Err(BadFlags));
    assert_eq!(rig.result(HANDLE, asynchronous(colocated)), Err(BadFlags));
}

#[test]
fn strict_limits_take_no_amended_attributes() {
    let mut rig = Rig::new();
    let amended = BOTH | OpenFlags::AMENDED;
    let open = |flags| Request::OpenAsync { tag: 1, open: to_open("b", flags, Some(ATTRIBUTES)) };
    rig.open_with(ONE, "a", amended, Some(ATTRIBUTES)).unwrap();
    assert_eq!(rig.result(HANDLE, open(amended)), Ok(()));
    rig.replicas[0].ckpt.limits.strict = true;
    for name in ["a", "new"] {
        assert_eq!(rig.open_with(ONE, name, amended, Some(ATTRIBUTES)), Err(InvalidParam));
    }
    assert_eq!(rig.result(HANDLE, open(amended)), Err(InvalidParam));
    rig.open_with(ONE, "a", BOTH, Some(ATTRIBUTES)).unwrap();
}

#[test]
fn where_there_is_no_limit_strict_limits_find_none() {
    let mut rig = Rig::new();
    let unlimited = Attributes { checkpoint_size: NO_LIMIT, max_section_size: NO_LIMIT, ..WEAK };
    let checkpoint = rig.open_with(ONE, "a", BOTH, Some(unlimited)).unwrap();
    rig.replicas[0].ckpt.limits.strict = true;
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, &[7; 5000]), Ok(()));
    assert_eq!(rig.write(checkpoint, &[(b"s", 5000, &[7; 5000])]), Ok(()));
    assert_eq!(rig.overwrite(checkpoint, b"s", &[7; 20_000]), Ok(()));
}

#[test]
fn strict_limits_compare_the_attributes() {
    let mut rig = Rig::with(Limits { strict: true, ..LIMITS });
    rig.open(ONE, "a", BOTH);
    assert_eq!(rig.open_with(FAR, "a", BOTH, Some(WEAK)), Err(Exist));
    let other = Attributes { max_sections: 5, ..ATTRIBUTES };
    assert_eq!(rig.open_with(ONE, "a", BOTH, Some(other)), Err(Exist));
    let retention = Attributes { retention_duration: 0, ..ATTRIBUTES };
    rig.open_with(ONE, "a", BOTH, Some(retention)).unwrap();
    rig.open_with(ONE, "a", BOTH, None).unwrap();
    let large = Attributes { checkpoint_size: 2001, ..ATTRIBUTES };
    assert_eq!(rig.open_with(ONE, "b", BOTH, Some(large)), Err(InvalidParam));
    let exact = Attributes { checkpoint_size: 2000, ..ATTRIBUTES };
    rig.open_with(ONE, "b", BOTH, Some(exact)).unwrap();
}

#[test]
fn without_strict_limits_any_attributes_will_do() {
    let mut rig = Rig::new();
    let odd = Attributes {
        checkpoint_size: u32::MAX,
        retention_duration: i64::MAX,
        max_sections: u64::MAX,
        max_section_size: 0,
        max_section_id_size: 0,
        ..ATTRIBUTES
    };
    let checkpoint = rig.open_with(ONE, "a", BOTH, Some(odd)).unwrap();
    assert_eq!(rig.status(checkpoint).unwrap().attributes, odd);
    assert_eq!(rig.create(checkpoint, b"section", i64::MAX, b"data"), Ok(()));
}

#[test]
fn a_negative_retention_is_malformed() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let negative = Attributes { retention_duration: -1, ..ATTRIBUTES };
    let open = Request::Open(to_open("b", BOTH, Some(negative)));
    assert_eq!(rig.try_send(ONE, open), Err(Malformed));
    let set = Request::RetentionDurationSet { checkpoint, duration: -1 };
    assert_eq!(rig.try_send(ONE, set), Err(Malformed));
}

#[test]
fn a_number_is_of_use_to_its_process_until_it_is_closed() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.close(TWO, checkpoint), Err(BadHandle));
    let reply = rig.ask(ONE, Request::Close { checkpoint });
    assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Stable));
    assert_eq!(rig.close(ONE, checkpoint), Err(BadHandle));
    let (id, data, elements) = (&b""[..], &b"x"[..], Vec::new());
    let requests = [
        Request::RetentionDurationSet { checkpoint, duration: 0 },
        Request::ActiveSet { checkpoint },
        Request::StatusGet { checkpoint },
        Request::SectionCreate { checkpoint, id: None, expiration: 1, data },
        Request::SectionDelete { checkpoint, id },
        Request::ExpirationTimeSet { checkpoint, id, expiration: 1 },
        Request::IteratorStart { checkpoint },
        Request::IteratorNext { checkpoint, chosen: SectionsChosen::Any, expiration: 0, cursor: 9 },
        Request::Write { checkpoint, elements },
        Request::Overwrite { checkpoint, id, data },
        Request::Read { checkpoint, elements: Vec::new() },
        Request::Synchronize { checkpoint },
    ];
    for request in requests {
        assert_eq!(rig.result(ONE, request), Err(BadHandle));
    }
    let asynchronous = Request::SynchronizeAsync { checkpoint, tag: 1 };
    assert_eq!(rig.result(HANDLE, asynchronous), Err(BadHandle));
}

#[test]
fn a_name_that_is_unlinked_means_nothing_until_the_last_close() {
    let mut rig = Rig::new();
    assert_eq!(rig.unlink("a"), Err(NotExist));
    let checkpoint = rig.open(ONE, "a", BOTH);
    let far = rig.open(FAR, "a", BOTH);
    assert_eq!(rig.unlink("a"), Ok(()));
    assert_eq!(rig.unlink("a"), Err(InvalidParam));
    assert_eq!(rig.open_with(TWO, "a", BOTH, Some(ATTRIBUTES)), Err(InvalidParam));
    assert_eq!(rig.open_with(TWO, "a", BOTH, None), Err(InvalidParam));
    let set = Request::RetentionDurationSet { checkpoint, duration: 5 };
    assert_eq!(rig.result(ONE, set), Err(BadOperation));
    assert_eq!(rig.overwrite(checkpoint, b"", b"still here"), Ok(()));
    rig.close(ONE, checkpoint).unwrap();
    assert_eq!(rig.unlink("a"), Err(InvalidParam));
    rig.close(FAR, far).unwrap();
    assert_eq!(rig.unlink("a"), Err(NotExist));
    let new = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.contents(new, b""), Ok(Vec::new()));
}

#[test]
fn an_unlinked_checkpoint_that_nobody_has_open_is_gone() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    assert!(rig.exists("a"));
    assert_eq!(rig.unlink("a"), Ok(()));
    assert!(!rig.exists("a"));
    assert_eq!(rig.replicas[1].ckpt.state.memory(), 0);
}

#[test]
fn an_asynchronous_open_ends_with_an_event() {
    let mut rig = Rig::new();
    let open =
        |name, attributes| Request::OpenAsync { tag: 7, open: to_open(name, BOTH, attributes) };
    rig.hold = true;
    let reply = rig.ask(HANDLE, open("a", Some(ATTRIBUTES)));
    assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Delivered));
    assert_eq!(rig.replicas[0].events, []);
    rig.release();
    let (connection, event) = rig.replicas[0].events.remove(0);
    let ckpt::Event::Open { tag: 7, result: Ok(number) } = event else { panic!("{event:?}") };
    assert_eq!(connection, HANDLE.connection);
    assert_eq!(rig.overwrite(number, b"", b"mine"), Ok(()));
    assert_eq!(rig.result(HANDLE, open("b", None)), Ok(()));
    let event = ckpt::Event::Open { tag: 7, result: Err(NotExist) };
    assert_eq!(rig.replicas[0].events, [(HANDLE.connection, event)]);
}

#[test]
fn what_comes_later_needs_a_handle_and_its_callback() {
    let mut rig = Rig::new();
    let checkpoint = rig.open_with(ONE, "a", BOTH, Some(WEAK)).unwrap();
    let open = || Request::OpenAsync { tag: 1, open: to_open("a", BOTH, None) };
    let synchronize = || Request::SynchronizeAsync { checkpoint, tag: 1 };
    let clm = Program { handle: Some((ais_proto::ServiceId::Clm, 3)), ..HANDLE };
    for nobody in [ONE, clm] {
        assert_eq!(rig.try_send(nobody, open()), Err(Malformed));
        assert_eq!(rig.try_send(nobody, synchronize()), Err(Malformed));
    }
    let with = |callbacks| Program { handle: Some((ais_proto::ServiceId::Ckpt, callbacks)), ..ONE };
    assert_eq!(rig.result(with(2), open()), Err(Init));
    assert_eq!(rig.result(with(1), synchronize()), Err(Init));
    assert_eq!(rig.result(with(1), open()), Ok(()));
    assert_eq!(rig.result(with(2), synchronize()), Ok(()));
}

#[test]
fn an_open_that_nobody_waits_for_is_closed() {
    let mut rig = Rig::new();
    rig.hold = true;
    let pending = rig.send(ONE, Request::Open(to_open("a", BOTH, Some(ATTRIBUTES))));
    rig.cancel(ONE, pending);
    rig.release();
    assert_eq!(rig.replicas[0].replies, []);
    assert_eq!(rig.unlink("a"), Ok(()));
    assert!(!rig.exists("a"), "it is not open any more");

    let answered = rig.send(ONE, Request::Open(to_open("b", BOTH, Some(ATTRIBUTES))));
    rig.cancel(ONE, answered - 1);
    rig.cancel(TWO, answered);
    let (.., reply) = rig.replicas[0].replies.remove(0);
    let number = Reader::new(&reply.body).u32().unwrap();
    assert_eq!(rig.overwrite(number, b"", b"x"), Ok(()), "other requests were cancelled");
    rig.cancel(ONE, answered);
    rig.cancel(ONE, answered);
    assert_eq!(rig.overwrite(number, b"", b"x"), Err(BadHandle));
    rig.unlink("b").unwrap();
    assert!(!rig.exists("b"));
}

#[test]
fn an_event_that_finds_nobody_closes_what_it_brings() {
    let mut rig = Rig::new();
    rig.result(HANDLE, Request::OpenAsync { tag: 1, open: to_open("a", BOTH, Some(ATTRIBUTES)) })
        .unwrap();
    let (_, event) = rig.replicas[0].events.remove(0);
    assert!(matches!(event, ckpt::Event::Open { result: Ok(_), .. }), "{event:?}");
    for _ in 0..2 {
        let Replica { ckpt, fx, .. } = &mut rig.replicas[0];
        ckpt.on_undelivered(&Event::Ckpt(event), fx);
        rig.settle();
    }
    rig.unlink("a").unwrap();
    assert!(!rig.exists("a"));
}

#[test]
fn a_process_that_ends_closes_all_it_had() {
    let mut rig = Rig::new();
    let number = rig.open(ONE, "a", BOTH);
    rig.open(ONE, "a", READ);
    rig.open(ONE, "b", BOTH);
    let two = rig.open(TWO, "b", BOTH);
    rig.unlink("a").unwrap();
    rig.unlink("b").unwrap();
    rig.hold = true;
    rig.send(ONE, Request::Open(to_open("c", BOTH, Some(ATTRIBUTES))));
    rig.kill(ONE);
    rig.release();
    assert_eq!((rig.exists("a"), rig.exists("b")), (false, true));
    rig.unlink("c").unwrap();
    assert!(!rig.exists("c"), "its open came after its end");
    assert_eq!(rig.close(ONE, number), Err(BadHandle));
    rig.close(TWO, two).unwrap();
    assert!(!rig.exists("b"));
}

#[test]
fn a_node_that_leaves_has_nothing_open() {
    let mut rig = Rig::new();
    rig.open(FAR, "unlinked", BOTH);
    rig.unlink("unlinked").unwrap();
    rig.open(FAR, "retained", BOTH);
    rig.open(FAR, "retained", BOTH);
    let brief = Attributes { retention_duration: 0, ..ATTRIBUTES };
    rig.open_with(FAR, "brief", BOTH, Some(brief)).unwrap();
    rig.open_with(FAR, "shared", BOTH, Some(brief)).unwrap();
    let shared = rig.open(ONE, "shared", BOTH);
    rig.view(&[LOWEST], &[OTHER]);
    assert_eq!(rig.digest(0), rig.digest(1));
    let left = ["unlinked", "retained", "brief", "shared"].map(|name| rig.exists(name));
    assert_eq!(left, [false, true, false, true]);
    rig.wait(10 * SECOND);
    assert!(!rig.exists("retained"));
    rig.close(ONE, shared).unwrap();
    assert!(!rig.exists("shared"));
}

#[test]
fn a_process_has_only_so_many_open() {
    let mut rig = Rig::new();
    let id = rig.open(TWO, "a", BOTH);
    let checkpoint = rig.replicas[0].ckpt.opens.find(id, TWO.session).unwrap().checkpoint;
    let asker = Asker { session: ONE.session, connection: ONE.connection, id: 0 };
    let Replica { ckpt, fx, .. } = &mut rig.replicas[0];
    for _ in 0..MAX_OPENS {
        ckpt.opens.add(asker, checkpoint, READ, &mut fx.ledger);
    }
    assert_eq!(rig.open_with(ONE, "a", BOTH, None), Err(AisError::NoResources));
    rig.open(TWO, "a", BOTH);
}

#[test]
fn synchronize_is_for_writers_of_asynchronous_checkpoints() {
    let mut rig = Rig::new();
    let everywhere = rig.open(ONE, "a", BOTH);
    let checkpoint = rig.open_with(ONE, "b", BOTH, Some(WEAK)).unwrap();
    let read = rig.open_with(ONE, "b", READ, None).unwrap();
    let expected = [(everywhere, Err(BadOperation)), (read, Err(Access)), (checkpoint, Ok(()))];
    for (checkpoint, expected) in expected {
        assert_eq!(rig.result(ONE, Request::Synchronize { checkpoint }), expected);
        let reply = rig.ask(HANDLE, Request::SynchronizeAsync { checkpoint, tag: 3 });
        assert_eq!(reply.result, expected);
    }
    let event = ckpt::Event::Synchronize { tag: 3, result: Ok(()) };
    assert_eq!(rig.replicas[0].events, [(HANDLE.connection, event)]);
    let reply = rig.ask(ONE, Request::Synchronize { checkpoint });
    assert_eq!(reply.promise, Promise::Stable);
}
