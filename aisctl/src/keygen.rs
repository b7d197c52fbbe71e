//! `aisctl keygen`: a new key for a cluster.

use crate::given::Given;
use crate::{Failure, output};
use ais_seal::{Key, KeyId};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Only its owner may read and write the file.
const MODE: u32 = 0o600;

/// Writes a file with a new key.
///
/// # Errors
/// If the file is there already, or cannot be written; no key is in it then.
pub(crate) fn run(given: &Given) -> Result<ExitCode, Failure> {
    let path = Path::new(given.value(0));
    let key = drawn().ok_or_else(|| Failure::Words("there is no randomness".into()))?;
    let text = Zeroizing::new(format!("{}\n", *key.to_line()));
    // What is there is not followed and not replaced: it may be the key in use.
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => output::print(&format!(
            "key {} is in {}; copy it to every node, for the user aisexec runs as alone\n",
            key.id(),
            path.display()
        ))
        .map(|()| ExitCode::SUCCESS),
        Err(error) => Err(Failure::Words(format!("{}: {error}", path.display()))),
    }
}

fn drawn() -> Option<Key> {
    let (mut id, mut secret) = ([0; 4], Zeroizing::new([0; 32]));
    let random = SystemRandom::new();
    random.fill(&mut id).ok()?;
    random.fill(&mut *secret).ok()?;
    Some(Key::new(KeyId(u32::from_le_bytes(id)), *secret))
}
