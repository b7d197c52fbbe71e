//! What operators, and what they run, do to a daemon and its files.

use crate::client::{Client, assert_serves};
use crate::executive::Site;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use nix::unistd::getuid;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn mode(site: &Site, path: &str) -> u32 {
    fs::metadata(site.path(path)).unwrap().mode() & 0o7777
}

/// A shell that runs `before` and then becomes the daemon.
fn through_shell(site: &Site, before: &str) -> Command {
    let daemon = site.command();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{before}; exec \"$@\""), "sh"]);
    command.arg(daemon.get_program()).args(daemon.get_args()).env_remove("RUST_LOG");
    command
}

#[test]
fn a_lock_of_somebody_else_keeps_nobody_from_serving() {
    let site = Site::new();
    site.start().stop();
    let lock = site.path("run/socket.lock");
    assert_eq!(mode(&site, "run/socket.lock"), 0o600);
    if !getuid().is_root() {
        println!("needs root to be somebody else; claim's tests show the rest");
        return;
    }
    // As an earlier version has left it.
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    let mut stranger = Command::new("flock");
    stranger
        .args(["-x".as_ref(), lock.as_os_str(), "-c".as_ref(), "echo locked; cat".as_ref()])
        .uid(65534)
        .gid(65534)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    // It has to get to the file.
    fs::set_permissions(site.path(""), Permissions::from_mode(0o755)).unwrap();
    let mut stranger = stranger.spawn().unwrap();
    let mut said = [0; 6];
    std::io::Read::read_exact(stranger.stdout.as_mut().unwrap(), &mut said).unwrap();
    let executive = site.start();
    executive.await_log("is locked by flock (pid");
    assert_serves(&site);
    assert_eq!(mode(&site, "run/socket.lock"), 0o600);
    executive.stop();
    drop(stranger.stdin.take());
    stranger.wait().unwrap();
}

#[test]
fn who_holds_the_lock_is_named() {
    let site = Site::new();
    site.start().stop();
    let file = File::options().read(true).open(site.path("run/socket.lock")).unwrap();
    let _lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
    let output = site.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("run/socket.lock is locked by "), "{error}");
    assert!(error.contains(&format!("(pid {}, uid {})", std::process::id(), getuid())), "{error}");
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for mask in ["077", "000"] {
        let site = Site::new();
        let executive = site.start_as(through_shell(&site, &format!("umask {mask}")));
        for (path, expected) in [
            ("run", 0o755),
            ("run/socket", 0o660),
            ("run/socket.lock", 0o600),
            ("state", 0o750),
            (&format!("state/ring-{}", site.address), 0o600),
        ] {
            assert_eq!(mode(&site, path), expected, "{path} under umask {mask}");
        }
        executive.stop();
    }
}

#[test]
fn a_socket_that_is_removed_is_made_anew() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut client = Client::calls(&site, cookie);
    for (remove, said) in [
        (&(|site: &Site| fs::remove_file(site.socket()).unwrap()) as &dyn Fn(&Site), "was removed"),
        (&|site| fs::rename(site.socket(), site.path("run/moved")).unwrap(), "was removed"),
        (&|site| fs::rename(site.path("run"), site.path("gone")).unwrap(), "was removed"),
        (
            &|site| {
                fs::remove_file(site.socket()).unwrap();
                drop(UnixListener::bind(site.socket()).unwrap());
            },
            "was replaced",
        ),
    ] {
        let before = executive.log().matches("it is made anew, and").count();
        remove(&site);
        executive.await_log_times("it is made anew, and", before + 1);
        let said = format!("the socket {} {said}", site.socket().display());
        assert!(executive.log().lines().any(|line| line.contains(&said)), "{}", executive.log());
        client.assert_served(1);
        assert_serves(&site);
        assert_eq!(mode(&site, "run/socket"), 0o660);
        // Another one still is refused.
        assert_eq!(site.run(&[]).status.code(), Some(1));
    }
    executive.stop();
    assert!(!site.socket().exists());
}

