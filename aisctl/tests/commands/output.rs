//! What could not be written is a failure, of every command.

use crate::files::{Files, sample};
use crate::node::Node;
use std::fs::File;
use std::process::{Command, Output, Stdio};

const COMMANDS: [&[&str]; 20] = [
    &["status"],
    &["status", "--json"],
    &["members"],
    &["members", "--json"],
    &["ring"],
    &["ring", "--json"],
    &["ckpt"],
    &["ckpt", "--json"],
    &["ckpt", "sections", "abra"],
    &["ckpt", "refs", "abra", "--json"],
    &["ckpt", "dump", "abra", ""],
    &["ckpt", "dump", "abra", "one\\x01"],
    &["ckpt", "export", "abra", "-"],
    &["amf"],
    &["amf", "--json"],
    &["amf", "repaired", "unit", "none", "--json"],
    &["bench", "lat", "64", "1"],
    &["--help"],
    &["help", "ckpt", "dump"],
    &["--version"],
];

fn with_abra() -> Node {
    let (node, files) = (Node::serving(), Files::new());
    let from = files.write("from", &sample(3_600_000_000_000).end(3));
    node.shown(&["ckpt", "import", &from]);
    node
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_full_disk_is_told() {
    let node = with_abra();
    for arguments in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = node.command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?} {output:?}");
        let expected = "aisctl: standard output: No space left on device (os error 28); not all \
                        that was to be said is there\n";
        assert_eq!(said(&output), expected, "{arguments:?}");
    }
}

#[test]
fn who_has_seen_enough_is_told_nothing() {
    let node = with_abra();
    for arguments in COMMANDS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = node.command(arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), said(&output)), (Some(1), ""), "{arguments:?}");
    }
}

#[test]
fn an_output_that_is_closed_or_not_for_writing_is_told() {
    let node = with_abra();
    for arguments in COMMANDS {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" >&-", "sh", env!("CARGO_BIN_EXE_aisctl")]).args(arguments);
        let closed = shell.env("AIS_SOCKET", node.socket()).output().unwrap();
        let wrong = File::open("/dev/null").unwrap();
        let wrong = node.command(arguments).stdout(wrong).output().unwrap();
        for output in [closed, wrong] {
            assert_eq!(output.status.code(), Some(1), "{arguments:?} {output:?}");
            assert!(said(&output).starts_with("aisctl: standard output: Bad file descriptor"));
        }
    }
}

#[test]
fn nothing_else_than_standard_output_is_missed() {
    let node = with_abra();
    // The exit status stays what it is where nobody can be told why.
    let status = |arguments: &[&str], redirections: &str| {
        let mut shell = Command::new("sh");
        let script = format!("exec \"$@\" {redirections}");
        shell.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_aisctl")]).args(arguments);
        shell.env("AIS_SOCKET", node.socket()).stdout(Stdio::null()).status().unwrap().code()
    };
    for redirections in ["2>/dev/full", "2>&-", "<&- 2>&-"] {
        assert_eq!(status(&["ckpt", "refs", "none"], redirections), Some(1), "{redirections}");
        assert_eq!(status(&["stat"], redirections), Some(2), "{redirections}");
        assert_eq!(status(&["status"], redirections), Some(0), "{redirections}");
    }
}
