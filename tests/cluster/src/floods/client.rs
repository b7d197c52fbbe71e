//! A connection of a flood, by hand rather than by the library: it sends without
//! waiting for answers, and reads them or does not.

use super::tally::Tally;
use ais_proto::{
    AisError, Code, Cookie, HEADER_LENGTH, Header, Hello, Kind, MAX_CALL_BODY, Request, ServiceId,
    Welcome, Writer,
};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv,
    recvmsg, send, socket,
};
use std::io::{IoSliceMut, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A client that is not greeted by then never will be.
const PATIENCE: Duration = Duration::from_secs(5);

/// A frame with this request.
pub(super) fn frame(request: &Request<'_>) -> Vec<u8> {
    let mut body = Writer::new();
    request.encode(&mut body);
    let mut body = body.into_bytes();
    for piece in request.data() {
        body.extend(piece);
    }
    raw_frame(request.code(), &body)
}

/// A frame with this code and body.
pub(super) fn raw_frame(code: Code, body: &[u8]) -> Vec<u8> {
    let mut bytes = Header::new(code, 1, body.len()).encode().to_vec();
    bytes.extend(body);
    bytes
}

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    /// The event socket of a handle.
    events: Option<RawFd>,
    /// What is to be sent next.
    unsent: Vec<u8>,
    /// Of the reply that is being read: its header as far as it is there.
    header: Vec<u8>,
    /// The bytes of its body that are still to come.
    body: usize,
}

impl Client {
    /// A connection on which nothing is said yet.
    ///
    /// # Errors
    /// Why there is none; `EAGAIN` if no more can wait to be accepted.
    pub(super) fn connect(path: &Path) -> Result<Self, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(Self::on(UnixStream::from(socket)))
    }

    fn on(stream: UnixStream) -> Self {
        Self { stream, events: None, unsent: Vec::new(), header: Vec::new(), body: 0 }
    }

    /// A connection that is greeted as one of this kind.
    ///
    /// # Errors
    /// What the daemon says; [`AisError::Library`] if it says nothing.
    pub(super) fn greeted(path: &Path, kind: Kind) -> Result<(Self, Welcome), AisError> {
        // It waits to be accepted.
        let stream = UnixStream::connect(path).map_err(|_| AisError::Library)?;
        let mut client = Self::on(stream);
        let answer = client.greet(kind).map_err(|_| AisError::Library)?;
        let (head, body) = answer.split_first_chunk().ok_or(AisError::Library)?;
        Header::decode(head, MAX_CALL_BODY).map_err(|_| AisError::Library)?.result()?;
        let welcome = Welcome::decode(body).map_err(|_| AisError::Library)?;
        Ok((client, welcome))
    }

    fn greet(&mut self, kind: Kind) -> std::io::Result<Vec<u8>> {
        self.stream.set_read_timeout(Some(PATIENCE))?;
        self.stream.write_all(&raw_frame(Code::HELLO, &Hello { kind }.encode()))?;
        let mut bytes = [0; 256];
        let mut pieces = [IoSliceMut::new(&mut bytes)];
        let mut space = cmsg_space!(RawFd);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let fd = self.stream.as_raw_fd();
        let message = recvmsg::<()>(fd, &mut pieces, Some(&mut space), flags)?;
        if let Some(ControlMessageOwned::ScmRights(fds)) = message.cmsgs()?.next() {
            self.events = fds.first().copied();
        }
        let count = message.bytes;
        Ok(bytes[..count].to_vec())
    }

    /// Asks, and waits for the body of the reply.
    ///
    /// # Errors
    /// What the daemon says; [`AisError::Library`] if it says nothing.
    pub(super) fn ask(&mut self, request: &Request<'_>) -> Result<Vec<u8>, AisError> {
        let mut exchange = || -> std::io::Result<(Header, Vec<u8>)> {
            self.stream.write_all(&frame(request))?;
            let mut head = [0; HEADER_LENGTH];
            self.stream.read_exact(&mut head)?;
            let header = Header::decode(&head, MAX_CALL_BODY).map_err(std::io::Error::other)?;
            let mut body = vec![0; header.length as usize];
            self.stream.read_exact(&mut body)?;
            Ok((header, body))
        };
        let (header, body) = exchange().map_err(|_| AisError::Library)?;
        header.result().map(|()| body)
    }

    /// Sends what it has to send, and when that is gone what `next` appends;
    /// whether any of it went out.
    ///
    /// # Errors
    /// Why nothing can be sent any more.
    pub(super) fn send(&mut self, next: impl FnOnce(&mut Vec<u8>)) -> Result<bool, Errno> {
        if self.unsent.is_empty() {
            next(&mut self.unsent);
        }
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.stream.as_raw_fd(), &self.unsent, flags) {
            Ok(count) => {
                self.unsent.drain(..count);
                Ok(count > 0)
            }
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a packet on the event socket; whether it was taken.
    pub(super) fn send_event(&self, packet: &[u8]) -> bool {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        self.events.is_some_and(|events| send(events, packet, flags).is_ok())
    }

    /// Whether all that was to be sent has been.
    pub(super) fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Reads the replies that are there and counts them; whether there were any.
    ///
    /// # Errors
    /// If the connection has ended.
    pub(super) fn read(&mut self, tally: &mut Tally) -> Result<bool, Errno> {
        let mut bytes = [0; 16 << 10];
        match recv(self.stream.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT) {
            Ok(0) => Err(Errno::ECONNRESET),
            Ok(count) => self.take(&bytes[..count], tally).map(|()| true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, mut bytes: &[u8], tally: &mut Tally) -> Result<(), Errno> {
        while !bytes.is_empty() {
            if self.body > 0 {
                let count = self.body.min(bytes.len());
                self.body -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEADER_LENGTH - self.header.len()).min(bytes.len());
            self.header.extend(&bytes[..count]);
            bytes = &bytes[count..];
            if let Ok(head) = self.header.as_slice().try_into() {
                let header = Header::decode(head, MAX_CALL_BODY).map_err(|_| Errno::EBADMSG)?;
                tally.answered(header.result());
                self.body = header.length as usize;
                self.header.clear();
            }
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Nothing more can be done if that fails.
        let _ = self.events.map(nix::unistd::close);
    }
}

/// A process as the daemon sees it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) anchor: Client,
    cookie: Cookie,
}

impl Session {
    /// A new one.
    ///
    /// # Errors
    /// As [`Client::greeted`]; so the others.
    pub(super) fn open(path: &Path) -> Result<Self, AisError> {
        let (anchor, welcome) = Client::greeted(path, Kind::Session)?;
        Ok(Self { anchor, cookie: welcome.cookie })
    }

    /// A connection for calls.
    pub(super) fn call(&self, path: &Path) -> Result<Client, AisError> {
        Client::greeted(path, Kind::Call(self.cookie)).map(|(client, _)| client)
    }

    /// A library handle with all callbacks.
    pub(super) fn handle(&self, path: &Path, service: ServiceId) -> Result<Client, AisError> {
        let kind = Kind::Handle { cookie: self.cookie, service, callbacks: u32::MAX };
        Client::greeted(path, kind).map(|(client, _)| client)
    }
}
