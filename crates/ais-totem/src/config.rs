//! What a ring has to know, and every time that follows from `token`.

use crate::Setting;
use ais_seal::Keys;
use ais_wire::{Name, NodeId};

/// What a ring has to know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub me: NodeId,
    /// Packets of other clusters are ignored.
    pub cluster: Name,
    /// The times, all from one.
    pub timing: Timing,
    /// Bytes of a datagram at most, sealed or not.
    pub mtu: usize,
    /// Bytes of a message at most.
    pub max_message: usize,
    /// All views of this node get numbers above this one; higher than any it
    /// had in earlier lives.
    pub last_view: u64,
    /// View numbers up to this one are reserved already.
    pub reserved: u64,
    /// The token rests for so many nanoseconds where messages have just become
    /// stable that nobody else had sent beside, longer where it takes longer to
    /// go round; 0 if that alone is to count.
    pub linger: u64,
    /// The frames of every ring are numbered from the one after this. 0, but
    /// for tests that come near the highest number; the same at all nodes.
    pub first_seq: u64,
    /// What is to be equal at all nodes: a warning says where it is not.
    pub settings: Vec<Setting>,
    /// What is to be another one at each node: a warning says where it is not.
    pub distinct: Vec<Setting>,
    /// The nodes that the configuration names, if it does. One of them in a
    /// cluster of another name is a mistake.
    pub members: Vec<NodeId>,
    /// Drawn at random when the node starts, so that another machine with its
    /// address can be told from it.
    pub incarnation: u64,
    /// What datagrams are sealed with; `None`: they go in clear.
    pub sealing: Option<Box<Sealing>>,
}

/// What a node needs to seal its datagrams.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// The keys of the cluster.
    pub keys: Keys,
    /// Drawn at random when the node starts.
    pub random: [u8; 32],
    /// The processor has instructions for AES.
    pub has_aes: bool,
}

impl Config {
    /// What a node has to know that runs for the first time, with messages of at
    /// most 1 MiB in datagrams of at most 1400 bytes, and settings that it compares
    /// with nobody.
    #[must_use]
    pub fn new(me: NodeId, cluster: Name, timing: Timing) -> Self {
        Self {
            me,
            cluster,
            timing,
            mtu: 1400,
            max_message: 1 << 20,
            last_view: 0,
            reserved: 0,
            linger: 0,
            first_seq: 0,
            settings: Vec::new(),
            distinct: Vec::new(),
            members: Vec::new(),
            incarnation: 0,
            sealing: None,
        }
    }
}

/// The times of a ring, in nanoseconds. They follow from `token` so that they
/// always fit each other.
///
/// A node that dies without a word is out of the view of the others after at
/// most [`Timing::bound`]: the token is missed after [`Timing::token_loss`],
/// the node has not answered JOINs after [`Timing::consensus`], and what is
/// left over is for passing the commit token twice and the token a few times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    token: u64,
}

const MILLISECOND: u64 = 1_000_000;
/// The shortest `token`, in milliseconds.
const SHORTEST: u32 = 30;
/// The longest `token`, in milliseconds.
const LONGEST: u32 = 600_000;

impl Timing {
    /// The times for a `token` of so many milliseconds, from 30 to 600000;
    /// what lies beyond is taken for the nearest of these.
    #[must_use]
    pub const fn from_token(milliseconds: u32) -> Self {
        let milliseconds = match milliseconds {
            0..SHORTEST => SHORTEST,
            SHORTEST..=LONGEST => milliseconds,
            _ => LONGEST,
        };
        Self { token: milliseconds as u64 * MILLISECOND }
    }

    /// Without a token for so long a member takes the ring for broken.
    #[must_use]
    pub const fn token_loss(self) -> u64 {
        self.token
    }

    /// A node that is to be in the next ring and sends no JOIN for so long, or
    /// none that agrees, has failed. A commit token that is not back after as
    /// long is lost.
    #[must_use]
    pub const fn consensus(self) -> u64 {
        self.token * 7 / 10
    }

