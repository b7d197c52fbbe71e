//! CKPT, Checkpoint.

use crate::{
    Asker, Caller, ConnectionId, Delivery, Digest, Effects, Malformed, Now, Service, SessionId,
    Timer,
};
use ais_proto::ckpt::Request;
use ais_totem::View;
use ais_wire::NodeId;

/// The service.
#[derive(Debug)]
pub struct Ckpt {}

impl Ckpt {
    /// New.
    #[must_use]
    pub fn new(_me: NodeId, _limits: Limits) -> Self {
        Self {}
    }

    /// A checkpoint was opened for a program that is no longer there to take it.
    pub fn on_unclaimed(&mut self, _checkpoint: u32, _fx: &mut Effects) {}
}

impl Service for Ckpt {
    type Request<'a> = Request<'a>;

    fn on_request(
        &mut self,
        _now: Now,
        _caller: &Caller,
        asker: Asker,
        _request: Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        fx.reply(asker, Err(ais_proto::AisError::NotSupported), Vec::new());
        Ok(())
    }

    fn on_deliver(&mut self, _delivery: Delivery<'_>, _fx: &mut Effects) {}
    fn on_view(&mut self, _view: &View, _fx: &mut Effects) {}
    fn on_timer(&mut self, _now: Now, _timer: Timer, _fx: &mut Effects) {}
    fn on_cancel(&mut self, _connection: ConnectionId, _id: u32, _fx: &mut Effects) {}
    fn on_handle_gone(&mut self, _connection: ConnectionId, _fx: &mut Effects) {}
    fn on_session_gone(&mut self, _session: SessionId, _fx: &mut Effects) {}
    fn digest(&self, _digest: &mut Digest) {}
}

/// The bounds and rules of CKPT on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all checkpoints together (`checkpoint-memory`).
    pub memory: u64,
    /// Bytes of data in one call (`max-message`).
    pub max_message: u32,
    /// Whether the limits of the creation attributes hold
    /// (`checkpoint-limits: strict`).
    pub strict: bool,
}
