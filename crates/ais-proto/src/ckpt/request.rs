//! The requests to CKPT.

use super::{Attributes, Event, OpenFlags, ReadReply, Section, SectionsChosen, Status};
use crate::messages::requests;
use crate::{DecodeError, Name, Outcome, Reader, Writer};
use ais_wire::{Form, record};

record! {
    /// What to open and how.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Open {
        /// The name.
        pub name: Name,
        /// What the handle is for.
        pub flags: OpenFlags,
        /// How to make it if it is not there; `None` opens only what is.
        pub attributes: Option<Attributes>,
    }
}

record! {
    /// One element of a vector write.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct WriteElement<'a> {
        /// The section.
        pub id: &'a [u8],
        /// Where in the section, in bytes.
        pub offset: u64,
        /// What to put there.
        pub data: &'a [u8],
    }
}

record! {
    /// One element of a vector read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ReadElement<'a> {
        /// The section.
        pub id: &'a [u8],
        /// Where in the section, in bytes.
        pub offset: u64,
        /// How many bytes at most; `None` is up to the end of the section.
        pub size: Option<u32>,
    }
}

requests! {
    /// A request to CKPT.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Request<'a> {
        /// `saCkptCheckpointOpen`: the number of the open checkpoint.
        0x0301 Open(open: Open) -> u32: Change,
        /// `saCkptCheckpointOpenAsync`, on the connection of the library handle; then
        /// [`Event::Open`].
        0x0302 OpenAsync {
            /// Comes back in the event.
            tag: u32,
            /// What to open.
            open: Open,
        } -> (): Change => Outcome::event(*tag, |tag, error| {
            Event::Open { tag, result: Err(error) }.into()
        }),
        /// `saCkptCheckpointClose`.
        0x0303 Close {
            /// The open checkpoint; so in all that follow.
            checkpoint: u32,
        } -> (): Release,
        /// `saCkptCheckpointUnlink`.
        0x0304 Unlink {
            /// The name.
            name: Name,
        } -> (): Change,
        /// `saCkptCheckpointRetentionDurationSet`.
        0x0305 RetentionDurationSet {
            /// The open checkpoint.
            checkpoint: u32,
            /// Nanoseconds, not negative.
            duration: i64,
        } -> (): Change,
        /// `saCkptActiveCheckpointSet`.
        0x0306 ActiveSet {
            /// The open checkpoint.
            checkpoint: u32,
        } -> (): Change,
        /// `saCkptCheckpointStatusGet`.
        0x0307 StatusGet {
            /// The open checkpoint.
            checkpoint: u32,
        } -> Status: Other,
        /// `saCkptSectionCreate`: the id.
        0x0308 SectionCreate {
            /// The open checkpoint.
            checkpoint: u32,
            /// The id; `None` has one generated.
            id: Option<&'a [u8]>,
            /// `expirationTime` as the program gave it.
            expiration: i64,
            /// What it holds at first.
            data: &'a [u8] as Apart,
        } -> &'static [u8]: Change,
        /// `saCkptSectionDelete`.
        0x0309 SectionDelete {
            /// The open checkpoint.
            checkpoint: u32,
            /// The section.
            id: &'a [u8],
        } -> (): Change,
        /// `saCkptSectionExpirationTimeSet`.
        0x030a ExpirationTimeSet {
            /// The open checkpoint.
            checkpoint: u32,
            /// The section.
            id: &'a [u8],
            /// `expirationTime` as the program gave it.
            expiration: i64,
        } -> (): Change,
        /// `saCkptSectionIteratorInitialize`: the first cursor.
        0x030b IteratorStart {
            /// The open checkpoint.
            checkpoint: u32,
        } -> u64: Other,
        /// `saCkptSectionIteratorNext`: a section, whose number is the next cursor; `NOT_EXIST` at
        /// the end.
        0x030c IteratorNext {
            /// The open checkpoint.
            checkpoint: u32,
            /// Which sections to list.
            chosen: SectionsChosen,
            /// The time that `chosen` may compare with.
            expiration: i64,
            /// Sections below this number are still to come.
            cursor: u64,
        } -> Section: Other,
        /// `saCkptCheckpointWrite`: all or nothing. The reply with an error has the index of the
        /// failing element (u32), if one is to blame.
        0x030d Write {
            /// The open checkpoint.
            checkpoint: u32,
            /// The elements, in order.
            elements: Vec<WriteElement<'a>> as Apart,
        } -> (): Change,
        /// `saCkptSectionOverwrite`.
        0x030e Overwrite {
            /// The open checkpoint.
            checkpoint: u32,
            /// The section.
            id: &'a [u8],
            /// What it holds from then on.
            data: &'a [u8] as Apart,
        } -> (): Change,
        /// `saCkptCheckpointRead`. The reply with an error is as that of [`Request::Write`].
        0x030f Read {
            /// The open checkpoint.
            checkpoint: u32,
            /// The elements, in order.
            elements: Vec<ReadElement<'a>>,
        } -> ReadReply<'_>: Other,
        /// `saCkptCheckpointSynchronize`.
        0x0310 Synchronize {
            /// The open checkpoint.
            checkpoint: u32,
        } -> (): Other,
        /// `saCkptCheckpointSynchronizeAsync`, on the connection of the library handle; then
        /// [`Event::Synchronize`].
        0x0311 SynchronizeAsync {
            /// The open checkpoint.
            checkpoint: u32,
            /// Comes back in the event.
            tag: u32,
        } -> (): Other => Outcome::event(*tag, |tag, error| {
            Event::Synchronize { tag, result: Err(error) }.into()
        }),
    }
}

impl<'a> Request<'a> {
    /// The data that follows what [`Request::encode`] wrote, piece by piece.
    pub fn data(&self) -> impl Iterator<Item = &'a [u8]> {
        let (one, many): (Option<&'a [u8]>, &[WriteElement<'a>]) = match self {
            Self::SectionCreate { data, .. } | Self::Overwrite { data, .. } => (Some(data), &[]),
            Self::Write { elements, .. } => (None, elements),
            _ => (None, &[]),
        };
        one.into_iter().chain(many.iter().map(|element| element.data))
    }
}

/// Data that stands uncounted at the end of a request: [`Request::data`] has it, so that the
/// library hands it to the kernel from where the program keeps it.
enum Apart {}

impl<'a> Form<'a, &'a [u8]> for Apart {
    fn put(_value: &&'a [u8], _out: &mut Writer) {}

    fn take(input: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
        Ok(input.rest())
    }
}

/// All elements, each with the length of its data; then the data of all.
impl<'a> Form<'a, Vec<WriteElement<'a>>> for Apart {
    fn put(value: &Vec<WriteElement<'a>>, out: &mut Writer) {
        out.list(value, |out, element| {
            out.bytes(element.id).u64(element.offset).count(element.data.len());
        });
    }

    fn take(input: &mut Reader<'a>) -> Result<Vec<WriteElement<'a>>, DecodeError> {
        let heads = input.list(|input| Ok((input.bytes()?, input.u64()?, input.u32()?)))?;
        let mut elements = Vec::with_capacity(heads.len());
        for (id, offset, length) in heads {
            let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
            elements.push(WriteElement { id, offset, data: input.take(length)? });
        }
        Ok(elements)
    }
}
