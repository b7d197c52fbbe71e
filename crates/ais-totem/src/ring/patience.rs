//! How long a member waits for the token, for acknowledgements and for messages: as
//! long as they take on this ring, as it was measured, and never so long that the token
//! could be missed.

use super::token::{MOST_PER_VISIT, PER_VISIT};
use crate::Timing;

/// A token is sent again after so many nanoseconds at the earliest, where one was
/// late lately: a member may have to wait as long for a processor.
const LEAST_RETRANSMIT: u64 = 500_000;
/// Where no token was late lately, one is sent again after so many nanoseconds at the
/// earliest: a timer that is near has to be set in the hardware for each token, and
/// taken back, which is dear on a virtual machine.
const LEAST_WHILE_TIMELY: u64 = 2_000_000;
/// A late token counts as one of lately for so many that are in time.
const LATE_FOR: u32 = 1024;
/// Acknowledgements are waited for so many nanoseconds at least.
pub(super) const LEAST_FOR_ACKS: u64 = 200_000;
/// The token may stay for so many times as long as one acknowledgement is
/// waited for.
const ACKS_IN_A_VISIT: u64 = 4;
/// The token lingers for so many nanoseconds at least, or not at all, if the
/// driver does not say how long.
const LEAST_LINGER: u64 = 100_000;
/// Where the token takes so many nanoseconds from one member to the next it is
/// on its way for most of that. Meanwhile there is room for [`PER_VISIT`] frames
/// of each, and for more where it takes longer.
const LONG_WAY: u64 = 300_000;
/// Rotations after which a shorter one that was measured before them is
/// forgotten, at the earliest.
const SHORTEST_OF: u32 = 64;
/// A time is doubled so many times at most.
const MAX_DOUBLINGS: u32 = 16;

/// A time that is measured again and again, and how long to wait for the next
/// one ([RFC 6298]).
#[derive(Debug, Default)]
struct Estimate {
    /// Smoothed mean and mean deviation, in nanoseconds.
    smoothed: Option<u64>,
    deviation: u64,
    /// How often in a row a time was longer than was waited.
    doublings: u32,
}

impl Estimate {
    /// Notes a time that is less than was waited ([RFC 6298] 2.2, 2.3; 3: what was
    /// asked for twice tells nothing).
    fn note(&mut self, time: u64) {
        self.doublings = 0;
        let Some(smoothed) = &mut self.smoothed else {
            self.smoothed = Some(time);
            self.deviation = time / 2;
            return;
        };
        let off = smoothed.abs_diff(time);
        self.deviation = (self.deviation - self.deviation / 4).saturating_add(off / 4);
        *smoothed = (*smoothed - *smoothed / 8).saturating_add(time / 8);
    }

    /// Notes a time that is longer than was waited ([RFC 6298] 5.5).
    fn note_late(&mut self) {
        self.doublings = (self.doublings + 1).min(MAX_DOUBLINGS);
    }

    /// How long to wait; `None` if it was never measured. At least a quarter
    /// more than the mean, for timers are not exact.
    fn timeout(&self) -> Option<u64> {
        let smoothed = self.smoothed?;
        let margin = self.deviation.saturating_mul(4).max(smoothed / 4);
        Some(smoothed.saturating_add(margin).saturating_mul(1 << self.doublings))
    }
}

/// The shortest of the last times.
#[derive(Debug, Default)]
struct Shortest {
    now: Option<u64>,
    before: Option<u64>,
    count: u32,
}

impl Shortest {
    fn note(&mut self, time: u64) {
        if self.count >= SHORTEST_OF {
            *self = Self { now: None, before: self.now, count: 0 };
        }
        self.count += 1;
        self.now = Some(self.now.map_or(time, |now| now.min(time)));
    }

    fn get(&self) -> Option<u64> {
        self.now.into_iter().chain(self.before).min()
    }
}

/// The token, as it was passed on.
#[derive(Debug)]
struct OnItsWay {
    since: u64,
    /// Nothing has shown yet that it arrived, and then it is sent again.
    unseen_until: Option<u64>,
    /// The token rests nowhere on its way round.
    goes_round: bool,
    /// A copy from the member before this one has it sent again from then on.
    copies_count_from: u64,
}

/// What was measured on a ring.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// How long it takes until something shows that a token has arrived that was passed
    /// on.
    progress: Estimate,
    /// How long it takes until all have acknowledged a frame that asks for it.
    acks: Estimate,
    rotation: Shortest,
    token: Option<OnItsWay>,
    /// Tokens in time until a late one is forgotten.
    late_for: u32,
}

