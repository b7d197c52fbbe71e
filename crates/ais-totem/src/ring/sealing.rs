//! What stands between the ring and its network where the cluster has a key: packets
//! are sealed as they are sent, and opened before they are read.

use super::Ring;
use super::core::Core;
use super::problems::{Problem, Severity, Topic};
use crate::packet::{self, Dropped};
use crate::{Command, Config, Destination};
use ais_seal::{Guard, KeyId, Keys, OVERHEAD, Peer, Refused};
use ais_wire::NodeId;

/// The guard of a node that starts.
pub(super) fn guard(config: &Config) -> Guard {
    match &config.sealing {
        Some(sealing) => {
            let keys = sealing.keys.clone();
            Guard::new(config.me, keys, sealing.random, sealing.has_aes)
        }
        None => Guard::clear(config.me),
    }
}

/// Bytes of a packet at most, so that its datagram fits the network.
pub(super) fn longest_packet(config: &Config) -> usize {
    let overhead = if config.sealing.is_some() { OVERHEAD } else { 0 };
    config.mtu.saturating_sub(overhead)
}

impl Core {
    /// The next command for the driver.
    pub(super) fn poll_command(&mut self) -> Option<Command> {
        if let Some((to, bytes)) = self.guard.poll() {
            let to = to.map_or(Destination::All, Destination::One);
            return Some(Command::Send { to, bytes: bytes.into() });
        }
        match self.commands.pop_front()? {
            Command::Send { to, bytes } => {
                let one = match to {
                    Destination::One(node) => Some(node),
                    Destination::All => None,
                };
                let sealed = self.guard.seal(one, packet::is_greeting(&bytes), &bytes);
                Some(Command::Send { to, bytes: sealed.map_or(bytes, Into::into) })
            }
            command @ Command::Reserve(_) => Some(command),
        }
    }
}

/// Which keys a node and the others have, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyStatus {
    /// The keys of this node, the one it seals with first.
    pub own: Vec<KeyId>,
    /// The keys of the other nodes that were heard lately, lowest address first.
    pub others: Vec<Peer>,
}

impl Ring {
    /// Whether datagrams are sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.core.guard.keys().is_some()
    }

    /// Which keys are in use; `None` if nothing is sealed.
    #[must_use]
    pub fn keys(&self) -> Option<KeyStatus> {
        let own = self.core.guard.keys()?.ids().collect();
        Some(KeyStatus { own, others: self.core.guard.peers().collect() })
    }

    /// Uses these keys from now on, if no member of the view is left out by that.
    ///
    /// # Errors
    /// Which member would be, in words; then the keys are those from before.
    pub fn use_keys(&mut self, now: u64, keys: Keys) -> Result<(), String> {
        self.note_call(now);
        let Some(status) = self.keys() else {
            return Err("this node was started without a key; restart aisexec".into());
        };
        let first = keys.first().id();
        for &member in self.last_members().iter().filter(|&&member| member != self.core.me) {
            let Some(peer) = status.others.iter().find(|peer| peer.node == member) else {
                return Err(format!("it is not known which keys {member} has; try again"));
            };
            if !peer.accepts.contains(&first) {
                return Err(format!(
                    "{member} does not accept key {first}; add the key to its file, behind the \
                     others, before it is the first here"
                ));
            }
            if !keys.ids().any(|id| id == peer.uses) {
                return Err(format!(
                    "{member} seals with key {}; make another one the first in its file before \
                     that is removed here",
                    peer.uses
                ));
            }
        }
        self.core.guard.use_keys(keys);
        Ok(())
    }

    /// Whether the other nodes are still there is asked now and then.
    pub(super) fn look_at_seals(&mut self, now: u64) {
        self.core.guard.look(now);
    }

    /// A datagram has come that holds no packet for this member.
    #[cold]
    pub(super) fn on_refused_seal(
        &mut self,
        now: u64,
        from: NodeId,
        datagram: &[u8],
        why: Refused,
    ) {
        let counters = &mut self.core.counters;
        let counter = match why {
            // What is not of this protocol is told apart in every cluster.
            Refused::Clear if !packet::is_of_protocol(datagram) => {
                return counters.packets.count(Dropped::Foreign);
            }
            Refused::Own => return counters.packets.count(Dropped::Own),
            Refused::Malformed => return counters.packets.count(Dropped::Malformed),
            Refused::Version(version) => {
                return counters.packets.count(Dropped::Version(version));
            }
            Refused::Clear => &mut counters.clear,
            Refused::Sealed(_) | Refused::UnknownKey(_) => &mut counters.other_key,
            Refused::Forged(_) => &mut counters.forged,
            Refused::Replayed => &mut counters.replayed,
            Refused::Unproven { .. } => &mut counters.unproven,
        };
        *counter += 1;
        self.note_seal(now, from, why);
    }

    /// Notes what a datagram shows of the key of its sender.
    fn note_seal(&mut self, now: u64, from: NodeId, why: Refused) {
        let Some((what, advice)) = self.words_of_seal(from, why) else { return };
        // Nobody knows whether a stranger belongs to the cluster. One that is heard has not
        // sent this.
        let is_named = self.core.members.contains(&from) || self.last_members().contains(&from);
        let is_degraded = is_named && !self.core.guard.hears(from);
        let severity = if is_degraded { Severity::Degraded } else { Severity::Notice };
        let what = format!("packets of {from} are ignored: {what}");
        let problem = Problem { node: Some(from), severity, what, advice };
        self.core.problems.note(now, Topic::Key, from, Some(problem));
    }

    /// What is wrong with the seals of a node, and what can be done about it.
    fn words_of_seal(&self, from: NodeId, why: Refused) -> Option<(String, String)> {
        let mine = || {
            let keys = self.core.guard.keys();
            keys.map_or_else(String::new, |keys| keys.first().id().to_string())
        };
        let of_one_cluster = "(`key:` in network.conf) if they belong together";
        Some(match why {
            Refused::Sealed(key) => (
                format!("they are sealed with key {key}, and this node has no key"),
                format!("give this node the key file of {from} {of_one_cluster}"),
            ),
            Refused::Clear => (
                format!("they are not sealed, and this node has key {}", mine()),
                format!("give {from} the key file of this node {of_one_cluster}"),
            ),
            Refused::UnknownKey(key) => (
                format!("they are sealed with key {key}, and this node seals with {}", mine()),
                format!("give both the same key file {of_one_cluster}"),
            ),
            Refused::Forged(key) => (
                format!("they name key {key} and are not sealed with it"),
                "somebody forges them, or another key has the same name, or the network damages \
                 them"
                    .into(),
            ),
            Refused::Unproven { is_silent: true } => (
                "it does not answer whether it has sent them just now".into(),
                "look at firewalls and routes: packets to one node get lost; or somebody plays a \
                 recording"
                    .into(),
            ),
            Refused::Unproven { is_silent: false }
            | Refused::Replayed
            | Refused::Own
            | Refused::Version(_)
            | Refused::Malformed => return None,
        })
    }
}
