//! A checkpoint in a file. `docs/CHECKPOINT-FILE.md` has the format; this is
//! version 1 of it. Nothing of a file is believed.

#[cfg(test)]
mod tests;

use ais_client::Name;
use ais_client::admin::NodeId;
use ais_client::ckpt::{Attributes, MAX_SECTION_ID, MAX_SECTION_SIZE};
use ais_wire::{DecodeError, Reader, Writer};
use crc32fast::Hasher;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

const MAGIC: &[u8; 8] = b"AISCKPT\0";
const VERSION: u32 = 1;
/// Bytes before the first record.
const HEADER: usize = 12;
/// Bytes before the body of a record: its kind and length.
const RECORD: usize = 5;
/// The longest body of a record: a section with the longest id, or the bytes
/// of a chunk.
const LONGEST: u32 = 66_000;

const CHECKPOINT: u8 = 1;
const SECTION: u8 = 2;
const BYTES: u8 = 3;
const END: u8 = 4;

/// What a file begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: Name,
    pub(super) attributes: Attributes,
    pub(super) colocated: bool,
    /// When it was exported, in nanoseconds since the epoch, and where.
    pub(super) exported: i64,
    pub(super) node: NodeId,
}

/// A section without what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its creation number; 0 is the default section.
    pub(super) number: u64,
    pub(super) id: Vec<u8>,
    pub(super) expiration: i64,
    pub(super) last_update: i64,
    pub(super) size: u32,
}

/// What stands in a file, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    Checkpoint(Head),
    Section(Section),
    /// What the last section holds at a place. All else is zeros.
    Bytes(u32, Vec<u8>),
    /// The end, and how many sections there were.
    End(u64),
}

/// Writes a file.
pub(super) struct Saver<W> {
    out: W,
    crc: Hasher,
    sections: u64,
}

impl<W: Write> Saver<W> {
    pub(super) fn new(out: W, head: &Head) -> io::Result<Self> {
        let mut saver = Self { out, crc: Hasher::new(), sections: 0 };
        let mut header = Writer::new();
        header.raw(MAGIC).u32(VERSION);
        saver.put(&header.into_bytes())?;
        saver.record(CHECKPOINT, |out| {
            out.name(&head.name);
            head.attributes.encode(out);
            out.bool(head.colocated).i64(head.exported).node(head.node);
        })?;
        Ok(saver)
    }

    pub(super) fn section(&mut self, section: &Section) -> io::Result<()> {
        self.sections += 1;
        self.record(SECTION, |out| {
            out.u64(section.number).bytes(&section.id);
            out.i64(section.expiration).i64(section.last_update).u32(section.size);
        })
    }

    /// What the last section holds, in order of the places.
    pub(super) fn bytes(&mut self, offset: u32, bytes: &[u8]) -> io::Result<()> {
        self.record(BYTES, |out| {
            out.u32(offset).raw(bytes);
        })
    }

    /// Ends the file; what it was written to comes back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let (sections, crc) = (self.sections, self.crc.clone().finalize());
        self.record(END, |out| {
            out.u64(sections).u32(crc);
        })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn record(&mut self, kind: u8, body: impl FnOnce(&mut Writer)) -> io::Result<()> {
        let mut bytes = Writer::new();
        body(&mut bytes);
        let bytes = bytes.into_bytes();
        let mut head = Writer::new();
        head.u8(kind).count(bytes.len());
        self.put(&head.into_bytes())?;
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.out.write_all(bytes)
    }
}

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The place of the record, or of what is no record.
    pub(super) at: u64,
    pub(super) text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.at, self.text)
    }
}

/// Reads a file, and checks that each record may stand where it does.
pub(super) struct Loader<R> {
    input: R,
    crc: Hasher,
    /// The place of the record that is read.
    at: u64,
    /// Bytes read.
    read: u64,
    is_begun: bool,
    sections: u64,
    ids: BTreeSet<Vec<u8>>,
    /// Number and size of the section that is read, and from where on its
    /// bytes may come.
    current: Option<(u64, u32, u32)>,
}

impl<R: Read> Loader<R> {
    /// # Errors
    /// A [`Fault`] if this is no such file, or of another version.
    pub(super) fn new(input: R) -> Result<Self, Fault> {
        let mut loader = Self {
            input,
            crc: Hasher::new(),
            at: 0,
            read: 0,
            is_begun: false,
            sections: 0,
            ids: BTreeSet::new(),
            current: None,
        };
        let header: [u8; HEADER] = loader.take()?;
        let mut input = Reader::new(&header);
        if input.take(MAGIC.len()) != Ok(MAGIC) {
            return Err(loader.fault("this is no exported checkpoint; it would begin with AISCKPT"));
        }
        match input.u32() {
            Ok(VERSION) => Ok(loader),
            version => {
                let version = version.unwrap_or_default();
                let text = format!("version {version} of the format; this aisctl reads {VERSION}");
                Err(loader.fault(text))
            }
        }
    }

