//! CLM: requests, replies and events (A.01.01 section CLM).

use crate::messages::{events, requests};
use crate::numbers::numbered;
use crate::services::Telling;
use crate::track::TrackFlags;
use crate::{AisError, Name, Outcome};
use ais_wire::{methods, record};

requests! {
    /// A request to CLM.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Request {
        /// `saClmClusterTrackStart`.
        0x0101 TrackStart {
            /// What is asked for.
            flags: TrackFlags,
            /// How many notifications the program's buffer holds.
            capacity: u64,
            /// Comes back in every event of this subscription.
            subscription: u32,
        } -> (): Other => Outcome::of_track(*flags),
        /// `saClmClusterTrackStop`.
        0x0102 TrackStop -> (): Release,
        /// `saClmClusterNodeGet`.
        0x0103 NodeGet {
            /// The node as the program named it.
            node: u64,
        } -> Node: Other,
        /// `saClmClusterNodeGetAsync`; then [`Event::NodeGet`].
        0x0104 NodeGetAsync {
            /// The node as the program named it.
            node: u64,
            /// Comes back in the event.
            tag: u32,
        } -> (): Other => Outcome::event(*tag, |tag, error| {
            Event::NodeGet { tag, result: Err(error) }.into()
        }),
    }
}

/// The node that the program may name without knowing its id
/// (`SA_CLM_LOCAL_NODE_ID`), and how later versions name it.
pub const LOCAL_NODE_ID: [u64; 2] = [0, 0xffff_ffff];

record! {
    /// A node of the cluster (`SaClmClusterNodeT`).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Node {
        /// `nodeId`: the address in network byte order, as a number.
        pub id: u32,
        /// `nodeAddress`: the four octets.
        pub address: [u8; 4],
        /// `nodeName`.
        pub name: Name,
        /// `clusterName`.
        pub cluster: Name,
        /// Whether it is a member now.
        pub member: bool,
        /// When its host was booted, in nanoseconds since the epoch.
        pub boot_timestamp: i64,
    }
}

methods!(pub Node);

numbered! {
    /// `SaClmClusterChangesT`.
    pub enum Change {
        /// Nothing happened to the node.
        NoChange = 1,
        /// It joined.
        Joined = 2,
        /// It left.
        Left = 3,
    }
}

events! {
    /// What a callback of CLM is made of.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Event {
        /// `saClmClusterTrackCallback`. The node makes it when its program has room for it.
        0x0181 Track {
            /// Which `TrackStart` asked for it.
            subscription: u32,
            /// The view number.
            view: u64,
            /// How many members the cluster has.
            members: u32,
            /// The notifications.
            items: Vec<(Node, Change)>,
        } => Telling::Each,
        /// `saClmClusterNodeGetCallback`.
        0x0182 NodeGet {
            /// Which request it answers.
            tag: u32,
            /// The node, or why there is none.
            result: Result<Node, AisError>,
        } => Telling::Outcome { unsettled: None },
    }
}
