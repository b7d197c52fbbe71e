//! AMF as a replica: how its state gets to other nodes, and with which groups.conf.

use super::model::{Incoming, Status};
use super::topology::Topology;
use super::{Amf, send};
use crate::service::{
    Configured, Contents, Fingerprint, ForeignState, Part, Replica, Service, Side, Snapshot, Words,
};
use crate::{Config, Effects};
use ais_group::View;
use ais_proto::amf::Request;
use ais_proto::{AisError, RequestKind};
use ais_wire::DecodeError;
use std::rc::Rc;

impl Replica for Amf {
    /// The file bounds how much the state is, so [`Part::Heads`] are all of it.
    fn snapshot(&mut self, _part: Part) -> Snapshot {
        Box::new(self.model.status().freeze().into_iter())
    }

    fn incoming(&self) -> Box<dyn ForeignState> {
        Box::new(Incoming::new(self.model.topology()))
    }

    fn merge(&mut self, sides: Vec<Side>, view: &View, fx: &mut Effects) {
        let here = self.local.registered(self.model.topology());
        let dismissal = |(id, registration)| (id, registration, self.model.dismissal(id));
        let dismissals: Vec<_> = here.into_iter().map(dismissal).collect();
        let status = |side: Side| match side.state {
            Some(state) => (side.members, finish(state, self.model.topology())),
            None => (side.members, self.model.status().clone()),
        };
        let sides: Vec<_> = sides.into_iter().map(status).collect();
        self.model.merge(sides);
        self.model.meet_in(view);
        for (id, registration, questions) in dismissals {
            if self.model.is_displaced(registration) {
                if let Some(message) = self.local.displace(id, questions, &self.model, fx) {
                    send(fx, None, &message);
                }
            } else if self.model.registration(id) != Some(registration) {
                self.local.dismiss(id, questions, &self.model, fx);
            }
        }
        self.carry_out(fx);
    }

    fn contents(&mut self) -> Option<&mut dyn Contents> {
        None
    }

    fn configured(&mut self) -> Option<&mut dyn Configured> {
        Some(self)
    }
}

/// Only members with the same groups.conf can run the same model.
impl Configured for Amf {
    fn words(&self) -> Words {
        Words { service: "AMF", file: "groups.conf", part: "group" }
    }

    fn fingerprint(&self) -> Fingerprint {
        self.model.topology().fingerprint().clone()
    }

    fn refusal(&self, request: &ais_proto::Request<'_>) -> Option<AisError> {
        match request {
            // Nothing is registered where AMF has no part.
            ais_proto::Request::Amf(Request::Unregister { .. }) => Some(AisError::NotExist),
            request => (request.kind() != RequestKind::Release).then_some(AisError::TryAgain),
        }
    }

    fn begin_anew(&mut self, config: &Config, fx: &mut Effects) {
        // Nobody tracks anything in the new one.
        self.tracking.end(&mut fx.ledger);
        *self = Self::start(config);
    }
}

impl ForeignState for Incoming {
    fn take_chunk(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        self.take(chunk)
    }
}

/// The status of another side.
fn finish(state: Box<dyn ForeignState>, topology: &Rc<Topology>) -> Status {
    let incoming = state.of_service::<Incoming>();
    let (status, is_complete) = incoming.unwrap_or_else(|| Incoming::new(topology)).finish();
    if !is_complete {
        log::error!("the components of another side came in without their end");
    }
    status
}