    /// The next record. After the end there is none to be asked for.
    ///
    /// # Errors
    /// A [`Fault`] if there is none, or it does not belong here.
    pub(super) fn next(&mut self) -> Result<Record, Fault> {
        self.at = self.read;
        let crc = self.crc.clone().finalize();
        let head: [u8; RECORD] = self.take()?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            let text = format!("a record of {length} bytes; at most {LONGEST} are possible");
            return Err(self.fault(text));
        }
        let mut body = vec![0; length as usize];
        self.fill(&mut body)?;
        let mut input = Reader::new(&body);
        let record = match kind {
            CHECKPOINT => Self::head(&mut input).map(Record::Checkpoint),
            SECTION => Self::section(&mut input).map(Record::Section),
            BYTES => input.u32().map(|offset| Record::Bytes(offset, input.rest().to_vec())),
            END => return self.end(input, crc),
            kind => return Err(self.fault(format!("a record of the unknown kind {kind}"))),
        };
        match record.and_then(|record| input.finish().map(|()| record)) {
            Ok(record) => self.check(&record).map(|()| record),
            Err(_) => Err(self.fault("a record that cannot be read")),
        }
    }

    fn head(input: &mut Reader<'_>) -> Result<Head, DecodeError> {
        Ok(Head {
            name: input.name()?,
            attributes: Attributes::decode(input)?,
            colocated: input.bool()?,
            exported: input.i64()?,
            node: input.node()?,
        })
    }

    fn section(input: &mut Reader<'_>) -> Result<Section, DecodeError> {
        Ok(Section {
            number: input.u64()?,
            id: input.bytes()?.to_vec(),
            expiration: input.i64()?,
            last_update: input.i64()?,
            size: input.u32()?,
        })
    }

    fn end(&mut self, mut input: Reader<'_>, crc: u32) -> Result<Record, Fault> {
        let end = input.u64().and_then(|sections| Ok((sections, input.u32()?)));
        let end = end.and_then(|end| input.finish().map(|()| end));
        let sections = self.sections;
        match end {
            Err(_) => Err(self.fault("a record that cannot be read")),
            Ok((_, of)) if of != crc => {
                Err(self.fault(format!("the checksum of the file is {crc:08x}, not {of:08x}")))
            }
            Ok((of, _)) if of != sections || sections == 0 => {
                Err(self.fault(format!("the file has {sections} sections, not {of}")))
            }
            Ok(_) => {
                self.at = self.read;
                let mut more = [0];
                match self.input.read(&mut more) {
                    Ok(0) => Ok(Record::End(sections)),
                    Ok(_) => Err(self.fault("there is something after the end")),
                    Err(error) => Err(self.fault(error.to_string())),
                }
            }
        }
    }

    /// Whether a record may stand here.
    fn check(&mut self, record: &Record) -> Result<(), Fault> {
        if self.is_begun == matches!(record, Record::Checkpoint(_)) {
            return Err(self.fault("the first record, and no other, is about the checkpoint"));
        }
        match record {
            Record::Checkpoint(head) if head.attributes.retention_duration < 0 => {
                Err(self.fault("a negative retention duration"))
            }
            Record::Checkpoint(_) => {
                self.is_begun = true;
                Ok(())
            }
            Record::Section(section) => self.check_section(section),
            Record::Bytes(offset, bytes) => self.check_bytes(*offset, bytes.len()),
            Record::End(_) => Ok(()),
        }
    }

    fn check_section(&mut self, section: &Section) -> Result<(), Fault> {
        let Section { number, id, size, .. } = section;
        let is_default = *number == 0;
        if is_default != (self.sections == 0) || is_default != id.is_empty() {
            return Err(self.fault("the default section comes first, has number 0 and no id"));
        }
        if let Some((last, ..)) = self.current.filter(|(last, ..)| last >= number) {
            let text = format!("section {number} after {last}; the numbers only grow");
            return Err(self.fault(text));
        }
        if id.len() > MAX_SECTION_ID {
            let length = id.len();
            return Err(
                self.fault(format!("an id of {length} bytes; {MAX_SECTION_ID} are possible"))
            );
        }
        if u64::from(*size) > MAX_SECTION_SIZE {
            return Err(self.fault(format!("{size} bytes; {MAX_SECTION_SIZE} are possible")));
        }
        if !self.ids.insert(id.clone()) {
            let text = format!("a second section with the id {}", crate::escape::shown(id));
            return Err(self.fault(text));
        }
        self.sections += 1;
        self.current = Some((*number, *size, 0));
        Ok(())
    }

    fn check_bytes(&mut self, offset: u32, length: usize) -> Result<(), Fault> {
        let Some((number, size, from)) = self.current else {
            return Err(self.fault("bytes before the first section"));
        };
        let end = u64::from(offset) + length as u64;
        if length == 0 || offset < from || end > u64::from(size) {
            let text = format!(
                "bytes {offset} to {end} of a section that has {size}, after those before {from}"
            );
            return Err(self.fault(text));
        }
        // It is within the size.
        self.current = Some((number, size, end as u32));
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof if self.read == 0 => {
                self.fault("the file ends before its first record: it is empty, or no export")
            }
            ErrorKind::UnexpectedEof => self.fault("the file ends before its last record does"),
            _ => self.fault(error.to_string()),
        })?;
        self.crc.update(bytes);
        self.read += bytes.len() as u64;
        Ok(())
    }

    fn fault(&self, text: impl Into<String>) -> Fault {
        Fault { at: self.at, text: text.into() }
    }
}
