//! What goes wrong on the network: counted, told now and then, never fatal.

use super::{Settings, Transport, refused, send};
use crate::clock::SECOND;
use ais_node::Complaints;
use ais_wire::NodeId;
use nix::errno::Errno;
use socket2::Socket;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The least time between two lines of a kind, in ns.
const INTERVAL: u64 = 60 * SECOND;
/// Refusals that wait at most; there are no more nodes.
const MOST_REFUSED: usize = 128;

/// What went wrong.
#[derive(Debug)]
pub(super) struct Troubles {
    port: u16,
    refused: BTreeSet<NodeId>,
    foreign_port: u64,
    stranger: u64,
    unsent: u64,
    no_room: u64,
    /// What was not sent since it was told last, by reason.
    untold: BTreeMap<i32, (u64, SocketAddrV4)>,
    /// Of datagrams that are dropped, by the address they come from.
    dropped: Complaints<Ipv4Addr>,
    /// Of what the system refuses, by reason.
    refusals: Complaints<i32>,
}

impl Troubles {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            refused: BTreeSet::new(),
            foreign_port: 0,
            stranger: 0,
            unsent: 0,
            no_room: 0,
            untold: BTreeMap::new(),
            dropped: Complaints::every(INTERVAL),
            refusals: Complaints::every(INTERVAL),
        }
    }

    /// Whether a datagram may come from there.
    pub(super) fn admits(&mut self, now: u64, settings: &Settings, from: SocketAddrV4) -> bool {
        if from.port() != self.port {
            self.foreign_port += 1;
            let text =
                format_args!("datagrams of {from} are dropped: nodes send from port {}", self.port);
            self.dropped.log(now, *from.ip(), text);
            return false;
        }
        if let Transport::Unicast { members } = &settings.transport
            && !members.contains(&NodeId::new(*from.ip()))
        {
            self.stranger += 1;
            let text = format_args!(
                "datagrams of {} are dropped: network.conf has no `member:{}`",
                from.ip(),
                from.ip()
            );
            self.dropped.log(now, *from.ip(), text);
            return false;
        }
        true
    }

    #[cold]
    pub(super) fn read_errors(&mut self, socket: &Socket) {
        let waiting = &mut self.refused;
        refused::read(socket, self.port, |node| {
            if waiting.len() < MOST_REFUSED {
                waiting.insert(node);
            }
        });
    }

    pub(super) fn take_refused(&mut self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.refused)
    }

    pub(super) fn no_room(&mut self) {
        self.no_room += 1;
    }

    pub(super) fn cannot_join(&mut self, now: u64, interface: &str, why: &io::Error) {
        let text = format_args!("the multicast address cannot be joined on {interface}: {why}");
        self.refusals.log(now, why.raw_os_error().unwrap_or(0), text);
    }

    /// Tells of what was not sent.
    pub(super) fn tell(&mut self, now: u64) {
        for (reason, (count, to)) in std::mem::take(&mut self.untold) {
            let text = format_args!(
                "{count} datagrams were not sent within a second, the last one to {to}: {}",
                in_words(Errno::from_raw(reason))
            );
            self.refusals.log(now, reason, text);
        }
    }

    pub(super) fn counters(&self) -> [(&'static str, u64); 4] {
        [
            ("dropped: from another port", self.foreign_port),
            ("dropped: from no member", self.stranger),
            ("not sent: the system refused", self.unsent),
            ("not sent: too many waited", self.no_room),
        ]
    }
}

impl send::Troubles for Troubles {
    fn take_errors(&mut self, socket: &Socket) {
        self.read_errors(socket);
    }

    fn unsent(&mut self, to: SocketAddrV4, why: Errno) {
        self.unsent += 1;
        let (count, last) = self.untold.entry(why as i32).or_insert((0, to));
        *count += 1;
        *last = to;
    }
}

/// An error of sending, and what may be done about it.
fn in_words(reason: Errno) -> String {
    let advice = match reason {
        Errno::EPERM | Errno::EACCES => "a firewall on this machine forbids it",
        Errno::ENETUNREACH | Errno::EHOSTUNREACH => "there is no way there",
        Errno::EADDRNOTAVAIL | Errno::EINVAL | Errno::ENODEV | Errno::ENETDOWN => {
            "the interface or its address is gone, or not fit for this"
        }
        Errno::ENOBUFS | Errno::ENOMEM => "the interface is overloaded",
        Errno::EMSGSIZE => "it is too long; lower `mtu` in network.conf",
        _ => return reason.desc().into(),
    };
    format!("{advice} ({})", reason.desc())
}
