//! The JOIN that this member sends: what it wants, which links it knows, and when it is
//! sent ([SRP95] 5.1).

use super::super::{Ring, State};
use crate::Destination;
use crate::packet::{Join, MAX_MEMBERS, Packet};
use ais_wire::NodeId;
use std::collections::BTreeSet;

/// How often a member says that it goes.
const LEAVE_COPIES: usize = 3;

impl Ring {
    /// The others are to know soon of a new link, or of what this member wants now. Sends a
    /// JOIN as long after the last one as JOINs are apart, if none is due before.
    pub(in super::super) fn join_soon(&mut self, now: u64) {
        let gap = self.core.links.join_gap();
        let State::Gather(gather) = &mut self.state else { return };
        let soon = gather.joined_at.map_or(now, |at| at.saturating_add(gap));
        gather.join_at = gather.join_at.min(soon);
        if gather.begun && now >= gather.join_at {
            self.send_join(now);
        }
    }

    /// The nodes to which the first JOIN of a careful gather goes besides: it may be
    /// what is sent to all that does not get through.
    fn to_be_told_alone(&self) -> Vec<NodeId> {
        match &self.state {
            State::Gather(gather) if gather.is_careful && gather.joined_at.is_none() => {
                gather.wanted_peers().map(|(node, _)| node).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn send_join(&mut self, now: u64) {
        let Some(join) = self.join_of_gather(now) else { return };
        let join = Packet::Join(join);
        self.core.send(Destination::All, &join);
        for node in self.to_be_told_alone() {
            self.core.send(Destination::One(node), &join);
        }
        let interval = self.core.links.join_again();
        let State::Gather(gather) = &mut self.state else { return };
        gather.joined_at = Some(now);
        gather.join_at = now.saturating_add(interval);
        self.show_links(now);
    }

    /// What this member wants.
    pub(in super::super) fn join_of_gather(&self, now: u64) -> Option<Join> {
        let State::Gather(gather) = &self.state else { return None };
        let (members, failed) = gather.sets();
        Some(Join { members, failed, ..self.join(now) })
    }

    /// A JOIN without sets.
    fn join(&self, now: u64) -> Join {
        let (heard, mutual) = self.links_to_tell(now);
        Join {
            careful: matches!(&self.state, State::Gather(gather) if gather.is_careful),
            leaving: false,
            number: self.core.number(),
            ring: self.trusted_ring().map(|ring| ring.id),
            members: Vec::new(),
            failed: Vec::new(),
            heard,
            mutual,
        }
    }

    /// The nodes that this member hears, and those of them that hear it. The members of
    /// its ring that answer are among them, as long as nothing has gone wrong with
    /// that.
    fn links_to_tell(&self, now: u64) -> (Vec<NodeId>, Vec<NodeId>) {
        let mates = self.ring.as_ref().map_or(&[][..], |ring| &ring.members);
        let gather = match &self.state {
            State::Gather(gather) if !gather.is_careful && self.core.has_number() => gather,
            _ => return self.links_but(now, &[]),
        };
        let (heard, mutual) = self.links_but(now, mates);
        let answers = |node: &&NodeId| gather.peers.get(node).is_some_and(|peer| peer.heard);
        let with_mates = |nodes: Vec<NodeId>| {
            let mates = mates.iter().filter(answers).copied();
            let all: BTreeSet<NodeId> = mates.chain(nodes).collect();
            all.into_iter().take(MAX_MEMBERS).collect()
        };
        (with_mates(heard), with_mates(mutual))
    }

    /// Says several times, since any packet may get lost, that this member
    /// goes.
    pub(in super::super) fn send_leave(&mut self, now: u64) {
        if let State::Left = self.state {
            return;
        }
        let mut members = self.members_with_me();
        if !members.contains(&self.core.me) {
            members.push(self.core.me);
            members.sort();
        }
        let failed = vec![self.core.me];
        let join = Join { leaving: true, members, failed, ..self.join(now) };
        let bytes = self.core.codec.encode(&Packet::Join(join));
        for _ in 0..LEAVE_COPIES {
            self.core.send_bytes(Destination::All, bytes.clone());
        }
    }
}
