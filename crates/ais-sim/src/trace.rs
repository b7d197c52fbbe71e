//! What a run says while it goes on, if it is asked to.

/// Says every step on the standard error output, or nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace(pub(crate) bool);

impl Trace {
    pub(crate) fn say(self, now: u64, what: impl FnOnce() -> String) {
        if self.0 {
            eprintln!("{:>14.6} ms  {}", now as f64 / 1e6, what());
        }
    }
}
