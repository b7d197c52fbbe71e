//! Which writes were promised to last, and in which nodes they therefore are.
//!
//! Every section has one writer, which writes growing numbers. Of a node that
//! has state, `certain` says the least number of each section it has. An answer
//! raises that of all members of the view with state. Where sides meet, only
//! what all of them have is certain, until everything rests: then, if all sides
//! had been at rest before they met, it is what the side that had to win had.

use ais_node::{View, ViewId};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// A checkpoint and the host that writes to this section of it.
pub(super) type Section = (usize, usize);

type Numbers = BTreeMap<Section, u64>;

#[derive(Debug, Default)]
struct Standing {
    view: Option<ViewId>,
    /// The node has served: it is fresh no more.
    has_state: bool,
    certain: Numbers,
}

/// What was certain when a view began.
#[derive(Debug)]
struct Start {
    all: Numbers,
    /// What the side that had to win had; `None` if that is not clear.
    winner: Option<Numbers>,
    /// More than one side with state met in it, or in one before it, and may
    /// not have been brought together yet.
    is_merge: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// `expected-nodes`.
    expected: Option<u32>,
    issued: Numbers,
    nodes: BTreeMap<NodeId, Standing>,
    views: BTreeMap<ViewId, Start>,
    /// Views that were seen at rest, with the number of their members.
    rested: BTreeMap<ViewId, usize>,
    /// Views in which more than one side with state met, and all were at rest.
    pub(super) clear_merges: u64,
}

