//! What sections hold: writing, overwriting, reading, and the bounds of both.

use super::*;
use AisError::{Access, InvalidParam, NoSpace, NotExist};

const MAX: u64 = MAX_SECTION_SIZE;

#[test]
fn what_is_written_is_read_everywhere() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let far = rig.open(FAR, "a", READ);
    rig.create(checkpoint, b"s", i64::MAX, b"0123456789").unwrap();
    rig.write(checkpoint, &[(b"s", 8, b"abc"), (b"", 2, b"xy"), (b"s", 0, b"Z")]).unwrap();
    let pieces = rig.read(FAR, far, &[(b"s", 0, None), (b"", 0, None), (b"s", 8, Some(2))]);
    assert_eq!(pieces, Ok(vec![b"Z1234567abc".to_vec(), b"\0\0xy".to_vec(), b"ab".to_vec()]));
    assert_eq!(rig.status(checkpoint).unwrap().memory_used, 15);
    rig.overwrite(checkpoint, b"s", b"new").unwrap();
    assert_eq!(rig.contents(checkpoint, b"s"), Ok(b"new".to_vec()));
    rig.overwrite(checkpoint, b"", b"").unwrap();
    let status = rig.status(checkpoint).unwrap();
    assert_eq!((status.memory_used, status.sections), (3, 2));
}

#[test]
fn the_memory_of_a_large_reply_is_that_of_the_next() {
    const LARGE: u32 = 2 << 20;
    let mut rig = Rig::with(Limits { memory: 8 << 20, max_message: LARGE + 1000, ..LIMITS });
    let attributes =
        Attributes { checkpoint_size: 1 << 22, max_section_size: 1 << 22, ..ATTRIBUTES };
    let checkpoint = rig.open_with(ONE, "a", BOTH, Some(attributes)).unwrap();
    rig.overwrite(checkpoint, b"", &vec![7; LARGE as usize]).unwrap();
    let mut read = || {
        let elements = vec![ReadElement { id: b"", offset: 0, size: None }];
        let body = rig.ask(ONE, Request::Read { checkpoint, elements }).body;
        assert!(body.len() > LARGE as usize);
        let place = body.as_ptr();
        rig.replicas[0].ckpt.take_back(body);
        place
    };
    assert_eq!(read(), read());
}

#[test]
fn a_read_ends_with_the_section() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.overwrite(checkpoint, b"", b"12345").unwrap();
    let mut read = |offset, size| match rig.read(ONE, checkpoint, &[(b"", offset, size)]) {
        Ok(mut pieces) => Ok(pieces.remove(0)),
        Err(error) => Err(error),
    };
    assert_eq!(read(3, Some(u32::MAX)), Ok(b"45".to_vec()));
    assert_eq!(read(0, Some(0)), Ok(Vec::new()));
    assert_eq!(read(5, None), Ok(Vec::new()));
    for beyond in [6, u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(read(beyond, Some(0)), Err((InvalidParam, Some(0))));
    }
}

#[test]
fn a_failing_element_is_named_and_nothing_is_written() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.overwrite(checkpoint, b"", b"12345").unwrap();
    let long = vec![0; MAX_SECTION_ID + 1];
    let failing: [(&[u8], u64, &[u8], AisError); 5] = [
        (b"none", 0, b"x", NotExist),
        (&long, 0, b"x", InvalidParam),
        (&long[1..], 0, b"x", NotExist),
        (b"", MAX, b"x", NoSpace),
        (b"", u64::MAX, b"x", NoSpace),
    ];
    let before = rig.digest(0);
    for (id, offset, data, error) in failing {
        let elements = [(&b""[..], 0, &b"xx"[..]), (b"", 50, b"y"), (id, offset, data)];
        assert_eq!(rig.write(checkpoint, &elements), Err((error, Some(2))));
        assert_eq!(rig.digest(0), before);
    }
    let elements = [(&b""[..], 0, None), (&b"none"[..], 0, None), (b"", 9, None)];
    assert_eq!(rig.read(ONE, checkpoint, &elements), Err((NotExist, Some(1))));
    assert_eq!(rig.read(ONE, checkpoint, &elements[2..]), Err((InvalidParam, Some(0))));
    assert_eq!(rig.overwrite(checkpoint, b"none", b"x"), Err(NotExist));
    assert_eq!(rig.overwrite(checkpoint, &long, b"x"), Err(InvalidParam));
}

