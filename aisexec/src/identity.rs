//! Which address this node has, and on which interface.

use ais_wire::NodeId;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use std::cmp::Reverse;
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
        write!(f, "{} {}/{}", self.name, self.address, self.prefix())
    }
}

impl Interface {
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    fn is_near(&self, address: Ipv4Addr) -> bool {
        self.network() == address & self.netmask
    }

    fn network(&self) -> Ipv4Addr {
        self.address & self.netmask
    }

    fn prefix(&self) -> u32 {
        u32::from(self.netmask).count_ones()
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
/// itself; else the same address; else those in a network that it is the address
/// of; else those in a network that it is in, the smallest one first. Each once.
pub(crate) fn candidates(bindnetaddr: Ipv4Addr, interfaces: &[Interface]) -> Vec<Interface> {
    let near = interfaces.iter().filter(|interface| interface.is_near(bindnetaddr));
    let exact = |interface: &&Interface| interface.address == bindnetaddr;
    let mut near: Vec<Interface> = near.cloned().collect();
    let own = widest(interfaces.iter().filter(exact)).cloned();
    if bindnetaddr.is_loopback() && own.is_none() {
        near.truncate(1);
        near.iter_mut().for_each(|interface| interface.address = bindnetaddr);
    }
    if let Some(own) = own {
        return vec![own];
    }
    near.sort_by_key(|interface| (interface.network() != bindnetaddr, Reverse(interface.prefix())));
    let mut seen = BTreeSet::new();
    near.retain(|interface| seen.insert(interface.address));
    near
}

/// The `candidates` that may be this node, the best first: all, or only members
/// if there are any among them.
pub(crate) fn fitting<'a>(
    candidates: &'a [Interface],
    members: &BTreeSet<Ipv4Addr>,
) -> Vec<&'a Interface> {
    let fits = |found: &&Interface| members.is_empty() || members.contains(&found.address);
    candidates.iter().filter(fits).collect()
}

/// The address that this node takes of `candidates`.
pub(crate) fn choose(candidates: &[Interface], members: &BTreeSet<Ipv4Addr>) -> Option<NodeId> {
    let best = fitting(candidates, members).first().copied();
    best.map(|interface| NodeId::new(interface.address))
}

/// What is to be said if `bindnetaddr` may mean several of them.
pub(crate) fn doubt(
    bindnetaddr: Ipv4Addr,
    candidates: &[Interface],
    members: &BTreeSet<Ipv4Addr>,
) -> Option<String> {
    let fitting = fitting(candidates, members);
    let [best, other, ..] = fitting[..] else { return None };
    let list: Vec<String> = fitting.iter().map(ToString::to_string).collect();
    Some(format!(
        "bindnetaddr:{bindnetaddr} may mean any of {}; {best} is taken. Give the address itself to \
         choose, as `bindnetaddr:{}` or `bindnetaddr:{}`",
        list.join(", "),
        best.address,
        other.address
    ))
}

/// Where `node` is among `interfaces`.
pub(crate) fn find(node: NodeId, interfaces: &[Interface]) -> Option<Place> {
    let address = node.address();
    let found = widest(interfaces.iter().filter(|interface| {
        interface.address == address || address.is_loopback() && interface.is_near(address)
    }))?;
    let index = if_nametoindex(found.name.as_str()).ok()?;
    Some(Place { name: found.name.clone(), index, is_running: found.is_running })
}

