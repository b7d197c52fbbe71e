//! Making, deleting and listing sections.

use super::*;
use AisError::{BadOperation, Exist, InvalidParam, NoSpace, NotExist};

fn create(rig: &mut Rig, checkpoint: u32) -> Vec<u8> {
    let request = Request::SectionCreate { checkpoint, id: None, expiration: i64::MAX, data: b"" };
    let reply = rig.ask(ONE, request);
    assert_eq!(reply.result, Ok(()));
    Reader::new(&reply.body).bytes().unwrap().to_vec()
}

#[test]
fn a_section_is_made_once() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let (id, data) = (Some(&b"s"[..]), &b"data"[..]);
    let request = Request::SectionCreate { checkpoint, id, expiration: i64::MAX, data };
    let reply = rig.ask(ONE, request);
    assert_eq!(Reader::new(&reply.body).bytes(), Ok(&b"s"[..]));
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, b""), Err(Exist));
    assert_eq!(rig.create(checkpoint, b"", i64::MAX, b""), Err(Exist));
    assert_eq!(rig.contents(checkpoint, b"s"), Ok(b"data".to_vec()));
    let delete = |id| Request::SectionDelete { checkpoint, id };
    assert_eq!(rig.result(ONE, delete(b"s")), Ok(()));
    assert_eq!(rig.result(ONE, delete(b"s")), Err(NotExist));
    assert_eq!(rig.contents(checkpoint, b"s"), Err(NotExist));
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, b""), Ok(()));
}

#[test]
fn ids_have_their_length() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let long = vec![b'i'; MAX_SECTION_ID + 1];
    assert_eq!(rig.create(checkpoint, &long, i64::MAX, b""), Err(InvalidParam));
    assert_eq!(rig.create(checkpoint, &long[1..], i64::MAX, b"x"), Ok(()));
    assert_eq!(rig.contents(checkpoint, &long[1..]), Ok(b"x".to_vec()));
    assert_eq!(
        rig.result(ONE, Request::SectionDelete { checkpoint, id: &long }),
        Err(InvalidParam)
    );
    let set = Request::ExpirationTimeSet { checkpoint, id: &long, expiration: 1 };
    assert_eq!(rig.result(ONE, set), Err(InvalidParam));
}

#[test]
fn a_generated_id_is_the_creation_number_unless_that_is_taken() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(create(&mut rig, checkpoint), 1u64.to_be_bytes());
    for taken in [3u64, 4, 5] {
        rig.create(checkpoint, &taken.to_be_bytes(), i64::MAX, b"").unwrap();
    }
    rig.create(checkpoint, &6u64.to_be_bytes(), i64::MAX, b"").unwrap();
    assert_eq!(create(&mut rig, checkpoint), 7u64.to_be_bytes());
    let id = &7u64.to_be_bytes()[..];
    rig.result(ONE, Request::SectionDelete { checkpoint, id }).unwrap();
    assert_eq!(create(&mut rig, checkpoint), 8u64.to_be_bytes(), "never used again");
}

#[test]
fn the_default_section_is_always_there() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let id = &b""[..];
    assert_eq!(rig.contents(checkpoint, id), Ok(Vec::new()));
    assert_eq!(rig.result(ONE, Request::SectionDelete { checkpoint, id }), Err(InvalidParam));
    for expiration in [0, 1, i64::MAX] {
        let set = Request::ExpirationTimeSet { checkpoint, id, expiration };
        assert_eq!(rig.result(ONE, set), Err(InvalidParam));
    }
    assert_eq!(rig.list(checkpoint, SectionsChosen::Any, 0), []);
    assert_eq!(rig.status(checkpoint).unwrap().sections, 1);
}

#[test]
fn an_iterator_lists_what_was_there_newest_first() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", READ | WRITE);
    for id in [&b"one"[..], b"two", b"three"] {
        rig.create(checkpoint, id, 0xffff_ffff, id).unwrap();
    }
    rig.wait(SECOND);
    rig.overwrite(checkpoint, b"two", b"2").unwrap();
    rig.result(ONE, Request::SectionDelete { checkpoint, id: b"one" }).unwrap();
    let listed = rig.list(checkpoint, SectionsChosen::Any, 0);
    let state = ckpt::SectionState::Valid;
    let section = |number, id: &[u8], size, last_update| {
        let (id, expiration) = (id.to_vec(), 0xffff_ffff);
        Listed { number, id, expiration, size, state, last_update }
    };
    let expected = [section(3, b"three", 5, START), section(2, b"two", 1, START + SECOND)];
    assert_eq!(listed, expected);
}

