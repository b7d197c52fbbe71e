//! Sending a frame from where its pieces lie.

use super::Failure;
use crate::sys::deadline::Deadline;
use crate::sys::socket::Socket;
use ais_proto::AisError;
use nix::errno::Errno;
use nix::poll::PollFlags;
use std::io::IoSlice;

/// The most pieces that one system call takes (`IOV_MAX`).
const MOST_PIECES: usize = 1024;

/// Sends all pieces, with one system call if they are few and the socket has
/// the room. While it has none, `make_room` takes off what arrives: the other
/// side may wait for that before it reads on. It tells whether the connection
/// still lives.
///
/// # Errors
/// `Unsent` if the connection was dead before; `TryAgain` if the time ran out
/// before anything was sent, `Timeout` if it did in the middle; `Library` if
/// the connection broke in the middle; `NoMemory` if nothing was sent for want
/// of it.
pub(crate) fn send_all(
    socket: &Socket,
    pieces: &[&[u8]],
    deadline: Deadline,
    mut make_room: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let mut slices = Vec::new();
    slices.try_reserve_exact(pieces.len()).map_err(|_| AisError::NoMemory)?;
    slices.extend(pieces.iter().map(|piece| IoSlice::new(piece)));
    let mut rest = slices.as_mut_slice();
    // Empty pieces at the front would look like a send of nothing.
    IoSlice::advance_slices(&mut rest, 0);
    let mut begun = false;
    let either = PollFlags::POLLOUT | PollFlags::POLLIN;
    while !rest.is_empty() {
        match socket.send(&rest[..rest.len().min(MOST_PIECES)]) {
            Ok(count) => {
                begun = true;
                IoSlice::advance_slices(&mut rest, count);
            }
            Err(Errno::EAGAIN) => match socket.wait(either, deadline) {
                Ok(true) if make_room() => {}
                Ok(true) if begun => return Err(Failure::Error(AisError::Library)),
                Ok(true) => return Err(Failure::Unsent),
                Ok(false) if begun => return Err(Failure::Error(AisError::Timeout)),
                Ok(false) => return Err(Failure::Error(AisError::TryAgain)),
                Err(_) => return Err(Failure::Error(AisError::System)),
            },
            Err(_) if begun => return Err(Failure::Error(AisError::Library)),
            Err(_) => return Err(Failure::Unsent),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::descriptors::Descriptors;
    use nix::sys::socket::{
        AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, shutdown, socketpair,
    };
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    #[test]
    fn what_ends_a_call_in_the_middle_is_told_from_what_ends_it_before() {
        let (own, aisexec) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        let aisexec = aisexec.as_raw_fd();
        let socket = Socket::adopt(own, &mut Descriptors::lock()).unwrap();
        let much = vec![0; 8 << 20];
        let call = |lives| {
            let soon = Deadline::after(Duration::from_millis(1));
            send_all(&socket, &[&much], soon, || lives)
        };
        assert_eq!(call(true), Err(Failure::Error(AisError::Timeout)), "some of it is sent");
        assert_eq!(call(true), Err(Failure::Error(AisError::TryAgain)), "there is no room");
        assert_eq!(send(aisexec, b"x", MsgFlags::empty()), Ok(1));
        assert_eq!(call(false), Err(Failure::Unsent));
        let mut taken = vec![0; 1 << 20];
        while recv(aisexec, &mut taken, MsgFlags::MSG_DONTWAIT).is_ok() {}
        assert_eq!(call(false), Err(Failure::Error(AisError::Library)));

        while recv(aisexec, &mut taken, MsgFlags::MSG_DONTWAIT).is_ok() {}
        let breaks = || {
            shutdown(aisexec, Shutdown::Both).unwrap();
            true
        };
        let deadline = Deadline::after(Duration::from_secs(60));
        let broken = send_all(&socket, &[&much], deadline, breaks);
        assert_eq!(broken, Err(Failure::Error(AisError::Library)), "in the middle");
        assert_eq!(call(true), Err(Failure::Unsent));
    }
}
