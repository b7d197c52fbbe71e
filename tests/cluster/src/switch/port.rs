//! A packet socket on the near end of a node's cable. It needs no more rights
//! than making the cable did.

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvfrom, send,
    setsockopt, socket, sockopt,
};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// Bytes that wait to be carried at most; packets that find more are lost.
const BUFFER: usize = 8 << 20;
/// What the kernel calls packets that this host sends.
const OUTGOING: u8 = nix::libc::PACKET_OUTGOING;

/// Sends and receives whole frames on one interface.
#[derive(Debug)]
pub(super) struct Port(OwnedFd);

impl Port {
    /// Takes what comes in on the interface with this name.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn open(interface: &str) -> Result<Self, String> {
        let in_words = |errno: Errno| format!("a packet socket on {interface}: {}", errno.desc());
        let address = link_address(interface).map_err(in_words)?;
        let address = address.ok_or_else(|| format!("there is no interface {interface}"))?;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let (family, all) = (AddressFamily::Packet, SockProtocol::EthAll);
        let port = Self(socket(family, SockType::Raw, flags, all).map_err(in_words)?);
        bind(port.0.as_raw_fd(), &address).map_err(in_words)?;
        // As many as the limit of the host allows will do, too.
        if setsockopt(&port.0, sockopt::RcvBufForce, &BUFFER).is_err() {
            let _ = setsockopt(&port.0, sockopt::RcvBuf, &BUFFER);
        }
        // Until it was bound it took what came in anywhere.
        let mut buffer = vec![0; 1 << 16];
        while recvfrom::<LinkAddr>(port.0.as_raw_fd(), &mut buffer).is_ok() {}
        Ok(port)
    }

    /// The next frame, if there is one; its length.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match recvfrom::<LinkAddr>(self.0.as_raw_fd(), buffer) {
                Ok((_, Some(of))) if of.pkttype() == OUTGOING => {}
                Ok((length, _)) => return Some(length),
                Err(Errno::EINTR) => {}
                // An interface that is down comes up again.
                Err(_) => return None,
            }
        }
    }

    /// Sends a frame; one that the kernel has no room for is lost.
    pub(super) fn send(&self, frame: &[u8]) {
        let _ = send(self.0.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT);
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn link_address(interface: &str) -> Result<Option<LinkAddr>, Errno> {
    let of = getifaddrs()?.filter(|of| of.interface_name == interface);
    Ok(of.filter_map(|of| of.address?.as_link_addr().copied()).next())
}
