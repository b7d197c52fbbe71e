//! What is wrong in a configuration file, and where. Parsers collect all
//! errors of a file, so that one run of `aisexec --check` names all of them.

use super::limits::MAX_ERRORS;
use super::text;
use std::fmt;
use std::path::{Path, PathBuf};

/// One error in a configuration file. Prints as
/// `PATH:LINE: what is wrong; what would be right`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1; `None` if the file as a whole is meant. What
    /// is missing at the end of a file is reported for its last line.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.message),
            None => write!(f, "{}: {}", self.path.display(), self.message),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The errors of one file while it is parsed. At most [`MAX_ERRORS`] are kept.
pub(super) struct Errors<'a> {
    path: &'a Path,
    last_line: usize,
    found: Vec<(usize, String)>,
    more: bool,
}

impl<'a> Errors<'a> {
    pub(super) fn new(path: &'a Path, text: &[u8]) -> Self {
        Self { path, last_line: text::lines(text).count().max(1), found: Vec::new(), more: false }
    }

    /// The last line of the file; 1 if it is empty.
    pub(super) fn last_line(&self) -> usize {
        self.last_line
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn add(&mut self, line: usize, message: impl Into<String>) {
        if self.found.len() < MAX_ERRORS {
            self.found.push((line, message.into()));
        } else {
            self.more = true;
        }
    }

    /// `value` if there was no error, else all errors in the order of lines.
    pub(super) fn finish<T>(mut self, value: T) -> Result<T, Vec<ConfigError>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|(line, _)| *line);
        if self.more {
            let text = format!("more than {MAX_ERRORS} errors; correct those above first");
            self.found.push((self.last_line, text));
        }
        let path = self.path;
        let located =
            |(line, message)| ConfigError { path: path.into(), line: Some(line), message };
        Err(self.found.into_iter().map(located).collect())
    }
}