#[test]
fn a_section_is_as_large_as_its_size_can_say() {
    let mut rig = Rig::with(Limits { memory: u64::MAX, ..LIMITS });
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.write(checkpoint, &[(b"", MAX - 1, b"x")]).unwrap();
    assert_eq!(rig.status(checkpoint).unwrap().memory_used, MAX);
    let pieces = rig.read(ONE, checkpoint, &[(b"", MAX - 2, None), (b"", MAX, None)]);
    assert_eq!(pieces, Ok(vec![b"\0x".to_vec(), Vec::new()]));
    rig.write(checkpoint, &[(b"", MAX, b"")]).unwrap();
    assert_eq!(rig.write(checkpoint, &[(b"", MAX + 1, b"")]), Err((NoSpace, Some(0))));
}

#[test]
fn a_write_of_nothing_does_not_grow_the_section() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.write(checkpoint, &[(b"", 100, b"")]).unwrap();
    assert_eq!(rig.status(checkpoint).unwrap().memory_used, 0);
}

#[test]
fn a_vector_has_elements_but_not_too_many() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.write(checkpoint, &[]), Err((InvalidParam, None)));
    assert_eq!(rig.read(ONE, checkpoint, &[]), Err((InvalidParam, None)));
    let write = (&b""[..], 0, &b""[..]);
    assert_eq!(rig.write(checkpoint, &vec![write; MAX_ELEMENTS]), Ok(()));
    assert_eq!(rig.write(checkpoint, &vec![write; MAX_ELEMENTS + 1]), Err((NoSpace, None)));
    let read = (&b""[..], 0, None);
    assert!(rig.read(ONE, checkpoint, &vec![read; MAX_ELEMENTS]).is_ok());
    let failure = rig.read(ONE, checkpoint, &vec![read; MAX_ELEMENTS + 1]);
    assert_eq!(failure, Err((NoSpace, None)));
}

#[test]
fn access_is_as_opened() {
    let mut rig = Rig::new();
    let write = rig.open(ONE, "a", WRITE);
    let checkpoint = rig.open(ONE, "a", READ);
    rig.create(write, b"s", i64::MAX, b"x").unwrap();
    assert_eq!(rig.read(ONE, write, &[(b"none", 0, None)]), Err((Access, None)));
    assert_eq!(rig.contents(checkpoint, b"s"), Ok(b"x".to_vec()));
    let (id, data) = (&b"s"[..], &b"y"[..]);
    let element = WriteElement { id: b"none", offset: 0, data };
    let requests = [
        Request::Overwrite { checkpoint, id, data },
        Request::Write { checkpoint, elements: vec![element] },
        Request::Write { checkpoint, elements: Vec::new() },
        Request::SectionCreate { checkpoint, id: None, expiration: 1, data },
        Request::SectionDelete { checkpoint, id },
        Request::ExpirationTimeSet { checkpoint, id, expiration: 1 },
    ];
    for request in requests {
        let reply = rig.ask(ONE, request);
        assert_eq!((reply.result, reply.body), (Err(Access), Vec::new()));
    }
    assert_eq!(rig.list(write, SectionsChosen::Any, 0).len(), 1);
    let set = Request::RetentionDurationSet { checkpoint, duration: 1 };
    assert_eq!(rig.result(ONE, set), Ok(()));
}

