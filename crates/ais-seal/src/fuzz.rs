//! What the fuzz target `seals` runs.

use crate::header::Kind;
use crate::{Guard, Key, KeyId, Keys, Opened};
use ais_wire::{NodeId, Reader};

/// The longest body.
const LONGEST: u16 = 1400;

/// Bytes as they come from the network, and bodies that who has the key has sealed.
/// Nothing may panic, and what is opened is what was sealed.
///
/// # Panics
/// If it is not.
pub fn datagrams(bytes: &[u8]) {
    let [one, other] = [1, 2].map(|host| NodeId::new([10, 0, 0, host].into()));
    let keys = || Keys::one(Key::new(KeyId(1), [1; 32]));
    let mut guard = Guard::new(one, keys(), [1; 32], true);
    let mut peer = Guard::new(other, keys(), [2; 32], false);
    let mut input = Reader::new(bytes);
    let mut now = 0;
    while let (Ok(kind), Ok(length)) = (input.u8(), input.u16()) {
        let length = usize::from(length % LONGEST).min(input.remaining());
        let Ok(body) = input.take(length) else { return };
        now += u64::from(kind) << 22;
        let kind = match kind % 7 {
            0 => Kind::Packet,
            1 => Kind::Greeting,
            2 => Kind::Challenge,
            3 => Kind::Answer,
            4 => {
                let _ = guard.open(now, other, body);
                continue;
            }
            5 => {
                guard.look(now);
                continue;
            }
            _ => {
                exchange(now, &mut guard, (one, other), &mut peer);
                continue;
            }
        };
        let to = (body.len() % 2 == 0).then_some(one);
        let Some(datagram) = peer.seal_as(to, kind, body) else { return };
        match guard.open(now, other, &datagram) {
            Opened::Packet(packet) => assert_eq!(packet, body),
            Opened::Taken | Opened::Refused(_) => {}
        }
    }
}

/// The guards carry what they have to say to each other.
fn exchange(now: u64, guard: &mut Guard, (one, other): (NodeId, NodeId), peer: &mut Guard) {
    for _ in 0..4 {
        while let Some((_, datagram)) = guard.poll() {
            let _ = peer.open(now, one, &datagram);
        }
        while let Some((_, datagram)) = peer.poll() {
            let _ = guard.open(now, other, &datagram);
        }
    }
}

/// The text of a key file. What is read is the same after it was written again.
///
/// # Panics
/// If it is not.
pub fn key_file(text: &str) {
    let Ok(keys) = Keys::parse(text) else { return };
    let again: String = keys.iter().map(|key| format!("{}\n", *key.to_line())).collect();
    assert_eq!(Keys::parse(&again), Ok(keys));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_reached() {
        let mut bytes = Vec::new();
        for kind in [1, 6, 0, 2, 3, 4, 5, 6, 0] {
            bytes.extend([kind, 40, 0]);
            bytes.extend([kind; 40]);
        }
        datagrams(&bytes);
        key_file(&Key::new(KeyId(7), [3; 32]).to_line());
    }
}
