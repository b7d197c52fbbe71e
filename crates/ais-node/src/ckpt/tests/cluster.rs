//! Nodes that lose and find each other: each side orders its own messages,
//! and after every one of them its members have the same digest.

use super::*;
use ais_group::ViewId;
use std::collections::BTreeMap;

pub(super) fn node(number: usize) -> NodeId {
    NodeId::new([10, 0, 0, number as u8 + 1].into())
}

/// A program on each node, with the number of the node.
pub(super) fn program(node: usize) -> Program {
    super::program(node, node as u64 + 1)
}

pub(super) struct Cluster {
    pub(super) replicas: Vec<Replica>,
    /// The members of each side, lowest first.
    pub(super) sides: Vec<Vec<usize>>,
    /// What each node has sent and nobody has got yet.
    pub(super) sent: Vec<VecDeque<Vec<u8>>>,
    /// The last answer to each node, and what its program has open.
    pub(super) replies: BTreeMap<u32, Reply>,
    /// In how many pieces more the longest merge was done.
    pub(super) pieces: usize,
    /// The digests are compared after every message.
    pub(super) compare: bool,
    limits: Limits,
    now: Now,
    view: u64,
    number: u64,
    id: u32,
}

impl Cluster {
    /// Nodes that are all together.
    pub(super) fn new(nodes: usize) -> Self {
        let limits = Limits { memory: 1 << 30, max_message: 1 << 24, ..LIMITS };
        let mut cluster = Self {
            replicas: (0..nodes).map(|number| Replica::new(node(number), limits)).collect(),
            sides: Vec::new(),
            sent: vec![VecDeque::new(); nodes],
            replies: BTreeMap::new(),
            pieces: 0,
            compare: true,
            limits,
            now: Now { monotonic: 0, wall: START },
            view: 0,
            number: 0,
            id: 0,
        };
        cluster.divide(vec![(0..nodes).collect()]);
        cluster
    }

    /// Everybody is in one of these sides from now on, each of which was part
    /// of one, or the first.
    pub(super) fn divide(&mut self, sides: Vec<Vec<usize>>) {
        let before = std::mem::take(&mut self.sides);
        for side in &sides {
            let of = before.iter().find(|of| of.contains(&side[0])).cloned().unwrap_or_default();
            let left = of.into_iter().filter(|number| !side.contains(number)).collect();
            self.install(side, side, left);
            self.lead(side);
        }
        self.sides = sides;
        self.check();
    }

    /// Those of `came` see a view with these members.
    fn install(&mut self, members: &[usize], came: &[usize], left: Vec<usize>) {
        self.view += u64::from(members == came);
        let nodes = |numbers: &[usize]| numbers.iter().map(|number| node(*number)).collect();
        let joined: Vec<_> = members.iter().copied().filter(|of| !came.contains(of)).collect();
        let view = View {
            id: ViewId { number: self.view, representative: node(members[0]) },
            members: nodes(members),
            joined: nodes(&joined),
            left: nodes(&left),
            came_with_me: nodes(came),
            why: String::new(),
        };
        for number in came {
            let replica = &mut self.replicas[*number];
            replica.ckpt.on_view(&view, true, &mut replica.fx);
            replica.go_on();
        }
        self.apply();
    }

    fn lead(&mut self, members: &[usize]) {
        for number in members {
            let replica = &mut self.replicas[*number];
            replica.ckpt.on_lead(*number == members[0], &mut replica.fx);
            replica.go_on();
        }
        self.apply();
    }

    /// All meet in one view; nothing is put together yet.
    pub(super) fn meet(&mut self) {
        self.view += 1;
        let members: Vec<_> = (0..self.replicas.len()).collect();
        for side in self.sides.clone() {
            self.install(&members, &side, Vec::new());
        }
    }

