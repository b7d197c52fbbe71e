//! What the processes of a group show together.

use super::{History, LifeId, Span, Uid};
use ais_group::{Guarantee, ViewId};
use ais_wire::NodeId;
use std::collections::BTreeMap;

/// All that was ever delivered in a view, by number.
type Order = BTreeMap<u64, Uid>;

/// The spans of a view, by the node that lived through them.
type Spans = BTreeMap<NodeId, (LifeId, usize)>;

/// What a merge is counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) views: u64,
    /// Views whose members come from more than one view.
    pub(crate) merges: u64,
    pub(crate) deliveries: u64,
    /// Of them, in a transitional configuration.
    pub(crate) late: u64,
}

impl History {
    /// Checks what can only be seen when everything is over, or everything
    /// rests: no message is under way any more.
    ///
    /// # Errors
    /// The first promise that was not kept.
    pub(crate) fn together(&self) -> Result<Seen, String> {
        let mut views: BTreeMap<ViewId, Spans> = BTreeMap::new();
        for (life, of) in self.lives.iter().enumerate() {
            for (place, span) in of.spans.iter().enumerate() {
                views.entry(span.view.id).or_default().insert(of.node, (life, place));
            }
        }
        let mut seen = Seen { views: views.len() as u64, ..Seen::default() };
        for (id, spans) in &views {
            let order = self.order(spans);
            for (life, place) in spans.values() {
                let span = &self.lives[*life].spans[*place];
                seen.deliveries += span.deliveries.len() as u64;
                seen.late += span.late().len() as u64;
                self.gap_freedom(*life, span, &order)?;
            }
            self.safe_delivery(spans)?;
            self.stability(spans, &order)?;
            if self.virtual_synchrony(*id, spans)? > 1 {
                seen.merges += 1;
            }
        }
        self.self_delivery()?;
        Ok(seen)
    }

    fn order(&self, spans: &Spans) -> Order {
        let spans = spans.values().map(|(life, place)| &self.lives[*life].spans[*place]);
        spans.flat_map(|span| span.deliveries.iter().copied()).collect()
    }

