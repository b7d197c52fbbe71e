//! What is to be done with the states that the members of a view bring. All
//! members have the same announcements, so all make the same plan.

use super::message::Announce;
use crate::by_service::ByService;
use crate::services::Place;
use ais_proto::ServiceId;
use ais_wire::NodeId;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The members that bring the same state, the side whose state stands
    /// first.
    pub(crate) sides: Vec<Side>,
    /// The members that bring none, or not one that can be completed.
    pub(crate) fresh: Vec<NodeId>,
    /// The members that bring the state of the only side, but for contents. They are
    /// sent those before the members that bring no state are sent anything.
    pub(crate) filling: Vec<NodeId>,
    /// From where on contents are missing, at those of them that have least.
    pub(crate) fill_from: Place,
    /// How each service that needs the same configuration everywhere goes on.
    pub(crate) running: ByService<Running>,
}

/// How a service goes on that needs the same configuration on all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    /// The digest of the configuration that it runs with from now on.
    pub(crate) configuration: u64,
    /// The members that have that configuration; the service is among them.
    pub(crate) members: Vec<NodeId>,
}

/// Members that bring the same state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) lineage: u64,
    /// Lowest first; at least one.
    pub(crate) members: Vec<NodeId>,
    /// The member that sends the state if others need it.
    pub(crate) sender: NodeId,
    /// The services whose state on this side belongs to another configuration than that
    /// in [`Plan::running`].
    pub(crate) foreign: Vec<ServiceId>,
}

impl Side {
    /// Whether the state of a service on this side is of use.
    pub(crate) fn brings(&self, service: ServiceId) -> bool {
        !self.foreign.contains(&service)
    }
}

impl Plan {
    /// The plan for members that announce this. `configured`: the services that need the
    /// same configuration on all nodes.
    pub(crate) fn new(announces: &BTreeMap<NodeId, Announce>, configured: &[ServiceId]) -> Self {
        let mut lineages = BTreeMap::<u64, Vec<NodeId>>::new();
        for (node, announce) in announces {
            if let (Some(lineage), None) = (announce.lineage, announce.missing) {
                lineages.entry(lineage).or_default().push(*node);
            }
        }
        let mut ranked: Vec<_> = lineages.into_iter().collect();
        let only = if let [(lineage, _)] = ranked.as_slice() { Some(*lineage) } else { None };
        let (mut fresh, mut filling) = (Vec::new(), Vec::new());
        let mut fill_from: Option<Place> = None;
        for (node, announce) in announces {
            match (announce.lineage, announce.missing) {
                (Some(_), None) => {}
                (Some(lineage), Some(missing)) if Some(lineage) == only => {
                    filling.push(*node);
                    let least = [fill_from, Some(missing)].into_iter().flatten();
                    fill_from = least.min_by_key(|place| place.progress());
                }
                _ => fresh.push(*node),
            }
        }
        // Of two sides that both had quorum, the one that had it later has all
        // that was promised with it.
        let quorum = |members: &[NodeId]| {
            members.iter().filter_map(|node| announces.get(node)).map(|of| of.quorum).max()
        };
        ranked.sort_by_key(|(_, members)| {
            (Reverse(quorum(members)), Reverse(members.len()), members.first().copied())
        });
        let first = ranked.first().map_or(&fresh, |(_, members)| members);
        let has_state = !ranked.is_empty();
        let running = configured
            .iter()
            .map(|service| (*service, Running::of(*service, first, announces, has_state)));
        let running: ByService<_> = running.collect();
        let side = |(lineage, members): (u64, Vec<NodeId>)| {
            let takes_part = |node: &NodeId| running.iter().filter(|(_, of)| of.has(*node)).count();
            let sender = members.iter().max_by_key(|node| (takes_part(node), Reverse(**node)));
            let sender = *sender?;
            let announce = announces.get(&sender)?;
            let is_foreign = |(service, of): &(ServiceId, &Running)| {
                announce.configuration(*service).in_use != of.configuration || !of.has(sender)
            };
            let foreign = running.iter().filter(is_foreign).map(|(service, _)| service).collect();
            Some(Side { lineage, members, sender, foreign })
        };
        Self {
            sides: ranked.into_iter().filter_map(side).collect(),
            fresh,
            filling,
            fill_from: fill_from.unwrap_or(Place::START),
            running,
        }
    }

