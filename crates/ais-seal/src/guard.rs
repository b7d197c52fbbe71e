//! Seals what a node sends and opens what comes, each datagram once and only of daemons
//! that have shown that they run.

use crate::cipher::{BootKey, Cipher, TAG};
use crate::header::{self, Boot, FRESH, HEADER, Header, Kind, Unreadable};
use crate::peers::{Known, Peer, Peers, SECOND};
use crate::proof::{Challenge, Challenger, Proof};
use crate::window::Window;
use crate::{KeyId, Keys};
use ais_wire::NodeId;
use std::collections::VecDeque;

/// Challenges and answers sent in a second at most to those that have not shown that they
/// run.
const MAX_PROOFS: u32 = 2000;
/// Random bytes that a guard is made with and refreshed with.
const RANDOM: usize = 32;

/// What has come of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened<'a> {
    /// The packet in it, which its sender has sent now, and for the first time.
    Packet(&'a [u8]),
    /// It was between guards.
    Taken,
    /// It does not count.
    Refused(Refused),
}

/// Why a datagram does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is sealed, under this key, and this node has no key.
    Sealed(KeyId),
    /// It is not sealed, and this node has a key.
    Clear,
    /// Its layout is of another version, this one.
    Version(u8),
    /// It is sealed under a key that this node does not have.
    UnknownKey(KeyId),
    /// It is not sealed with the key it names, or was changed on the way.
    Forged(KeyId),
    /// It has come before, or so late that this cannot be told.
    Replayed,
    /// Its sender has not shown yet that it runs.
    Unproven {
        /// Nor has it for long, while it was heard all the time.
        is_silent: bool,
    },
    /// This node has sent it itself.
    Own,
    /// It breaks a rule of its kind.
    Malformed,
}

/// What stands between a node and its network.
#[derive(Debug)]
pub struct Guard {
    me: NodeId,
    /// `None`: nothing is sealed.
    sealing: Option<Sealing>,
    out: VecDeque<(Option<NodeId>, Vec<u8>)>,
}

#[derive(Debug)]
struct Sealing {
    keys: Keys,
    boot: Boot,
    has_aes: bool,
    /// What this node seals with.
    cipher: Cipher,
    key: BootKey,
    /// The datagrams that this boot has sealed.
    number: u64,
    fresh: [u8; RANDOM],
    challenger: Challenger,
    peers: Peers,
    looked_at: u64,
    /// Challenges and answers sent since then to those that have not shown that they run.
    proofs: u32,
    opened: Vec<u8>,
}

impl Guard {
    /// A guard that seals nothing.
    #[must_use]
    pub fn clear(me: NodeId) -> Self {
        Self { me, sealing: None, out: VecDeque::new() }
    }

    /// A guard of a daemon of `me` that has just started and drawn `random`. `has_aes`:
    /// its processor has instructions for AES.
    #[must_use]
    pub fn new(me: NodeId, keys: Keys, random: [u8; RANDOM], has_aes: bool) -> Self {
        let (boot, seed) = random.split_at(size_of::<Boot>());
        let boot = boot.first_chunk().copied().unwrap_or_default();
        let cipher = if has_aes { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 };
        let sealing = Sealing {
            key: BootKey::new(keys.first(), cipher, me, &boot),
            keys,
            boot,
            has_aes,
            cipher,
            number: 0,
            fresh: [0; RANDOM],
            challenger: Challenger::new(seed),
            peers: Peers::default(),
            looked_at: 0,
            proofs: 0,
            opened: Vec::new(),
        };
        Self { me, sealing: Some(sealing), out: VecDeque::new() }
    }

    /// The keys in use; `None` if nothing is sealed.
    #[must_use]
    pub fn keys(&self) -> Option<&Keys> {
        self.sealing.as_ref().map(|sealing| &sealing.keys)
    }

    /// The other nodes that have shown that they run, lowest address first.
    pub fn peers(&self) -> impl Iterator<Item = Peer> {
        self.sealing.iter().flat_map(|sealing| sealing.peers.newest())
    }

    /// Whether a daemon of a node has shown lately that it runs.
    #[must_use]
    pub fn hears(&self, node: NodeId) -> bool {
        self.sealing.as_ref().is_some_and(|sealing| sealing.peers.has_proven(node))
    }

    /// Brings bytes that were drawn at random after the last datagrams were sealed. To
    /// be called before the next ones are: if the machine was set back to what it was,
    /// these make the difference.
    pub fn refresh(&mut self, random: [u8; RANDOM]) {
        if let Some(sealing) = &mut self.sealing {
            sealing.fresh = random;
        }
    }

