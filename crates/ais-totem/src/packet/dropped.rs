//! Why a datagram was dropped, and how often.

use std::fmt;

/// Why a datagram is not a packet for this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It is no packet of this protocol.
    Foreign,
    /// It has another major version, this one.
    Version(u8),
    /// Bytes of it have changed on the way.
    Checksum,
    /// It belongs to a cluster of another name.
    OtherCluster,
    /// It does not come from the address it names as its sender.
    WrongSender,
    /// This node has sent it itself.
    Own,
    /// It comes from the address of this node, and this node has not sent it:
    /// who did has drawn this number at its start.
    OwnAddress(u64),
    /// It breaks a rule of its kind.
    Malformed,
}

/// How often each reason was met since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct DropCounters([u64; NAMES.len()]);

const NAMES: [&str; 8] = [
    "dropped-foreign",
    "dropped-version",
    "dropped-checksum",
    "dropped-other-cluster",
    "dropped-wrong-sender",
    "dropped-own",
    "dropped-own-address",
    "dropped-malformed",
];

impl DropCounters {
    pub(crate) fn count(&mut self, dropped: Dropped) {
        let Self([foreign, version, checksum, cluster, sender, own, address, malformed]) = self;
        *match dropped {
            Dropped::Foreign => foreign,
            Dropped::Version(_) => version,
            Dropped::Checksum => checksum,
            Dropped::OtherCluster => cluster,
            Dropped::WrongSender => sender,
            Dropped::Own => own,
            Dropped::OwnAddress(_) => address,
            Dropped::Malformed => malformed,
        } += 1;
    }

    /// The counters by name, always in the same order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.0)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no packet of aisexec"),
            Self::Version(major) => write!(f, "its protocol version is {major}"),
            Self::Checksum => f.write_str("its checksum is wrong"),
            Self::OtherCluster => f.write_str("its cluster has another name"),
            Self::WrongSender => f.write_str("it does not come from the node it names"),
            Self::OwnAddress(_) => f.write_str("it is from another machine with this address"),
            Self::Own => f.write_str("it is from this node itself"),
            Self::Malformed => f.write_str("it breaks the rules of its kind"),
        }
    }
}