    /// This plan, but the state of the first side alone stands; members that brought
    /// another have to take it.
    pub(crate) fn without_merge(mut self) -> Self {
        for side in self.sides.drain(1.min(self.sides.len())..) {
            self.fresh.extend(side.members);
        }
        self.fresh.sort();
        self
    }

    /// Whether states have to be brought together.
    pub(crate) fn is_merge(&self) -> bool {
        self.sides.len() > 1
    }

    /// The members that have the state at once, lowest first.
    pub(crate) fn holders(&self) -> &[NodeId] {
        match self.sides.as_slice() {
            [] => &self.fresh,
            [side] => &side.members,
            _ => &[],
        }
    }

    /// The members that have to be sent something.
    pub(crate) fn receivers(&self) -> Vec<NodeId> {
        match self.sides.as_slice() {
            [] => Vec::new(),
            [_] => self.filling.iter().chain(&self.fresh).copied().collect(),
            sides => {
                let members = sides.iter().flat_map(|side| &side.members);
                let mut all: Vec<_> = members.chain(&self.fresh).copied().collect();
                all.sort();
                all
            }
        }
    }

    /// The lineage of the state that comes of it; `None` if no side had it
    /// before.
    pub(crate) fn common_lineage(&self) -> Option<u64> {
        match self.sides.as_slice() {
            [side] => Some(side.lineage),
            _ => None,
        }
    }

    /// Whether a member takes part in a service.
    pub(crate) fn takes_part(&self, service: ServiceId, member: NodeId) -> bool {
        self.running.get(service).is_none_or(|of| of.has(member))
    }

    /// Whether a service begins anew: nobody has a state of it that belongs to the
    /// configuration it runs with.
    pub(crate) fn begins_anew(&self, service: ServiceId) -> bool {
        !self.sides.is_empty() && !self.sides.iter().any(|side| side.brings(service))
    }

    /// What comes of it, for people.
    pub(crate) fn describe(&self) -> String {
        let list =
            |nodes: &[NodeId]| nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
        match self.sides.as_slice() {
            [] => format!("all members start with an empty state: {}", list(&self.fresh)),
            [side] if self.receivers().is_empty() => {
                format!("all members have the same state: {}", list(&side.members))
            }
            [side] => {
                let first = match self.filling.as_slice() {
                    [] => String::new(),
                    filling => format!("goes on to send {} what they lack, then ", list(filling)),
                };
                let all = match self.fresh.as_slice() {
                    [] => "nothing more".into(),
                    fresh => format!("its state to {}", list(fresh)),
                };
                let members = list(&side.members);
                format!("{} {first}sends {all}; {members} have it", side.sender)
            }
            sides => {
                let sides: Vec<_> = sides.iter().map(|side| list(&side.members)).collect();
                format!("states meet, that of the first stands: {}", sides.join(" | "))
            }
        }
    }

    /// The side that this node sends the state of.
    pub(crate) fn side_of_sender(&self, node: NodeId) -> Option<usize> {
        self.sides.iter().position(|side| side.sender == node)
    }

    /// Whether the state of this node, or what it has of one, is the one that stands.
    pub(crate) fn stands(&self, node: NodeId) -> bool {
        self.side_of(node) == Some(0) || self.filling.contains(&node)
    }

    /// The side that this node is on.
    pub(crate) fn side_of(&self, node: NodeId) -> Option<usize> {
        self.sides.iter().position(|side| side.members.contains(&node))
    }
}

impl Running {
    /// A service keeps to the configuration it runs with as long as one member of the
    /// first side has it; a node that was given another one cannot take the service away
    /// from the rest, and when all have the new one they run with that.
    fn of(
        service: ServiceId,
        first: &[NodeId],
        announces: &BTreeMap<NodeId, Announce>,
        has_state: bool,
    ) -> Self {
        let announced = |node| announces.get(node).map(|of| of.configuration(service));
        let mut announced = first.iter().filter_map(announced);
        let configuration = announced.clone().next().map_or(0, |lowest| {
            let is_kept = has_state && announced.any(|of| of.own.all == lowest.in_use);
            if is_kept { lowest.in_use } else { lowest.own.all }
        });
        let has_it = |of: &Announce| of.configuration(service).own.all == configuration;
        let members = announces.iter().filter(|(_, of)| has_it(of)).map(|(node, _)| *node);
        Self { configuration, members: members.collect() }
    }

