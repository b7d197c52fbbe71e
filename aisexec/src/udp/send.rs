//! Datagrams on their way out.

use crate::sys;
use ais_totem::Bytes;
use nix::errno::Errno;
use socket2::Socket;
use std::collections::VecDeque;
use std::net::SocketAddrV4;

/// Datagrams that may wait for room. The ring bounds what is sent in a turn;
/// what is beyond this is lost, which it survives.
const MOST_WAITING: usize = 4096;
/// A send that fails may fail with what an earlier datagram has met; so it is
/// made again, until it has failed so many times.
const TRIES: u32 = 3;

/// What waits to be sent, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<(SocketAddrV4, Bytes)>,
}

/// What a flush needs of its surroundings.
pub(super) trait Troubles {
    /// Takes the errors from the socket that earlier datagrams have met.
    fn take_errors(&mut self, socket: &Socket);
    /// A datagram was not sent.
    fn unsent(&mut self, to: SocketAddrV4, why: Errno);
}

impl Outbox {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Puts a datagram behind the others. Whether there was room for it.
    pub(super) fn push(&mut self, to: SocketAddrV4, bytes: Bytes) -> bool {
        let has_room = self.waiting.len() < MOST_WAITING;
        if has_room {
            self.waiting.push_back((to, bytes));
        }
        has_room
    }

    /// Sends all that there is room for.
    pub(super) fn flush(&mut self, socket: &Socket, troubles: &mut impl Troubles) {
        let mut failures = 0;
        while let Some((first, _)) = self.waiting.front() {
            let batch = self.waiting.iter().map(|(to, bytes)| (*to, &bytes[..]));
            match sys::send_datagrams(socket, batch) {
                Ok(count) => {
                    self.waiting.drain(..count.min(self.waiting.len()));
                    failures = 0;
                }
                Err(Errno::EAGAIN) => return,
                Err(error) => {
                    failures += 1;
                    troubles.take_errors(socket);
                    if failures == TRIES {
                        failures = 0;
                        troubles.unsent(*first, error);
                        self.waiting.pop_front();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn only_so_many_datagrams_wait() {
        let mut outbox = Outbox::default();
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
        let taken = (0..2 * MOST_WAITING).filter(|_| outbox.push(to, Bytes::from(vec![1])));
        assert_eq!(taken.count(), MOST_WAITING);
        assert_eq!(outbox.waiting.len(), MOST_WAITING);
    }
}