#[test]
fn the_update_option_says_when_a_write_returns() {
    let mut rig = Rig::new();
    let options = [
        (UpdateOption::AllReplicas, Promise::Stable),
        (UpdateOption::ActiveReplica, Promise::Delivered),
        (UpdateOption::ActiveReplicaWeak, Promise::Delivered),
    ];
    for (option, promise) in options {
        let attributes = Attributes { option, ..ATTRIBUTES };
        let name = format!("{option:?}");
        let checkpoint = rig.open_with(ONE, &name, BOTH, Some(attributes)).unwrap();
        let (id, data, expiration) = (&b"s"[..], &b"x"[..], i64::MAX);
        let element = WriteElement { id, offset: 0, data };
        let requests = [
            (Request::SectionCreate { checkpoint, id: Some(id), expiration, data }, promise),
            (Request::Write { checkpoint, elements: vec![element] }, promise),
            (Request::Overwrite { checkpoint, id, data }, promise),
            (Request::ExpirationTimeSet { checkpoint, id, expiration }, Promise::Stable),
            (Request::RetentionDurationSet { checkpoint, duration: 1 }, Promise::Stable),
            (Request::SectionDelete { checkpoint, id }, promise),
            (Request::SectionDelete { checkpoint, id }, promise),
        ];
        for (request, promise) in requests {
            assert_eq!(rig.ask(ONE, request).promise, promise);
        }
    }
}

#[test]
fn a_call_carries_so_much_data() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let most = vec![1; LIMITS.max_message as usize];
    let more = vec![1; most.len() + 1];
    assert_eq!(rig.overwrite(checkpoint, b"", &more), Err(NoSpace));
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, &more), Err(NoSpace));
    let halves = [(&b""[..], 0, &most[..50_001]), (b"", 0, &most[..50_000])];
    assert_eq!(rig.write(checkpoint, &halves), Err((NoSpace, None)));
    assert_eq!(rig.write(checkpoint, &halves[1..]), Ok(()));
    assert_eq!(rig.overwrite(checkpoint, b"", &most), Ok(()));
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, &most), Ok(()));
    let elements = [(&b""[..], 0, None), (&b"s"[..], 99_999, None)];
    assert_eq!(rig.read(ONE, checkpoint, &elements), Err((NoSpace, Some(1))));
    assert_eq!(rig.contents(checkpoint, b"").map(|bytes| bytes.len()), Ok(most.len()));
}

#[test]
fn all_checkpoints_together_have_so_much_memory() {
    let memory = 2 * (CHECKPOINT_OVERHEAD + SECTION_OVERHEAD) + SECTION_OVERHEAD + 1 + 1000;
    let mut rig = Rig::with(Limits { memory, ..LIMITS });
    let first = rig.open(ONE, "first", BOTH);
    let second = rig.open(ONE, "second", BOTH);
    rig.create(first, b"s", i64::MAX, &[1; 400]).unwrap();
    rig.overwrite(second, b"", &[1; 600]).unwrap();
    assert_eq!(rig.overwrite(second, b"", &[1; 601]), Err(NoSpace));
    assert_eq!(rig.write(first, &[(b"s", 400, b"x")]), Err((NoSpace, None)));
    assert_eq!(rig.write(first, &[(b"s", MAX - 1, b"x")]), Err((NoSpace, None)));
    assert_eq!(rig.create(first, b"t", i64::MAX, b""), Err(NoSpace));
    assert_eq!(rig.open_with(ONE, "third", BOTH, Some(ATTRIBUTES)), Err(NoSpace));
    assert_eq!(rig.open_with(ONE, "third", BOTH, None), Err(NotExist));
    rig.open(ONE, "first", BOTH);
    rig.write(first, &[(b"s", 399, b"x"), (b"", 0, b"")]).unwrap();
    rig.overwrite(first, b"s", b"").unwrap();
    rig.write(second, &[(b"", 999, b"x"), (b"", 998, b"x")]).unwrap();
    rig.unlink("second").unwrap();
    rig.close(ONE, second).unwrap();
    rig.open(ONE, "third", BOTH);
}

