//! Finding the address of this node and opening its sockets.

use crate::config::network_conf::{NetworkConf, Transport, no_own_member};
use crate::identity::{self, Interface};
use crate::signals::Signals;
use crate::udp::{self, OpenError, Udp};
use ais_wire::NodeId;
use nix::sys::epoll::Epoll;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A node on its network.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) node: NodeId,
    pub(crate) udp: Udp,
}

/// What is wrong with `bindnetaddr` on this machine, if that can be known now.
/// `Ok`: what keeps the node waiting, if it does.
///
/// # Errors
/// What keeps the node from starting.
pub(crate) fn check(network: &NetworkConf) -> Result<Option<String>, String> {
    let interfaces = identity::interfaces().unwrap_or_default();
    let candidates = identity::candidates(network.bindnetaddr, &interfaces);
    if candidates.is_empty() {
        let absent = absent(network, &interfaces);
        if !network.interface_wait {
            return Err(format!("{absent}. Correct network.conf, or set `interface-wait:yes`"));
        }
        let text =
            format!("{absent}. Waiting for it; correct network.conf if it is none of this machine");
        return Ok(Some(text));
    }
    match identity::choose(&candidates, &network.members) {
        None => Err(no_own_member(&addresses(&candidates))),
        Some(_) => Ok(None),
    }
}

/// What is to be said if `bindnetaddr` may mean several addresses of this machine.
pub(crate) fn doubt_of_address(network: &NetworkConf) -> Option<String> {
    let interfaces = identity::interfaces().unwrap_or_default();
    let candidates = identity::candidates(network.bindnetaddr, &interfaces);
    identity::doubt(network.bindnetaddr, &candidates, &network.members)
}

/// What is wrong with `nodename` if it is the address of another node. `None`
/// too if it is not known which this node has.
pub(crate) fn doubt_of_nodename(network: &NetworkConf) -> Option<String> {
    let name = std::str::from_utf8(network.nodename.as_ref()?.as_bytes()).ok()?;
    let address: Ipv4Addr = name.parse().ok()?;
    let interfaces = identity::interfaces().unwrap_or_default();
    let candidates = identity::candidates(network.bindnetaddr, &interfaces);
    let own = identity::choose(&candidates, &network.members)?;
    (own.address() != address).then(|| {
        let whose =
            if network.members.contains(&address) { "another member" } else { "another node" };
        format!(
            "nodename:{address} is the address of {whose}, and this node has {own}: programs, and \
             `node =` in groups.conf, take the one for the other; give another name, or remove \
             the line"
        )
    })
}

fn addresses(interfaces: &[Interface]) -> Vec<Ipv4Addr> {
    interfaces.iter().map(Interface::address).collect()
}

fn absent(network: &NetworkConf, interfaces: &[Interface]) -> String {
    let list: Vec<String> = interfaces.iter().map(ToString::to_string).collect();
    format!(
        "bindnetaddr: no interface has an address in the network of {}; there are {}",
        network.bindnetaddr,
        list.join(", ")
    )
}

/// Joins the network as soon as its interface is there. `None` if the daemon
/// is stopped before.
///
/// # Errors
/// In words, if waiting does not help or is not wanted.
pub(crate) fn join(
    network: &NetworkConf,
    signals: &Signals,
    epoll: &Rc<Epoll>,
    token: u64,
) -> Result<Option<Joined>, String> {
    let mut seen = None;
    loop {
        let waits_for = check(network)?;
        let interfaces = identity::interfaces().unwrap_or_default();
        if let Some(joined) = open(network, &interfaces, epoll, token)? {
            log::info!("this node is {}", joined.node);
            return Ok(Some(joined));
        }
        if let Some(absent) = waits_for
            && seen.as_ref() != Some(&interfaces)
        {
            log::warn!("{absent}");
            seen = Some(interfaces);
        }
        if signals.stop_within_a_second() {
            return Ok(None);
        }
    }
}

fn open(
    network: &NetworkConf,
    interfaces: &[Interface],
    epoll: &Rc<Epoll>,
    token: u64,
) -> Result<Option<Joined>, String> {
    let candidates = identity::candidates(network.bindnetaddr, interfaces);
    let Some(node) = identity::choose(&candidates, &network.members) else { return Ok(None) };
    let Some(place) = identity::find(node, interfaces) else { return Ok(None) };
    let transport = match network.transport {
        Transport::Multicast => {
            udp::Transport::Multicast { group: network.mcastaddr, ttl: network.ttl }
        }
        Transport::Unicast => udp::Transport::Unicast {
            members: network.members.iter().map(|member| NodeId::new(*member)).collect(),
        },
    };
    let settings = udp::Settings { me: node, port: network.mcastport, transport };
    match Udp::open(settings, place, Rc::clone(epoll), token) {
        Ok(udp) => Ok(Some(Joined { node, udp })),
        Err(OpenError::Absent) => Ok(None),
        Err(OpenError::Wrong(text)) => Err(text),
    }
}

/// The longest datagram that fits the network, in bytes.
pub(crate) fn longest_datagram(network: &NetworkConf, node: NodeId) -> usize {
    let default = if node.address().is_loopback() { LOOPBACK_MTU } else { ETHERNET_MTU };
    usize::from(network.mtu.unwrap_or(default)) - udp::HEADERS
}

/// `mtu` of an address in 127/8, where larger packets are faster.
const LOOPBACK_MTU: u16 = 16384;
const ETHERNET_MTU: u16 = 1500;
