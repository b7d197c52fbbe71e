//! Datagrams as an attacker forges them that knows the protocol and hears what others
//! send: the layout is right, the checksum too, and what the fields say is not.

use crate::ViewId;
use crate::packet::{Codec, Commit, Data, Hello, Join, OldRing, Packet, Payload, Token};
use crate::{Bytes, packet::CommitEntry};
use ais_wire::{Name, NodeId};

/// A datagram like `sample`, which `from` has sent, in the name of `sender`, with
/// some of its fields changed. `below` draws a number below that it is given,
/// which is not 0; `nodes`, of which there is one at least, are those that fields
/// may name. `None` if the sample is no datagram of this version.
pub fn forge(
    (from, sample): (NodeId, &[u8]),
    sender: NodeId,
    nodes: &[NodeId],
    below: &mut dyn FnMut(u64) -> u64,
) -> Option<Bytes> {
    // The sample was sent to somebody else.
    let reader = Codec::new(NodeId::new(u32::MAX.into()), &Name::default(), &[]);
    let (mut packet, told) = reader.decode(from, sample).ok()?;
    let told = told.unwrap_or_default();
    Forger { nodes, below }.change(&mut packet);
    let writer = Codec::new(sender, &Name::default(), &told.settings);
    Some(writer.with_incarnation(told.incarnation).write(&packet))
}

struct Forger<'a> {
    nodes: &'a [NodeId],
    below: &'a mut dyn FnMut(u64) -> u64,
}

