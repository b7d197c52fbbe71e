//! What the checkpoints should hold: the simplest model there is, fed with the
//! requests and the results that the node gave.

use ais_proto::AisError;
use ais_proto::ckpt::{ReadReply, Request};
use std::collections::BTreeMap;

/// One checkpoint that is open the whole time, by section id.
#[derive(Debug, Default)]
pub(crate) struct Model {
    sections: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { sections: BTreeMap::from([(Vec::new(), Vec::new())]) }
    }

    /// Checks the result of a request, and does to the model what the request
    /// did to the node.
    pub(crate) fn check(
        &mut self,
        request: &Request<'_>,
        result: Result<(), AisError>,
        body: &[u8],
    ) -> Result<(), String> {
        let expected = self.expect(request);
        if result != expected {
            return Err(format!("{request:?} gave {result:?}, the model says {expected:?}"));
        }
        if result.is_err() {
            return Ok(());
        }
        match request {
            Request::SectionCreate { id: Some(id), data, .. }
            | Request::Overwrite { id, data, .. } => {
                self.sections.insert(id.to_vec(), data.to_vec());
            }
            Request::SectionDelete { id, .. } => {
                self.sections.remove(*id);
            }
            Request::Write { elements, .. } => {
                for element in elements {
                    let section = self.sections.entry(element.id.to_vec()).or_default();
                    let start = element.offset as usize;
                    let end = start + element.data.len();
                    section.resize(section.len().max(end), 0);
                    section[start..end].copy_from_slice(element.data);
                }
            }
            Request::Read { elements, .. } => {
                let reply = ReadReply::decode(body).map_err(|error| error.to_string())?;
                for (element, piece) in elements.iter().zip(reply.pieces()) {
                    let section = &self.sections[element.id];
                    let start = element.offset as usize;
                    let most = element.size.unwrap_or(u32::MAX) as usize;
                    let end = section.len().min(start.saturating_add(most));
                    if piece != &section[start..end] {
                        return Err(format!("{request:?} read {} wrong bytes", piece.len()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What the node has to answer.
    fn expect(&self, request: &Request<'_>) -> Result<(), AisError> {
        match request {
            Request::SectionCreate { id: Some(id), .. } if self.sections.contains_key(*id) => {
                Err(AisError::Exist)
            }
            Request::SectionDelete { id: [], .. } => Err(AisError::InvalidParam),
            Request::SectionDelete { id, .. } | Request::Overwrite { id, .. }
                if !self.sections.contains_key(*id) =>
            {
                Err(AisError::NotExist)
            }
            Request::Write { elements, .. }
                if elements.iter().any(|element| !self.sections.contains_key(element.id)) =>
            {
                Err(AisError::NotExist)
            }
            Request::Read { elements, .. } => {
                for element in elements {
                    let section = self.sections.get(element.id).ok_or(AisError::NotExist)?;
                    if element.offset > section.len() as u64 {
                        return Err(AisError::InvalidParam);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
