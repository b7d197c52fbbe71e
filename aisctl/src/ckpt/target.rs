//! Where an export goes: a name that is - or a device is not replaced by a
//! file, and a symbolic link stays one.

use super::told;
use crate::{Failure, escape, output};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Symbolic links that are followed at most, as by the kernel.
const MOST_LINKS: usize = 40;

/// Where it goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Standard output, however it is called.
    Output,
    /// What is there is written to, and stays what it is.
    Special(PathBuf),
    /// A regular file, which is there or is not; the path leads to no link.
    File(PathBuf),
}

/// What this name means, as it would to a shell behind `>`.
pub(super) fn of(path: &Path) -> Result<Target, Failure> {
    let wrong = |text: &str| Err(Failure::Words(format!("{}: {text}", escape::path(path))));
    if path.as_os_str() == "-" {
        return Ok(Target::Output);
    }
    match fs::metadata(path) {
        Ok(found) if is_output(&found) => Ok(Target::Output),
        Ok(found) if found.is_dir() => wrong("it is a directory; name a file in it"),
        Ok(found) if found.file_type().is_socket() => {
            wrong("it is a socket, which cannot be written to; name a file")
        }
        Ok(found) if !found.is_file() => Ok(Target::Special(path.into())),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(told(path, &error)),
        Err(_) if path.as_os_str().is_empty() => wrong("the name of the file is empty"),
        Err(_) if path.as_os_str().as_bytes().ends_with(b"/") => {
            wrong("there is no such directory")
        }
        Ok(_) | Err(_) => resolve(path).map_err(|error| told(path, &error)),
    }
}

fn is_output(found: &Metadata) -> bool {
    let out = output::stdout().ok().and_then(|out| out.metadata().ok());
    out.is_some_and(|out| (out.dev(), out.ino()) == (found.dev(), found.ino()))
}

/// Follows symbolic links to the regular file that is or will be at their end.
fn resolve(path: &Path) -> std::io::Result<Target> {
    let mut end = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&end) {
            Ok(found) if found.is_symlink() => {
                let directory = fs::canonicalize(directory(&end))?;
                // Those of /proc stand for an open file, whatever they say.
                if directory.starts_with("/proc") {
                    return Ok(Target::Special(path.into()));
                }
                end = directory.join(fs::read_link(&end)?);
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => return Ok(Target::File(end)),
        }
    }
    Err(nix::errno::Errno::ELOOP.into())
}

/// The directory that a file is in.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_are_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let to = |name: &str| of(&at(name)).map_err(|failure| explain::words(&failure));
        fs::write(at("file"), "").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("link", at("second")).unwrap();
        symlink(at("none"), at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        fs::create_dir(at("sub")).unwrap();
        symlink("../file", at("sub/up")).unwrap();
        symlink("sub", at("way")).unwrap();
        let real = fs::canonicalize(directory.path()).unwrap();
        assert_eq!(to("file"), Ok(Target::File(at("file"))));
        assert_eq!(to("new"), Ok(Target::File(at("new"))));
        for link in ["link", "second"] {
            assert_eq!(to(link), Ok(Target::File(real.join("file"))));
        }
        assert_eq!(to("dangling"), Ok(Target::File(at("none"))));
        let Ok(Target::File(up)) = to("way/up") else { panic!("{:?}", to("way/up")) };
        assert_eq!(fs::canonicalize(up).unwrap(), real.join("file"));
        assert_eq!(to("null"), Ok(Target::Special(at("null"))));
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(to("fifo"), Ok(Target::Special(at("fifo"))));
        let open = fs::File::open(at("file")).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        let path = PathBuf::from(format!("/dev/fd/{number}"));
        assert_eq!(of(&path).unwrap(), Target::Special(path));
        assert_eq!(of(Path::new("-")).unwrap(), Target::Output);
        assert_eq!(of(Path::new("/dev/stdout")).unwrap(), Target::Output);
        let _socket = UnixListener::bind(at("socket")).unwrap();
        assert!(to("socket").unwrap_err().contains("it is a socket"));
        assert!(to("sub").unwrap_err().ends_with("it is a directory; name a file in it"));
        assert!(to("way").unwrap_err().contains("it is a directory"));
        assert!(to("none/").unwrap_err().ends_with("there is no such directory"));
        assert!(to("none/file").is_ok(), "the directory is missed when the file is made");
        assert!(to("circle").unwrap_err().contains("symbolic links"));
        assert!(to("file/x").unwrap_err().contains("Not a directory"));
        assert!(explain::words(&of(Path::new("")).unwrap_err()).contains("is empty"));
    }
}
