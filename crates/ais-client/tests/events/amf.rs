//! AMF: what is asked of components, and protection groups.

use super::clm::handles;
use ais_client::amf::{self, Amf, Callbacks, Event, HaState, Healthcheck, Question, Transition};
use ais_client::dispatch::{Flags, Step, Turn};
use ais_client::{AisError, Name, TrackFlags};
use ais_fake::{Daemon, Peer, in_own_process};
use ais_proto::{Code, Kind, Request, amf as wire};
use std::sync::Mutex;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn send(peer: &Peer, event: &wire::Event) {
    peer.event(event.code(), &event.encode());
}

fn heartbeat(invocation: i32) -> Question {
    Question::Healthcheck { invocation, component: name("comp"), kind: Healthcheck::Heartbeat }
}

fn activation(invocation: i32) -> Question {
    Question::CsiSet {
        invocation,
        component: name("comp"),
        csi: name("csi"),
        flags: wire::CSI_ADD_NEW_INSTANCE,
        state: HaState::Active,
        active: Name::default(),
        transition: Transition::NewAssign,
    }
}

fn expiry() -> Question {
    Question::PendingOperationExpired { component: name("comp"), flags: wire::PENDING_SHUTDOWN }
}

/// What one dispatch of all that is pending tells, subscriptions by words.
fn told(amf: &Amf<&'static str>) -> Vec<(&'static str, Question)> {
    let (mut turn, mut all) = (Turn::new(Flags::All), Vec::new());
    let tell = |event: Event<'_, &'static str>| match event {
        Event::Asked(question) => ("asked", question),
        Event::Track(to, amf::Tracked { csi, members, items }) => {
            (*to, Question::ProtectionGroupTrack { subscription: 0, csi, members, items })
        }
    };
    while let Step::Call(event) = amf.step(&mut turn, tell).unwrap() {
        all.push(event);
    }
    all
}

/// What the program answered, in order.
static ANSWERED: Mutex<Vec<(i32, Result<(), AisError>)>> = Mutex::new(Vec::new());

#[test]
fn questions_reach_the_program_and_answers_the_executive() {
    const NAME: &str = "amf::questions_reach_the_program_and_answers_the_executive";
    in_own_process(NAME, &[("SA_AMF_COMPONENT_NAME", "comp")], || {
        let daemon = Daemon::start(|peer, id, request| match request {
            Request::Amf(wire::Request::ComponentNameGet) => {
                peer.reply_with(AisError::NotExist as u16, id, b"");
            }
            Request::Amf(wire::Request::Register { component, proxy: None }) => {
                assert_eq!(component, name("comp"));
                for question in [activation(-5), expiry(), heartbeat(6)] {
                    send(peer, &question);
                }
                peer.reply(id, b"");
            }
            Request::Amf(wire::Request::Response { invocation, result }) => {
                ANSWERED.lock().unwrap().push((invocation, result));
                peer.reply(id, b"");
            }
            request => panic!("not expected: {request:?}"),
        });
        let callbacks = Callbacks::CSI_SET | Callbacks::HEALTHCHECK;
        let amf = Amf::open(callbacks).unwrap();
        amf.register(amf.component_name().unwrap(), None).unwrap();
        let asked = told(&amf);
        let expected = [activation(-5), expiry(), heartbeat(6)].map(|event| ("asked", event));
        assert_eq!(asked, expected);
        for (_, question) in &asked {
            let result = match question {
                Question::CsiSet { .. } => Ok(()),
                _ => Err(AisError::FailedOperation),
            };
            if let Some(invocation) = question.invocation() {
                amf::respond(invocation, result).unwrap();
            }
        }
        let answers = [(-5, Ok(())), (6, Err(AisError::FailedOperation))];
        assert_eq!(*ANSWERED.lock().unwrap(), answers);
        // The executive hears of what the program has now, if it is to be answered.
        let peer = handles(&daemon).remove(0);
        let Kind::Handle { callbacks: bits, .. } = peer.kind else { panic!("{peer:?}") };
        assert_eq!(bits, callbacks.bits());
        for invocation in [-5, 6] {
            let heard = peer.hear();
            assert_eq!((heard.code, heard.id.cast_signed()), (Code::DISPATCHED, invocation));
        }
    });
}

#[test]
fn protection_groups_are_told_each_to_its_subscription() {
    in_own_process("amf::protection_groups_are_told_each_to_its_subscription", &[], || {
        let daemon = Daemon::start(|peer, id, _| peer.reply(id, b""));
        let amf = Amf::open(Callbacks::PROTECTION_GROUP_TRACK | Callbacks::HEALTHCHECK).unwrap();
        for (csi, to) in [("web", "of web"), ("mail", "of mail")] {
            amf.track_start(&name(csi), TrackFlags::CHANGES, 8, to).unwrap();
        }
        let peer = handles(&daemon).remove(0);
        let group = |subscription, csi| Question::ProtectionGroupTrack {
            subscription,
            csi: name(csi),
            members: 1,
            items: vec![amf::Member {
                component: name("comp"),
                readiness: amf::Readiness::InService,
                ha_state: HaState::Active,
                change: amf::ProtectionGroupChange::Added,
            }],
        };
        for (subscription, csi) in [(2, "mail"), (1, "web")] {
            send(&peer, &group(subscription, csi));
        }
        assert_eq!(told(&amf), [("of mail", group(0, "mail")), ("of web", group(0, "web"))]);
        amf.track_stop(&name("mail")).unwrap();
        for (subscription, csi) in [(2, "mail"), (1, "web")] {
            send(&peer, &group(subscription, csi));
        }
        send(&peer, &heartbeat(9));
        assert_eq!(told(&amf), [("of web", group(0, "web")), ("asked", heartbeat(9))]);
        // Nothing is said of groups, as they are not answered.
        assert_eq!(peer.hear().id, 9);
    });
}
