//! The commands that show something.

use crate::node::Node;
use serde_json::{Value, json};

fn json(node: &Node, command: &str) -> Value {
    serde_json::from_str(&node.shown(&[command, "--json"])).unwrap()
}

#[test]
fn a_node_alone_is_well() {
    let node = Node::serving();
    let address = node.address.to_string();
    let text = node.shown(&["status"]);
    let first = text.lines().next().unwrap();
    assert_eq!(first, format!("node {address} ({address}) is well: it serves, alone"));
    let status = json(&node, "status");
    for (key, value) in [
        ("node", json!(address)),
        ("healthy", json!(true)),
        ("state", json!("serving")),
        ("members", json!(1)),
        ("quorum", json!(true)),
        ("lead", json!(address)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("clients", json!({ "processes": 0, "clm": 0, "amf": 0, "ckpt": 0, "other": [] })),
    ] {
        assert_eq!(status[key], value, "{key}");
    }
    assert!(status["uptime_ns"].as_u64().unwrap() > 0);
    assert_eq!(status["view"]["representative"], json!(address));
}

#[test]
fn all_else_is_shown_for_people_and_as_json() {
    let node = Node::serving();
    let address = node.address.to_string();
    let shown = node.shown(&["members"]);
    assert!(shown.contains(&format!("* {address}")) && shown.ends_with(" UTC\n"), "{shown}");
    let members = json(&node, "members");
    assert_eq!(members["members"][0]["address"], json!(address));
    assert_eq!(members["members"][0]["local"], json!(true));
    assert_eq!(node.shown(&["ckpt"]), "there are no checkpoints\n");
    assert_eq!(json(&node, "ckpt"), json!({ "checkpoints": [] }));
    let amf = node.shown(&["amf"]);
    assert!(amf.starts_with("group raid, "), "{amf}");
    assert!(amf.contains("  unit raidA, out-of-service\n    comp_a_in_su_x: not registered\n"));
    let unit = &json(&node, "amf")["groups"][0]["units"][2];
    assert_eq!((&unit["name"], &unit["phase"]), (&json!("raidC"), &json!("out-of-service")));
    let ring = json(&node, "ring");
    for key in ["network", "state", "view", "members", "why", "counters"] {
        assert!(ring.get(key).is_some(), "{key}");
    }
    assert!(!node.shown(&["ring"]).is_empty());
}

#[test]
fn an_operator_has_something_done() {
    let node = Node::serving();
    let address = node.address.to_string();
    let said = node.shown(&["amf", "lock", "unit", "raidA"]);
    assert_eq!(said, "unit raidA is locked\n");
    let said = node.shown(&["amf", "shutdown", "node", &address]);
    assert_eq!(said, format!("node {address} is shut down\n"));
    let amf = node.shown(&["amf"]);
    let line = "unit raidA, out-of-service, locked (it is locked by an operator)\n";
    assert!(amf.contains(line), "{amf}");
    assert!(amf.ends_with(&format!("node {address}, shut-down\n")), "{amf}");
    let nodes = &json(&node, "amf")["nodes"];
    let expected = json!([{ "node": address, "admin": "shut-down", "fault": null }]);
    assert_eq!(*nodes, expected);
    // By its name, which is its address as there is no other.
    let done: Value =
        serde_json::from_str(&node.shown(&["amf", "unlock", "node", &address, "--json"])).unwrap();
    let words = format!("node {address} is unlocked");
    assert_eq!(done, json!({ "accepted": true, "words": words }));
    for (arguments, words) in [
        (["amf", "lock", "unit", "raidA"], "unit raidA is locked already"),
        (
            ["amf", "lock", "unit", "raidX"],
            "there is no unit raidX in groups.conf; there are raidA, raidB, raidC",
        ),
        (
            ["amf", "lock", "group", "raid\\x1b"],
            "there is no group raid\\x1b in groups.conf; there are raid",
        ),
        (["amf", "switch-over", "group", "raid"], "group raid is not active"),
        (
            ["amf", "lock", "node", "10.254.254.254"],
            &format!(
                "node 10.254.254.254 is no member of the cluster; there are {address} ({address})"
            ),
        ),
        (
            ["amf", "lock", "node", "nobody"],
            &format!("no member of the cluster is called nobody; there are {address} ({address})"),
        ),
    ] {
        let output = node.aisctl(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("aisctl: {words}\n"));
    }
}

#[test]
fn who_is_missing_is_named() {
    let node = Node::new();
    let (own, other) = (node.address, "127.0.250.250");
    let lines = format!("transport:unicast\nmember:{own}\nmember:{other}\n");
    let node = node.serves_with(&lines);
    let output = node.aisctl(&["status"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    let expected = format!("serves, but nodes are missing: it sees 1 of 2; missing: {other}");
    assert!(first.ends_with(&expected), "{first}");
    let output = node.aisctl(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&status["healthy"], output.status.code()), (&json!(false), Some(0)));
    assert_eq!(status["configured"], json!([other, own.to_string()]));
    assert_eq!(status["missing"], json!([other]));
    let members = node.shown(&["members"]);
    let last = format!("missing (member: in network.conf): {other}\n");
    assert!(members.ends_with(&last), "{members}");
    assert_eq!(json(&node, "members")["missing"], json!([other]));
}

#[test]
fn what_nodes_have_different_is_a_problem_of_both() {
    let [one, two] = Node::two_with(["quorum:majority\nexpected-nodes:2\n", ""]);
    for (node, other, theirs, own) in
        [(&one, &two, "none", "majority"), (&two, &one, "majority", "none")]
    {
        let what = format!("{} has quorum:{theirs}, this node has quorum:{own}", other.address);
        node.wait_until(|node| {
            json(node, "status")["problems"].as_array().is_some_and(|list| list.len() == 1)
        });
        let status = json(node, "status");
        assert_eq!(status["problems"][0]["what"], json!(what));
        assert_eq!(status["problems"][0]["node"], json!(other.address.to_string()));
        assert_eq!(status["healthy"], json!(false));
        let output = node.aisctl(&["status"]);
        assert_eq!(output.status.code(), Some(0), "programs are served: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.ends_with(&format!("serves, but {what}")), "{first}");
        let line = format!("problem: {what}; give all nodes of the cluster the same");
        assert!(text.lines().any(|of_text| of_text == line), "{text}");
    }
}

#[test]
fn every_counter_is_explained() {
    let node = Node::serving();
    let page = include_str!("../../../docs/RING.md");
    let counters = json(&node, "ring")["counters"].as_object().unwrap().clone();
    assert!(counters.len() > 40, "{counters:?}");
    assert!(counters.contains_key("steps-longest-us"), "{counters:?}");
    let explained: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, _)| name)
        .collect();
    for counter in counters.keys() {
        let times = explained.iter().filter(|name| *name == counter).count();
        assert_eq!(times, 1, "{counter} is not in a table of docs/RING.md once");
    }
}
