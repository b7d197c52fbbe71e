//! What every process of a simulated group sent, delivered and installed, and
//! the checkers that hold it against the promises of extended virtual
//! synchrony. What a single process shows is checked as it happens; what
//! several show together is checked at the end ([`together`]).

mod messages;
mod together;

#[cfg(test)]
mod tests;

pub(crate) use messages::{Messages, Uid};
pub(crate) use together::Seen;

use ais_group::{Guarantee, Lane, View, ViewId};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// One run of a daemon, from its start to its end. A node has many lives.
pub(crate) type LifeId = usize;

/// A view as one process lived through it.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) view: View,
    pub(crate) at: u64,
    /// What it delivered, in its order, with the numbers.
    pub(crate) deliveries: Vec<(u64, Uid)>,
    /// The members of the transitional configuration after the view, and how
    /// many deliveries came before it.
    pub(crate) transitional: Option<(Vec<NodeId>, usize)>,
    /// The highest number that was reported stable.
    pub(crate) stable: u64,
}

impl Span {
    /// What was delivered while the view was whole.
    pub(crate) fn regular(&self) -> &[(u64, Uid)] {
        let end = self.transitional.as_ref().map_or(self.deliveries.len(), |(_, end)| *end);
        &self.deliveries[..end]
    }

    /// What was delivered in the transitional configuration.
    pub(crate) fn late(&self) -> &[(u64, Uid)] {
        &self.deliveries[self.regular().len()..]
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.deliveries.binary_search_by_key(&number, |(of, _)| *of).is_ok()
    }

    fn last_number(&self) -> u64 {
        self.deliveries.last().map_or(0, |(number, _)| *number)
    }
}

/// A process.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) node: NodeId,
    pub(crate) begun: u64,
    pub(crate) ended: Option<u64>,
    /// What it was told never to go below with a view number.
    floor: u64,
    pub(crate) sent: Vec<Uid>,
    pub(crate) spans: Vec<Span>,
    delivered: BTreeSet<Uid>,
    /// The place among the messages of its sender of the last that was
    /// delivered, by sender and lane.
    last_of: BTreeMap<(LifeId, Lane), usize>,
}

impl Life {
    /// Messages it has sent and not delivered.
    pub(crate) fn undelivered(&self) -> usize {
        self.sent.iter().filter(|uid| !self.delivered.contains(uid)).count()
    }
}

/// Everything that happened.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) messages: Messages,
    pub(crate) lives: Vec<Life>,
    /// The life each node is in.
    current: BTreeMap<NodeId, LifeId>,
    /// The highest view number of each node, over all its lives.
    highest: BTreeMap<NodeId, u64>,
    members: BTreeMap<ViewId, Vec<NodeId>>,
}

impl History {
    /// A history that begins with all members in this view.
    pub(crate) fn in_view(now: u64, view: &View) -> Self {
        let mut history = Self::default();
        history.members.insert(view.id, view.members.clone());
        for node in &view.members {
            history.begin(now, *node, 0);
            history.highest.insert(*node, view.id.number);
            if let Some(life) = history.lives.last_mut() {
                let (view, deliveries, transitional) = (view.clone(), Vec::new(), None);
                life.spans.push(Span { view, at: now, deliveries, transitional, stable: 0 });
            }
        }
        history
    }

    /// A process starts on a node; its view numbers are to be above `floor`.
    pub(crate) fn begin(&mut self, now: u64, node: NodeId, floor: u64) {
        self.current.insert(node, self.lives.len());
        self.lives.push(Life {
            node,
            begun: now,
            ended: None,
            floor,
            sent: Vec::new(),
            spans: Vec::new(),
            delivered: BTreeSet::new(),
            last_of: BTreeMap::new(),
        });
    }

    /// The process on a node ends.
    pub(crate) fn end(&mut self, now: u64, node: NodeId) {
        if let Some(life) = self.current.remove(&node) {
            self.lives[life].ended = Some(now);
        }
    }

    /// The process on this node, if there is one.
    pub(crate) fn life(&self, node: NodeId) -> Option<&Life> {
        Some(&self.lives[*self.current.get(&node)?])
    }

    /// The view a node is in.
    pub(crate) fn view(&self, node: NodeId) -> Option<&View> {
        Some(&self.life(node)?.spans.last()?.view)
    }

