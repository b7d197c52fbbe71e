//! AMF, the Availability Management Framework.

pub mod config;

use crate::{
    Asker, Caller, ConnectionId, Delivery, Digest, Effects, Malformed, Now, Service, SessionId,
    Timer,
};
use ais_proto::amf::Request;
use ais_totem::View;
use ais_wire::NodeId;

/// The service.
#[derive(Debug)]
pub struct Amf {}

impl Amf {
    /// New.
    #[must_use]
    pub fn new(_me: NodeId, _groups: config::Groups) -> Self {
        Self {}
    }

    /// The program has been handed the callback with this invocation.
    pub fn on_dispatched(&mut self, _caller: &Caller, _invocation: i32, _fx: &mut Effects) {}
}

impl Service for Amf {
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
