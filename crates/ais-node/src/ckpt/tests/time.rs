//! What time brings: sections expire, checkpoints are not retained for ever.

use super::*;
use AisError::NotExist;

fn set(rig: &mut Rig, checkpoint: u32, expiration: i64) {
    let request = Request::ExpirationTimeSet { checkpoint, id: b"s", expiration };
    let reply = rig.ask(ONE, request);
    assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Stable));
}

fn is_there(rig: &mut Rig, checkpoint: u32) -> bool {
    match rig.contents(checkpoint, b"s") {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, NotExist);
            false
        }
    }
}

#[test]
fn a_section_expires_at_its_time() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", START + 4 * SECOND, b"x").unwrap();
    rig.create(checkpoint, b"t", START + 5 * SECOND, b"x").unwrap();
    rig.wait(4 * SECOND - 1);
    assert!(is_there(&mut rig, checkpoint));
    rig.wait(1);
    assert!(!is_there(&mut rig, checkpoint));
    assert_eq!(rig.status(checkpoint).unwrap().sections, 2);
    rig.close(ONE, checkpoint).unwrap();
    rig.wait(SECOND);
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.status(checkpoint).unwrap().sections, 1, "open or not");
    assert_eq!(rig.replicas[0].timers.next(), None);
}

#[test]
fn a_changed_time_counts() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", START + SECOND, b"x").unwrap();
    set(&mut rig, checkpoint, START + 3 * SECOND);
    rig.wait(2 * SECOND);
    assert!(is_there(&mut rig, checkpoint));
    set(&mut rig, checkpoint, i64::MAX);
    rig.wait(5 * SECOND);
    assert!(is_there(&mut rig, checkpoint));
    set(&mut rig, checkpoint, START + 8 * SECOND);
    rig.wait(SECOND);
    assert!(!is_there(&mut rig, checkpoint));
}

/// Ends that are past when they are given, but no "never".
const PAST: [i64; 5] = [-1, i64::MIN, 0x1_0000_0000, START - 1, START];

#[test]
fn what_is_past_when_it_is_given_comes_a_second_later() {
    for past in PAST {
        let mut rig = Rig::new();
        let checkpoint = rig.open(ONE, "a", BOTH);
        assert_eq!(rig.create(checkpoint, b"s", past, b"x"), Ok(()));
        assert_eq!(rig.create(checkpoint, b"s", past, b"x"), Err(AisError::Exist));
        assert_eq!(rig.overwrite(checkpoint, b"s", b"y"), Ok(()));
        let any = rig.list(checkpoint, SectionsChosen::Any, 0);
        assert_eq!((any.len(), any[0].expiration), (1, past), "as it was given");
        rig.wait(SECOND - 1);
        assert!(is_there(&mut rig, checkpoint));
        rig.wait(1);
        assert!(!is_there(&mut rig, checkpoint));
        // So for one that was to be there for ever.
        rig.create(checkpoint, b"s", i64::MAX, b"x").unwrap();
        set(&mut rig, checkpoint, past);
        rig.wait(SECOND - 1);
        assert!(is_there(&mut rig, checkpoint));
        rig.wait(1);
        assert!(!is_there(&mut rig, checkpoint));
        assert_eq!(rig.replicas[0].timers.next(), None);
    }
}

#[test]
fn the_second_begins_with_each_time_that_is_given() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", START - 1, b"x").unwrap();
    for past in [START - 1, START - 1, -5] {
        rig.wait(SECOND - 1);
        set(&mut rig, checkpoint, past);
    }
    rig.wait(SECOND - 1);
    assert!(is_there(&mut rig, checkpoint));
    set(&mut rig, checkpoint, START + 60 * SECOND);
    rig.wait(10 * SECOND);
    assert!(is_there(&mut rig, checkpoint));
    set(&mut rig, checkpoint, -5);
    rig.result(ONE, Request::SectionDelete { checkpoint, id: b"s" }).unwrap();
    rig.create(checkpoint, b"s", i64::MAX, b"x").unwrap();
    rig.wait(60 * SECOND);
    assert!(is_there(&mut rig, checkpoint), "it is another one");
}

