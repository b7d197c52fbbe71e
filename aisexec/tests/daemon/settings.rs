//! Settings that should be equal at all nodes, and are not.

use crate::executive::{Executive, Site};
use std::net::Ipv4Addr;

fn start(sites: &[Site]) -> Vec<Executive> {
    sites.iter().map(|site| site.spawn(site.command())).collect()
}

#[test]
fn what_differs_is_said_by_both_nodes() {
    let sites = Site::cluster(3, "unicast");
    for (site, quorum) in
        sites.iter().zip(["majority\nexpected-nodes:3", "majority\nexpected-nodes:5", "none"])
    {
        site.set("realtime:no", &format!("realtime:no\nquorum:{quorum}"));
    }
    let all: Vec<Ipv4Addr> = sites.iter().map(|site| site.address).collect();
    let mut nodes = start(&sites);
    for node in &mut nodes {
        node.await_members(&all);
    }
    for (here, there, text) in [
        (0, 1, "has expected-nodes:5, this node has expected-nodes:3"),
        (1, 0, "has expected-nodes:3, this node has expected-nodes:5"),
        (0, 2, "has quorum:none, this node has quorum:majority"),
        (2, 0, "has quorum:majority, this node has quorum:none"),
        (2, 1, "has quorum:majority, this node has quorum:none"),
    ] {
        let text = format!("{} {text}; give all nodes of the cluster the same", all[there]);
        nodes[here].await_log(&text);
    }
    nodes.into_iter().for_each(Executive::stop);
}

#[test]
fn more_nodes_than_are_expected_are_said_each_time_they_change() {
    let sites = Site::cluster(2, "multicast");
    for site in &sites {
        site.set("realtime:no", "realtime:no\nquorum:majority\nexpected-nodes:1");
    }
    let all: Vec<Ipv4Addr> = sites.iter().map(|site| site.address).collect();
    let mut nodes = start(&sites);
    let text = "expected-nodes:1 is less than the 2 nodes that are there";
    for node in &mut nodes {
        node.await_members(&all);
        node.await_log(text);
        assert!(node.log().contains("give `expected-nodes:2` in network.conf"), "{}", node.log());
    }
    let before = nodes[0].log().matches(text).count();
    nodes.remove(1).stop();
    nodes[0].await_members(&all[..1]);
    let mut again = sites[1].spawn(sites[1].command());
    again.await_members(&all);
    nodes[0].await_log_times(text, before + 1);
    again.stop();
    nodes.remove(0).stop();
}

#[test]
fn a_difference_that_keeps_nodes_apart_is_said() {
    let sites = Site::cluster(2, "unicast");
    sites[1].set("realtime:no", "realtime:no\nclustername:other");
    let mut nodes = start(&sites);
    for ((node, site), (stranger, name)) in
        nodes.iter_mut().zip(&sites).zip([(&sites[1], "ais"), (&sites[0], "other")])
    {
        node.await_members(&[site.address]);
        node.await_log(&format!("packets of {} are ignored", stranger.address));
        let member = format!("a line `member:{}`", stranger.address);
        node.await_log(&format!("this node has clustername:{name}, and {member}"));
    }
    nodes.into_iter().for_each(Executive::stop);
}

#[test]
fn a_name_that_two_nodes_have_is_said() {
    let sites = Site::cluster(2, "unicast");
    for site in &sites {
        site.set("realtime:no", "realtime:no\nnodename:same");
    }
    let nodes = start(&sites);
    for (node, other) in nodes.iter().zip([&sites[1], &sites[0]]) {
        node.await_log(&format!("{} has nodename:same, and so has this node", other.address));
    }
    nodes.into_iter().for_each(Executive::stop);
}
