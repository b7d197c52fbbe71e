//! What a program may do to its node by an error report.

use crate::client::{Client, frame};
use crate::executive::Site;
use crate::processes::{part, socket};
use ais_proto::amf::{Callbacks, ErrorReport, Recovery, Request};
use ais_proto::{Name, ServiceId, Writer};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

const GROUPS: &str = "group {\nname = g\nunit {\nname = u\ncomponent {\nname = c\n\
    model = x_active\n}\n}\nprotection {\nname = p\nmember = c\n}\n}\n";

fn ask(client: &mut Client, id: u32, request: &Request<'_>) {
    let mut body = Writer::new();
    request.encode(&mut body);
    client.raw(&frame(request.code(), id, &body.into_bytes()));
}

/// Registers, and recommends to stop the node.
#[test]
#[ignore = "a part that another test plays"]
fn part_of_a_component() {
    let Some(socket) = socket() else { return };
    let site = Site::at(&socket);
    let (_anchor, cookie) = Client::session(&site);
    let callbacks = Callbacks::CSI_SET.bits();
    let (mut handle, _events) = Client::handle_with(&site, cookie, ServiceId::Amf, callbacks);
    let component = Name::try_from("c").unwrap();
    let register = Request::Register { component: component.clone(), proxy: None };
    ask(&mut handle, 1, &register);
    assert_eq!(handle.receive().unwrap().result, Ok(()));
    let report = ErrorReport {
        reporting: component.clone(),
        erroneous: component,
        detection_time: 0,
        report_type: 1,
        probable_cause: 5,
        severity: 1,
        recovery: Recovery::NodeFailfast,
        additional: [None; 3],
    };
    ask(&mut handle, 2, &Request::ErrorReport(report));
    // The answer, if this is still there to read it.
    assert_eq!(handle.receive().unwrap().result, Ok(()));
}

/// What becomes of the component, and of the daemon when it is stopped or has
/// stopped.
fn recommend(allow: &str) -> (Option<i32>, Option<i32>, String) {
    let site = Site::new();
    site.write("groups.conf", GROUPS);
    site.set("realtime:no\n", &format!("realtime:no\nallow-node-recovery:{allow}\n"));
    let mut executive = site.start();
    let program = std::env::current_exe().unwrap();
    let mut component = part(&program, "recovery::part_of_a_component", &site);
    let mut component = component.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ended = component.wait().unwrap();
    if allow == "no" {
        executive.await_log("its units are failed over, and no more");
        executive.signal(nix::sys::signal::Signal::SIGTERM);
    }
    let code = executive.wait().code();
    (ended.signal(), code, executive.log())
}

#[test]
fn a_node_is_stopped_where_that_is_allowed() {
    let (signal, code, log) = recommend("yes");
    assert_eq!((signal, code), (Some(9), Some(3)), "{log}");
    assert!(log.contains("is killed"), "{log}");
    assert!(log.contains("as an error report recommended"), "{log}");
}

#[test]
fn a_node_is_not_stopped_where_that_is_not_allowed() {
    let (signal, code, log) = recommend("no");
    assert_eq!((signal, code), (None, Some(0)), "{log}");
}
