//! `aisctl ckpt export`: a checkpoint as it is at one moment, into a file.

use super::file::{Head, Saver, Section};
use super::{now, take};
use crate::Failure;
use ais::Name;
use ais::admin::Inspection;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The file is complete or it is not there: until it is complete it has
/// another name.
pub(super) fn run(name: Name, path: &Path) -> Result<ExitCode, Failure> {
    let node = ais::admin::status()?.node;
    let mut inspection = take(&name)?;
    let inspected = inspection.inspected();
    let head = Head {
        name,
        attributes: inspected.attributes,
        colocated: inspected.colocated,
        exported: now(),
        node,
    };
    let part = part_of(path);
    let sections = save(&mut inspection, &head, &part).and_then(|sections| {
        fs::rename(&part, path).map_err(|error| told(path, &error))?;
        Ok(sections)
    });
    match sections {
        Ok((sections, bytes)) => crate::print(&format!(
            "{}: {sections} sections with {bytes} bytes of \"{}\"\n",
            path.display(),
            head.name
        )),
        Err(failure) => {
            // It may not be there at all.
            let _ = fs::remove_file(&part);
            Err(failure)
        }
    }
}

fn save(inspection: &mut Inspection, head: &Head, part: &Path) -> Result<(u64, u64), Failure> {
    let in_words = |error| told(part, &error);
    let out = BufWriter::new(File::create(part).map_err(in_words)?);
    let mut saver = Saver::new(out, head).map_err(in_words)?;
    let (mut first, mut sections, mut bytes) = (0, 0, 0);
    loop {
        let page = inspection.sections(first)?;
        let Some(last) = page.items.last() else { break };
        first = last.number + 1;
        for section in page.items {
            let ais::ckpt::Section { number, id, expiration, size, last_update, .. } = section;
            saver
                .section(&Section { number, id, expiration, last_update, size })
                .map_err(in_words)?;
            sections += 1;
            bytes += u64::from(size);
            let mut offset = 0;
            while let Some(piece) = inspection.piece(number, offset)? {
                saver.bytes(piece.offset, &piece.bytes).map_err(in_words)?;
                // A section has less than 2^31 bytes.
                offset = piece.offset.saturating_add(piece.bytes.len() as u32);
            }
        }
        if !page.more {
            break;
        }
    }
    let out = saver.finish().map_err(in_words)?;
    let file = out.into_inner().map_err(|error| told(part, error.error()))?;
    file.sync_all().map_err(in_words)?;
    Ok((sections, bytes))
}

/// What the file is called until it is complete.
fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    name.into()
}

pub(super) fn told(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Words(format!("{}: {error}", path.display()))
}