    fn has(&self, member: NodeId) -> bool {
        self.members.contains(&member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Cursor;
    use crate::service::Fingerprint;
    use crate::sync::message::Configuration;

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    fn nodes(numbers: &[u8]) -> Vec<NodeId> {
        numbers.iter().copied().map(node).collect()
    }

    fn plan(members: &[(u8, Option<u64>, u64)]) -> Plan {
        let announce = |lineage, quorum| Announce { lineage, quorum, ..Announce::default() };
        let members = members
            .iter()
            .map(|(number, lineage, quorum)| (node(*number), announce(*lineage, *quorum)));
        Plan::new(&members.collect(), &[ServiceId::Amf])
    }

    /// The members of the sides in rank order, and the fresh ones.
    fn sides(plan: &Plan) -> (Vec<Vec<NodeId>>, Vec<NodeId>) {
        (plan.sides.iter().map(|side| side.members.clone()).collect(), plan.fresh.clone())
    }

    /// Calls `check` with all orders of the items.
    fn all_orders<T: Clone>(items: &[T], check: &mut impl FnMut(&[T])) {
        fn permute<T: Clone>(done: &mut Vec<T>, rest: &[T], check: &mut impl FnMut(&[T])) {
            if rest.is_empty() {
                return check(done);
            }
            for place in 0..rest.len() {
                let mut others = rest.to_vec();
                done.push(others.remove(place));
                permute(done, &others, check);
                done.pop();
            }
        }
        permute(&mut Vec::new(), items, check);
    }

    #[test]
    fn nodes_that_all_start_have_the_empty_state() {
        let plan = plan(&[(1, None, 0), (2, None, 0)]);
        assert_eq!(sides(&plan), (vec![], nodes(&[1, 2])));
        assert_eq!((plan.holders(), plan.receivers()), (&nodes(&[1, 2])[..], vec![]));
    }

    #[test]
    fn a_side_with_state_sends_it_to_who_starts_however_few_it_has() {
        let plan = plan(&[(1, None, 0), (2, None, 0), (3, Some(9), 0)]);
        assert_eq!(sides(&plan), (vec![nodes(&[3])], nodes(&[1, 2])));
        assert_eq!(plan.sides[0].sender, node(3));
        assert_eq!((plan.holders(), plan.receivers()), (&nodes(&[3])[..], nodes(&[1, 2])));
        assert!(!plan.is_merge());
    }

    #[test]
    fn sides_rank_by_quorum_then_by_size_then_by_the_lowest_node() {
        let members = [
            (7, Some(30), 5),
            (5, Some(20), 4),
            (6, Some(20), 4),
            (2, Some(40), 4),
            (8, Some(40), 4),
            (1, Some(50), 4),
            (4, Some(60), 4),
            (3, None, 0),
        ];
        let expected = [&[7][..], &[2, 8], &[5, 6], &[1], &[4]].map(nodes).to_vec();
        let all = (1..=8).map(node).collect::<Vec<_>>();
        all_orders(&members[..6], &mut |first| {
            let plan = plan(&[first, &members[6..]].concat());
            assert_eq!(sides(&plan), (expected.clone(), nodes(&[3])));
            assert!(plan.is_merge() && plan.holders().is_empty());
            assert_eq!(plan.receivers(), all);
        });
    }

    #[test]
    fn who_lacks_a_part_goes_on_only_with_the_side_it_came_from() {
        let at = |number: u64| {
            let mut out = ais_wire::Writer::new();
            out.u64(7).node(node(1)).u64(number).u64(0).u32(0);
            let cursor = Cursor::decode(&mut ais_wire::Reader::new(&out.into_bytes())).unwrap();
            Place { replica: 0, cursor }
        };
        let members = [
            (node(1), Some(9), None),
            (node(2), Some(9), Some(at(5))),
            (node(3), Some(9), Some(at(8))),
            (node(4), Some(8), Some(at(2))),
            (node(5), None, None),
        ];
        let plan = |members: &[(NodeId, Option<u64>, Option<Place>)]| {
            let announce = |lineage, missing| Announce { lineage, missing, ..Announce::default() };
            let announces = members.iter().map(|(of, lineage, at)| (*of, announce(*lineage, *at)));
            Plan::new(&announces.collect(), &[ServiceId::Amf])
        };
        let all = plan(&members);
        assert_eq!(sides(&all), (vec![nodes(&[1])], nodes(&[4, 5])));
        assert_eq!((all.filling.clone(), all.fill_from), (nodes(&[2, 3]), at(8)));
        assert_eq!(all.receivers(), nodes(&[2, 3, 4, 5]));
        // The members that had all of it are gone: there is no state any more.
        let rest = plan(&members[1..]);
        assert_eq!((sides(&rest), rest.filling), ((vec![], nodes(&[2, 3, 4, 5])), vec![]));
        let mut two = members;
        two[4] = (node(5), Some(7), None);
        let two = plan(&two);
        assert!(two.is_merge() && two.filling.is_empty());
        assert_eq!(two.fresh, nodes(&[2, 3, 4]));
    }

    #[test]
    fn fresh_nodes_give_a_side_no_weight() {
        let plan = plan(&[(1, Some(1), 0), (2, None, 0), (3, Some(3), 0), (4, Some(3), 0)]);
        assert_eq!(plan.side_of(node(3)), Some(0));
        assert_eq!(plan.side_of(node(2)), None);
        let alone = plan.without_merge();
        assert_eq!(sides(&alone), (vec![nodes(&[3, 4])], nodes(&[1, 2])));
    }

    /// Node, lineage, digest in use, own digest.
    fn plan_of_files(members: &[(u8, Option<u64>, u64, u64)]) -> Plan {
        let members = members.iter().map(|(number, lineage, groups_in_use, own)| {
            let own = Fingerprint { all: *own, parts: Vec::new() };
            let configuration = Configuration { in_use: *groups_in_use, own };
            let configurations = [(ServiceId::Amf, configuration)].into_iter().collect();
            let announce = Announce { lineage: *lineage, configurations, ..Announce::default() };
            (node(*number), announce)
        });
        Plan::new(&members.collect(), &[ServiceId::Amf])
    }

    /// The groups.conf that AMF runs with, and the members that have it.
    fn amf(plan: &Plan) -> (u64, &[NodeId]) {
        let Running { configuration, members } = plan.running.get(ServiceId::Amf).unwrap();
        (*configuration, members)
    }

    #[test]
    fn amf_keeps_its_file_until_nobody_has_it() {
        let start = plan_of_files(&[(1, None, 0, 8), (2, None, 0, 9), (3, None, 0, 8)]);
        assert_eq!(amf(&start), (8, &nodes(&[1, 3])[..]));
        let joined = plan_of_files(&[(1, None, 0, 9), (2, Some(1), 8, 8), (3, Some(1), 8, 8)]);
        assert_eq!(amf(&joined), (8, &nodes(&[2, 3])[..]));
        let later = plan_of_files(&[(1, Some(1), 8, 9), (2, Some(1), 8, 8), (3, None, 0, 9)]);
        assert_eq!((amf(&later).0, later.sides[0].sender), (8, node(2)));
        assert!(later.sides[0].brings(ServiceId::Amf));
        let last = plan_of_files(&[(1, Some(1), 8, 9), (2, None, 0, 9), (3, Some(1), 8, 9)]);
        assert_eq!(amf(&last), (9, &nodes(&[1, 2, 3])[..]));
        assert!(last.begins_anew(ServiceId::Amf) && !last.begins_anew(ServiceId::Ckpt));
    }

    #[test]
    fn a_side_with_another_file_brings_nothing_of_amf() {
        let plan = plan_of_files(&[(1, Some(1), 8, 8), (2, Some(1), 8, 8), (3, Some(3), 9, 9)]);
        let has_amf: Vec<_> = plan.sides.iter().map(|side| side.brings(ServiceId::Amf)).collect();
        assert_eq!((amf(&plan).0, has_amf), (8, vec![true, false]));
        assert!(plan.sides.iter().all(|side| side.brings(ServiceId::Ckpt)));
    }
}
