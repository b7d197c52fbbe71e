//! What the group alone can do on three nodes: the verbs of `aisctl bench`, in
//! alternation over the sizes, each as often as is wanted.

use crate::cluster::{Cluster, Settings};
use std::io::Read as _;
use std::process::{Command, Stdio};

/// Bytes of a message.
const SIZES: [&str; 3] = ["64", "1024", "16384"];

/// Prints a line for each run.
///
/// # Errors
/// If a run fails.
pub(crate) fn run(settings: &Settings, rounds: u64) -> Result<(), String> {
    let mut cluster = Cluster::started(3, settings)?;
    let aisctl = settings.bin.join("aisctl");
    println!("3 nodes, token {} ms, {}", settings.token, settings.transport);
    for _ in 0..rounds {
        for size in SIZES {
            show(&cluster, Command::new(&aisctl).args(["bench", "tput", size, "2"]))?;
            show(&cluster, Command::new(&aisctl).args(["bench", "lat", size, "2000"]))?;
        }
        let mut echo = Command::new(&aisctl)
            .args(["bench", "echo"])
            .env("AIS_SOCKET", cluster.nodes[1].socket())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        if let Some(stdout) = &mut echo.stdout {
            // It says when it is ready.
            let _ = stdout.read(&mut [0]);
        }
        let shown = show(&cluster, Command::new(&aisctl).args(["bench", "ping", "64", "1500"]));
        // It runs until it is ended.
        let _ = echo.kill();
        let _ = echo.wait();
        shown?;
    }
    cluster.stop()
}

fn show(cluster: &Cluster, command: &mut Command) -> Result<(), String> {
    print!("{}", cluster.nodes[0].run(command)?);
    Ok(())
}