#[test]
fn strict_limits_bound_what_sections_hold() {
    let mut rig = Rig::with(Limits { strict: true, ..LIMITS });
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.overwrite(checkpoint, b"", &[1; 500]).unwrap();
    assert_eq!(rig.overwrite(checkpoint, b"", &[1; 501]), Err(InvalidParam));
    assert_eq!(rig.write(checkpoint, &[(b"", 500, b"x")]), Err((InvalidParam, Some(0))));
    rig.create(checkpoint, b"s", i64::MAX, &[1; 300]).unwrap();
    rig.create(checkpoint, b"t", i64::MAX, &[1; 100]).unwrap();
    let fits = [(&b"s"[..], 300, &[2; 100][..])];
    let less = [fits[0], (b"t", 100, b"x")];
    assert_eq!(rig.write(checkpoint, &less), Err((NoSpace, Some(1))));
    rig.write(checkpoint, &fits).unwrap();
    assert_eq!(rig.overwrite(checkpoint, b"t", &[1; 101]), Err(NoSpace));
    rig.overwrite(checkpoint, b"t", &[1; 99]).unwrap();
    rig.write(checkpoint, &[(b"t", 99, b"x"), (b"t", 0, b"y")]).unwrap();
}

#[test]
fn the_rule_of_the_node_that_is_asked_holds_everywhere() {
    let mut rig = Rig::new();
    rig.replicas[1].ckpt.limits.strict = true;
    let one = rig.open(ONE, "a", BOTH);
    let far = rig.open(FAR, "a", BOTH);
    rig.overwrite(one, b"", &[1; 501]).unwrap();
    let data = &[1; 502][..];
    let strict = rig.result(FAR, Request::Overwrite { checkpoint: far, id: b"", data });
    assert_eq!(strict, Err(InvalidParam));
}

#[test]
fn checkpoints_are_counted() {
    let mut rig = Rig::with(Limits { checkpoints: 2, ..LIMITS });
    rig.open(ONE, "0", BOTH);
    let second = rig.open(FAR, "1", BOTH);
    assert_eq!(rig.open_with(ONE, "one more", BOTH, Some(ATTRIBUTES)), Err(NoSpace));
    assert!(rig.open_with(ONE, "1", BOTH, Some(ATTRIBUTES)).is_ok());
    rig.unlink("0").unwrap();
    assert_eq!(rig.open_with(ONE, "one more", BOTH, Some(ATTRIBUTES)), Err(NoSpace));
    rig.result(FAR, Request::Close { checkpoint: second }).unwrap();
}

#[test]
fn sections_are_counted_beside_the_default_section() {
    let mut rig = Rig::with(Limits { sections: 2, ..LIMITS });
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"1", i64::MAX, b"").unwrap();
    rig.create(checkpoint, b"2", i64::MAX, b"").unwrap();
    assert_eq!(rig.create(checkpoint, b"3", i64::MAX, b""), Err(NoSpace));
    rig.result(ONE, Request::SectionDelete { checkpoint, id: b"1" }).unwrap();
    rig.create(checkpoint, b"3", i64::MAX, b"").unwrap();
}

#[test]
fn a_change_is_sent_in_the_memory_of_its_request() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let Program { node, session, connection, handle } = ONE;
    let caller = Caller { session, connection, handle };
    let asker = Asker { session, connection, id: 1 };
    // As it was received, behind a header of so many bytes.
    for from in [0, 12] {
        let mut body = Writer::with_capacity(from + 16 + ROOM_TO_FORWARD);
        body.raw(&[0; 12][..from]).u32(checkpoint).bytes(b"").raw(b"new data");
        let bytes = body.into_bytes();
        let place = bytes.as_ptr();
        let Replica { ckpt, fx, .. } = &mut rig.replicas[node];
        let request = Request::Overwrite { checkpoint, id: b"", data: b"new data" };
        ckpt.on_request(rig.now, &caller, asker, ais_proto::Request::Ckpt(request), fx).unwrap();
        fx.send_forwarded(Body::Owned { bytes, from });
        let Some(Effect::Multicast(message)) = fx.list.last() else { panic!("{fx:?}") };
        assert_eq!(message.bytes.as_ptr(), place);
        rig.settle();
        assert_eq!(rig.replicas[node].replies.pop().map(|(.., reply)| reply.result), Some(Ok(())));
        assert_eq!(rig.read(ONE, checkpoint, &[(b"", 0, None)]).unwrap(), [b"new data"]);
    }
}
