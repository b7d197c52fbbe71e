//! Events on their way to a program.

use ais_proto::clm::Change;
use ais_proto::{Code, Name, admin, amf, ckpt, clm};

/// An event of any service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of CLM.
    Clm(clm::Event),
    /// Of AMF.
    Amf(amf::Event),
    /// Of CKPT.
    Ckpt(ckpt::Event),
    /// Of Admin.
    Admin(admin::Event),
}

impl Event {
    /// The code of its packet.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Clm(event) => event.code(),
            Self::Amf(event) => event.code(),
            Self::Ckpt(event) => event.code(),
            Self::Admin(event) => event.code(),
        }
    }

    /// The body of its packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Clm(event) => event.encode(),
            Self::Amf(event) => event.encode(),
            Self::Ckpt(event) => event.encode(),
            Self::Admin(event) => event.encode(),
        }
    }

    /// Whether it is the outcome of an asynchronous request.
    pub(crate) fn ends_asynchronous(&self) -> bool {
        matches!(self, Self::Clm(clm::Event::NodeGet { .. }) | Self::Ckpt(_))
    }

    /// Takes a later event in, if a program that has seen neither needs only
    /// the two together; else gives it back.
    ///
    /// Track callbacks of one subscription become one with the newest state,
    /// and a newer demand on a component replaces the older one of its kind,
    /// so a program that does not dispatch costs bounded memory.
    pub(crate) fn absorb(&mut self, later: Self) -> Option<Self> {
        use amf::Event as Amf;
        match (&mut *self, later) {
            (
                Self::Clm(clm::Event::Track { subscription, view, members, items }),
                Self::Clm(clm::Event::Track {
                    subscription: later_subscription,
                    view: later_view,
                    members: later_members,
                    items: later_items,
                }),
            ) if *subscription == later_subscription => {
                (*view, *members) = (later_view, later_members);
                merge_nodes(items, later_items);
                None
            }
            (
                Self::Amf(Amf::ProtectionGroupTrack { subscription, members, items, .. }),
                Self::Amf(Amf::ProtectionGroupTrack {
                    subscription: later_subscription,
                    members: later_members,
                    items: later_items,
                    ..
                }),
            ) if *subscription == later_subscription => {
                *members = later_members;
                merge_members(items, later_items);
                None
            }
            (Self::Amf(earlier), Self::Amf(later)) if is_superseded(earlier, &later) => {
                *earlier = later;
                None
            }
            (
                Self::Admin(admin::Event::View(earlier)),
                Self::Admin(admin::Event::View(mut later)),
            ) => {
                later.skipped = later.skipped.saturating_add(earlier.skipped).saturating_add(1);
                *earlier = later;
                None
            }
            (
                Self::Admin(admin::Event::Deliveries(earlier)),
                Self::Admin(admin::Event::Deliveries(later)),
            ) => {
                earlier.append(later);
                None
            }
            (_, later) => Some(later),
        }
    }

    /// Of an event that has taken more in than a packet holds, what does not
    /// fit.
    pub(crate) fn split(&mut self) -> Option<Self> {
        match self {
            Self::Admin(admin::Event::Deliveries(deliveries)) => {
                Some(Self::Admin(admin::Event::Deliveries(deliveries.split()?)))
            }
            _ => None,
        }
    }
}

/// What two lists of changes say together: of each node the latest record, and
/// what happened to it since before the first.
fn merge_nodes(items: &mut Vec<(clm::Node, Change)>, later: Vec<(clm::Node, Change)>) {
    for (node, change) in later {
        let Some(place) = items.iter().position(|(earlier, _)| earlier.id == node.id) else {
            items.push((node, change));
            continue;
        };
        match (items[place].1, change) {
            // It came and went between two looks.
            (Change::Joined, Change::Left) => {
                items.remove(place);
            }
            // News that has not been told yet is not undone by "no change".
            (earlier, Change::NoChange) if earlier != Change::Left => items[place].0 = node,
            _ => items[place] = (node, change),
        }
    }
}

/// The same for the members of a protection group.
fn merge_members(items: &mut Vec<amf::Member>, later: Vec<amf::Member>) {
    use amf::ProtectionGroupChange::{Added, NoChange, StateChange};
    for member in later {
        let same = |earlier: &amf::Member| earlier.component == member.component;
        let Some(place) = items.iter().position(same) else {
            items.push(member);
            continue;
        };
        match (items[place].change, member.change) {
            (earlier @ (Added | StateChange), NoChange | StateChange) => {
                items[place] = amf::Member { change: earlier, ..member };
            }
            _ => items[place] = member,
        }
    }
}

/// Whether `later` asks the same kind of thing of the same component and
/// instance, so that `earlier` need not be asked any more.
fn is_superseded(earlier: &amf::Event, later: &amf::Event) -> bool {
    let subject = subject(earlier);
    subject.is_some() && subject == self::subject(later)
}

/// What is asked for: the kind, the component, and the instance.
fn subject(event: &amf::Event) -> Option<(u8, &Name, Option<&Name>)> {
    use amf::Event;
    Some(match event {
        Event::Healthcheck { component, .. } => (1, component, None),
        Event::ReadinessStateSet { component, .. } => (2, component, None),
        Event::CsiSet { component, csi, .. } | Event::CsiRemove { component, csi, .. } => {
            (3, component, Some(csi))
        }
        Event::ComponentTerminate { component, .. } => (4, component, None),
        Event::ExternalComponentRestart { component, .. }
        | Event::ExternalComponentControl { component, .. } => (5, component, None),
        Event::PendingOperationConfirm { component, .. }
        | Event::PendingOperationExpired { component, .. } => (6, component, None),
        Event::ProtectionGroupTrack { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::Name;

    fn node(id: u32) -> clm::Node {
        clm::Node {
            id,
            address: id.to_ne_bytes(),
            name: Name::default(),
            cluster: Name::default(),
            member: true,
            boot_timestamp: 0,
        }
    }

    fn track(view: u64, items: &[(u32, Change)]) -> Event {
        Event::Clm(clm::Event::Track {
            subscription: 1,
            view,
            members: 1,
            items: items.iter().map(|(id, change)| (node(*id), *change)).collect(),
        })
    }

    #[test]
    fn track_callbacks_become_one_with_the_newest_state() {
        let mut event = track(1, &[(1, Change::Joined), (2, Change::Joined), (3, Change::Left)]);
        let later = track(2, &[(1, Change::NoChange), (2, Change::Left), (3, Change::Joined)]);
        assert_eq!(event.absorb(later), None);
        assert_eq!(event, track(2, &[(1, Change::Joined), (3, Change::Joined)]));
    }

    #[test]
    fn other_subscriptions_stay_apart() {
        let mut event = track(1, &[]);
        let other = Event::Clm(clm::Event::Track {
            subscription: 2,
            view: 2,
            members: 1,
            items: Vec::new(),
        });
        assert_eq!(event.absorb(other.clone()), Some(other));
    }
}
