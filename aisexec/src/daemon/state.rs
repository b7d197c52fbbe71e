//! SIGUSR2: the state of this node in the log, for people. A few lines,
//! however much there is.

use super::Server;
use crate::clock::SECOND;
use ais_node::Now;
use ais_node::ledger::Kind;
use ais_proto::NodeId;
use ais_totem::Ring;

impl Server {
    /// Writes what this node is and does into the log.
    #[cold]
    pub(crate) fn log_state(&self, now: Now) {
        for line in self.state(now) {
            log::info!("state: {line}");
        }
    }

    /// The process at the other end of a connection, if the connection is there.
    pub(crate) fn peer_of(&self, id: u64) -> Option<String> {
        self.connections.get(&id).map(|connection| connection.peer.to_string())
    }

    /// Has operators told of what the daemon counts beside its node.
    pub(crate) fn tell_counters(&mut self, counters: Vec<(&'static str, u64)>) {
        self.node.tell_counters(counters);
    }

    fn state(&self, now: Now) -> Vec<String> {
        let status = self.node.status(now);
        let sync = self.node.sync_status();
        let mut lines = vec![
            format!(
                "aisexec {} is node {} ({}) of cluster {}, up for {} s",
                status.version,
                status.node,
                status.name,
                status.cluster,
                status.uptime / SECOND
            ),
            format!(
                "it is {:?} ({}); quorum: {}; part in AMF: {}; {} of {} members have the same \
                 state; the lead has {}",
                status.state,
                sync.phase,
                yes_or_no(status.has_quorum),
                yes_or_no(status.has_amf),
                status.synced,
                status.members,
                status.lead.map_or("nobody".into(), |node| node.to_string())
            ),
            format!(
                "checkpoints: {} with {} of {} bytes",
                status.checkpoints, status.checkpoint_memory, status.checkpoint_memory_limit
            ),
            format!(
                "programs: {} with {} handles of CLM, {} of AMF, {} of CKPT{}; {} connections; {} \
                 bytes wait for them",
                status.clients.processes,
                status.clients.clm,
                status.clients.amf,
                status.clients.ckpt,
                other_handles(&status.other_handles),
                self.connections.len(),
                self.node.ledger().total(Kind::Sockets)
            ),
        ];
        if let Some(ring) = self.node.ring().map(Ring::status) {
            let members: Vec<String> = ring.members.iter().map(NodeId::to_string).collect();
            lines.push(format!(
                "ring: {}; configuration {} with {}, because {}",
                ring.state,
                ring.view.map_or("none".into(), |view| view.to_string()),
                members.join(", "),
                ring.why
            ));
            let problems = ring.problems.iter();
            lines.extend(problems.map(|problem| format!("{}; {}", problem.what, problem.advice)));
            lines.push(format!(
                "ring counters: {}",
                counts(ring.counters.iter().chain(self.node.counters()).copied())
            ));
        }
        lines.push(format!("datagrams: {}", counts(self.udp.counters())));
        lines
    }
}

/// The handles of services that stand in no field of the status of their own.
fn other_handles(handles: &[(u8, u32)]) -> String {
    handles.iter().map(|(service, handles)| format!(", {handles} of service {service}")).collect()
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// The counters that are not 0.
fn counts(counters: impl IntoIterator<Item = (&'static str, u64)>) -> String {
    let counted = counters.into_iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted.map(|(what, count)| format!("{what} {count}")).collect();
    if counted.is_empty() { "none".into() } else { counted.join(", ") }
}
