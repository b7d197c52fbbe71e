//! A daemon that is stopped while a component works on its node.

use crate::client::{Client, Events, frame};
use crate::executive::{Executive, Site};
use ais_proto::amf::{Callbacks, Request};
use ais_proto::{Name, ServiceId, Writer};
use nix::sys::signal::Signal;

const GROUPS: &str = "group {\nname = g\nunit {\nname = u\ncomponent {\nname = c\n\
    model = x_active\n}\n}\nprotection {\nname = p\nmember = c\n}\n}\n";

/// Its process, as the daemon sees it.
type Component = (Client, Client, Events);

/// Two nodes, and a component on the first that answers nothing, which waits
/// to be stopped.
fn stopping(transport: &str) -> (Vec<Site>, Vec<Executive>, Component) {
    let sites = Site::cluster(2, transport);
    let all = [sites[0].address, sites[1].address];
    sites.iter().for_each(|site| site.write("groups.conf", GROUPS));
    let mut nodes: Vec<Executive> = sites.iter().map(|site| site.spawn(site.command())).collect();
    for node in &mut nodes {
        node.await_members(&all);
        node.await_log("serving programs on");
    }
    let (anchor, cookie) = Client::session(&sites[0]);
    let callbacks = Callbacks::CSI_SET.bits();
    let (mut handle, events) = Client::handle_with(&sites[0], cookie, ServiceId::Amf, callbacks);
    let mut body = Writer::new();
    let register = Request::Register { component: Name::try_from("c").unwrap(), proxy: None };
    register.encode(&mut body);
    handle.raw(&frame(register.code(), 1, &body.into_bytes()));
    assert_eq!(handle.receive().unwrap().result, Ok(()));
    nodes[0].signal(Signal::SIGTERM);
    nodes[0].await_log("let go of their work");
    nodes[1].await_log(&format!("node {} is about to leave", all[0]));
    (sites, nodes, (anchor, handle, events))
}

/// The first has ended well, and the second is alone.
fn assert_left(sites: &[Site], mut nodes: Vec<Executive>) {
    assert_eq!(nodes[0].wait().code(), Some(0));
    assert!(!nodes[0].log().contains("has not let go"), "{}", nodes[0].log());
    nodes[1].await_members(&[sites[1].address]);
    nodes.remove(1).stop();
}

#[test]
fn it_leaves_when_the_component_has_gone() {
    let (sites, nodes, component) = stopping("multicast");
    drop(component);
    assert_left(&sites, nodes);
}

#[test]
fn a_second_signal_does_not_wait_for_it() {
    let (sites, nodes, component) = stopping("unicast");
    nodes[0].signal(Signal::SIGINT);
    assert_left(&sites, nodes);
    drop(component);
}