#[test]
fn what_is_in_the_place_of_the_socket_is_named_once() {
    let site = Site::new();
    let executive = site.start();
    fs::remove_file(site.socket()).unwrap();
    fs::write(site.socket(), "precious").unwrap();
    executive.await_log("is there and is no socket");
    assert_eq!(fs::read_to_string(site.socket()).unwrap(), "precious");
    fs::remove_file(site.socket()).unwrap();
    executive.await_log("it is made anew");
    assert_eq!(executive.log().matches("is no socket").count(), 1);
    assert_serves(&site);
    // Somebody else's is left alone, too, also when this one ends.
    fs::remove_file(site.socket()).unwrap();
    let _theirs = UnixListener::bind(site.socket()).unwrap();
    executive.await_log("has put a socket of its own at");
    executive.stop();
    assert!(site.socket().exists());
}

#[test]
fn the_mode_of_the_socket_is_given_back() {
    let site = Site::new();
    let executive = site.start();
    fs::set_permissions(site.socket(), Permissions::from_mode(0o600)).unwrap();
    executive.await_log("had mode 0600: it is 0660 again");
    assert_eq!(mode(&site, "run/socket"), 0o660);
    fs::set_permissions(site.socket(), Permissions::from_mode(0o666)).unwrap();
    executive.await_log("has mode 0666: others get to it");
    executive.stop();
}

#[test]
fn a_directory_that_lets_others_in_or_the_group_not_is_said_once_per_change() {
    let site = Site::new();
    let executive = site.start();
    let directory = site.path("run");
    let open = format!("{} has mode 0777, so that anybody can", directory.display());
    let closed = format!("{} has mode 0700, so that members of", directory.display());
    let has_group = !executive.log().contains("there is no group `ais`");
    for times in 1..=2 {
        fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
        executive.await_log_times(&open, times);
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
        if has_group {
            executive.await_log_times(&closed, times);
        }
        // Looks that find the same say nothing more.
        fs::set_permissions(site.socket(), Permissions::from_mode(0o600)).unwrap();
        executive.await_log_times("had mode 0600: it is 0660 again", times);
        assert_eq!(executive.log().matches(&open).count(), times);
    }
    assert_serves(&site);
    executive.stop();
}

#[test]
fn the_owner_of_the_socket_is_given_back() {
    if !getuid().is_root() {
        println!("needs root to give a file away");
        return;
    }
    let site = Site::new();
    let executive = site.start();
    for (times, user) in [(1, 12345), (2, 54321)] {
        std::os::unix::fs::chown(site.socket(), Some(user), None).unwrap();
        executive.await_log(&format!("was given to user {user}: it is taken back"));
        executive.await_log_times("it is taken back", times);
        assert_eq!(fs::metadata(site.socket()).unwrap().uid(), 0);
    }
    executive.stop();
}

#[test]
fn two_never_serve_on_one_path_though_the_lock_is_removed() {
    let site = Site::new();
    let executive = site.start();
    fs::remove_file(site.path("run/socket.lock")).unwrap();
    let output = site.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("(pid {}", executive.pid())), "{error}");
    executive.await_log("socket.lock was removed or replaced: it is made anew");
    let output = site.run(&[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("(pid {}) serves", executive.pid())), "{error}");
    executive.stop();
}

#[test]
fn signals_without_a_meaning_do_not_end_it() {
    let site = Site::new();
    let executive = site.start();
    let fatal = [
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGPIPE,
        Signal::SIGVTALRM,
        Signal::SIGPROF,
        Signal::SIGIO,
        Signal::SIGPWR,
        Signal::SIGXCPU,
        Signal::SIGXFSZ,
        Signal::SIGSTKFLT,
    ];
    fatal.into_iter().for_each(|signal| executive.signal(signal));
    // The C library has no type for these.
    let pid = executive.pid().to_string();
    for number in 34..=64 {
        let sent = Command::new("kill").args([&format!("-{number}"), &pid]).status().unwrap();
        assert!(sent.success());
    }
    assert_serves(&site);
    for text in ["SIGQUIT changes nothing", "SIGUSR1 changes nothing", "SIGHUP changes nothing"] {
        executive.await_log(text);
    }
    executive.stop();
}

#[test]
fn sigusr2_writes_the_state_into_the_log() {
    let site = Site::new();
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    let mut client = Client::calls(&site, cookie);
    client.assert_served(1);
    executive.signal(Signal::SIGUSR2);
    executive.await_log("state: datagrams: ");
    let log = executive.log();
    let state: Vec<&str> = log.lines().filter(|line| line.contains("] state: ")).collect();
    assert_eq!(state.len(), 7, "{log}");
    for text in [
        format!("is node {}", site.address),
        "it is Serving (serving); quorum: yes".into(),
        "programs: 0 with 0 handles of CLM, 0 of AMF, 0 of CKPT; 2 connections".into(),
        format!("ring: operational; configuration {}.", site.address),
    ] {
        assert!(log.contains(&text), "{text} is not in {log}");
    }
    executive.stop();
}

