//! Opening the sockets of one address.

use super::{Settings, Transport};
use crate::identity::Place;
use crate::sys;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Bytes that may wait in a socket, each way. A full window of the ring fits
/// with all that the kernel adds.
const BUFFER: usize = 1 << 20;

/// The sockets.
#[derive(Debug)]
pub(super) struct Sockets {
    /// On the own address: sends everything, and receives what is for this
    /// node alone.
    pub(super) own: Socket,
    /// With multicast, on the address of the group: receives what is for all.
    pub(super) group: Option<Socket>,
    /// The interface of the group.
    index: u32,
}

/// Why there are no sockets.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The address is not there, or not any more.
    Absent,
    /// What would be right, in words.
    Wrong(String),
}

impl Sockets {
    /// Opens them on the interface `place`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn open(settings: &Settings, place: &Place) -> Result<Self, OpenError> {
        let own = SocketAddrV4::new(settings.me.address(), settings.port);
        let opened = open_own(settings, own, place).map_err(|error| explain(own, &error))?;
        let group = match settings.transport {
            Transport::Unicast { .. } => None,
            Transport::Multicast { group, .. } => {
                let address = SocketAddrV4::new(group, settings.port);
                let opened = open_group(address, place);
                Some(opened.map_err(|error| explain(address, &error))?)
            }
        };
        Ok(Self { own: opened, group, index: place.index })
    }

    /// Joins the group on the interface `place`, after that was made again or
    /// the address has moved there. An address needs no more to be back.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub(super) fn join(&mut self, settings: &Settings, place: &Place) -> io::Result<()> {
        let Transport::Multicast { group, .. } = settings.transport else { return Ok(()) };
        let Some(socket) = &self.group else { return Ok(()) };
        // The kernel keeps room for few groups, gone ones counted.
        let _ = socket.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(self.index));
        socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(place.index))?;
        self.index = place.index;
        sys::multicast_from(&self.own, place.index)
    }
}

fn open_own(settings: &Settings, own: SocketAddrV4, place: &Place) -> io::Result<Socket> {
    let socket = socket()?;
    // Without SO_REUSEADDR: nobody else on this machine can be this node.
    socket.bind(&SockAddr::from(own))?;
    setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    sys::ignore_path_mtu(&socket)?;
    if let Transport::Multicast { ttl, .. } = settings.transport {
        // The interface is named, so no route is needed.
        sys::multicast_from(&socket, place.index)?;
        socket.set_multicast_ttl_v4(ttl.into())?;
        // Other nodes on this machine hear it too.
        socket.set_multicast_loop_v4(true)?;
    }
    Ok(socket)
}

fn open_group(address: SocketAddrV4, place: &Place) -> io::Result<Socket> {
    let socket = socket()?;
    // All nodes on this machine have this socket.
    socket.set_reuse_address(true)?;
    // What others on this machine have joined elsewhere is not for us.
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SockAddr::from(address))?;
    let interface = InterfaceIndexOrAddress::Index(place.index);
    socket.join_multicast_v4_n(address.ip(), &interface)?;
    Ok(socket)
}

fn socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        socket.set_recv_buffer_size(BUFFER)?;
    }
    if setsockopt(&socket, sockopt::SndBufForce, &BUFFER).is_err() {
        socket.set_send_buffer_size(BUFFER)?;
    }
    Ok(socket)
}

/// Says so if the kernel gives much less than was asked for. It counts twice
/// what it gives.
pub(super) fn warn_of_small_buffers(sockets: &Sockets) {
    let given = sockets.own.recv_buffer_size().unwrap_or(2 * BUFFER) / 2;
    if given < BUFFER / 2 {
        log::warn!(
            "the kernel lets {given} bytes wait for this node where {BUFFER} are wanted: bursts \
             may be lost and sent again; set net.core.rmem_max to {BUFFER} or more, or grant \
             CAP_NET_ADMIN"
        );
    }
}

fn explain(address: SocketAddrV4, error: &io::Error) -> OpenError {
    let multicast = Ipv4Addr::is_multicast(address.ip());
    match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENXIO) => OpenError::Absent,
        Some(libc::EADDRINUSE) if !multicast => OpenError::Wrong(format!(
            "UDP port {} of {} is taken, by another aisexec perhaps; stop that, or give this node \
             another address or mcastport in network.conf",
            address.port(),
            address.ip()
        )),
        Some(libc::EACCES) => OpenError::Wrong(format!(
            "UDP port {} may not be used ({error}); take a mcastport from 1024 on, or grant \
             CAP_NET_BIND_SERVICE",
            address.port()
        )),
        _ => OpenError::Wrong(format!("UDP {address} cannot be opened: {error}")),
    }
}
