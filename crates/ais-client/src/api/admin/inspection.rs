//! One checkpoint, as it is at one moment.

use super::Handle;
use crate::sys::deadline::Deadline;
use ais_proto::admin::{Event, Inspected, Opener, Page, Piece, Request};
use ais_proto::ckpt::Section;
use ais_proto::{AisError, Name, NodeId, Reader};
use std::collections::BTreeMap;
use std::time::Duration;

/// A checkpoint that was taken as it was; programs go on and notice nothing.
/// It is given back when this is dropped.
#[derive(Debug)]
pub struct Inspection {
    handle: Handle,
    inspected: Inspected,
}

impl Inspection {
    /// Takes the checkpoint with this name, unlinked or not.
    ///
    /// # Errors
    /// `NotExist` if there is none, `Busy` if too many are taken; and as
    /// [`status`](super::status).
    pub fn take(name: Name) -> Result<Self, AisError> {
        let mut handle = Handle::open()?;
        let inspected = handle.call(Request::Inspect { name }, Inspected::decode)?;
        Ok(Self { handle, inspected })
    }

    /// All but the sections.
    #[must_use]
    pub fn inspected(&self) -> &Inspected {
        &self.inspected
    }

    /// The processes that have the checkpoint open, by node; those of nodes
    /// that do not answer in time are not there.
    ///
    /// # Errors
    /// As [`status`](super::status).
    pub fn openers(
        &mut self,
        patience: Duration,
    ) -> Result<BTreeMap<NodeId, Vec<Opener>>, AisError> {
        let name = self.inspected.checkpoint.name.clone();
        self.handle.call(Request::AskOpeners { name }, |_| Ok(()))?;
        let deadline = Deadline::after(patience);
        let references = &self.inspected.checkpoint.references;
        let mut found = BTreeMap::new();
        while references.iter().any(|(node, _)| !found.contains_key(node)) {
            match self.handle.event(deadline)? {
                Some(Event::Openers { node, openers }) => {
                    found.insert(node, openers);
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(found)
    }

    /// Some sections from this number on, the oldest first; the default
    /// section is number 0.
    ///
    /// # Errors
    /// As [`status`](super::status).
    pub fn sections(&mut self, first: u64) -> Result<Page<Section>, AisError> {
        self.handle.call(Request::InspectSections { first }, |input| {
            Page::decode(input, |input| Section::decode(input.bytes()?))
        })
    }

    /// The first bytes of a section that are stored at or after a place; none
    /// if only zeros follow.
    ///
    /// # Errors
    /// As [`status`](super::status).
    pub fn piece(&mut self, section: u64, offset: u32) -> Result<Option<Piece>, AisError> {
        let request = Request::InspectBytes { section, offset };
        self.handle.call(request, |input: &mut Reader<'_>| input.option(Piece::decode))
    }
}
