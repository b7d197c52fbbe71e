//! Floods of what programs are told and do not look at.

use super::client::{Client, Session, frame, raw_frame};
use super::flood::{Flood, Replies, ckpt_frame, open};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Name, Request, ServiceId, admin, amf, ckpt, clm};

/// Handles of a process that ask on and on.
const ASKING: usize = 200;
/// Handles of a process that each have as much waiting as they may.
const WAITING: usize = 1000;
/// The protection groups of conf/groups.conf.
const GROUPS: [&str; 2] = ["pgA", "pgB"];

/// Handles that begin to track anew and anew.
pub(super) fn tracks(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Clm, ASKING);
    let mut subscription = 0;
    flood.pour(&mut handles, Replies::Read, |out| {
        subscription += 1;
        let flags = TrackFlags::CURRENT | TrackFlags::CHANGES;
        let request = clm::Request::TrackStart { flags, capacity: 128, subscription };
        out.extend(frame(&Request::Clm(request)));
    });
    Ok(())
}

/// The same with protection groups.
pub(super) fn group_tracks(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Amf, ASKING);
    let groups = GROUPS.map(Name::try_from);
    let mut subscription = 0;
    flood.pour(&mut handles, Replies::Read, |out| {
        subscription += 1;
        if let Ok(csi) = &groups[subscription as usize % GROUPS.len()] {
            let flags = TrackFlags::CURRENT | TrackFlags::CHANGES;
            let csi = csi.clone();
            let request = amf::Request::TrackStart { csi, flags, capacity: 128, subscription };
            out.extend(frame(&Request::Amf(request)));
        }
    });
    Ok(())
}

/// Handles that ask for nodes and do not take the answers.
pub(super) fn outcomes(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Clm, WAITING);
    let request = frame(&Request::Clm(clm::Request::NodeGetAsync { node: 0, tag: 1 }));
    flood.pour(&mut handles, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Handles that open checkpoints and do not take the answers.
pub(super) fn opens_to_come(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Ckpt, ASKING);
    let open = open(&flood.name(0), 0)?;
    let request = ckpt_frame(ckpt::Request::OpenAsync { tag: 1, open });
    flood.pour(&mut handles, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Tells of callbacks that there never were.
pub(super) fn dispatched(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let handles = flood.handles(&session, ServiceId::Amf, ASKING);
    let frame = raw_frame(Code::DISPATCHED, b"");
    while flood.goes_on() {
        for handle in &handles {
            flood.tally.add("sent", u64::from(handle.send_event(&frame)));
        }
    }
    Ok(())
}

/// Processes that end while all that they have asked for still waits for the
/// group, each after the other.
pub(super) fn ends(flood: &mut Flood) -> Result<(), AisError> {
    const EACH: u64 = 256;
    while let Some(session) = flood.session() {
        let mut calls = flood.calls(&session, 1);
        let Some(call) = calls.first_mut() else { continue };
        let name = flood.name(0);
        let checkpoint = flood.open(call, &name)?;
        let mut handles = flood.handles(&session, ServiceId::Ckpt, WAITING);
        for handle in &mut handles {
            let sent = handle.send(|out| {
                for tag in 0..EACH as u32 {
                    let request = ckpt::Request::SynchronizeAsync { checkpoint, tag };
                    out.extend(ckpt_frame(request));
                }
            });
            flood.tally.add("sent", if sent == Ok(true) { EACH } else { 0 });
        }
    }
    Ok(())
}

/// Probes that are not read, and messages to all of them.
pub(super) fn probes(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = probing(flood, &session)?;
    let message = vec![b'x'; 60_000];
    let request = admin::Request::ProbeSend { messages: vec![&message] };
    let request = frame(&Request::Admin(request));
    flood.pour(&mut handles, Replies::Read, |out| out.extend(&request));
    Ok(())
}

fn probing(flood: &mut Flood, session: &Session) -> Result<Vec<Client>, AisError> {
    let mut handles = flood.handles(session, ServiceId::Admin, WAITING);
    for handle in &mut handles {
        flood.ask(handle, &Request::Admin(admin::Request::ProbeStart))?;
    }
    Ok(handles)
}

/// Asks who has a checkpoint open, and does not look at what all nodes say.
pub(super) fn openers(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut calls = flood.calls(&session, 8);
    let open = ckpt_frame(ckpt::Request::Open(open("flood opened by all", 0)?));
    flood.pour_until(flood.half(), &mut calls, Replies::Read, |out| out.extend(&open));
    let mut handles = flood.handles(&session, ServiceId::Admin, 20);
    let name = "flood opened by all".try_into().map_err(|_| AisError::NameTooLong)?;
    let request = frame(&Request::Admin(admin::Request::AskOpeners { name }));
    flood.pour(&mut handles, Replies::Read, |out| out.extend(&request));
    Ok(())
}
