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
