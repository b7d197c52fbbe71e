//! Events on their way to a program.

use ais_proto::{Code, Name, NodeId, admin, amf, ckpt, clm};

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
}

/// What a library handle is to be told when its program has room for it.
///
/// Most of it is only made then: so what waits for a program that does not
/// dispatch is a few bytes, and a newer state takes the place of an older one
/// by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// This.
    Event(Event),
    /// What CLM has to say by then.
    Clm(crate::clm::Due),
    /// What AMF has to say of a protection group by then.
    Group(crate::amf::Due),
    /// The view by then, for one who watches.
    View,
    /// What probes were sent, and this one was not told yet.
    Deliveries,
}

/// What only the newest is of use of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Clm(crate::clm::Due),
    Group(crate::amf::Due),
    /// The kind of a demand, the component, and the instance.
    Demand(u8, Name, Option<Name>),
    View,
    Deliveries,
    /// The openers on a node.
    Openers(NodeId),
}

impl Due {
    /// Whether it is the outcome of an asynchronous request.
    pub(crate) fn ends_asynchronous(&self) -> bool {
        match self {
            Self::Event(event) => event.ends_asynchronous(),
            Self::Clm(due) => due.is_asked_for(),
            Self::Group(due) => due.is_asked_for(),
            Self::View | Self::Deliveries => false,
        }
    }

    /// What a later one with the same key makes it obsolete by; `None`: each
    /// is told.
    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Event(Event::Amf(event)) => {
                let (kind, component, csi) = subject(event)?;
                Some(Key::Demand(kind, component.clone(), csi.cloned()))
            }
            Self::Event(Event::Admin(admin::Event::Openers { node, .. })) => {
                Some(Key::Openers(*node))
            }
            Self::Event(_) => None,
            Self::Clm(due) => due.is_the_same_later().then_some(Key::Clm(*due)),
            Self::Group(due) => Some(Key::Group(*due)),
            Self::View => Some(Key::View),
            Self::Deliveries => Some(Key::Deliveries),
        }
    }
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
