//! How long a datagram takes from a program on one node to a program on
//! another, both asleep while they wait: what each step of a rotation of the
//! token takes at least.

use crate::cluster::{Cluster, wait_until};
use crate::timed::program;
use std::net::UdpSocket;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PORT: u16 = 7007;
/// Bytes of a datagram.
const SIZE: usize = 128;
/// A datagram that is not back by then is lost.
const LOST: Duration = Duration::from_millis(500);
/// Datagrams of one measurement.
const COUNT: usize = 200;

/// Sends back what comes (`ais-cluster echo`), until it is killed.
///
/// # Errors
/// If there is no socket.
pub(crate) fn echo(own: &str) -> Result<(), String> {
    let socket = UdpSocket::bind((own, PORT)).map_err(|error| format!("{own}: {error}"))?;
    let mut buffer = [0; SIZE];
    loop {
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            // What is lost is asked for again.
            let _ = socket.send_to(&buffer[..length], from);
        }
    }
}

/// Prints the median time of one way there, in us (`ais-cluster ping`).
///
/// # Errors
/// If nothing comes back.
pub(crate) fn ping(own: &str, other: &str) -> Result<(), String> {
    let in_words = |error: std::io::Error| format!("from {own} to {other}: {error}");
    let socket = UdpSocket::bind((own, 0)).map_err(in_words)?;
    socket.connect((other, PORT)).map_err(in_words)?;
    socket.set_read_timeout(Some(LOST)).map_err(in_words)?;
    let mut took = Vec::new();
    for _ in 0..COUNT {
        let start = Instant::now();
        let mut buffer = [0; SIZE];
        let back = socket.send(&buffer).and_then(|_| socket.recv(&mut buffer));
        took.extend(back.ok().map(|_| start.elapsed() / 2));
    }
    took.sort_unstable();
    let median = took.get(took.len() / 2).ok_or("nothing comes back")?;
    println!("{}", median.as_micros());
    Ok(())
}

/// How long it takes from node 0 to node 1, as the network is.
///
/// # Errors
/// If nothing comes back.
pub(crate) fn measure(cluster: &Cluster) -> Result<Duration, String> {
    let exe = program()?.get_program().to_owned();
    let start = |node: usize, words: &[&str]| {
        let mut command = cluster.nodes[node].host.command(exe.as_ref());
        let child = command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        child.map_err(|error| format!("{words:?}: {error}"))
    };
    let (own, other) = (&cluster.nodes[0].address, &cluster.nodes[1].address);
    let _echo = Killed(start(1, &["echo", other])?);
    let mut took = None;
    wait_until(&format!("an echo of {other}"), || {
        let output = start(0, &["ping", own, other])?.wait_with_output();
        let text = output.map(|output| output.stdout).map_err(|error| error.to_string())?;
        took = String::from_utf8_lossy(&text).trim().parse().ok();
        Ok(took.is_some())
    })?;
    took.map(Duration::from_micros).ok_or_else(|| "nothing comes back".into())
}

/// A process that ends with this.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
