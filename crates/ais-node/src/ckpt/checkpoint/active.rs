//! The active replica of a colocated checkpoint: on which node it is, and what
//! needs it. Whether one counts that no program has set is the rule of each
//! node (strict limits), so what is replicated says both.

use super::Checkpoint;
use ais_proto::AisError;
use ais_proto::ckpt::UpdateOption;
use ais_wire::NodeId;

impl Checkpoint {
    /// The node with the active replica, as strict limits or others see it.
    pub(in crate::ckpt) fn active(&self, strict: bool) -> Option<NodeId> {
        self.active.filter(|_| self.was_set || !strict)
    }

    /// Whether what needs an active replica can be done. There always is one;
    /// under strict limits programs have to set that of a colocated
    /// checkpoint.
    ///
    /// # Errors
    /// `NOT_EXIST` if they have not.
    pub(in crate::ckpt) fn check_active(&self, strict: bool) -> Result<(), AisError> {
        if strict && self.has_active() && !self.was_set {
            return Err(AisError::NotExist);
        }
        Ok(())
    }

    /// Whether one of its replicas is the active one that
    /// `saCkptActiveCheckpointSet` sets. `ALL_REPLICAS` has none, colocated
    /// or not.
    pub(super) fn has_active(&self) -> bool {
        self.colocated && self.option() != UpdateOption::AllReplicas
    }

    /// # Errors
    /// `BAD_OPERATION` if programs have no choice.
    pub(in crate::ckpt) fn set_active(&mut self, node: NodeId) -> Result<(), AisError> {
        if !self.has_active() {
            return Err(AisError::BadOperation);
        }
        (self.active, self.was_set) = (Some(node), true);
        Ok(())
    }

    /// Nodes are gone, these are left. If the active replica was on one that
    /// is gone the lowest that has the checkpoint open takes over, else the
    /// lowest.
    pub(super) fn keep_active(&mut self, nodes: &[NodeId]) {
        if self.has_active() && !self.active.is_some_and(|active| nodes.contains(&active)) {
            let holder = self.references.keys().next();
            self.active = holder.or(nodes.iter().min()).copied();
            self.was_set = false;
        }
    }

    /// Takes the place of a copy: what a program has set there stands, unless
    /// one has set another here.
    pub(super) fn take_active_of(&mut self, copy: &Self) {
        if self.has_active() && !self.was_set && copy.was_set {
            (self.active, self.was_set) = (copy.active, true);
        }
    }

    /// Whether a state may say this.
    pub(super) fn is_active_sound(&self) -> bool {
        self.active.is_none_or(|_| self.has_active()) && (self.active.is_some() || !self.was_set)
    }
}