    /// The datagram that carries a packet to one node or to all. `is_greeting`: nodes
    /// find each other by it.
    #[must_use]
    pub fn seal(
        &mut self,
        to: Option<NodeId>,
        is_greeting: bool,
        packet: &[u8],
    ) -> Option<Vec<u8>> {
        let kind = if is_greeting { Kind::Greeting } else { Kind::Packet };
        self.seal_as(to, kind, packet)
    }

    pub(crate) fn seal_as(
        &mut self,
        to: Option<NodeId>,
        kind: Kind,
        body: &[u8],
    ) -> Option<Vec<u8>> {
        let me = self.me;
        self.sealing.as_mut().map(|sealing| sealing.seal(me, to, kind, body))
    }

    /// Opens a datagram that came from the address of `from`.
    pub fn open<'a>(&'a mut self, now: u64, from: NodeId, datagram: &'a [u8]) -> Opened<'a> {
        let is_sealed = header::is_sealed(datagram);
        match (&mut self.sealing, is_sealed) {
            (None, false) => Opened::Packet(datagram),
            (None, true) => Opened::Refused(match Header::read(datagram) {
                Ok(header) => Refused::Sealed(header.key),
                Err(why) => why.into(),
            }),
            (Some(_), false) => Opened::Refused(Refused::Clear),
            (Some(sealing), true) => {
                match sealing.open(now, (self.me, from), datagram, &mut self.out) {
                    Ok(true) => Opened::Packet(&sealing.opened[..sealing.opened.len() - TAG]),
                    Ok(false) => Opened::Taken,
                    Err(why) => Opened::Refused(why),
                }
            }
        }
    }

    /// The next datagram between guards that is to be sent, to one node or to all. To be
    /// called until it returns `None` after every call of [`Guard::open`],
    /// [`Guard::look`] and [`Guard::use_keys`].
    pub fn poll(&mut self) -> Option<(Option<NodeId>, Vec<u8>)> {
        self.out.pop_front()
    }

    /// Time has passed. To be called about once in a second.
    pub fn look(&mut self, now: u64) {
        if let Some(sealing) = &mut self.sealing {
            sealing.look(now, self.me, &mut self.out);
        }
    }

    /// Uses these keys from now on, and has the others know it.
    pub fn use_keys(&mut self, keys: Keys) {
        let Some(sealing) = &mut self.sealing else { return };
        sealing.peers.use_keys(&keys);
        sealing.keys = keys;
        sealing.derive(self.me);
        let proven: Vec<_> = sealing.peers.proven().map(|(whose, _)| *whose).collect();
        for (node, boot) in proven {
            sealing.prove((self.me, node), boot, None, &mut self.out);
        }
    }
}

type Out = VecDeque<(Option<NodeId>, Vec<u8>)>;

impl Sealing {
    /// Makes the key that this node seals with.
    fn derive(&mut self, me: NodeId) {
        self.key = BootKey::new(self.keys.first(), self.cipher, me, &self.boot);
    }

    fn seal(&mut self, me: NodeId, to: Option<NodeId>, kind: Kind, body: &[u8]) -> Vec<u8> {
        self.number += 1;
        let header = Header {
            cipher: self.cipher,
            kind,
            to_one: to.is_some(),
            key: self.keys.first().id(),
            boot: self.boot,
            number: self.number,
            fresh: self.fresh.first_chunk::<FRESH>().copied().unwrap_or_default(),
        };
        let mut datagram = header.write(body.len());
        datagram.raw(body);
        let mut datagram = datagram.into_bytes();
        self.key.seal(header.nonce(), header::ends(me, to), HEADER, &mut datagram);
        datagram
    }

    /// Opens a sealed datagram. Whether it is a packet, which is in `opened` then, in
    /// front of the tag.
    fn open(
        &mut self,
        now: u64,
        (me, from): (NodeId, NodeId),
        datagram: &[u8],
        out: &mut Out,
    ) -> Result<bool, Refused> {
        let header = Header::read(datagram)?;
        if from == me && header.boot == self.boot {
            return Err(Refused::Own);
        }
        let key = self.keys.get(header.key).ok_or(Refused::UnknownKey(header.key))?;
        let known = self.peers.get(from, &header.boot);
        let window = known.and_then(|known| known.window.as_ref());
        if window.is_some_and(|window| !window.is_new(header.number)) {
            return Err(Refused::Replayed);
        }
        let (start, body) = datagram.split_at(HEADER);
        self.opened.clear();
        self.opened.extend_from_slice(body);
        let bound = (start, header::ends(from, header.to_one.then_some(me)));
        let forged = Refused::Forged(header.key);
        match self.peers.key(from, &header) {
            Some(key) => drop(key.open(header.nonce(), bound, &mut self.opened).ok_or(forged)?),
            // Only what is right is kept: else strangers had it keep more and more.
            None => {
                let key = BootKey::new(key, header.cipher, from, &header.boot);
                key.open(header.nonce(), bound, &mut self.opened).ok_or(forged)?;
                self.peers.keep(now, from, &header, key);
            }
        }
        let Some(known) = self.peers.get_mut(from, &header.boot) else { return Ok(false) };
        known.uses = header.key;
        if let Some(window) = &mut known.window {
            window.note(header.number);
            known.heard_at = now;
        }
        match header.kind {
            Kind::Packet | Kind::Greeting => self.take_packet(now, (me, from), &header, out),
            Kind::Challenge | Kind::Answer => {
                let body = &self.opened[..self.opened.len() - TAG];
                let proof = Proof::decode(body).map_err(|_| Refused::Malformed)?;
                self.take_proof(now, (me, from), &header, &proof, out);
                Ok(false)
            }
        }
    }

