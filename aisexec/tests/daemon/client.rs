//! A client that says what it is told to.

use crate::executive::{PATIENCE, Site};
use ais_proto::{
    AisError, Code, Cookie, HEADER_LENGTH, Header, Hello, Kind, MAX_CALL_BODY, MAX_EVENT, Reader,
    ServiceId, Welcome, Writer, clm,
};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recv, recvmsg, send};
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    /// The address of the node, if it is known.
    node: Option<Ipv4Addr>,
}

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) id: u32,
    pub(crate) result: Result<(), AisError>,
    pub(crate) body: Vec<u8>,
}

/// A new program is served.
pub(crate) fn assert_serves(site: &Site) {
    let (_anchor, cookie) = Client::session(site);
    Client::calls(site, cookie).assert_served(1);
}

impl Client {
    pub(crate) fn connect(site: &Site) -> Self {
        Self { node: Some(site.address), ..Self::connect_to(&site.socket()) }
    }

    pub(crate) fn connect_to(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(PATIENCE.into()))).unwrap();
        Self { stream, node: None }
    }

    /// The first connection of a session, and its cookie.
    pub(crate) fn session(site: &Site) -> (Self, Cookie) {
        let mut client = Self::connect(site);
        let cookie = client.hello(Kind::Session).unwrap().cookie;
        (client, cookie)
    }

    /// A connection for calls.
    pub(crate) fn calls(site: &Site, cookie: Cookie) -> Self {
        let mut client = Self::connect(site);
        client.hello(Kind::Call(cookie)).unwrap();
        client
    }

    /// A library handle and the event socket that comes with it.
    pub(crate) fn handle(site: &Site, cookie: Cookie, service: ServiceId) -> (Self, Events) {
        Self::handle_with(site, cookie, service, 3)
    }

    /// The same, with these callbacks.
    pub(crate) fn handle_with(
        site: &Site,
        cookie: Cookie,
        service: ServiceId,
        callbacks: u32,
    ) -> (Self, Events) {
        let mut client = Self::connect(site);
        client.send_hello(Kind::Handle { cookie, service, callbacks });
        let mut bytes = [0; 256];
        let mut pieces = [IoSliceMut::new(&mut bytes)];
        let mut space = cmsg_space!(RawFd);
        let fd = client.stream.as_raw_fd();
        let message =
            recvmsg::<()>(fd, &mut pieces, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).unwrap();
        let socket = match message.cmsgs().unwrap().next() {
            Some(ControlMessageOwned::ScmRights(fds)) => fds[0],
            other => panic!("no event socket but {other:?}"),
        };
        (client, Events { socket })
    }

    /// Asks for another connection on the one that holds the session.
    pub(crate) fn ask_for_another(&mut self, id: u32) -> Result<Self, AisError> {
        self.send(Code::CONNECT, id, b"");
        let mut bytes = [0; HEADER_LENGTH];
        let mut pieces = [IoSliceMut::new(&mut bytes)];
        let mut space = cmsg_space!(RawFd);
        let fd = self.stream.as_raw_fd();
        let message =
            recvmsg::<()>(fd, &mut pieces, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).unwrap();
        assert_eq!(message.bytes, HEADER_LENGTH);
        let brought = message.cmsgs().unwrap().next();
        let header = Header::decode(&bytes, 0).unwrap();
        assert_eq!(header.id, id);
        header.result()?;
        let Some(ControlMessageOwned::ScmRights(fds)) = brought else {
            panic!("no connection but {brought:?}")
        };
        // SAFETY: the kernel has just opened it for this message.
        let stream = unsafe { UnixStream::from_raw_fd(fds[0]) };
        stream.set_read_timeout(Some(Duration::from_millis(PATIENCE.into()))).unwrap();
        Ok(Self { stream, node: self.node })
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, code: Code, id: u32, body: &[u8]) {
        self.raw(&frame(code, id, body));
    }

    pub(crate) fn send_hello(&mut self, kind: Kind) {
        self.send(Code::HELLO, 5, &Hello { kind }.encode());
    }

    pub(crate) fn hello(&mut self, kind: Kind) -> Result<Welcome, AisError> {
        self.send_hello(kind);
        let reply = self.receive().expect("an answer");
        assert_eq!(reply.id, 5);
        reply.result.map(|()| Welcome::decode(&reply.body).unwrap())
    }

    /// The next reply; `None` at the end of the stream.
    pub(crate) fn receive(&mut self) -> Option<Reply> {
        let mut header = [0; HEADER_LENGTH];
        self.read(&mut header)?;
        let header = Header::decode(&header, MAX_CALL_BODY).unwrap();
        let mut body = vec![0; header.length as usize];
        self.read(&mut body)?;
        Some(Reply { id: header.id, result: header.result(), body })
    }

    fn read(&mut self, bytes: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(bytes) {
            Ok(()) => Some(()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Asks for the own node and checks the answer.
    pub(crate) fn assert_served(&mut self, id: u32) {
        self.send_request(id, &clm::Request::NodeGet { node: 0 });
        let reply = self.receive().expect("an answer");
        assert_eq!((reply.id, reply.result), (id, Ok(())));
        let node = clm::Node::decode(&mut Reader::new(&reply.body)).unwrap();
        assert_eq!(Some(node.address.into()), self.node);
        assert!(node.member);
    }

    pub(crate) fn send_request(&mut self, id: u32, request: &clm::Request) {
        self.raw(&request_frame(id, request));
    }

    /// Waits for the end of the stream.
    pub(crate) fn assert_closed(&mut self) {
        assert_eq!(self.receive(), None);
    }
}

/// A request in a frame.
pub(crate) fn request_frame(id: u32, request: &clm::Request) -> Vec<u8> {
    let mut body = Writer::new();
    request.encode(&mut body);
    frame(request.code(), id, &body.into_bytes())
}

/// A frame.
pub(crate) fn frame(code: Code, id: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Header::new(code, id, body.len()).encode().to_vec();
    bytes.extend(body);
    bytes
}

/// The event socket of a library handle.
#[derive(Debug)]
pub(crate) struct Events {
    socket: RawFd,
}

impl Events {
    /// The next event; it comes soon after the reply to what caused it.
    pub(crate) fn receive(&self) -> clm::Event {
        let come = (0..PATIENCE).find_map(|_| {
            let event = self.poll();
            if event.is_none() {
                nix::poll::poll(&mut [], 1u8).unwrap();
            }
            event
        });
        come.expect("an event")
    }

    /// The next event, if there is one.
    pub(crate) fn poll(&self) -> Option<clm::Event> {
        let mut packet = vec![0; MAX_EVENT];
        let count = recv(self.socket, &mut packet, MsgFlags::MSG_DONTWAIT).ok()?;
        let (header, body) = packet[..count].split_first_chunk().unwrap();
        let header = Header::decode(header, MAX_EVENT).unwrap();
        Some(clm::Event::decode(header.code, body).unwrap())
    }

    pub(crate) fn send(&self, packet: &[u8]) {
        send(self.socket, packet, MsgFlags::empty()).unwrap();
    }
}

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.socket
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = nix::unistd::close(self.socket);
    }
}