#[test]
fn an_iterator_does_not_see_later_sections() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", i64::MAX, b"").unwrap();
    let start = rig.ask(ONE, Request::IteratorStart { checkpoint });
    let cursor = Reader::new(&start.body).u64().unwrap();
    rig.create(checkpoint, b"later", i64::MAX, b"").unwrap();
    let next = |cursor| Request::IteratorNext {
        checkpoint,
        chosen: SectionsChosen::Any,
        expiration: 0,
        cursor,
    };
    let reply = rig.ask(ONE, next(cursor));
    assert_eq!(Listed::decode(&reply.body).unwrap().id, b"s");
    for end in [0, 1] {
        assert_eq!(rig.result(ONE, next(end)), Err(NotExist));
    }
    assert_eq!(rig.result(ONE, next(u64::MAX)), Ok(()));
}

#[test]
fn an_iterator_chooses_by_expiration() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let (early, late) = (START + SECOND, START + 2 * SECOND);
    rig.create(checkpoint, b"forever", 0xffff_ffff, b"").unwrap();
    rig.create(checkpoint, b"early", early, b"").unwrap();
    rig.create(checkpoint, b"late", late, b"").unwrap();
    let mut ids = |chosen, expiration| {
        let listed = rig.list(checkpoint, chosen, expiration);
        let ids: Vec<_> = listed.into_iter().map(|section| section.id).collect();
        ids.iter().map(|id| String::from_utf8_lossy(id).into_owned()).collect::<Vec<_>>()
    };
    use SectionsChosen::{Any, Corrupted, Forever, GeqExpirationTime, LeqExpirationTime};
    assert_eq!(ids(Any, late), ["late", "early", "forever"]);
    assert_eq!(ids(Forever, 0), ["forever"]);
    assert_eq!(ids(LeqExpirationTime, early), ["early"]);
    assert_eq!(ids(LeqExpirationTime, early - 1), [""; 0]);
    assert_eq!(ids(GeqExpirationTime, late), ["late", "forever"]);
    assert_eq!(ids(GeqExpirationTime, i64::MAX), ["forever"]);
    assert_eq!(ids(LeqExpirationTime, i64::MAX), ["late", "early", "forever"]);
    assert_eq!(ids(Corrupted, 0), [""; 0]);
}

#[test]
fn strict_limits_bound_the_sections() {
    let mut rig = Rig::with(Limits { strict: true, ..LIMITS });
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.create(checkpoint, b"eleven byte", i64::MAX, b""), Err(InvalidParam));
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, &[1; 501]), Err(InvalidParam));
    rig.overwrite(checkpoint, b"", &[1; 500]).unwrap();
    rig.create(checkpoint, b"ten bytes.", i64::MAX, &[1; 500]).unwrap();
    assert_eq!(rig.create(checkpoint, b"full", i64::MAX, b"x"), Err(NoSpace));
    for id in [&b"2"[..], b"3", b"4"] {
        rig.create(checkpoint, id, i64::MAX, b"").unwrap();
    }
    assert_eq!(rig.create(checkpoint, b"4", i64::MAX, b""), Err(Exist));
    assert_eq!(rig.create(checkpoint, b"5", i64::MAX, b""), Err(NoSpace));
    let single = Attributes { max_sections: 1, max_section_size: 1000, ..ATTRIBUTES };
    let single = rig.open_with(ONE, "single", BOTH, Some(single)).unwrap();
    assert_eq!(rig.create(single, b"s", i64::MAX, b""), Err(Exist));
    let short = Attributes { max_section_id_size: 0, ..ATTRIBUTES };
    let short = rig.open_with(ONE, "short", BOTH, Some(short)).unwrap();
    assert_eq!(create(&mut rig, short).len(), GENERATED_ID);
}

#[test]
fn what_needs_no_section_is_not_answered_by_one() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.result(ONE, Request::ActiveSet { checkpoint }), Err(BadOperation));
    let set = Request::ExpirationTimeSet { checkpoint, id: b"none", expiration: 1 };
    assert_eq!(rig.result(ONE, set), Err(NotExist));
}