    /// In a regular configuration nothing is left out; in a transitional one
    /// only what no member of it sent, and nothing that a delivered message may
    /// be an answer to.
    fn gap_freedom(&self, life: LifeId, span: &Span, order: &Order) -> Result<(), String> {
        let (node, view) = (self.lives[life].node, span.view.id);
        let mut expected = order.iter();
        for (number, _) in span.regular() {
            if let Some((missed, uid)) = expected.next().filter(|(next, _)| *next != number) {
                return Err(format!(
                    "gap: {node} delivered {number} of view {view} without {missed} (#{uid})"
                ));
            }
        }
        let last = span.last_number();
        for (missed, uid) in expected.filter(|(number, _)| **number < last && !span.has(**number)) {
            let from = self.lives[self.messages.get(*uid).from].node;
            if span.transitional.as_ref().is_some_and(|(members, _)| members.contains(&from)) {
                return Err(format!(
                    "gap: {node} left out {missed} of view {view} (#{uid}) of {from}, which came along"
                ));
            }
            for (number, later) in span.late().iter().filter(|(number, _)| number > missed) {
                let message = self.messages.get(*later);
                let answers =
                    message.after.is_some_and(|(of, up_to)| of == view && up_to >= *missed);
                let sender = self.lives[message.from].spans.iter();
                if answers && { sender }.any(|of| of.view.id == view && of.has(*missed)) {
                    return Err(format!(
                        "gap: {node} delivered {number} of view {view} (#{later}), sent after its \
                         sender had delivered {missed} (#{uid}), without that"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a node has, or would have had, had it not ended, a message of a
    /// view: `Err` says why not.
    fn must_have(
        &self,
        node: NodeId,
        span: &Span,
        number: u64,
        spans: &Spans,
    ) -> Result<(), &'static str> {
        let Some((life, place)) = spans.get(&node) else {
            // It never got there. That is well only if it ended on the way.
            let ended = self
                .lives
                .iter()
                .any(|life| life.node == node && life.begun <= span.at && life.ended.is_some());
            return if ended { Ok(()) } else { Err("which lives and was never in that view") };
        };
        let life = &self.lives[*life];
        let ended_there = life.ended.is_some() && *place + 1 == life.spans.len();
        if life.spans[*place].has(number) || ended_there {
            return Ok(());
        }
        Err("which does not have it")
    }

    /// A message delivered safe in a regular configuration is delivered by all
    /// its members that do not end; in a transitional one, by all members of
    /// that.
    fn safe_delivery(&self, spans: &Spans) -> Result<(), String> {
        let mut promised = BTreeMap::new();
        for (life, place) in spans.values() {
            let span = &self.lives[*life].spans[*place];
            let came = span.transitional.as_ref().map_or(&span.view.members, |(came, _)| came);
            let regular = span.regular().iter().map(|of| (of, &span.view.members));
            for ((number, uid), to) in regular.chain(span.late().iter().map(|of| (of, came))) {
                if self.messages.get(*uid).guarantee == Guarantee::Safe {
                    promised.entry((number, to)).or_insert((life, span));
                }
            }
        }
        for ((number, to), (life, span)) in promised {
            for member in to {
                self.must_have(*member, span, *number, spans).map_err(|why| {
                    let (node, view) = (self.lives[*life].node, span.view.id);
                    format!("safe: {node} delivered {number} of {view}; so must {member}, {why}")
                })?;
            }
        }
        Ok(())
    }

    /// What was reported stable is delivered by all members that do not end.
    fn stability(&self, spans: &Spans, order: &Order) -> Result<(), String> {
        let all = spans.values().map(|(life, place)| (life, &self.lives[*life].spans[*place]));
        let Some((life, span)) = all.max_by_key(|(_, span)| span.stable) else { return Ok(()) };
        for number in order.range(..=span.stable).map(|(number, _)| number) {
            for member in &span.view.members {
                self.must_have(*member, span, *number, spans).map_err(|why| {
                    let (node, stable, view) = (self.lives[*life].node, span.stable, span.view.id);
                    format!(
                        "stable: {node} reported {stable} of {view}; so {member} must have \
                         {number}, {why}"
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Processes that go from one view to the next together deliver the same
    /// in it, and know of each other. Returns how many groups met in the view.
    fn virtual_synchrony(&self, id: ViewId, spans: &Spans) -> Result<usize, String> {
        let mut groups: BTreeMap<Option<ViewId>, Vec<LifeId>> = BTreeMap::new();
        for (life, place) in spans.values() {
            let from = place.checked_sub(1).map(|place| self.lives[*life].spans[place].view.id);
            groups.entry(from).or_default().push(*life);
        }
        for (from, lives) in &groups {
            let Some(from) = from else { continue };
            let node = |life: &LifeId| self.lives[*life].node;
            let of = |life: &LifeId, view: &ViewId| {
                self.lives[*life].spans.iter().find(|span| span.view.id == *view)
            };
            let Some(first) = lives.first() else { continue };
            for life in lives {
                let (Some(mine), Some(theirs)) = (of(life, from), of(first, from)) else {
                    continue;
                };
                if mine.deliveries != theirs.deliveries {
                    let (a, b) = (node(life), node(first));
                    let differs = difference(&mine.deliveries, &theirs.deliveries);
                    return Err(format!(
                        "virtual synchrony: {a} and {b} went from {from} to {id}, but only one of \
                         them delivered {differs:?}"
                    ));
                }
                let came = of(life, &id).map(|span| &span.view.came_with_me);
                for other in came.into_iter().flatten().filter(|other| spans.contains_key(other)) {
                    if !lives.iter().any(|of| node(of) == *other) {
                        let a = node(life);
                        return Err(format!(
                            "virtual synchrony: {a} says {other} came with it from {from} to {id}"
                        ));
                    }
                }
                if let Some(absent) = { lives }
                    .iter()
                    .map(node)
                    .find(|other| came.is_some_and(|came| !came.contains(other)))
                {
                    let a = node(life);
                    return Err(format!(
                        "virtual synchrony: {a} does not say that {absent} came with it from {from} \
                         to {id}"
                    ));
                }
            }
        }
        Ok(groups.len())
    }

    /// Whoever lives has delivered all it sent. Called when all rests.
    fn self_delivery(&self) -> Result<(), String> {
        for life in self.lives.iter().filter(|life| life.ended.is_none()) {
            if let Some(uid) = life.sent.iter().find(|uid| !life.delivered.contains(uid)) {
                return Err(format!("self delivery: {} never delivered its #{uid}", life.node));
            }
        }
        Ok(())
    }
}

fn difference(a: &[(u64, Uid)], b: &[(u64, Uid)]) -> Option<(u64, Uid)> {
    let missing = |a: &[(u64, Uid)], b: &[(u64, Uid)]| a.iter().find(|of| !b.contains(of)).copied();
    missing(a, b).or_else(|| missing(b, a))
}
