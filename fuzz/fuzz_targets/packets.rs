//! What arrives from the network: datagrams, the bodies of packets whose
//! headers are right, and the chunks of messages in them. Nothing may panic,
//! and a packet that decodes is the same after a round trip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ais_totem::fuzz::packets(bytes));