/// Of interfaces with one address the one with the widest network, the first if
/// there are several: an alias of a single address, as on the loopback interface,
/// leads nowhere.
fn widest<'a>(interfaces: impl Iterator<Item = &'a Interface>) -> Option<&'a Interface> {
    interfaces.min_by_key(|interface| interface.prefix())
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
        assert_eq!(candidates([127, 0, 0, 1].into(), &sample()[1..]), []);
    }

    /// What is taken, and what is said.
    fn taken(bindnetaddr: [u8; 4], interfaces: &[Interface]) -> (String, String) {
        let found = candidates(bindnetaddr.into(), interfaces);
        let doubt = doubt(bindnetaddr.into(), &found, &BTreeSet::new());
        (found[0].to_string(), doubt.unwrap_or_default())
    }

    #[test]
    fn the_network_itself_is_taken_before_one_around_it() {
        let lo = interface("lo", [10, 0, 0, 1], [255, 0, 0, 0]);
        let eth = interface("eth0", [10, 9, 0, 3], [255, 255, 255, 0]);
        let vpn = interface("tun0", [10, 9, 0, 1], [255, 255, 0, 0]);
        let all = [lo, vpn, eth];
        assert_eq!(taken([10, 9, 0, 0], &all[..2]).0, "tun0 10.9.0.1/16");
        assert_eq!(taken([10, 0, 0, 0], &all).0, "lo 10.0.0.1/8");
        assert_eq!(taken([10, 9, 7, 0], &all).0, "tun0 10.9.0.1/16");
        assert_eq!(taken([10, 9, 0, 200], &all).0, "eth0 10.9.0.3/24", "the longest prefix");
        // It is the network of two.
        let (best, said) = taken([10, 9, 0, 0], &all);
        assert_eq!(best, "eth0 10.9.0.3/24");
        assert_eq!(
            said,
            "bindnetaddr:10.9.0.0 may mean any of eth0 10.9.0.3/24, tun0 10.9.0.1/16, \
             lo 10.0.0.1/8; eth0 10.9.0.3/24 is taken. Give the address itself to choose, as \
             `bindnetaddr:10.9.0.3` or `bindnetaddr:10.9.0.1`"
        );
        assert_eq!(taken([10, 9, 0, 1], &all), ("tun0 10.9.0.1/16".into(), String::new()));
    }

    #[test]
    fn an_alias_and_a_point_to_point_link_are_addresses_of_their_own() {
        let alias = interface("lo", [10, 9, 0, 3], [255; 4]);
        let virtual_ip = interface("eth0", [10, 9, 0, 100], [255; 4]);
        let eth = interface("eth0", [10, 9, 0, 3], [255, 255, 255, 0]);
        let point = interface("ppp0", [10, 8, 0, 2], [255; 4]);
        let all = [alias, virtual_ip, eth, point];
        let sure = |text: &str| (text.to_owned(), String::new());
        assert_eq!(taken([10, 9, 0, 0], &all), sure("eth0 10.9.0.3/24"));
        assert_eq!(taken([10, 9, 0, 3], &all), sure("eth0 10.9.0.3/24"), "not the alias on lo");
        assert_eq!(taken([10, 9, 0, 100], &all), sure("eth0 10.9.0.100/32"));
        assert_eq!(taken([10, 8, 0, 2], &all), sure("ppp0 10.8.0.2/32"));
        assert_eq!(candidates([10, 8, 0, 0].into(), &all), []);
    }

    #[test]
    fn several_addresses_in_one_network_are_said() {
        let second = interface("eth1", [192, 168, 1, 9], [255, 255, 255, 0]);
        let same = interface("eth2", [192, 168, 1, 7], [255, 255, 255, 0]);
        let all = [&sample()[..], &[second, same]].concat();
        let (best, said) = taken([192, 168, 1, 0], &all);
        assert_eq!(best, "eth0 192.168.1.7/24");
        let list = "eth0 192.168.1.7/24, eth0 192.168.1.8/24, eth1 192.168.1.9/24; eth0";
        assert!(said.contains(list), "{said}");
        // Members choose.
        let found = candidates([192, 168, 1, 0].into(), &all);
        let doubt = |members: &[[u8; 4]]| {
            let members = members.iter().map(|member| (*member).into()).collect();
            doubt([192, 168, 1, 0].into(), &found, &members)
        };
        assert_eq!(doubt(&[[192, 168, 1, 8], [192, 168, 1, 20]]), None);
        assert!(doubt(&[[192, 168, 1, 8], [192, 168, 1, 9]]).unwrap().contains("any of eth0 192"));
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
