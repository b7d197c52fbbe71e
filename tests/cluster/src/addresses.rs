//! Addresses that are not as they should be: one that two machines have, and
//! several on one machine.

use crate::cluster::{Cluster, wait_until};
use crate::node::{Node, address};
use nix::sys::signal::Signal;
use std::fs;
use std::process::Command;

/// A copy of the third machine comes up with its address: the others name it and
/// stay together, and the third one is back when the copy is gone.
pub(crate) fn copied_machine(cluster: &mut Cluster) -> Result<(), String> {
    for number in 0..3 {
        cluster.start(number)?;
    }
    cluster.wait_together(&[0, 1, 2])?;
    let twice = address(3);
    let copy = &cluster.nodes[3];
    copy.host.inside(&["ip", "addr", "flush", "dev", "eth0"])?;
    copy.host.inside(&["ip", "addr", "add", &format!("{twice}/24"), "dev", "eth0"])?;
    copy.configure("bindnetaddr", &twice)?;
    let met = [0, 1].map(|number| cluster.nodes[number].views().len());
    cluster.start(3)?;
    let said = format!("two machines have the address {twice}; ");
    for node in &cluster.nodes[..2] {
        await_log(node, &said)?;
        let program = cluster.settings.bin.join("aisctl");
        let status = node.run(Command::new(program).arg("status"))?;
        if !status.contains(&format!("problem: {said}")) {
            return Err(format!("the status of {} is {status}", node.address));
        }
    }
    cluster.nodes[3].end(Signal::SIGKILL)?;
    cluster.wait_together(&[0, 1, 2])?;
    for (node, met) in cluster.nodes[..2].iter().zip(met) {
        let views = node.views();
        let is_whole =
            |members: &[String]| [1, 2].iter().all(|one| members.contains(&address(*one)));
        if let Some(view) = views.iter().skip(met - 1).find(|view| !is_whole(&view.members)) {
            return Err(format!("{} was with {:?} alone", node.address, view.members));
        }
    }
    Ok(())
}

/// The network that is meant is there once; a larger one covers it, and the
/// loopback interface has the address too.
pub(crate) fn several_interfaces(cluster: &mut Cluster) -> Result<(), String> {
    let (own, others) = (address(1), "10.0.0.1/8");
    let host = &cluster.nodes[0].host;
    for alias in [&format!("{own}/32"), others] {
        host.inside(&["ip", "addr", "add", alias, "dev", "lo"])?;
    }
    cluster.nodes[0].configure("bindnetaddr", "10.77.0.0")?;
    for number in 0..cluster.nodes.len() {
        cluster.start(number)?;
    }
    cluster.wait_all_together()?;
    await_log(&cluster.nodes[0], &format!("any of eth0 {own}/24, lo {others}; eth0 {own}/24 is"))
}

fn await_log(node: &Node, text: &str) -> Result<(), String> {
    wait_until(&format!("`{text}` in the log of {}", node.address), || {
        let log = fs::read(node.log()).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&log).contains(text))
    })
}
