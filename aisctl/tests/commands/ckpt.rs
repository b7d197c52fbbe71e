//! The verbs of `aisctl ckpt`. The files are written here as
//! docs/CHECKPOINT-FILE.md says, by nothing that aisctl has.

use crate::node::Node;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file in the making.
#[derive(Clone)]
struct Written(Vec<u8>);

impl Written {
    fn new(name: &str, retention: i64) -> Self {
        let mut file = Self(b"AISCKPT\0\x01\0\0\0".to_vec());
        let mut body = Vec::new();
        body.extend((name.len() as u16).to_le_bytes());
        body.extend(name.as_bytes());
        // ACTIVE_REPLICA, checkpointSize, retentionDuration, maxSections,
        // maxSectionSize, maxSectionIdSize, not colocated; time and node.
        body.push(2);
        body.extend(20_000_u32.to_le_bytes());
        body.extend(retention.to_le_bytes());
        body.extend(5_u64.to_le_bytes());
        body.extend(20_000_u32.to_le_bytes());
        body.extend(10_u64.to_le_bytes());
        body.push(0);
        body.extend(0_i64.to_le_bytes());
        body.extend([127, 0, 0, 1]);
        file.record(1, &body);
        file
    }

    fn record(&mut self, kind: u8, body: &[u8]) {
        self.0.push(kind);
        self.0.extend((body.len() as u32).to_le_bytes());
        self.0.extend(body);
    }

    fn section(&mut self, number: u64, id: &[u8], expiration: i64, size: u32) {
        let mut body = number.to_le_bytes().to_vec();
        body.extend((id.len() as u32).to_le_bytes());
        body.extend(id);
        body.extend(expiration.to_le_bytes());
        body.extend(0_i64.to_le_bytes());
        body.extend(size.to_le_bytes());
        self.record(2, &body);
    }

    fn bytes(&mut self, offset: u32, bytes: &[u8]) {
        let mut body = offset.to_le_bytes().to_vec();
        body.extend(bytes);
        self.record(3, &body);
    }

    fn end(mut self, sections: u64) -> Vec<u8> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.0);
        let mut body = sections.to_le_bytes().to_vec();
        body.extend(crc.finalize().to_le_bytes());
        self.record(4, &body);
        self.0
    }
}

/// "abra" with three sections, one of them mostly a hole.
fn sample(retention: i64) -> Written {
    let mut file = Written::new("abra", retention);
    file.section(0, b"", i64::MAX, 4);
    file.bytes(0, b"main");
    file.section(3, b"one\x01", 0xffff_ffff, 100_000);
    file.bytes(65_536, b"in the middle");
    file.section(4, b"late", i64::MAX - 1, 0);
    file
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        text(&self.path(name))
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().into()
}

fn json(node: &Node, arguments: &[&str]) -> Value {
    serde_json::from_str(&node.shown(&[arguments, &["--json"]].concat())).unwrap()
}

/// What aisctl says when it fails.
fn failure(node: &Node, arguments: &[&str]) -> String {
    let output = node.aisctl(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

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
    assert!(!files.path("first.part").exists());
}

#[test]
fn a_checkpoint_that_is_imported_takes_no_place() {
    let (node, files) = (Node::serving(), Files::new());
    let from = files.write("from", &sample(0).end(3));
    let text = failure(&node, &["ckpt", "import", &from]);
    assert!(text.contains("give --retention SECONDS"), "{text}");
    node.shown(&["ckpt", "import", &from, "--retention", "3600"]);
    assert_eq!(
        json(&node, &["ckpt"])["checkpoints"][0]["retention_ns"],
        json!(3_600_000_000_000_i64)
    );
    let text = failure(&node, &["ckpt", "import", &from, "--retention", "1"]);
    assert!(text.contains("there is a checkpoint \"abra\" already"), "{text}");
}

#[test]
fn a_file_that_is_wrong_makes_nothing() {
    let (node, files) = (Node::serving(), Files::new());
    let good = sample(1_000_000_000).end(3);
    let mut wrong = sample(1_000_000_000);
    wrong.bytes(0, b"too much");
    let place = wrong.0.len() - 5 - 4 - b"too much".len();
    let wrong = files.write("wrong", &wrong.end(3));
    let said = failure(&node, &["ckpt", "import", &wrong]);
    let expected = format!("aisctl: {wrong}: byte {place}: bytes 0 to 8 of a section that has 0");
    assert!(said.starts_with(&expected), "{said}");
    let cut = files.write("cut", &good[..good.len() - 1]);
    assert!(failure(&node, &["ckpt", "import", &cut]).contains("ends before its last record"));
    let other = files.write("other", b"#!/bin/sh\nexit 0\n");
    assert!(failure(&node, &["ckpt", "import", &other]).contains("no exported checkpoint"));
    let missing = text(&files.path("missing"));
    assert!(failure(&node, &["ckpt", "import", &missing]).contains("No such file"));
    assert_eq!(node.shown(&["ckpt"]), "there are no checkpoints\n");
    // What the executive has no room for is taken away again.
    let mut large = Written::new("large", 3_600_000_000_000);
    large.section(0, b"", i64::MAX, 0);
    for number in 1..10 {
        large.section(number, &number.to_le_bytes(), i64::MAX, i32::MAX as u32);
    }
    let large = files.write("large", &large.end(10));
    let small = Node::serving_with("checkpoint-memory:1m\n");
    let text = failure(&small, &["ckpt", "import", &large]);
    assert!(text.contains("SA_ERR_NO_SPACE"), "{text}");
    assert_eq!(small.shown(&["ckpt"]), "there are no checkpoints\n");
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
        assert_eq!(text, "aisctl: there is no checkpoint \"none\"\n");
    }
    let target = text(&files.path("target"));
    assert!(failure(&node, &["ckpt", "export", "none", &target]).contains("no checkpoint"));
    assert!(!files.path("target").exists() && !files.path("target.part").exists());
    let from = files.write("from", &sample(3_600_000_000_000).end(3));
    node.shown(&["ckpt", "import", &from]);
    let text = failure(&node, &["ckpt", "dump", "abra", "two"]);
    assert_eq!(text, "aisctl: checkpoint \"abra\" has no section \"two\"\n");
    let text = failure(&node, &["ckpt", "dump", "abra", "", "5"]);
    assert_eq!(text, "aisctl: the section has 4 bytes, none at 5\n");
    let output = node.aisctl(&["ckpt", "dump", "abra", "\\q"]);
    assert_eq!(output.status.code(), Some(2));
}
