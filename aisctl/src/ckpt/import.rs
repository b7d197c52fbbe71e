//! `aisctl ckpt import`: a new checkpoint from a file. The whole file is
//! checked before anything is made, and what cannot be finished is taken away
//! again.

use super::escape;
use super::export::told;
use super::file::{Fault, Head, Loader, Record, Section};
use crate::{Failure, Usage};
use ais::admin::Inspection;
use ais::ckpt::{Attributes, Checkpoint, Open, OpenFlags, UpdateOption, WriteElement, deadline};
use ais::{AisError, Name};
use nix::poll::{PollTimeout, poll};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What to import, and as what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    path: PathBuf,
    /// Another name than that in the file.
    name: Option<Name>,
    /// Another retention duration, in nanoseconds.
    retention: Option<i64>,
}

/// How often a call is made again that could not be made just then, and the
/// milliseconds between.
const TRIES: u32 = 500;
const PAUSE: u16 = 10;

pub(super) fn parse(arguments: &[&str]) -> Result<Order, Usage> {
    let (rest, retention) = match arguments {
        [rest @ .., "--retention", seconds] => {
            let seconds: Option<i64> = seconds.parse().ok().filter(|seconds| *seconds >= 0);
            let ns = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000));
            let wrong = || Usage("--retention wants whole seconds".into());
            (rest, Some(ns.ok_or_else(wrong)?))
        }
        rest => (rest, None),
    };
    let (path, name) = match rest {
        [path] => (path, None),
        [path, name] => (path, Some(escape::name(name)?)),
        _ => return Err(Usage("ckpt import wants FILE [NAME] [--retention SECONDS]".into())),
    };
    Ok(Order { path: path.into(), name, retention })
}

pub(super) fn run(order: &Order) -> Result<ExitCode, Failure> {
    let head = check(&order.path)?;
    let name = order.name.clone().unwrap_or_else(|| head.name.clone());
    let retention_duration = order.retention.unwrap_or(head.attributes.retention_duration);
    if retention_duration == 0 {
        return Err(Failure::Words(format!(
            "\"{name}\" has a retention duration of 0 and would be gone as soon as it is imported; \
             give --retention SECONDS, long enough for a program to open it"
        )));
    }
    match Inspection::take(name.clone()) {
        Err(AisError::NotExist) => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {
            return Err(Failure::Words(format!(
                "there is a checkpoint \"{name}\" already; import it under another name, or unlink \
                 that one first"
            )));
        }
    }
    let attributes = Attributes { retention_duration, ..head.attributes };
    let import = Import::begin(&name, attributes, head.colocated)?;
    match import.fill(&order.path) {
        Ok(()) => {}
        Err(failure) => {
            import.abandon(&name);
            return Err(failure);
        }
    }
    retry(|| import.checkpoint.close())?;
    crate::print(&format!("\"{name}\" is there, and is retained until a program opens it\n"))
}

/// Reads a whole file; its head.
fn check(path: &Path) -> Result<Head, Failure> {
    let mut loader = open_file(path)?;
    let mut head = None;
    loop {
        match loader.next().map_err(|fault| wrong(path, &fault))? {
            Record::Checkpoint(of) => head = Some(of),
            Record::Section(_) | Record::Bytes(..) => {}
            // There is a head, or the sections would not have been taken.
            Record::End(_) => return head.ok_or(AisError::Library.into()),
        }
    }
}

fn open_file(path: &Path) -> Result<Loader<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| told(path, &error))?;
    Loader::new(BufReader::new(file)).map_err(|fault| wrong(path, &fault))
}

fn wrong(path: &Path, fault: &Fault) -> Failure {
    Failure::Words(format!("{}: {fault}", path.display()))
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
}

impl Import {
    fn begin(name: &Name, attributes: Attributes, colocated: bool) -> Result<Self, Failure> {
        let mut flags = OpenFlags::WRITE;
        flags.set(OpenFlags::COLOCATED, colocated);
        let open = Open { name: name.clone(), attributes: Some(attributes), flags };
        let checkpoint = retry(|| ais::ckpt::open(open.clone(), None))?;
        let import = Self { checkpoint };
        if colocated && attributes.option != UpdateOption::AllReplicas {
            // Nothing can be written to it without an active replica.
            if let Err(error) = retry(|| import.checkpoint.set_active()) {
                import.abandon(name);
                return Err(error.into());
            }
        }
        Ok(import)
    }

    fn fill(&self, path: &Path) -> Result<(), Failure> {
        let mut loader = open_file(path)?;
        let mut section = None;
        loop {
            match loader.next().map_err(|fault| wrong(path, &fault))? {
                Record::Checkpoint(_) => {}
                Record::Section(next) => {
                    self.end_section(section.take())?;
                    if next.number != 0 {
                        let id = Some(next.id.as_slice());
                        let create =
                            || self.checkpoint.create_section(id, next.expiration, b"", |_| {});
                        retry(create)?;
                    }
                    section = Some((next, 0));
                }
                Record::Bytes(offset, bytes) => {
                    if let Some((section, end)) = &mut section {
                        self.write(section, offset, &bytes)?;
                        // It is within the size of the section.
                        *end = offset + bytes.len() as u32;
                    }
                }
                Record::End(_) => return self.end_section(section),
            }
        }
    }

    /// A section that ends with zeros is as long as they say.
    fn end_section(&self, section: Option<(Section, u32)>) -> Result<(), Failure> {
        match section {
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
            // Its time has come since it was exported.
            Err(AisError::NotExist) if deadline(section.expiration).is_some() => Ok(()),
            result => Ok(result?),
        }
    }

    /// Takes away what is there of it.
    fn abandon(&self, name: &Name) {
        // If that fails too it stays until its retention is over.
        let _ = retry(|| ais::ckpt::unlink(name.clone()));
        let _ = self.checkpoint.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_what_it_says() {
        let order = |name: Option<&str>, retention| Order {
            path: "f".into(),
            name: name.map(|name| Name::try_from(name).unwrap()),
            retention,
        };
        assert_eq!(parse(&["f"]), Ok(order(None, None)));
        assert_eq!(parse(&["f", "\\x41"]), Ok(order(Some("A"), None)));
        let with = parse(&["f", "A", "--retention", "5"]);
        assert_eq!(with, Ok(order(Some("A"), Some(5_000_000_000))));
        for wrong in [
            &[][..],
            &["f", "a", "b"],
            &["f", "--retention", "-1"],
            &["f", "--retention", "9999999999999"],
            &["--retention", "5"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
