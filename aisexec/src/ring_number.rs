//! The number of the first configuration, which is higher than any that this
//! node had in an earlier life. It is kept in a file and written before it is
//! used, so that a crash loses none.

use ais_wire::NodeId;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Takes the next number from the file of `node` in `directory`. If it cannot
/// be written the number is the time of day `seconds`, with a warning.
pub(crate) fn reserve(directory: &Path, node: NodeId, seconds: u64) -> u64 {
    let path = directory.join(format!("ring-{node}"));
    let last = match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(last) => last,
            Err(_) => {
                log::warn!(
                    "{} holds no number; counting goes on from the time of day",
                    path.display()
                );
                seconds
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return from_clock(&path, &error, seconds),
    };
    let next = last.saturating_add(1);
    match write(directory, &path, next) {
        Ok(()) => next,
        Err(error) => from_clock(&path, &error, seconds.max(next)),
    }
}

fn from_clock(path: &Path, error: &io::Error, number: u64) -> u64 {
    log::warn!(
        "{} cannot be kept ({error}): the ring number is taken from the clock, and may repeat if \
         that goes back; name a directory that can be written with --state-dir",
        path.display()
    );
    number
}

/// Replaces the file, or leaves it as it was; when this returns it will
/// survive a crash of the machine.
fn write(directory: &Path, path: &Path, number: u64) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // Not `with_extension`: that would take the last number of an address away.
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = File::create(&new)?;
    writeln!(file, "{number}")?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeId {
        NodeId::new([127, 0, 0, 1].into())
    }

    #[test]
    fn every_start_has_a_higher_number() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        assert_eq!(reserve(&state, node(), 1000), 1);
        assert_eq!(reserve(&state, node(), 1000), 2);
        assert_eq!(fs::read_to_string(state.join("ring-127.0.0.1")).unwrap(), "2\n");
        let other = NodeId::new([127, 0, 0, 2].into());
        assert_eq!(reserve(&state, other, 1000), 1);
    }

    #[test]
    fn without_a_file_the_clock_counts() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(reserve(&file, node(), 1000), 1000);
        fs::write(directory.path().join("ring-127.0.0.1"), "garbage").unwrap();
        assert_eq!(reserve(directory.path(), node(), 1000), 1001);
        assert_eq!(reserve(directory.path(), node(), 1000), 1002);
    }
}
