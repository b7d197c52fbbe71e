//! Starting, refusing to start, and stopping.

use crate::client::Client;
use crate::executive::{Executive, Site, read_line};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn signals_stop_it_cleanly() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let site = Site::new();
        let mut executive = site.start();
        assert!(site.socket().exists());
        executive.signal(signal);
        assert_eq!(executive.wait().code(), Some(0), "{signal}");
        assert_eq!(executive.said, format!("New Configuration:\n\t{}\n", site.address));
        assert!(!site.socket().exists());
    }
}

#[test]
fn sighup_changes_nothing() {
    let site = Site::new();
    let executive = site.start();
    executive.signal(Signal::SIGHUP);
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
    executive.stop();
}

#[test]
fn the_socket_is_for_the_owner_and_the_group() {
    let site = Site::new();
    let _executive = site.start();
    let mode = fs::metadata(site.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[test]
fn check_tells_good_from_bad_configurations() {
    let site = Site::new();
    let output = site.run(&["--check"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "configuration ok\n");
    assert!(!site.socket().exists());
    site.write("network.conf", "bindnetaddr:nowhere\nmcastport:-1\n");
    site.write("groups.conf", "group {\n");
    for flags in [&["--check"][..], &[]] {
        let output = site.run(flags);
        assert_eq!(output.status.code(), Some(1));
        let errors = text(&output.stderr);
        for place in ["network.conf:1: ", "network.conf:2: ", "mcastaddr", "groups.conf:"] {
            assert!(errors.contains(place), "{place} is not in {errors}");
        }
    }
}

#[test]
fn check_warns_of_timeouts_that_do_not_fit_and_is_content() {
    let site = Site::new();
    let network = "bindnetaddr:127.0.0.1\nmcastaddr:226.94.1.1\nmcastport:6000\n";
    site.write("network.conf", &format!("{network}token:400\napi-timeout:700\n"));
    let output = site.run(&["--check"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "configuration ok\n");
    let said = text(&output.stderr);
    assert!(said.starts_with("warning: "), "{said}");
    assert!(said.contains("network.conf:5: api-timeout:700 "), "{said}");
    assert!(said.contains("give `api-timeout:1800` or more"), "{said}");
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let site = Site::new();
    let status = |flag: &str, redirections: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$@\" {flag} {redirections}"), "sh"]);
        let daemon = site.command();
        command.arg(daemon.get_program());
        if flag == "--check" {
            command.args(daemon.get_args());
        }
        let output = command.output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for flag in ["--check", "--version", "--help"] {
        for output in [">&-", ">/dev/full", "1</dev/null"] {
            let (code, said) = status(flag, output);
            assert_eq!(code, Some(1), "{flag} {output}");
            assert!(said.starts_with("aisexec: standard output: "), "{flag} {output}: {said}");
        }
        assert_eq!(status(flag, ">/dev/null 2>&-").0, Some(0), "nothing is said there");
        assert_eq!(status(flag, "<&- >&- 2>&-").0, Some(1), "{flag}");
    }
    site.set("realtime:no", "realtime:no\nnodename:'one'");
    for error in ["2>&-", "2>/dev/full", "2</dev/null"] {
        assert_eq!(status("--check", error).0, Some(1), "{error}");
    }
    assert_eq!(status("--check", "").0, Some(0));
    assert_eq!(status("--wrong", ">&- 2>&-").0, Some(2));
}

#[test]
fn a_wrong_flag_shows_the_usage() {
    let output = Site::new().run(&["--wrong"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("Usage: aisexec"));
}

#[test]
fn a_second_daemon_is_refused() {
    let site = Site::new();
    let executive = site.start();
    let output = site.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    let expected = format!("(pid {}) serves {}", executive.pid(), site.socket().display());
    assert!(error.contains(&expected), "{error}");
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
}

#[test]
fn an_address_is_taken_once() {
    let site = Site::new();
    let executive = site.start();
    let other = Site::new();
    other.write("network.conf", &site.read("network.conf"));
    let output = other.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    let expected = format!("UDP port 6000 of {} is taken", site.address);
    assert!(error.contains(&expected), "{error}");
    executive.stop();
}

#[test]
fn check_knows_the_addresses_of_this_machine() {
    let site = Site::new();
    // Whichever addresses it has, these are none of them.
    let network = "bindnetaddr:127.0.0.1\nmcastport:6000\ntransport:unicast\n";
    site.write("network.conf", &format!("{network}member:203.0.113.1\nmember:203.0.113.2\n"));
    let output = site.run(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("(127.0.0.1); add `member:127.0.0.1`"), "{error}");
}

#[test]
fn check_says_what_can_hardly_be_meant() {
    let site = Site::new();
    // A network for documentation: no machine has it.
    site.set(&format!("bindnetaddr:{}", site.address), "bindnetaddr:203.0.113.0");
    site.set("realtime:no", "nodename:'one'\ncheckpoint-memory:16384g");
    let output = site.run(&["--check"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "configuration ok\n");
    let said = text(&output.stderr);
    for doubt in [
        "network.conf:1: bindnetaddr: no interface has an address in the network of 203.0.113.0",
        "network.conf:3: nodename:`\\'one\\'` has a quotation mark",
        "network.conf:4: checkpoint-memory: 17592186044416 bytes are more than the",
    ] {
        let is_it = |line: &str| line.starts_with("warning: ") && line.contains(doubt);
        assert!(said.lines().any(is_it), "{doubt} is not in {said}");
    }
    let address = format!("bindnetaddr:{}", site.address);
    site.set("bindnetaddr:203.0.113.0", &address);
    site.set("nodename:'one'", "nodename:203.0.113.7");
    let said = text(&site.run(&["--check"]).stderr);
    let doubt = "network.conf:3: nodename:203.0.113.7 is the address of another node, and this \
                 node has ";
    assert!(said.contains(&format!("{doubt}{}: ", site.address)), "{said}");
    site.set("nodename:203.0.113.7", &format!("nodename:{}", site.address));
    let said = text(&site.run(&["--check"]).stderr);
    assert!(!said.contains("nodename"), "{said}");
    site.set(&address, "bindnetaddr:203.0.113.0");
    site.set("nodename", "interface-wait:no\nnodename");
    let output = site.run(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("network.conf:1: bindnetaddr: no interface"), "{error}");
}

#[test]
fn a_stale_socket_is_replaced() {
    let site = Site::new();
    let mut executive = site.start();
    executive.signal(Signal::SIGKILL);
    executive.wait();
    assert!(site.socket().exists());
    let executive = site.start();
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
    executive.stop();
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let site = Site::new();
    fs::create_dir(site.path("run")).unwrap();
    fs::write(site.socket(), "precious").unwrap();
    let output = site.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is no socket"));
    assert_eq!(fs::read_to_string(site.socket()).unwrap(), "precious");
}

#[test]
fn every_life_has_a_higher_number() {
    let site = Site::new();
    let reserved = || {
        let text = site.read(&format!("state/ring-{}", site.address));
        text.trim().parse::<u64>().unwrap()
    };
    site.start().stop();
    let first = reserved();
    site.start().stop();
    assert!(reserved() > first);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_a_warning() {
    let site = Site::new();
    site.write("state", "not a directory");
    let executive = site.start();
    executive.await_log("the ring number is taken from the clock");
    executive.stop();
}

#[test]
fn an_idle_daemon_is_small() {
    let site = Site::new();
    site.set("realtime:no", "realtime:yes");
    let executive = site.start();
    assert!(executive.resident() < 2048, "{} kB", executive.resident());
    executive.stop();
}

/// What root may in a container is not what the kernel asks for.
#[test]
fn memory_is_not_locked_up_to_a_limit() {
    let site = Site::new();
    site.set("realtime:no", "realtime:yes");
    if !Command::new("unshare").args(["-r", "true"]).status().is_ok_and(|status| status.success()) {
        println!("needs a user namespace of its own");
        return;
    }
    let mut command = Command::new("sh");
    let script = "ulimit -l 8192; exec unshare -r \"$0\" \"$@\"";
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_aisexec"));
    site.arguments(&mut command);
    let executive = site.start_as(command);
    executive.await_log("memory is not locked: ");
    executive.stop();
}

/// Starts aisexec with its log in a pipe and waits for a line that contains
/// `wanted`. The child is to be waited for.
fn start_and_wait_for(site: &Site, wanted: &str) -> Child {
    let mut child = site.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        read_line(&mut log, &mut line);
        assert_ne!(line, "", "no line with {wanted}");
    }
    child.stderr = Some(log.into_inner());
    child
}

fn stop(mut child: Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn nobody_has_to_read_its_standard_output() {
    let site = Site::new();
    let child = start_and_wait_for(&site, "serving programs on");
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
    stop(child);
}

#[test]
fn without_its_address_it_waits_and_can_be_stopped() {
    let site = Site::new();
    // A network for documentation: no machine has it.
    site.set(&format!("bindnetaddr:{}", site.address), "bindnetaddr:203.0.113.0");
    let child = start_and_wait_for(&site, "bindnetaddr: no interface");
    assert!(!site.socket().exists());
    stop(child);
    site.set("realtime:no", "realtime:no\ninterface-wait:no");
    let output = site.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("or set `interface-wait:yes`"));
}

#[test]
fn in_the_background_it_is_ready_when_the_command_returns() {
    let site = Site::new();
    let output = site.run(&["--daemon"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("New Configuration:\n\t{}\n", site.address));
    let (mut anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
    let again = site.run(&["--daemon"]);
    assert_eq!(again.status.code(), Some(1));
    let pid = site.read("run/socket.lock").trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    anchor.assert_closed();
}

#[test]
fn in_the_background_a_file_keeps_the_log() {
    let site = Site::new();
    let log = File::create(site.path("log")).unwrap();
    let status = site.command().arg("--daemon").stdout(Stdio::null()).stderr(log).status();
    assert_eq!(status.unwrap().code(), Some(0));
    let (mut anchor, _cookie) = Client::session(&site);
    let pid = site.read("run/socket.lock").trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    anchor.assert_closed();
    site.await_text("log", "stopping because of SIGTERM");
    let log = site.read("log");
    assert!(log.contains("serving programs on"), "{log}");
}

#[test]
fn without_privileges_it_serves_its_own_user() {
    if !getuid().is_root() {
        // Every other test is this one then.
        return;
    }
    let site = Site::new();
    // Copied to where any user can run it.
    for (path, mode) in [("", 0o755), ("bin", 0o755)] {
        fs::create_dir_all(site.path(path)).unwrap();
        fs::set_permissions(site.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let binary = site.path("bin/aisexec");
    // By a process of its own: what another test starts meanwhile would hold the
    // file open for writing for a moment, and it could not be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_aisexec")).arg(&binary).status();
    assert!(copied.unwrap().success());
    for path in ["run", "state"] {
        fs::create_dir(site.path(path)).unwrap();
        fs::set_permissions(site.path(path), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mut command = Command::new(binary);
    site.arguments(&mut command);
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    std::os::unix::process::CommandExt::gid(&mut command, 65534);
    let executive: Executive = site.start_as(command);
    let (_anchor, cookie) = Client::session(&site);
    Client::calls(&site, cookie).assert_served(1);
    executive.stop();
}
