//! The command line: which command it names, and what it gives to it. Nothing
//! is opened or printed here.

use crate::commands::COMMANDS;
use crate::escape::quoted;
use crate::given::{Command, Given, Setting};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The help for what these words begin.
    Help(Vec<&'static str>),
    Version,
    Command(Given),
}

/// What is wrong, and with which command if that is known.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) text: String,
    pub(crate) command: Option<&'static Command>,
}

/// Understands a command line without the name of the program.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Asked, Wrong> {
    let mut line = Line::default();
    line.take(&mut arguments.into_iter())?;
    let values = &line.values;
    if values.first().is_some_and(|first| first == "help") {
        return Ok(Asked::Help(known_words(&values[1..])?));
    }
    if line.is_help {
        return Ok(Asked::Help(known_words(values)?));
    }
    if line.is_version {
        return match values.first() {
            None => Ok(Asked::Version),
            Some(first) => Err(format!("{} behind --version is too much", quoted(first)).into()),
        };
    }
    let command = find(values)?;
    let values = line.values.split_off(command.words.len());
    match Given::new(command, values, line.settings) {
        Ok(given) => Ok(Asked::Command(given)),
        Err(text) => Err(Wrong { text, command: Some(command) }),
    }
}

/// The words of a command line, told apart.
#[derive(Default)]
struct Line {
    values: Vec<OsString>,
    settings: Vec<(Setting, OsString)>,
    is_help: bool,
    is_version: bool,
}

impl Line {
    fn take(&mut self, arguments: &mut dyn Iterator<Item = OsString>) -> Result<(), Wrong> {
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--" => {
                    self.values.extend(arguments);
                    return Ok(());
                }
                b"--help" | b"-h" => self.is_help = true,
                b"--version" => self.is_version = true,
                // A name alone, and numbers that are too small, are no options.
                [b'-', second, ..] if !second.is_ascii_digit() => {
                    self.setting(&argument, arguments)?;
                }
                _ => self.values.push(argument),
            }
        }
        Ok(())
    }

    fn setting(
        &mut self,
        argument: &OsStr,
        arguments: &mut dyn Iterator<Item = OsString>,
    ) -> Result<(), Wrong> {
        let bytes = argument.as_bytes();
        let place = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
        let (word, behind) = bytes.split_at(place);
        let behind = behind.strip_prefix(b"=").map(|value| OsString::from_vec(value.to_vec()));
        let setting = Setting::ALL.into_iter().find(|setting| setting.word().as_bytes() == word);
        let Some(setting) = setting else {
            let text = format!(
                "{} is no option; there are --json, --retention SECONDS, --help and --version \
                 (behind -- nothing is an option)",
                quoted(argument)
            );
            return Err(text.into());
        };
        if self.settings.iter().any(|(of, _)| *of == setting) {
            return Err(format!("{} is given twice", setting.word()).into());
        }
        let value = match setting.takes() {
            None if behind.is_some() => {
                return Err(format!("{} takes no value", setting.word()).into());
            }
            None => OsString::new(),
            Some(what) => behind.or_else(|| arguments.next()).ok_or_else(|| {
                Wrong::from(format!("{what} is missing behind {}", setting.word()))
            })?,
        };
        self.settings.push((setting, value));
        Ok(())
    }
}

/// The command that these words begin with.
fn find(values: &[OsString]) -> Result<&'static Command, Wrong> {
    let Some(first) = values.first() else {
        return Err("a command is missing".to_owned().into());
    };
    let verbs = verbs(first);
    let words = match values.get(1) {
        // `ckpt` alone is a command; what stands behind it is a verb.
        Some(_) if !verbs.is_empty() => &values[..2],
        _ => &values[..1],
    };
    if let Some(found) = COMMANDS.iter().find(|command| words == command.words) {
        return Ok(found);
    }
    let of = first.display();
    Err(match words {
        [_, verb] => unknown(verb, &format!("a verb of {of}"), &verbs),
        _ if verbs.is_empty() => unknown(first, "a command", &first_words()),
        _ => format!("{of} wants a verb; give one of {}", verbs.join(", ")).into(),
    })
}

/// The words that name a command, or what several begin with.
fn known_words(values: &[OsString]) -> Result<Vec<&'static str>, Wrong> {
    let Some(first) = values.first() else { return Ok(Vec::new()) };
    let Some(word) = first_words().into_iter().find(|word| first == word) else {
        return Err(unknown(first, "a command", &first_words()));
    };
    let verb = values.get(1).and_then(|verb| verbs(first).into_iter().find(|of| verb == of));
    Ok([Some(word), verb].into_iter().flatten().collect())
}

/// The first words of all commands.
pub(crate) fn first_words() -> Vec<&'static str> {
    let mut words: Vec<_> = COMMANDS.iter().map(|command| command.words[0]).collect();
    words.dedup();
    words
}