    fn take_packet(
        &mut self,
        now: u64,
        ends: (NodeId, NodeId),
        header: &Header,
        out: &mut Out,
    ) -> Result<bool, Refused> {
        let Some(known) = self.peers.get_mut(ends.1, &header.boot) else { return Ok(false) };
        if known.window.is_some() {
            return Ok(true);
        }
        known.heard_at = now;
        let is_silent = known.is_silent(now);
        if known.may_be_asked(now) {
            self.prove(ends, header.boot, None, out);
        }
        // A recording of an earlier start is no silence.
        let is_silent = is_silent && !self.peers.has_proven(ends.1);
        Err(Refused::Unproven { is_silent })
    }

    /// A challenge or an answer has come.
    fn take_proof(
        &mut self,
        now: u64,
        ends: (NodeId, NodeId),
        header: &Header,
        proof: &Proof,
        out: &mut Out,
    ) {
        if proof.boot != self.boot {
            return;
        }
        let Self { challenger, peers, .. } = self;
        let Some(known) = peers.get_mut(ends.1, &header.boot) else { return };
        let is_mine = |answer| challenger.is_answer(ends.1, &header.boot, answer);
        if proof.answer.as_ref().is_some_and(is_mine) {
            known.has_shown(now, header.number);
        }
        if known.window.is_some() {
            known.has_aes = proof.has_aes;
            known.accepts.clone_from(&proof.accepts);
            self.agree(ends.0);
        }
        if proof.challenge.is_some() {
            self.prove(ends, header.boot, proof.challenge, out);
        }
    }

    /// Seals with AES if all that are there have instructions for it.
    fn agree(&mut self, me: NodeId) {
        let all = self.has_aes && self.peers.proven().all(|(_, known)| known.has_aes);
        let cipher = if all { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 };
        if cipher != self.cipher {
            self.cipher = cipher;
            self.derive(me);
        }
    }

    /// Sends a boot of a node what it has to send back, unless it has done so lately; or
    /// sends back what it has sent, or both.
    fn prove(
        &mut self,
        (me, node): (NodeId, NodeId),
        boot: Boot,
        answer: Option<Challenge>,
        out: &mut Out,
    ) {
        let known = self.peers.get(node, &boot);
        let is_proven = known.is_some_and(|known| known.window.is_some());
        // A recording has many that are gone. Those that are there are asked all the same.
        if !is_proven && self.proofs >= MAX_PROOFS {
            return;
        }
        self.proofs += u32::from(!is_proven);
        let asks = answer.is_none() || !is_proven;
        let proof = Proof {
            boot,
            answer,
            challenge: asks.then(|| self.challenger.challenge(node, &boot)),
            has_aes: self.has_aes,
            accepts: self.keys.ids().collect(),
        };
        // Another machine with the address of this one hears only what is sent to all.
        let to = (node != me).then_some(node);
        let kind = if answer.is_some() { Kind::Answer } else { Kind::Challenge };
        let datagram = self.seal(me, to, kind, &proof.encode());
        out.push_back((to, datagram));
    }

    fn look(&mut self, now: u64, me: NodeId, out: &mut Out) {
        if now < self.looked_at.saturating_add(SECOND) {
            return;
        }
        (self.looked_at, self.proofs) = (now, 0);
        self.challenger.renew(&self.fresh);
        for (node, boot) in self.peers.look(now) {
            self.prove((me, node), boot, None, out);
        }
        self.agree(me);
    }
}

impl Known {
    /// It has shown that it runs, with the datagram of this number.
    fn has_shown(&mut self, now: u64, number: u64) {
        self.heard_at = now;
        if self.window.is_none() {
            self.window = Some(Window::above(number));
        }
    }
}

impl From<Unreadable> for Refused {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Version(version) => Self::Version(version),
            Unreadable::Malformed => Self::Malformed,
        }
    }
}
