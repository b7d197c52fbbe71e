//! Steps of an iterator over many sections.

use super::*;

/// So many sections as programs have been seen to want.
const MANY: u64 = 100_000;
/// Looks at a section or block that one step of an iterator over so many
/// may take: all of a block on each level, up and down.
const MOST_LOOKS: u64 = 2 * 16 * 5;

/// Numbers from 1 on; every tenth never expires, the others do in waves.
fn many() -> Sections {
    let mut sections = Sections::new();
    for number in 1..=MANY {
        let expiration = if number % 10 == 0 { i64::MAX } else { wave(number) };
        let id = number.to_le_bytes();
        assert_eq!(sections.create(Some(&id), expiration, b"x", 0).0, number);
    }
    sections
}

fn wave(number: u64) -> i64 {
    (1 << 40) + (number.wrapping_mul(7919) % MANY).cast_signed()
}

/// All numbers that an iterator lists, and the most looks that a step of
/// it took.
fn walk(sections: &Sections, chosen: SectionsChosen, expiration: i64) -> (Vec<u64>, u64) {
    let (mut cursor, mut listed, mut most) = (u64::MAX, Vec::new(), 0);
    loop {
        let mut looks = 0;
        let found = sections.ends.before(cursor, &sections.sections, |span| {
            looks += 1;
            is_chosen(span, chosen, expiration)
        });
        most = most.max(looks);
        let Some(number) = found else { return (listed, most) };
        assert!(number < cursor);
        cursor = number;
        listed.push(number);
    }
}

/// What [`walk`] has to list, found the simple way.
fn expected(sections: &Sections, chosen: SectionsChosen, expiration: i64) -> Vec<u64> {
    let of = |section: &Section| Span { first: section.end(), last: section.end() };
    let chosen = |section: &Section| is_chosen(of(section), chosen, expiration);
    let all = sections.sections.iter().filter(|(number, _)| *number != DEFAULT_NUMBER);
    let mut numbers: Vec<_> =
        all.filter(|(_, section)| chosen(section)).map(|(number, _)| number).collect();
    numbers.reverse();
    numbers
}

fn assert_walks(sections: &Sections) {
    use SectionsChosen::{Any, Corrupted, Forever, GeqExpirationTime, LeqExpirationTime};
    let (start, middle) = (1_i64 << 40, (1 << 40) + (MANY / 2).cast_signed());
    let end = start + MANY.cast_signed();
    let cases = [(Any, 0), (Forever, 0), (Corrupted, 0)].into_iter();
    let times = [start, middle, end, i64::MAX];
    let timed = times.into_iter().flat_map(|at| [(LeqExpirationTime, at), (GeqExpirationTime, at)]);
    for (chosen, at) in cases.chain(timed) {
        let (listed, looks) = walk(sections, chosen, at);
        assert!(listed == expected(sections, chosen, at), "{chosen:?} {at}");
        assert!(looks <= MOST_LOOKS, "{looks} looks for a step, {chosen:?} {at}");
    }
}

#[test]
fn a_step_of_an_iterator_over_100000_sections_takes_few_looks() {
    let mut sections = many();
    assert_walks(&sections);
    for number in (1..=MANY).filter(|number| number % 3 == 0 || number / 5000 == 3) {
        sections.remove(number);
    }
    for number in (1..=MANY).filter(|number| number % 7 == 0) {
        sections.set_expiration(number, if number % 2 == 0 { 1 } else { wave(number + 1) }, 0);
    }
    assert_walks(&sections);
    for number in 1..=MANY {
        sections.remove(number);
    }
    assert!(
        sections.len() == 1
            && sections.ends.before(u64::MAX, &sections.sections, |_| true).is_none()
    );
    assert_eq!(sections.create(None, i64::MAX, b"", 0).0, MANY + 1);
    assert_eq!(walk(&sections, SectionsChosen::Any, 0).0, [MANY + 1]);
}

#[test]
fn the_one_section_among_100000_is_found_in_few_looks() {
    let mut sections = many();
    sections.set_expiration(17, 1 << 39, 0);
    let (listed, looks) = walk(&sections, SectionsChosen::LeqExpirationTime, (1 << 40) - 1);
    assert_eq!(listed, [17]);
    assert!(looks <= MOST_LOOKS, "{looks}");
}

#[test]
fn a_section_that_another_node_sends_has_an_id_and_an_end_of_its_own() {
    let restore = |sections: &mut Sections, number: u64, id: &[u8], expiration, is_near| {
        let mut out = ais_wire::Writer::new();
        out.u64(number).bytes(id).i64(expiration).bool(is_near).i64(1).u32(4);
        let bytes = out.into_bytes();
        sections.restore(&mut Reader::new(&bytes), Bytes::hole)
    };
    let mut sections = Sections::none(DEFAULT_NUMBER + 9);
    let first = DEFAULT_NUMBER + 1;
    assert_eq!(
        restore(&mut sections, DEFAULT_NUMBER, DEFAULT_SECTION, i64::MAX, false),
        Ok(DEFAULT_NUMBER)
    );
    assert_eq!(restore(&mut sections, first, b"a", 1 << 40, true), Ok(first));
    for (number, id, expiration, is_near, what) in [
        (first + 1, &b"a"[..], i64::MAX, false, "an id twice"),
        (first + 1, b"b", i64::MAX, true, "near to no end"),
        (first, b"b", i64::MAX, false, "a number twice"),
        (first + 8, b"b", i64::MAX, false, "a number that was not given"),
        (first + 1, DEFAULT_SECTION, i64::MAX, false, "the default section twice"),
    ] {
        let restored = restore(&mut sections, number, id, expiration, is_near);
        assert_eq!(restored, Err(DecodeError::Invalid), "{what}");
    }
    assert_eq!(restore(&mut sections, first + 7, b"b", i64::MAX, false), Ok(first + 7));
}