#[test]
fn what_is_ahead_comes_at_its_time_however_near() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    for ahead in [1, SECOND / 3, SECOND - 1, SECOND, 2 * SECOND] {
        rig.create(checkpoint, b"s", rig.now.wall + ahead, b"x").unwrap();
        rig.wait(ahead - 1);
        assert!(is_there(&mut rig, checkpoint));
        rig.wait(1);
        assert!(!is_there(&mut rig, checkpoint));
    }
}

/// The clock of the node that is asked is 300 ms behind that of the lowest
/// member, which judges.
#[test]
fn whose_clock_is_behind_has_the_second_too() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(FAR, "a", BOTH);
    let mine = rig.open(ONE, "a", BOTH);
    let (id, expiration) = (Some(&b"s"[..]), START + 1);
    rig.hold = true;
    rig.send(FAR, Request::SectionCreate { checkpoint, id, expiration, data: b"x" });
    rig.now.wall += 300_000_000;
    rig.release();
    rig.wait(SECOND - 1);
    assert!(is_there(&mut rig, mine));
    rig.wait(1);
    assert!(!is_there(&mut rig, mine));
}

#[test]
fn the_second_is_counted_from_the_delivery() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let (id, expiration) = (Some(&b"s"[..]), START);
    rig.hold = true;
    rig.send(ONE, Request::SectionCreate { checkpoint, id, expiration, data: b"x" });
    rig.wait(20 * SECOND);
    rig.release();
    rig.replicas[0].replies.clear();
    rig.wait(SECOND - 1);
    assert!(is_there(&mut rig, checkpoint));
    rig.wait(1);
    assert!(!is_there(&mut rig, checkpoint));
}

#[test]
fn a_new_lowest_member_gives_another_second() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", -1, b"x").unwrap();
    rig.wait(SECOND / 2);
    rig.view(&[OTHER], &[]);
    assert_eq!(rig.replicas[0].timers.next(), None);
    rig.wait(SECOND - 1);
    assert!(is_there(&mut rig, checkpoint));
    rig.wait(1);
    assert!(!is_there(&mut rig, checkpoint));
}

#[test]
fn iterators_compare_with_the_time_that_was_given() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    let soon = START + SECOND / 2;
    for (id, expiration) in [(b"0", 0), (b"1", -1), (b"2", soon), (b"3", i64::MAX), (b"4", 7)] {
        rig.create(checkpoint, id, expiration, b"x").unwrap();
    }
    let mut list = |chosen, expiration| -> Vec<i64> {
        let listed = rig.list(checkpoint, chosen, expiration);
        listed.into_iter().map(|section| section.expiration).collect()
    };
    assert_eq!(list(SectionsChosen::Forever, 0), [7, i64::MAX, 0]);
    assert_eq!(list(SectionsChosen::LeqExpirationTime, START), [-1]);
    assert_eq!(list(SectionsChosen::LeqExpirationTime, -2), [0; 0]);
    assert_eq!(list(SectionsChosen::GeqExpirationTime, START), [7, i64::MAX, soon, 0]);
    assert_eq!(list(SectionsChosen::GeqExpirationTime, 0), [7, i64::MAX, 0], "0 is never");
    assert_eq!(list(SectionsChosen::LeqExpirationTime, 0), [7, i64::MAX, soon, -1, 0]);
    assert_eq!(list(SectionsChosen::GeqExpirationTime, i64::MIN), [7, i64::MAX, soon, -1, 0]);
}

#[test]
fn zero_and_values_of_32_bits_are_never() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    for never in [0, 1, 0xffaa_aaaa, 0xffff_ffff, i64::MAX] {
        rig.create(checkpoint, b"s", never, b"x").unwrap();
        set(&mut rig, checkpoint, never);
        rig.wait(100 * SECOND);
        assert!(is_there(&mut rig, checkpoint));
        rig.result(ONE, Request::SectionDelete { checkpoint, id: b"s" }).unwrap();
    }
    assert_eq!(rig.replicas[0].timers.next(), None, "nothing is waited for");
}

#[test]
fn a_wall_clock_that_jumps_is_noticed() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", START + 3600 * SECOND, b"x").unwrap();
    rig.wait(5 * SECOND);
    rig.now.wall += 3600 * SECOND;
    assert!(is_there(&mut rig, checkpoint));
    rig.wait(SECOND);
    assert!(!is_there(&mut rig, checkpoint));
    rig.create(checkpoint, b"s", rig.now.wall + 2 * SECOND, b"x").unwrap();
    rig.now.wall -= 10 * SECOND;
    rig.wait(11 * SECOND);
    assert!(is_there(&mut rig, checkpoint));
    rig.wait(SECOND);
    assert!(!is_there(&mut rig, checkpoint));
}