fn verbs(first: &OsStr) -> Vec<&'static str> {
    let verb = |command: &Command| match *command.words {
        [word, verb] if first == word => Some(verb),
        _ => None,
    };
    COMMANDS.iter().filter_map(verb).collect()
}

fn unknown(word: &OsStr, what: &str, known: &[&str]) -> Wrong {
    format!("{} is not {what}; give one of {}", quoted(word), known.join(", ")).into()
}

impl From<String> for Wrong {
    fn from(text: String) -> Self {
        Self { text, command: None }
    }
}

#[cfg(test)]
impl Given {
    /// What such a command line gives.
    pub(crate) fn of(words: &[&str]) -> Self {
        match parse(words.iter().map(OsString::from)) {
            Ok(Asked::Command(given)) => given,
            other => panic!("{words:?}: {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Asked, Wrong> {
        parse(words.iter().map(OsString::from))
    }

    fn wrong(words: &[&str]) -> String {
        asked(words).unwrap_err().text
    }

    #[test]
    fn options_stand_anywhere() {
        for words in [
            ["ckpt", "import", "f", "x y", "--retention", "3"],
            ["ckpt", "import", "--retention", "3", "f", "x y"],
            ["--retention=3", "ckpt", "import", "f", "--", "x y"],
        ] {
            let given = Given::of(&words);
            assert_eq!(given.command.words, ["ckpt", "import"]);
            assert_eq!((given.value(0), given.value(1)), (OsStr::new("f"), OsStr::new("x y")));
            assert_eq!(given.setting(Setting::Retention), Some(OsStr::new("3")));
            assert!(!given.is_json());
        }
        assert!(Given::of(&["status", "--json"]).is_json());
        // Nothing is an option behind this, and a dash alone never is.
        assert_eq!(Given::of(&["ckpt", "refs", "--", "--json"]).value(0), "--json");
        assert_eq!(Given::of(&["ckpt", "export", "a", "-"]).value(1), "-");
        assert_eq!(Given::of(&["ckpt", "dump", "a", "", "-5"]).value(2), "-5");
        let bytes = OsString::from_vec(b"\xff".to_vec());
        let line = [OsString::from("ckpt"), "export".into(), "a".into(), bytes.clone()];
        let Ok(Asked::Command(given)) = parse(line) else { panic!("not understood") };
        assert_eq!(given.value(1), bytes);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(wrong(&[]), "a command is missing");
        assert_eq!(
            wrong(&["stat\n"]),
            "\"stat\\n\" is not a command; give one of status, members, ring, keygen, key, ckpt, \
             amf, bench"
        );
        assert_eq!(
            wrong(&["ckpt", "show"]),
            "\"show\" is not a verb of ckpt; give one of sections, refs, dump, export, import"
        );
        assert!(wrong(&["amf", "look", "unit", "x"]).contains("one of lock, unlock, shutdown,"));
        assert!(wrong(&["bench"]).starts_with("bench wants a verb; give one of tput, lat,"));
        assert!(wrong(&["bench", "x"]).starts_with("\"x\" is not a verb of bench; give one of"));
        assert_eq!(wrong(&["ckpt", "sections"]), "ckpt sections: NAME is missing");
        assert_eq!(wrong(&["bench", "tput"]), "bench tput: SIZE and SECONDS are missing");
        assert_eq!(wrong(&["status", "now"]), "status: \"now\" is too much");
        assert_eq!(wrong(&["ckpt", "export", "a", "f", "--json"]), "ckpt export has no --json");
        assert!(wrong(&["status", "--jason"]).starts_with("\"--jason\" is no option; there are"));
        assert_eq!(wrong(&["status", "--json", "--json"]), "--json is given twice");
        assert_eq!(wrong(&["status", "--json=1"]), "--json takes no value");
        assert_eq!(
            wrong(&["ckpt", "import", "f", "--retention"]),
            "SECONDS is missing behind --retention"
        );
        assert_eq!(wrong(&["--version", "x"]), "\"x\" behind --version is too much");
        assert!(wrong(&["help", "x"]).starts_with("\"x\" is not a command"));
    }

    #[test]
    fn help_is_asked_for_in_each_way() {
        for (words, of) in [
            (&["--help"][..], &[][..]),
            (&["help"], &[]),
            (&["-h", "ckpt"], &["ckpt"]),
            (&["ckpt", "dump", "--help"], &["ckpt", "dump"]),
            (&["ckpt", "dump", "a", "b", "c", "d", "e", "-h"], &["ckpt", "dump"]),
            (&["help", "bench", "tput"], &["bench", "tput"]),
            (&["bench", "--help"], &["bench"]),
        ] {
            match asked(words) {
                Ok(Asked::Help(found)) => assert_eq!(found, of, "{words:?}"),
                other => panic!("{words:?}: {other:?}"),
            }
        }
        assert!(matches!(asked(&["--version"]), Ok(Asked::Version)));
    }
}
