//! How many descriptors clients hold, and how many they may.

use super::bounds::RESERVED_DESCRIPTORS;
use ais_proto::AisError;
use nix::unistd::Uid;
use std::collections::BTreeMap;

/// The descriptors of all clients.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: usize,
    total: usize,
    users: BTreeMap<libc::uid_t, usize>,
}

impl Quota {
    /// For a process that may open `descriptors`.
    pub(crate) fn new(descriptors: usize) -> Self {
        let limit = descriptors.saturating_sub(RESERVED_DESCRIPTORS);
        Self { limit, total: 0, users: BTreeMap::new() }
    }

    /// Whether a user may have one more. Nobody may have more than three
    /// quarters, so that others are served too.
    pub(crate) fn check(&self, user: Uid) -> Result<(), AisError> {
        let share = self.limit - self.limit / 4;
        let has = self.users.get(&user.as_raw()).copied().unwrap_or(0);
        if self.total < self.limit && has < share { Ok(()) } else { Err(AisError::NoResources) }
    }

    /// Whether a connection can be taken at all, if only to be told that it
    /// is one too many.
    pub(crate) fn has_room(&self) -> bool {
        self.total < self.limit + RESERVED_DESCRIPTORS / 2
    }

    pub(crate) fn add(&mut self, user: Uid, count: usize) {
        self.total += count;
        *self.users.entry(user.as_raw()).or_default() += count;
    }

    pub(crate) fn remove(&mut self, user: Uid, count: usize) {
        self.total = self.total.saturating_sub(count);
        if let Some(has) = self.users.get_mut(&user.as_raw()) {
            *has = has.saturating_sub(count);
            if *has == 0 {
                self.users.remove(&user.as_raw());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_leaves_room_for_others_and_all_for_the_daemon() {
        let mut quota = Quota::new(RESERVED_DESCRIPTORS + 100);
        let (one, two) = (Uid::from_raw(1), Uid::from_raw(2));
        let fill = |quota: &mut Quota, user| {
            let mut count = 0;
            while quota.check(user).is_ok() {
                quota.add(user, 1);
                count += 1;
            }
            count
        };
        assert_eq!(fill(&mut quota, one), 75);
        assert_eq!(fill(&mut quota, two), 25);
        assert!(quota.has_room());
        quota.add(two, RESERVED_DESCRIPTORS / 2);
        assert!(!quota.has_room());
        quota.remove(one, 75);
        quota.remove(two, 25 + RESERVED_DESCRIPTORS / 2);
        assert!(quota.users.is_empty());
        assert_eq!(fill(&mut quota, two), 75);
    }
}
