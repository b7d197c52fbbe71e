//! A line in which nobody waits for what somebody else has put there before:
//! users take turns, and so do the processes of a user. What one process puts
//! there stays in order.
//!
//! Turns are counted in weight, so that somebody with little is not kept waiting
//! by few that have much each: this is self-clocked fair queueing (Golestani,
//! INFOCOM 1994), users first and then their processes.

use crate::{Holder, UserId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Things in line, by the process they belong to.
#[derive(Debug)]
pub struct Turns<T> {
    users: Round<UserId, Round<u32, VecDeque<Weighed<T>>>>,
    length: usize,
}

#[derive(Debug)]
struct Weighed<T> {
    weight: u64,
    thing: T,
}

/// Lines of which each has its turn.
#[derive(Debug)]
struct Round<K, L> {
    /// The tag of what was taken last.
    now: u64,
    /// The lines that are not empty, by the tag of what is next in each.
    order: BTreeSet<(u64, K)>,
    lines: BTreeMap<K, Tagged<L>>,
}

#[derive(Debug)]
struct Tagged<L> {
    /// The tag of what was taken from it last, or of the round when it began.
    start: u64,
    /// The tag of what is next: that, and its weight.
    tag: u64,
    line: L,
}

/// What may stand in a [`Round`].
trait Line {
    /// The weight of what is next, if there is anything.
    fn weight(&self) -> Option<u64>;
}

impl<T> Line for VecDeque<Weighed<T>> {
    fn weight(&self) -> Option<u64> {
        self.front().map(|next| next.weight)
    }
}

impl<K: Copy + Ord, L: Line> Line for Round<K, L> {
    fn weight(&self) -> Option<u64> {
        let (_, key) = self.order.first()?;
        self.lines.get(key)?.line.weight()
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { users: Round::default(), length: 0 }
    }
}

impl<K, L> Default for Round<K, L> {
    fn default() -> Self {
        Self { now: 0, order: BTreeSet::new(), lines: BTreeMap::new() }
    }
}

impl<T> Turns<T> {
    /// Whether nothing is in line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many things are in line.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Puts something of this weight into line.
    pub fn push(&mut self, holder: Holder, weight: u64, thing: T) {
        self.length += 1;
        self.users.put(holder.user, |processes| {
            let weight = weight.max(1);
            processes.put(holder.process, |line| line.push_back(Weighed { weight, thing }));
        });
    }

    /// Takes what is next.
    pub fn pop(&mut self) -> Option<T> {
        let taken = self.users.take(|processes| processes.take(VecDeque::pop_front).flatten());
        let next = taken.flatten()?;
        self.length -= 1;
        Some(next.thing)
    }
}

impl<K: Copy + Ord, L: Line + Default> Round<K, L> {
    /// Has the line of this name get something.
    fn put(&mut self, key: K, put: impl FnOnce(&mut L)) {
        let Self { now, order, lines } = self;
        let new = || Tagged { start: *now, tag: *now, line: L::default() };
        let tagged = lines.entry(key).or_insert_with(new);
        put(&mut tagged.line);
        let tag = tagged.start.saturating_add(tagged.line.weight().unwrap_or_default());
        // Mostly it is not next, so that nothing changes.
        if tag != tagged.tag {
            order.remove(&(tagged.tag, key));
            order.insert((tag, key));
            tagged.tag = tag;
        }
    }

    /// Takes something from the line whose turn it is.
    fn take<R>(&mut self, take: impl FnOnce(&mut L) -> R) -> Option<R> {
        let (tag, key) = self.order.pop_first()?;
        self.now = tag;
        let tagged = self.lines.get_mut(&key)?;
        let taken = take(&mut tagged.line);
        if let Some(weight) = tagged.line.weight() {
            tagged.start = tag;
            tagged.tag = tag.saturating_add(weight);
            self.order.insert((tagged.tag, key));
        } else {
            self.lines.remove(&key);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: u32, process: u32) -> Holder {
        Holder { user: UserId(user), process }
    }

    #[test]
    fn users_take_turns_and_then_their_processes() {
        let mut turns = Turns::default();
        for thing in 0..4 {
            turns.push(of(1, 1), 1, ("one", thing));
            turns.push(of(1, 2), 1, ("two", thing));
        }
        turns.push(of(1, 3), 1, ("three", 0));
        turns.push(of(2, 1), 1, ("other", 0));
        turns.push(of(2, 1), 1, ("other", 1));
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(
            order,
            [
                ("one", 0),
                ("other", 0),
                ("two", 0),
                ("other", 1),
                ("three", 0),
                ("one", 1),
                ("two", 1),
                ("one", 2),
                ("two", 2),
                ("one", 3),
                ("two", 3)
            ]
        );
        assert!(turns.is_empty() && turns.users.lines.is_empty());
    }

    #[test]
    fn who_comes_late_does_not_wait_for_all_that_came_before() {
        let mut turns = Turns::default();
        for thing in 0..1000 {
            turns.push(of(1, 1), 1, thing);
        }
        turns.pop();
        turns.push(of(1, 2), 1, 5000);
        assert_eq!(turns.len(), 1000);
        assert!(turns.pop() == Some(5000) || turns.pop() == Some(5000));
    }

    #[test]
    fn who_has_little_does_not_wait_for_what_weighs_more() {
        let mut turns = Turns::default();
        for thing in 0..3 {
            turns.push(of(1, 1), 1000, ("much", thing));
            turns.push(of(1, 2), 500, ("half", thing));
        }
        assert_eq!(turns.pop(), Some(("half", 0)));
        for thing in 0..2 {
            turns.push(of(2, 1), 10, ("little", thing));
            turns.push(of(1, 3), 10, ("of that user", thing));
        }
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(
            order,
            [
                ("of that user", 0),
                ("little", 0),
                ("of that user", 1),
                ("little", 1),
                ("much", 0),
                ("half", 1),
                ("half", 2),
                ("much", 1),
                ("much", 2),
            ]
        );
    }

    #[test]
    fn who_comes_back_at_once_does_not_keep_the_others_waiting() {
        let mut turns = Turns::default();
        for process in 1..4 {
            turns.push(of(1, process), 1, process);
        }
        let mut order = Vec::new();
        for _ in 0..7 {
            let process = turns.pop().unwrap();
            turns.push(of(1, process), 1, process);
            order.push(process);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 3, 1]);
    }
}
