//! What the node wants done: replies and events go to the clients, packets to the
//! other nodes, numbers to the disk.

use super::{Failure, Server};
use crate::announce::announce;
use crate::args::EXIT_RESET;
use ais_node::{Now, Output};
use ais_proto::ServiceId;
use ais_totem::Command;
use std::collections::BTreeSet;

impl Server {
    /// Does what the node wants done, as much as this step may. The rest is for the
    /// next ones.
    pub(super) fn deliver(&mut self, now: Now) {
        self.take_outputs(now);
        let mut replied = std::mem::take(&mut self.replied);
        replied.drain(..).for_each(|id| self.flush(now, id));
        self.replied = replied;
    }

    fn take_outputs(&mut self, now: Now) {
        self.has_outputs = true;
        while self.outputs_left > 0 {
            let Some(output) = self.node.poll_output() else {
                self.has_outputs = false;
                return;
            };
            if !matches!(output, Output::Ring(Command::Send { .. })) {
                self.outputs_left -= 1;
            }
            match output {
                Output::Reply { connection, id, result, body } => {
                    self.reply(connection.0, id, result, body);
                }
                Output::Event { connection, code, body } => {
                    self.send_event(now, connection.0, code, body);
                }
                Output::Ring(Command::Send { to, bytes }) => self.udp.send(to, bytes),
                Output::Ring(Command::Reserve(number)) => self.writer.reserve(number),
                Output::View(view) => {
                    self.members = view.members.len();
                    announce(&view);
                }
                Output::Serving => self.open(now),
                Output::Reset => self.reset(),
                Output::MayLeave { .. } => self.may_leave = true,
            }
        }
    }

    /// Ends the AMF programs of this node and then the executive, if that is
    /// allowed: nothing of theirs goes on that others have taken over.
    #[cold]
    fn reset(&mut self) {
        if !self.settings.allow_node_recovery {
            log::warn!(
                "a program recommends to stop this node; its units are failed over, and no more \
                 without `allow-node-recovery:yes` in network.conf"
            );
            return;
        }
        let callers = self.connections.values().filter_map(|connection| connection.state.caller());
        let of_amf = callers.filter(|caller| caller.callbacks(ServiceId::Amf).is_some());
        let sessions: BTreeSet<_> = of_amf.map(|caller| caller.session).collect();
        for session in sessions {
            self.sessions.kill(session);
        }
        self.failure = Some(Failure {
            words: "stopped, as an error report recommended for this node".into(),
            status: EXIT_RESET,
        });
    }
}
