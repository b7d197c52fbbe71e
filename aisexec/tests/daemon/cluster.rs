//! Several daemons on loopback.

use crate::client::assert_serves;
use crate::executive::{Executive, Site};
use nix::sys::signal::Signal;
use std::net::Ipv4Addr;

/// Three nodes meet; one is killed, comes back, and another leaves.
fn live(transport: &str) {
    let sites = Site::cluster(3, transport);
    let all: Vec<Ipv4Addr> = sites.iter().map(|site| site.address).collect();
    let mut nodes: Vec<Executive> = sites.iter().map(|site| site.spawn(site.command())).collect();
    for node in &mut nodes {
        node.await_members(&all);
        node.await_log("serving programs on");
    }
    sites.iter().for_each(assert_serves);

    let mut killed = nodes.remove(2);
    killed.signal(Signal::SIGKILL);
    killed.wait();
    for node in &mut nodes {
        node.await_members(&all[..2]);
    }

    nodes.push(sites[2].spawn(sites[2].command()));
    for node in &mut nodes {
        node.await_members(&all);
    }
    nodes[2].await_log("serving programs on");
    assert_serves(&sites[2]);

    nodes.remove(1).stop();
    for node in &mut nodes {
        node.await_members(&[all[0], all[2]]);
    }
    nodes.remove(0).stop();
    nodes[0].await_members(&all[2..]);
    assert_serves(&sites[2]);
    nodes.remove(0).stop();
}

#[test]
fn three_nodes_live_with_multicast() {
    live("multicast");
}

#[test]
fn three_nodes_live_with_unicast() {
    live("unicast");
}

#[test]
fn clusters_with_different_names_do_not_meet() {
    let sites = Site::cluster(4, "multicast");
    for site in &sites[2..] {
        site.set("realtime:no\n", "realtime:no\nclustername:other\n");
    }
    let all: Vec<Ipv4Addr> = sites.iter().map(|site| site.address).collect();
    let mut nodes: Vec<Executive> = sites.iter().map(|site| site.spawn(site.command())).collect();
    for (node, members) in nodes.iter_mut().zip([&all[..2], &all[..2], &all[2..], &all[2..]]) {
        node.await_members(members);
    }
    // What they saw on the way were parts of their own clusters.
    for (node, strangers) in nodes.iter().zip([&all[2..], &all[2..], &all[..2], &all[..2]]) {
        let met = strangers.iter().any(|stranger| node.said.contains(&format!("\t{stranger}\n")));
        assert!(!met, "{}", node.said);
    }
    nodes.into_iter().for_each(Executive::stop);
}
