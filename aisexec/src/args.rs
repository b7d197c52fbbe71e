//! The command line of aisexec. Pure: nothing is opened, printed or exited
//! here.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The exit status for a command line that is not understood; an error in a
/// configuration file or at start is 1.
pub const EXIT_USAGE: u8 = 2;

/// The exit status after an error report that had this node stopped: whatever
/// started it may start it anew.
pub const EXIT_RESET: u8 = 3;

/// The longest path that fits into a Unix socket address, terminator left out.
const MAX_SOCKET_PATH: usize = 107;

/// Where the configuration files are, unless the command line says otherwise:
/// /etc/ais, or what `make SYSCONFDIR=DIR` was told.
pub const CONFIG_DIR: &str = env!("AIS_CONFIG_DIR");

/// What `--help` prints, and what follows the message about a wrong flag.
pub const USAGE: &str = concat!(
    "\
Usage: aisexec [--config-dir DIR] [--socket PATH] [--state-dir DIR]
               [--foreground | --daemon] [--check]
       aisexec --help | --version

  --config-dir DIR  read network.conf and groups.conf there (",
    env!("AIS_CONFIG_DIR"),
    ")
  --socket PATH     serve programs on this socket (/run/ais/libais.sock)
  --state-dir DIR   keep state between starts there (/var/lib/ais)
  --foreground      stay in the foreground; this is the default
  --daemon          go to the background, and log to syslog unless standard
                    error is a file
  --check           check the configuration files and exit: 0 if they are
                    good, 1 with all their errors if not
  --help            print this and exit
  --version         print the version and exit
"
);

/// What `--version` prints.
pub const VERSION: &str = concat!("aisexec ", env!("CARGO_PKG_VERSION"), " (AIS A.01.01)\n");

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run the daemon.
    Run(Args),
    /// Check the configuration files and exit.
    Check(Args),
    /// Print [`USAGE`].
    Help,
    /// Print [`VERSION`].
    Version,
}

/// The settings of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args {
    /// The directory of network.conf and groups.conf.
    pub config_dir: PathBuf,
    /// The socket for programs; at most 107 bytes.
    pub socket: PathBuf,
    /// The directory for what survives a restart.
    pub state_dir: PathBuf,
    /// Whether to go to the background.
    pub daemon: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            config_dir: CONFIG_DIR.into(),
            socket: "/run/ais/libais.sock".into(),
            state_dir: "/var/lib/ais".into(),
            daemon: false,
        }
    }
}

/// A command line that is not understood. Prints as what is wrong and what
/// would be right, without the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Understands a command line, the program's own name left out. A flag with a
/// value is `--flag value` or `--flag=value`; of a repeated one the last
/// counts, so that a start script's own flags can be followed by others.
///
/// # Errors
/// [`UsageError`] for the first argument that is wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut args = Args::default();
    let mut check = false;
    let mut foreground = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (flag, value) = split(&argument);
        let mut path = || match &value {
            Some(value) => non_empty(flag, value.clone()),
            None => match arguments.next() {
                Some(value) => non_empty(flag, value),
                None => Err(UsageError(format!("{} needs a value after it", show(flag)))),
            },
        };
        match flag.as_bytes() {
            b"--config-dir" => args.config_dir = path()?,
            b"--socket" => args.socket = path()?,
            b"--state-dir" => args.state_dir = path()?,
            _ if value.is_some() && is_switch(flag) => {
                return Err(UsageError(format!("{} takes no value", show(flag))));
            }
            b"--foreground" => foreground = true,
            b"--daemon" => args.daemon = true,
            b"--check" => check = true,
            b"--help" => return Ok(Command::Help),
            b"--version" => return Ok(Command::Version),
            _ => return Err(UsageError(format!("unknown argument {}", show(&argument)))),
        }
    }
    if foreground && args.daemon {
        return Err(UsageError("--foreground and --daemon exclude each other; give one".into()));
    }
    let length = args.socket.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let text = format!("--socket: the path has {length} bytes; at most {MAX_SOCKET_PATH} fit");
        return Err(UsageError(text));
    }
    Ok(if check { Command::Check(args) } else { Command::Run(args) })
}

/// Splits `--flag=value`.
fn split(argument: &OsStr) -> (&OsStr, Option<OsString>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) if bytes.starts_with(b"--") => {
            (OsStr::from_bytes(&bytes[..at]), Some(OsString::from_vec(bytes[at + 1..].to_vec())))
        }
        _ => (argument, None),
    }
}

fn is_switch(flag: &OsStr) -> bool {
    let switches = ["--foreground", "--daemon", "--check", "--help", "--version"];
    switches.iter().any(|switch| flag == *switch)
}

fn non_empty(flag: &OsStr, value: OsString) -> Result<PathBuf, UsageError> {
    if value.is_empty() {
        return Err(UsageError(format!("{} has an empty value; give a path", show(flag))));
    }
    Ok(value.into())
}

/// An argument for a message, safe to print.
fn show(argument: &OsStr) -> String {
    format!("`{}`", argument.to_string_lossy().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_given_is_the_documented_defaults() {
        let Ok(Command::Run(args)) = run(&[]) else { panic!("not run") };
        assert_eq!(args, Args::default());
        assert_eq!(run(&["--foreground"]), Ok(Command::Run(args)));
        for path in [CONFIG_DIR, "/run/ais/libais.sock", "/var/lib/ais"] {
            assert!(USAGE.contains(path), "{path}");
        }
    }

    #[test]
    fn values_stand_beside_or_behind_an_equals_sign() {
        let expected = Args {
            config_dir: "/c".into(),
            socket: "/s=1".into(),
            state_dir: "d".into(),
            daemon: true,
        };
        let given = run(&["--config-dir", "/c", "--socket=/s=1", "--daemon", "--state-dir", "d"]);
        assert_eq!(given, Ok(Command::Run(expected.clone())));
        let later = run(&[
            "--state-dir=x",
            "--daemon",
            "--state-dir=d",
            "--socket",
            "/s=1",
            "--check",
            "--config-dir=/c",
        ]);
        assert_eq!(later, Ok(Command::Check(expected)));
    }

    #[test]
    fn help_and_version_win() {
        assert_eq!(run(&["--daemon", "--help"]), Ok(Command::Help));
        assert_eq!(run(&["--version", "--wrong"]), Ok(Command::Version));
        assert!(VERSION.starts_with("aisexec "));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let long = format!("--socket=/{}", "s".repeat(107));
        for (arguments, message) in [
            (&["--sock", "x"][..], "unknown argument `--sock`"),
            (&["-d"], "unknown argument `-d`"),
            (&["x\n"], "unknown argument `x\\n`"),
            (&[""], "unknown argument ``"),
            (&["--socket"], "`--socket` needs a value after it"),
            (&["--socket="], "`--socket` has an empty value; give a path"),
            (&["--state-dir", ""], "`--state-dir` has an empty value; give a path"),
            (&["--check=yes"], "`--check` takes no value"),
            (
                &["--daemon", "--foreground"],
                "--foreground and --daemon exclude each other; give one",
            ),
            (&[&long], "--socket: the path has 108 bytes; at most 107 fit"),
        ] {
            assert_eq!(run(arguments), Err(message.into()));
        }
        assert!(run(&[&long[..long.len() - 1]]).is_ok());
    }

    #[test]
    fn paths_need_not_be_text() {
        let given = parse([OsString::from_vec(b"--config-dir=/\xff".to_vec())]);
        let Ok(Command::Run(args)) = given else { panic!("not run") };
        assert_eq!(args.config_dir.as_os_str().as_bytes(), b"/\xff");
    }
}
