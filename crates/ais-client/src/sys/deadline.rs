//! When a call has to be over.

use std::time::{Duration, Instant};

/// A point of time, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// No limit.
    pub(crate) const NEVER: Self = Self(None);

    /// This long from now; what no clock can show is never.
    pub(crate) fn after(duration: Duration) -> Self {
        Self(now().checked_add(duration))
    }

    /// Whichever comes first.
    pub(crate) fn min(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(one.min(two))),
            (one, two) => Self(one.or(two)),
        }
    }

    /// What is left; `None` is for ever.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(now()))
    }

    /// Whether it has come.
    pub(crate) fn is_over(self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }
}

#[expect(clippy::disallowed_methods, reason = "the library's deadlines are about real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_timeout_is_no_overflow() {
        let far = Deadline::after(Duration::from_nanos(i64::MAX as u64));
        assert!(!far.is_over());
        assert!(far.remaining().is_some_and(|left| !left.is_zero()));
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
        assert_eq!(far.min(Deadline::NEVER), far);
        assert!(Deadline::after(Duration::ZERO).is_over());
    }
}
