//! The log as syslog takes it: a datagram for each line, with a priority and a
//! name in front.

use super::severity;
use log::Level;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Where syslog listens.
const PLACE: &str = "/dev/log";
/// The facility `daemon`, as it stands beside the severity.
const FACILITY: u8 = 3 << 3;

/// The way to syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    place: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Default for Syslog {
    fn default() -> Self {
        Self::at(Path::new(PLACE))
    }
}

impl Syslog {
    fn at(place: &Path) -> Self {
        Self { place: place.into(), socket: None }
    }

    /// Sends lines that begin with their severity, however long syslog takes.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(super) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let mut lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.try_for_each(|line| self.send(&datagram(line)))
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        if let Some(socket) = &self.socket
            && socket.send(packet).is_ok()
        {
            return Ok(());
        }
        // Syslog was started, or started again, since.
        self.socket = None;
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.place)?;
        socket.send(packet)?;
        self.socket = Some(socket);
        Ok(())
    }
}

/// The datagram for a line that begins with its severity.
fn datagram(line: &[u8]) -> Vec<u8> {
    let (severity, text) = match line {
        [b'<', digit @ b'0'..=b'7', b'>', text @ ..] => (digit - b'0', text),
        text => (severity(Level::Info), text),
    };
    let priority = FACILITY | severity;
    let mut packet = format!("<{priority}>aisexec[{}]: ", std::process::id()).into_bytes();
    packet.extend_from_slice(text);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_has_the_priority_of_its_line() {
        let name = format!("aisexec[{}]: ", std::process::id());
        let said = |line: &str| String::from_utf8(datagram(line.as_bytes())).unwrap();
        assert_eq!(said("<4>text"), format!("<28>{name}text"));
        assert_eq!(said("<3><7>text"), format!("<27>{name}<7>text"));
        assert_eq!(said("<9>text"), format!("<30>{name}<9>text"));
    }

    #[test]
    fn a_line_that_nobody_takes_is_an_error_until_somebody_listens() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("log");
        let mut syslog = Syslog::at(&place);
        assert!(syslog.write(b"<4>one\n").is_err());
        for _ in 0..2 {
            let listener = UnixDatagram::bind(&place).unwrap();
            syslog.write(b"<4>two\n<6>three\n").unwrap();
            let mut packet = [0; 64];
            for text in ["two", "three"] {
                let length = listener.recv(&mut packet).unwrap();
                assert!(packet[..length].ends_with(text.as_bytes()));
            }
            drop(listener);
            std::fs::remove_file(&place).unwrap();
            assert!(syslog.write(b"<4>four\n").is_err());
        }
    }
}