impl Ledger {
    pub(super) fn new(expected: Option<u32>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The next number for a section.
    pub(super) fn issue(&mut self, section: Section) -> u64 {
        let number = self.issued.entry(section).or_default();
        *number += 1;
        *number
    }

    /// A daemon has ended, or a new one begins.
    pub(super) fn begin(&mut self, node: NodeId) {
        self.nodes.insert(node, Standing::default());
    }

    pub(super) fn end(&mut self, node: NodeId) {
        self.nodes.remove(&node);
    }

    pub(super) fn serves(&mut self, node: NodeId) {
        let Some(view) = self.nodes.get(&node).and_then(|of| of.view) else { return };
        let with_state = self.nodes.values().filter(|of| of.view == Some(view) && of.has_state);
        let certain = least(with_state.map(|of| &of.certain));
        if let Some(of) = self.nodes.get_mut(&node) {
            of.has_state = true;
            of.certain = certain;
        }
    }

    /// The write was answered with success on this node: all members of its
    /// view have it, or `among` them these.
    pub(super) fn promised(
        &mut self,
        node: NodeId,
        among: Option<&[NodeId]>,
        section: Section,
        number: u64,
    ) {
        let view = self.nodes.get(&node).and_then(|of| of.view);
        let has = |(node, of): &(&NodeId, &mut Standing)| {
            of.view == view && of.has_state && among.is_none_or(|among| among.contains(node))
        };
        for (_, of) in self.nodes.iter_mut().filter(has) {
            let certain = of.certain.entry(section).or_default();
            *certain = number.max(*certain);
        }
    }

    /// Whether sides met in this view, or may still be apart in it.
    pub(super) fn is_merge(&self, view: ViewId) -> bool {
        self.views.get(&view).is_some_and(|start| start.is_merge)
    }

    pub(super) fn view(&mut self, node: NodeId, view: &View) {
        if !self.views.contains_key(&view.id) {
            let start = self.start_of(view);
            self.views.insert(view.id, start);
        }
        let all = &self.views[&view.id].all;
        if let Some(of) = self.nodes.get_mut(&node) {
            of.view = Some(view.id);
            if of.has_state {
                of.certain = all.clone();
            }
        }
    }

    fn start_of(&mut self, view: &View) -> Start {
        let members = view.members.iter().filter_map(|node| Some((node, self.nodes.get(node)?)));
        let members: Vec<_> = members.filter(|(_, of)| of.has_state).collect();
        let all = least(members.iter().map(|(_, of)| &of.certain));
        let sides: BTreeSet<_> = members.iter().filter_map(|(_, of)| of.view).collect();
        let of_side = |side: &ViewId, of: &Standing| of.view == Some(*side);
        let quorum = |side: &ViewId| {
            let size = self.rested.get(side).copied().unwrap_or_default();
            self.expected.is_none_or(|expected| 2 * size > expected as usize)
        };
        let rank = |side: &ViewId| {
            let mut of = members.iter().filter(|(_, of)| of_side(side, of));
            let lowest = of.clone().next().map(|(node, _)| **node);
            (quorum(side), of.by_ref().count(), std::cmp::Reverse(lowest))
        };
        // Without quorum anywhere the winner depends on which side had it last.
        let is_clear =
            sides.iter().all(|side| self.rested.contains_key(side)) && sides.iter().any(quorum);
        let winner = sides.iter().max_by_key(|side| rank(side)).filter(|_| is_clear);
        let of_winner = members.iter().filter(|(_, of)| of.view.as_ref() == winner);
        let winner = winner.map(|_| least(of_winner.map(|(_, of)| &of.certain)));
        self.clear_merges += u64::from(sides.len() > 1 && is_clear);
        let is_apart = |side: &ViewId| self.is_merge(*side) && !self.rested.contains_key(side);
        Start { all, winner, is_merge: sides.len() > 1 || sides.iter().any(is_apart) }
    }

    /// Everything rests on this node: what it has is `found`.
    ///
    /// # Errors
    /// If that is less than was promised, or more than was ever written.
    pub(super) fn rests(
        &mut self,
        node: NodeId,
        members: usize,
        found: &Numbers,
    ) -> Result<(), String> {
        let Some(of) = self.nodes.get_mut(&node) else { return Ok(()) };
        let Some(view) = of.view.filter(|_| of.has_state) else { return Ok(()) };
        self.rested.insert(view, members);
        let winner = self.views.get(&view).and_then(|start| start.winner.as_ref());
        for (section, number) in winner.into_iter().flatten() {
            let certain = of.certain.entry(*section).or_default();
            *certain = (*certain).max(*number);
        }
        for (section, certain) in &of.certain {
            let found = found.get(section).copied().unwrap_or_default();
            if found < *certain {
                return Err(format!(
                    "lost write: {node} has number {found} in section {section:?}, and {certain} \
                     was promised in view {view} or before"
                ));
            }
        }
        for (section, found) in found {
            let issued = self.issued.get(section).copied().unwrap_or_default();
            if *found > issued {
                return Err(format!(
                    "lost write: {node} has {found} in section {section:?}, but {issued} is the \
                     last that was written"
                ));
            }
        }
        of.certain = found.clone();
        Ok(())
    }
}

/// What all of these have.
fn least<'a>(all: impl Iterator<Item = &'a Numbers>) -> Numbers {
    all.cloned()
        .reduce(|a, b| {
            let both =
                a.iter().filter_map(|(section, a)| Some((*section, *a.min(b.get(section)?))));
            both.collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    fn view(number: u64, members: &[u8]) -> View {
        let members: Vec<NodeId> = members.iter().map(|of| node(*of)).collect();
        View {
            id: ViewId { number, representative: members[0] },
            members,
            joined: Vec::new(),
            left: Vec::new(),
            came_with_me: Vec::new(),
            why: String::new(),
        }
    }

    fn install(ledger: &mut Ledger, number: u64, members: &[u8]) {
        for of in members {
            ledger.view(node(*of), &view(number, members));
        }
    }

    fn three() -> Ledger {
        let mut ledger = Ledger::default();
        (1..=3).for_each(|of| ledger.begin(node(of)));
        install(&mut ledger, 1, &[1, 2, 3]);
        (1..=3).for_each(|of| ledger.serves(node(of)));
        ledger
    }

    const SECTION: Section = (0, 0);

    #[test]
    fn a_promise_holds_on_every_member() {
        let mut ledger = three();
        let number = ledger.issue(SECTION);
        ledger.promised(node(1), None, SECTION, number);
        ledger.end(node(1));
        install(&mut ledger, 2, &[2, 3]);
        assert!(ledger.rests(node(2), 2, &Numbers::new()).is_err());
        assert!(ledger.rests(node(2), 2, &Numbers::from([(SECTION, 1)])).is_ok());
        assert!(ledger.rests(node(2), 2, &Numbers::from([(SECTION, 2)])).is_err());
        // One that has started since has it when it serves.
        ledger.begin(node(1));
        install(&mut ledger, 3, &[1, 2, 3]);
        assert!(ledger.rests(node(1), 3, &Numbers::new()).is_ok());
        ledger.serves(node(1));
        assert!(ledger.rests(node(1), 3, &Numbers::new()).is_err());
    }

    #[test]
    fn the_larger_of_two_sides_wins() {
        for rested in [true, false] {
            let mut ledger = three();
            install(&mut ledger, 2, &[1]);
            install(&mut ledger, 3, &[2, 3]);
            for of in 1..=3 {
                if rested {
                    let members = if of == 1 { 1 } else { 2 };
                    ledger.rests(node(of), members, &Numbers::new()).unwrap();
                }
            }
            ledger.issue(SECTION);
            ledger.promised(node(3), None, SECTION, 1);
            install(&mut ledger, 4, &[1, 2, 3]);
            assert_eq!(ledger.rests(node(1), 3, &Numbers::new()).is_err(), rested);
        }
    }

    #[test]
    fn sides_that_met_are_apart_until_they_rest() {
        let mut ledger = three();
        install(&mut ledger, 2, &[1]);
        install(&mut ledger, 3, &[2, 3]);
        install(&mut ledger, 4, &[1, 2, 3]);
        ledger.end(node(3));
        install(&mut ledger, 5, &[1, 2]);
        let id = |number, lowest| ViewId { number, representative: node(lowest) };
        assert!(!ledger.is_merge(id(3, 2)));
        assert!(ledger.is_merge(id(4, 1)) && ledger.is_merge(id(5, 1)));
        (1..=2).for_each(|of| ledger.rests(node(of), 2, &Numbers::new()).unwrap());
        install(&mut ledger, 6, &[1]);
        assert!(!ledger.is_merge(id(6, 1)));
    }

    #[test]
    fn the_side_with_quorum_wins() {
        let mut ledger = three();
        ledger.expected = Some(3);
        ledger.end(node(3));
        install(&mut ledger, 2, &[1, 2]);
        for of in 1..=2 {
            ledger.rests(node(of), 2, &Numbers::new()).unwrap();
        }
        install(&mut ledger, 3, &[1]);
        install(&mut ledger, 4, &[2]);
        ledger.rests(node(1), 1, &Numbers::new()).unwrap();
        ledger.issue(SECTION);
        ledger.promised(node(2), None, SECTION, 1);
        ledger.rests(node(2), 2, &Numbers::from([(SECTION, 1)])).unwrap();
        install(&mut ledger, 5, &[1, 2]);
        assert!(ledger.rests(node(1), 2, &Numbers::new()).is_err());
    }
}
