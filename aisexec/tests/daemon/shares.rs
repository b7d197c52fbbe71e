//! What one user cannot keep from others, and nobody from root.

use crate::client::Client;
use crate::executive::Site;
use nix::unistd::{Uid, geteuid};
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Somebody who is not root.
const SOMEBODY: u32 = 65_533;

/// Makes this thread, and no other, one of another user.
fn become_user(user: u32) {
    // SAFETY: the call takes numbers and touches no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) };
    assert_eq!(result, 0);
    assert_eq!(geteuid(), Uid::from_raw(user));
}

/// Whether the daemon has not closed a connection on which it says nothing.
fn is_open(mut stream: &UnixStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Only root can be two users.
#[test]
fn root_gets_in_while_somebody_connects_on_and_on() {
    if !geteuid().is_root() {
        return;
    }
    let site = Site::new();
    // The daemon is one of that user, who so may connect. He may not get to
    // where this was built.
    let program = site.path("aisexec");
    fs::copy(env!("CARGO_BIN_EXE_aisexec"), &program).unwrap();
    chown(site.path(""), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -Sn 256; ulimit -Hn 256; exec \"$0\" \"$@\"").arg(program);
    command.uid(SOMEBODY).gid(SOMEBODY);
    site.arguments(&mut command);
    let executive = site.start_as(command);
    let (is_full, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            become_user(SOMEBODY);
            let mut silent = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                silent.extend(UnixStream::connect(site.socket()));
                if silent.len() > 400 {
                    is_full.store(true, Ordering::Relaxed);
                    silent.retain(is_open);
                }
            }
        });
        while !is_full.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let served = thread::scope(|scope| {
            let root = scope.spawn(|| {
                for id in 0..10 {
                    let (_anchor, cookie) = Client::session(&site);
                    Client::calls(&site, cookie).assert_served(id);
                }
            });
            root.join()
        });
        is_over.store(true, Ordering::Relaxed);
        served.expect("root is served");
    });
    executive.await_log("its user has too many connections");
    executive.stop();
}
