//! Where the log goes: standard error; or, with `--daemon`, the system log
//! unless standard error is a file. The journal of systemd and the system log
//! are told how bad each line is. Nobody waits for who reads it (`outlet.rs`),
//! and no cause fills it (`limit.rs`).

mod limit;
mod syslog;

use crate::outlet::{self, Outlet};
use crate::{clock, output};
use env_logger::{Builder, Env, Target, WriteStyle};
use limit::Limited;
use log::{Level, Log, Record};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::dup2_stderr;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use syslog::Syslog;

/// The reader of the log, whom a line is written for.
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
/// The ways out, of which the log has one.
static STDERR: OnceLock<Outlet> = OnceLock::new();
static SYSLOG: OnceLock<Outlet> = OnceLock::new();
static LOG: OnceLock<Limited> = OnceLock::new();

/// Begins to log on standard error, from level info on unless `RUST_LOG` says
/// otherwise.
///
/// # Errors
/// If there can be no thread that writes.
pub(crate) fn to_stderr() -> io::Result<()> {
    let reader = reader();
    begin(reader, stderr()?.clone());
    Ok(())
}

/// Begins to log to syslog.
///
/// # Errors
/// If there can be no thread that writes.
pub(crate) fn to_syslog() -> io::Result<()> {
    let reader = *READER.get_or_init(|| Reader::Syslog);
    let mut syslog = Syslog::default();
    let outlet = Outlet::start("syslog", move |missing, text| {
        syslog.write(&with_gap(reader, missing, text))
    })?;
    begin(reader, SYSLOG.get_or_init(|| outlet).clone());
    Ok(())
}

fn begin(reader: Reader, outlet: Outlet) {
    // What is written at a time is whole lines.
    let target = Target::Pipe(Box::new(To(move |text: &[u8]| outlet.say(text))));
    let log = LOG.get_or_init(|| Limited::new(builder(reader).target(target).build()));
    log::set_max_level(log.most());
    // There is no other.
    let _ = log::set_logger(log);
}

/// To be called about once a second: tells of lines that were left out.
pub(crate) fn on_time(now: u64) {
    if let Some(log) = LOG.get() {
        log.tell(now, false);
    }
}