impl Patience {
    /// The token is passed on. It may rest at a member, or not. When it is to
    /// be sent again.
    pub(super) fn pass(&mut self, now: u64, may_rest: bool, timing: Timing) -> u64 {
        let interval = match may_rest {
            true => timing.retransmit().saturating_add(timing.hold()),
            false => self.retransmit(timing),
        };
        let again = now.saturating_add(interval);
        let unseen_until = (!may_rest).then_some(again);
        self.token = Some(OnItsWay {
            since: now,
            unseen_until,
            goes_round: !may_rest,
            copies_count_from: now.saturating_add(self.retransmit(timing)),
        });
        interval
    }

    /// The member before this one sends a token again that may rest: it knows
    /// that this one does not, and has seen nothing of it since. Whether it may
    /// be lost behind this member, and is to be sent again: after twice as long
    /// each time.
    pub(super) fn may_be_lost(&mut self, now: u64) -> bool {
        let Some(token) = &mut self.token else { return false };
        let may_be = !token.goes_round && now >= token.copies_count_from;
        if may_be {
            let age = now.saturating_sub(token.since);
            token.copies_count_from = now.saturating_add(age);
        }
        may_be
    }

    /// Something shows that the token has arrived.
    pub(super) fn note_progress(&mut self, now: u64) {
        let Some(token) = &mut self.token else { return };
        let Some(until) = token.unseen_until.take() else { return };
        if now < until {
            self.progress.note(now.saturating_sub(token.since));
            self.late_for = self.late_for.saturating_sub(1);
        } else {
            self.progress.note_late();
            self.late_for = LATE_FOR;
        }
    }

    /// The token is back.
    pub(super) fn note_return(&mut self, now: u64) {
        self.note_progress(now);
        if let Some(token) = self.token.take()
            && token.goes_round
        {
            self.rotation.note(now.saturating_sub(token.since));
        }
    }

    /// All have acknowledged a frame so long after they were asked first.
    pub(super) fn note_acks(&mut self, time: u64) {
        self.acks.note(time);
    }

    /// Some have not acknowledged a frame in time.
    pub(super) fn note_late_acks(&mut self) {
        self.acks.note_late();
    }

    /// How long the token takes to go round where nobody keeps it, in
    /// nanoseconds; 0 if that is not known.
    pub(super) fn rotation(&self) -> u64 {
        self.rotation.get().unwrap_or(0)
    }

    /// Whether the token takes so long from one of so many members to the next
    /// that what processors do counts for little beside that.
    pub(super) fn is_far(&self, members: usize) -> bool {
        self.way(members) >= LONG_WAY
    }

    /// How long the token takes from one of so many members to the next.
    fn way(&self, members: usize) -> u64 {
        self.rotation() / members.max(1) as u64
    }

    /// A token of which nothing is seen is sent again after so long.
    fn retransmit(&self, timing: Timing) -> u64 {
        let least = if self.late_for == 0 { LEAST_WHILE_TIMELY } else { LEAST_RETRANSMIT };
        self.progress_within(least, timing)
    }

    /// A CANCEL, which is rare, is sent again after so long.
    pub(super) fn for_cancel(&self, timing: Timing) -> u64 {
        self.progress_within(LEAST_RETRANSMIT, timing)
    }

    /// As long as it takes until something shows that a token has arrived, at least
    /// so long.
    fn progress_within(&self, least: u64, timing: Timing) -> u64 {
        let most = timing.retransmit();
        self.progress.timeout().unwrap_or(most).clamp(least, most)
    }

    /// How long the acknowledgements of a frame are waited for: not longer than a
    /// token, which brings them too.
    pub(super) fn for_acks(&self, timing: Timing) -> u64 {
        let most = longest_wait(timing);
        let token = self.progress.timeout().unwrap_or(most).max(LEAST_FOR_ACKS);
        self.acks.timeout().unwrap_or(token).clamp(LEAST_FOR_ACKS, token).min(most)
    }

    /// Acknowledgements are asked for in a visit of the token for so long: then
    /// it goes on, for the others learn from it what is stable.
    pub(super) fn in_a_visit(&self, timing: Timing) -> u64 {
        (self.for_acks(timing) * ACKS_IN_A_VISIT).min(2 * longest_wait(timing))
    }

