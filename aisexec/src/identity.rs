//! Which address this node has.

use ais_wire::NodeId;
use nix::ifaddrs::getifaddrs;
use std::fmt;
use std::net::Ipv4Addr;

/// An IPv4 address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    name: String,
    address: Ipv4Addr,
    netmask: Ipv4Addr,
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.name, self.address, u32::from(self.netmask).count_ones())
    }
}

/// The IPv4 addresses of this machine now.
///
/// # Errors
/// What getifaddrs(3) says.
pub(crate) fn interfaces() -> nix::Result<Vec<Interface>> {
    let ipv4 =
        |address: Option<nix::sys::socket::SockaddrStorage>| Some(address?.as_sockaddr_in()?.ip());
    Ok(getifaddrs()?
        .filter_map(|found| {
            Some(Interface {
                name: found.interface_name,
                address: ipv4(found.address)?,
                netmask: ipv4(found.netmask).unwrap_or(Ipv4Addr::BROADCAST),
            })
        })
        .collect())
}

/// The address that `bindnetaddr` names: one in 127/8 itself; else the same
/// address, or the first in the same network, among `interfaces`.
pub(crate) fn choose(bindnetaddr: Ipv4Addr, interfaces: &[Interface]) -> Option<NodeId> {
    if bindnetaddr.is_loopback() {
        return Some(NodeId::new(bindnetaddr));
    }
    let is_same = |interface: &&Interface| interface.address == bindnetaddr;
    let is_near = |interface: &&Interface| {
        let mask = interface.netmask;
        interface.address & mask == bindnetaddr & mask
    };
    let found = interfaces.iter().find(is_same).or_else(|| interfaces.iter().find(is_near));
    found.map(|interface| NodeId::new(interface.address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: [u8; 4], netmask: [u8; 4]) -> Interface {
        Interface { name: name.into(), address: address.into(), netmask: netmask.into() }
    }

    fn chosen(bindnetaddr: [u8; 4]) -> Option<[u8; 4]> {
        let interfaces = [
            interface("lo", [127, 0, 0, 1], [255, 0, 0, 0]),
            interface("eth0", [192, 168, 1, 7], [255, 255, 255, 0]),
            interface("eth0", [192, 168, 1, 8], [255, 255, 255, 0]),
            interface("eth1", [10, 4, 200, 1], [255, 255, 0, 0]),
        ];
        choose(bindnetaddr.into(), &interfaces).map(|node| node.address().octets())
    }

    #[test]
    fn a_network_or_an_address_names_the_interface() {
        assert_eq!(chosen([192, 168, 1, 0]), Some([192, 168, 1, 7]));
        assert_eq!(chosen([192, 168, 1, 8]), Some([192, 168, 1, 8]));
        assert_eq!(chosen([10, 4, 0, 0]), Some([10, 4, 200, 1]));
        assert_eq!(chosen([10, 5, 0, 0]), None);
    }

    #[test]
    fn loopback_addresses_are_taken_as_they_are() {
        assert_eq!(chosen([127, 0, 0, 1]), Some([127, 0, 0, 1]));
        assert_eq!(chosen([127, 0, 0, 3]), Some([127, 0, 0, 3]));
    }

    #[test]
    fn this_machine_has_interfaces() {
        assert!(interfaces().unwrap().iter().any(|interface| interface.address.is_loopback()));
    }
}
