//! The bytes that messages between nodes have had since they were written down in
//! `golden.txt`, by service: another field, another order or another width is another
//! version of the ring.

const GOLDEN: &str = include_str!("golden.txt");

/// Holds messages, each with its name, to the part of the table with this heading.
pub(crate) fn assert_golden(heading: &str, messages: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let line = |(name, bytes): (String, Vec<u8>)| {
        let name = name.split(|of: char| !of.is_alphanumeric()).next().unwrap_or_default();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{heading} {name} 0x{hex}")
    };
    let lines: Vec<_> = messages.into_iter().map(line).collect();
    let is_of_heading = |line: &&str| line.split(' ').next() == Some(heading);
    let golden: Vec<_> = GOLDEN.lines().filter(is_of_heading).collect();
    assert_eq!(lines, golden, "the lines would be\n{}", lines.join("\n"));
}