    /// Sides that have met are put together in this order. Those of `given_up`
    /// are on none of them any more.
    pub(super) fn merge(&mut self, ranked: &[Vec<usize>], given_up: &[usize]) {
        let all: Vec<_> = (0..self.replicas.len()).collect();
        let sides: Vec<Vec<usize>> = ranked
            .iter()
            .map(|side| side.iter().copied().filter(|of| !given_up.contains(of)).collect())
            .filter(|side: &Vec<usize>| !side.is_empty())
            .collect();
        let snapshots: Vec<Vec<_>> = sides
            .iter()
            .map(|side| self.replicas[side[0]].ckpt.snapshot(Part::Whole).collect())
            .collect();
        let view = ViewId { number: self.view, representative: node(0) };
        let view = View {
            id: view,
            members: all.iter().map(|number| node(*number)).collect(),
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: Vec::new(),
            why: String::new(),
        };
        for number in &all {
            let replica = &mut self.replicas[*number];
            let take = |(side, chunks): (&Vec<usize>, &Vec<Vec<u8>>)| Side {
                members: side.iter().map(|number| node(*number)).collect(),
                state: (!side.contains(number)).then(|| receive(&replica.ckpt, chunks)),
            };
            let sides: Vec<_> = sides.iter().zip(&snapshots).map(take).collect();
            // A side that stands alone is not put together with itself.
            if sides.len() > 1 || sides[0].state.is_some() {
                replica.ckpt.merge(sides, &view, &mut replica.fx);
                self.pieces = self.pieces.max(replica.go_on());
            }
        }
        self.lead(&all);
        self.sides = vec![all];
        self.check();
    }

    /// The node starts anew, and gets the state of the others while these
    /// write on.
    pub(super) fn restart(&mut self, number: usize, meanwhile: impl FnOnce(&mut Self)) {
        let others: Vec<_> = (0..self.replicas.len()).filter(|of| *of != number).collect();
        assert_eq!(self.sides.len(), 1);
        let all = std::mem::take(&mut self.sides).remove(0);
        self.replicas[number] = Replica::new(node(number), self.limits);
        self.sent[number].clear();
        self.view += 1;
        self.install(&all, &others, vec![number]);
        self.install(&all, &[number], Vec::new());
        let snapshot = self.replicas[others[0]].ckpt.snapshot(Part::Whole);
        self.sides = vec![others.clone()];
        self.lead(&others);
        let (first, log) = (self.number, self.sent.len());
        assert_eq!(log, all.len());
        let mut delivered = Vec::new();
        meanwhile(self);
        while let Some((from, bytes)) = self.deliver_next(0) {
            delivered.push((from, bytes));
        }
        let replica = &mut self.replicas[number];
        let state = Some(receive(&replica.ckpt, &snapshot.collect::<Vec<_>>()));
        let members = others.iter().map(|number| node(*number)).collect();
        let view = ViewId { number: self.view, representative: node(0) };
        let view = View {
            id: view,
            members: all.iter().map(|number| node(*number)).collect(),
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: Vec::new(),
            why: String::new(),
        };
        replica.ckpt.merge(vec![Side { members, state }], &view, &mut replica.fx);
        replica.go_on();
        for (index, (from, bytes)) in delivered.into_iter().enumerate() {
            replica.deliver(from, first + 1 + index as u64, &bytes);
        }
        self.sides = vec![all.clone()];
        self.lead(&all);
        self.check();
    }

    /// Asks without waiting. The id of the request.
    pub(super) fn send(&mut self, number: usize, request: Request<'_>) -> u32 {
        let Program { session, connection, handle, .. } = program(number);
        self.id += 1;
        let caller = Caller { session, connection, handle };
        let asker = Asker { session, connection, id: self.id };
        let Replica { ckpt, fx, .. } = &mut self.replicas[number];
        hand_over(ckpt, self.now, &caller, asker, request, fx).unwrap();
        self.apply();
        self.id
    }

    /// Asks and takes the reply, after all that is under way.
    pub(super) fn ask(&mut self, number: usize, request: Request<'_>) -> Reply {
        let id = self.send(number, request);
        self.settle();
        self.replies.remove(&id).unwrap()
    }

