//! Floods of what checkpoints are asked for and keep.

use super::client::{Client, Session};
use super::flood::{Flood, Replies, ckpt_frame, open};
use ais_proto::AisError;
use ais_proto::ckpt::{ReadElement, Request, SectionsChosen};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MIB: usize = 1 << 20;
/// Calls of a session at a time.
const CALLS: usize = 16;

/// A session with a checkpoint of its own; its number.
fn begin(flood: &mut Flood, calls: usize) -> Result<(Session, Vec<Client>, u32), AisError> {
    let session = flood.session().ok_or(AisError::Timeout)?;
    let mut calls = flood.calls(&session, calls);
    let name = flood.name(0);
    let checkpoint = flood.open(calls.first_mut().ok_or(AisError::NoResources)?, &name)?;
    Ok((session, calls, checkpoint))
}

fn create<'a>(checkpoint: u32, id: Option<&'a [u8]>, data: &'a [u8]) -> Request<'a> {
    Request::SectionCreate { checkpoint, id, expiration: i64::MAX, data }
}

/// Writes as large as there may be.
pub(super) fn large_writes(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, 4)?;
    let data = vec![b'x'; 16 * MIB];
    let request = ckpt_frame(Request::Overwrite { checkpoint, id: b"", data: &data });
    flood.pour(&mut calls, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Small writes, many at a time.
pub(super) fn small_writes(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, 2)?;
    let request = ckpt_frame(Request::Overwrite { checkpoint, id: b"", data: &[b'x'; 100] });
    flood.pour(&mut calls, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Reads much, and never takes it.
pub(super) fn replies_left(flood: &mut Flood) -> Result<(), AisError> {
    let mut held = Vec::new();
    let mut all = Vec::new();
    let data = vec![b'x'; 4 * MIB];
    for _ in 0..20 {
        let Ok((session, mut calls, checkpoint)) = begin(flood, CALLS) else { break };
        // It is the same checkpoint for all of them.
        if held.is_empty() {
            let write = Request::Overwrite { checkpoint, id: b"", data: &data };
            flood.ask(&mut calls[0], &ais_proto::Request::Ckpt(write))?;
        }
        let element = ReadElement { id: b"", offset: 0, size: None };
        let read = ckpt_frame(Request::Read { checkpoint, elements: vec![element] });
        held.push(session);
        all.push((calls, read));
    }
    while flood.goes_on() && !all.is_empty() {
        for (calls, read) in &mut all {
            let soon = std::time::Instant::now() + Duration::from_millis(5);
            flood.pour_until(soon, calls, Replies::Left, |out| out.extend(&*read));
        }
        all.retain(|(calls, _)| !calls.is_empty());
    }
    flood.hold();
    Ok(())
}

/// Reads as much as there may be in as many pieces as there may be.
pub(super) fn large_reads(flood: &mut Flood) -> Result<(), AisError> {
    const PIECES: usize = 4096;
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let data = vec![b'x'; 16 * MIB];
    let write = Request::Overwrite { checkpoint, id: b"", data: &data };
    flood.ask(&mut calls[0], &ais_proto::Request::Ckpt(write))?;
    let piece = |place| ReadElement {
        id: b"",
        offset: place * (16 * MIB / PIECES) as u64,
        size: Some((16 * MIB / PIECES) as u32),
    };
    let elements = (0..PIECES as u64).map(piece).collect();
    let read = ckpt_frame(Request::Read { checkpoint, elements });
    flood.pour(&mut calls, Replies::Read, |out| out.extend(&read));
    Ok(())
}

/// Fills checkpoints with sections of nothing but long names.
pub(super) fn long_names(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let mut id = vec![b'x'; ais_proto::ckpt::MAX_SECTION_ID];
    let mut number = 0u64;
    flood.pour(&mut calls, Replies::Read, |out| {
        number += 1;
        id[..8].copy_from_slice(&number.to_le_bytes());
        out.extend(ckpt_frame(create(checkpoint, Some(&id), b"")));
    });
    Ok(())
}

/// Fills checkpoints with large sections, until there is no room and beyond.
pub(super) fn large_sections(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let data = vec![b'x'; MIB];
    let request = ckpt_frame(create(checkpoint, None, &data));
    flood.pour(&mut calls, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// The same with small ones.
pub(super) fn small_sections(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let request = ckpt_frame(create(checkpoint, None, b"x"));
    flood.pour(&mut calls, Replies::Read, |out| out.extend(&request));
    Ok(())
}

/// Sections that are made and deleted with all their memory, again and again.
pub(super) fn made_and_deleted(flood: &mut Flood) -> Result<(), AisError> {
    while flood.goes_on() {
        let Ok((_session, mut calls, checkpoint)) = begin(flood, CALLS) else { break };
        let request = ckpt_frame(create(checkpoint, None, b"x"));
        let end = flood.half().min(std::time::Instant::now() + Duration::from_secs(1));
        flood.pour_until(end, &mut calls, Replies::Read, |out| out.extend(&request));
    }
    Ok(())
}

/// Sections that all expire at one time, before the flood is over.
pub(super) fn expirations(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let rest = flood.half().saturating_duration_since(std::time::Instant::now());
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = (since_epoch + rest + rest / 2).as_nanos();
    let expiration = i64::try_from(at).map_err(|_| AisError::InvalidParam)?;
    let request =
        ckpt_frame(Request::SectionCreate { checkpoint, id: None, expiration, data: b"x" });
    flood.pour_until(flood.half(), &mut calls, Replies::Read, |out| out.extend(&request));
    flood.hold();
    Ok(())
}

/// Checkpoints as many as there may be, all closed at once, which stay for so
/// long after that.
fn checkpoints_for(flood: &mut Flood, retention: Duration, each: Duration) -> Result<(), AisError> {
    let retention = i64::try_from(retention.as_nanos()).map_err(|_| AisError::InvalidParam)?;
    let mut number = 0;
    while let Some(session) = flood.session() {
        let mut calls = flood.calls(&session, CALLS);
        let names = flood.place;
        let end = flood.end.min(std::time::Instant::now() + each);
        flood.pour_until(end, &mut calls, Replies::Read, |out| {
            number += 1;
            if let Ok(open) = open(&format!("flood {names} {number}"), retention) {
                out.extend(ckpt_frame(Request::Open(open)));
            }
        });
    }
    Ok(())
}

/// Checkpoints as many as there may be, until the end.
pub(super) fn many_checkpoints(flood: &mut Flood) -> Result<(), AisError> {
    checkpoints_for(flood, Duration::ZERO, Duration::MAX / 4)
}

/// Checkpoints that are closed many at a time and deleted all at once, when
/// they have been closed for a while.
pub(super) fn retentions(flood: &mut Flood) -> Result<(), AisError> {
    checkpoints_for(flood, Duration::from_secs(1), Duration::from_millis(700))
}

/// How long checkpoints stay, set again and again.
pub(super) fn retention_changes(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let mut duration = 0;
    flood.pour(&mut calls, Replies::Read, |out| {
        duration += 1;
        out.extend(ckpt_frame(Request::RetentionDurationSet { checkpoint, duration }));
    });
    Ok(())
}

/// Looks through many sections for such as there are none.
pub(super) fn iteration(flood: &mut Flood) -> Result<(), AisError> {
    let (_session, mut calls, checkpoint) = begin(flood, CALLS)?;
    let request = ckpt_frame(create(checkpoint, None, b"x"));
    flood.pour_until(flood.half(), &mut calls, Replies::Read, |out| out.extend(&request));
    let all = [SectionsChosen::LeqExpirationTime, SectionsChosen::Corrupted, SectionsChosen::Any];
    let mut chosen = all.into_iter().cycle();
    flood.pour(&mut calls, Replies::Read, |out| {
        let chosen = chosen.next().unwrap_or(SectionsChosen::Any);
        let (expiration, cursor) = (1 << 40, u64::MAX);
        out.extend(ckpt_frame(Request::IteratorNext { checkpoint, chosen, expiration, cursor }));
    });
    Ok(())
}
