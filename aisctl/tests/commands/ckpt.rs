//! The verbs of `aisctl ckpt`.

use crate::files::{Files, failure, json, sample, text};
use crate::node::Node;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_checkpoint_goes_to_a_file_and_comes_back() {
    let (node, files) = (Node::serving(), Files::new());
    let hour = 3_600_000_000_000;
    let from = files.write("from", &sample(hour).end(3));
    node.shown(&["ckpt", "import", &from]);
    let sections = json(&node, &["ckpt", "sections", "abra"]);
    let shown: Vec<_> = sections["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| (section["id"].as_str().unwrap(), section["bytes"].as_u64().unwrap()))
        .collect();
    assert_eq!(shown, [("", 4), ("one\\x01", 100_000), ("late", 0)]);
    assert_eq!(sections["sections"][1]["expires_ns"], Value::Null);
    assert_eq!(sections["sections"][2]["expires_ns"], json!(i64::MAX - 1));
    assert!(node.shown(&["ckpt", "sections", "abra"]).contains("(default)"));

    let dump = node.shown(&["ckpt", "dump", "abra", "one\\x01"]);
    let lines: Vec<_> = dump.lines().collect();
    assert_eq!(lines.len(), 6, "{dump}");
    assert!(lines[2].starts_with("00010000  69 6e 20") && lines[2].contains("|in the middle...|"));
    assert_eq!((lines[1], lines[4], lines[5]), ("*", "*", "000186a0"));
    let part = node.shown(&["ckpt", "dump", "abra", "", "1", "2"]);
    assert!(part.starts_with("00000001  61 69") && part.ends_with("|ai|\n00000003\n"), "{part}");

    let refs = json(&node, &["ckpt", "refs", "abra"]);
    assert_eq!((&refs["option"], &refs["nodes"]), (&json!("active-replica"), &json!([])));
    let remaining = refs["remaining_ns"].as_i64().unwrap();
    assert!(remaining <= hour && remaining > hour - hour / 10, "{remaining}");

    // Out and in again under another name, and out of that: the same but for
    // names and times.
    let (first, second) = (text(&files.path("first")), text(&files.path("second")));
    node.shown(&["ckpt", "export", "abra", &first]);
    node.shown(&["ckpt", "import", &first, "copy\\x00"]);
    node.shown(&["ckpt", "export", "copy\\x00", &second]);
    let list = json(&node, &["ckpt"]);
    let (one, two) = (&list["checkpoints"][0], &list["checkpoints"][1]);
    assert_eq!((&one["name"], &two["name"]), (&json!("abra"), &json!("copy\\x00")));
    for key in ["sections", "bytes", "retention_ns", "option", "open"] {
        assert_eq!(one[key], two[key], "{key}");
    }
    let sizes = [&first, &second].map(|path| fs::metadata(path).unwrap().len());
    assert_eq!(sizes[0] + 1, sizes[1]);
    assert_eq!(files.names(), ["first", "from", "second"]);
}

#[test]
fn the_processes_of_all_nodes_that_have_it_open_are_named() {
    let [one, two] = Node::two();
    for node in [&one, &two] {
        node.wait_until(|node| node.shown(&["members"]).contains(" 2 members"));
    }
    let (near, far) = (one.hold("held"), two.hold("held"));
    for node in [&one, &two] {
        let refs = json(node, &["ckpt", "refs", "held"]);
        for (of, holder) in [(&one, &near), (&two, &far)] {
            let nodes = refs["nodes"].as_array().unwrap();
            let found = nodes.iter().find(|shown| shown["node"] == json!(of.address.to_string()));
            let found = found.unwrap_or_else(|| panic!("{refs}"));
            assert_eq!(found["opens"], 2);
            assert_eq!(found["processes"][0]["pid"], holder.pid(), "{refs}");
            assert_eq!(found["processes"][0]["opens"], 2);
            assert_eq!(found["processes"][0]["command"].is_string(), of.address == node.address);
        }
    }
    // A program that is killed holds nothing.
    drop(far);
    one.wait_until(|one| {
        json(one, &["ckpt", "refs", "held"])["nodes"].as_array().unwrap().len() == 1
    });
    drop(near);
}

#[test]
fn what_is_not_there_is_named() {
    let (node, files) = (Node::serving(), Files::new());
    for verb in [&["sections", "none"][..], &["refs", "none"], &["dump", "none", ""]] {
        let text = failure(&node, &[&["ckpt"], verb].concat());
        assert_eq!(text, "aisctl: there is no checkpoint \"none\"; there are none\n");
    }
    let target = text(&files.path("target"));
    assert!(failure(&node, &["ckpt", "export", "none", &target]).contains("no checkpoint"));
    assert_eq!(files.names(), Vec::<String>::new());
    let from = files.write("from", &sample(3_600_000_000_000).end(3));
    node.shown(&["ckpt", "import", &from]);
    let text = failure(&node, &["ckpt", "dump", "abra", "two"]);
    assert_eq!(
        text,
        "aisctl: checkpoint \"abra\" has no section \"two\"; it has \"\", \"one\\x01\", \"late\"\n"
    );
    let text = failure(&node, &["ckpt", "refs", "abr\\x1b"]);
    assert_eq!(text, "aisctl: there is no checkpoint \"abr\\x1b\"; there are \"abra\"\n");
    let text = failure(&node, &["ckpt", "dump", "abra", "", "5"]);
    assert_eq!(text, "aisctl: the section has 4 bytes, none at 5\n");
    let output = node.aisctl(&["ckpt", "dump", "abra", "\\q"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn names_are_any_bytes_and_command_no_terminal() {
    let (node, files) = (Node::serving(), Files::new());
    let from = files.write("from", &sample(3_600_000_000_000).end(3));
    let long = "n".repeat(256);
    for (given, shown) in [
        ("a b", "a b"),
        ("tab\tnew\nline", "tab\\tnew\\nline"),
        ("\x1b[2J", "\\x1b[2J"),
        ("h\u{f6}r", "h\\xc3\\xb6r"),
        ("\u{9b}31m", "\\xc2\\x9b31m"),
        ("--json", "--json"),
        (&long, &long),
    ] {
        let said = node.shown(&["ckpt", "import", &from, "--", given]);
        assert!(said.starts_with(&format!("\"{shown}\" is there")), "{said}");
        // The table would say how long ago a section was written, which grows meanwhile.
        let sections = |name: &str| node.shown(&["ckpt", "sections", "--json", "--", name]);
        // As it is shown it can be given back.
        assert_eq!(sections(shown), sections(given));
        assert!(node.shown(&["ckpt"]).contains(shown));
        assert_eq!(
            serde_json::from_str::<Value>(&node.shown(&["ckpt", "refs", "--json", "--", given]))
                .unwrap()["name"],
            shown
        );
    }
    let text = failure(&node, &["ckpt", "refs", "none"]);
    assert!(text.contains("\"\\x1b[2J\", \"--json\", \"a b\"") && !text.contains('\x1b'), "{text}");
    let output = node.aisctl(&["ckpt", "refs", &"n".repeat(257)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("at most 256 bytes"));
}
