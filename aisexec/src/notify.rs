//! Telling systemd how far the daemon is (sd_notify(3)); nothing happens
//! elsewhere.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Programs are served.
pub(crate) fn ready() {
    tell(b"READY=1");
}

/// The daemon stops.
pub(crate) fn stopping() {
    tell(b"STOPPING=1");
}

fn tell(state: &[u8]) {
    if let Some(path) = env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(path.as_bytes(), state)
    {
        log::warn!("systemd could not be told: {error}");
    }
}

fn send(path: &[u8], state: &[u8]) -> io::Result<()> {
    let address = match path.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_sockets_hear_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let name = format!("@{}", path.display());
        let address = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let sockets =
            [UnixDatagram::bind(&path).unwrap(), UnixDatagram::bind_addr(&address).unwrap()];
        for (socket, name) in sockets.iter().zip([path.to_str().unwrap(), &name]) {
            send(name.as_bytes(), b"READY=1").unwrap();
            let mut text = [0; 16];
            let count = socket.recv(&mut text).unwrap();
            assert_eq!(&text[..count], b"READY=1");
        }
    }
}
