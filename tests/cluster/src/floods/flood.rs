//! One process of a flood: until when it goes on, what it has done, and what all
//! floods do.

use super::client::{Client, Session, frame};
use super::tally::Tally;
use ais_proto::{AisError, Reader, Request, ServiceId, ckpt};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two tries of what is refused.
const PAUSE: Duration = Duration::from_millis(2);
/// Frames that a connection sends before another has its turn.
const FRAMES: usize = 16;

/// A process of a flood.
#[derive(Debug)]
pub(super) struct Flood {
    pub(super) socket: PathBuf,
    /// Its place among the processes of the flood, from 0.
    pub(super) place: u32,
    pub(super) end: Instant,
    pub(super) tally: Tally,
}

/// Whether replies are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replies {
    Read,
    Left,
}

impl Flood {
    pub(super) fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }

    /// Halfway from now to the end.
    pub(super) fn half(&self) -> Instant {
        let now = Instant::now();
        now + self.end.saturating_duration_since(now) / 2
    }

    /// Keeps what it has until the end.
    pub(super) fn hold(&self) {
        sleep(self.end.saturating_duration_since(Instant::now()));
    }

    /// A name that no other process of the flood has.
    pub(super) fn name(&self, number: u64) -> String {
        format!("flood {} {number}", self.place)
    }

    /// A session; nothing if the flood is over before there is one.
    pub(super) fn session(&mut self) -> Option<Session> {
        while self.goes_on() {
            match Session::open(&self.socket) {
                Ok(session) => return Some(session),
                Err(error) => self.refused(error),
            }
        }
        None
    }

    /// This many connections for calls, or as many as there may be.
    pub(super) fn calls(&mut self, session: &Session, count: usize) -> Vec<Client> {
        self.many(count, |socket| session.call(socket))
    }

    /// This many handles of this service, or as many as there may be.
    pub(super) fn handles(
        &mut self,
        session: &Session,
        service: ServiceId,
        count: usize,
    ) -> Vec<Client> {
        self.many(count, |socket| session.handle(socket, service))
    }

    fn many(
        &mut self,
        count: usize,
        connect: impl Fn(&std::path::Path) -> Result<Client, AisError>,
    ) -> Vec<Client> {
        let mut clients = Vec::new();
        while clients.len() < count && self.goes_on() {
            match connect(&self.socket) {
                Ok(client) => clients.push(client),
                Err(error) => {
                    self.refused(error);
                    break;
                }
            }
        }
        clients
    }

    fn refused(&mut self, error: AisError) {
        self.tally.add(&format!("connections refused ({error})"), 1);
        sleep(PAUSE);
    }

    /// Asks and waits for the reply, again as long as the daemon says so.
    ///
    /// # Errors
    /// What it says else.
    pub(super) fn ask(
        &mut self,
        client: &mut Client,
        request: &Request<'_>,
    ) -> Result<Vec<u8>, AisError> {
        loop {
            self.tally.sent();
            let result = client.ask(request);
            self.tally.answered(result.as_ref().map(|_| ()).map_err(|error| *error));
            if result != Err(AisError::TryAgain) || !self.goes_on() {
                return result;
            }
            sleep(PAUSE);
        }
    }

    /// Opens a checkpoint, made if it is not there; its number.
    ///
    /// # Errors
    /// What the daemon says.
    pub(super) fn open(&mut self, client: &mut Client, name: &str) -> Result<u32, AisError> {
        let body = self.ask(client, &Request::Ckpt(ckpt::Request::Open(open(name, 0)?)))?;
        Reader::new(&body).u32().map_err(|_| AisError::Library)
    }

    /// Sends one frame after the other on all of these connections, as fast as
    /// they are taken, until the end. Those that the daemon closes are gone; if
    /// all are, it ends earlier.
    pub(super) fn pour(
        &mut self,
        clients: &mut Vec<Client>,
        replies: Replies,
        next: impl FnMut(&mut Vec<u8>),
    ) {
        self.pour_until(self.end, clients, replies, next);
    }

    /// The same until another time.
    pub(super) fn pour_until(
        &mut self,
        end: Instant,
        clients: &mut Vec<Client>,
        replies: Replies,
        mut next: impl FnMut(&mut Vec<u8>),
    ) {
        while Instant::now() < end && !clients.is_empty() {
            let mut has_moved = false;
            clients.retain_mut(|client| {
                let moved = turn(client, replies, &mut next, &mut self.tally);
                has_moved |= moved == Some(true);
                if moved.is_none() {
                    self.tally.add("connections closed", 1);
                }
                moved.is_some()
            });
            if !has_moved {
                sleep(PAUSE);
            }
        }
    }
}

/// A turn of a connection: whether anything was sent or read; nothing if it has
/// ended.
fn turn(
    client: &mut Client,
    replies: Replies,
    mut next: impl FnMut(&mut Vec<u8>),
    tally: &mut Tally,
) -> Option<bool> {
    let mut has_moved = false;
    for _ in 0..FRAMES {
        let is_new = client.is_sent();
        has_moved |= client.send(&mut next).ok()?;
        if is_new {
            tally.sent();
        }
        if !client.is_sent() {
            break;
        }
    }
    if replies == Replies::Read {
        has_moved |= client.read(tally).ok()?;
    }
    Some(has_moved)
}

/// How to open a checkpoint that stays so many ns after its last close.
///
/// # Errors
/// If the name is too long.
pub(super) fn open(name: &str, retention: i64) -> Result<ckpt::Open, AisError> {
    let attributes = ckpt::Attributes {
        option: ckpt::UpdateOption::AllReplicas,
        checkpoint_size: ckpt::NO_LIMIT,
        retention_duration: retention,
        max_sections: u64::MAX,
        max_section_size: ckpt::NO_LIMIT,
        max_section_id_size: u64::MAX,
    };
    Ok(ckpt::Open {
        name: name.try_into().map_err(|_| AisError::NameTooLong)?,
        attributes: Some(attributes),
        flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
    })
}

/// A frame with a request to CKPT.
pub(super) fn ckpt_frame(request: ckpt::Request<'_>) -> Vec<u8> {
    frame(&Request::Ckpt(request))
}