    /// The token of a member that is alone in sending lingers for so long, if
    /// the driver says nothing longer: a message that comes when it is gone waits
    /// for a rotation.
    pub(super) fn linger(&self, timing: Timing, of_driver: u64) -> u64 {
        of_driver.max(worth(self.rotation())).min(longest_wait(timing))
    }

    /// How long the token lingers where others send too, which have to wait meanwhile:
    /// all of the `members` make the rotation longer by a quarter at most.
    pub(super) fn shared_linger(&self, timing: Timing, members: usize) -> u64 {
        worth(self.way(members) / 4).min(longest_wait(timing))
    }

    /// The token waits for so long for frames that it has overtaken on its way
    /// from the member before this one: without them it takes a rotation more
    /// until they are stable.
    pub(super) fn for_frames(&self, timing: Timing, members: usize) -> u64 {
        let way = self.way(members);
        if way < LEAST_LINGER { 0 } else { (way / 2).min(longest_wait(timing)) }
    }

    /// How many frames are sent in a visit at most, in a ring of so many members.
    pub(super) fn frames_in_a_visit(&self, members: usize) -> u32 {
        let frames = self.way(members).saturating_mul(PER_VISIT.into()) / LONG_WAY;
        u32::try_from(frames).unwrap_or(u32::MAX).clamp(PER_VISIT, MOST_PER_VISIT)
    }
}

/// A time to linger, if it is worth it.
fn worth(time: u64) -> u64 {
    if time < LEAST_LINGER { 0 } else { time }
}

