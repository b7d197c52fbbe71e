//! Challenges: random bytes that only a daemon that runs now can send back under its
//! key. What was recorded of an earlier one does not have them.

use crate::KeyId;
use crate::header::Boot;
use crate::key::MAX_KEYS;
use ais_wire::{DecodeError, NodeId, Reader, Writer};
use ring::hmac;
use std::fmt;

/// Bytes of a challenge.
const LENGTH: usize = 16;

pub(crate) type Challenge = [u8; LENGTH];

/// Makes challenges and knows them again, without keeping any: strangers cannot have
/// it keep more. A challenge is good for two renewals.
pub(crate) struct Challenger {
    current: hmac::Key,
    last: hmac::Key,
}

impl Challenger {
    /// `seed` is drawn at random.
    pub(crate) fn new(seed: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
        Self { current: key.clone(), last: key }
    }

    /// Challenges are other ones from now on. `fresh` is drawn at random: if the machine
    /// was set back to what it was, they do not come again.
    pub(crate) fn renew(&mut self, fresh: &[u8]) {
        let seed = hmac::sign(&self.current, fresh);
        let next = hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref());
        self.last = std::mem::replace(&mut self.current, next);
    }

    /// What a boot of a node has to send back.
    pub(crate) fn challenge(&self, node: NodeId, boot: &Boot) -> Challenge {
        let tag = hmac::sign(&self.current, &whose(node, boot));
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Whether a boot of a node was sent this lately.
    pub(crate) fn is_answer(&self, node: NodeId, boot: &Boot, answer: &Challenge) -> bool {
        let whose = whose(node, boot);
        [&self.current, &self.last].into_iter().any(|key| {
            let tag = hmac::sign(key, &whose);
            tag.as_ref().first_chunk() == Some(answer)
        })
    }
}

impl fmt::Debug for Challenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenger")
    }
}

fn whose(node: NodeId, boot: &Boot) -> [u8; 4 + size_of::<Boot>()] {
    let mut whose = [0; 4 + size_of::<Boot>()];
    let (address, of) = whose.split_at_mut(4);
    address.copy_from_slice(&node.address().octets());
    of.copy_from_slice(boot);
    whose
}

/// The body of a challenge or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The boot that it is for: two machines may have one address.
    pub(crate) boot: Boot,
    /// What is sent back, in an answer.
    pub(crate) answer: Option<Challenge>,
    /// What is to be sent back.
    pub(crate) challenge: Option<Challenge>,
    /// The processor of the sender has instructions for AES.
    pub(crate) has_aes: bool,
    /// The keys that the sender accepts, the one it sends with first.
    pub(crate) accepts: Vec<KeyId>,
}

impl Proof {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.raw(&self.boot);
        for challenge in [&self.answer, &self.challenge] {
            out.option(challenge.as_ref(), |out, bytes| {
                out.raw(bytes);
            });
        }
        out.bool(self.has_aes).list(&self.accepts, |out, key| {
            out.u32(key.0);
        });
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let proof = Self {
            boot: array(&mut input)?,
            answer: input.option(array)?,
            challenge: input.option(array)?,
            has_aes: input.bool()?,
            accepts: input.list(|input| input.u32().map(KeyId))?,
        };
        input.finish()?;
        if proof.accepts.len() > MAX_KEYS {
            return Err(DecodeError::Invalid);
        }
        Ok(proof)
    }
}

fn array<const N: usize>(input: &mut Reader<'_>) -> Result<[u8; N], DecodeError> {
    input.take(N)?.first_chunk().copied().ok_or(DecodeError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: u8) -> NodeId {
        NodeId::new([10, 0, 0, host].into())
    }

    #[test]
    fn a_challenge_is_good_for_who_got_it_and_not_for_long() {
        let (boot, other) = ([1; 16], [2; 16]);
        let mut challenger = Challenger::new(b"seed");
        let challenge = challenger.challenge(node(1), &boot);
        assert!(!challenger.is_answer(node(1), &boot, &[0; 16]));
        assert!(!challenger.is_answer(node(2), &boot, &challenge));
        assert!(!challenger.is_answer(node(1), &other, &challenge));
        assert!(challenger.is_answer(node(1), &boot, &challenge));
        challenger.renew(b"a");
        assert_ne!(challenger.challenge(node(1), &boot), challenge);
        assert!(challenger.is_answer(node(1), &boot, &challenge));
        challenger.renew(b"b");
        assert!(!challenger.is_answer(node(1), &boot, &challenge));
    }

    #[test]
    fn what_is_fresh_makes_other_challenges() {
        let after = |fresh: &[u8]| {
            let mut challenger = Challenger::new(b"seed");
            challenger.renew(fresh);
            challenger.challenge(node(1), &[1; 16])
        };
        assert_eq!(after(b"a"), after(b"a"));
        assert_ne!(after(b"a"), after(b"b"));
    }

    #[test]
    fn a_proof_is_read_as_it_was_written_and_nothing_else_is() {
        let keys = |count: u32| (0..count).map(KeyId).collect();
        let proof = Proof {
            boot: [7; 16],
            answer: Some([8; 16]),
            challenge: None,
            has_aes: true,
            accepts: keys(8),
        };
        let bytes = proof.encode();
        assert_eq!(Proof::decode(&bytes), Ok(proof.clone()));
        (0..bytes.len()).for_each(|length| assert!(Proof::decode(&bytes[..length]).is_err()));
        assert!(Proof::decode(&[&bytes[..], &[0]].concat()).is_err());
        let many = Proof { accepts: keys(9), ..proof };
        assert_eq!(Proof::decode(&many.encode()), Err(DecodeError::Invalid));
    }
}
