//! Leaving in order: first the components of this node let go of their work,
//! and others take it over.

use super::{Node, Output};
use crate::Now;
use ais_proto::ServiceId;

/// How long components are waited for at most, in nanoseconds: longer than
/// `callback-timeout` is by default, shorter than an init system waits for the
/// end of a daemon that it stops.
const LONGEST: u64 = 8_000_000_000;

/// How far a node is with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drain {
    /// The node stays.
    No,
    /// The node waits until then.
    Until(u64),
    /// The node may leave.
    Over,
}

impl Node {
    /// Has the units with a component on this node quiesced and taken out of
    /// service, as `NODE_SWITCHOVER` does, so that others take over from them
    /// before programs lose this node. Puts out [`Output::MayLeave`] when that
    /// is done, or has taken 8 seconds: at once if nothing works here, or
    /// nobody is there to take over. Then [`Node::leave`].
    pub fn prepare_leave(&mut self, now: Now) {
        if self.drain != Drain::No {
            return;
        }
        self.drain = Drain::Until(now.monotonic.saturating_add(LONGEST));
        self.renew_drain(now);
        self.run_group(now);
    }

    /// Tells all members that this node drains, if it does. What other sides
    /// have agreed on may not have it.
    pub(super) fn renew_drain(&mut self, now: Now) {
        if self.waits_to_leave() && !self.is_idle() {
            self.fx.service = ServiceId::Amf;
            self.services.amf.drain(&mut self.fx);
            self.apply(now);
        }
    }

    /// Whether this node waits for its components before it leaves.
    #[must_use]
    pub fn waits_to_leave(&self) -> bool {
        matches!(self.drain, Drain::Until(_))
    }

    /// When it waits no longer.
    pub(super) fn drain_timeout(&self) -> Option<u64> {
        match self.drain {
            Drain::Until(end) => Some(end),
            Drain::No | Drain::Over => None,
        }
    }

    /// Nothing works here that somebody else could take over.
    fn is_idle(&self) -> bool {
        let is_alone = self.sync.view.as_ref().is_none_or(|view| view.members.len() <= 1);
        is_alone
            || !self.sync.takes_part(ServiceId::Amf)
            || self.services.amf.at_work().next().is_none()
    }

    /// Ends the wait when it is over.
    pub(super) fn follow_drain(&mut self) {
        if self.waits_to_leave() && self.is_idle() {
            self.end_drain(true);
        }
    }

    /// Time has passed.
    pub(super) fn limit_drain(&mut self, now: Now) {
        if self.drain_timeout().is_some_and(|end| end <= now.monotonic) && !self.is_idle() {
            for component in self.services.amf.at_work() {
                log::warn!(
                    "component {component} has not let go of its work in {} s; this node leaves \
                     all the same",
                    LONGEST / 1_000_000_000
                );
            }
            self.end_drain(false);
        }
    }

    fn end_drain(&mut self, is_clean: bool) {
        self.drain = Drain::Over;
        self.outputs.push_back(Output::MayLeave { is_clean }.into());
    }
}
