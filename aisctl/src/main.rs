//! The operator's tool: shows what the executive of this node knows. It is a
//! program like any other and uses the library.

use ais::AisError;
use ais::clm::{Tracked, members, node_get};
use std::fmt::Write as _;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: aisctl COMMAND [--json]

Commands:
  members   the members of the cluster, lowest address first

  --json    one JSON object instead of a table
  --help    this text
  --version the version

AIS_SOCKET names the socket of aisexec if it is not /run/ais/libais.sock.
Exit status: 0 shown, 1 not to be had, 2 wrong usage.
";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().position(|argument| argument == "--json");
    let is_json = json.map(|place| arguments.remove(place)).is_some();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["members"] => show_members(is_json),
        ["--help" | "-h"] => print(USAGE),
        ["--version"] => print(concat!("aisctl ", env!("CARGO_PKG_VERSION"), "\n")),
        ref other => {
            eprint!("aisctl: {} is not a command\n\n{USAGE}", Quoted(&other.join(" ")));
            ExitCode::from(2)
        }
    }
}

fn show_members(json: bool) -> ExitCode {
    let shown = node_get(0, None).and_then(|local| Ok((local.id, members()?)));
    match shown {
        Ok((local, tracked)) if json => print(&as_json(local, &tracked)),
        Ok((local, tracked)) => print(&as_table(local, &tracked)),
        Err(error) => {
            eprintln!("aisctl: {}", explain(error));
            ExitCode::FAILURE
        }
    }
}

/// Prints; a reader that has seen enough is no error.
fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn as_table(local: u32, tracked: &Tracked) -> String {
    let mut text = format!("view {}, {} members\n", tracked.view, tracked.members);
    for (node, _) in &tracked.items {
        let mark = if node.id == local { '*' } else { ' ' };
        let [a, b, c, d] = node.address;
        let address = format!("{a}.{b}.{c}.{d}");
        let seconds = node.boot_timestamp / 1_000_000_000;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{mark} {address:<15}  {}  cluster {}  up since {seconds} s after the epoch",
            node.name, node.cluster
        );
    }
    text
}

fn as_json(local: u32, tracked: &Tracked) -> String {
    let mut text = format!("{{\"view\":{},\"members\":[", tracked.view);
    for (place, (node, _)) in tracked.items.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let [a, b, c, d] = node.address;
        let _ = write!(
            text,
            "{comma}{{\"id\":{},\"address\":\"{a}.{b}.{c}.{d}\",\"name\":{},\"cluster\":{},\
             \"local\":{},\"boot_timestamp\":{}}}",
            node.id,
            Quoted(&node.name.to_string()),
            Quoted(&node.cluster.to_string()),
            node.id == local,
            node.boot_timestamp
        );
    }
    text.push_str("]}\n");
    text
}

fn explain(error: AisError) -> &'static str {
    match error {
        AisError::TryAgain => "there is no aisexec on this node; start it, or set AIS_SOCKET",
        AisError::Security => "not permitted; be root or a member of the group ais",
        AisError::Timeout => "aisexec does not answer; it may be stopped",
        AisError::Version => "aisexec speaks another version of the protocol",
        _ => "the connection to aisexec broke",
    }
}

/// A JSON string. Names print as escaped ASCII, so only two characters matter.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
