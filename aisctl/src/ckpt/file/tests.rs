//! Files that were exported, and files that were not.

use super::*;
use ais_client::ckpt::UpdateOption;

fn head() -> Head {
    Head {
        name: Name::try_from("abra").unwrap(),
        attributes: Attributes {
            option: UpdateOption::ActiveReplica,
            checkpoint_size: 1,
            retention_duration: 2,
            max_sections: 3,
            max_section_size: 4,
            max_section_id_size: 5,
        },
        colocated: true,
        exported: 6,
        node: NodeId::new([10, 0, 0, 1].into()),
    }
}

fn section(number: u64, id: &[u8], size: u32) -> Section {
    Section { number, id: id.to_vec(), expiration: i64::MAX, last_update: 7, size }
}

/// A file with these records after its head.
fn file(records: &[Record]) -> Vec<u8> {
    let mut saver = Saver::new(Vec::new(), &head()).unwrap();
    for record in records {
        match record {
            Record::Checkpoint(_) | Record::End(_) => unreachable!(),
            Record::Section(section) => saver.section(section).unwrap(),
            Record::Bytes(offset, bytes) => saver.bytes(*offset, bytes).unwrap(),
        }
    }
    saver.finish().unwrap()
}

fn good() -> Vec<Record> {
    vec![
        Record::Section(section(0, b"", 10)),
        Record::Bytes(0, b"data".to_vec()),
        Record::Bytes(9, b"x".to_vec()),
        Record::Section(section(3, b"three", 0)),
        Record::Section(section(7, &[9; MAX_SECTION_ID], 70_000)),
        Record::Bytes(100, vec![1; 65_536]),
    ]
}

/// All records after the head, or what is wrong.
fn load(bytes: &[u8]) -> Result<Vec<Record>, Fault> {
    let mut loader = Loader::new(bytes)?;
    let mut records = Vec::new();
    assert_eq!(loader.next()?, Record::Checkpoint(head()));
    loop {
        records.push(loader.next()?);
        if matches!(records.last(), Some(Record::End(_))) {
            return Ok(records);
        }
    }
}

fn fault(bytes: &[u8]) -> (u64, String) {
    let fault = load(bytes).unwrap_err();
    (fault.at, fault.text)
}

#[test]
fn what_is_saved_can_be_loaded() {
    let mut expected = good();
    let bytes = file(&expected);
    expected.push(Record::End(3));
    assert_eq!(load(&bytes), Ok(expected));
    let only = vec![Record::Section(section(0, b"", 0))];
    assert_eq!(load(&file(&only)).map(|records| records.len()), Ok(2));
}

#[test]
fn a_file_that_was_cut_or_damaged_anywhere_is_refused() {
    let records = [Record::Section(section(0, b"", 4)), Record::Bytes(0, b"data".to_vec())];
    let bytes = file(&records);
    for length in 0..bytes.len() {
        assert!(load(&bytes[..length]).unwrap_err().text.contains("ends before"), "{length}");
    }
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            let records = std::panic::catch_unwind(|| load(&damaged));
            // A damaged head is loaded, but the checksum does not agree.
            assert!(records.is_err() || records.unwrap().is_err(), "byte {place}, bit {bit}");
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let place = bytes.len() as u64;
    assert_eq!(fault(&longer), (place, "there is something after the end".into()));
}

#[test]
fn what_is_no_such_file_is_told_so() {
    let (at, text) = fault(b"\x7fELF and much more");
    assert!(at == 0 && text.contains("no exported checkpoint"), "{text}");
    let mut newer = file(&good());
    newer[8] = 2;
    assert_eq!(fault(&newer).1, "version 2 of the format; this aisctl reads 1");
}

#[test]
fn records_out_of_place_are_refused_with_their_place() {
    let default = || Record::Section(section(0, b"", 4));
    let bytes = |offset, length: usize| Record::Bytes(offset, vec![1; length]);
    let cases = [
        (vec![], "the file has 0 sections, not 0"),
        (vec![bytes(0, 1)], "bytes before the first section"),
        (vec![Record::Section(section(1, b"a", 0))], "the default section comes first"),
        (vec![Record::Section(section(0, b"a", 0))], "the default section comes first"),
        (vec![default(), default()], "the default section comes first"),
        (vec![default(), Record::Section(section(5, b"", 0))], "the default section comes first"),
        (vec![default(), bytes(0, 5)], "bytes 0 to 5 of a section that has 4"),
        (vec![default(), bytes(u32::MAX, 1)], "bytes 4294967295 to 4294967296 of a section"),
        (vec![default(), bytes(0, 2), bytes(1, 2)], "after those before 2"),
        (vec![default(), bytes(0, 0)], "bytes 0 to 0"),
        (
            vec![
                default(),
                Record::Section(section(2, b"a", 0)),
                Record::Section(section(2, b"b", 0)),
            ],
            "section 2 after 2; the numbers only grow",
        ),
        (
            vec![
                default(),
                Record::Section(section(2, b"a", 0)),
                Record::Section(section(3, b"a", 0)),
            ],
            "a second section with the id a",
        ),
        (
            vec![default(), Record::Section(section(2, &[0; 65_536], 0))],
            "an id of 65536 bytes; 65535 are possible",
        ),
        (
            vec![default(), Record::Section(section(2, b"a", 1 << 31))],
            "2147483648 bytes; 2147483647 are possible",
        ),
    ];
    for (records, expected) in cases {
        let whole = file(&records);
        let (at, text) = fault(&whole);
        assert!(text.contains(expected), "{text}, not {expected}");
        assert!(at > HEADER as u64 && at < whole.len() as u64, "{at}");
    }
}

#[test]
fn a_record_that_claims_too_much_is_not_waited_for() {
    let mut bytes = file(&[])[..HEADER].to_vec();
    bytes.extend([CHECKPOINT, 0xff, 0xff, 0xff, 0xff]);
    let fault = Loader::new(bytes.as_slice()).unwrap().next().unwrap_err();
    assert_eq!(
        fault.to_string(),
        "byte 12: a record of 4294967295 bytes; at most 66000 are possible"
    );
}
