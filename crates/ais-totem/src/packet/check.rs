//! What every packet has to fulfil, so that the ring need not ask again.

use super::*;

/// Whether a packet that `sender` has sent keeps the rules its fields state.
pub(super) fn is_sane(packet: &Packet, sender: NodeId) -> bool {
    match packet {
        Packet::Data(data) => is_sane_data(data),
        Packet::Token(token) => is_sane_token(token),
        Packet::Join(join) => is_sane_join(join, sender),
        Packet::Commit(commit) => is_sane_commit(commit, sender),
        Packet::Hello(hello) => is_sane_hello(hello, sender),
        Packet::Cancel(cancel) => is_view(cancel.ring),
        Packet::Ack(ack) => is_view(ack.ring) && ack.aru <= MAX_SEQ,
    }
}

pub(super) fn is_sane_data(data: &Data) -> bool {
    let payload = match &data.payload {
        Payload::New { from, chunks } => is_node(*from) && are_chunks(chunks),
        Payload::Recovered { ring, seq, from, chunks } => {
            is_view(*ring)
                && ring.number < data.ring.number
                && is_frame(*seq)
                && is_node(*from)
                && are_chunks(chunks)
        }
    };
    is_view(data.ring) && is_frame(data.seq) && payload
}

fn is_sane_token(token: &Token) -> bool {
    is_view(token.ring)
        && token.seq <= MAX_SEQ
        && token.aru <= token.seq
        && token.aru_from.is_none_or(is_node)
        && token.requests.len() <= MAX_REQUESTS
        && token.requests.iter().all(|&seq| is_frame(seq) && seq <= token.seq)
}

fn is_sane_join(join: &Join, sender: NodeId) -> bool {
    join.number <= MAX_VIEW
        && join.ring.is_none_or(|ring| is_view(ring) && ring.number <= join.number)
        && [&join.members, &join.failed, &join.heard, &join.mutual]
            .into_iter()
            .all(|list| are_nodes(list))
        && (join.leaving || contains(&join.members, sender))
        && join.failed.iter().all(|&node| contains(&join.members, node))
        && join.mutual.iter().all(|&node| contains(&join.heard, node))
}

fn is_sane_commit(commit: &Commit, sender: NodeId) -> bool {
    let nodes: Vec<NodeId> = commit.members.iter().map(|entry| entry.node).collect();
    is_view(commit.ring)
        && are_nodes(&nodes)
        && nodes.first() == Some(&commit.ring.representative)
        && contains(&nodes, sender)
        && commit
            .members
            .iter()
            .all(|entry| entry.old.as_ref().is_none_or(|old| is_sane_old(old, commit.ring)))
}

fn is_sane_old(old: &OldRing, new: ViewId) -> bool {
    let has_something = old.high > 0 || !old.obliged.is_empty();
    old.ring.map_or(!has_something, |ring| is_view(ring) && ring.number < new.number)
        && old.safe <= old.aru
        && old.aru <= old.high
        && old.high <= MAX_SEQ
        && are_nodes(&old.obliged)
}

fn is_sane_hello(hello: &Hello, sender: NodeId) -> bool {
    are_nodes(&hello.members)
        && are_nodes(&hello.heard)
        && are_nodes(&hello.mutual)
        && hello.mutual.iter().all(|&node| contains(&hello.heard, node))
        && hello.ring.is_none_or(|ring| {
            is_view(ring)
                && hello.members.first() == Some(&ring.representative)
                && contains(&hello.members, sender)
        })
}

/// Whether the chunks of a frame have a length they can have.
fn are_chunks(chunks: &[u8]) -> bool {
    (1..=MAX_CHUNKS).contains(&chunks.len())
}

fn is_node(node: NodeId) -> bool {
    !node.address().is_unspecified()
}

fn is_view(view: ViewId) -> bool {
    (1..=MAX_VIEW).contains(&view.number) && is_node(view.representative)
}

fn is_frame(seq: u64) -> bool {
    (1..=MAX_SEQ).contains(&seq)
}

/// Whether a list of nodes is bounded and in strictly ascending order.
pub(super) fn are_nodes(nodes: &[NodeId]) -> bool {
    nodes.len() <= MAX_MEMBERS
        && nodes.first().is_none_or(|&node| is_node(node))
        && nodes.is_sorted_by(|a, b| a < b)
}

/// Whether `node` is in a list in ascending order.
fn contains(nodes: &[NodeId], node: NodeId) -> bool {
    nodes.binary_search(&node).is_ok()
}
