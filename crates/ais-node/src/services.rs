//! The services of a node: the one list of them. All that concerns every service goes
//! over it, so a service is added by a line at its end.

use crate::amf::Amf;
use crate::ckpt::Ckpt;
use crate::clm::Clm;
use crate::cursor::Cursor;
use crate::service::{Configured, Contents, Part, Replica, Service};
use crate::{Config, Digest, ForeignState};
use ais_proto::ServiceId;

/// Defines [`Services`] and [`SERVICES`]. Of each service: its id, the field, the type.
/// An id that is left out does not compile. Admin has no replicated state and needs what
/// the others have, so the node keeps that apart (`admin`).
macro_rules! registry {
    ($($id:ident: $field:ident, $service:ty;)*) => {
        /// The services of a node, in the order in which they are told of what concerns
        /// all of them.
        pub const SERVICES: &[ServiceId] = &[$(ServiceId::$id),*];

        /// The services of a node. The fields are for what the node has to do with one of
        /// them alone.
        #[derive(Debug)]
        pub(crate) struct Services { $(pub(crate) $field: $service,)* }

        impl Services {
            /// The services of a node that starts.
            pub(crate) fn new(config: &Config) -> Self {
                Self { $($field: <$service>::start(config),)* }
            }

            /// The service with this id; `None` for Admin.
            pub(crate) fn get(&self, id: ServiceId) -> Option<&dyn Service> {
                match id { $(ServiceId::$id => Some(&self.$field),)* ServiceId::Admin => None }
            }

            /// The service with this id, to change it; `None` for Admin.
            pub(crate) fn get_mut(&mut self, id: ServiceId) -> Option<&mut dyn Service> {
                match id { $(ServiceId::$id => Some(&mut self.$field),)* ServiceId::Admin => None }
            }
        }
    };
}

registry! {
    Clm: clm, Clm;
    Amf: amf, Amf;
    Ckpt: ckpt, Ckpt;
}

/// A place in the walk over the contents of all replicas, one replica after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which of the replicas with [`Contents`], counted from 0.
    pub(crate) replica: u8,
    pub(crate) cursor: Cursor,
}

impl Place {
    /// Where the walk begins.
    pub(crate) const START: Self = Self::start_of(0);

    const fn start_of(replica: u8) -> Self {
        Self { replica, cursor: Cursor::START }
    }

    /// Grows in the course of the walk.
    pub(crate) fn progress(self) -> impl Ord {
        (self.replica, self.cursor.progress())
    }
}

impl Services {
    /// The service with this id, if it has a state that is brought together.
    pub(crate) fn replica(&mut self, id: ServiceId) -> Option<&mut dyn Replica> {
        self.get_mut(id)?.replica()
    }

    /// The service with this id, if it has a configuration of its own.
    pub(crate) fn configured(&mut self, id: ServiceId) -> Option<&mut dyn Configured> {
        self.replica(id)?.configured()
    }

    /// Goes on with freezing all states. Whether that is done.
    pub(crate) fn freeze(&mut self, part: Part) -> bool {
        SERVICES.iter().all(|id| self.replica(*id).is_none_or(|replica| replica.freeze(part)))
    }

    /// The states of all replicas, frozen.
    pub(crate) fn snapshot(
        &mut self,
        part: Part,
    ) -> Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>> {
        let mut all = Vec::new();
        for id in SERVICES.iter().copied() {
            if let Some(replica) = self.replica(id) {
                all.push(replica.snapshot(part).map(move |chunk| (id, chunk)));
            }
        }
        Box::new(all.into_iter().flatten())
    }

    /// Where the chunks of another side go, by service.
    pub(crate) fn incoming(&mut self) -> Vec<(ServiceId, Box<dyn ForeignState>)> {
        let ids = SERVICES.iter().copied();
        ids.filter_map(|id| Some((id, self.replica(id)?.incoming()))).collect()
    }

    /// How many replicas have [`Contents`].
    pub(crate) fn contents_count(&mut self) -> u8 {
        (0..=u8::MAX).take_while(|replica| self.contents(*replica).is_some()).count() as u8
    }

