//! How much a node does in one step.

/// How much a node does in one step of what may take long: the ring waits no
/// longer than for that. What is left is for the next steps, and the outcome is
/// the same however much it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages that the group has brought, or 8 KiB of them.
    pub messages: usize,
    /// Checkpoints that are gone through, or opens that are closed.
    pub checkpoints: usize,
}

impl Default for Pace {
    /// A few milliseconds.
    fn default() -> Self {
        Self { messages: 512, checkpoints: 1024 }
    }
}
