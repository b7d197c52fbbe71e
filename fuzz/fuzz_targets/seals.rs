//! What arrives from the network where the cluster has a key: datagrams, bodies that who
//! has the key has sealed; and the text of a key file. Nothing may panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ais_seal::fuzz::datagrams(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        ais_seal::fuzz::key_file(text);
    }
});
