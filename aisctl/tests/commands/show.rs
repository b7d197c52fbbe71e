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
fn a_node_without_an_executive_is_not_reached() {
    let node = Node::new();
    for arguments in [&["status"][..], &["amf", "--json"], &["bench", "lat", "64", "1"]] {
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
    for arguments in
        [&[][..], &["stat"], &["bench"], &["bench", "tput", "64"], &["bench", "--json"]]
    {
        let output = node.aisctl(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("Usage: aisctl"));
    }
    assert!(node.shown(&["--help"]).contains("aisctl bench"));
    assert!(node.shown(&["--version"]).starts_with("aisctl "));
}