/// What was said and is not in the log, by name.
pub(crate) fn counters() -> [(&'static str, u64); 2] {
    let lost = [&STDERR, &SYSLOG].into_iter().filter_map(OnceLock::get).map(Outlet::lost).sum();
    let left_out = LOG.get().map_or(0, Limited::left_out);
    [("log-lines-left-out", left_out), ("log-lines-lost", lost)]
}

/// Waits until all that was said is written, until this time on the monotonic
/// clock at most.
pub(crate) fn finish(until: u64) {
    if let Some(log) = LOG.get() {
        log.tell(clock::monotonic(), true);
    }
    [&STDERR, &SYSLOG].into_iter().filter_map(OnceLock::get).for_each(|way| way.finish(until));
}

/// Says why the daemon does not start, or ends, where whoever started it sees
/// that, and in the log.
pub(crate) fn fail(message: impl Display) {
    if reader() == Reader::Syslog {
        log::error!("{message}");
    }
    print(Level::Error, format_args!("aisexec: {message}"));
}

/// Writes a text of one or more lines on standard error as it is, but for the
/// priority that the journal is told.
pub(crate) fn print(level: Level, text: impl Display) {
    let text = text.to_string();
    let text: String = match reader() {
        Reader::Journal => {
            text.lines().map(|line| format!("<{}>{line}\n", severity(level))).collect()
        }
        Reader::People | Reader::Syslog => text + "\n",
    };
    match stderr() {
        Ok(outlet) => outlet.say(text.as_bytes()),
        Err(_) => {
            // The exit status says it too.
            let _ = output::complain(&text);
        }
    }
}

fn reader() -> Reader {
    *READER.get_or_init(reader_of_stderr)
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

/// The way out to standard error, which begins with the first call.
fn stderr() -> io::Result<&'static Outlet> {
    if let Some(outlet) = STDERR.get() {
        return Ok(outlet);
    }
    let (reader, stderr) = (reader(), File::from(io::stderr().as_fd().try_clone_to_owned()?));
    detach_stderr();
    let outlet = Outlet::start("stderr", move |missing, text| {
        outlet::write_all(&stderr, &with_gap(reader, missing, text))
    })?;
    Ok(STDERR.get_or_init(|| outlet))
}

/// Puts a descriptor that does not wait in the place of standard error. What the
/// runtime has to say when there is no memory or no stack left it writes there
/// itself, before it aborts. Others may share the descriptor that was inherited,
/// so that is left as it is. Of a socket there can be no other; a file has none
/// that does not wait.
fn detach_stderr() {
    let kind = fstat(io::stderr()).map(|stat| SFlag::from_bits_truncate(stat.st_mode));
    let is_pipe = kind.is_ok_and(|kind| kind & SFlag::S_IFMT == SFlag::S_IFIFO);
    if is_pipe || io::stderr().is_terminal() {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let opened = OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/2");
        // Where it may not be opened it stays the one that was inherited.
        let _ = opened.map(dup2_stderr);
    }
}

/// A text of the log, behind a line that says how many are missing before it.
fn with_gap(reader: Reader, missing: u64, text: &[u8]) -> Vec<u8> {
    if missing == 0 {
        return text.to_vec();
    }
    let gap = format_args!(
        "{missing} lines are missing here: they could not be written, or who reads the log did \
         not keep up"
    );
    [&formatted(reader, Level::Warn, gap), text].concat()
}

/// A line as the log has it, if it is to have it.
fn formatted(reader: Reader, level: Level, text: std::fmt::Arguments<'_>) -> Vec<u8> {
    let (sender, written) = channel();
    let send = move |text: &[u8]| {
        // It is received below.
        let _ = sender.send(text.to_vec());
    };
    let logger = builder(reader).target(Target::Pipe(Box::new(To(send)))).build();
    logger.log(&Record::builder().level(level).target(module_path!()).args(text).build());
    written.try_iter().flatten().collect()
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

fn builder(reader: Reader) -> Builder {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    match reader {
        Reader::People => {
            if is_coloured() {
                builder.write_style(WriteStyle::Always);
            }
        }
        Reader::Journal | Reader::Syslog => {
            builder.write_style(WriteStyle::Never).format(|out, record| {
                let (level, module) = (record.level(), record.target());
                let text = prioritised(level, module, &record.args().to_string());
                out.write_all(text.as_bytes())
            });
        }
    }
    builder
}

/// Whether people see colours, where `RUST_LOG_STYLE` does not say it.
fn is_coloured() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stderr().is_terminal() && !is_dumb && !is_set("NO_COLOR") && !is_set("RUST_LOG_STYLE")
}

/// Each line begins with its priority, also those of a message of several.
fn prioritised(level: Level, module: &str, message: &str) -> String {
    let line = |line: &str| format!("<{}>[{level:<5} {module}] {line}\n", severity(level));
    message.lines().map(line).collect()
}

/// Has a logger write into a function.
struct To<F>(F);

impl<F: FnMut(&[u8])> Write for To<F> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        (self.0)(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    fn a_gap_is_a_line_as_others_are() {
        let said = |reader| String::from_utf8(with_gap(reader, 7, b"next\n")).unwrap();
        for (reader, begin) in [(Reader::Journal, "<4>[WARN "), (Reader::Syslog, "<4>[WARN ")] {
            let text = said(reader);
            assert!(text.starts_with(begin), "{text}");
        }
        for reader in [Reader::People, Reader::Journal, Reader::Syslog] {
            let text = said(reader);
            assert!(text.contains("7 lines are missing here") && text.ends_with("\nnext\n"));
            assert!(text.contains("WARN ") && text.contains("aisexec::logs"), "{text}");
            assert_eq!(text.lines().count(), 2);
            assert_eq!(with_gap(reader, 0, b"next\n"), b"next\n");
        }
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
