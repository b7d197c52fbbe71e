//! All checkpoints: the replicated part of CKPT. Only what was delivered
//! changes it, a view, and sides that meet (`merge`).

#[cfg(test)]
mod check;
mod growth;
mod restore;
mod show;

use super::checkpoint::Checkpoint;
use super::failure::Failure;
use super::graves::Graves;
use super::message::{Change, CheckpointId, Expiry, Opener, Stamp};
use super::sections::Sections;
use super::shards::Shards;
use crate::message_id::{FIRST_ID, NO_VIEW};
use crate::{Digest, UserId};
use ais_group::{View, ViewId};
use ais_proto::AisError;
use ais_proto::ckpt::Open;
use ais_wire::{Name, NodeId, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// The checkpoints.
#[derive(Debug)]
pub(super) struct State {
    view: ViewId,
    checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    /// A name that is unlinked stays until its checkpoint goes: till then it
    /// cannot be opened, nor mean another, unless that comes from another
    /// side.
    names: BTreeMap<Name, CheckpointId>,
    /// What the former ids of checkpoints mean now; no checkpoint has one of
    /// them as its id.
    aliases: BTreeMap<CheckpointId, CheckpointId>,
    /// Of each checkpoint the section that expires first, the first of all
    /// first.
    firsts: BTreeSet<Expiry>,
    /// Bytes that all checkpoints are taken to need.
    memory: u64,
    /// What each user has a part in that.
    owners: BTreeMap<UserId, Owned>,
    /// Which nodes a view has left, as long as not all others are forgotten.
    keeping: Option<Keeping>,
    /// What is still to be given back of what is gone.
    graves: Graves,
}

/// Nodes whose opens are kept, in the checkpoints from one on.
#[derive(Debug)]
struct Keeping {
    nodes: Vec<NodeId>,
    next: CheckpointId,
}

/// What the checkpoints of a user come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) checkpoints: u64,
    /// Bytes that they are taken to need.
    pub(super) memory: u64,
}

/// What came of a change.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// The body of the reply.
    pub(super) body: Vec<u8>,
    /// The section that was given an `expirationTime`.
    pub(super) timed: Option<u64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            view: NO_VIEW,
            checkpoints: BTreeMap::new(),
            names: BTreeMap::new(),
            aliases: BTreeMap::new(),
            firsts: BTreeSet::new(),
            memory: 0,
            owners: BTreeMap::new(),
            keeping: None,
            graves: Graves::default(),
        }
    }
}

impl State {
    /// # Errors
    /// `BAD_HANDLE` if it is not there: handles that had it open have it no more.
    pub(super) fn checkpoint(&self, id: CheckpointId) -> Result<&Checkpoint, AisError> {
        self.checkpoints.get(&id).ok_or(AisError::BadHandle)
    }

    /// The id of a checkpoint that has, or had, this id.
    pub(super) fn find(&self, id: CheckpointId) -> Option<CheckpointId> {
        if self.checkpoints.contains_key(&id) { Some(id) } else { self.aliases.get(&id).copied() }
    }

    /// As [`State::find`]; an unknown id stands for itself.
    pub(super) fn resolve(&self, id: CheckpointId) -> CheckpointId {
        self.find(id).unwrap_or(id)
    }

    pub(super) fn view(&self) -> ViewId {
        self.view
    }

    /// The checkpoints from one on.
    pub(super) fn iter_from(
        &self,
        id: CheckpointId,
    ) -> impl Iterator<Item = (CheckpointId, &Checkpoint)> {
        self.checkpoints.range(id..).map(|(id, checkpoint)| (*id, checkpoint))
    }

    /// The newest checkpoint up to this id.
    pub(super) fn last_to(&self, id: CheckpointId) -> Option<(CheckpointId, &Checkpoint)> {
        self.checkpoints.range(..=id).next_back().map(|(id, checkpoint)| (*id, checkpoint))
    }

    /// The newest checkpoint before this id.
    pub(super) fn last_before(&self, id: CheckpointId) -> Option<CheckpointId> {
        self.checkpoints.range(..id).next_back().map(|(id, _)| *id)
    }

