//! What the switch has to know of an Ethernet frame.

use super::link::Cast;

/// Bytes of an Ethernet header.
const HEADER: usize = 14;
/// Where the type of the payload stands.
const TYPE: usize = 12;
/// Where an IPv4 packet says whether it is a fragment.
const FRAGMENT: usize = HEADER + 6;
/// Where it names its protocol.
const PROTOCOL: usize = HEADER + 9;
/// UDP, as IPv4 names it.
const UDP: u8 = 17;
/// Where a UDP datagram has its checksum, after the IPv4 header.
const CHECKSUM: usize = 6;

/// The hardware address of an interface.
pub(super) type Address = [u8; 6];

/// What is in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// A packet of so many bytes, its IPv4 header included.
    Ipv4(Cast, usize),
    /// How hosts find each other's hardware addresses.
    Arp,
    /// Anything else, as what kernels say to each other over IPv6.
    Other,
}

impl Payload {
    pub(super) fn of(frame: &[u8]) -> Self {
        let length = frame.len().saturating_sub(HEADER);
        match frame.get(TYPE..HEADER) {
            Some([0x08, 0x00]) => {
                let is_group = frame[0] & 1 == 1;
                Self::Ipv4(if is_group { Cast::Multicast } else { Cast::Unicast }, length)
            }
            Some([0x08, 0x06]) => Self::Arp,
            _ => Self::Other,
        }
    }
}

/// To whom a frame goes.
pub(super) fn destination(frame: &[u8]) -> Option<Address> {
    frame.first_chunk().copied()
}

/// From whom it comes.
pub(super) fn source(frame: &[u8]) -> Option<Address> {
    frame.get(6..).and_then(|rest| rest.first_chunk()).copied()
}

/// Where the data of a UDP datagram begin, unless it was cut into fragments.
pub(super) fn udp_data(frame: &[u8]) -> Option<usize> {
    let words = usize::from(frame.get(HEADER)? & 15);
    let fragment = frame.get(FRAGMENT..FRAGMENT + 2)?;
    let is_whole = fragment[0] & 0x3f == 0 && fragment[1] == 0;
    let data = HEADER + 4 * words + 8;
    let is_udp = frame.get(PROTOCOL) == Some(&UDP);
    (is_whole && is_udp && data <= frame.len()).then_some(data)
}

/// Takes the checksum out of a UDP datagram, which means that there is none. A
/// kernel leaves it to the hardware, which is not there; and damage is to reach
/// the program.
pub(super) fn remove_checksum(frame: &mut [u8]) {
    if let Some(data) = udp_data(frame) {
        frame[data - 8 + CHECKSUM..data].fill(0);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A frame with a UDP datagram, which makes an IPv4 packet of so many bytes.
    pub(crate) fn udp(from: Address, to: Address, length: usize) -> Vec<u8> {
        let mut frame = vec![7; HEADER + length];
        frame[..6].copy_from_slice(&to);
        frame[6..TYPE].copy_from_slice(&from);
        frame[TYPE..HEADER].copy_from_slice(&[8, 0]);
        frame[HEADER] = 0x45;
        frame[FRAGMENT..FRAGMENT + 2].fill(0);
        frame[PROTOCOL] = UDP;
        frame
    }

    #[test]
    fn kinds_and_lengths_are_those_of_the_packet() {
        let (own, other, group) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [1, 0, 0x5e, 0, 0, 1]);
        let unicast = udp(own, other, 100);
        assert_eq!(Payload::of(&unicast), Payload::Ipv4(Cast::Unicast, 100));
        let multicast = Payload::Ipv4(Cast::Multicast, 1500);
        assert_eq!(Payload::of(&udp(own, group, 1500)), multicast);
        assert_eq!((source(&unicast), destination(&unicast)), (Some(own), Some(other)));
        let mut arp = unicast.clone();
        arp[TYPE + 1] = 6;
        assert_eq!(Payload::of(&arp), Payload::Arp);
        arp[TYPE..HEADER].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(Payload::of(&arp), Payload::Other);
        for length in 0..unicast.len() {
            // Whatever is cut short is read without a panic.
            let _ = (Payload::of(&unicast[..length]), udp_data(&unicast[..length]));
        }
    }

    #[test]
    fn only_whole_datagrams_lose_their_checksum() {
        let mut frame = udp([2; 6], [4; 6], 100);
        remove_checksum(&mut frame);
        assert_eq!(frame[38..44], [7, 7, 0, 0, 7, 7]);
        for place in [FRAGMENT, FRAGMENT + 1] {
            let mut fragment = udp([2; 6], [4; 6], 100);
            fragment[place] = 0x20;
            let before = fragment.clone();
            remove_checksum(&mut fragment);
            assert_eq!(fragment, before);
        }
    }
}