    /// What there is now from a place of the walk on, and the place after that; `None`:
    /// that is the last of it.
    pub(crate) fn fill_from(&mut self, place: Place) -> (Vec<u8>, Option<Place>) {
        let Some(contents) = self.contents(place.replica) else { return (Vec::new(), None) };
        let (bytes, next) = contents.fill_from(place.cursor);
        let next_replica = place.replica.saturating_add(1);
        let next = match next {
            Some(cursor) => Some(Place { cursor, ..place }),
            None => self.contents(next_replica).map(|_| Place::start_of(next_replica)),
        };
        (bytes, next)
    }

    /// The replica whose contents these are.
    pub(crate) fn contents(&mut self, replica: u8) -> Option<&mut dyn Contents> {
        let mut left = replica;
        for id in SERVICES.iter().copied() {
            let has_contents = self.replica(id).and_then(Replica::contents).is_some();
            match left.checked_sub(u8::from(has_contents)) {
                Some(less) => left = less,
                None => return self.replica(id)?.contents(),
            }
        }
        None
    }

    /// The first service that has begun something and is to go on with it.
    pub(crate) fn unfinished(&self) -> Option<ServiceId> {
        let has_more = |id: &ServiceId| self.get(*id).is_some_and(|service| service.has_more());
        SERVICES.iter().copied().find(has_more)
    }

    /// A digest of the replicated state of those services that this node takes part in.
    pub(crate) fn digest(&self, takes_part: impl Fn(ServiceId) -> bool) -> u64 {
        let mut digest = Digest::default();
        for service in SERVICES.iter().filter(|id| takes_part(**id)).filter_map(|id| self.get(*id))
        {
            service.digest(&mut digest);
        }
        digest.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::message::Shape;
    use crate::{Pace, ckpt, group};
    use ais_wire::{Name, NodeId};

    fn services() -> Services {
        Services::new(&Config {
            node: NodeId::new([10, 0, 0, 1].into()),
            group: group::Config::Alone { view: 1 },
            expected_nodes: None,
            configured: Vec::new(),
            node_name: Name::default(),
            cluster_name: Name::default(),
            boot_timestamp: 0,
            ckpt: ckpt::Limits::default(),
            groups: crate::amf::config::Groups::default(),
            pace: Pace::default(),
        })
    }

    #[test]
    fn all_services_are_there_in_the_order_of_their_numbers() {
        let all = ServiceId::ALL.iter().copied().filter(|id| *id != ServiceId::Admin);
        assert_eq!(SERVICES, all.collect::<Vec<_>>());
        assert!(SERVICES.is_sorted());
    }

    #[test]
    fn a_new_state_gets_from_one_node_to_another() {
        let (mut one, mut other) = (services(), services());
        let mut incoming = other.incoming();
        for (id, chunk) in one.snapshot(Part::Whole) {
            let state = incoming.iter_mut().find(|(of, _)| *of == id);
            assert_eq!(state.unwrap().1.take_chunk(&chunk), Ok(()), "{id:?}");
        }
        let replicas = SERVICES.iter().copied().filter(|id| one.replica(*id).is_some());
        let replicas: Vec<_> = replicas.collect();
        assert!(incoming.iter().map(|(id, _)| *id).eq(replicas));
    }

    /// Nodes announce something of each of these.
    #[test]
    fn what_nodes_announce_is_that_of_the_version_of_the_ring() {
        let Shape { configured, contents } = Shape::of(&mut services());
        let told = "another configuration, or other contents, are another version of the ring";
        assert_eq!((configured, contents), (vec![ServiceId::Amf], 1), "{told}");
    }

    #[test]
    fn the_walk_over_contents_comes_to_an_end() {
        let mut services = services();
        let (mut place, mut seen) = (Some(Place::START), Vec::new());
        while let Some(at) = place {
            seen.push(at.replica);
            place = services.fill_from(at).1;
            assert!(place.is_none_or(|next| at.progress() < next.progress()));
        }
        assert!(seen.into_iter().eq(0..services.contents_count()));
        let beyond = Place { replica: u8::MAX, cursor: Cursor::START };
        assert_eq!(services.fill_from(beyond), (Vec::new(), None));
    }
}
