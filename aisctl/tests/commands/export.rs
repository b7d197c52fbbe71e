//! `aisctl ckpt export`: what becomes of what was at the name of the file.

use crate::files::{Files, Written, failure, sample, text};
use crate::node::Node;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Pid, mkfifo};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;

/// A node that has "abra", and a file of it.
fn with_abra() -> (Node, Files, Vec<u8>) {
    let (node, files) = (Node::serving(), Files::new());
    let from = files.write("from", &sample(3_600_000_000_000).end(3));
    node.shown(&["ckpt", "import", &from]);
    let out = text(&files.path("file"));
    let said = node.shown(&["ckpt", "export", "abra", &out]);
    assert_eq!(said, format!("{out}: 3 sections with 100004 bytes of \"abra\"\n"));
    let exported = fs::read(&out).unwrap();
    (node, files, exported)
}

/// Whether these are the same but for when they were exported.
fn is_same(one: &[u8], two: &[u8]) -> bool {
    one.len() == two.len() && one[..16] == two[..16] && one[200..300] == two[200..300]
}

/// A device in the directory of the test, since one of /dev would be lost with
/// a tool that replaces it. None if this user can make or use none.
fn device(files: &Files, name: &str, minor: u64) -> Option<String> {
    let path = files.path(name);
    mknod(&path, SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, minor)).ok()?;
    File::options().write(true).open(&path).ok()?;
    Some(text(&path))
}

#[test]
fn a_device_or_fifo_stays_what_it_is() {
    let (node, files, exported) = with_abra();
    let fifo = files.path("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let mut export = node.command(&["ckpt", "export", "abra", &text(&fifo)]);
    let mut export = export.stdout(Stdio::null()).spawn().unwrap();
    let reader = thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    assert!(export.wait().unwrap().success());
    // One that is replaced is never read to its end.
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    assert!(is_same(&reader.join().unwrap(), &exported));
    if let Some(null) = device(&files, "null", 3) {
        symlink("null", files.path("to-null")).unwrap();
        for name in [&null, &text(&files.path("to-null"))] {
            node.shown(&["ckpt", "export", "abra", name]);
            assert!(fs::symlink_metadata(&null).unwrap().file_type().is_char_device());
        }
        assert!(fs::symlink_metadata(files.path("to-null")).unwrap().is_symlink());
    }
    if let Some(full) = device(&files, "full", 7) {
        let said = failure(&node, &["ckpt", "export", "abra", &full]);
        assert_eq!(said, format!("aisctl: {full}: No space left on device (os error 28)\n"));
    }
    let said = failure(&node, &["ckpt", "export", "abra", &text(&files.path(""))]);
    assert!(said.ends_with("it is a directory; name a file in it\n"), "{said}");
}

#[test]
fn standard_output_gets_the_bytes_and_nothing_else() {
    let (node, files, exported) = with_abra();
    // As /dev/stdout is, which would be lost with a tool that replaces it.
    symlink("/proc/self/fd/1", files.path("stdout")).unwrap();
    for name in ["-", "/proc/self/fd/1", &text(&files.path("stdout"))] {
        let output = node.aisctl(&["ckpt", "export", "abra", name]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(is_same(&output.stdout, &exported), "{name}");
        // Behind what is there already, and not in its place.
        let log = files.write("log", b"before ");
        let out = File::options().append(true).open(&log).unwrap();
        let mut command = node.command(&["ckpt", "export", "abra", name]);
        assert!(command.stdout(out).status().unwrap().success());
        assert!(is_same(fs::read(log).unwrap().strip_prefix(b"before ").unwrap(), &exported));
    }
    let mut command = node.command(&["ckpt", "export", "abra", "-"]);
    let output = command.stdout(File::options().write(true).open("/dev/full").unwrap()).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
}

#[test]
fn a_link_stays_and_its_file_is_replaced() {
    let (node, files, exported) = with_abra();
    files.write("old", b"old");
    for (link, end) in [("to-old", "old"), ("to-none", "none")] {
        symlink(end, files.path(link)).unwrap();
        node.shown(&["ckpt", "export", "abra", &text(&files.path(link))]);
        assert!(fs::symlink_metadata(files.path(link)).unwrap().is_symlink());
        assert!(is_same(&fs::read(files.path(end)).unwrap(), &exported));
    }
    assert_eq!(files.names(), ["file", "from", "none", "old", "to-none", "to-old"]);
}

#[test]
fn what_it_holds_is_for_nobody_else() {
    let (node, files, _) = with_abra();
    let mode = |name: &str| fs::metadata(files.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("file"), 0o600);
    fs::set_permissions(files.path("file"), Permissions::from_mode(0o640)).unwrap();
    node.shown(&["ckpt", "export", "abra", &text(&files.path("file"))]);
    assert_eq!(mode("file"), 0o640);
}

#[test]
fn one_that_fails_leaves_what_was_there() {
    let (node, files, _) = with_abra();
    let old = files.write("old", b"old");
    let limited = |limit: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -f {limit}; exec \"$@\""), "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_aisctl")).args(["ckpt", "export", "abra", &old]);
        shell.env("AIS_SOCKET", node.socket()).output().unwrap()
    };
    let output = limited("0");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("aisctl: {old}: File too large (os error 27); it is as it was\n");
    assert_eq!(said, expected);
    let missing = text(&files.path("none/file"));
    let said = failure(&node, &["ckpt", "export", "abra", &missing]);
    assert!(said.contains("none: no file can be made in it: No such file"), "{said}");
    assert_eq!(fs::read(&old).unwrap(), b"old");
    assert_eq!(files.names(), ["file", "from", "old"]);
}

/// Whether a signal is not one that these tests were started to ignore, by
/// nohup(1) or in the background of a script: what they start ignores it too.
fn is_heeded(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    u64::from_str_radix(ignored, 16).unwrap() & (1 << (signal as i32 - 1)) == 0
}

#[test]
fn one_that_is_interrupted_leaves_what_was_there() {
    let (node, files) = (Node::serving(), Files::new());
    let mut large = Written::new("large", 3_600_000_000_000);
    large.section(0, b"", i64::MAX, 1 << 25);
    for place in 0..1 << 9 {
        large.bytes(place << 16, &[7; 1 << 16]);
    }
    let from = files.write("from", &large.end(1));
    node.shown(&["ckpt", "import", &from]);
    let old = files.write("old", b"old");
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    for signal in signals.into_iter().filter(|signal| is_heeded(*signal)) {
        // It may be complete before it is stopped; then once more.
        let is_caught = |_| {
            fs::write(&old, "old").unwrap();
            let mut command = node.slow_command(&["ckpt", "export", "large", &old]);
            let mut export = command.stdout(Stdio::null()).spawn().unwrap();
            let pid = Pid::from_raw(export.id().cast_signed());
            let is_begun = |_| {
                nix::poll::poll(&mut [], 1_u8).unwrap();
                files.names().len() > 2 || fs::read(&old).unwrap() != b"old"
            };
            assert!((0..20_000).any(is_begun), "{}", node.log());
            kill(pid, Signal::SIGSTOP).unwrap();
            let is_under_way = files.names().len() > 2;
            kill(pid, signal).unwrap();
            kill(pid, Signal::SIGCONT).unwrap();
            let ended = export.wait().unwrap();
            assert_eq!(files.names(), ["from", "old"]);
            let is_caught = is_under_way && ended.signal() == Some(signal as i32);
            assert!(!is_caught || fs::read(&old).unwrap() == b"old");
            is_caught
        };
        assert!((0..20).any(is_caught), "all were complete");
    }
}
