//! `aisctl ckpt import`.

use crate::files::{Files, Written, failure, json, sample, text};
use crate::node::Node;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::fs::File;
use std::process::Stdio;

const SECOND: i64 = 1_000_000_000;

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
    let place = wrong.length() - 5 - 4 - b"too much".len();
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
fn it_is_said_what_becomes_of_it() {
    let (node, files) = (Node::serving(), Files::new());
    let mut file = sample(3600 * SECOND);
    file.section(5, b"past", 1_000_000_000 * SECOND, 5);
    let from = files.write("from", &file.end(4));
    let said = node.shown(&["ckpt", "import", &from]);
    assert!(said.starts_with("\"abra\" is there, with 3 sections and 100004 bytes, as node 127."));
    assert!(said.contains(" at 1970-01-01 00:00:00 UTC; one section was left out, as its time"));
    assert!(said.contains("nobody has it open: it is gone after 3600 s, at 2"), "{said}");
    let said = node.shown(&["ckpt", "import", "--retention", "9", &from, "copy"]);
    assert!(said.contains("it is gone after 9 s, at ") && said.contains(" UTC, unless a program"));
    let from = files.write("ever", &Written::new("ever", i64::MAX).with_default().end(1));
    let said = node.shown(&["ckpt", "import", &from]);
    assert!(said.ends_with("it stays until it is unlinked\n"), "{said}");
}

#[test]
fn a_pipe_is_read_like_a_file() {
    let (node, files) = (Node::serving(), Files::new());
    let from = files.write("from", &sample(3600 * SECOND).end(3));
    for (path, name) in [("-", "one"), ("/dev/stdin", "two"), ("-", "three")] {
        let mut command = node.command(&["ckpt", "import", path, name]);
        let is_file = name == "three";
        let output = if is_file {
            command.stdin(File::open(&from).unwrap()).output().unwrap()
        } else {
            let mut cat = std::process::Command::new("cat");
            let mut cat = cat.arg(&from).stdout(Stdio::piped()).spawn().unwrap();
            let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
            cat.wait().unwrap();
            output
        };
        assert!(output.status.success(), "{output:?}");
        assert_eq!(json(&node, &["ckpt", "sections", name])["sections"][1]["bytes"], 100_000);
    }
    let output = node.command(&["ckpt", "import", "-"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("aisctl: standard input: byte 0: the file ends before its first"),
        "{said}"
    );
}

#[test]
fn without_quorum_nothing_is_made_and_the_reason_is_said() {
    let (node, files) = (Node::serving_with("quorum:majority\nexpected-nodes:3\n"), Files::new());
    let from = files.write("from", &sample(3600 * SECOND).end(3));
    let said = failure(&node, &["ckpt", "import", &from]);
    assert!(said.contains("has no quorum: it sees 1 of 3 nodes"), "{said}");
    assert!(said.ends_with("; nothing was changed\n"), "{said}");
    let said = failure(&node, &["amf", "lock", "unit", "raidA"]);
    assert!(said.contains("not now: node 127.") && said.contains("has no quorum"), "{said}");
    assert_eq!(node.aisctl(&["status"]).status.code(), Some(3));
}

#[test]
fn of_one_that_is_killed_nothing_stays() {
    let (node, files) = (Node::serving(), Files::new());
    let mut large = Written::new("large", i64::MAX);
    large.section(0, b"", i64::MAX, 1 << 25);
    for place in 0..1 << 9 {
        large.bytes(place << 16, &[7; 1 << 16]);
    }
    let from = files.write("from", &large.end(1));
    let find = |name: &str| {
        let list = json(&node, &["ckpt"]);
        let found = list["checkpoints"].as_array().unwrap().iter().find(|of| of["name"] == name);
        found.cloned()
    };
    let wait = |is_over: &mut dyn FnMut() -> bool| {
        let pause = |_| {
            nix::poll::poll(&mut [], 2_u8).unwrap();
            is_over()
        };
        assert!((0..10_000).any(pause), "{}", node.log());
    };
    // It may be complete before it is stopped; then the next one is tried.
    let is_caught = |number: u32| {
        let name = format!("large{number}");
        let mut import = node.slow_command(&["ckpt", "import", &from, &name]).spawn().unwrap();
        let pid = Pid::from_raw(import.id().cast_signed());
        wait(&mut || find(&name).is_some());
        kill(pid, Signal::SIGSTOP).unwrap();
        let found = find(&name).unwrap();
        import.kill().unwrap();
        import.wait().unwrap();
        if found["open"] == json!({}) {
            return false;
        }
        assert_eq!(found["retention_ns"], json!(0));
        wait(&mut || find(&name).is_none());
        true
    };
    assert!((0..20).any(is_caught), "all were complete");
}
