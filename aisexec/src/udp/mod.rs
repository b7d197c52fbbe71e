//! The network of the ring: datagrams to and from other nodes.
//!
//! Everything is sent from one socket, on the own address, so that its port
//! and address say who sent it. With multicast another socket, on the address
//! of the group, receives what is for all.

mod presence;
mod receive;
mod refused;
mod send;
mod sockets;
#[cfg(test)]
mod tests;
mod troubles;

pub(crate) use sockets::OpenError;

use crate::clock::SECOND;
use crate::identity::{self, Place};
use ais_totem::{Bytes, Destination};
use ais_wire::NodeId;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use presence::{Presence, Verdict};
use receive::Inbox;
use send::Outbox;
use sockets::Sockets;
use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use troubles::Troubles;

/// How often the sockets are looked at again before others have their turn.
const ROUNDS: usize = 4;
/// How often the address is looked for, in ns.
const CHECK_INTERVAL: u64 = SECOND;
/// Bytes of an IP packet that are not the datagram's.
pub(crate) const HEADERS: usize = 28;

/// Which network.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The own address.
    pub(crate) me: NodeId,
    /// The port of all nodes.
    pub(crate) port: u16,
    /// How packets for all travel.
    pub(crate) transport: Transport,
}

/// How packets for all travel.
#[derive(Debug, Clone)]
pub(crate) enum Transport {
    /// Once, to a group.
    Multicast {
        /// Its address.
        group: Ipv4Addr,
        /// How many routers they may pass, and one.
        ttl: u8,
    },
    /// Once to each member. Who is none is not heard.
    Unicast {
        /// All nodes, the own one included.
        members: BTreeSet<NodeId>,
    },
}

/// The network.
#[derive(Debug)]
pub(crate) struct Udp {
    settings: Settings,
    epoll: Rc<Epoll>,
    /// What epoll tells of events here.
    token: u64,
    sockets: Sockets,
    own: Inbox,
    group: Inbox,
    outbox: Outbox,
    /// Epoll tells when there is room.
    waits_for_room: bool,
    /// There were datagrams to send since this was asked last.
    has_sent: bool,
    presence: Presence,
    check_at: u64,
    troubles: Troubles,
}