    /// The ids of the checkpoints from one on.
    pub(super) fn ids_from(&self, id: CheckpointId) -> impl Iterator<Item = CheckpointId> {
        self.iter_from(id).map(|(id, _)| id)
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

    /// What the checkpoints of a user come to.
    pub(super) fn owned(&self, user: UserId) -> Owned {
        self.owners.get(&user).copied().unwrap_or_default()
    }

    /// The section that expires first.
    pub(super) fn first_expiry(&self) -> Option<Expiry> {
        self.firsts.first().copied()
    }

    /// Sections that have expired at this time, `count` at most.
    pub(super) fn expired(&self, now: i64, count: usize) -> Vec<Expiry> {
        let firsts = self.firsts.iter().take_while(|first| first.at <= now);
        let checkpoints = firsts.filter_map(|first| {
            let checkpoint = self.checkpoints.get(&first.checkpoint)?;
            Some((first.checkpoint, checkpoint.sections.deadlines()))
        });
        let sections = checkpoints.flat_map(|(checkpoint, deadlines)| {
            let expired = deadlines.take_while(|(at, _)| *at <= now);
            expired.map(move |(at, section)| Expiry { at, checkpoint, section })
        });
        sections.take(count).collect()
    }

    /// The end of a section, if it is near.
    pub(super) fn near_end(&self, id: CheckpointId, section: u64) -> Option<Expiry> {
        let at = self.checkpoints.get(&id)?.sections.near_end(section)?;
        Some(Expiry { at, checkpoint: id, section })
    }

    /// The ends of the sections of a checkpoint whose end is near.
    pub(super) fn near_ends(&self, id: CheckpointId) -> impl Iterator<Item = Expiry> {
        let sections = self.checkpoints.get(&id).map(|checkpoint| checkpoint.sections.near());
        sections.into_iter().flatten().filter_map(move |section| self.near_end(id, section))
    }

    /// The version of a checkpoint and for how many nanoseconds it is
    /// retained, if it is there and nobody has it open.
    pub(super) fn retention(&self, id: CheckpointId) -> Option<(u64, u64)> {
        self.checkpoints.get(&id)?.retention()
    }

    /// Opens a checkpoint, which is made if need be; the message has this number
    /// in the view.
    ///
    /// # Errors
    /// `NOT_EXIST` if there is none and the open does not say how to make it,
    /// `NO_SPACE` if there is no room; and as [`Checkpoint::open`].
    pub(super) fn open(
        &mut self,
        number: u64,
        from: NodeId,
        open: &Open,
        Opener { strict, owner, room }: Opener,
    ) -> Result<CheckpointId, Failure> {
        if let Some(id) = self.names.get(&open.name) {
            let checkpoint = self.checkpoints.get_mut(id).ok_or(AisError::NotExist)?;
            return checkpoint.open(from, open, strict).map(|()| *id);
        }
        let attributes = open.attributes.ok_or(AisError::NotExist)?;
        self.check_new(owner, room)?;
        let id = CheckpointId { view: self.view, number };
        let mut checkpoint = Checkpoint::new(from, owner, open, attributes);
        checkpoint.open(from, open, strict)?;
        self.insert(id, checkpoint);
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

    /// Changes a checkpoint.
    ///
    /// # Errors
    /// `BAD_HANDLE` if it is not there, `NO_SPACE` if there is no room, and what
    /// the methods of [`Checkpoint`] say.
    pub(super) fn change(
        &mut self,
        id: CheckpointId,
        from: NodeId,
        stamp: Stamp,
        change: &Change<'_>,
    ) -> Result<Changed, Failure> {
        self.check_growth(self.checkpoint(id)?, change, stamp)?;
        let change = |checkpoint: &mut Checkpoint, graves: &mut Graves| {
            Self::change_one(checkpoint, graves, from, stamp, change)
        };
        self.update(id, change).ok_or(AisError::BadHandle)?
    }

    /// Deletes those of the sections whose time has not been changed.
    pub(super) fn expire(&mut self, sections: &[Expiry]) {
        for Expiry { at, checkpoint, section } in sections {
            self.update(*checkpoint, |checkpoint, graves| {
                if let Some(section) = checkpoint.sections.expire(*section, *at) {
                    graves.add_bytes(section.bytes);
                }
            });
        }
    }

    /// Deletes a checkpoint if nobody has it open and it still has this
    /// version.
    pub(super) fn retire(&mut self, id: CheckpointId, version: u64) {
        if self.retention(id).is_some_and(|(of, _)| of == version) {
            self.remove(id);
        }
    }

    /// A closed checkpoint is retained for so much longer, if it still has this
    /// version.
    pub(super) fn retain(&mut self, id: CheckpointId, version: u64, remaining: u64) {
        if let Some(checkpoint) = self.checkpoints.get_mut(&id) {
            checkpoint.retain(version, remaining);
        }
    }

    /// Takes a view over. A node that did not come along has nothing open any more and
    /// no active replica, when [`State::keep_some`] has come to its end; a node that
    /// joins has none yet.
    pub(super) fn install(&mut self, view: &View) {
        self.view = view.id;
        if !view.left.is_empty() {
            self.keep_nodes(view.came_with_me.clone());
        }
    }

    /// Begins to forget what nodes have that are none of these.
    pub(super) fn keep_nodes(&mut self, nodes: Vec<NodeId>) {
        self.keep_some(usize::MAX);
        self.keeping = Some(Keeping { nodes, next: FIRST_ID });
    }

    /// Goes on with that, in so many checkpoints at most. How many there were; 0:
    /// it is done.
    pub(super) fn keep_some(&mut self, most: usize) -> usize {
        let Some(Keeping { nodes, next }) = self.keeping.take() else { return 0 };
        let ids: Vec<_> = self.ids_from(next).take(most).collect();
        for id in &ids {
            if let Some(checkpoint) = self.checkpoints.get_mut(id) {
                checkpoint.keep_nodes(&nodes);
                self.remove_if_over(*id);
            }
        }
        if ids.len() == most
            && let Some(last) = ids.last()
        {
            self.keeping = Some(Keeping { nodes, next: last.next() });
        }
        ids.len()
    }

    /// Whether nodes are still to be forgotten.
    pub(super) fn forgets_nodes(&self) -> bool {
        self.keeping.is_some()
    }

    pub(super) fn set_view(&mut self, view: ViewId) {
        self.view = view;
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        let mut out = Writer::new();
        self.view.encode(&mut out);
        digest.bytes(&out.into_bytes());
        digest.number(self.memory);
        digest.number(self.checkpoints.len() as u64);
        for (id, checkpoint) in &self.checkpoints {
            checkpoint.digest(*id, digest);
        }
        for (name, id) in &self.names {
            digest.bytes(name.as_bytes());
            id.digest(digest);
        }
        for (alias, id) in &self.aliases {
            alias.digest(digest);
            id.digest(digest);
        }
    }

    /// The checkpoint that can be opened by this name.
    pub(super) fn linked(&self, name: &Name) -> Option<CheckpointId> {
        let id = *self.names.get(name)?;
        self.checkpoints.get(&id).filter(|checkpoint| !checkpoint.is_unlinked()).map(|_| id)
    }

    /// The checkpoint that has this name, unlinked or not.
    pub(super) fn named(&self, name: &Name) -> Option<(CheckpointId, &Checkpoint)> {
        let id = *self.names.get(name)?;
        self.checkpoints.get(&id).map(|checkpoint| (id, checkpoint))
    }

    /// Whether the name of a checkpoint means it.
    pub(super) fn is_named(&self, id: CheckpointId, checkpoint: &Checkpoint) -> bool {
        self.names.get(checkpoint.name()) == Some(&id)
    }

    pub(super) fn checkpoint_mut(&mut self, id: CheckpointId) -> Option<&mut Checkpoint> {
        self.checkpoints.get_mut(&id)
    }

    /// Takes the oldest checkpoint out; nothing else is right after that.
    pub(super) fn pop_first(&mut self) -> Option<(CheckpointId, Checkpoint)> {
        self.checkpoints.pop_first()
    }

    /// Adds a checkpoint whose id is new here. Its name means it unless that
    /// is unlinked and means another.
    pub(super) fn insert(&mut self, id: CheckpointId, checkpoint: Checkpoint) {
        let name = checkpoint.name().clone();
        if checkpoint.is_unlinked() {
            self.names.entry(name).or_insert(id);
        } else {
            self.names.insert(name, id);
        }
        self.count_in(&checkpoint);
        self.firsts.extend(first_of(id, &checkpoint));
        self.checkpoints.insert(id, checkpoint);
    }

    fn count_in(&mut self, checkpoint: &Checkpoint) {
        self.memory += checkpoint.memory();
        let owned = self.owners.entry(checkpoint.owner()).or_default();
        owned.checkpoints += 1;
        owned.memory += checkpoint.memory();
    }

    fn count_out(&mut self, checkpoint: &Checkpoint) {
        self.memory -= checkpoint.memory();
        if let Some(owned) = self.owners.get_mut(&checkpoint.owner()) {
            owned.checkpoints -= 1;
            owned.memory -= checkpoint.memory();
            if owned.checkpoints == 0 {
                self.owners.remove(&checkpoint.owner());
            }
        }
    }

    pub(super) fn set_alias(&mut self, alias: CheckpointId, id: CheckpointId) {
        self.aliases.insert(alias, id);
    }

    pub(super) fn remove_alias(&mut self, alias: CheckpointId) {
        self.aliases.remove(&alias);
    }

    /// Changes what a checkpoint has, and what follows from that.
    fn update<T>(
        &mut self,
        id: CheckpointId,
        change: impl FnOnce(&mut Checkpoint, &mut Graves) -> T,
    ) -> Option<T> {
        let checkpoint = self.checkpoints.get_mut(&id)?;
        let (memory, first) = (checkpoint.memory(), first_of(id, checkpoint));
        let result = change(checkpoint, &mut self.graves);
        self.memory = self.memory - memory + checkpoint.memory();
        if let Some(owned) = self.owners.get_mut(&checkpoint.owner()) {
            owned.memory = owned.memory - memory + checkpoint.memory();
        }
        let now = first_of(id, checkpoint);
        if now != first {
            first.inspect(|first| {
                self.firsts.remove(first);
            });
            self.firsts.extend(now);
        }
        Some(result)
    }

    fn change_one(
        checkpoint: &mut Checkpoint,
        graves: &mut Graves,
        from: NodeId,
        stamp: Stamp,
        change: &Change<'_>,
    ) -> Result<Changed, Failure> {
        match *change {
            Change::SetRetention(duration) => checkpoint.set_retention(duration)?,
            Change::SetActive => checkpoint.set_active(from)?,
            Change::CreateSection { id, expiration, data } => {
                let (number, id) = checkpoint.create_section(id, expiration, data, stamp)?;
                let mut body = Writer::with_capacity(4 + id.len());
                body.bytes(&id);
                return Ok(Changed { body: body.into_bytes(), timed: Some(number) });
            }
            Change::DeleteSection { id } => {
                graves.add_bytes(checkpoint.delete_section(id, stamp.strict)?);
            }
            Change::SetExpiration { id, expiration } => {
                let number = checkpoint.set_expiration(id, expiration, stamp)?;
                return Ok(Changed { body: Vec::new(), timed: Some(number) });
            }
            Change::Write(ref elements) => checkpoint.write(elements, stamp)?,
            Change::Overwrite { id, data } => {
                graves.add_bytes(checkpoint.overwrite(id, data, stamp)?);
            }
            Change::Synchronize { .. } => checkpoint.check_active(stamp.strict)?,
        }
        Ok(Changed::default())
    }

    /// Deletes a checkpoint that nobody has open and that is not retained.
    fn remove_if_over(&mut self, id: CheckpointId) {
        if let Some((_, 0)) = self.retention(id) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: CheckpointId) {
        if let Some(checkpoint) = self.checkpoints.remove(&id) {
            self.count_out(&checkpoint);
            if self.is_named(id, &checkpoint) {
                self.names.remove(checkpoint.name());
            }
            for alias in &checkpoint.former {
                self.aliases.remove(alias);
            }
            if let Some(first) = first_of(id, &checkpoint) {
                self.firsts.remove(&first);
            }
            self.graves.add(checkpoint.sections);
        }
    }

    /// Whether memory is still to be given back.
    pub(super) fn has_graves(&self) -> bool {
        !self.graves.are_empty()
    }

    /// Gives some memory back.
    pub(super) fn dig(&mut self) {
        self.graves.dig();
    }

    /// Sections are of no use any more.
    pub(super) fn bury(&mut self, sections: Sections) {
        self.graves.add(sections);
    }

    /// Neither is another state.
    pub(super) fn bury_state(&mut self, state: Self) {
        self.graves.add_all(state.checkpoints, state.graves);
    }

    /// A copy of sections is of no use any more.
    pub(super) fn bury_copy(&mut self, shards: Shards) {
        self.graves.add_copy(shards);
    }
}

/// The section of a checkpoint that expires first.
fn first_of(id: CheckpointId, checkpoint: &Checkpoint) -> Option<Expiry> {
    let (at, section) = checkpoint.sections.deadlines().next()?;
    Some(Expiry { at, checkpoint: id, section })
}
