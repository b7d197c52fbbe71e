//! `aisctl ckpt import`: a new checkpoint from a file. The whole file is
//! checked before anything is made. What is made has no retention duration
//! until it is complete, so that nothing of it stays if that does not come to
//! pass, also if this process is killed.

use super::file::{Head, Record, Section};
use super::source::Source;
use super::{now, take};
use crate::given::{Given, Setting, number};
use crate::show::units;
use crate::{Failure, explain, output};
use ais_client::admin::Inspection;
use ais_client::ckpt::{
    Attributes, Checkpoint, Open, OpenFlags, UpdateOption, WriteElement, deadline,
};
use ais_client::{AisError, Name};
use nix::poll::{PollTimeout, poll};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

const SECOND: u64 = 1_000_000_000;
/// Seconds of a retention duration at most.
const MAX_RETENTION: u64 = i64::MAX.cast_unsigned() / SECOND;

/// How often a call is made again that could not be made just then, and the
/// milliseconds between.
const TRIES: u32 = 500;
const PAUSE: u16 = 10;

pub(crate) fn run(given: &Given) -> Result<ExitCode, Failure> {
    let name = given.given(1).map(|_| given.name(1)).transpose()?;
    let retention = match given.setting(Setting::Retention) {
        // It is below the maximum.
        Some(seconds) => {
            Some(number(seconds, "SECONDS", 0..=MAX_RETENTION)? as i64 * SECOND as i64)
        }
        None => None,
    };
    let mut source = Source::open(Path::new(given.value(0)))?;
    let head = check(&mut source)?;
    let name = name.unwrap_or_else(|| head.name.clone());
    let retention = retention.unwrap_or(head.attributes.retention_duration);
    if retention == 0 {
        return Err(Failure::Words(format!(
            "\"{name}\" has a retention duration of 0 and would be gone as soon as it is imported; \
             give --retention SECONDS, long enough for a program to open it"
        )));
    }
    is_free(&name)?;
    let attributes = Attributes { retention_duration: 0, ..head.attributes };
    let mut import = Import::begin(&name, attributes, head.colocated).map_err(told)?;
    let filled = source.read(|record| import.take(record)).and_then(|()| import.keep(retention));
    if let Err(failure) = filled {
        // If that fails the end of this process closes it.
        let _ = import.checkpoint.close();
        return Err(Failure::Words(format!("{}; nothing of it is left", explain::words(&failure))));
    }
    retry(|| import.checkpoint.close())?;
    output::print(&import.told(&name, &head, retention))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a whole file; its head.
fn check(source: &mut Source) -> Result<Head, Failure> {
    let mut head = None;
    source.read(|record| {
        if let Record::Checkpoint(of) = record {
            head = Some(of);
        }
        Ok(())
    })?;
    // There is a head, or the sections would not have been taken.
    head.ok_or(AisError::Library.into())
}

/// Whether a checkpoint of this name can be made.
fn is_free(name: &Name) -> Result<(), Failure> {
    let taken = match Inspection::take(name.clone()) {
        Err(AisError::NotExist) => return Ok(()),
        // That others look into checkpoints is told as by the other verbs.
        Err(AisError::Busy) => take(name)?,
        Err(error) => return Err(error.into()),
        Ok(taken) => taken,
    };
    let way = if taken.inspected().checkpoint.unlinked {
        "it is unlinked and still open (`aisctl ckpt refs` names by whom), and goes with its last \
         close"
    } else {
        "have a program unlink that one first (saCkptCheckpointUnlink)"
    };
    Err(Failure::Words(format!(
        "there is a checkpoint \"{name}\" already; import it under another name, or {way}; nothing \
         was changed"
    )))
}

/// What people are told of an error of aisexec.
fn told(error: AisError) -> Failure {
    match error {
        AisError::NoSpace => Failure::Words(
            "aisexec has no room for it: checkpoint-memory, max-checkpoints, max-sections or \
             max-message of network.conf is reached, and its log says which (SA_ERR_NO_SPACE)"
                .into(),
        ),
        error => error.into(),
    }
}

/// Makes a call again while the cluster cannot take it.
fn retry<T>(mut call: impl FnMut() -> Result<T, AisError>) -> Result<T, AisError> {
    for _ in 1..TRIES {
        match call() {
            Err(AisError::TryAgain) => {
                let _ = poll(&mut [], PollTimeout::from(PAUSE));
            }
            result => return result,
        }
    }
    call()
}

/// A checkpoint that is being made.
struct Import {
    checkpoint: Arc<Checkpoint>,
    /// The section that is filled, and from where on it is not.
    section: Option<(Section, u32)>,
    sections: u64,
    bytes: u64,
    /// Sections whose time has come since they were exported.
    expired: u64,
}

impl Import {
    fn begin(name: &Name, attributes: Attributes, colocated: bool) -> Result<Self, AisError> {
        let mut flags = OpenFlags::WRITE;
        flags.set(OpenFlags::COLOCATED, colocated);
        let open = Open { name: name.clone(), attributes: Some(attributes), flags };
        let checkpoint = retry(|| ais_client::ckpt::open(open.clone(), None))?;
        if colocated && attributes.option != UpdateOption::AllReplicas {
            // With strict limits nothing can be written to it without an
            // active replica.
            if let Err(error) = retry(|| checkpoint.set_active()) {
                let _ = checkpoint.close();
                return Err(error);
            }
        }
        Ok(Self { checkpoint, section: None, sections: 0, bytes: 0, expired: 0 })
    }

    fn take(&mut self, record: Record) -> Result<(), Failure> {
        match record {
            Record::Checkpoint(_) => Ok(()),
            Record::Section(next) => {
                self.end_section()?;
                self.begin_section(next)
            }
            Record::Bytes(offset, bytes) => {
                let Some((section, end)) = &mut self.section else { return Ok(()) };
                // It is within the size of the section.
                *end = offset + bytes.len() as u32;
                let section = section.clone();
                self.write(&section, offset, &bytes)
            }
            Record::End(_) => self.end_section(),
        }
    }

    fn begin_section(&mut self, next: Section) -> Result<(), Failure> {
        if deadline(next.expiration).is_some_and(|at| at <= now()) {
            self.expired += 1;
            return Ok(());
        }
        if next.number != 0 {
            let id = Some(next.id.as_slice());
            let create = || self.checkpoint.create_section(id, next.expiration, b"");
            retry(create).map_err(told)?;
        }
        self.sections += 1;
        self.bytes += u64::from(next.size);
        self.section = Some((next, 0));
        Ok(())
    }

    /// A section that ends with zeros is as long as they say.
    fn end_section(&mut self) -> Result<(), Failure> {
        match self.section.take() {
            Some((section, end)) if end < section.size => {
                self.write(&section, section.size - 1, &[0])
            }
            _ => Ok(()),
        }
    }

    fn write(&self, section: &Section, offset: u32, data: &[u8]) -> Result<(), Failure> {
        let (id, offset) = (section.id.as_slice(), offset.into());
        let write = || {
            let element = WriteElement { id, offset, data };
            self.checkpoint.write(vec![element]).map_err(|failure| failure.error)
        };
        match retry(write) {
            // Its time has come meanwhile.
            Err(AisError::NotExist) if deadline(section.expiration).is_some() => Ok(()),
            result => result.map_err(told),
        }
    }

    /// It is complete, and outlives this process.
    fn keep(&self, retention: i64) -> Result<(), Failure> {
        retry(|| self.checkpoint.set_retention_duration(retention)).map_err(told)
    }

    /// What was made, and what becomes of it.
    fn told(&self, name: &Name, head: &Head, retention: i64) -> String {
        let Self { sections, bytes, expired, .. } = self;
        let Head { node, exported, .. } = head;
        let stays = match retention {
            i64::MAX => "it stays until it is unlinked".into(),
            _ => {
                let (end, retention) =
                    (now().saturating_add(retention), units::retention(retention));
                format!(
                    "it is gone after {retention}, at {}, unless a program opens it before; after \
                     the last close of that it stays {retention} again",
                    units::date(end)
                )
            }
        };
        let expired = match expired {
            0 => String::new(),
            1 => "; one section was left out, as its time has come".into(),
            count => format!("; {count} sections were left out, as their time has come"),
        };
        format!(
            "\"{name}\" is there, with {sections} sections and {bytes} bytes, as node {node} \
             exported it at {}{expired}\nnobody has it open: {stays}\n",
            units::date(*exported)
        )
    }
}
