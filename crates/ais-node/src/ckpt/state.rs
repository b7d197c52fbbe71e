//! All checkpoints: the replicated part of CKPT. Only what was delivered
//! changes it, and a view.

mod show;

use super::checkpoint::{Checkpoint, Failure};
use super::message::{Change, CheckpointId, Expiry, Stamp};
use super::section::deadline;
use crate::Digest;
use ais_proto::AisError;
use ais_proto::ckpt::Open;
use ais_totem::View;
use ais_wire::{Name, NodeId, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// The checkpoints.
#[derive(Debug, Default)]
pub(super) struct State {
    view: u64,
    checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    /// A name that is unlinked stays until its checkpoint goes: till then it
    /// cannot be opened, nor mean another.
    names: BTreeMap<Name, CheckpointId>,
    /// The sections that expire, the first one first.
    expiries: BTreeSet<Expiry>,
    /// Bytes that all checkpoints are taken to need.
    memory: u64,
}

impl State {
    pub(super) fn checkpoint(&self, id: CheckpointId) -> Result<&Checkpoint, AisError> {
        self.checkpoints.get(&id).ok_or(AisError::NotExist)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = CheckpointId> {
        self.checkpoints.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.checkpoints.len()
    }

    pub(super) fn has_name(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// The sections that expire, the first one first.
    pub(super) fn expiries(&self) -> &BTreeSet<Expiry> {
        &self.expiries
    }

    /// The version of a checkpoint and for how many nanoseconds it is
    /// retained, if it is there and nobody has it open.
    pub(super) fn retention(&self, id: CheckpointId) -> Option<(u64, u64)> {
        self.checkpoints.get(&id)?.retention()
    }

    /// Opens a checkpoint; the message has this number in the view.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is none and the open does not say how to make it;
    /// and as [`Checkpoint::open`].
    pub(super) fn open(
        &mut self,
        number: u64,
        from: NodeId,
        open: &Open,
        strict: bool,
    ) -> Result<CheckpointId, AisError> {
        if let Some(id) = self.names.get(&open.name) {
            let checkpoint = self.checkpoints.get_mut(id).ok_or(AisError::NotExist)?;
            return checkpoint.open(from, open, strict).map(|()| *id);
        }
        let attributes = open.attributes.ok_or(AisError::NotExist)?;
        let id = CheckpointId { view: self.view, number };
        let mut checkpoint = Checkpoint::new(open.name.clone(), attributes, open.flags);
        checkpoint.open(from, open, strict)?;
        self.memory += checkpoint.memory();
        self.names.insert(open.name.clone(), id);
        self.checkpoints.insert(id, checkpoint);
        Ok(id)
    }

    /// Takes opens of a node back.
    pub(super) fn close(&mut self, id: CheckpointId, from: NodeId, count: u32) {
        if let Some(checkpoint) = self.checkpoints.get_mut(&id) {
            checkpoint.close(from, count);
            self.remove_if_over(id);
        }
    }

    /// Takes a name away; the checkpoint lives on while it is open.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is no such name, `INVALID_PARAM` if it is unlinked
    /// already.
    pub(super) fn unlink(&mut self, name: &Name) -> Result<CheckpointId, AisError> {
        let id = *self.names.get(name).ok_or(AisError::NotExist)?;
        let checkpoint = self.checkpoints.get_mut(&id).ok_or(AisError::NotExist)?;
        if checkpoint.is_unlinked() {
            return Err(AisError::InvalidParam);
        }
        checkpoint.unlink();
        self.remove_if_over(id);
        Ok(id)
    }

    /// Changes a checkpoint. The body of the reply.
    ///
    /// # Errors
    /// `NOT_EXIST` if it is not there, and what the methods of [`Checkpoint`]
    /// say.
    pub(super) fn change(
        &mut self,
        id: CheckpointId,
        from: NodeId,
        stamp: Stamp,
        change: &Change<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let checkpoint = self.checkpoints.get_mut(&id).ok_or(AisError::NotExist)?;
        let before = checkpoint.memory();
        let result = Self::change_one(checkpoint, &mut self.expiries, id, from, stamp, change);
        self.memory = self.memory - before + checkpoint.memory();
        result
    }

    /// Deletes those of the sections whose time has not been changed.
    pub(super) fn expire(&mut self, sections: &[Expiry]) {
        for expiry in sections {
            if self.expiries.remove(expiry)
                && let Some(checkpoint) = self.checkpoints.get_mut(&expiry.checkpoint)
            {
                let before = checkpoint.memory();
                checkpoint.sections.remove(expiry.section);
                self.memory = self.memory - before + checkpoint.memory();
            }
        }
    }

    /// Deletes a checkpoint if nobody has it open and it still has this
    /// version.
    pub(super) fn retire(&mut self, id: CheckpointId, version: u64) {
        if self.retention(id).is_some_and(|(of, _)| of == version) {
            self.remove(id);
        }
    }

    /// Takes a view over. Nodes that left have nothing open any more and no
    /// active replica.
    pub(super) fn install(&mut self, view: &View) {
        self.view = view.id.number;
        if view.left.is_empty() {
            return;
        }
        let ids: Vec<_> = self.ids().collect();
        for id in ids {
            if let Some(checkpoint) = self.checkpoints.get_mut(&id) {
                for node in &view.left {
                    checkpoint.drop_node(*node);
                }
                self.remove_if_over(id);
            }
        }
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(self.view);
        digest.number(self.memory);
        digest.number(self.checkpoints.len() as u64);
        for (id, checkpoint) in &self.checkpoints {
            checkpoint.digest(*id, digest);
        }
        for (name, id) in &self.names {
            digest.bytes(name.as_bytes());
            digest.number(id.view);
            digest.number(id.number);
        }
        for expiry in &self.expiries {
            digest.number(expiry.at.cast_unsigned());
            digest.number(expiry.checkpoint.view);
            digest.number(expiry.checkpoint.number);
            digest.number(expiry.section);
        }
    }

    fn change_one(
        checkpoint: &mut Checkpoint,
        expiries: &mut BTreeSet<Expiry>,
        id: CheckpointId,
        from: NodeId,
        stamp: Stamp,
        change: &Change<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let expiry = |at, section| Expiry { at, checkpoint: id, section };
        match *change {
            Change::SetRetention(duration) => checkpoint.set_retention(duration)?,
            Change::SetActive => checkpoint.set_active(from)?,
            Change::CreateSection { id, expiration, data } => {
                let (number, id) = checkpoint.create_section(id, expiration, data, stamp)?;
                Self::set_deadline(checkpoint, expiries, expiry, number, expiration, stamp.now);
                let mut body = Writer::with_capacity(4 + id.len());
                body.bytes(&id);
                return Ok(body.into_bytes());
            }
            Change::DeleteSection { id } => {
                let (number, section) = checkpoint.delete_section(id)?;
                if let Some(at) = deadline(section.expiration) {
                    expiries.remove(&expiry(at, number));
                }
            }
            Change::SetExpiration { id, expiration } => {
                let number = checkpoint.ordinary_section(id)?;
                let earlier = checkpoint.sections.set_expiration(number, expiration);
                if let Some(at) = earlier.and_then(deadline) {
                    expiries.remove(&expiry(at, number));
                }
                Self::set_deadline(checkpoint, expiries, expiry, number, expiration, stamp.now);
            }
            Change::Write(ref elements) => checkpoint.write(elements, stamp)?,
            Change::Overwrite { id, data } => checkpoint.overwrite(id, data, stamp)?,
            Change::Synchronize { .. } => checkpoint.check_active()?,
        }
        Ok(Vec::new())
    }

    /// A section got a new `expirationTime`. If that is past already, by the
    /// clock of the node that was asked, the section expires at once; else the
    /// lowest member will say when.
    fn set_deadline(
        checkpoint: &mut Checkpoint,
        expiries: &mut BTreeSet<Expiry>,
        expiry: impl Fn(i64, u64) -> Expiry,
        number: u64,
        expiration: i64,
        now: i64,
    ) {
        match deadline(expiration) {
            None => {}
            Some(at) if at <= now => {
                checkpoint.sections.remove(number);
            }
            Some(at) => {
                expiries.insert(expiry(at, number));
            }
        }
    }

    /// Deletes a checkpoint that nobody has open and that is not retained.
    fn remove_if_over(&mut self, id: CheckpointId) {
        if let Some((_, 0)) = self.retention(id) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: CheckpointId) {
        if let Some(checkpoint) = self.checkpoints.remove(&id) {
            self.memory -= checkpoint.memory();
            self.names.remove(checkpoint.name());
            for (section, at) in checkpoint.sections.deadlines() {
                self.expiries.remove(&Expiry { at, checkpoint: id, section });
            }
        }
    }
}
