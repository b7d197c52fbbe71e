//! CLM, Cluster Membership: which nodes are in the cluster (A.01.01 section CLM).
//!
//! Replicated are the records of the nodes, which every member announces when
//! a view begins (`sync`). A view is shown to programs once the records of all
//! its members are here, so that nobody sees a member without a name; one that
//! only lost members at once. What one program tracks is known to its own node
//! alone.

mod state;
#[cfg(test)]
mod tests;

use crate::record::Record;
use crate::service::{Replica, Service};
use crate::{
    Asker, Caller, Config, ConnectionId, Delivery, Digest, Effects, Event, Malformed, Now,
    SessionId, Timer,
};
use ais_group::View;
use ais_proto::clm::{self, LOCAL_NODE_ID, Request};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, ServiceId};
use ais_wire::{NodeId, Writer};
use state::{Members, Shown};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The service.
#[derive(Debug)]
pub struct Clm {
    me: NodeId,
    members: Members,
    subscriptions: BTreeMap<ConnectionId, Subscription>,
}

/// The changes that a program wants to be told.
#[derive(Debug)]
struct Subscription {
    number: u32,
    /// `CHANGES` or `CHANGES_ONLY`.
    flags: TrackFlags,
    /// The members as the program was told them last, or as they were when it
    /// asked.
    told: Rc<Shown>,
    /// The handle has asked for all members and was not told them yet.
    wants_all: bool,
}

/// What a library handle is to be told, as it is by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// What has changed for its subscription, or all members if it wants those.
    Changes,
    /// All members once, for a subscription of this number that does not last.
    Current(u32),
    /// The node that was asked for, with this tag.
    Found { tag: u32, node: u64 },
}

impl Due {
    /// Whether it was asked for once.
    pub(crate) fn is_asked_for(self) -> bool {
        self != Self::Changes
    }

    /// Whether one that is told later says all that an earlier one would.
    pub(crate) fn is_the_same_later(self) -> bool {
        !matches!(self, Self::Found { .. })
    }
}

impl Clm {
    fn track_start(
        &mut self,
        asker: Asker,
        flags: TrackFlags,
        capacity: u64,
        number: u32,
        fx: &mut Effects,
    ) {
        let current = flags.contains(TrackFlags::CURRENT);
        if self.members.len() == 0 {
            return fx.reply(asker, Err(AisError::TryAgain), Vec::new());
        }
        if current && (self.members.len() as u64) > capacity {
            return fx.reply(asker, Err(AisError::NoSpace), Vec::new());
        }
        // A request for the current members alone neither begins nor ends the
        // tracking of changes.
        if flags.subscribes() {
            let (flags, told) = (flags - TrackFlags::CURRENT, Rc::clone(self.members.shown()));
            let subscription = Subscription { number, flags, told, wants_all: current };
            self.subscriptions.insert(asker.connection, subscription);
        }
        if current {
            let due = if flags.subscribes() { Due::Changes } else { Due::Current(number) };
            fx.tell_now(asker.connection, due);
        }
        // Last, so that the callback is pending when the call returns.
        fx.reply(asker, Ok(()), Vec::new());
    }

    fn track_stop(&mut self, asker: Asker, fx: &mut Effects) {
        let stopped = self.subscriptions.remove(&asker.connection);
        let result = stopped.map(|_| ()).ok_or(AisError::NotExist);
        fx.reply(asker, result, Vec::new());
    }

    fn find(&self, node: u64) -> Result<clm::Node, AisError> {
        let id = if LOCAL_NODE_ID.contains(&node) {
            self.me
        } else {
            NodeId::from_api(u32::try_from(node).map_err(|_| AisError::InvalidParam)?)
        };
        if self.members.len() == 0 {
            return Err(AisError::TryAgain);
        }
        self.members.node(id).cloned().ok_or(AisError::InvalidParam)
    }

    /// Shows the view to the programs once it is complete.
    fn announce(&mut self, fx: &mut Effects) {
        if self.members.show() {
            for connection in self.subscriptions.keys() {
                fx.tell(*connection, Due::Changes);
            }
        }
    }

