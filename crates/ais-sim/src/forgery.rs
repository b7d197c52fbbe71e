//! What an attacker does that hears all packets and sends others in the name of
//! members.

use crate::Rng;
use crate::fabric::{Daemon, Fabric, Weather, node_of};
use ais_totem::{Bytes, fuzz};
use ais_wire::NodeId;
use std::fmt;

/// Kinds of packets, numbered from 1.
const KINDS: u64 = 8;
/// A host that is no member.
const OUTSIDER: usize = 200;
/// Packets that are forged at once, at most.
const BURST: u64 = 10;

/// How packets are forged for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgery {
    /// How often some packets are forged.
    pub(crate) times: u64,
    /// Which kind the forged packets are; none: all kinds.
    kind: Option<u8>,
    /// Which host is said to have sent the packets.
    sender: Option<usize>,
    /// Which host the packets are sent to, if not to all.
    target: Option<usize>,
}

impl Forgery {
    pub(crate) fn random(rng: &mut Rng, hosts: usize) -> Self {
        let times = match rng.below(3) {
            0 => rng.between(1, 5),
            1 => rng.between(5, 50),
            _ => rng.between(50, 500),
        };
        let kind = rng.once_in(2).then(|| rng.between(1, KINDS) as u8);
        let mut host = || rng.once_in(3).then(|| rng.below(hosts as u64) as usize);
        let (sender, target) = (host(), host());
        Self { times, kind, sender, target }
    }

    /// How the network is meanwhile: where a true packet is lost a forged one in its
    /// place is not noticed.
    pub(crate) fn weather(rng: &mut Rng) -> Weather {
        Weather { loss: *rng.pick(&[0, 0, 50_000, 300_000]), ..Weather::CALM }
    }

    /// Forges some packets; how many.
    pub(crate) fn forge<D: Daemon, A>(self, fabric: &mut Fabric<D, A>) -> u64 {
        let mut forged = 0;
        for _ in 0..fabric.rng.between(1, BURST) {
            let Some((sender, bytes)) = self.packet(fabric) else { continue };
            forged += 1;
            let hosts = fabric.hosts().len();
            if fabric.rng.once_in(2) {
                let to = self.target.unwrap_or_else(|| fabric.rng.below(hosts as u64) as usize);
                fabric.inject(to, sender, bytes);
            } else {
                (0..hosts).for_each(|to| fabric.inject(to, sender, bytes.clone()));
            }
        }
        forged
    }

    /// A packet like one that was sent lately, and the node that is said to have sent
    /// it.
    fn packet<D: Daemon, A>(self, fabric: &mut Fabric<D, A>) -> Option<(NodeId, Bytes)> {
        let latest = fabric.network.latest();
        let kinds: Vec<u8> = latest.keys().copied().collect();
        if kinds.is_empty() {
            return None;
        }
        let favourite = self.kind.filter(|kind| latest.contains_key(kind));
        let kind = favourite.unwrap_or_else(|| *fabric.rng.pick(&kinds));
        let (from, sample) = latest.get(&kind).cloned()?;
        let mut nodes: Vec<NodeId> = (0..fabric.hosts().len()).map(node_of).collect();
        nodes.push(node_of(OUTSIDER));
        let sender = match self.sender {
            Some(sender) => node_of(sender),
            None if fabric.rng.once_in(3) => *fabric.rng.pick(&nodes),
            None => node_of(from),
        };
        let (sample, rng) = ((node_of(from), &sample[..]), &mut fabric.rng);
        let bytes = fuzz::forge(sample, sender, &nodes, &mut |bound| rng.below(bound))?;
        Some((sender, bytes))
    }
}

impl fmt::Display for Forgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, kind, sender, target } = self;
        write!(f, "packets are forged {times} times: ")?;
        write!(f, "kind {kind:?}, in the name of {sender:?}, to {target:?}")
    }
}
