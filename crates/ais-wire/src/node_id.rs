//! The identity of a node: its IPv4 address.

use std::fmt;
use std::net::Ipv4Addr;

/// Nodes of a cluster at most.
pub const MAX_NODES: usize = 128;

/// A node, named by its IPv4 address. Nodes are ordered by address, first
/// octet first: that is what "the lowest member" means everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Ipv4Addr);

impl NodeId {
    /// The node at this address.
    #[must_use]
    pub const fn new(address: Ipv4Addr) -> Self {
        Self(address)
    }

    /// The address of the node.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.0
    }

    /// The node as `SaClmNodeIdT` shows it: the address in network byte order,
    /// read as a number of this machine (192.168.77.1 is 0x14da8c0 on x86).
    #[must_use]
    pub fn to_api(self) -> u32 {
        u32::from_ne_bytes(self.0.octets())
    }

    /// The node that [`NodeId::to_api`] shows as `number`.
    #[must_use]
    pub fn from_api(number: u32) -> Self {
        Self(Ipv4Addr::from(number.to_ne_bytes()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_number_is_the_address_in_memory_order() {
        let node = NodeId::new(Ipv4Addr::new(192, 168, 77, 1));
        assert_eq!(node.to_api().to_ne_bytes(), [192, 168, 77, 1]);
        assert_eq!(NodeId::from_api(node.to_api()), node);
        assert!(node < NodeId::new(Ipv4Addr::new(192, 168, 77, 2)));
    }
}