impl Forger<'_> {
    fn change(&mut self, packet: &mut Packet) {
        match packet {
            Packet::Data(data) => self.data(data),
            Packet::Token(token) => self.token(token),
            Packet::Join(join) => self.join(join),
            Packet::Commit(commit) => self.commit(commit),
            Packet::Hello(hello) => self.hello(hello),
            Packet::Cancel(cancel) => self.view(&mut cancel.ring),
            Packet::Ack(ack) => {
                self.view(&mut ack.ring);
                self.long(&mut ack.aru);
                self.flag(&mut ack.waits);
            }
        }
    }

    fn data(&mut self, data: &mut Data) {
        self.view(&mut data.ring);
        self.long(&mut data.seq);
        self.flag(&mut data.asks);
        let (from, chunks) = match &mut data.payload {
            Payload::New { from, chunks } => (from, chunks),
            Payload::Recovered { ring, seq, from, chunks } => {
                self.view(ring);
                self.long(seq);
                (from, chunks)
            }
        };
        self.node(from);
        if self.once_in(2) {
            let mut changed = chunks.to_vec();
            // A whole frame with another byte may be a message that all can read.
            if self.once_in(2) {
                changed.truncate(1 + self.below(chunks.len() as u64) as usize);
            }
            let place = self.below(changed.len() as u64) as usize;
            changed[place] = self.below(256) as u8;
            *chunks = changed.into();
        }
    }

    fn token(&mut self, token: &mut Token) {
        self.view(&mut token.ring);
        for field in [&mut token.token_seq, &mut token.seq, &mut token.aru] {
            self.long(field);
        }
        if self.once_in(4) {
            token.aru_from = self.once_in(2).then(|| self.some_node());
        }
        for field in [&mut token.sent, &mut token.backlog, &mut token.idle] {
            self.short(field);
        }
        self.flag(&mut token.recovering);
        if self.once_in(4) {
            let near = token.seq;
            token.requests.extend((0..self.below(64)).map(|place| near.saturating_sub(place)));
            token.requests.truncate(64);
        }
    }

    fn join(&mut self, join: &mut Join) {
        self.flag(&mut join.careful);
        if self.once_in(8) {
            join.leaving = !join.leaving;
        }
        self.long(&mut join.number);
        if let Some(ring) = &mut join.ring {
            self.view(ring);
        }
        for list in [&mut join.members, &mut join.failed, &mut join.heard, &mut join.mutual] {
            self.list(list);
        }
    }

    fn commit(&mut self, commit: &mut Commit) {
        self.view(&mut commit.ring);
        self.short(&mut commit.hop);
        if self.once_in(4) {
            commit.size = self.below(1 << 16) as u16;
        }
        let mut nodes: Vec<NodeId> = commit.members.iter().map(|entry| entry.node).collect();
        self.list(&mut nodes);
        commit.members.retain(|entry| nodes.contains(&entry.node));
        for node in nodes {
            if !commit.members.iter().any(|entry| entry.node == node) {
                commit.members.push(CommitEntry { node, old: None });
            }
        }
        commit.members.sort_by_key(|entry| entry.node);
        for entry in &mut commit.members {
            match &mut entry.old {
                Some(_) if self.once_in(8) => entry.old = None,
                Some(old) => self.old(old),
                None => {}
            }
        }
    }

    fn old(&mut self, old: &mut OldRing) {
        if let Some(ring) = &mut old.ring {
            self.view(ring);
        }
        for field in [&mut old.aru, &mut old.high, &mut old.safe] {
            self.long(field);
        }
        self.list(&mut old.obliged);
    }

    fn hello(&mut self, hello: &mut Hello) {
        if let Some(ring) = &mut hello.ring {
            self.view(ring);
        }
        for list in [&mut hello.members, &mut hello.heard, &mut hello.mutual] {
            self.list(list);
        }
        self.flag(&mut hello.reach.to_one);
        for field in [&mut hello.reach.one, &mut hello.reach.all] {
            if self.once_in(4) {
                *field = self.below(1 << 16) as u16;
            }
        }
    }

    fn view(&mut self, view: &mut ViewId) {
        if self.once_in(6) {
            self.long(&mut view.number);
        }
        if self.once_in(12) {
            view.representative = self.some_node();
        }
    }

    /// Changes a number: to a near one, one that is far, or one at an end.
    fn long(&mut self, number: &mut u64) {
        *number = match self.below(12) {
            0 => 0,
            1 => [u64::MAX, u64::MAX >> 1, u64::MAX >> 16][self.below(3) as usize],
            2 => number.saturating_add(1 + self.below(3)),
            3 => number.saturating_add(self.below(5_000)),
            4 => number.saturating_sub(1 + self.below(10)),
            5 => {
                let bits = self.below(60);
                number.saturating_add(self.below(1 << bits))
            }
            _ => *number,
        };
    }

    fn short(&mut self, number: &mut u32) {
        let mut long = u64::from(*number);
        self.long(&mut long);
        *number = u32::try_from(long).unwrap_or(u32::MAX);
    }

    fn flag(&mut self, flag: &mut bool) {
        *flag ^= self.once_in(4);
    }

    fn node(&mut self, node: &mut NodeId) {
        if self.once_in(8) {
            *node = self.some_node();
        }
    }

    /// Changes a list of nodes in ascending order.
    fn list(&mut self, nodes: &mut Vec<NodeId>) {
        match self.below(8) {
            0 => nodes.clear(),
            1 => nodes.push(self.some_node()),
            2 if !nodes.is_empty() => {
                let place = self.below(nodes.len() as u64) as usize;
                nodes.remove(place);
            }
            3 => *nodes = self.nodes.to_vec(),
            _ => {}
        }
        nodes.sort();
        nodes.dedup();
    }

    fn some_node(&mut self) -> NodeId {
        let place = self.below(self.nodes.len() as u64);
        self.nodes[place as usize]
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.below)(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_emptied_shortened_lengthened_or_made_whole() {
        let nodes = |hosts: &[u8]| -> Vec<NodeId> {
            hosts.iter().map(|host| NodeId::new([10, 0, 0, *host].into())).collect()
        };
        let all = nodes(&[1, 2, 3, 4]);
        let changed = |drawn: [u64; 2]| {
            let (mut drawn, mut list) = (drawn.into_iter(), nodes(&[2, 3]));
            let mut below = |_| drawn.next().unwrap();
            Forger { nodes: &all, below: &mut below }.list(&mut list);
            list
        };
        assert_eq!(changed([0, 0]), []);
        assert_eq!(changed([1, 0]), nodes(&[1, 2, 3]));
        assert_eq!(changed([1, 2]), nodes(&[2, 3]), "none comes twice");
        assert_eq!(changed([2, 1]), nodes(&[2]));
        assert_eq!(changed([3, 0]), all);
        assert_eq!(changed([4, 0]), nodes(&[2, 3]));
    }

    #[test]
    fn a_number_becomes_a_near_one_a_far_one_or_one_at_an_end() {
        let changed = |drawn: [u64; 3]| {
            let (mut drawn, mut number) = (drawn.into_iter(), 100);
            let mut below = |_| drawn.next().unwrap();
            Forger { nodes: &[], below: &mut below }.long(&mut number);
            number
        };
        assert_eq!(changed([0, 0, 0]), 0);
        assert_eq!(
            [0, 1, 2].map(|end| changed([1, end, 0])),
            [u64::MAX, u64::MAX >> 1, u64::MAX >> 16]
        );
        assert_eq!((changed([2, 0, 0]), changed([3, 4_999, 0])), (101, 5_099));
        assert_eq!((changed([4, 9, 0]), changed([5, 59, 1 << 58])), (90, 100 + (1 << 58)));
        assert_eq!(changed([6, 0, 0]), 100);
    }
}