    pub(super) fn open(&mut self, number: usize, name: &str, attributes: Attributes) -> u32 {
        let reply = self.ask(number, Request::Open(to_open(name, COLOCATED, Some(attributes))));
        assert_eq!(reply.result, Ok(()));
        Reader::new(&reply.body).u32().unwrap()
    }

    pub(super) fn write(
        &mut self,
        number: usize,
        checkpoint: u32,
        data: &[u8],
    ) -> Result<(), AisError> {
        self.ask(number, Request::Overwrite { checkpoint, id: b"", data }).result
    }

    pub(super) fn contents(&mut self, number: usize, checkpoint: u32) -> Result<Vec<u8>, AisError> {
        let elements = vec![ReadElement { id: b"", offset: 0, size: None }];
        let reply = self.ask(number, Request::Read { checkpoint, elements });
        reply.result?;
        Ok(ReadReply::decode(&reply.body).unwrap().pieces().next().unwrap().to_vec())
    }

    fn apply(&mut self) {
        for (number, replica) in self.replicas.iter_mut().enumerate() {
            let mut sent = VecDeque::new();
            replica.apply(node(number), self.now, &mut sent);
            self.sent[number].extend(sent.into_iter().map(|(_, bytes)| bytes));
            let replies = std::mem::take(&mut replica.replies);
            self.replies.extend(replies.into_iter().map(|(_, id, reply)| (id, reply)));
        }
    }

    /// Delivers everything, everywhere.
    pub(super) fn settle(&mut self) {
        for side in 0..self.sides.len() {
            while self.deliver_next(side).is_some() {}
        }
    }

    /// Delivers the next message of a side to its members.
    fn deliver_next(&mut self, side: usize) -> Option<(NodeId, Vec<u8>)> {
        let members = self.sides[side].clone();
        let from = *members.iter().find(|number| !self.sent[**number].is_empty())?;
        self.deliver(from, &members)
    }

    /// Delivers the next message of a node to these.
    pub(super) fn deliver(&mut self, from: usize, to: &[usize]) -> Option<(NodeId, Vec<u8>)> {
        let bytes = self.sent[from].pop_front()?;
        self.number += 1;
        for number in to {
            self.replicas[*number].deliver(node(from), self.number, &bytes);
        }
        self.apply();
        self.check();
        Some((node(from), bytes))
    }

    /// The members of a side are the same, and sound.
    fn check(&self) {
        for side in self.sides.iter().filter(|_| self.compare) {
            let first = &self.replicas[side[0]];
            first.ckpt.state.assert_sound();
            for number in side {
                assert_eq!(self.replicas[*number].digest(), first.digest(), "{side:?}");
            }
        }
    }

    /// With nothing under way, everybody knows what is open where.
    pub(super) fn assert_counted(&mut self) {
        self.settle();
        for replica in &self.replicas {
            replica.ckpt.assert_counted(replica.ckpt.me);
        }
    }

    /// Lets time pass; what is proposed is delivered.
    pub(super) fn wait(&mut self, nanoseconds: i64) {
        let end = self.now.monotonic + nanoseconds.cast_unsigned();
        loop {
            self.settle();
            let next = self.replicas.iter().filter_map(|replica| replica.timers.next()).min();
            let to = next.unwrap_or(end).clamp(self.now.monotonic, end);
            self.now.wall += (to - self.now.monotonic).cast_signed();
            self.now.monotonic = to;
            let mut fired = false;
            for replica in &mut self.replicas {
                while let Some((_, timer)) = replica.timers.take_next(self.now.monotonic) {
                    replica.ckpt.on_timer(self.now, timer, &mut replica.fx);
                    fired = true;
                }
            }
            self.apply();
            if !fired && to == end {
                return self.settle();
            }
        }
    }
}

/// A state as its chunks bring it.
pub(super) fn receive(ckpt: &Ckpt, chunks: &[Vec<u8>]) -> Box<dyn ForeignState> {
    let mut incoming = ckpt.incoming();
    for chunk in chunks {
        incoming.take_chunk(chunk).unwrap();
    }
    incoming
}
