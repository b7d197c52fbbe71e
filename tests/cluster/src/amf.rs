//! AMF on real nodes: everything that makes a standby take over.

use crate::cluster::Cluster;
use crate::components::Cast;
use nix::sys::signal::Signal;

/// Takeovers on three nodes, one unit on each.
///
/// # Errors
/// What did not happen, or should not have.
pub(crate) fn takeovers(cluster: &mut Cluster) -> Result<(), String> {
    begin(cluster)?;
    let mut cast = Cast::new(&cluster.settings);
    for unit in 0..3 {
        cast.start_unit(unit, &cluster.nodes[unit])?;
        cast.wait_unit(unit, if unit == 0 { "ACTIVE" } else { "STANDBY" })?;
    }
    on_kill(cluster, &mut cast)?;
    on_stop(&mut cast)?;
    on_unregister(cluster, &mut cast)?;
    on_error(&mut cast)?;
    on_node_death(cluster, &mut cast)?;
    on_node_leave(cluster, &mut cast)?;
    cast.check()
}

/// The same death and return with two nodes and a standby that shares the
/// node of nobody.
///
/// # Errors
/// What did not happen, or should not have.
pub(crate) fn two_nodes(cluster: &mut Cluster) -> Result<(), String> {
    begin(cluster)?;
    let mut cast = Cast::new(&cluster.settings);
    // Its components stand on both nodes.
    cast.start(1, &cluster.nodes[0])?;
    cast.start(2, &cluster.nodes[1])?;
    cast.wait_unit(0, "ACTIVE")?;
    cast.start_unit(1, &cluster.nodes[1])?;
    cast.wait_unit(1, "STANDBY")?;
    cluster.nodes[0].end(Signal::SIGKILL)?;
    cast.lose(1);
    cast.wait(&[2], "OUT_OF_SERVICE")?;
    cast.wait_unit(1, "ACTIVE")?;
    cluster.start(0)?;
    cluster.wait_all_together()?;
    cast.start(1, &cluster.nodes[0])?;
    cast.wait_unit(0, "STANDBY")?;
    cast.end(4, Signal::SIGKILL);
    cast.wait_unit(0, "ACTIVE")?;
    cast.check()
}

fn begin(cluster: &mut Cluster) -> Result<(), String> {
    for number in 0..cluster.nodes.len() {
        cluster.start(number)?;
    }
    cluster.wait_all_together()
}

/// Unit 0 is active before, unit 1 afterwards; so on in the following.
fn on_kill(cluster: &Cluster, cast: &mut Cast) -> Result<(), String> {
    cast.end(1, Signal::SIGKILL);
    cast.wait_unit(1, "ACTIVE")?;
    cast.wait(&[2], "QUIESCED")?;
    cast.wait(&[2], "OUT_OF_SERVICE")?;
    cast.start(1, &cluster.nodes[0])?;
    cast.wait_unit(0, "STANDBY")
}

/// It was stopped, and goes on: it has to let go before it may work again.
fn on_stop(cast: &mut Cast) -> Result<(), String> {
    cast.signal(3, Signal::SIGSTOP);
    cast.wait_unit(0, "ACTIVE")?;
    cast.signal(3, Signal::SIGCONT);
    cast.wait(&[3], "OUT_OF_SERVICE")?;
    cast.signal(3, Signal::SIGUSR2);
    cast.wait_unit(1, "STANDBY")
}

fn on_unregister(cluster: &Cluster, cast: &mut Cast) -> Result<(), String> {
    cast.end(1, Signal::SIGTERM);
    cast.wait_unit(1, "ACTIVE")?;
    cast.start(1, &cluster.nodes[0])?;
    cast.wait_unit(0, "STANDBY")
}

fn on_error(cast: &mut Cast) -> Result<(), String> {
    cast.signal(4, Signal::SIGUSR1);
    cast.wait_unit(0, "ACTIVE")?;
    cast.wait_unit(1, "OUT_OF_SERVICE")?;
    cast.signal(4, Signal::SIGUSR2);
    cast.wait_unit(1, "STANDBY")
}

fn on_node_death(cluster: &mut Cluster, cast: &mut Cast) -> Result<(), String> {
    lose_first_node(cluster, cast, Signal::SIGKILL)?;
    cast.wait_unit(1, "ACTIVE")?;
    return_first_node(cluster, cast)
}

fn on_node_leave(cluster: &mut Cluster, cast: &mut Cast) -> Result<(), String> {
    cast.end(3, Signal::SIGKILL);
    cast.wait_unit(0, "ACTIVE")?;
    cast.start(3, &cluster.nodes[1])?;
    cast.wait_unit(1, "STANDBY")?;
    lose_first_node(cluster, cast, Signal::SIGTERM)?;
    cast.wait_unit(1, "ACTIVE")?;
    return_first_node(cluster, cast)
}

/// The daemon of the first node ends, and with it the programs there.
fn lose_first_node(cluster: &mut Cluster, cast: &mut Cast, how: Signal) -> Result<(), String> {
    cluster.nodes[0].end(how)?;
    if how == Signal::SIGTERM {
        // They were asked to let go first.
        cast.wait(&[1, 2], "QUIESCED")?;
        cast.wait(&[1, 2], "OUT_OF_SERVICE")?;
    }
    cast.lose(1);
    cast.lose(2);
    Ok(())
}

fn return_first_node(cluster: &mut Cluster, cast: &mut Cast) -> Result<(), String> {
    cluster.start(0)?;
    cluster.wait_all_together()?;
    cast.start_unit(0, &cluster.nodes[0])?;
    cast.wait_unit(0, "STANDBY")
}
