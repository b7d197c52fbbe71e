//! The daemons that datagrams came from, and which of them have shown that they run.

use crate::cipher::{BootKey, Cipher};
use crate::header::{Boot, Header};
use crate::window::Window;
use crate::{KeyId, Keys};
use ais_wire::{MAX_NODES, NodeId};
use std::collections::BTreeMap;

/// Daemons that are remembered at most: each node may have started again.
const MAX_PROVEN: usize = 2 * MAX_NODES;
/// Others that are remembered at most. A recording may hold many that are gone.
const MAX_UNPROVEN: usize = 64;
/// A daemon that was not heard for so long has to show anew that it runs, in ns: what
/// somebody held back for longer does not count.
pub(crate) const EXPIRES: u64 = 60 * SECOND;
/// One that was not heard for so long is asked whether it is there, in ns.
const KEEP_ALIVE: u64 = 20 * SECOND;
/// One daemon is asked again after so long, in ns.
const ASK_GAP: u64 = 10_000_000;
/// One that sends and does not answer for so long is told of, in ns.
const SILENT: u64 = 2 * SECOND;
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A daemon that has shown that it runs, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its node.
    pub node: NodeId,
    /// The key it seals with.
    pub uses: KeyId,
    /// The keys it opens with.
    pub accepts: Vec<KeyId>,
}

/// A daemon.
#[derive(Debug)]
pub(crate) struct Known {
    keys: Vec<(KeyId, Cipher, BootKey)>,
    /// What has come from it since it showed that it runs; `None`: it has not.
    pub(crate) window: Option<Window>,
    pub(crate) heard_at: u64,
    /// When it was asked last.
    asked_at: Option<u64>,
    /// Since when it is heard and does not answer.
    silent_since: u64,
    pub(crate) uses: KeyId,
    pub(crate) accepts: Vec<KeyId>,
    pub(crate) has_aes: bool,
}

impl Known {
    fn new(now: u64, uses: KeyId) -> Self {
        Self {
            keys: Vec::new(),
            window: None,
            heard_at: now,
            asked_at: None,
            silent_since: now,
            uses,
            accepts: Vec::new(),
            has_aes: true,
        }
    }

    /// Whether it may be asked now whether it runs; then it counts as asked.
    pub(crate) fn may_be_asked(&mut self, now: u64) -> bool {
        let may = self.asked_at.is_none_or(|at| now >= at.saturating_add(ASK_GAP));
        if may {
            self.asked_at = Some(now);
        }
        may
    }

    /// Whether it is heard for long and does not answer.
    pub(crate) fn is_silent(&self, now: u64) -> bool {
        self.window.is_none() && now >= self.silent_since.saturating_add(SILENT)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Peers(BTreeMap<(NodeId, Boot), Known>);

impl Peers {
    pub(crate) fn get(&self, node: NodeId, boot: &Boot) -> Option<&Known> {
        self.0.get(&(node, *boot))
    }

    pub(crate) fn get_mut(&mut self, node: NodeId, boot: &Boot) -> Option<&mut Known> {
        self.0.get_mut(&(node, *boot))
    }

    /// Whether a daemon of a node has shown that it runs.
    pub(crate) fn has_proven(&self, node: NodeId) -> bool {
        let of_node = (node, Boot::default())..=(node, [u8::MAX; size_of::<Boot>()]);
        self.0.range(of_node).any(|(_, known)| known.window.is_some())
    }

    /// What a datagram with this header is opened with, as far as that is kept.
    pub(crate) fn key(&self, from: NodeId, header: &Header) -> Option<&BootKey> {
        let keys = &self.get(from, &header.boot)?.keys;
        let is_it = |(id, cipher, _): &&(KeyId, Cipher, BootKey)| {
            (*id, *cipher) == (header.key, header.cipher)
        };
        keys.iter().find(is_it).map(|(.., key)| key)
    }

    /// A datagram of a daemon was opened with a key that was not kept. Keeps it.
    pub(crate) fn keep(&mut self, now: u64, from: NodeId, header: &Header, key: BootKey) {
        if self.get(from, &header.boot).is_none() {
            self.make_room();
        }
        let known = self.0.entry((from, header.boot)).or_insert(Known::new(now, header.key));
        known.keys.push((header.key, header.cipher, key));
    }

    fn make_room(&mut self) {
        for (is_proven, most) in [(false, MAX_UNPROVEN), (true, MAX_PROVEN)] {
            let of_kind = self.0.iter().filter(|(_, known)| known.window.is_some() == is_proven);
            let oldest = of_kind.clone().min_by_key(|(_, known)| known.heard_at);
            if of_kind.count() >= most
                && let Some((&oldest, _)) = oldest
            {
                self.0.remove(&oldest);
            }
        }
    }

    /// Only these keys are used from now on.
    pub(crate) fn use_keys(&mut self, keys: &Keys) {
        for known in self.0.values_mut() {
            known.keys.retain(|(id, ..)| keys.get(*id).is_some());
        }
    }

    /// Forgets who was not heard for long. Those who are to be asked whether they are
    /// still there.
    pub(crate) fn look(&mut self, now: u64) -> Vec<(NodeId, Boot)> {
        self.0.retain(|_, known| now <= known.heard_at.saturating_add(EXPIRES));
        let quiet = self.0.iter().filter(|(_, known)| {
            known.window.is_some() && now >= known.heard_at.saturating_add(KEEP_ALIVE)
        });
        quiet.map(|(whose, _)| *whose).collect()
    }

    /// Of each node the one that was heard last, of those that have shown that they run.
    pub(crate) fn newest(&self) -> impl Iterator<Item = Peer> {
        let mut newest: BTreeMap<NodeId, &Known> = BTreeMap::new();
        for ((node, _), known) in self.proven() {
            let of = newest.entry(*node).or_insert(known);
            if known.heard_at > of.heard_at {
                *of = known;
            }
        }
        newest.into_iter().map(|(node, known)| Peer {
            node,
            uses: known.uses,
            accepts: known.accepts.clone(),
        })
    }

    /// The daemons that have shown that they run.
    pub(crate) fn proven(&self) -> impl Iterator<Item = (&(NodeId, Boot), &Known)> {
        self.0.iter().filter(|(_, known)| known.window.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::header::Kind;

    fn header(boot: u64) -> Header {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&boot.to_le_bytes());
        Header {
            cipher: Cipher::Aes256Gcm,
            kind: Kind::Packet,
            to_one: false,
            key: KeyId(1),
            boot: bytes,
            number: 1,
            fresh: [0; 4],
        }
    }

    #[test]
    fn only_so_many_are_remembered() {
        let node = NodeId::new([10, 0, 0, 1].into());
        let key = Key::new(KeyId(1), [0; 32]);
        let mut peers = Peers::default();
        for boot in 0..1000 {
            let header = header(boot);
            let derived = BootKey::new(&key, header.cipher, node, &header.boot);
            peers.keep(boot, node, &header, derived);
            if boot >= 500 {
                peers.get_mut(node, &header.boot).unwrap().window = Some(Window::above(0));
            }
            assert!(peers.0.len() <= MAX_PROVEN + MAX_UNPROVEN, "{}", peers.0.len());
        }
        assert_eq!(peers.proven().count(), MAX_PROVEN);
        assert!(peers.get(node, &header(999).boot).is_some());
        assert!(peers.get(node, &header(499).boot).is_some(), "others do not push them out");
        assert!(peers.get(node, &header(0).boot).is_none());
    }
}
