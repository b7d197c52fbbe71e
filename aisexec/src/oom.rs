//! What the kernel ends first when memory runs out: rather other programs than
//! this one, whose end takes a node from the cluster. What it may use has bounds
//! of its own.

use std::io;
use std::path::Path;

const PLACE: &str = "/proc/self/oom_score_adj";
/// Last of those that may be ended at all: with -1000 a control group with this
/// process alone in it would stand still instead.
const SCORE: i32 = -900;

/// Asks to be spared, and says in the log whether that is granted. What is lower
/// already stays so.
pub(crate) fn ask() {
    match lower(Path::new(PLACE)) {
        Ok(before) if before <= SCORE => {}
        Ok(before) => log::info!(
            "oom_score_adj is {SCORE} now instead of {before}: when memory runs out the kernel \
             ends other programs first"
        ),
        Err(error) => log::warn!(
            "oom_score_adj cannot be {SCORE} ({error}): when memory runs out the kernel may end \
             this process as any other; grant CAP_SYS_RESOURCE, or set OOMScoreAdjust={SCORE} in \
             the unit of systemd"
        ),
    }
}

/// Lowers the score in a file. What it was.
fn lower(place: &Path) -> io::Result<i32> {
    let text = std::fs::read_to_string(place)?;
    let before = text.trim().parse().map_err(io::Error::other)?;
    if before > SCORE {
        std::fs::write(place, SCORE.to_string())?;
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_lowered_and_never_raised() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("score");
        for (before, after) in [("0\n", "-900"), ("300\n", "-900"), ("-1000\n", "-1000\n")] {
            std::fs::write(&place, before).unwrap();
            assert_eq!(lower(&place).unwrap(), before.trim().parse::<i32>().unwrap());
            assert_eq!(std::fs::read_to_string(&place).unwrap(), after);
        }
        std::fs::write(&place, "none").unwrap();
        assert!(lower(&place).is_err());
        assert!(lower(&directory.path().join("absent")).is_err());
    }
}
