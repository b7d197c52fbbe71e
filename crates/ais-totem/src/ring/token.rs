//! What a member does to the token: flow control and `aru` ([SRP95] 4).

use crate::packet::Token;
use ais_wire::NodeId;

/// Frames that all members send in one rotation, together.
const WINDOW: u32 = 256;
/// Frames that one member sends in one visit.
const PER_VISIT: u32 = 64;
/// Frames that may be on the way: sent, and not known to be with every member.
pub(super) const MAX_OUTSTANDING: u64 = 1024;

/// What a member told the others with the token, to take back at its next
/// visit.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sent: u32,
    backlog: u32,
}

impl Flow {
    /// How many frames may be sent in this visit, of `waiting` that wait,
    /// retransmissions included. All members have the frames up to `stable`.
    pub(super) fn allowance(&self, token: &Token, waiting: u32, stable: u64) -> u32 {
        let mut allowance = PER_VISIT.min(WINDOW.saturating_sub(token.sent));
        let backlog = token.backlog.saturating_add(waiting).saturating_sub(self.backlog);
        if let Some(share) = WINDOW.saturating_mul(self.backlog).checked_div(backlog)
            && share > 0
        {
            allowance = allowance.min(share);
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

    /// [SRP95] 4.1: the token's aru is lowered by who lacks a message and
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
        assert_eq!(flow.allowance(&token, 500, 0), PER_VISIT);
        flow.tell(&mut token, 64, 100);
        assert_eq!((token.sent, token.backlog), (64, 100));
        token.sent += 150;
        assert_eq!(flow.allowance(&token, 100, 0), WINDOW - 214);
        token.sent = 64;
        token.backlog = 1000;
        assert_eq!(flow.allowance(&token, 100, 0), WINDOW * 100 / 1000);
        flow.tell(&mut token, 25, 75);
        assert_eq!((token.sent, token.backlog), (25, 975));
    }

    #[test]
    fn numbers_of_a_forged_token_overflow_nothing() {
        let mut flow = Flow { sent: 9, backlog: u32::MAX };
        let mut token = Token { sent: u32::MAX, backlog: u32::MAX, ..token(u64::MAX, 0, None) };
        assert_eq!(flow.allowance(&token, u32::MAX, 0), 0);
        flow.tell(&mut token, u32::MAX, u32::MAX);
        assert_eq!((token.sent, token.backlog), (u32::MAX, u32::MAX));
        assert_eq!(flow.allowance(&Token { seq: 0, sent: 0, ..token }, 0, 9), 64);
    }

    /// A member that fell behind is waited for.
    #[test]
    fn frames_that_somebody_lacks_are_bounded() {
        let flow = Flow::default();
        let token = token(MAX_OUTSTANDING + 90, 100, None);
        assert_eq!(flow.allowance(&token, 500, 100), 10);
        assert_eq!(flow.allowance(&token, 500, 80), 0);
    }
}