impl Udp {
    /// Opens the sockets and has `epoll` watch them.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(
        settings: Settings,
        place: Place,
        epoll: Rc<Epoll>,
        token: u64,
    ) -> Result<Self, OpenError> {
        let sockets = Sockets::open(&settings, &place)?;
        sockets::warn_of_small_buffers(&sockets);
        watch(&epoll, &sockets, token).map_err(|error| OpenError::Wrong(error.to_string()))?;
        Ok(Self {
            epoll,
            token,
            sockets,
            own: Inbox::new(),
            group: Inbox::new(),
            outbox: Outbox::default(),
            waits_for_room: false,
            has_sent: true,
            presence: Presence::new(settings.me, place),
            check_at: 0,
            troubles: Troubles::new(settings.port),
            settings,
        })
    }

    /// Epoll has told of something: of room, or of an error perhaps, which
    /// would be told again and again.
    pub(crate) fn on_event(&mut self, flags: EpollFlags) {
        if flags.contains(EpollFlags::EPOLLERR) {
            self.troubles.read_errors(&self.sockets.own);
        }
        if flags.contains(EpollFlags::EPOLLOUT) {
            self.flush();
        }
    }

    /// Hands over what has arrived, bounded in number. Whether that was all.
    ///
    /// A token comes to the own address and must not overtake what was sent to
    /// all before it: so that socket is read first and handed over last.
    pub(crate) fn receive(&mut self, now: u64, mut take: impl FnMut(NodeId, &[u8])) -> bool {
        let Self { settings, sockets, own, group, troubles, .. } = self;
        for _ in 0..ROUNDS {
            let mut is_all = own.take_from(&sockets.own);
            if let Some(socket) = &sockets.group {
                let mut is_group_all = false;
                for _ in 0..ROUNDS {
                    is_group_all = group.take_from(socket);
                    for (from, bytes) in group.datagrams() {
                        // Its own come back. Only of some of them it can be told
                        // whether they are of another machine with this address.
                        let may_be_own = *from.ip() == settings.me.address();
                        if (!may_be_own || ais_totem::is_greeting(bytes))
                            && troubles.admits(now, settings, from)
                        {
                            take(NodeId::new(*from.ip()), bytes);
                        }
                    }
                    if is_group_all {
                        break;
                    }
                }
                is_all &= is_group_all;
            }
            for (from, bytes) in own.datagrams() {
                if troubles.admits(now, settings, from) {
                    take(NodeId::new(*from.ip()), bytes);
                }
            }
            if is_all {
                return true;
            }
        }
        false
    }

    /// The nodes whose hosts have answered that nobody listens there, since
    /// this was asked last.
    pub(crate) fn take_refused(&mut self) -> BTreeSet<NodeId> {
        self.troubles.take_refused()
    }

    /// Takes a datagram to send; it goes with the next [`Udp::flush`].
    pub(crate) fn send(&mut self, to: Destination, bytes: Bytes) {
        self.has_sent = true;
        let Self { settings, outbox, troubles, .. } = self;
        let mut push = |to: Ipv4Addr, bytes| {
            if !outbox.push(SocketAddrV4::new(to, settings.port), bytes) {
                troubles.no_room();
            }
        };
        match (to, &settings.transport) {
            (Destination::One(node), _) => push(node.address(), bytes),
            (Destination::All, Transport::Multicast { group, .. }) => push(*group, bytes),
            (Destination::All, Transport::Unicast { members }) => {
                for member in members.iter().filter(|member| **member != settings.me) {
                    push(member.address(), Rc::clone(&bytes));
                }
            }
        }
    }

    /// Whether there was something to send since this was asked last.
    pub(crate) fn take_has_sent(&mut self) -> bool {
        std::mem::take(&mut self.has_sent)
    }

    /// Sends what there is room for; the rest goes as soon as there is more.
    pub(crate) fn flush(&mut self) {
        if !self.outbox.is_empty() {
            self.outbox.flush(&self.sockets.own, &mut self.troubles);
        }
        if self.outbox.is_empty() == self.waits_for_room {
            self.waits_for_room = !self.waits_for_room;
            let mut flags = EpollFlags::EPOLLIN;
            flags.set(EpollFlags::EPOLLOUT, self.waits_for_room);
            let mut event = EpollEvent::new(flags, self.token);
            if let Err(error) = self.epoll.modify(&self.sockets.own, &mut event) {
                log::warn!("epoll does not watch the UDP socket: {error}");
            }
        }
    }

    /// When [`Udp::on_time`] has to be called.
    pub(crate) fn deadline(&self) -> u64 {
        self.check_at
    }

    /// Looks after the address, and tells of what went wrong.
    #[cold]
    pub(crate) fn on_time(&mut self, now: u64) {
        self.check_at = now.saturating_add(CHECK_INTERVAL);
        self.troubles.tell(now);
        // A list that cannot be had says nothing.
        if let Ok(interfaces) = identity::interfaces() {
            self.check(now, identity::find(self.settings.me, &interfaces));
        }
    }

    fn check(&mut self, now: u64, place: Option<Place>) {
        match self.presence.check(place) {
            Verdict::Same => {}
            Verdict::Say(text) => log::warn!("{text}"),
            Verdict::Join(place) => match self.sockets.join(&self.settings, &place) {
                Ok(()) => {
                    let text = self.presence.joined(place);
                    log::warn!("{text}");
                }
                Err(error) => self.troubles.cannot_join(now, &place.name, &error),
            },
        }
    }

    /// Whether all nodes are on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.settings.me.address().is_loopback()
    }

    /// What was counted since the start, by name, in a fixed order.
    pub(crate) fn counters(&self) -> [(&'static str, u64); 4] {
        self.troubles.counters()
    }
}

fn watch(epoll: &Epoll, sockets: &Sockets, token: u64) -> io::Result<()> {
    let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
    epoll.add(&sockets.own, event)?;
    if let Some(group) = &sockets.group {
        epoll.add(group, event)?;
    }
    Ok(())
}