/// The token stays for so long at most for one reason. With two waits for
/// acknowledgements, as many that began before them, and a linger it stays
/// little longer than an idle one, which nobody misses.
fn longest_wait(timing: Timing) -> u64 {
    timing.hold() / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1000;
    const MS: u64 = 1000 * US;
    const TIMING: Timing = Timing::from_token(1000);

    /// A ring whose token took these times.
    fn measured(times: &[u64]) -> Patience {
        let mut patience = Patience::default();
        for time in times {
            patience.pass(MS, false, TIMING);
            patience.note_return(MS + time);
        }
        patience
    }

    /// [RFC 6298] 2.2, 2.3 and 5.5.
    #[test]
    fn a_time_is_estimated_from_mean_and_deviation() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.timeout(), None);
        estimate.note(800);
        assert_eq!(estimate.timeout(), Some(800 + 4 * 400));
        estimate.note(1600);
        assert_eq!((estimate.smoothed, estimate.deviation), (Some(900), 500));
        (0..100).for_each(|_| estimate.note(1000));
        assert!((1200..1300).contains(&estimate.timeout().unwrap()), "timers are not exact");
        let timeout = estimate.timeout().unwrap();
        estimate.note_late();
        estimate.note_late();
        assert_eq!(estimate.timeout(), Some(4 * timeout));
        estimate.note(1000);
        assert!(estimate.timeout() <= Some(timeout), "as long as it was before");
        (0..100).for_each(|_| estimate.note_late());
        assert_eq!(estimate.doublings, MAX_DOUBLINGS);
        estimate.note(u64::MAX);
        assert_eq!(estimate.timeout(), Some(u64::MAX));
    }

    #[test]
    fn the_shortest_of_the_last_times_is_forgotten_in_the_end() {
        let mut patience = measured(&[3 * MS, 2 * MS, 5 * MS]);
        assert_eq!(patience.rotation(), 2 * MS);
        for _ in 0..2 * SHORTEST_OF {
            patience.pass(MS, false, TIMING);
            patience.note_return(5 * MS);
        }
        assert_eq!(patience.rotation(), 4 * MS);
        patience.pass(MS, true, TIMING);
        patience.note_return(MS + 1);
        assert_eq!(patience.rotation(), 4 * MS, "it may have rested");
    }

    #[test]
    fn a_token_is_sent_again_after_what_it_takes_and_a_margin() {
        let most = TIMING.retransmit();
        assert_eq!(Patience::default().pass(0, false, TIMING), most, "nothing is known");
        assert_eq!(measured(&[50 * US; 20]).pass(0, false, TIMING), LEAST_WHILE_TIMELY);
        let mut patience = measured(&[3 * MS; 40]);
        let interval = patience.pass(0, false, TIMING);
        assert!((3 * MS..4 * MS).contains(&interval), "{interval}");
        assert_eq!(patience.pass(0, true, TIMING), most + TIMING.hold(), "it may rest");
        // What comes after it was sent again does not say after which of the two.
        patience.pass(0, false, TIMING);
        patience.note_return(9 * MS);
        assert_eq!(patience.pass(0, false, TIMING), 2 * interval);
        patience.note_return(9 * MS);
        assert_eq!(patience.pass(0, false, TIMING), 4 * interval);
        patience.note_return(9 * MS);
        assert!(patience.pass(0, false, TIMING) > 9 * MS, "it takes longer now");
        assert_eq!(measured(&[150 * MS; 40]).pass(0, false, TIMING), most);
    }

    #[test]
    fn a_ring_that_was_late_lately_sends_tokens_again_sooner() {
        let mut patience = measured(&[50 * US; 20]);
        patience.pass(0, false, TIMING);
        patience.note_return(LEAST_WHILE_TIMELY);
        for _ in 0..LATE_FOR {
            let interval = patience.pass(0, false, TIMING);
            assert!((LEAST_RETRANSMIT..LEAST_WHILE_TIMELY).contains(&interval), "{interval}");
            patience.note_return(50 * US);
        }
        assert_eq!(patience.pass(0, false, TIMING), LEAST_WHILE_TIMELY, "it is forgotten");
    }

    #[test]
    fn copies_count_when_the_token_is_overdue_and_ever_less_often() {
        let mut patience = measured(&[3 * MS; 40]);
        assert!(!patience.may_be_lost(0), "it is here");
        let interval = patience.pass(0, true, TIMING);
        let counted = (0..interval / MS).filter(|at| patience.may_be_lost(at * MS)).count();
        assert!((4..7).contains(&counted), "{counted} in {interval} ns");
    }

    #[test]
    fn acknowledgements_are_waited_for_as_long_as_they_take() {
        assert_eq!(measured(&[50 * US; 20]).for_acks(TIMING), LEAST_FOR_ACKS);
        let mut patience = measured(&[3 * MS; 40]);
        assert!(patience.for_acks(TIMING) > 3 * MS, "as for a token, as they are not known");
        (0..40).for_each(|_| patience.note_acks(2 * MS));
        let wait = patience.for_acks(TIMING);
        assert!((2 * MS..3 * MS).contains(&wait), "{wait}");
        assert_eq!(patience.in_a_visit(TIMING), 4 * wait);
        patience.note_late_acks();
        assert!(
            (3 * MS..4 * MS).contains(&patience.for_acks(TIMING)),
            "not longer than for a token"
        );
    }

    #[test]
    fn the_token_lingers_where_rotations_are_long() {
        let (near, far) = (measured(&[60 * US]), measured(&[3 * MS]));
        assert_eq!((near.linger(TIMING, 90 * US), far.linger(TIMING, 90 * US)), (90 * US, 3 * MS));
        assert_eq!((near.shared_linger(TIMING, 3), far.shared_linger(TIMING, 3)), (0, 250 * US));
        assert_eq!((near.linger(TIMING, 0), far.linger(TIMING, 0)), (0, 3 * MS));
        assert_eq!((near.for_frames(TIMING, 3), far.for_frames(TIMING, 3)), (0, MS / 2));
        assert!(!near.is_far(3) && far.is_far(3));
        assert!(!far.is_far(16), "processors take that long");
    }

    #[test]
    fn more_frames_share_a_long_rotation() {
        let frames = |rotation, members| measured(&[rotation]).frames_in_a_visit(members);
        assert_eq!([frames(60 * US, 3), frames(900 * US, 3), frames(3 * MS, 16)], [PER_VISIT; 3]);
        assert_eq!(frames(1800 * US, 3), 2 * PER_VISIT);
        assert_eq!([frames(30 * MS, 3), frames(u64::MAX / 2, 2)], [MOST_PER_VISIT; 2]);
    }

    /// Whatever was measured.
    #[test]
    fn no_wait_is_so_long_that_the_token_is_missed() {
        for token in [30, 50, 100, 300, 1000, 5000, 600_000] {
            let timing = Timing::from_token(token);
            for time in [1, 100 * US, MS, 50 * MS, 10_000 * MS, u64::MAX / 2] {
                let mut patience = measured(&[time; 3]);
                patience.note_acks(time);
                let stays = patience.in_a_visit(timing)
                    + 2 * patience.for_acks(timing)
                    + patience.for_frames(timing, 2)
                    + patience.linger(timing, MS).max(patience.shared_linger(timing, 2));
                assert!(stays <= timing.hold() + timing.hold() / 2, "{token}: {stays}");
                assert!(3 * patience.pass(0, false, timing) <= timing.token_loss());
            }
        }
    }
}