#[test]
fn a_proposal_that_was_overtaken_is_void() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.create(checkpoint, b"s", START + SECOND, b"x").unwrap();
    let later = START + 9 * SECOND;
    rig.hold = true;
    rig.send(ONE, Request::ExpirationTimeSet { checkpoint, id: b"s", expiration: later });
    rig.wait(SECOND);
    assert_eq!(rig.sent.len(), 2, "it was proposed");
    rig.release();
    rig.replicas[0].replies.clear();
    assert!(is_there(&mut rig, checkpoint));
    rig.hold = true;
    rig.send(ONE, Request::SectionDelete { checkpoint, id: b"s" });
    rig.wait(8 * SECOND);
    rig.release();
    rig.replicas[0].replies.clear();
    assert_eq!(rig.create(checkpoint, b"s", i64::MAX, b"x"), Ok(()));
}

#[test]
fn many_sections_expire_together() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.compare = false;
    for number in 0..2500u32 {
        rig.create(checkpoint, &number.to_le_bytes(), START + SECOND, b"").unwrap();
    }
    rig.compare = true;
    rig.wait(SECOND);
    assert_eq!(rig.status(checkpoint).unwrap().sections, 1);
}

#[test]
fn a_checkpoint_is_retained_after_its_last_close() {
    let mut rig = Rig::new();
    let first = rig.open(ONE, "a", BOTH);
    let far = rig.open(FAR, "a", BOTH);
    rig.close(ONE, first).unwrap();
    rig.wait(60 * SECOND);
    assert!(rig.exists("a"));
    rig.close(FAR, far).unwrap();
    rig.wait(10 * SECOND - 1);
    let again = rig.open(ONE, "a", BOTH);
    rig.wait(60 * SECOND);
    rig.close(ONE, again).unwrap();
    rig.wait(10 * SECOND - 1);
    assert!(rig.exists("a"));
    rig.wait(1);
    assert!(!rig.exists("a"));
}

#[test]
fn retention_can_be_set() {
    let mut rig = Rig::new();
    let retain = |rig: &mut Rig, duration| {
        let checkpoint = rig.open(ONE, "a", READ);
        let reply = rig.ask(ONE, Request::RetentionDurationSet { checkpoint, duration });
        assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Stable));
        assert_eq!(rig.status(checkpoint).unwrap().attributes.retention_duration, duration);
        rig.close(ONE, checkpoint).unwrap();
    };
    retain(&mut rig, i64::MAX);
    rig.wait(1_000_000 * SECOND);
    assert!(rig.exists("a"));
    retain(&mut rig, 1);
    assert!(rig.exists("a"));
    rig.wait(1);
    assert!(!rig.exists("a"));
    retain(&mut rig, 0);
    assert!(!rig.exists("a"));
}

#[test]
fn an_open_that_comes_first_saves_the_checkpoint() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    rig.wait(6 * SECOND);
    rig.hold = true;
    rig.send(ONE, Request::Open(to_open("a", BOTH, None)));
    rig.wait(4 * SECOND);
    assert_eq!(rig.sent.len(), 2, "its end was proposed");
    rig.release();
    assert!(rig.exists("a"));
}

#[test]
fn the_wall_clock_does_not_matter_to_retention() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    rig.now.wall += 3600 * SECOND;
    rig.wait(9 * SECOND);
    assert!(rig.exists("a"));
    rig.now.wall -= 7200 * SECOND;
    rig.wait(SECOND);
    assert!(!rig.exists("a"));
}

