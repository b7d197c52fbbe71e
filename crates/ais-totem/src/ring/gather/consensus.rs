//! Whether all that are wanted want the same ([SRP95] 5.1).

use super::super::{Ring, State};

impl Ring {
    /// If all agree, the lowest begins to form the ring, and the others wait
    /// for its commit token.
    pub(in super::super) fn check_consensus(&mut self, now: u64) {
        let State::Gather(gather) = &mut self.state else { return };
        if !gather.begun {
            return;
        }
        let wanted = gather.wanted();
        let all_agree = wanted.iter().all(|node| {
            *node == self.core.me || gather.peers.get(node).is_some_and(|peer| peer.agrees(&wanted))
        });
        let may_be_alone = wanted.len() > 1 || now >= gather.alone_at;
        if gather.agreed_until.is_some() || !all_agree || !may_be_alone {
            return;
        }
        if gather.is_careful && !self.are_connected(now) {
            return;
        }
        let State::Gather(gather) = &mut self.state else { return };
        if wanted.first() == Some(&self.core.me) {
            let known = gather.peers.iter().filter(|(node, _)| wanted.contains(node));
            let highest = known.map(|(_, peer)| peer.number).max();
            self.begin_commit(now, &wanted, highest.unwrap_or(0));
        } else {
            gather.agreed_until = Some(now.saturating_add(self.core.timing.consensus()));
        }
    }
}
