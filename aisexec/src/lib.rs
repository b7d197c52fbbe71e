//! The daemon: what `main` runs.

#![deny(unsafe_code)]

mod announce;
pub mod args;
mod background;
mod breaks;
mod busy_poll;
mod claim;
mod clock;
pub mod config;
mod daemon;
mod descriptors;
mod holder;
mod identity;
mod join;
mod key_file;
mod listen;
mod logs;
mod memory;
mod notify;
mod oom;
mod outlet;
pub mod output;
mod reactor;
mod realtime;
mod ring_number;
pub mod run;
mod signals;
#[expect(unsafe_code, reason = "system calls that nix does not offer, made safe one by one")]
mod sys;
mod udp;
mod watchdog;
mod writer;

/// An address that no other test has, whichever process runs it.
#[cfg(test)]
fn own_address(first: u8) -> std::net::Ipv4Addr {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let pid = std::process::id();
    // Both are below 256.
    let (high, low) = ((1 + pid / 256 % 254) as u8, (pid % 256) as u8);
    [first, high, low, NEXT.fetch_add(1, Ordering::Relaxed)].into()
}
