//! Messages: what is encoded is decoded.

use super::message::{Cause, Report};
use super::*;
use crate::golden::assert_golden;
use ais_proto::amf::Callbacks;
use ais_wire::{Wire as _, Writer};

const fn registration(number: u64) -> RegistrationId {
    let representative = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));
    RegistrationId { view: crate::ViewId { number: 3, representative }, number }
}

#[test]
fn a_cause_names_what_was_waited_for() {
    let names = [
        (Cause::HealthcheckUnanswered, "healthcheck-timeout"),
        (Cause::HealthcheckRefused, "an error"),
        (Cause::CallbackUnanswered, "callback-timeout"),
        (Cause::QuiesceUnanswered, "quiesce-timeout"),
    ];
    for (cause, words) in names {
        assert!(cause.words().contains(words), "{cause:?}: {}", cause.words());
    }
}

fn all() -> Vec<Message> {
    let name = |text| Name::try_from(text).unwrap();
    let (registration, component) = (registration(4), name("comp_a"));
    let operate = |operation, target| Message::Operate { operation, target };
    vec![
        Message::Register {
            component: component.clone(),
            proxy: Some(name("proxy")),
            callbacks: Callbacks::HEALTHCHECK | Callbacks::PENDING_OPERATION_EXPIRED,
        },
        Message::Unregister { registration, proxy: None },
        Message::HandleGone { registrations: vec![registration, self::registration(5)] },
        Message::Answer { registration, operation: 6, is_ok: true },
        Message::Unanswered { registration, operation: Some(7), cause: Cause::CallbackUnanswered },
        Message::Unanswered { registration, operation: None, cause: Cause::QuiesceUnanswered },
        Message::Unanswered { registration, operation: None, cause: Cause::HealthcheckRefused },
        Message::Unanswered { registration, operation: None, cause: Cause::HealthcheckUnanswered },
        Message::Report(Report {
            reporting: name("comp_b"),
            erroneous: component.clone(),
            recovery: Recovery::NodeFailover,
            probable_cause: 8,
            at: -9,
        }),
        Message::CancelErrors { component },
        Message::Resume,
        operate(Operation::Lock, Target::Group(name("raid"))),
        operate(Operation::Repaired, Target::Node(NodeId::new([10, 0, 0, 1].into()))),
        Message::Drain,
        Message::LetGo { registration },
    ]
}

fn encode(message: &Message) -> Vec<u8> {
    let mut out = Writer::new();
    message.put(&mut out);
    out.into_bytes()
}

#[test]
fn messages_come_back_and_nothing_shorter_does() {
    for message in all() {
        let bytes = encode(&message);
        assert_eq!(Message::take_all(&bytes).as_ref(), Ok(&message));
        for length in 0..bytes.len() {
            assert!(Message::take_all(&bytes[..length]).is_err(), "{message:?}");
        }
        assert!(Message::take_all(&[&bytes[..], &[0]].concat()).is_err(), "{message:?}");
    }
}

#[test]
fn bytes_are_as_they_were() {
    assert_golden("amf", all().iter().map(|message| (format!("{message:?}"), encode(message))));
}
