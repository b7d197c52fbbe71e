//! A line in which nobody waits for what somebody else has put there before:
//! users take turns, and so do the processes of a user. What one process puts
//! there stays in order.

use crate::{Holder, UserId};
use std::collections::{BTreeMap, VecDeque};

/// Things in line, by who they belong to.
#[derive(Debug)]
pub struct Turns<T> {
    users: Round<UserId, Round<u32, VecDeque<T>>>,
    length: usize,
}

/// Lines of which each has its turn.
#[derive(Debug)]
struct Round<K, L> {
    /// Those that are not empty, the next one first.
    order: VecDeque<K>,
    lines: BTreeMap<K, L>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { users: Round::default(), length: 0 }
    }
}

impl<K, L> Default for Round<K, L> {
    fn default() -> Self {
        Self { order: VecDeque::new(), lines: BTreeMap::new() }
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

    /// Puts something into line.
    pub fn push(&mut self, holder: Holder, thing: T) {
        self.length += 1;
        self.users.line(holder.user).line(holder.process).push_back(thing);
    }

    /// Takes what is next.
    pub fn pop(&mut self) -> Option<T> {
        let thing = self.users.take(|processes| {
            let thing = processes.take(|line| (line.pop_front(), line.is_empty()));
            (thing, processes.order.is_empty())
        })?;
        self.length -= 1;
        Some(thing)
    }
}

impl<K: Copy + Ord, L: Default> Round<K, L> {
    /// The line of this name, which gets something now.
    fn line(&mut self, key: K) -> &mut L {
        let order = &mut self.order;
        self.lines.entry(key).or_insert_with(|| {
            order.push_back(key);
            L::default()
        })
    }

    /// Takes something from the line whose turn it is, by `take`, which also
    /// says whether the line is empty now.
    fn take<T>(&mut self, take: impl FnOnce(&mut L) -> (Option<T>, bool)) -> Option<T> {
        let key = self.order.pop_front()?;
        let (thing, is_empty) = take(self.lines.get_mut(&key)?);
        if is_empty {
            self.lines.remove(&key);
        } else {
            self.order.push_back(key);
        }
        thing
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
            turns.push(of(1, 1), ("one", thing));
            turns.push(of(1, 2), ("two", thing));
        }
        turns.push(of(1, 3), ("three", 0));
        turns.push(of(2, 1), ("other", 0));
        turns.push(of(2, 1), ("other", 1));
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
            turns.push(of(1, 1), thing);
        }
        turns.pop();
        turns.push(of(1, 2), 5000);
        assert_eq!(turns.len(), 1000);
        assert!(turns.pop() == Some(5000) || turns.pop() == Some(5000));
    }
}
