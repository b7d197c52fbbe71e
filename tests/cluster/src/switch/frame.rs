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
pub(crate) type Address = [u8; 6];

/// The address of a node behind a switch, as it is made.
pub(crate) fn address(node: usize) -> Address {
    let [high, low] = (node as u16).to_be_bytes();
    [2, 0, 0, 0, high, low]
}

/// How the packet in a frame is addressed, and its bytes with the IPv4 header;
/// none if it is something else, as what kernels say to each other over IPv6.
pub(super) fn packet(frame: &[u8]) -> Option<(Cast, usize)> {
    let cast = if frame.first()? & 1 == 1 { Cast::Multicast } else { Cast::Unicast };
    (frame.get(TYPE..HEADER)? == [8, 0]).then(|| (cast, frame.len() - HEADER))
}

/// Whether a frame is for this node.
pub(super) fn is_for(frame: &[u8], cast: Cast, node: usize) -> bool {
    cast == Cast::Multicast || frame.starts_with(&address(node))
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

/// Flips a bit of the data of a UDP datagram, or of the frame if that is none: the one at
/// `place`, counted round and round.
pub(crate) fn flip(frame: &mut [u8], place: u64) {
    let data = udp_data(frame).unwrap_or(0);
    if let Some(data) = frame.get_mut(data..).filter(|data| !data.is_empty()) {
        let bit = (place % (8 * data.len() as u64)) as usize;
        data[bit / 8] ^= 1 << (bit % 8);
    }
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
        let unicast = udp(address(0), address(300), 100);
        assert_eq!(packet(&unicast), Some((Cast::Unicast, 100)));
        let for_whom = |node| is_for(&unicast, Cast::Unicast, node);
        assert!(for_whom(300) && !for_whom(44) && !for_whom(0));
        let multicast = udp(address(0), [1, 0, 0x5e, 0, 0, 1], 1500);
        assert_eq!(packet(&multicast), Some((Cast::Multicast, 1500)));
        assert!(is_for(&multicast, Cast::Multicast, 44));
        let mut other = unicast.clone();
        other[TYPE..HEADER].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(packet(&other), None);
        for length in 0..unicast.len() {
            // Whatever is cut short is read without a panic.
            let _ = (packet(&unicast[..length]), udp_data(&unicast[..length]));
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
