//! What a member does to the token: flow control and `aru` ([SRP95] 4).

use crate::packet::{MAX_REQUESTS, Token};
use ais_wire::NodeId;

/// Frames that all members send in one rotation, together.
const WINDOW: u32 = 256;
/// Frames that one member sends in one visit, where the token goes round fast.
pub(super) const PER_VISIT: u32 = 64;
/// Frames that one member sends in one visit, where the token takes long: few enough
/// that the others, of which it is not known yet how much they have, can send too in
/// the same rotation.
pub(super) const MOST_PER_VISIT: u32 = WINDOW / 4 * 3;
/// Frames that may be on the way: sent, and not known to be with every member.
pub(super) const MAX_OUTSTANDING: u64 = 1024;

/// Frames that the others in a ring of so many members send between two visits
/// of the token, at most.
pub(super) fn most_between_visits(members: usize) -> u64 {
    u64::from(MOST_PER_VISIT).saturating_mul(members.saturating_sub(1) as u64)
}

/// What a member told the others with the token, to take back at its next
/// visit.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sent: u32,
    backlog: u32,
}

impl Flow {
    /// How many frames may be sent in this visit, of `waiting` that wait,
    /// retransmissions included, but `per_visit` at most. All of the `members`
    /// have the frames up to `stable`.
    pub(super) fn allowance(
        &self,
        token: &Token,
        waiting: u32,
        stable: u64,
        members: usize,
        per_visit: u32,
    ) -> u32 {
        // What this member sent last is a rotation ago.
        let others = token.sent.saturating_sub(self.sent);
        let mut allowance = per_visit.min(WINDOW.saturating_sub(others));
        let backlog = token.backlog.saturating_add(waiting).saturating_sub(self.backlog);
        if let Some(share) = WINDOW.saturating_mul(self.backlog).checked_div(backlog)
            && share > 0
        {
            // An equal share is every member's, whatever is said to wait.
            let equal = u32::try_from(members).map_or(0, |members| WINDOW / members.max(1));
            allowance = allowance.min(share.max(equal));
        }
        let outstanding = token.seq.saturating_sub(stable);
        let room = MAX_OUTSTANDING.saturating_sub(outstanding);
        allowance.min(u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// Whether this member sent frames in its last visit.
    pub(super) fn has_sent(&self) -> bool {
        self.sent > 0
    }

    /// Whether nobody but this member sent frames in the last rotation.
    pub(super) fn is_lone_sender(&self, token: &Token) -> bool {
        token.sent == self.sent
    }

    /// Lowers what the token says was sent in the last rotation to what can
    /// have been: the frames that are `new` since the last visit here, those of
    /// that visit, and as many retransmissions as a token can ask for.
    pub(super) fn correct(&self, token: &mut Token, new: u64) {
        let new = u32::try_from(new).unwrap_or(u32::MAX);
        let most = new.saturating_add(self.sent).saturating_add(MAX_REQUESTS as u32);
        token.sent = token.sent.min(most);
    }

    /// Tells the others on the token what was sent and what still waits.
    pub(super) fn tell(&mut self, token: &mut Token, sent: u32, waiting: u32) {
        token.sent = token.sent.saturating_sub(self.sent).saturating_add(sent);
        token.backlog = token.backlog.saturating_sub(self.backlog).saturating_add(waiting);
        *self = Self { sent, backlog: waiting };
    }
}

/// Lowers `aru` of the token to what this member has, or raises what it or
/// nobody has lowered.
pub(super) fn update_aru(token: &mut Token, me: NodeId, my_aru: u64) {
    let mine = token.aru_from.is_none_or(|node| node == me);
    if my_aru < token.aru || mine {
        token.aru = my_aru.min(token.seq);
        token.aru_from = (token.aru < token.seq).then_some(me);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewId;

    fn node(host: u8) -> NodeId {
        NodeId::new([10, 0, 0, host].into())
    }

    fn token(seq: u64, aru: u64, aru_from: Option<NodeId>) -> Token {
        Token {
            ring: ViewId { number: 1, representative: node(1) },
            token_seq: 0,
            seq,
            aru,
            aru_from,
            sent: 0,
            backlog: 0,
            idle: 0,
            recovering: false,
            requests: Vec::new(),
        }
    }

    /// [SRP95] 4.1: the token's aru is lowered by a member that lacks a message and
    /// raised by the same.
    #[test]
    fn aru_is_lowered_by_who_lacks_and_raised_by_the_same() {
        let mut token = token(10, 10, None);
        update_aru(&mut token, node(1), 7);
        assert_eq!((token.aru, token.aru_from), (7, Some(node(1))));
        update_aru(&mut token, node(2), 10);
        assert_eq!((token.aru, token.aru_from), (7, Some(node(1))));
        update_aru(&mut token, node(3), 5);
        assert_eq!((token.aru, token.aru_from), (5, Some(node(3))));
        update_aru(&mut token, node(1), 10);
        assert_eq!((token.aru, token.aru_from), (5, Some(node(3))));
        update_aru(&mut token, node(3), 10);
        assert_eq!((token.aru, token.aru_from), (10, None));
    }

    /// [SRP95] 4.2: a window for the ring, shared by backlog.
    #[test]
    fn the_window_is_shared_by_backlog() {
        let mut flow = Flow::default();
        let mut token = token(0, 0, None);
        assert_eq!(flow.allowance(&token, 500, 0, 16, PER_VISIT), PER_VISIT);
        flow.tell(&mut token, 64, 100);
        assert_eq!((token.sent, token.backlog), (64, 100));
        token.sent += 150;
        assert_eq!(flow.allowance(&token, 100, 0, 16, MOST_PER_VISIT), WINDOW - 150);
        assert_eq!(flow.allowance(&token, 100, 0, 16, PER_VISIT), PER_VISIT);
        token.sent = 64;
        token.backlog = 1000;
        assert_eq!(flow.allowance(&token, 100, 0, 16, PER_VISIT), WINDOW * 100 / 1000);
        // A token that says that much waits elsewhere takes nobody's share.
        token.backlog = u32::MAX;
        assert_eq!(flow.allowance(&token, 100, 0, 2, PER_VISIT), PER_VISIT);
        token.backlog = 20_000;
        assert_eq!(flow.allowance(&token, 100, 0, 16, PER_VISIT), WINDOW / 16);
        token.backlog = 1000;
        flow.tell(&mut token, 25, 75);
        assert_eq!((token.sent, token.backlog), (25, 975));
    }

    #[test]
    fn numbers_of_a_forged_token_overflow_nothing() {
        let mut flow = Flow { sent: 9, backlog: u32::MAX };
        let mut token = Token { sent: u32::MAX, backlog: u32::MAX, ..token(u64::MAX, 0, None) };
        assert_eq!(flow.allowance(&token, u32::MAX, 0, 2, PER_VISIT), 0);
        flow.tell(&mut token, u32::MAX, u32::MAX);
        assert_eq!((token.sent, token.backlog), (u32::MAX, u32::MAX));
        let fresh = Token { seq: 0, sent: 0, ..token.clone() };
        assert_eq!(flow.allowance(&fresh, 0, 9, 2, PER_VISIT), PER_VISIT);
        flow.sent = 3;
        flow.correct(&mut token, 7);
        assert_eq!(token.sent, 3 + 7 + MAX_REQUESTS as u32);
    }

    /// A member that fell behind is waited for.
    #[test]
    fn frames_that_somebody_lacks_are_bounded() {
        let flow = Flow::default();
        let token = token(MAX_OUTSTANDING + 90, 100, None);
        assert_eq!(flow.allowance(&token, 500, 100, 3, PER_VISIT), 10);
        assert_eq!(flow.allowance(&token, 500, 80, 3, PER_VISIT), 0);
    }
}
