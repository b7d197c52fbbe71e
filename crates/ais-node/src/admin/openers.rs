//! Who has a checkpoint open, process by process. Each node knows its own, so
//! a question goes to all of them through the group, and so do the answers.

use crate::ckpt::Ckpt;
use crate::{Asker, ConnectionId, Delivery, Effects, Event, Promise, SessionId};
use ais_proto::admin::{self, Opener};
use ais_proto::{DecodeError, Name, NodeId, Reader};
use std::collections::BTreeMap;

/// These stand where a message of a probe has the number of the probe, which
/// never gets there.
const QUESTION: u64 = u64::MAX;
const ANSWER: u64 = u64::MAX - 1;
/// Processes in an answer; what the others have open is counted together.
const MOST: usize = 4096;

/// The processes of this node.
#[derive(Debug, Default)]
pub(super) struct Openers {
    /// The number of each that has a session.
    processes: BTreeMap<SessionId, u32>,
}

impl Openers {
    pub(super) fn session_opened(&mut self, session: SessionId, process: u32) {
        self.processes.insert(session, process);
    }

    pub(super) fn session_closed(&mut self, session: SessionId) {
        self.processes.remove(&session);
    }

    /// Asks all nodes, for a handle of this one.
    pub(super) fn ask(handle: ConnectionId, asker: Asker, name: &Name, fx: &mut Effects) {
        let mut out = fx.compose(Some(asker), 32 + name.as_bytes().len());
        out.u64(QUESTION).u64(handle.0).name(name);
        fx.multicast(out);
    }

    /// Takes a message in agreed order; whether it was one of these.
    pub(super) fn deliver(
        &self,
        delivery: &Delivery<'_>,
        me: NodeId,
        ckpt: &Ckpt,
        fx: &mut Effects,
    ) -> bool {
        let mut input = Reader::new(delivery.message);
        match input.u64() {
            Ok(QUESTION) => {
                // One that cannot be read is of no version of ours.
                if let (Ok(handle), Ok(name)) = (input.u64(), input.name()) {
                    self.answer(delivery.from, handle, &name, ckpt, fx);
                }
                if let Some(asker) = delivery.asker {
                    fx.answer(asker, Promise::Delivered, Ok(()), Vec::new());
                }
            }
            Ok(ANSWER) => {
                if let Ok((to, handle, openers)) = decode(&mut input)
                    && to == me
                {
                    let event = admin::Event::Openers { node: delivery.from, openers };
                    fx.event(ConnectionId(handle), Event::Admin(event));
                }
            }
            _ => return false,
        }
        true
    }

    fn answer(&self, to: NodeId, handle: u64, name: &Name, ckpt: &Ckpt, fx: &mut Effects) {
        let mut openers = Vec::new();
        let mut others = Opener { process: 0, opens: 0 };
        for (session, opens) in ckpt.openers(name) {
            if openers.len() < MOST - 1 {
                let process = self.processes.get(&session).copied().unwrap_or(0);
                openers.push(Opener { process, opens });
            } else {
                others.opens = others.opens.saturating_add(opens);
            }
        }
        openers.extend(Some(others).filter(|others| others.opens > 0));
        let mut out = fx.compose(None, 32 + 8 * openers.len());
        out.u64(ANSWER).node(to).u64(handle).list(&openers, |out, opener| opener.encode(out));
        fx.multicast(out);
    }
}

fn decode(input: &mut Reader<'_>) -> Result<(NodeId, u64, Vec<Opener>), DecodeError> {
    let (to, handle, openers) = (input.node()?, input.u64()?, input.list(Opener::decode)?);
    if openers.len() > MOST { Err(DecodeError::Invalid) } else { Ok((to, handle, openers)) }
}
