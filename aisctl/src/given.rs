//! A command, and what the command line gives to it.

use crate::escape::quoted;
use crate::{Failure, escape};
use ais_client::Name;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::process::ExitCode;

/// A command.
pub(crate) struct Command {
    /// One or two words; with two the second is the verb.
    pub(crate) words: &'static [&'static str],
    /// What has to stand behind them.
    pub(crate) needed: &'static [&'static str],
    /// What may stand behind that.
    pub(crate) optional: &'static [&'static str],
    pub(crate) settings: &'static [Setting],
    /// One line for the list of all.
    pub(crate) summary: &'static str,
    /// All else, in lines.
    pub(crate) help: &'static str,
    pub(crate) run: fn(&Given) -> Result<ExitCode, Failure>,
}

/// An option of some commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Json,
    Retention,
}

impl Setting {
    pub(crate) const ALL: [Self; 2] = [Self::Json, Self::Retention];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Json => "--json",
            Self::Retention => "--retention",
        }
    }

    /// What its value is called, if it has one.
    pub(crate) fn takes(self) -> Option<&'static str> {
        match self {
            Self::Json => None,
            Self::Retention => Some("SECONDS"),
        }
    }

    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Json => "one JSON object on one line instead of a table",
            Self::Retention => "the retention duration, instead of that in the file",
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

/// A command and what stands behind it.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) command: &'static Command,
    /// As many as the command takes.
    values: Vec<OsString>,
    settings: Vec<(Setting, OsString)>,
}

impl Given {
    /// What is given to a command.
    ///
    /// # Errors
    /// What is missing, or is too much for the command, in words.
    pub(crate) fn new(
        command: &'static Command,
        values: Vec<OsString>,
        settings: Vec<(Setting, OsString)>,
    ) -> Result<Self, String> {
        let given = Self { command, values, settings };
        given.check().map(|()| given)
    }

    fn check(&self) -> Result<(), String> {
        let Command { needed, optional, settings, .. } = self.command;
        let words = self.command.words.join(" ");
        if let Some((setting, _)) = self.settings.iter().find(|(of, _)| !settings.contains(of)) {
            return Err(format!("{words} has no {}", setting.word()));
        }
        if let Some(missing) = needed.get(self.values.len()..).filter(|rest| !rest.is_empty()) {
            let is = if missing.len() == 1 { "is" } else { "are" };
            return Err(format!("{words}: {} {is} missing", missing.join(" and ")));
        }
        if let Some(more) = self.values.get(needed.len() + optional.len()) {
            return Err(format!("{words}: {} is too much", quoted(more)));
        }
        Ok(())
    }

    /// The value at this place; empty if it may be left out and is.
    pub(crate) fn value(&self, place: usize) -> &OsStr {
        self.values.get(place).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// The value at this place, if it is given.
    pub(crate) fn given(&self, place: usize) -> Option<&OsStr> {
        self.values.get(place).map(OsString::as_os_str)
    }

    /// Whether one JSON object is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.setting(Setting::Json).is_some()
    }

    pub(crate) fn setting(&self, setting: Setting) -> Option<&OsStr> {
        self.settings.iter().find(|(of, _)| *of == setting).map(|(_, value)| value.as_os_str())
    }

    /// The name at this place, as [`escape`] has it.
    pub(crate) fn name(&self, place: usize) -> Result<Name, Failure> {
        escape::name(self.value(place)).map_err(Failure::Usage)
    }

    /// The number at this place, which the command calls `what`.
    pub(crate) fn number(
        &self,
        place: usize,
        what: &str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, Failure> {
        number(self.value(place), what, range)
    }
}

/// A whole number within bounds.
pub(crate) fn number(text: &OsStr, what: &str, range: RangeInclusive<u64>) -> Result<u64, Failure> {
    let digits = text.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let parsed = digits.and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    parsed.ok_or_else(|| {
        let (low, high) = (range.start(), range.end());
        Failure::Usage(format!("{what} is {}; give a whole number, {low} to {high}", quoted(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        let of = |text: &str| number(OsStr::new(text), "SIZE", 16..=65_000).ok();
        assert_eq!((of("16"), of("65000")), (Some(16), Some(65_000)));
        for text in ["15", "65001", "", "-16", "+16", "1k", "16 ", "99999999999999999999"] {
            assert_eq!(of(text), None, "{text}");
        }
        let Failure::Usage(text) = number(OsStr::new("1k"), "SIZE", 16..=65_000).unwrap_err()
        else {
            panic!("no usage")
        };
        assert_eq!(text, "SIZE is \"1k\"; give a whole number, 16 to 65000");
    }
}
