//! What a flood has done, by name: what was sent, and what became of it.

use ais_proto::AisError;
use std::collections::BTreeMap;
use std::fmt;

/// Requests and whatever else was sent.
const SENT: &str = "sent";

/// The counts. As text a line for each, which can be read again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(super) fn add(&mut self, what: &str, count: u64) {
        *self.0.entry(what.to_owned()).or_default() += count;
    }

    pub(super) fn sent(&mut self) {
        self.add(SENT, 1);
    }

    pub(super) fn answered(&mut self, result: Result<(), AisError>) {
        match result {
            Ok(()) => self.add("SA_OK", 1),
            Err(error) => self.add(&error.to_string(), 1),
        }
    }

    /// Adds what another process has printed.
    pub(super) fn read(&mut self, text: &str) {
        for line in text.lines() {
            if let Some((count, what)) = line.split_once(' ')
                && let Ok(count) = count.parse()
            {
                self.add(what, count);
            }
        }
    }

    /// Whether anything was sent at all.
    pub(super) fn is_flood(&self) -> bool {
        self.0.get(SENT).is_some_and(|count| *count > 0)
    }

    /// In one line, for people.
    pub(super) fn shown(&self) -> String {
        self.to_string().trim_end().replace('\n', ", ")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count} {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_have_printed_is_added_up() {
        let mut one = Tally::default();
        assert!(!one.is_flood());
        one.sent();
        one.answered(Ok(()));
        one.answered(Err(AisError::NoSpace));
        let mut sum = Tally::default();
        sum.read(&one.to_string());
        sum.read(&one.to_string());
        assert_eq!(sum.shown(), "2 SA_ERR_NO_SPACE, 2 SA_OK, 2 sent");
        assert!(sum.is_flood());
        sum.read("FAILED cluster: no flood");
        assert_eq!(sum.shown(), "2 SA_ERR_NO_SPACE, 2 SA_OK, 2 sent");
    }
}
