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
        ("clients", json!({ "processes": 0, "clm": 0, "amf": 0, "ckpt": 0 })),
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
    assert!(node.shown(&["members"]).contains(&format!("* {address}")));
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
        (["amf", "lock", "unit", "raidX"], "there is no unit raidX in groups.conf"),
        (["amf", "switch-over", "group", "raid"], "group raid is not active"),
        (
            ["amf", "lock", "node", "nobody"],
            "no member of the cluster is called nobody; give a \
          nodename or an address of aisctl members",
        ),
    ] {
        let output = node.aisctl(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("aisctl: {words}\n"));
    }
}

#[test]
fn a_node_without_an_executive_is_not_reached() {
    let node = Node::new();
    for arguments in [
        &["status"][..],
        &["amf", "--json"],
        &["amf", "lock", "group", "raid"],
        &["bench", "lat", "64", "1"],
    ] {
        let output = node.aisctl(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("aisctl: there is no aisexec on this node"), "{text}");
    }
}

#[test]
fn wrong_usage_is_told() {
    let node = Node::new();
    for arguments in [
        &[][..],
        &["stat"],
        &["amf", "lock"],
        &["amf", "look", "unit", "raidA"],
        &["amf", "lock", "unit", "raidA", "raidB"],
        &["bench"],
        &["bench", "tput", "64"],
        &["bench", "--json"],
    ] {
        let output = node.aisctl(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: aisctl"));
    }
    assert!(node.shown(&["--help"]).contains("aisctl bench"));
    assert!(node.shown(&["--version"]).starts_with("aisctl "));
}
