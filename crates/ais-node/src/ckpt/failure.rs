//! Why a call fails.

use super::limits::Limit;
use ais_proto::AisError;
use ais_wire::Writer;

/// Why something cannot be done; nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: AisError,
    /// Which element of the vector is to blame, if one is.
    pub(super) element: Option<u32>,
    /// The bound that it is for, if it is for one.
    pub(super) limit: Option<Limit>,
}

impl From<AisError> for Failure {
    fn from(error: AisError) -> Self {
        Self { error, element: None, limit: None }
    }
}

impl Failure {
    /// The same, for which an element of a vector is to blame.
    pub(super) fn at(self, element: usize) -> Self {
        // No message holds more elements than 32 bits can count.
        Self { element: Some(element as u32), ..self }
    }

    /// The body of the reply.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut out = Writer::new();
        if let Some(element) = self.element {
            out.u32(element);
        }
        out.into_bytes()
    }
}

impl Limit {
    /// The failure of a call that has reached it.
    pub(super) fn failure(self) -> Failure {
        let error = if self == Self::Opens { AisError::NoResources } else { AisError::NoSpace };
        self.failure_with(error)
    }

    /// This limit with the error that the specification has for it.
    pub(super) fn failure_with(self, error: AisError) -> Failure {
        Failure { error, element: None, limit: Some(self) }
    }
}
