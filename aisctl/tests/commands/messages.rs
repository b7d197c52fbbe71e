//! What people are told when something is not as it should be.

use crate::node::Node;
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;
use std::thread;

/// What aisctl says of a socket that is not that of a daemon.
fn said(node: &Node, socket: &Path, arguments: &[&str]) -> String {
    let output = node.command(arguments).env("AIS_SOCKET", socket).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_socket_of_no_executive_is_told_with_its_path() {
    let node = Node::new();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("file"), "").unwrap();
    drop(UnixListener::bind(at("dead")).unwrap());
    for arguments in [
        &["status"][..],
        &["members", "--json"],
        &["ring"],
        &["ckpt"],
        &["ckpt", "sections", "a"],
        &["ckpt", "refs", "a"],
        &["ckpt", "dump", "a", ""],
        &["ckpt", "export", "a", "/none/none"],
        &["amf"],
        &["amf", "lock", "group", "raid"],
        &["amf", "lock", "node", "one"],
        &["bench", "lat", "64", "1"],
        &["bench", "tput", "64", "1"],
        &["bench", "echo"],
        &["bench", "watch"],
    ] {
        for (name, reason) in [
            ("none", "there is no such file. Start aisexec;"),
            ("file", "it is a regular file and no socket; set AIS_SOCKET"),
            ("file/none", "a part of the path is no directory; set AIS_SOCKET"),
            ("", "it is a directory and no socket; set AIS_SOCKET"),
            ("dead", "nobody listens there: the aisexec that made it has ended; start it"),
        ] {
            let text = said(&node, &at(name), arguments);
            let path = at(name);
            let expected = format!("aisctl: no aisexec serves {}: {reason}", path.display());
            assert!(text.starts_with(&expected), "{arguments:?}: {text}");
        }
    }
    let long = "n".repeat(150);
    let text = said(&node, Path::new(&long), &["status"]);
    let expected = "the path has 150 bytes, and that of a socket 107 at most; set AIS_SOCKET";
    assert!(text.contains(expected), "{text}");
    let text = said(&node, Path::new("a\x1b[2J"), &["status"]);
    assert!(text.contains("/a\\u{1b}[2J: there is no such file"), "{text}");
}

#[test]
fn an_executive_that_is_stopped_or_dies_is_told() {
    let mut node = Node::serving();
    node.signal(Signal::SIGSTOP);
    let text = said(&node, &node.socket(), &["members"]);
    assert!(text.contains("does not answer on ") && text.contains("it is stopped"), "{text}");
    node.signal(Signal::SIGCONT);
    let mut echo = node.command(&["bench", "echo"]);
    let mut echo = echo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 11];
    echo.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    node.kill();
    let output = echo.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "aisctl: aisexec ended while it was asked; now no aisexec serves ";
    assert!(text.starts_with(expected), "{text}");
}

/// Answers each HELLO on a socket with this code and body, then ends the
/// connection as soon as something is asked.
fn answer_hello(listener: UnixListener, code: u16, body: Vec<u8>) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, body) = (stream.unwrap(), body.clone());
            thread::spawn(move || {
                let mut reply = b"AIS1\x01\x00".to_vec();
                reply.extend(code.to_le_bytes());
                reply.extend([0; 4]);
                reply.extend((body.len() as u32).to_le_bytes());
                reply.extend(body);
                // The client may have ended.
                let _ = stream.read(&mut [0; 256]).and_then(|_| stream.write_all(&reply));
                let _ = stream.read(&mut [0; 256]);
            });
        }
    });
}

#[test]
fn an_executive_of_another_version_is_told() {
    let node = Node::new();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    // Cookie, api-timeout, busy-poll, max-message.
    let mut welcome = vec![0; 16];
    [5000_u32, 0, 1 << 24].iter().for_each(|value| welcome.extend(value.to_le_bytes()));
    answer_hello(UnixListener::bind(at("old")).unwrap(), 1, welcome);
    answer_hello(UnixListener::bind(at("other")).unwrap(), 3, Vec::new());
    answer_hello(UnixListener::bind(at("strict")).unwrap(), 29, Vec::new());
    for (name, expected) in [
        ("old", "old ends the connection each time: it is too old to know what aisctl "),
        ("other", "other speaks another major version of the protocol than this aisctl "),
        ("strict", "strict is for root, the user that aisexec runs as, and the group ais"),
    ] {
        for arguments in [&["status"][..], &["ckpt", "refs", "a"], &["bench", "lat", "64", "1"]] {
            let text = said(&node, &at(name), arguments);
            assert!(text.contains(expected), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn wrong_usage_is_told_with_what_is_right() {
    let node = Node::new();
    for (arguments, wrong, usage) in [
        (&[][..], "a command is missing", "status | members | ring"),
        (&["stat"], "\"stat\" is not a command; give one of status,", "status | members"),
        (&["status", "now"], "status: \"now\" is too much", "status [--json]"),
        (&["ckpt", "sections"], "ckpt sections: NAME is missing", "ckpt sections NAME [--json]"),
        (&["ckpt", "look", "a"], "\"look\" is not a verb of ckpt; give one of", "status |"),
        (&["ckpt", "dump", "a\\q", ""], "\"a\\\\q\": after a backslash comes", "ckpt dump NAME"),
        (&["ckpt", "export", "a"], "ckpt export: FILE is missing", "ckpt export NAME FILE"),
        (&["ckpt", "export", "a", "f", "--json"], "ckpt export has no --json", "ckpt export"),
        (
            &["ckpt", "import", "f", "--retention", "3s"],
            "SECONDS is \"3s\"; give a whole number, 0 to 9223372036",
            "ckpt import FILE [NAME] [--retention SECONDS]",
        ),
        (&["amf", "lock"], "amf lock: group|unit|component|node and NAME are missing", "amf lock"),
        (&["amf", "look", "unit", "raidA"], "\"look\" is not a verb of amf", "status |"),
        (&["amf", "lock", "unit", "a", "b"], "amf lock: \"b\" is too much", "amf lock"),
        (&["amf", "lock", "units", "a"], "\"units\" is nothing that amf knows", "amf lock"),
        (&["bench"], "bench wants a verb; give one of tput, lat", "status |"),
        (&["bench", "tput", "64"], "bench tput: SECONDS is missing", "bench tput SIZE SECONDS"),
        (&["bench", "tput", "8", "1"], "SIZE is \"8\"; give a whole number, 16 to 65000", "bench"),
        (&["bench", "echo", "--json"], "bench echo has no --json", "bench echo"),
        (&["status", "--jason"], "\"--jason\" is no option; there are --json,", "status |"),
    ] {
        let output = node.aisctl(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("aisctl: {wrong}")), "{text}");
        assert!(text.contains(&format!("\nUsage: aisctl {usage}")), "{text}");
        assert!(text.ends_with(" says more.\n"), "{text}");
    }
}

#[test]
fn help_needs_no_executive() {
    let node = Node::new();
    assert!(node.shown(&["--help"]).contains("  bench tput SIZE SECONDS\n"));
    assert!(node.shown(&["--version"]).starts_with("aisctl "));
    let help = node.shown(&["help", "ckpt", "sections"]);
    assert!(help.starts_with("Usage: aisctl ckpt sections NAME [--json]\n"), "{help}");
    assert_eq!(node.shown(&["ckpt", "sections", "--help"]), help);
    for word in ["status", "members", "ring", "ckpt", "amf", "bench"] {
        assert_eq!(node.shown(&[word, "-h"]), node.shown(&["help", word]));
    }
    assert!(node.shown(&["help", "ring"]).contains("docs/RING.md"));
}
