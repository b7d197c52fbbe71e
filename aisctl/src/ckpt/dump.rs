//! `aisctl ckpt dump`: what a section holds.

use super::hex::Hex;
use super::take;
use crate::given::Given;
use crate::{Failure, escape, output};
use ais_client::Name;
use ais_client::admin::Inspection;
use ais_client::ckpt::Section;
use std::io::BufWriter;
use std::process::ExitCode;

/// Which bytes of which section.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    name: Name,
    section: Vec<u8>,
    offset: u64,
    count: u64,
}

fn parse(given: &Given) -> Result<Range, Failure> {
    let number = |place, what, default| match given.given(place) {
        Some(_) => given.number(place, what, 0..=u64::MAX),
        None => Ok(default),
    };
    Ok(Range {
        name: given.name(0)?,
        section: escape::bytes(given.value(1)).map_err(Failure::Usage)?,
        offset: number(2, "OFFSET", 0)?,
        count: number(3, "COUNT", u64::MAX)?,
    })
}

pub(crate) fn run(given: &Given) -> Result<ExitCode, Failure> {
    let range = parse(given)?;
    let mut inspection = take(&range.name)?;
    let section = find(&mut inspection, &range)?;
    let size = u64::from(section.size);
    if range.offset > size {
        let offset = range.offset;
        return Err(Failure::Words(format!("the section has {size} bytes, none at {offset}")));
    }
    let end = range.offset.saturating_add(range.count).min(size);
    let mut hex = Hex::new(BufWriter::new(output::stdout()?), range.offset);
    let mut at = range.offset;
    while at < end {
        // It is below the size, which has 32 bits.
        let piece = inspection.piece(section.number, at as u32)?;
        let (start, bytes) = piece.map_or((end, Vec::new()), |of| (of.offset.into(), of.bytes));
        let start = end.min(start);
        let bytes = &bytes[..bytes.len().min((end - start) as usize)];
        hex.zeros(start - at).and_then(|()| hex.push(bytes)).map_err(Failure::Output)?;
        at = start + bytes.len() as u64;
    }
    let out = hex.finish().map_err(Failure::Output)?;
    output::finish(out.into_inner().map_err(|error| Failure::Output(error.into_error()))?)?;
    Ok(ExitCode::SUCCESS)
}

fn find(inspection: &mut Inspection, range: &Range) -> Result<Section, Failure> {
    let (mut first, mut ids) = (0, Vec::new());
    loop {
        let page = inspection.sections(first)?;
        let last = page.items.last().map(|last| last.number);
        for section in page.items {
            if section.id == range.section {
                return Ok(section);
            }
            ids.push(format!("\"{}\"", escape::shown(&section.id)));
        }
        first = match last.filter(|_| page.more) {
            Some(last) => last + 1,
            None => {
                let id = escape::shown(&range.section);
                let known = escape::some_of(ids.into_iter(), "`aisctl ckpt sections`");
                let name = &range.name;
                let text = format!("checkpoint \"{name}\" has no section \"{id}\"; it has {known}");
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
        let given = |words: &[&str]| Given::of(&[&["ckpt", "dump"], words].concat());
        assert_eq!(parse(&given(&["a", ""])).unwrap(), range("", 0, u64::MAX));
        assert_eq!(parse(&given(&["a", "\\x01", "5", "6"])).unwrap(), range("\x01", 5, 6));
        for wrong in [&["a", "b", "x"][..], &["a", "b", "-1"], &["a", "b", "1", "1k"], &["a", "\\"]]
        {
            assert!(matches!(parse(&given(wrong)), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }
}
