//! What `--help` says, composed from the table of commands.

use crate::arguments::first_words;
use crate::commands::COMMANDS;
use crate::given::{Command, Setting};

const BEGIN: &str = "\
Usage: aisctl COMMAND [ARGUMENT...] [OPTION...]
       aisctl help COMMAND
       aisctl --help | --version

";
const END: &str = "
AIS_SOCKET names the socket of aisexec if it is not /run/ais/libais.sock.
Exit status: 0 done, 1 it came to nothing or could not be told, 2 wrong usage,
3 from status: the node does not serve all programs.
";

/// What stands below a complaint about the command line.
pub(crate) fn hint(command: Option<&Command>) -> String {
    match command {
        Some(command) => {
            let usage = usage(command);
            format!("Usage: {usage}\n`aisctl help {}` says more.\n", command.words.join(" "))
        }
        None => {
            format!("Usage: aisctl {} ...\n`aisctl --help` says more.\n", first_words().join(" | "))
        }
    }
}

/// The help for all commands that begin with these words.
pub(crate) fn text(words: &[&str]) -> String {
    let of = COMMANDS.iter().filter(|command| command.words.starts_with(words));
    let (own, others): (Vec<_>, Vec<_>) = of.partition(|command| command.words == words);
    let own: String = own.into_iter().map(full).collect();
    match words.join(" ") {
        none if none.is_empty() => format!("{BEGIN}{}{END}", list(&others)),
        _ if others.is_empty() => own,
        word => {
            let gap = if own.is_empty() { "" } else { "\n" };
            let list = list(&others);
            format!(
                "{own}{gap}Usage: aisctl {word} VERB ...\n\n{list}\n\
                 `aisctl help {word} VERB` says more.\n"
            )
        }
    }
}

/// A command and all that may stand behind it.
fn usage(command: &Command) -> String {
    let mut text = format!("aisctl {}", command.words.join(" "));
    for needed in command.needed {
        text.push_str(&format!(" {needed}"));
    }
    for optional in command.optional {
        text.push_str(&format!(" [{optional}"));
    }
    text.push_str(&"]".repeat(command.optional.len()));
    for setting in command.settings {
        text.push_str(&format!(" [{}]", option(*setting)));
    }
    text
}

fn option(setting: Setting) -> String {
    let value = setting.takes().map(|what| format!(" {what}")).unwrap_or_default();
    format!("{}{value}", setting.word())
}

fn list(commands: &[&Command]) -> String {
    let mut text = String::new();
    for command in commands {
        let usage = usage(command).replacen("aisctl ", "", 1).replace(" [--json]", "");
        text.push_str(&format!("  {usage}\n      {}\n", command.summary));
    }
    text.push_str("\n  --json  one JSON object instead of a table, where there is one\n");
    text
}

fn full(command: &Command) -> String {
    let mut text = format!("Usage: {}\n\n{}\n\n", usage(command), capital(command.summary));
    text.push_str(command.help);
    if !command.settings.is_empty() {
        text.push('\n');
    }
    for setting in command.settings {
        text.push_str(&format!("  {}  {}\n", option(*setting), setting.help()));
    }
    text
}

/// A summary as a sentence.
fn capital(summary: &str) -> String {
    let mut chars = summary.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help_and_stands_in_the_man_page() {
        let man = include_str!("../../docs/man/aisctl.8");
        // Without fonts and escapes of the page.
        let man = man.replace("\\-", "-").replace("\\fR", "").replace("\\fP", "");
        let man: String = man.chars().filter(|c| *c != '"').collect();
        let all = text(&[]);
        for command in COMMANDS {
            let words = command.words.join(" ");
            assert!(all.contains(&format!("  {words}")), "{words}");
            let help = text(command.words);
            let usage = format!("aisctl {words}");
            assert!(help.starts_with(&format!("Usage: {usage}")), "{help}");
            assert!(man.contains(&words) || command.words[0] == "amf", "{words}");
            for line in help.lines() {
                assert!(line.len() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn what_a_command_takes_is_shown() {
        let usage = |words: &[&str]| text(words).lines().next().unwrap().to_owned();
        assert_eq!(
            usage(&["ckpt", "dump"]),
            "Usage: aisctl ckpt dump NAME SECTION [OFFSET [COUNT]]"
        );
        assert_eq!(
            usage(&["ckpt", "import"]),
            "Usage: aisctl ckpt import FILE [NAME] [--retention SECONDS]"
        );
        assert_eq!(usage(&["status"]), "Usage: aisctl status [--json]");
        assert!(text(&["bench"]).contains("  bench lat SIZE COUNT [GAP]\n"));
        // A command that others begin with comes first.
        let ckpt = text(&["ckpt"]);
        assert!(ckpt.starts_with("Usage: aisctl ckpt [--json]\n\nThe checkpoints by name.\n"));
        assert!(ckpt.contains("\nUsage: aisctl ckpt VERB ...\n\n  ckpt sections NAME\n"), "{ckpt}");
    }
}