#[test]
fn a_new_lowest_member_takes_over() {
    let mut rig = Rig::new();
    let retained = rig.open(FAR, "retained", BOTH);
    rig.close(FAR, retained).unwrap();
    let open = rig.open(FAR, "open", BOTH);
    let (id, expiration) = (Some(&b"s"[..]), START + 9 * SECOND);
    let create = Request::SectionCreate { checkpoint: open, id, expiration, data: b"" };
    rig.result(FAR, create).unwrap();
    assert_eq!(rig.replicas[1].timers.next(), None, "only the lowest member watches");
    rig.wait(6 * SECOND);
    rig.view(&[OTHER], &[LOWEST]);
    assert_eq!(rig.replicas[0].timers.next(), None);
    let sections = |rig: &mut Rig| {
        Status::decode(&rig.ask(FAR, Request::StatusGet { checkpoint: open }).body)
            .unwrap()
            .sections
    };
    rig.wait(3 * SECOND - 1);
    assert_eq!(sections(&mut rig), 2);
    rig.wait(1);
    assert_eq!(sections(&mut rig), 1);
    rig.wait(2 * SECOND - 1);
    assert!(rig.exists("retained"), "it counts from where all were told last");
    rig.wait(1);
    assert!(!rig.exists("retained"));
}

#[test]
fn opening_and_closing_leaves_one_timer() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        let checkpoint = rig.open(ONE, "a", BOTH);
        rig.close(ONE, checkpoint).unwrap();
    }
    rig.wait(10 * SECOND);
    assert!(!rig.exists("a"));
    assert_eq!(rig.replicas[0].timers.next(), None);
}

#[test]
fn a_proposal_about_an_earlier_close_is_void() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    rig.hold = true;
    rig.wait(10 * SECOND);
    let late = rig.sent.pop_front().unwrap();
    rig.release();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    rig.sent.push_back(late);
    rig.settle();
    assert!(rig.exists("a"));
    rig.wait(10 * SECOND);
    assert!(!rig.exists("a"));
}

#[test]
fn a_long_retention_is_told_of_in_few_words() {
    let mut rig = Rig::new();
    let hour = 3600 * SECOND;
    let attributes = Attributes { retention_duration: hour, ..ATTRIBUTES };
    let checkpoint = rig.open_with(ONE, "a", BOTH, Some(attributes)).unwrap();
    rig.close(ONE, checkpoint).unwrap();
    let before = rig.number;
    rig.wait(hour / 2);
    let told = rig.number - before;
    assert!((5..50).contains(&told), "{told}");
    rig.view(&[OTHER], &[LOWEST]);
    rig.wait(hour / 2 - 1);
    assert!(rig.exists("a"));
    rig.wait(hour / 16);
    assert!(!rig.exists("a"));
}

#[test]
fn who_does_not_lead_any_more_counts_no_more() {
    let mut rig = Rig::new();
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.close(ONE, checkpoint).unwrap();
    rig.wait(5 * SECOND);
    let lead = |rig: &mut Rig, leads| {
        let Replica { ckpt, fx, .. } = &mut rig.replicas[0];
        ckpt.on_lead(leads, fx);
        rig.settle();
    };
    lead(&mut rig, false);
    assert_eq!(rig.replicas[0].timers.next(), None);
    rig.wait(3600 * SECOND);
    lead(&mut rig, true);
    rig.wait(5 * SECOND - 1);
    assert!(rig.exists("a"));
    rig.wait(1);
    assert!(!rig.exists("a"));
}

#[test]
fn the_memory_of_many_sections_is_given_back_bit_by_bit() {
    let mut rig = Rig::with(Limits { memory: u64::MAX, ..LIMITS });
    let checkpoint = rig.open(ONE, "a", BOTH);
    rig.compare = false;
    for number in 0..5000_u32 {
        let expiration = if number % 2 == 0 { i64::MAX } else { START + SECOND };
        rig.create(checkpoint, &number.to_be_bytes(), expiration, b"data").unwrap();
    }
    rig.compare = true;
    rig.unlink("a").unwrap();
    rig.close(ONE, checkpoint).unwrap();
    let graves = |rig: &Rig, node: usize| rig.replicas[node].ckpt.state.has_graves();
    // It is gone for everybody, its deadlines too.
    for node in 0..2 {
        let state = &rig.replicas[node].ckpt.state;
        assert_eq!((state.len(), state.memory(), state.first_expiry()), (0, 0, None));
        assert!(graves(&rig, node));
    }
    let mut steps = 0;
    while graves(&rig, 0) {
        rig.wait(1_000_000);
        steps += 1;
    }
    // Of 5001 sections the ids, and then they themselves, 2048 at a time.
    assert_eq!(steps, 5);
    assert!(!graves(&rig, 1));
    // A new one is not mistaken for it.
    let checkpoint = rig.open(ONE, "a", BOTH);
    assert_eq!(rig.status(checkpoint).unwrap().sections, 1);
}
