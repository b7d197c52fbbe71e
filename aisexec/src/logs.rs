//! Where the log goes: standard error; or, with `--daemon`, the system log
//! unless standard error is a file.

use env_logger::{Builder, Env, Target};
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;

/// Where syslog listens.
const SYSLOG: &str = "/dev/log";
/// Facility daemon, severity notice: the line itself says what it is.
const PRIORITY: u8 = 3 << 3 | 5;

/// Begins to log on standard error, from level info on unless `RUST_LOG` says
/// otherwise.
pub(crate) fn to_stderr() {
    builder().init();
}

/// Begins to log to syslog.
pub(crate) fn to_syslog() {
    let target = Target::Pipe(Box::new(Syslog::default()));
    builder().format_timestamp(None).target(target).init();
}

fn builder() -> Builder {
    Builder::from_env(Env::default().default_filter_or("info"))
}

/// Sends every line as a datagram. A line that cannot be sent at once is
/// lost: the daemon waits for nobody.
#[derive(Debug, Default)]
struct Syslog {
    socket: Option<UnixDatagram>,
}

impl Write for Syslog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut packet = format!("<{PRIORITY}>aisexec[{}]: ", std::process::id()).into_bytes();
        packet.extend_from_slice(line.trim_ascii_end());
        let sent = self.socket.as_ref().is_some_and(|socket| socket.send(&packet).is_ok());
        if !sent && let Ok(socket) = connect() {
            // Syslog was started, or started again, since.
            let _ = socket.send(&packet);
            self.socket = Some(socket);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SYSLOG)?;
    Ok(socket)
}
