//! The operator's tool: shows what the executive of this node knows, moves
//! checkpoints to files and back, operates AMF, and measures the group. It is a
//! program like any other and uses the library.

mod bench;
mod ckpt;
mod operate;
mod show;

use ais::AisError;
use std::fmt;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: aisctl status | members | ring | ckpt | amf [--json]
       aisctl ckpt sections NAME [--json] | refs NAME [--json] |
                   dump NAME SECTION [OFFSET [COUNT]] | export NAME FILE |
                   import FILE [NAME] [--retention SECONDS]
       aisctl amf OPERATION group|unit|component|node NAME [--json]
       aisctl bench tput SIZE SECONDS | lat SIZE COUNT [GAP] | echo |
                    ping SIZE COUNT | watch | join
       aisctl --help | --version

  status    whether this node is well, and all of it in short
  members   the members of the cluster, lowest address first
  ring      the ring: its state, its view, what it counted
  ckpt      the checkpoints; with a verb one of them: its sections, who has it
            open, the bytes of a section, or all of it to a file and back
  amf       the groups, units and components of groups.conf; or has something
            done to one of them: lock, unlock, shutdown, switch-over, repaired
  bench     measures the group; see aisctl(8)

  --json    one JSON object instead of a table
  --help    this text
  --version the version

AIS_SOCKET names the socket of aisexec if it is not /run/ais/libais.sock.
Exit status: 0 done (status: and the node is well), 1 not to be had, 2 wrong
usage, 3 from status: the node is there but not well.
";

/// What the command line asks for is not what there is.
#[derive(Debug, PartialEq, Eq)]
struct Usage(String);

/// Why a command came to nothing.
#[derive(Debug)]
enum Failure {
    /// The executive.
    Ais(AisError),
    /// Anything else, in words.
    Words(String),
}

impl From<AisError> for Failure {
    fn from(error: AisError) -> Self {
        Self::Ais(error)
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> =
        std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()).collect();
    let json = arguments.iter().position(|argument| argument == "--json");
    let is_json = json.map(|place| arguments.remove(place)).is_some();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["bench", ref probe @ ..] if !is_json => bench::parse(probe).map(bench::run),
        ["ckpt", ref verb @ ..] if !verb.is_empty() => {
            ckpt::parse(verb, is_json).map(|verb| ckpt::run(verb, is_json))
        }
        ["amf", first, ref rest @ ..] => {
            let words: Vec<_> = [first].into_iter().chain(rest.iter().copied()).collect();
            operate::parse(&words).map(|operate| operate::run(&operate, is_json))
        }
        ["--help" | "-h"] => Ok(print(USAGE)),
        ["--version"] => Ok(print(concat!("aisctl ", env!("CARGO_PKG_VERSION"), "\n"))),
        _ => show::parse(&arguments).map(|what| show::run(what, is_json)),
    };
    match done {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            eprintln!("aisctl: {failure}");
            ExitCode::FAILURE
        }
        Err(Usage(wrong)) => {
            eprint!("aisctl: {wrong}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Prints; a reader that has seen enough is no error.
fn print(text: &str) -> Result<ExitCode, Failure> {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ais(AisError::TryAgain) => {
                "there is no aisexec on this node; start it, or set AIS_SOCKET. One that runs takes \
                 programs when it has the state of the cluster; its log says what it lacks"
            }
            Self::Ais(AisError::Security) => "not permitted; be root or a member of the group ais",
            Self::Ais(AisError::Timeout) => "aisexec does not answer; it may be stopped",
            Self::Ais(AisError::Version) => "aisexec speaks another version of the protocol",
            Self::Ais(AisError::Library) => {
                "aisexec ended the connection; it has stopped, or is older than this aisctl"
            }
            Self::Ais(error) => return write!(f, "aisexec answers {error}"),
            Self::Words(words) => words,
        })
    }
}
