//! The bodies of packets as bytes. docs/RING.md has the layout in a table.

use super::check::{are_nodes, is_sane, is_sane_data};
use super::seal::{self, HEADER, MINOR, Opened, Seal};
use super::*;
use crate::settings::{self, Setting};
use ais_wire::{DecodeError, Name, Reader, Writer};

/// Nodes of an older minor version are in no ring with this one: they do not show
/// the way to one node.
pub(crate) const OLDEST_MINOR: u8 = WITH_REACH;
/// The first minor version in which JOIN and HELLO end with the settings of
/// their sender.
const WITH_SETTINGS: u8 = 1;
/// The first one in which HELLO goes on with [`Reach`] and is filled up with
/// zeros, JOIN says whether it is careful and does not begin with a minor version,
/// and COMMIT says which size gets through; and in which JOIN and HELLO tell which
/// machine their sender is, and which addresses two machines have.
const WITH_REACH: u8 = 2;

const VIEW: usize = 8 + 4;
/// What the body of a frame has in front of its chunks when it is recovered, which
/// is more than when it is new.
const RECOVERED: usize = VIEW + 8 + VIEW + 8 + 4;

/// Bytes of chunks that fit into a frame, so that a datagram of `mtu` bytes
/// holds the frame even when it is recovered.
pub(crate) const fn chunk_capacity(mtu: usize) -> usize {
    mtu.saturating_sub(HEADER + RECOVERED)
}

mod kind {
    pub(super) const DATA: u8 = 1;
    pub(super) const RECOVERED: u8 = 2;
    pub(super) const TOKEN: u8 = 3;
    pub(super) const JOIN: u8 = 4;
    pub(super) const COMMIT: u8 = 5;
    pub(super) const HELLO: u8 = 6;
    pub(super) const CANCEL: u8 = 7;
    pub(super) const ACK: u8 = 8;
}

/// Writes and reads the packets of one node in one cluster.
#[derive(Debug)]
pub(crate) struct Codec {
    seal: Seal,
    /// The settings of this node, as they stand in a packet.
    settings: Vec<u8>,
    incarnation: u64,
    twice: Vec<NodeId>,
}

impl Codec {
    pub(crate) fn new(me: NodeId, cluster: &Name, settings: &[Setting]) -> Self {
        let mut out = Writer::new();
        settings::write(&mut out, settings);
        Self {
            seal: Seal::new(me, cluster),
            settings: out.into_bytes(),
            incarnation: 0,
            twice: Vec::new(),
        }
    }

    /// The same for a node that has drawn this number at its start.
    pub(crate) fn with_incarnation(self, incarnation: u64) -> Self {
        Self { incarnation, ..self }
    }

    /// From now on JOIN and HELLO tell that two machines have each of these
    /// addresses, which are in ascending order.
    pub(crate) fn tell_twice(&mut self, nodes: &[NodeId]) {
        self.twice = nodes.iter().copied().take(MAX_MEMBERS).collect();
    }

    /// The datagram of a packet from this node. The packet keeps the rules
    /// that its fields state; a receiver drops what does not.
    pub(crate) fn encode(&self, packet: &Packet) -> Bytes {
        debug_assert!(is_sane(packet, self.seal.me), "no receiver would take {packet:?}");
        self.write(packet)
    }

    /// [`Codec::encode`] for a frame that the caller keeps.
    pub(crate) fn encode_data(&self, data: &Data) -> Bytes {
        debug_assert!(is_sane_data(data), "no receiver would take {data:?}");
        self.write_data(data)
    }

    pub(crate) fn write(&self, packet: &Packet) -> Bytes {
        match packet {
            Packet::Data(data) => self.write_data(data),
            Packet::Token(token) => self.seal(kind::TOKEN, 0, |out| write_token(out, token)),
            Packet::Join(join) => self.seal(kind::JOIN, 0, |out| {
                write_join(out, join);
                out.raw(&self.settings).bool(join.careful);
                self.write_incarnation(out);
            }),
            Packet::Commit(commit) => self.seal(kind::COMMIT, 0, |out| write_commit(out, commit)),
            Packet::Hello(hello) => {
                let length = usize::from(hello.reach.length);
                self.seal(kind::HELLO, length, |out| {
                    write_hello(out, hello);
                    out.raw(&self.settings);
                    write_reach(out, hello.reach);
                    self.write_incarnation(out);
                    out.fill(length);
                })
            }
            Packet::Cancel(cancel) => self.seal(kind::CANCEL, 0, |out| cancel.ring.encode(out)),
            Packet::Ack(ack) => self.seal(kind::ACK, 0, |out| write_ack(out, ack)),
        }
    }

    fn write_incarnation(&self, out: &mut Writer) {
        out.u64(self.incarnation).list(&self.twice, write_node);
    }