    /// What a library handle is told now, if there is anything.
    pub(crate) fn tell(&mut self, connection: ConnectionId, due: Due) -> Option<Event> {
        let shown = self.members.shown();
        match due {
            Due::Found { tag, node } => {
                Some(Event::Clm(clm::Event::NodeGet { tag, result: self.find(node) }))
            }
            Due::Current(number) => {
                Some(shown.track(number, shown.unchanged_since(shown).collect()))
            }
            Due::Changes => {
                let subscription = self.subscriptions.get_mut(&connection)?;
                let told = std::mem::replace(&mut subscription.told, Rc::clone(shown));
                if std::mem::take(&mut subscription.wants_all) {
                    let all = shown.unchanged_since(shown).collect();
                    return Some(shown.track(subscription.number, all));
                }
                let mut items = shown.changes_since(&told);
                if items.is_empty() {
                    return None;
                }
                if subscription.flags.contains(TrackFlags::CHANGES) {
                    items.extend(shown.unchanged_since(&told));
                }
                Some(shown.track(subscription.number, items))
            }
        }
    }
}

impl Service for Clm {
    fn start(config: &Config) -> Self {
        let (members, subscriptions) = (Members::default(), BTreeMap::new());
        Self { me: config.node, members, subscriptions }
    }

    fn on_request(
        &mut self,
        _now: Now,
        caller: &Caller,
        asker: Asker,
        request: ais_proto::Request<'_>,
        fx: &mut Effects,
    ) -> Result<(), Malformed> {
        let ais_proto::Request::Clm(request) = request else { return Err(Malformed) };
        let on_handle = caller.callbacks(ServiceId::Clm).is_some();
        match request {
            Request::NodeGet { node } => {
                let (result, mut body) = (self.find(node), Writer::new());
                if let Ok(node) = &result {
                    node.encode(&mut body);
                }
                fx.reply(asker, result.map(|_| ()), body.into_bytes());
            }
            _ if !on_handle => return Err(Malformed),
            Request::TrackStart { flags, capacity, subscription } => {
                self.track_start(asker, flags, capacity, subscription, fx);
            }
            Request::TrackStop => self.track_stop(asker, fx),
            Request::NodeGetAsync { .. } if self.members.len() == 0 => {
                fx.reply(asker, Err(AisError::TryAgain), Vec::new());
            }
            Request::NodeGetAsync { node, tag } => {
                fx.tell_now(asker.connection, Due::Found { tag, node });
                fx.reply(asker, Ok(()), Vec::new());
            }
        }
        Ok(())
    }

    /// There are no messages of CLM.
    fn on_deliver(&mut self, _delivery: Delivery<'_>, _fx: &mut Effects) {}

    fn on_view(&mut self, view: &View, _has_quorum: bool, fx: &mut Effects) {
        self.members.install(view);
        self.announce(fx);
    }

    fn on_announced(&mut self, member: NodeId, record: &Record, fx: &mut Effects) {
        self.members.add_record(member, record.clone());
        self.announce(fx);
    }

    fn on_lead(&mut self, _leads: bool, _fx: &mut Effects) {}

    fn timers_need_quorum(&self) -> bool {
        false
    }

    fn on_timer(&mut self, _now: Now, _timer: Timer, _fx: &mut Effects) {}

    fn on_cancel(&mut self, _connection: ConnectionId, _id: u32, _fx: &mut Effects) {}

    fn on_undelivered(&mut self, _event: &Event, _fx: &mut Effects) {}

    fn on_handle_gone(&mut self, connection: ConnectionId, _fx: &mut Effects) {
        self.subscriptions.remove(&connection);
    }

    fn on_session_gone(&mut self, _session: SessionId, _fx: &mut Effects) {}

    fn digest(&self, digest: &mut Digest) {
        self.members.digest(digest);
    }

    /// All that CLM has is in the view and the announcements.
    fn replica(&mut self) -> Option<&mut dyn Replica> {
        None
    }
}
