//! `aisctl ckpt export`: a checkpoint as it is at one moment, into a file.

use super::file::{Head, Saver, Section};
use super::part::Part;
use super::target::Target;
use super::{now, take, target, told};
use crate::given::Given;
use crate::{Failure, escape, output};
use ais_client::admin::Inspection;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(given: &Given) -> Result<ExitCode, Failure> {
    let (name, path) = (given.name(0)?, Path::new(given.value(1)));
    let target = target::of(path)?;
    let node = ais_client::admin::status()?.node;
    let mut inspection = take(&name)?;
    let inspected = inspection.inspected();
    let head = Head {
        name,
        attributes: inspected.attributes,
        colocated: inspected.colocated,
        exported: now(),
        node,
    };
    let saved = match target {
        Target::Output => {
            let out = output::stdout()?;
            no_terminal(&out, "standard output")?;
            let (_, out) = save(&mut inspection, &head, out, Failure::Output)?;
            output::finish(out)?;
            // What is to be said would stand in the middle of it.
            return Ok(ExitCode::SUCCESS);
        }
        Target::Special(path) => {
            let failure = |error| told(&path, &error);
            let out = OpenOptions::new().write(true).truncate(true).open(&path).map_err(failure)?;
            no_terminal(&out, &escape::path(&path))?;
            save(&mut inspection, &head, out, failure)?.0
        }
        Target::File(path) => {
            let part = Part::beside(&path)?;
            let failure = |error| part.failure(&error);
            let out = part.writer().map_err(failure)?;
            let (saved, _) = save(&mut inspection, &head, out, failure)?;
            part.complete()?;
            saved
        }
    };
    output::print(&format!(
        "{}: {} sections with {} bytes of \"{}\"\n",
        escape::path(path),
        saved.sections,
        saved.bytes,
        head.name
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What a checkpoint holds is for no terminal.
fn no_terminal(out: &File, what: &str) -> Result<(), Failure> {
    if out.is_terminal() {
        return Err(Failure::Words(format!(
            "{what} is a terminal; the checkpoint is bytes that may command it, so name a file"
        )));
    }
    Ok(())
}

/// What went into a file.
struct Saved {
    sections: u64,
    bytes: u64,
}

/// Writes all of it; what it was written to comes back. `failure` is what an
/// error of that is.
fn save(
    inspection: &mut Inspection,
    head: &Head,
    out: File,
    failure: impl Fn(io::Error) -> Failure,
) -> Result<(Saved, File), Failure> {
    let mut saver = Saver::new(BufWriter::new(out), head).map_err(&failure)?;
    let (mut first, mut saved) = (0, Saved { sections: 0, bytes: 0 });
    loop {
        let page = inspection.sections(first)?;
        let Some(last) = page.items.last() else { break };
        first = last.number + 1;
        for section in page.items {
            let ais_client::ckpt::Section { number, id, expiration, size, last_update, .. } =
                section;
            let section = Section { number, id, expiration, last_update, size };
            saver.section(&section).map_err(&failure)?;
            saved.sections += 1;
            saved.bytes += u64::from(size);
            let mut offset = 0;
            while let Some(piece) = inspection.piece(number, offset)? {
                saver.bytes(piece.offset, &piece.bytes).map_err(&failure)?;
                // A section has less than 2^31 bytes.
                offset = piece.offset.saturating_add(piece.bytes.len() as u32);
            }
        }
        if !page.more {
            break;
        }
    }
    let out = saver.finish().map_err(&failure)?;
    let out = out.into_inner().map_err(|error| failure(error.into_error()))?;
    Ok((saved, out))
}
