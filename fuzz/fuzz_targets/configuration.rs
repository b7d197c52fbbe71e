//! Both configuration files. Nothing may panic, and every error names a line
//! of the file, or the one after its last.
#![no_main]

use aisexec::config::{groups_conf, network_conf};
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("file");
    let _ = groups_conf::parse(path, bytes);
    let _ = network_conf::parse(path, bytes);
});
