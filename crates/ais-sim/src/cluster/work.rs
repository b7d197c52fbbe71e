//! What the programs do, and what the answers have to be.

use super::World;
use super::site::{Call, caller};
use super::unread::Unread;
use crate::fabric::node_of;
use ais_node::{Caller, SessionId};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Name, Reader, ServiceId, Writer, ckpt, clm};

/// Checkpoints that last.
pub(super) const CHECKPOINTS: usize = 2;
/// Checkpoints that last are kept for so long when nobody has them open.
const RETENTION: i64 = i64::MAX / 4;

impl World {
    /// The node serves: programs come.
    pub(super) fn move_in(&mut self, host: usize) -> Result<(), String> {
        self.sites[host].session = self.fresh();
        let tracker = self.new_caller(Some((ServiceId::Clm, 0x3)));
        self.sites[host].tracker = Some(tracker);
        self.fabric.with(host, |node, _| node.handle_opened(&tracker));
        self.track(host)?;
        for checkpoint in 0..CHECKPOINTS {
            self.open(host, checkpoint)?;
        }
        if self.expected_nodes.is_some() {
            // Before the ballast is: what is older is sent later.
            self.share(host)?;
        }
        if self.ballast == 0 {
            return Ok(());
        }
        let open = ckpt::Open {
            name: name("ballast", 0),
            attributes: Some(attributes(RETENTION)),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        self.ckpt(host, &ckpt::Request::Open(open), Call::OpenBallast)
    }

    /// Makes the next section of the ballast, which makes transfers long; the
    /// first ones that are there have been made by others.
    fn load(&mut self, host: usize, checkpoint: u32, number: u64) -> Result<(), String> {
        if number >= self.ballast {
            return Ok(());
        }
        let data = vec![number as u8 + 1; 200_000];
        let id = number.to_be_bytes();
        let (id, expiration) = (Some(&id[..]), i64::MAX);
        let request = ckpt::Request::SectionCreate { checkpoint, id, expiration, data: &data };
        self.ckpt(host, &request, Call::Ballast(checkpoint, number))
    }

    /// The tracker asks which nodes are there, and to be told when that changes.
    pub(super) fn track(&mut self, host: usize) -> Result<(), String> {
        let Some(tracker) = self.sites[host].tracker else { return Ok(()) };
        let flags = TrackFlags::CURRENT | TrackFlags::CHANGES;
        let request = clm::Request::TrackStart { flags, capacity: 64, subscription: 1 };
        let mut body = Writer::new();
        request.encode(&mut body);
        self.ask(host, tracker, request.code(), &body.into_bytes(), Call::Other)
    }

    fn open(&mut self, host: usize, checkpoint: usize) -> Result<(), String> {
        let open = ckpt::Open {
            name: name("lasting", checkpoint),
            attributes: Some(attributes(RETENTION)),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        self.ckpt(host, &ckpt::Request::Open(open), Call::Open(checkpoint))
    }

    /// Some program does something.
    pub(super) fn work(&mut self) -> Result<(), String> {
        let serving = self.serving();
        if serving.is_empty() {
            return Ok(());
        }
        let host = *self.fabric.rng.pick(&serving);
        if self.expected_nodes.is_some() && self.fabric.rng.once_in(3) {
            return self.share(host);
        }
        if self.fabric.rng.below(10) < self.amf.share {
            return self.disturb_amf(host);
        }
        match self.fabric.rng.below(9) {
            0..=4 => self.write(host),
            5 => self.read(host),
            _ => self.passing_checkpoint(host),
        }
    }

    /// The hosts that programs can use.
    pub(super) fn serving(&self) -> Vec<usize> {
        let serves = |host: &usize| self.sites[*host].serves && self.fabric.is_running(*host);
        (0..self.plan.hosts).filter(serves).collect()
    }

    /// The writer of this host writes its next number.
    fn write(&mut self, host: usize) -> Result<(), String> {
        let checkpoint = self.fabric.rng.below(CHECKPOINTS as u64) as usize;
        let Some(open) = self.sites[host].open.get(&checkpoint).copied() else {
            return self.open(host, checkpoint);
        };
        let section = (checkpoint, host);
        let number = self.ledger.issue(section);
        let data = self.data(number);
        let request = ckpt::Request::Overwrite { checkpoint: open, id: &id_of(host), data: &data };
        self.ckpt(host, &request, Call::Write(section, number))
    }

    fn data(&mut self, number: u64) -> Vec<u8> {
        let rng = &mut self.fabric.rng;
        let length = if rng.once_in(10) { rng.below(20_000) } else { rng.below(200) };
        let mut data = number.to_le_bytes().to_vec();
        data.resize(8 + length as usize, number as u8);
        data
    }

    fn read(&mut self, host: usize) -> Result<(), String> {
        let writer = self.fabric.rng.below(self.plan.hosts as u64) as usize;
        let checkpoint = self.fabric.rng.below(CHECKPOINTS as u64) as usize;
        self.read_section(host, (checkpoint, writer))
    }

    pub(super) fn read_section(
        &mut self,
        host: usize,
        section: (usize, usize),
    ) -> Result<(), String> {
        let Some(checkpoint) = self.sites[host].open.get(&section.0).copied() else {
            return Ok(());
        };
        let id = id_of(section.1);
        let elements = vec![ckpt::ReadElement { id: &id, offset: 0, size: Some(8) }];
        self.ckpt(host, &ckpt::Request::Read { checkpoint, elements }, Call::Read(section))
    }

    /// A checkpoint that comes and goes: made, unlinked, retained for a moment.
    /// It has an active replica, which goes from node to node.
    fn passing_checkpoint(&mut self, host: usize) -> Result<(), String> {
        let name = name("passing", self.fabric.rng.below(3) as usize);
        let request = if self.fabric.rng.once_in(3) {
            ckpt::Request::Unlink { name }
        } else {
            let retention = self.fabric.rng.below(self.plan.tokens(20)) as i64;
            let option = ckpt::UpdateOption::ActiveReplicaWeak;
            let attributes = Some(ckpt::Attributes { option, ..attributes(retention) });
            let flags = ckpt::OpenFlags::READ | ckpt::OpenFlags::COLOCATED;
            ckpt::Request::Open(ckpt::Open { name, attributes, flags })
        };
        let session = self.fresh();
        self.ckpt(host, &request, Call::Passing(session))
    }

    /// A call was answered.
    pub(super) fn reply(
        &mut self,
        host: usize,
        call: Call,
        result: Result<(), AisError>,
        body: &[u8],
    ) -> Result<(), String> {
        let wrong = || Err(format!("answers: {} answers {call:?} with {result:?}", node_of(host)));
        match (&call, result) {
            (Call::Amf(asked), result) => {
                return self.amf_reply(host, asked.clone(), result, body);
            }
            (Call::Open(checkpoint), Ok(())) => {
                let number = Reader::new(body).u32().map_err(|error| error.to_string())?;
                self.sites[host].open.insert(*checkpoint, number);
            }
            (Call::Write(section, number) | Call::Create(section, number), Ok(())) => {
                let among = self.coming.get(&host).map(Vec::as_slice);
                self.ledger.promised(node_of(host), among, *section, *number);
            }
            (Call::Write(section, _), Err(AisError::NotExist)) => {
                let Some(checkpoint) = self.sites[host].open.get(&section.0).copied() else {
                    return Ok(());
                };
                let (section, number) = (*section, self.ledger.issue(*section));
                let data = self.data(number);
                let id = id_of(host);
                let (id, expiration) = (Some(&id[..]), i64::MAX);
                let request =
                    ckpt::Request::SectionCreate { checkpoint, id, expiration, data: &data };
                return self.ckpt(host, &request, Call::Create(section, number));
            }
            (Call::Read(section), Ok(())) => {
                let found = number_of(body)?;
                self.found.insert((host, *section), found);
            }
            (Call::Read(_), Err(AisError::NotExist)) => {}
            (Call::OpenBallast, Ok(())) => {
                let checkpoint = Reader::new(body).u32().map_err(|error| error.to_string())?;
                return self.load(host, checkpoint, 0);
            }
            (Call::Ballast(checkpoint, number), Ok(())) => {
                return self.load(host, *checkpoint, number + 1);
            }
            (Call::Ballast(..), Err(AisError::Exist)) => {}
            (Call::OpenShared(slot), Ok(())) => self.shared_opened(host, *slot, body)?,
            (
                Call::Shared(slot, change),
                Ok(())
                | Err(
                    AisError::Exist
                    | AisError::NotExist
                    | AisError::TryAgain
                    | AisError::Timeout
                    | AisError::BadHandle,
                ),
            ) => self.shared_answered(host, *slot, *change, result, body)?,
            (Call::Look(_, section), Ok(())) => self.looked(*section, Some(body))?,
            (Call::Look(_, section), Err(AisError::NotExist)) => self.looked(*section, None)?,
            (Call::Create(..), Err(AisError::Exist)) => {}
            (Call::Passing(session), _) if self.fabric.rng.once_in(2) => {
                let session = SessionId(*session);
                self.sites[host].close(session);
                self.fabric.with(host, |node, now| node.session_closed(now, session));
            }
            (Call::Passing(_) | Call::Other, _)
            // Without quorum; or it cannot be known whether it was done.
            | (_, Err(AisError::TryAgain | AisError::Timeout)) => {}
            _ => return wrong(),
        }
        Ok(())
    }

    pub(super) fn new_caller(&mut self, handle: Option<(ServiceId, u32)>) -> Caller {
        caller(self.fresh(), self.fresh(), handle)
    }

    pub(super) fn ckpt(
        &mut self,
        host: usize,
        request: &ckpt::Request<'_>,
        call: Call,
    ) -> Result<(), String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        for piece in request.data() {
            body.raw(piece);
        }
        // One process works with what lasts; what passes has processes of its own.
        let session = match call {
            Call::Passing(session) => session,
            Call::OpenShared(slot) | Call::Shared(slot, _) | Call::Look(slot, _) => {
                self.session_of(host, slot)
            }
            _ => self.sites[host].session,
        };
        let caller = caller(session, self.fresh(), None);
        self.ask(host, caller, request.code(), &body.into_bytes(), call)
    }

    pub(super) fn ask(
        &mut self,
        host: usize,
        caller: Caller,
        code: Code,
        body: &[u8],
        call: Call,
    ) -> Result<(), String> {
        let id = self.fresh() as u32;
        let now = self.fabric.now;
        self.trace.say(now, || {
            format!("{} is asked {}/{id}: {call:?}", node_of(host), caller.connection.0)
        });
        self.counted.requests += 1;
        self.sites[host].calls.insert((caller.connection, id), (caller.session, call));
        self.enter_call(host, caller.session.0, (caller.connection, id));
        let unread = Unread { caller, id, code, body: body.to_vec(), is_given_up: false };
        if !self.send(host, unread)? {
            self.end_call(host, (caller.connection, id));
            self.sites[host].calls.remove(&(caller.connection, id));
        }
        Ok(())
    }
}

pub(super) fn attributes(retention_duration: i64) -> ckpt::Attributes {
    ckpt::Attributes {
        option: ckpt::UpdateOption::AllReplicas,
        checkpoint_size: 1_000_000,
        retention_duration,
        max_sections: 100,
        max_section_size: 100_000,
        max_section_id_size: 10,
    }
}

pub(super) fn name(text: &str, number: usize) -> Name {
    Name::try_from(format!("{text}{number}").as_str()).unwrap_or_default()
}

fn id_of(host: usize) -> [u8; 4] {
    (host as u32 + 1).to_be_bytes()
}

fn number_of(body: &[u8]) -> Result<u64, String> {
    let reply = ckpt::ReadReply::decode(body).map_err(|error| error.to_string())?;
    let number = reply.pieces().next().and_then(|piece| piece.first_chunk());
    number.map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(|| "a section was cut short".into())
}
