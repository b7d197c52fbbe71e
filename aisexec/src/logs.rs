//! Where the log goes: standard error; or, with `--daemon`, the system log
//! unless standard error is a file. The journal of systemd and the system log
//! are told how bad each line is.

use env_logger::{Builder, Env, Target, WriteStyle};
use log::Level;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::sync::OnceLock;

/// Where syslog listens.
const SYSLOG: &str = "/dev/log";
/// The facility `daemon`, as it stands beside the severity.
const FACILITY: u8 = 3 << 3;

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Standard error is a terminal, a file, or whatever else.
    People,
    /// Standard error is a stream of journald: `<N>` in front of a line is its
    /// priority, see sd-daemon(3).
    Journal,
    /// A datagram for each line, with a priority and a name in front.
    Syslog,
}

static READER: OnceLock<Reader> = OnceLock::new();

/// Begins to log on standard error, from level info on unless `RUST_LOG` says
/// otherwise.
pub(crate) fn to_stderr() {
    match *READER.get_or_init(reader_of_stderr) {
        Reader::Journal => with_priorities(Target::Stderr),
        Reader::People | Reader::Syslog => builder().init(),
    }
}

/// Begins to log to syslog.
pub(crate) fn to_syslog() {
    READER.get_or_init(|| Reader::Syslog);
    with_priorities(Target::Pipe(Box::new(Syslog::default())));
}

/// Says why the daemon does not start, or ends, where whoever started it sees
/// that, and in the log.
pub(crate) fn fail(message: impl Display) {
    if READER.get() == Some(&Reader::Syslog) {
        log::error!("{message}");
    }
    print(Level::Error, format_args!("aisexec: {message}"));
}

/// Writes a text of one or more lines on standard error as it is, but for the
/// priority that the journal is told.
pub(crate) fn print(level: Level, text: impl Display) {
    let text = text.to_string();
    let reader = READER.get().copied().unwrap_or_else(reader_of_stderr);
    let mut stderr = io::stderr().lock();
    for line in text.lines() {
        // The exit status says it too.
        let _ = match reader {
            Reader::Journal => writeln!(stderr, "<{}>{line}", severity(level)),
            Reader::People | Reader::Syslog => writeln!(stderr, "{line}"),
        };
    }
}

fn reader_of_stderr() -> Reader {
    let stream = std::env::var("JOURNAL_STREAM").ok();
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let found = stderr.and_then(|stderr| stderr.metadata()).ok();
    let place = found.map(|found| (found.dev(), found.ino()));
    if is_stream(stream.as_deref(), place) { Reader::Journal } else { Reader::People }
}

/// Whether JOURNAL_STREAM names this device and inode: a process started by a
/// service may have inherited the variable with another standard error.
fn is_stream(variable: Option<&str>, place: Option<(u64, u64)>) -> bool {
    let stream = variable.and_then(|variable| variable.split_once(':'));
    let stream = stream.and_then(|(dev, ino)| Some((dev.parse().ok()?, ino.parse().ok()?)));
    stream.is_some() && stream == place
}

/// The severity of syslog(3) for a level.
fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

fn builder() -> Builder {
    Builder::from_env(Env::default().default_filter_or("info"))
}

/// Each line begins with its priority, also those of a message of several.
fn with_priorities(target: Target) {
    let format = |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        let (level, module) = (record.level(), record.target());
        out.write_all(prioritised(level, module, &record.args().to_string()).as_bytes())
    };
    builder().write_style(WriteStyle::Never).format(format).target(target).init();
}

fn prioritised(level: Level, module: &str, message: &str) -> String {
    let line = |line: &str| format!("<{}>[{level:<5} {module}] {line}\n", severity(level));
    message.lines().map(line).collect()
}

/// Sends every line as a datagram. A line that cannot be sent at once is
/// lost: the daemon waits for nobody.
#[derive(Debug, Default)]
struct Syslog {
    socket: Option<UnixDatagram>,
}

impl Syslog {
    fn send(&mut self, packet: &[u8]) {
        let sent = self.socket.as_ref().is_some_and(|socket| socket.send(packet).is_ok());
        if !sent && let Ok(socket) = connect() {
            // Syslog was started, or started again, since.
            let _ = socket.send(packet);
            self.socket = Some(socket);
        }
    }
}

impl Write for Syslog {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            self.send(&datagram(line));
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
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

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SYSLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_priority_of_its_level() {
        let text = prioritised(Level::Warn, "aisexec::x", "one\ntwo");
        assert_eq!(text, "<4>[WARN  aisexec::x] one\n<4>[WARN  aisexec::x] two\n");
        let of = |level| prioritised(level, "m", "x").as_bytes()[1];
        assert_eq!(
            [Level::Error, Level::Warn, Level::Info, Level::Debug].map(of),
            [b'3', b'4', b'6', b'7']
        );
    }

    #[test]
    fn a_datagram_has_the_priority_of_its_line() {
        let name = format!("aisexec[{}]: ", std::process::id());
        let said = |line: &str| String::from_utf8(datagram(line.as_bytes())).unwrap();
        assert_eq!(said("<4>text"), format!("<28>{name}text"));
        assert_eq!(said("<3><7>text"), format!("<27>{name}<7>text"));
        assert_eq!(said("<9>text"), format!("<30>{name}<9>text"));
    }

    #[test]
    fn the_journal_is_known_by_its_device_and_inode() {
        assert!(is_stream(Some("8:42"), Some((8, 42))));
        assert!(!is_stream(Some("8:42"), Some((8, 43))));
        assert!(!is_stream(Some("8:42"), None));
        assert!(!is_stream(None, Some((8, 42))));
        assert!(!is_stream(None, None));
        assert!(!is_stream(Some("8"), Some((8, 42))));
        assert!(!is_stream(Some("x:y"), None));
    }
}