    /// A dead node is out of the view after at most so long, token loss,
    /// consensus and recovery included.
    #[must_use]
    pub const fn bound(self) -> u64 {
        self.token * 2
    }

    /// The sender of a token sends it again when it saw no progress for so
    /// long.
    #[must_use]
    pub const fn retransmit(self) -> u64 {
        clamp(self.token / 25, 5 * MILLISECOND, 100 * MILLISECOND)
    }

    /// The token of an idle ring rests so long at the representative.
    #[must_use]
    pub const fn hold(self) -> u64 {
        clamp(self.token / 10, MILLISECOND, 100 * MILLISECOND)
    }

    /// JOIN is sent again after so long.
    #[must_use]
    pub const fn join(self) -> u64 {
        clamp(self.token / 10, MILLISECOND, 50 * MILLISECOND)
    }

    /// JOINs of one node are at least so long apart, however often its sets
    /// change.
    #[must_use]
    pub const fn join_gap(self) -> u64 {
        2 * MILLISECOND
    }

    /// The representative multicasts HELLO so often.
    #[must_use]
    pub const fn merge(self) -> u64 {
        clamp(self.token / 5, MILLISECOND, 200 * MILLISECOND)
    }

    /// A node at whose address nobody listens has failed if no JOIN of it
    /// arrives for so long.
    #[must_use]
    pub const fn suspect(self) -> u64 {
        clamp(self.consensus() / 2, MILLISECOND, 100 * MILLISECOND)
    }

    /// A refusal brings about a gather at most once in so long, if the last one
    /// that did was not true.
    #[must_use]
    pub const fn refusals(self) -> u64 {
        1000 * MILLISECOND
    }

    /// Packets that bring about a gather, and change nothing, do so once in so
    /// long in the long run.
    #[must_use]
    pub const fn disturbances(self) -> u64 {
        clamp(self.token, MILLISECOND, 1000 * MILLISECOND)
    }

    /// A packet shows for so long that its sender is heard, or hears.
    #[must_use]
    pub const fn heard(self) -> u64 {
        self.merge() * 5
    }

    /// A node that was lost twice has to be heard for so long before it is let
    /// in, and for twice as long after each further time.
    #[must_use]
    pub const fn shortest_wait(self) -> u64 {
        self.token / 8
    }

    /// A node that was lost again and again has to be heard for at most so long.
    #[must_use]
    pub const fn longest_wait(self) -> u64 {
        self.token * 16
    }

    /// The loss of a node counts until so long after the last one.
    #[must_use]
    pub const fn flap_memory(self) -> u64 {
        self.token * 60
    }

    /// A process that was not run for so long looks at the packets that wait
    /// as if they were lost.
    #[must_use]
    pub const fn pause(self) -> u64 {
        self.token / 2
    }
}

const fn clamp(time: u64, least: u64, most: u64) -> u64 {
    if time < least {
        least
    } else if time > most {
        most
    } else {
        time
    }
}

/// Nanoseconds as milliseconds, for people.
pub(crate) const fn milliseconds(time: u64) -> u64 {
    time / MILLISECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_fit_each_other_for_every_token() {
        for token in [0, 30, 31, 50, 99, 100, 300, 1000, 5000, 60_000, 600_000, u32::MAX] {
            let timing = Timing::from_token(token);
            let token = timing.token_loss();
            assert!((30..=600_000).contains(&milliseconds(token)));
            assert!(timing.bound() <= 2 * token);
            assert!(token + timing.hold() + timing.consensus() < timing.bound());
            assert!(3 * timing.retransmit() <= token, "a lost token is sent again");
            assert!(2 * timing.retransmit() + timing.hold() < timing.consensus());
            assert!(timing.join_gap() < timing.join());
            assert!(5 * timing.join() <= timing.consensus(), "some JOINs may get lost");
            assert!(timing.suspect() < timing.consensus());
            assert!(timing.suspect() >= 2 * timing.join());
            assert!(timing.hold() <= 100 * MILLISECOND, "every member is heard that often");
            assert!(timing.merge() < timing.pause(), "a node that is alone is not paused");
            assert!(timing.longest_wait() < timing.flap_memory());
        }
    }
}
