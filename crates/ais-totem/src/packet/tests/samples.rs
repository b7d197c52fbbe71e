//! Random packets that keep all rules.

use super::*;

fn nodes(random: &mut Random, most: usize) -> Vec<NodeId> {
    let count = random.below(most + 1);
    let mut nodes: Vec<NodeId> = (0..count).map(|_| node(random.below(255) as u8 + 1)).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

/// A list of nodes with the sender as the lowest.
fn members(random: &mut Random) -> Vec<NodeId> {
    let mut members = nodes(random, MAX_MEMBERS - 1);
    members.retain(|&member| member != node(SENDER));
    members.insert(0, node(SENDER));
    members
}

fn some_of(random: &mut Random, nodes: &[NodeId]) -> Vec<NodeId> {
    nodes.iter().copied().filter(|_| random.below(3) == 0).collect()
}

fn random_data(random: &mut Random) -> Data {
    let from = node(random.below(255) as u8 + 1);
    let length = random.below(2000) + 1;
    let chunks = random.bytes(length).into();
    let (seq, old) = (random.number(MAX_SEQ), random.number(MAX_VIEW - 1));
    let payload = if random.below(2) == 0 {
        Payload::New { from, chunks }
    } else {
        Payload::Recovered { ring: view(old), seq: random.number(MAX_SEQ), from, chunks }
    };
    let asks = random.below(2) == 0 && matches!(payload, Payload::New { .. });
    Data { ring: view(old + 1), seq, asks, payload }
}

fn random_token(random: &mut Random) -> Token {
    let seq = random.number(MAX_SEQ);
    let count = random.below(MAX_REQUESTS + 1);
    Token {
        ring: view(random.number(MAX_VIEW)),
        token_seq: random.next(),
        seq,
        aru: random.number(seq),
        aru_from: (random.below(2) == 0).then(|| node(3)),
        sent: random.next() as u32,
        backlog: random.next() as u32,
        idle: random.next() as u32,
        recovering: random.below(2) == 0,
        requests: (0..count).map(|_| random.number(seq)).collect(),
    }
}

fn random_join(random: &mut Random) -> Join {
    let number = random.number(MAX_VIEW);
    let members = members(random);
    let failed = some_of(random, &members);
    let heard = nodes(random, MAX_MEMBERS);
    Join {
        careful: random.below(2) == 0,
        leaving: random.below(2) == 0,
        number,
        ring: (random.below(2) == 0).then(|| view(random.number(number))),
        members,
        failed,
        mutual: some_of(random, &heard),
        heard,
    }
}

fn random_commit(random: &mut Random) -> Commit {
    let number = random.number(MAX_VIEW - 1);
    let entries = members(random).into_iter().map(|node| {
        let high = random.number(MAX_SEQ);
        let aru = random.number(high);
        let safe = random.number(aru);
        let old = match random.below(3) {
            0 => None,
            1 => Some(OldRing { ring: None, aru: 0, high: 0, safe: 0, obliged: Vec::new() }),
            _ => {
                let ring = Some(view(random.number(number)));
                Some(OldRing { ring, aru, high, safe, obliged: nodes(random, 5) })
            }
        };
        CommitEntry { node, old }
    });
    let members = entries.collect();
    Commit {
        ring: view(number + 1),
        hop: random.next() as u32,
        members,
        size: random.next() as u16,
    }
}

fn random_hello(random: &mut Random) -> Hello {
    let heard = nodes(random, MAX_MEMBERS);
    Hello {
        ring: (random.below(2) == 0).then(|| view(random.number(MAX_VIEW))),
        members: members(random),
        mutual: some_of(random, &heard),
        heard,
        // Longer than all that may be in it.
        reach: Reach { to_one: random.below(2) == 0, one: 1, all: 2, length: 3000 },
    }
}

/// A packet of every kind, the kinds in turn.
pub(super) fn random_packet(seed: u64) -> Packet {
    let mut random = Random::new(seed);
    match seed % 7 {
        0 => Packet::Data(random_data(&mut random)),
        1 => Packet::Token(random_token(&mut random)),
        2 => Packet::Join(random_join(&mut random)),
        3 => Packet::Commit(random_commit(&mut random)),
        4 => Packet::Hello(random_hello(&mut random)),
        5 => Packet::Cancel(Cancel { ring: view(random.number(MAX_VIEW)) }),
        _ => Packet::Ack(Ack {
            ring: view(random.number(MAX_VIEW)),
            aru: random.number(MAX_SEQ),
            waits: random.below(2) == 0,
        }),
    }
}