    /// Composes a message that a node is about to send.
    pub(crate) fn compose(
        &mut self,
        node: NodeId,
        length: usize,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Uid {
        let from = self.current.get(&node).copied().unwrap_or_default();
        let after = self.lives[from].spans.last().map(|span| (span.view.id, span.last_number()));
        self.messages.compose(from, length, (guarantee, lane), after)
    }

    /// The group took the message.
    pub(crate) fn sent(&mut self, uid: Uid) {
        let from = self.messages.get(uid).from;
        self.messages.place_among_sent(uid, self.lives[from].sent.len());
        self.lives[from].sent.push(uid);
    }

    /// A node delivers.
    ///
    /// # Errors
    /// What is wrong with it: integrity, order or configuration order.
    pub(crate) fn deliver(
        &mut self,
        node: NodeId,
        number: u64,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), String> {
        let (uid, message) = self.messages.recognise(bytes)?;
        let (sender, index, lane) = (message.from, message.index, message.lane);
        if self.lives[sender].node != from {
            let real = self.lives[sender].node;
            return Err(format!("integrity: {node} delivers #{uid} of {real} as one of {from}"));
        }
        let Some(index) = index else {
            return Err(format!("integrity: {node} delivers #{uid}, which was refused"));
        };
        let life = &mut self.lives[*self.current.get(&node).ok_or("a dead node delivers")?];
        if !life.delivered.insert(uid) {
            return Err(format!("integrity: {node} delivers #{uid} twice"));
        }
        if life.last_of.insert((sender, lane), index).is_some_and(|last| last >= index) {
            return Err(format!(
                "order: {node} delivers #{uid} after a later one of {from} in its lane"
            ));
        }
        let Some(span) = life.spans.last_mut() else {
            return Err(format!("configurations: {node} delivers #{uid} before its first view"));
        };
        if !span.view.members.contains(&from) {
            return Err(format!("integrity: {node} delivers #{uid} of {from}, not in its view"));
        }
        if number <= span.last_number() {
            let last = span.last_number();
            return Err(format!("order: {node} delivers number {number} after number {last}"));
        }
        span.deliveries.push((number, uid));
        let place = (span.view.id, number);
        self.messages.place(uid, place).map_err(|error| format!("{error} at {node}"))
    }

    /// A node reports that everybody has everything up to `number`.
    ///
    /// # Errors
    /// If it reports less than before, or what it has not delivered itself.
    pub(crate) fn stable(&mut self, node: NodeId, number: u64) -> Result<(), String> {
        let Some(span) = self.current_span(node) else {
            return Err(format!("stable: {node} reports {number} before its first view"));
        };
        if number < span.stable {
            return Err(format!("stable: {node} reports {number} after {}", span.stable));
        }
        if span.transitional.is_some() {
            return Err(format!("stable: {node} reports {number} between views"));
        }
        span.stable = number;
        Ok(())
    }

    /// A node enters a transitional configuration.
    ///
    /// # Errors
    /// If it is not one of its last view, or there is another already.
    pub(crate) fn transitional(
        &mut self,
        node: NodeId,
        members: Vec<NodeId>,
    ) -> Result<(), String> {
        let wrong = |what| Err(format!("configurations: {node}: {what}"));
        let Some(span) = self.current_span(node) else {
            return wrong("a transitional configuration before the first view");
        };
        if span.transitional.is_some() {
            return wrong("two transitional configurations after one view");
        }
        if !members.is_sorted() || !members.contains(&node) {
            return wrong("a transitional configuration not in order or without oneself");
        }
        if !members.iter().all(|member| span.view.members.contains(member)) {
            return wrong("a transitional configuration with a node that was not in the view");
        }
        span.transitional = Some((members, span.deliveries.len()));
        Ok(())
    }

    /// A node installs a view.
    ///
    /// # Errors
    /// If it is not what a view has to be after those before it.
    pub(crate) fn install(&mut self, now: u64, node: NodeId, view: View) -> Result<(), String> {
        let id = view.id;
        let wrong = |what: &str| Err(format!("configurations: {node} installs {view:?}: {what}"));
        if !view.members.is_sorted() || !view.members.contains(&node) {
            return wrong("members not in order or without oneself");
        }
        if view.members.first() != Some(&id.representative) {
            return wrong("the representative is not the lowest member");
        }
        if self.members.entry(id).or_insert_with(|| view.members.clone()) != &view.members {
            return wrong("others have other members under this id");
        }
        let life = &mut self.lives[*self.current.get(&node).ok_or("a dead node has a view")?];
        let highest = self.highest.entry(node).or_default();
        if id.number <= *highest || id.number <= life.floor {
            return wrong("the number does not grow");
        }
        *highest = id.number;
        let (came, before) = match life.spans.last() {
            None => (vec![node], Vec::new()),
            Some(span) => match &span.transitional {
                None => return wrong("there is no transitional configuration before it"),
                Some((came, _)) => (came.clone(), span.view.members.clone()),
            },
        };
        if view.came_with_me != came {
            return wrong("came_with_me is not the transitional configuration");
        }
        let without = |of: &[NodeId]| -> Vec<NodeId> {
            of.iter().filter(|member| !came.contains(member)).copied().collect()
        };
        // Whoever has just started calls itself joined, as it was nowhere.
        let mut joined = without(&view.members);
        if life.spans.is_empty() && view.joined.contains(&node) {
            joined.push(node);
            joined.sort();
        }
        if view.joined != joined || view.left != without(&before) {
            return wrong("joined or left is not what came_with_me says");
        }
        if !came.iter().all(|member| view.members.contains(member)) {
            return wrong("a member of the transitional configuration is not in the view");
        }
        let (deliveries, transitional) = (Vec::new(), None);
        life.spans.push(Span { view, at: now, deliveries, transitional, stable: 0 });
        Ok(())
    }

    fn current_span(&mut self, node: NodeId) -> Option<&mut Span> {
        self.lives[*self.current.get(&node)?].spans.last_mut()
    }
}
