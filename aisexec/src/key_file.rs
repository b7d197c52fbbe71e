//! The key file: where it is, who may read it, and what is in it.

use crate::config::{ConfigError, NetworkConf};
use ais_totem::seal::Keys;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name of the key file in the directory of the configuration.
const NAME: &str = "key";
/// The longest key file, in bytes.
const LONGEST: u64 = 16 << 10;
/// The bits of the mode that give a right to the group of the file or to others.
const OTHERS: u32 = 0o077;

/// Where the key is.
#[derive(Debug, Clone)]
pub(crate) struct KeyFile {
    path: PathBuf,
    /// network.conf names it, so that it has to be there.
    is_named: bool,
}

impl KeyFile {
    /// The file that network.conf in `directory` names, or the one beside it.
    pub(crate) fn of(directory: &Path, network: &NetworkConf) -> Self {
        match &network.key {
            Some(path) => Self { path: path.clone(), is_named: true },
            None => Self::beside(directory),
        }
    }

    /// The file in the directory of the configuration, if it is there.
    pub(crate) fn beside(directory: &Path) -> Self {
        Self { path: directory.join(NAME), is_named: false }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The keys in it; `None` if there is no file and need be none.
    ///
    /// # Errors
    /// What is wrong with the file, and how it is mended.
    pub(crate) fn read(&self) -> Result<Option<Keys>, ConfigError> {
        let wrong = |line, message| ConfigError { path: self.path.clone(), line, message };
        match self.open() {
            Ok(file) => {
                let text = text(file).map_err(|message| wrong(None, message))?;
                let keys = Keys::parse(&text);
                keys.map(Some).map_err(|error| wrong(Some(error.line), error.what))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_named => Ok(None),
            Err(error) => Err(wrong(None, unreadable(&error))),
        }
    }

    /// Opens the file, but not where a symbolic link leads to; a FIFO is not waited for.
    fn open(&self) -> io::Result<File> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        OpenOptions::new().read(true).custom_flags(flags.bits()).open(&self.path)
    }
}

/// What stands in the file, if nobody else can know or change it.
fn text(file: File) -> Result<String, String> {
    let unreadable = |error: io::Error| unreadable(&error);
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err("is no regular file; `aisctl keygen FILE` writes one".into());
    }
    let me = geteuid().as_raw();
    if found.uid() != me && found.uid() != 0 {
        return Err(format!(
            "belongs to user {}, who can change it; `chown {me}` it to the user aisexec runs as",
            found.uid()
        ));
    }
    let mode = found.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(format!("has mode {mode:04o}, so that others know the key; `chmod 0600` it"));
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("is larger than {LONGEST} bytes; remove what is no key"));
    }
    Ok(text)
}

fn unreadable(error: &io::Error) -> String {
    let advice = match error.raw_os_error() {
        Some(libc::ELOOP) => "a symbolic link is not followed; put the file itself there",
        Some(libc::ENOENT) => "`aisctl keygen FILE` writes one; all nodes need the same",
        Some(libc::EACCES) => "make it readable for the user aisexec runs as",
        _ => "correct `key` in network.conf",
    };
    format!("cannot be read ({error}); {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_totem::seal::{Key, KeyId};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A directory that goes when the test ends.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ais-key-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn key(&self, text: &str, mode: u32) -> KeyFile {
            let path = self.0.join(NAME);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            KeyFile { path, is_named: true }
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn line() -> String {
        format!("{}\n", *Key::new(KeyId(0xab), [7; 32]).to_line())
    }

    #[test]
    fn a_key_that_only_its_owner_can_read_is_taken() {
        let place = Place::new("good");
        for mode in [0o600, 0o400] {
            let keys = place.key(&line(), mode).read().unwrap().unwrap();
            assert_eq!(keys.first().id(), KeyId(0xab));
        }
    }

    #[test]
    fn only_a_file_that_is_named_has_to_be_there() {
        let place = Place::new("absent");
        let absent = KeyFile { path: place.0.join(NAME), is_named: false };
        assert_eq!(absent.read(), Ok(None));
        let error = KeyFile { is_named: true, ..absent }.read().unwrap_err();
        assert!(error.message.contains("`aisctl keygen FILE` writes one"), "{error}");
    }

    #[test]
    fn what_others_can_know_or_change_is_refused() {
        let place = Place::new("bad");
        for mode in [0o640, 0o604, 0o660, 0o601, 0o644] {
            let error = place.key(&line(), mode).read().unwrap_err();
            assert!(error.message.contains("`chmod 0600` it"), "{error}");
        }
        let file = place.key(&line(), 0o600);
        let link = place.0.join("link");
        symlink(file.path(), &link).unwrap();
        let error = KeyFile { path: link, is_named: false }.read().unwrap_err();
        assert!(error.message.contains("a symbolic link is not followed"), "{error}");
        let directory = KeyFile { path: place.0.clone(), is_named: false };
        assert!(directory.read().unwrap_err().message.contains("is no regular file"));
        let long = "#".repeat(20_000);
        assert!(place.key(&long, 0o600).read().unwrap_err().message.contains("larger than"));
        let error = place.key("# one\nnonsense\n", 0o600).read().unwrap_err();
        assert_eq!(error.line, Some(2));
    }
}
