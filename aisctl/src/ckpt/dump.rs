//! `aisctl ckpt dump`: what a section holds.

use super::hex::Hex;
use super::{escape, take};
use crate::{Failure, Usage};
use ais::Name;
use ais::admin::Inspection;
use ais::ckpt::Section;
use std::io::{self, BufWriter};
use std::process::ExitCode;

/// Which bytes of which section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range {
    name: Name,
    section: Vec<u8>,
    offset: u64,
    count: u64,
}

pub(super) fn parse(arguments: &[&str]) -> Result<Range, Usage> {
    let (name, section, rest) = match arguments {
        [name, section, rest @ ..] if rest.len() <= 2 => (name, section, rest),
        _ => return Err(Usage("ckpt dump wants NAME SECTION [OFFSET [COUNT]]".into())),
    };
    let number = |text: &&str| {
        text.parse().map_err(|_| Usage(format!("\"{text}\" is not a number of bytes")))
    };
    Ok(Range {
        name: escape::name(name)?,
        section: escape::bytes(section)?,
        offset: rest.first().map_or(Ok(0), number)?,
        count: rest.get(1).map_or(Ok(u64::MAX), number)?,
    })
}

pub(super) fn run(range: Range) -> Result<ExitCode, Failure> {
    let mut inspection = take(&range.name)?;
    let section = find(&mut inspection, &range)?;
    let size = u64::from(section.size);
    if range.offset > size {
        let offset = range.offset;
        return Err(Failure::Words(format!("the section has {size} bytes, none at {offset}")));
    }
    let end = range.offset.saturating_add(range.count).min(size);
    let out = BufWriter::new(io::stdout().lock());
    let mut hex = Hex::new(out, range.offset);
    let mut at = range.offset;
    while at < end {
        // It is below the size, which has 32 bits.
        let piece = inspection.piece(section.number, at as u32)?;
        let (start, bytes) = piece.map_or((end, Vec::new()), |of| (of.offset.into(), of.bytes));
        let start = end.min(start);
        let bytes = &bytes[..bytes.len().min((end - start) as usize)];
        if hex.zeros(start - at).and_then(|()| hex.push(bytes)).is_err() {
            // Who reads it has seen enough.
            return Ok(ExitCode::SUCCESS);
        }
        at = start + bytes.len() as u64;
    }
    let _ = hex.finish();
    Ok(ExitCode::SUCCESS)
}

fn find(inspection: &mut Inspection, range: &Range) -> Result<Section, Failure> {
    let mut first = 0;
    loop {
        let page = inspection.sections(first)?;
        let last = page.items.last().map(|last| last.number);
        if let Some(section) = page.items.into_iter().find(|section| section.id == range.section) {
            return Ok(section);
        }
        first = match last.filter(|_| page.more) {
            Some(last) => last + 1,
            None => {
                let id = escape::shown(&range.section);
                let text = format!("checkpoint \"{}\" has no section \"{id}\"", range.name);
                return Err(Failure::Words(text));
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_it_says() {
        let range = |section: &str, offset, count| Range {
            name: Name::try_from("a").unwrap(),
            section: section.as_bytes().to_vec(),
            offset,
            count,
        };
        assert_eq!(parse(&["a", ""]), Ok(range("", 0, u64::MAX)));
        assert_eq!(parse(&["a", "\\x01", "5", "6"]), Ok(range("\x01", 5, 6)));
        for wrong in [&["a"][..], &["a", "b", "x"], &["a", "b", "-1"], &["a", "b", "1", "2", "3"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
