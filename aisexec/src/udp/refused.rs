//! The error queue of a socket: what hosts have answered to datagrams.

use ais_wire::NodeId;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg};
use socket2::Socket;
use std::io::IoSliceMut;
use std::os::fd::AsRawFd;

/// Errors read at a time; epoll tells of more.
const MOST_AT_ONCE: usize = 64;
const ICMP_UNREACHABLE: u8 = 3;
const ICMP_PORT: u8 = 3;

/// Reads the queue. Calls `refused` with each node on whose host nobody
/// listens at `port`; all else that a network may say is ignored.
pub(super) fn read(socket: &Socket, port: u16, mut refused: impl FnMut(NodeId)) {
    for _ in 0..MOST_AT_ONCE {
        let mut nothing: [IoSliceMut<'_>; 0] = [];
        let mut space = cmsg_space!(libc::sock_extended_err, libc::sockaddr_in);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message =
            recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut nothing, Some(&mut space), flags);
        match message {
            Ok(message) => {
                let to = message.address.filter(|to| to.port() == port);
                let is_refusal = message.cmsgs().is_ok_and(|mut all| all.any(|m| is_refusal(&m)));
                if let Some(to) = to.filter(|_| is_refusal) {
                    refused(NodeId::new(to.ip()));
                }
            }
            // An error that is not queued; it is gone with this.
            Err(Errno::EINTR | Errno::ECONNREFUSED) => {}
            Err(_) => return,
        }
    }
}

fn is_refusal(message: &ControlMessageOwned) -> bool {
    matches!(
        message,
        ControlMessageOwned::Ipv4RecvErr(error, _)
            if error.ee_origin == libc::SO_EE_ORIGIN_ICMP
                && error.ee_type == ICMP_UNREACHABLE
                && error.ee_code == ICMP_PORT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unreachable_port_is_a_refusal() {
        let message = |ee_origin, ee_type, ee_code| {
            let error = libc::sock_extended_err {
                ee_errno: libc::ECONNREFUSED.unsigned_abs(),
                ee_origin,
                ee_type,
                ee_code,
                ee_pad: 0,
                ee_info: 0,
                ee_data: 0,
            };
            is_refusal(&ControlMessageOwned::Ipv4RecvErr(error, None))
        };
        let icmp = libc::SO_EE_ORIGIN_ICMP;
        assert!(message(icmp, 3, 3));
        for code in [0, 1, 2, 4, 9, 13] {
            assert!(!message(icmp, 3, code), "unreachable, code {code}");
        }
        assert!(!message(icmp, 11, 0) && !message(icmp, 12, 3));
        assert!(!message(libc::SO_EE_ORIGIN_LOCAL, 3, 3));
    }
}
