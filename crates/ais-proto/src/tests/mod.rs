//! Requests and events survive the way, and nothing shorter does.

pub(crate) mod golden;
mod page;

use crate::track::TrackFlags;
use crate::*;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn body(head: impl FnOnce(&mut Writer), data: &[&[u8]]) -> Vec<u8> {
    let mut out = Writer::new();
    head(&mut out);
    for piece in data {
        out.raw(piece);
    }
    out.into_bytes()
}

fn requests() -> Vec<(Request<'static>, Code, Vec<u8>)> {
    let mut all = Vec::new();
    let attributes = ckpt::Attributes {
        option: ckpt::UpdateOption::AllReplicas,
        checkpoint_size: 100_000,
        retention_duration: i64::MAX,
        max_sections: 5,
        max_section_size: 20_000,
        max_section_id_size: 10,
    };
    let open = ckpt::Open {
        name: name("abra\0"),
        attributes: Some(attributes),
        flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
    };
    for request in [
        ckpt::Request::Open(open.clone()),
        ckpt::Request::OpenAsync { tag: 9, open },
        ckpt::Request::Unlink { name: name("abra") },
        ckpt::Request::IteratorStart { checkpoint: 1 },
        ckpt::Request::IteratorNext {
            checkpoint: 1,
            chosen: ckpt::SectionsChosen::Any,
            expiration: -1,
            cursor: 8,
        },
        ckpt::Request::SectionCreate { checkpoint: 3, id: None, expiration: 4, data: b"initial" },
        ckpt::Request::Write {
            checkpoint: 3,
            elements: vec![
                ckpt::WriteElement { id: b"one", offset: 7, data: b"1111" },
                ckpt::WriteElement { id: b"", offset: 0, data: b"" },
            ],
        },
        ckpt::Request::Overwrite { checkpoint: 3, id: b"one", data: b"11" },
        ckpt::Request::Read {
            checkpoint: 3,
            elements: vec![ckpt::ReadElement { id: b"one", offset: 7, size: Some(5) }],
        },
    ] {
        let bytes = body(|out| request.encode(out), &request.data().collect::<Vec<_>>());
        all.push((Request::Ckpt(request.clone()), request.code(), bytes));
    }
    for request in [
        amf::Request::Register { component: name("c"), proxy: Some(name("p")) },
        amf::Request::ComponentNameGet,
        amf::Request::HaStateGet { component: name("c"), csi: name("pg") },
        amf::Request::TrackStart {
            csi: name("pg"),
            flags: TrackFlags::CURRENT,
            capacity: 64,
            subscription: 2,
        },
        amf::Request::ErrorReport(amf::ErrorReport {
            reporting: name("c"),
            erroneous: name("d"),
            detection_time: 0,
            report_type: 0,
            probable_cause: 5,
            severity: 0,
            recovery: amf::Recovery::NoRecommendation,
            additional: [None, Some(b"text"), None],
        }),
        amf::Request::Response { invocation: 5, result: Err(AisError::FailedOperation) },
    ] {
        let bytes = body(|out| request.encode(out), &[]);
        all.push((Request::Amf(request.clone()), request.code(), bytes));
    }
    for request in [
        clm::Request::TrackStart { flags: TrackFlags::CHANGES, capacity: 1, subscription: 1 },
        clm::Request::TrackStop,
        clm::Request::NodeGetAsync { node: u64::MAX, tag: 3 },
    ] {
        let bytes = body(|out| request.encode(out), &[]);
        all.push((Request::Clm(request), request.code(), bytes));
    }
    all
}

#[test]
fn requests_round_trip() {
    for (request, code, bytes) in requests() {
        assert_eq!(Request::decode(code, &bytes), Ok(request));
    }
}

/// Every request but those that end in data of any length is given up when it
/// is cut short.
#[test]
fn short_requests_are_refused_or_shorter() {
    for (request, code, bytes) in requests() {
        for length in 0..bytes.len() {
            assert_ne!(Request::decode(code, &bytes[..length]), Ok(request.clone()));
        }
    }
}

#[test]
fn events_round_trip() {
    let node = clm::Node {
        id: 7,
        address: [127, 0, 0, 1],
        name: name("127.0.0.1"),
        cluster: name("ais"),
        member: true,
        boot_timestamp: 5,
    };
    for event in [
        clm::Event::Track {
            subscription: 1,
            view: 4,
            members: 1,
            items: vec![(node.clone(), clm::Change::Joined)],
        },
        clm::Event::NodeGet { tag: 3, result: Ok(node) },
        clm::Event::NodeGet { tag: 3, result: Err(AisError::InvalidParam) },
    ] {
        assert_eq!(Event::decode(event.code(), &event.encode()), Ok(event.into()));
    }
    for event in [
        ckpt::Event::Open { tag: 1, result: Ok(7) },
        ckpt::Event::Open { tag: 1, result: Err(AisError::NotExist) },
        ckpt::Event::Synchronize { tag: 1, result: Ok(()) },
    ] {
        assert_eq!(Event::decode(event.code(), &event.encode()), Ok(event.into()));
    }
    for event in [
        amf::Event::CsiSet {
            invocation: 4,
            component: name("c"),
            csi: name("pg"),
            flags: amf::CSI_ALL_INSTANCES,
            state: amf::HaState::Active,
            active: name(""),
            transition: amf::Transition::NewAssign,
        },
        amf::Event::PendingOperationExpired { component: name("c"), flags: 1 },
        amf::Event::ProtectionGroupTrack {
            subscription: 1,
            csi: name("pg"),
            members: 2,
            items: vec![amf::Member {
                component: name("c"),
                readiness: amf::Readiness::InService,
                ha_state: amf::HaState::Standby,
                change: amf::ProtectionGroupChange::NoChange,
            }],
        },
    ] {
        assert_eq!(Event::decode(event.code(), &event.encode()), Ok(event.into()));
    }
}

#[test]
fn the_strongest_of_the_update_options_counts() {
    use crate::ckpt::UpdateOption::{ActiveReplica, ActiveReplicaWeak, AllReplicas};
    let expected = [
        AllReplicas,
        AllReplicas,
        ActiveReplica,
        AllReplicas,
        ActiveReplicaWeak,
        AllReplicas,
        ActiveReplica,
        AllReplicas,
    ];
    for (flags, option) in (0..).zip(expected) {
        assert_eq!(crate::ckpt::UpdateOption::strongest(flags), Some(option));
    }
    for flags in [8, 9, 16, 1 << 32, u64::MAX] {
        assert_eq!(crate::ckpt::UpdateOption::strongest(flags), None);
    }
}

#[test]
fn times_that_programs_of_2004_give_for_no_end_are_never() {
    use crate::ckpt::deadline;
    for never in [0, 1, 0xffff_ffff, i64::MAX] {
        assert_eq!(deadline(never), None);
    }
    for at in [i64::MIN, -1, 0x1_0000_0000, i64::MAX - 1] {
        assert_eq!(deadline(at), Some(at));
    }
}
