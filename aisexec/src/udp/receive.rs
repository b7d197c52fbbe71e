//! Datagrams from a socket, several at once.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg};
use socket2::Socket;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;

/// Datagrams taken at once.
const BATCH: usize = 16;
/// The longest datagram there is. Memory of a slot that is never filled is
/// never touched.
const SLOT: usize = 64 << 10;
/// The sender of what has none, which no datagram of UDP is.
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
/// A receive that fails with what a datagram sent earlier has met is made
/// again, so many times.
const TRIES: u32 = 3;

/// What was taken from a socket last.
#[derive(Debug)]
pub(super) struct Inbox {
    headers: MultiHeaders<SockaddrIn>,
    slots: Vec<u8>,
    arrived: Vec<(SocketAddrV4, usize)>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            slots: vec![0; BATCH * SLOT],
            arrived: Vec::with_capacity(BATCH),
        }
    }

    /// Takes what has arrived, in place of what was there. Whether that was
    /// all.
    pub(super) fn take_from(&mut self, socket: &Socket) -> bool {
        for _ in 0..TRIES {
            match self.try_take(socket) {
                Ok(()) => return self.arrived.len() < BATCH,
                Err(Errno::EAGAIN) => return true,
                // That of a datagram sent earlier; it is in the error queue.
                Err(_) => {}
            }
        }
        true
    }

    fn try_take(&mut self, socket: &Socket) -> Result<(), Errno> {
        self.arrived.clear();
        let mut slots = self.slots.chunks_exact_mut(SLOT);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(slots.next().unwrap_or_default())]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages = recvmmsg(socket.as_raw_fd(), &mut self.headers, &mut slices, flags, None)?;
        let datagrams = messages.map(|message| (message.address, message.bytes));
        self.arrived.extend(datagrams.map(|(from, length)| {
            let from = from.map_or(NOBODY, SocketAddrV4::from);
            (from, length)
        }));
        Ok(())
    }

    /// The datagrams, in the order in which they came.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (SocketAddrV4, &[u8])> {
        let slots = self.slots.chunks_exact(SLOT);
        let datagrams = self.arrived.iter().zip(slots);
        datagrams.map(|((from, length), slot)| (*from, slot.get(..*length).unwrap_or_default()))
    }
}
