//! Which address this node has, and on which interface.

use ais_wire::NodeId;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

/// An IPv4 address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    name: String,
    address: Ipv4Addr,
    netmask: Ipv4Addr,
    is_running: bool,
}

/// The interface that has the address of this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its name, for people.
    pub(crate) name: String,
    /// Its number: another one if it was made again.
    pub(crate) index: u32,
    /// Whether it is up and has a link.
    pub(crate) is_running: bool,
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.name, self.address, u32::from(self.netmask).count_ones())
    }
}

impl Interface {
    fn is_near(&self, address: Ipv4Addr) -> bool {
        self.address & self.netmask == address & self.netmask
    }
}

/// The IPv4 addresses of this machine now.
///
/// # Errors
/// What getifaddrs(3) says.
pub(crate) fn interfaces() -> nix::Result<Vec<Interface>> {
    let ipv4 =
        |address: Option<nix::sys::socket::SockaddrStorage>| Some(address?.as_sockaddr_in()?.ip());
    let running = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    Ok(getifaddrs()?
        .filter_map(|found| {
            Some(Interface {
                name: found.interface_name,
                address: ipv4(found.address)?,
                netmask: ipv4(found.netmask).unwrap_or(Ipv4Addr::BROADCAST),
                is_running: found.flags.contains(running),
            })
        })
        .collect())
}

/// The addresses that `bindnetaddr` may mean, the best first: one in 127/8
/// itself; else the same address; else all in the same network.
pub(crate) fn candidates(bindnetaddr: Ipv4Addr, interfaces: &[Interface]) -> Vec<Ipv4Addr> {
    let near = || interfaces.iter().filter(|interface| interface.is_near(bindnetaddr));
    let is_exact = interfaces.iter().any(|interface| interface.address == bindnetaddr);
    if is_exact || bindnetaddr.is_loopback() && near().next().is_some() {
        return vec![bindnetaddr];
    }
    near().map(|interface| interface.address).collect()
}

/// The one of `candidates` that this node has: the first, or the first that is
/// among the members if there are any.
pub(crate) fn choose(candidates: &[Ipv4Addr], members: &BTreeSet<Ipv4Addr>) -> Option<NodeId> {
    let mut fitting =
        candidates.iter().filter(|address| members.is_empty() || members.contains(address));
    fitting.next().map(|address| NodeId::new(*address))
}

/// Where `node` is among `interfaces`.
pub(crate) fn find(node: NodeId, interfaces: &[Interface]) -> Option<Place> {
    let address = node.address();
    let found = interfaces.iter().find(|interface| {
        interface.address == address || address.is_loopback() && interface.is_near(address)
    })?;
    let index = if_nametoindex(found.name.as_str()).ok()?;
    Some(Place { name: found.name.clone(), index, is_running: found.is_running })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: [u8; 4], netmask: [u8; 4]) -> Interface {
        let (address, netmask) = (address.into(), netmask.into());
        Interface { name: name.into(), address, netmask, is_running: true }
    }

    fn sample() -> Vec<Interface> {
        vec![
            interface("lo", [127, 0, 0, 1], [255, 0, 0, 0]),
            interface("eth0", [192, 168, 1, 7], [255, 255, 255, 0]),
            interface("eth0", [192, 168, 1, 8], [255, 255, 255, 0]),
            interface("eth1", [10, 4, 200, 1], [255, 255, 0, 0]),
        ]
    }

    fn chosen(bindnetaddr: [u8; 4], members: &[[u8; 4]]) -> Option<[u8; 4]> {
        let members = members.iter().map(|member| (*member).into()).collect();
        let node = choose(&candidates(bindnetaddr.into(), &sample()), &members);
        node.map(|node| node.address().octets())
    }

    #[test]
    fn a_network_or_an_address_names_the_interface() {
        assert_eq!(chosen([192, 168, 1, 0], &[]), Some([192, 168, 1, 7]));
        assert_eq!(chosen([192, 168, 1, 8], &[]), Some([192, 168, 1, 8]));
        assert_eq!(chosen([10, 4, 0, 0], &[]), Some([10, 4, 200, 1]));
        assert_eq!(chosen([10, 5, 0, 0], &[]), None);
    }

    #[test]
    fn loopback_addresses_are_taken_as_they_are() {
        assert_eq!(chosen([127, 0, 0, 1], &[]), Some([127, 0, 0, 1]));
        assert_eq!(chosen([127, 0, 0, 3], &[]), Some([127, 0, 0, 3]));
        assert_eq!(candidates([127, 0, 0, 1].into(), &sample()[1..]), [Ipv4Addr::UNSPECIFIED; 0]);
    }

    #[test]
    fn of_several_addresses_a_member_is_taken() {
        let members = [[192, 168, 1, 8], [192, 168, 1, 9]];
        assert_eq!(chosen([192, 168, 1, 0], &members), Some([192, 168, 1, 8]));
        assert_eq!(chosen([192, 168, 1, 7], &members), None);
    }

    #[test]
    fn this_machine_has_interfaces() {
        let interfaces = interfaces().unwrap();
        let lo = find(NodeId::new([127, 0, 0, 1].into()), &interfaces).unwrap();
        assert_eq!((lo.name.as_str(), lo.is_running), ("lo", true));
        assert_eq!(find(NodeId::new([127, 9, 9, 9].into()), &interfaces), Some(lo));
        assert_eq!(find(NodeId::new([203, 0, 113, 1].into()), &interfaces), None);
    }
}
