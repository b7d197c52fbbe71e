//! Daemons that are stopped: the components on their hosts let go of their work
//! before they leave, and their programs notice a while later that they are
//! gone.

use super::{Act, World};
use crate::fabric::node_of;
use crate::hazards::Hazards as _;

impl World {
    /// A daemon is told to stop; told so twice, it leaves at once.
    pub(super) fn drain(&mut self, host: usize) {
        if std::mem::replace(&mut self.sites[host].is_stopping, true) || self.fabric.rng.once_in(6)
        {
            return self.leave(host);
        }
        self.say(|| format!("{} is stopped", node_of(host)));
        self.fabric.with(host, |node, now| node.prepare_leave(now));
        let drains =
            self.fabric.hosts()[host].daemon.as_ref().is_some_and(|of| of.waits_to_leave());
        self.counted.drains += u64::from(drains);
    }

    /// A daemon has waited for the components on its host, and leaves.
    pub(super) fn goodbye(&mut self, host: usize, life: u32, is_clean: bool) {
        let of = &self.fabric.hosts()[host];
        if of.life != life || of.daemon.is_none() {
            return;
        }
        if of.paused_until > self.fabric.now {
            let delay = of.paused_until - self.fabric.now + 1;
            return self.fabric.plan(delay, Act::Leave(host, life, is_clean));
        }
        if is_clean {
            self.orphan(host);
            let delay = self.fabric.rng.below(self.plan.tokens(10));
            self.fabric.plan(delay, Act::Notice(host));
        }
        self.leave(host);
    }
}