    fn write_data(&self, data: &Data) -> Bytes {
        match &data.payload {
            Payload::New { from, chunks } => self.seal(kind::DATA, chunks.len(), |out| {
                data.ring.encode(out);
                out.u64(data.seq).bool(data.asks).node(*from).raw(chunks);
            }),
            Payload::Recovered { ring, seq, from, chunks } => {
                self.seal(kind::RECOVERED, chunks.len(), |out| {
                    data.ring.encode(out);
                    out.u64(data.seq);
                    ring.encode(out);
                    out.u64(*seq).node(*from).raw(chunks);
                })
            }
        }
    }

    /// The packet in a datagram that came from the address of `from`, which is
    /// then its sender; and what JOIN and HELLO tell of that besides.
    ///
    /// # Errors
    /// [`Dropped`] if it is not one this node should look at.
    pub(crate) fn decode(
        &self,
        from: NodeId,
        datagram: &[u8],
    ) -> Result<(Packet, Option<Introduction>), Dropped> {
        let Opened { minor, kind, body } = self.seal.open(from, datagram)?;
        let is_from_me = from == self.seal.me;
        if is_from_me && !greets(kind) {
            return Err(Dropped::Own);
        }
        let (mut packet, told) = read(kind, minor, body).map_err(|_| Dropped::Malformed)?;
        if is_from_me {
            let incarnation = told.map_or(0, |told| told.incarnation);
            let is_own = incarnation == self.incarnation;
            return Err(if is_own { Dropped::Own } else { Dropped::OwnAddress(incarnation) });
        }
        if let Packet::Hello(hello) = &mut packet {
            hello.reach.length = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
        }
        if is_sane(&packet, from) { Ok((packet, told)) } else { Err(Dropped::Malformed) }
    }

    /// A packet with the body that `write` makes, of about `length` bytes besides
    /// the first fields.
    pub(crate) fn seal(&self, kind: u8, length: usize, write: impl FnOnce(&mut Writer)) -> Bytes {
        self.seal.seal(kind, RECOVERED + length, write)
    }
}

/// Whether a datagram is a JOIN or a HELLO, by its first bytes alone. Any other one
/// that comes from the own address can only be an echo of this node's own.
#[must_use]
pub fn is_greeting(datagram: &[u8]) -> bool {
    ais_seal::is_greeting(datagram) || seal::kind(datagram).is_some_and(greets)
}

/// Whether a datagram is one of this protocol that is not sealed, by its first bytes alone.
pub(crate) fn is_of_protocol(datagram: &[u8]) -> bool {
    seal::kind(datagram).is_some()
}

fn greets(kind: u8) -> bool {
    matches!(kind, kind::JOIN | kind::HELLO)
}

fn read(kind: u8, minor: u8, body: &[u8]) -> Result<(Packet, Option<Introduction>), DecodeError> {
    let mut input = Reader::new(body);
    let mut packet = match kind {
        kind::DATA => Packet::Data(read_data(&mut input)?),
        kind::RECOVERED => Packet::Data(read_recovered(&mut input)?),
        kind::TOKEN => Packet::Token(read_token(&mut input)?),
        kind::JOIN => Packet::Join(read_join(&mut input, minor)?),
        kind::COMMIT => Packet::Commit(read_commit(&mut input)?),
        kind::HELLO => Packet::Hello(read_hello(&mut input)?),
        kind::CANCEL => Packet::Cancel(Cancel { ring: ViewId::decode(&mut input)? }),
        kind::ACK => Packet::Ack(read_ack(&mut input)?),
        _ => return Err(DecodeError::Invalid),
    };
    let mut told = Introduction { minor, ..Introduction::default() };
    if greets(kind) && minor >= WITH_SETTINGS {
        told.settings = settings::read(&mut input)?;
    }
    match &mut packet {
        Packet::Hello(hello) if minor >= WITH_REACH => hello.reach = read_reach(&mut input)?,
        Packet::Join(join) if minor >= WITH_REACH => join.careful = input.bool()?,
        Packet::Commit(commit) if minor >= WITH_REACH => commit.size = input.u16()?,
        _ => {}
    }
    if greets(kind) && minor >= WITH_REACH {
        told.incarnation = input.u64()?;
        told.twice = input.list(Reader::node)?;
        if !are_nodes(&told.twice) {
            return Err(DecodeError::Invalid);
        }
    }
    // HELLO is filled up; a newer version may say something there.
    let is_filled = kind == kind::HELLO && minor >= WITH_REACH;
    // All bytes at once take a tenth of the time of one after the other.
    let is_said = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | byte) != 0;
    if is_filled && is_said(input.rest()) && minor == MINOR {
        return Err(DecodeError::Invalid);
    }
    let may_grow = minor > MINOR && greets(kind);
    if !may_grow {
        input.finish()?;
    }
    Ok((packet, greets(kind).then_some(told)))
}

