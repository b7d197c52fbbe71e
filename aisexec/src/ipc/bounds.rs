//! Every bound on what clients may take.

use crate::clock::SECOND;

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
/// Bytes received from one connection before others have their turn.
pub(crate) const BYTES_PER_TURN: usize = 256 << 10;
/// Descriptors that are not for clients.
pub(crate) const RESERVED_DESCRIPTORS: usize = 64;
/// How long no connection is accepted after that failed, in ns.
pub(crate) const ACCEPT_PAUSE: u64 = SECOND / 10;
/// How often the file of the socket is looked at, in ns: a cleaner of /run or
/// /tmp may have removed it.
pub(crate) const SOCKET_LOOKS: u64 = 2 * SECOND;
/// Bytes of unfinished requests and unread replies of all clients together,
/// at least; a 16th of the memory that this process may use if that is more.
/// Beyond, the connection that has not moved for the longest time is closed.
pub(crate) const MIN_WAITING_BYTES: u64 = 256 << 20;
