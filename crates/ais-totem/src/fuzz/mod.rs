//! The door of the fuzzer, of the simulator and of the micro-benches to what arrives
//! from the network.

mod forge;
mod frames;

pub use forge::forge;
pub use frames::Frames;

use crate::messages::{Assembly, needs_safe};
use crate::packet::{Codec, Packet, Payload};
use crate::settings::MAX_SETTINGS;
use ais_wire::{Name, NodeId, Reader};

const MAX_MESSAGE: usize = 4096;

/// Reads bytes as a datagram, then as kinds and bodies of datagrams whose
/// headers are right.
///
/// # Panics
/// If a packet is not the same after a round trip, or a message is not what
/// the chunks can have made.
pub fn packets(bytes: &[u8]) {
    let cluster = Name::default();
    let [sender, receiver] = [1, 2].map(|host| NodeId::new([10, 0, 0, host].into()));
    let (theirs, ours) = (Codec::new(sender, &cluster, &[]), Codec::new(receiver, &cluster, &[]));
    let mut assembly = Assembly::new(MAX_MESSAGE);
    let _ = ours.decode(sender, bytes);
    let mut input = Reader::new(bytes);
    while let (Ok(kind), Ok(length)) = (input.u8(), input.u16()) {
        let body = input.take(usize::from(length)).unwrap_or_else(|_| input.clone().rest());
        let datagram = theirs.seal(kind, body.len(), |out| {
            out.raw(body);
        });
        let Ok((packet, told)) = ours.decode(sender, &datagram) else { continue };
        // Of settings that are too many some are left out.
        let told = told.unwrap_or_default();
        if told.settings.len() < MAX_SETTINGS {
            let mut again = Codec::new(sender, &cluster, &told.settings);
            again.tell_twice(&told.twice);
            let again = again.with_incarnation(told.incarnation);
            assert_eq!(again.encode(&packet), datagram);
        }
        let Packet::Data(data) = packet else { continue };
        let (Payload::New { from, chunks } | Payload::Recovered { from, chunks, .. }) =
            data.payload;
        let messages = assembly.take(from, &chunks);
        assert!(messages.iter().all(|message| message.bytes.len() <= MAX_MESSAGE));
        assert!(messages.is_sorted_by(|a, b| a.index < b.index));
        let is_safe =
            |message: &crate::messages::Message| message.guarantee == crate::Guarantee::Safe;
        assert!(needs_safe(&chunks) || !messages.iter().any(is_safe));
    }
}