fn read_data(input: &mut Reader<'_>) -> Result<Data, DecodeError> {
    Ok(Data {
        ring: ViewId::decode(input)?,
        seq: input.u64()?,
        asks: input.bool()?,
        payload: Payload::New { from: input.node()?, chunks: input.rest().into() },
    })
}

fn read_recovered(input: &mut Reader<'_>) -> Result<Data, DecodeError> {
    Ok(Data {
        ring: ViewId::decode(input)?,
        seq: input.u64()?,
        asks: false,
        payload: Payload::Recovered {
            ring: ViewId::decode(input)?,
            seq: input.u64()?,
            from: input.node()?,
            chunks: input.rest().into(),
        },
    })
}

fn write_token(out: &mut Writer, token: &Token) {
    token.ring.encode(out);
    out.u64(token.token_seq).u64(token.seq).u64(token.aru);
    out.option(token.aru_from.as_ref(), write_node);
    out.u32(token.sent).u32(token.backlog).u32(token.idle).bool(token.recovering);
    out.list(&token.requests, |out, &seq| {
        out.u64(seq);
    });
}

fn read_token(input: &mut Reader<'_>) -> Result<Token, DecodeError> {
    Ok(Token {
        ring: ViewId::decode(input)?,
        token_seq: input.u64()?,
        seq: input.u64()?,
        aru: input.u64()?,
        aru_from: input.option(Reader::node)?,
        sent: input.u32()?,
        backlog: input.u32()?,
        idle: input.u32()?,
        recovering: input.bool()?,
        requests: input.list(Reader::u64)?,
    })
}

fn write_join(out: &mut Writer, join: &Join) {
    out.bool(join.leaving).u64(join.number);
    out.option(join.ring.as_ref(), |out, ring| ring.encode(out));
    for nodes in [&join.members, &join.failed, &join.heard, &join.mutual] {
        out.list(nodes, write_node);
    }
}

fn read_join(input: &mut Reader<'_>, minor: u8) -> Result<Join, DecodeError> {
    if minor < WITH_REACH {
        // The lowest minor version that the sender knows of.
        input.u8()?;
    }
    Ok(Join {
        careful: false,
        leaving: input.bool()?,
        number: input.u64()?,
        ring: input.option(ViewId::decode)?,
        members: input.list(Reader::node)?,
        failed: input.list(Reader::node)?,
        heard: input.list(Reader::node)?,
        mutual: input.list(Reader::node)?,
    })
}

fn write_commit(out: &mut Writer, commit: &Commit) {
    commit.ring.encode(out);
    out.u32(commit.hop);
    out.list(&commit.members, |out, entry| {
        out.node(entry.node).option(entry.old.as_ref(), |out, old| {
            out.option(old.ring.as_ref(), |out, ring| ring.encode(out));
            out.u64(old.aru).u64(old.high).u64(old.safe).list(&old.obliged, write_node);
        });
    });
    out.u16(commit.size);
}

fn read_commit(input: &mut Reader<'_>) -> Result<Commit, DecodeError> {
    Ok(Commit {
        ring: ViewId::decode(input)?,
        hop: input.u32()?,
        members: input
            .list(|input| Ok(CommitEntry { node: input.node()?, old: input.option(read_old)? }))?,
        size: u16::MAX,
    })
}

fn read_old(input: &mut Reader<'_>) -> Result<OldRing, DecodeError> {
    Ok(OldRing {
        ring: input.option(ViewId::decode)?,
        aru: input.u64()?,
        high: input.u64()?,
        safe: input.u64()?,
        obliged: input.list(Reader::node)?,
    })
}

fn write_hello(out: &mut Writer, hello: &Hello) {
    out.option(hello.ring.as_ref(), |out, ring| ring.encode(out));
    for nodes in [&hello.members, &hello.heard, &hello.mutual] {
        out.list(nodes, write_node);
    }
}

fn read_hello(input: &mut Reader<'_>) -> Result<Hello, DecodeError> {
    Ok(Hello {
        ring: input.option(ViewId::decode)?,
        members: input.list(Reader::node)?,
        heard: input.list(Reader::node)?,
        mutual: input.list(Reader::node)?,
        reach: Reach::default(),
    })
}

fn write_reach(out: &mut Writer, reach: Reach) {
    out.bool(reach.to_one).u16(reach.one).u16(reach.all);
}

fn read_reach(input: &mut Reader<'_>) -> Result<Reach, DecodeError> {
    Ok(Reach { to_one: input.bool()?, one: input.u16()?, all: input.u16()?, length: 0 })
}

fn write_ack(out: &mut Writer, ack: &Ack) {
    ack.ring.encode(out);
    out.u64(ack.aru).bool(ack.waits);
}

fn read_ack(input: &mut Reader<'_>) -> Result<Ack, DecodeError> {
    Ok(Ack { ring: ViewId::decode(input)?, aru: input.u64()?, waits: input.bool()? })
}

fn write_node(out: &mut Writer, node: &NodeId) {
    out.node(*node);
}
