//! Floods of what operators and components ask.

use super::client::{Client, Session, frame};
use super::flood::{Flood, Replies};
use ais_proto::amf::Recovery;
use ais_proto::{AisError, Name, Request, ServiceId, admin, amf, ckpt};

const MIB: usize = 1 << 20;
/// The components of conf/groups.conf.
const COMPONENTS: [&str; 6] = [
    "comp_a_in_su_x",
    "comp_b_in_su_x",
    "comp_a_in_su_y",
    "comp_b_in_su_y",
    "comp_a_in_su_z",
    "comp_b_in_su_z",
];
/// Its group.
const GROUP: &str = "raid";

fn name(text: &str) -> Result<Name, AisError> {
    text.try_into().map_err(|_| AisError::NameTooLong)
}

/// A session with a checkpoint of its own of so many MiB.
fn with_checkpoint(
    flood: &mut Flood,
    sections: u32,
) -> Result<(Session, Client, u32, Name), AisError> {
    let session = flood.session().ok_or(AisError::Timeout)?;
    let mut call = flood.calls(&session, 1).pop().ok_or(AisError::NoResources)?;
    let called = flood.name(0);
    let checkpoint = flood.open(&mut call, &called)?;
    for number in 0..sections {
        write(flood, &mut call, checkpoint, number, b'a')?;
    }
    Ok((session, call, checkpoint, name(&called)?))
}

/// Makes a section of a MiB, or writes it anew.
fn write(
    flood: &mut Flood,
    call: &mut Client,
    checkpoint: u32,
    number: u32,
    byte: u8,
) -> Result<(), AisError> {
    let (id, data) = (number.to_le_bytes(), vec![byte; MIB]);
    let request = if byte == b'a' {
        let expiration = i64::MAX;
        ckpt::Request::SectionCreate { checkpoint, id: Some(&id), expiration, data: &data }
    } else {
        ckpt::Request::Overwrite { checkpoint, id: &id, data: &data }
    };
    flood.ask(call, &Request::Ckpt(request)).map(drop)
}

/// Looks into a checkpoint, and writes all of it anew before the next look, so
/// that each look keeps other bytes.
pub(super) fn looks(flood: &mut Flood) -> Result<(), AisError> {
    const SECTIONS: u32 = 30;
    let (session, mut call, checkpoint, name) = with_checkpoint(flood, SECTIONS)?;
    let mut handles = flood.handles(&session, ServiceId::Admin, 100);
    let (mut byte, mut place) = (b'a', 0);
    while flood.goes_on() {
        place = (place + 1) % handles.len().max(1);
        let handle = handles.get_mut(place).ok_or(AisError::NoResources)?;
        let look = admin::Request::Inspect { name: name.clone() };
        // It may be refused, as there are enough.
        let _ = flood.ask(handle, &Request::Admin(look));
        byte = if byte == b'z' { b'b' } else { byte + 1 };
        for number in 0..SECTIONS {
            write(flood, &mut call, checkpoint, number, byte)?;
        }
    }
    Ok(())
}

/// Has what it looks into sent, and does not take it.
pub(super) fn looks_left(flood: &mut Flood) -> Result<(), AisError> {
    let (session, _call, _, name) = with_checkpoint(flood, 8)?;
    let mut handles = flood.handles(&session, ServiceId::Admin, 400);
    // It may be refused, as there are enough.
    handles.retain_mut(|handle| {
        let look = admin::Request::Inspect { name: name.clone() };
        flood.ask(handle, &Request::Admin(look)).is_ok()
    });
    let mut section = 0;
    flood.pour(&mut handles, Replies::Left, |out| {
        section = (section + 1) % 8;
        let bytes = admin::Request::InspectBytes { section, offset: 0 };
        out.extend(frame(&Request::Admin(bytes)));
        out.extend(frame(&Request::Admin(admin::Request::InspectSections { first: 0 })));
    });
    flood.hold();
    Ok(())
}

/// Watches the views anew and anew, and does not take them.
pub(super) fn watches(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Admin, 200);
    let request = frame(&Request::Admin(admin::Request::Watch));
    flood.pour(&mut handles, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Asks for lists of everything, on and on, among many checkpoints.
pub(super) fn lists(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut calls = flood.calls(&session, 16);
    let (place, mut number) = (flood.place, 0);
    flood.pour_until(flood.half(), &mut calls, Replies::Read, |out| {
        number += 1;
        if let Ok(open) = super::flood::open(&format!("flood {place} {number}"), 0) {
            out.extend(super::flood::ckpt_frame(ckpt::Request::Open(open)));
        }
    });
    let all = [
        admin::Request::Checkpoints { after: None, limit: u32::MAX },
        admin::Request::Components { first: 0, limit: u32::MAX },
        admin::Request::Status,
        admin::Request::Ring,
        admin::Request::AmfNodes,
    ];
    let all = all.map(|request| frame(&Request::Admin(request)));
    let mut requests = all.iter().cycle();
    flood.pour(&mut calls, Replies::Read, |out| out.extend(requests.next().into_iter().flatten()));
    Ok(())
}

/// Registers components, reports errors of them and takes them back, on and on.
pub(super) fn components(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Amf, 20);
    let mut requests = Vec::new();
    for component in COMPONENTS.map(name) {
        let component = component?;
        let report = amf::ErrorReport {
            reporting: component.clone(),
            erroneous: component.clone(),
            detection_time: 0,
            report_type: 1,
            probable_cause: 1,
            severity: 1,
            recovery: Recovery::ComponentRestart,
            additional: [None; 3],
        };
        requests.push(amf::Request::Register { component: component.clone(), proxy: None });
        requests.push(amf::Request::ErrorReport(report));
        requests.push(amf::Request::ReadinessStateGet { component: component.clone() });
        requests.push(amf::Request::ErrorCancelAll { component: component.clone() });
        requests.push(amf::Request::Unregister { component, proxy: None });
    }
    let all: Vec<_> = requests.into_iter().map(|request| frame(&Request::Amf(request))).collect();
    let mut requests = all.iter().cycle();
    flood
        .pour(&mut handles, Replies::Read, |out| out.extend(requests.next().into_iter().flatten()));
    Ok(())
}

/// Locks a group and unlocks it, on and on, so that its units come and go, which
/// every node logs.
pub(super) fn operations(flood: &mut Flood) -> Result<(), AisError> {
    let Some(session) = flood.session() else { return Ok(()) };
    let mut handles = flood.handles(&session, ServiceId::Amf, COMPONENTS.len());
    for (handle, component) in handles.iter_mut().zip(COMPONENTS) {
        let component = name(component)?;
        // The processes of the flood share them.
        let _ = flood.ask(handle, &Request::Amf(amf::Request::Register { component, proxy: None }));
    }
    let mut calls = flood.calls(&session, 16);
    let target = admin::Target::Group(name(GROUP)?);
    let operate = |operation| {
        let target = target.clone();
        frame(&Request::Admin(admin::Request::Operate { operation, target }))
    };
    let both = [admin::Operation::Lock, admin::Operation::Unlock].map(operate);
    let mut requests = both.iter().cycle();
    flood.pour(&mut calls, Replies::Read, |out| out.extend(requests.next().into_iter().flatten()));
    Ok(())
}
