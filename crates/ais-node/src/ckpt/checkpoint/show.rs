//! What an operator is shown of a checkpoint.

use super::Checkpoint;
use ais_proto::admin;

impl Checkpoint {
    pub(in crate::ckpt) fn show(&self) -> admin::Checkpoint {
        admin::Checkpoint {
            name: self.name.clone(),
            sections: self.sections.len() as u64,
            bytes: self.sections.size(),
            unlinked: self.unlinked,
            retention: self.attributes.retention_duration,
            option: self.attributes.option,
            references: self.references.iter().map(|(node, count)| (*node, *count)).collect(),
        }
    }
}