#[test]
fn the_kernel_is_asked_to_end_others_first() {
    let site = Site::new();
    let executive = site.start();
    let score = fs::read_to_string(format!("/proc/{}/oom_score_adj", executive.pid())).unwrap();
    if score.trim().parse::<i32>().unwrap() > -900 {
        executive.await_log("oom_score_adj cannot be -900 (");
        executive.await_log("or set OOMScoreAdjust=-900");
    }
    executive.stop();
}

#[test]
fn a_limit_of_the_process_is_one_for_checkpoints() {
    let site = Site::new();
    site.set("realtime:no", "realtime:no\ncheckpoint-memory:3g");
    for limit in ["-v", "-d"] {
        let limited = format!("ulimit {limit} {}", 2 << 20);
        let doubt = "checkpoint-memory: 3221225472 bytes are more than the ";
        let output = through_shell(&site, &limited).arg("--check").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(doubt) && said.contains("(RLIMIT_"), "{said}");
        let executive = site.start_as(through_shell(&site, &limited));
        executive.await_log(doubt);
        executive.await_log("bytes of memory: RLIMIT_");
        executive.stop();
    }
}

#[test]
fn what_the_starter_blocked_or_ignored_does_not_matter() {
    for before in [
        "trap '' TERM INT HUP QUIT USR2 CHLD PIPE XFSZ",
        "set -- env --block-signal=TERM,INT,HUP,USR2,CHLD \"$@\"",
        "set -- nohup \"$@\"",
    ] {
        let site = Site::new();
        let executive = site.start_as(through_shell(&site, before));
        executive.signal(Signal::SIGUSR2);
        executive.await_log("state: datagrams: ");
        assert_serves(&site);
        executive.stop();
    }
}

#[test]
fn a_limit_on_the_size_of_files_does_not_end_it() {
    let site = Site::new();
    let mut executive = site.spawn(through_shell(&site, "ulimit -f 0"));
    executive.await_members(&[site.address]);
    site.await_socket();
    assert_serves(&site);
    assert_eq!(executive.log(), "");
    executive.stop();
}

#[test]
fn a_damaged_number_is_one_error_with_its_path() {
    let site = Site::new();
    site.start().stop();
    let file = format!("state/ring-{}", site.address);
    site.write(&file, "18446744073709551615\n");
    let executive = site.start();
    executive.await_log("ERROR");
    let log = executive.log();
    let path = site.path(&file);
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    let [error] = &errors[..] else { panic!("{log}") };
    let expected = format!("{} holds `18446744073709551615`, which is not", path.display());
    assert!(error.contains(&expected), "{error}");
    assert!(log.lines().count() < 20, "{log}");
    executive.stop();
    // It is whole again.
    let executive = site.start();
    assert!(!executive.log().contains("ERROR"), "{}", executive.log());
    executive.stop();
}

#[test]
fn the_journal_is_told_how_bad_a_line_is() {
    let site = Site::new();
    site.write("state", "not a directory");
    let log = File::create(site.path("journal")).unwrap();
    let found = log.metadata().unwrap();
    let start = |stream: String| {
        let mut command = site.command();
        command.env("JOURNAL_STREAM", stream);
        site.start_as(command)
    };
    drop(log);
    // The log of a daemon is a file here, which has a number like a stream.
    let log = File::options().append(true).create(true).open(site.path("log")).unwrap();
    let ours = log.metadata().unwrap();
    let executive = start(format!("{}:{}", ours.dev(), ours.ino()));
    executive.await_log("<4>[WARN ");
    executive.await_log("<6>[INFO ");
    let text = executive.log();
    assert!(text.lines().all(|line| line.starts_with('<')), "{text}");
    executive.stop();
    // A variable that was inherited says nothing of this standard error.
    let executive = start(format!("{}:{}", found.dev(), found.ino()));
    assert!(!executive.log().contains("<6>"), "{}", executive.log());
    executive.stop();
    let output = site.run(&["--check", "--config-dir", "/nowhere"]);
    assert!(output.stderr.starts_with(b"/nowhere/network.conf: "), "{output:?}");
}
