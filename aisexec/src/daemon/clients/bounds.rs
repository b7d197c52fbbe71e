//! Every bound on what clients may take, beside those of the ledger that come
//! from what the machine has.

use crate::clock::SECOND;
use ais_node::ledger::{Bound, Kind};

/// How long a connection may take to say what it is for, in ns.
pub(crate) const GREETING_TIME: u64 = 10 * SECOND;
/// The longest body of a handshake; a later library may say more than ours.
pub(crate) const MAX_HELLO_BODY: usize = 4096;
/// The longest body of a request on the connection of a library handle; large
/// data travels on the connections for calls.
pub(crate) const MAX_HANDLE_BODY: usize = 64 << 10;
/// Connections for calls in a session; the library uses 8.
pub(crate) const MAX_CALL_CONNECTIONS: usize = 16;
/// Connections that a session was given and that have not said yet what they
/// are for; the library has one for each of its threads at most.
pub(crate) const MAX_GIVEN_CONNECTIONS: usize = 64;
/// Library handles in a session.
pub(crate) const MAX_HANDLES: usize = 4096;
/// Unanswered requests of one connection, then it is not read; the library
/// has one.
pub(crate) const MAX_OUTSTANDING: usize = 16;
/// Requests served of one connection before others have their turn.
pub(crate) const REQUESTS_PER_TURN: usize = 16;
/// Replies and events that are put out in one step. What is left is for the next
/// ones; datagrams wait for none of it.
pub(crate) const OUTPUTS_PER_STEP: usize = 1024;
/// Bytes received from one connection before others have their turn.
pub(crate) const BYTES_PER_TURN: usize = 256 << 10;
/// Connections accepted in one round.
pub(crate) const ACCEPTS_PER_ROUND: usize = 128;
/// After so many ns no other one is in this round.
pub(crate) const ACCEPTING_TIME: u64 = SECOND / 200;
/// Connections closed in one round, with all that belongs to them.
pub(crate) const CLOSES_PER_ROUND: usize = 64;
/// After so many ns no other one is in this round: it may hold 17 MiB.
pub(crate) const CLOSING_TIME: u64 = SECOND / 500;
/// Connections looked at in one round that were not read as the group was full.
pub(crate) const UNPARKS_PER_ROUND: usize = 64;
/// How often they are looked at, in ns, when nothing else happens.
pub(crate) const PARKED_LOOKS: u64 = SECOND / 100;
/// Connections that are looked at, or closed, at a time as too much waits for
/// clients.
pub(crate) const PAYMENTS_AT_A_TIME: usize = 64;
/// Bytes that clients hold together from which on there is a crowd: what is held
/// then goes back to the system piece by piece as it is freed, which takes longer.
pub(crate) const CROWD: u64 = 32 << 20;
/// From how many bytes on pieces of memory do so in a crowd; else what ordinary
/// messages need is kept, as it is quicker to have again.
pub(crate) const MAPPED_IN_CROWD: i32 = 16 << 10;
/// Descriptors that are not for clients.
const RESERVED_DESCRIPTORS: u64 = 64;
/// Some of them are for connections that only hear why they are one too many.
const REFUSED_CONNECTIONS: u64 = RESERVED_DESCRIPTORS / 2;
/// How long no connection is accepted after that failed, in ns.
pub(crate) const ACCEPT_PAUSE: u64 = SECOND / 10;
/// How often the file of the socket is looked at, in ns: a cleaner of /run or
/// /tmp may have removed it.
pub(crate) const SOCKET_LOOKS: u64 = 2 * SECOND;
/// Bytes of unfinished requests and of unread replies and events of all clients
/// together, at least; a 16th of the memory that this process may use if that is
/// more. Beyond, who holds most of them pays.
const MIN_WAITING_BYTES: u64 = 256 << 20;

/// The bounds of a daemon that may open so many descriptors and has so many
/// bytes of memory.
pub(crate) fn of_machine(descriptors: usize, memory: u64) -> [(Kind, Bound); 3] {
    [
        (Kind::Descriptors, (descriptors as u64).saturating_sub(RESERVED_DESCRIPTORS)),
        (Kind::Refusals, REFUSED_CONNECTIONS),
        (Kind::Sockets, MIN_WAITING_BYTES.max(memory / 16)),
    ]
    .map(|(kind, total)| (kind, Bound::of(total)))
}
