//! The ledger of all that clients can make grow, and which of them pays when
//! there is too much of it.
//!
//! Each [`Kind`] of thing has one [`Bound`] for all clients together. What is
//! bytes is counted in bytes of *capacity*: what the allocator gave, not what is
//! used of it. Everything is charged to a [`Holder`], a process of a user, and
//! never to a connection, of which anybody can have as many as he likes.
//!
//! There are two ways to keep a bound, and each kind uses one of them:
//!
//! * **Refuse** what has to be asked for. [`Ledger::may_take`] says whether a
//!   holder may have so much more; if so, [`Ledger::charge`] it. No user may
//!   have more than three times what he leaves to the others, and no process
//!   more than three times what it leaves to its user, so that the next
//!   process finds a place, however greedy those before were. Beside that a part
//!   is kept for root.
//! * **Have somebody pay** for what comes by itself. It is charged first; then,
//!   as long as [`Ledger::debtor`] names somebody, something of that holder is
//!   given up: of the user that holds most of it the process that holds most. Root
//!   pays as everybody does, but not for what the others have of its part.
//!
//! What was charged has to be released where it was charged, in the same
//! amount. A new kind needs its line in `kinds!` and a row in `docs/LIMITS.md`.
//! Services find the ledger in their [`Effects`](crate::Effects), and who is behind
//! a session by [`Ledger::holder`].

use crate::SessionId;
use ais_wire::{DecodeError, Reader, Wire, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// Nobody may have more than so many times what he leaves to others.
const GREED: u64 = 3;
/// Charges of bytes change the order of holders only in steps of so many, so that
/// small ones cost next to nothing.
const GRAIN: u64 = 4096;

/// A user of this machine, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u32);

impl Wire<'_> for UserId {
    fn put(&self, out: &mut Writer) {
        out.u32(self.0);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.u32().map(Self)
    }
}

impl UserId {
    /// Root.
    pub const ROOT: Self = Self(0);
}

/// A process of a user: the one that a thing is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The user.
    pub user: UserId,
    /// The number of the process; 0 if it is not known.
    pub process: u32,
}

/// How much there may be of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// For all holders together.
    pub total: u64,
    /// The part of it that only root may have.
    pub for_root: u64,
}

impl Bound {
    /// The bound of this amount in all, a sixteenth of which is kept for root.
    #[must_use]
    pub const fn of(total: u64) -> Self {
        Self { total, for_root: total.div_ceil(16) }
    }
}

/// Declares the kinds of things, each with its bound and the steps in which the
/// greatest holder of it is found.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident: $bound:expr, in steps of $grain:expr;)+) => {
        /// What clients can make grow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])+ $name,)+
        }

        impl Kind {
            /// All of them, in the order of their declaration.
            const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The bound as long as nobody has set another.
            const fn bound(self) -> Bound {
                match self {
                    $(Self::$name => Bound::of($bound),)+
                }
            }

            /// The steps in which the greatest holder is found.
            const fn grain(self) -> u64 {
                match self {
                    $(Self::$name => $grain,)+
                }
            }
        }
    };
}

kinds! {
    /// Descriptors of the executive. Refused.
    Descriptors: 960, in steps of 1;
    /// Connections that were refused and are still to hear why. Refused.
    Refusals: 32, in steps of 1;
    /// Bytes of requests that have not come whole, and of replies and events
    /// that are not read. Somebody pays.
    Sockets: 256 << 20, in steps of GRAIN;
    /// Bytes of messages that wait for the group. Refused.
    Outbox: 64 << 20, in steps of GRAIN;
    /// Bytes of events that wait in the node for programs to dispatch, and of
    /// those that were asked for. Refused.
    Events: 64 << 20, in steps of GRAIN;
    /// Bytes that are kept for operators who look into checkpoints. Somebody pays.
    Inspections: 64 << 20, in steps of GRAIN;
    /// Checkpoints that are open. Refused.
    Opens: 1 << 20, in steps of 1;
}

/// What everybody holds.
#[derive(Debug)]
pub struct Ledger {
    sessions: BTreeMap<SessionId, Holder>,
    /// By the number of the kind.
    accounts: [Account; Kind::ALL.len()],
}

impl Default for Ledger {
    fn default() -> Self {
        Self { sessions: BTreeMap::new(), accounts: Kind::ALL.map(Account::new) }
    }
}

/// What everybody holds of one kind.
#[derive(Debug)]
struct Account {
    bound: Bound,
    users: Ranking<UserId>,
    processes: BTreeMap<UserId, Ranking<u32>>,
}

/// Amounts by holder, and in order.
#[derive(Debug)]
struct Ranking<K> {
    grain: u64,
    total: u64,
    amounts: BTreeMap<K, u64>,
    order: BTreeSet<(u64, K)>,
}

impl Ledger {
    /// Bounds a kind otherwise than by default.
    pub fn set_bound(&mut self, kind: Kind, bound: Bound) {
        self.account_mut(kind).bound = bound;
    }

    /// A session of this holder begins.
    pub(crate) fn open(&mut self, session: SessionId, holder: Holder) {
        self.sessions.insert(session, holder);
    }

    /// A session is over. What was charged for it is not released by this.
    pub(crate) fn close(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// The process of this session. A session that the node was not told of counts as a
    /// process of root.
    #[must_use]
    pub fn holder(&self, session: SessionId) -> Holder {
        // Numbers of processes are below 2^22.
        let unknown = Holder { user: UserId::ROOT, process: session.0 as u32 };
        self.sessions.get(&session).copied().unwrap_or(unknown)
    }

    /// Whether a holder may have so much more.
    #[must_use]
    pub fn may_take(&self, kind: Kind, holder: Holder, amount: u64) -> bool {
        amount <= self.room(kind, holder)
    }

    /// How much more a holder may have.
    #[must_use]
    pub fn room(&self, kind: Kind, holder: Holder) -> u64 {
        self.account(kind).room(holder)
    }

    /// A holder has so much more, whether or not it may.
    pub fn charge(&mut self, kind: Kind, holder: Holder, amount: u64) {
        self.recharge(kind, holder, 0, amount);
    }

    /// A holder has given so much back.
    pub fn release(&mut self, kind: Kind, holder: Holder, amount: u64) {
        self.recharge(kind, holder, amount, 0);
    }

    /// What a holder was charged `before` for comes to `now`.
    pub fn recharge(&mut self, kind: Kind, holder: Holder, before: u64, now: u64) {
        if before != now {
            self.account_mut(kind).change(holder, before, now);
        }
    }

    /// How much all hold together.
    #[must_use]
    pub fn total(&self, kind: Kind) -> u64 {
        self.account(kind).users.total
    }

    /// How much a process holds.
    #[must_use]
    pub fn held(&self, kind: Kind, holder: Holder) -> u64 {
        self.account(kind).of_process(holder)
    }

    /// The greatest holder: of the user that holds most the process that holds most.
    #[must_use]
    pub fn heaviest(&self, kind: Kind) -> Option<Holder> {
        let account = self.account(kind);
        account.heaviest_of(account.users.order.last()?.1)
    }

    /// The process that has to give something up, as there is too much of a kind.
    #[must_use]
    pub fn debtor(&self, kind: Kind) -> Option<Holder> {
        let account = self.account(kind);
        let Bound { total, for_root } = account.bound;
        if account.users.total > total {
            return self.heaviest(kind);
        }
        let of_root = account.users.amount(&UserId::ROOT);
        let of_others = account.users.total.saturating_sub(of_root);
        if of_others <= total.saturating_sub(for_root) {
            return None;
        }
        // Root is one of the two at most.
        let most = account.users.order.iter().rev().map(|(_, user)| *user);
        account.heaviest_of(most.take(2).find(|user| *user != UserId::ROOT)?)
    }

    fn account(&self, kind: Kind) -> &Account {
        &self.accounts[kind as usize]
    }

    fn account_mut(&mut self, kind: Kind) -> &mut Account {
        &mut self.accounts[kind as usize]
    }
}

impl Account {
    fn new(kind: Kind) -> Self {
        Self { bound: kind.bound(), users: Ranking::new(kind.grain()), processes: BTreeMap::new() }
    }

    fn of_process(&self, Holder { user, process }: Holder) -> u64 {
        self.processes.get(&user).map_or(0, |processes| processes.amount(&process))
    }

    fn room(&self, holder: Holder) -> u64 {
        let Bound { total, for_root } = self.bound;
        let kept = if holder.user == UserId::ROOT { 0 } else { for_root };
        let free = total.saturating_sub(kept).saturating_sub(self.users.total);
        let of_user = share(free, self.users.amount(&holder.user));
        share(of_user, self.of_process(holder))
    }

    fn change(&mut self, holder: Holder, before: u64, now: u64) {
        let Holder { user, process } = holder;
        self.users.change(user, before, now);
        let grain = self.users.grain;
        let processes = self.processes.entry(user).or_insert_with(|| Ranking::new(grain));
        processes.change(process, before, now);
        if processes.amounts.is_empty() {
            self.processes.remove(&user);
        }
    }

    fn heaviest_of(&self, user: UserId) -> Option<Holder> {
        let process = self.processes.get(&user)?.order.last()?.1;
        Some(Holder { user, process })
    }
}

/// How much of what is free a holder may take that has so much already.
fn share(free: u64, held: u64) -> u64 {
    free.saturating_mul(GREED).saturating_sub(held) / (GREED + 1)
}

impl<K: Copy + Ord> Ranking<K> {
    fn new(grain: u64) -> Self {
        Self { grain, total: 0, amounts: BTreeMap::new(), order: BTreeSet::new() }
    }

    fn amount(&self, key: &K) -> u64 {
        self.amounts.get(key).copied().unwrap_or(0)
    }

    fn change(&mut self, key: K, before: u64, now: u64) {
        self.total = self.total.saturating_sub(before).saturating_add(now);
        let amount = self.amounts.entry(key).or_insert(0);
        let (old, new) = (*amount, amount.saturating_sub(before).saturating_add(now));
        *amount = new;
        if new == 0 {
            self.amounts.remove(&key);
        }
        if old == 0 || new == 0 || old / self.grain != new / self.grain {
            self.order.remove(&(old / self.grain, key));
            if new > 0 {
                self.order.insert((new / self.grain, key));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Holder = of(0, 1);

    const fn of(user: u32, process: u32) -> Holder {
        Holder { user: UserId(user), process }
    }

    fn ledger(kind: Kind, total: u64) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.set_bound(kind, Bound::of(total));
        ledger
    }

    /// Takes one after the other, as many as it may.
    fn take_all(ledger: &mut Ledger, kind: Kind, holder: Holder) -> u64 {
        let before = ledger.held(kind, holder);
        while ledger.may_take(kind, holder, 1) {
            ledger.charge(kind, holder, 1);
        }
        ledger.held(kind, holder) - before
    }

    #[test]
    fn every_process_and_every_user_leaves_room_for_the_next() {
        let kind = Kind::Descriptors;
        let mut ledger = ledger(kind, 1000);
        let greedy = take_all(&mut ledger, kind, of(5, 1));
        assert!((500..600).contains(&greedy), "{greedy}");
        let mut last = greedy;
        for process in 2..5 {
            let taken = take_all(&mut ledger, kind, of(5, process));
            assert!(taken > 0 && taken < last, "{taken} of process {process}");
            last = taken;
        }
        let of_user = ledger.total(kind);
        assert!(of_user <= 1000 * 3 / 4, "{of_user}");
        for user in 6..8 {
            let taken = take_all(&mut ledger, kind, of(user, 1));
            assert!(taken > 0, "user {user}");
        }
        assert!(ledger.total(kind) <= 1000 - 62);
    }

    #[test]
    fn root_gets_in_when_all_others_have_what_they_may() {
        let kind = Kind::Descriptors;
        let mut ledger = ledger(kind, 100);
        for user in 1..100 {
            for process in 1..10 {
                take_all(&mut ledger, kind, of(user, process));
            }
        }
        assert!(!ledger.may_take(kind, of(100, 1), 1));
        assert!(take_all(&mut ledger, kind, ROOT) >= 3);
        assert!(ledger.total(kind) <= 100);
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let kind = Kind::Outbox;
        let mut ledger = ledger(kind, 1600);
        let holder = of(5, 1);
        let room = ledger.room(kind, holder);
        ledger.charge(kind, holder, room);
        assert_eq!(ledger.room(kind, holder), 0);
        ledger.release(kind, holder, room);
        assert_eq!(ledger.room(kind, holder), room);
        assert_eq!((ledger.total(kind), ledger.heaviest(kind)), (0, None));
        assert!(ledger.account(kind).processes.is_empty());
    }

    #[test]
    fn of_the_user_who_holds_most_the_process_that_does_pays() {
        const MIB: u64 = 1 << 20;
        let kind = Kind::Sockets;
        let mut ledger = ledger(kind, 100 * MIB);
        // The user with the largest process does not hold most.
        ledger.charge(kind, of(5, 1), 30 * MIB);
        for process in 1..=6 {
            ledger.charge(kind, of(6, process), 5 * MIB + u64::from(process) * GRAIN);
        }
        assert_eq!(ledger.debtor(kind), None);
        ledger.charge(kind, of(7, 1), 35 * MIB);
        assert_eq!(ledger.debtor(kind), Some(of(7, 1)));
        ledger.recharge(kind, of(7, 1), 35 * MIB, 29 * MIB);
        assert_eq!(ledger.debtor(kind), None);
        ledger.charge(kind, ROOT, 20 * MIB);
        assert_eq!(ledger.debtor(kind), Some(of(6, 6)));
    }

    #[test]
    fn root_does_not_pay_for_what_others_have_of_its_part() {
        let kind = Kind::Sockets;
        let mut ledger = ledger(kind, 160 * GRAIN);
        ledger.charge(kind, ROOT, 5 * GRAIN);
        ledger.charge(kind, of(5, 1), 150 * GRAIN);
        assert_eq!(ledger.debtor(kind), None);
        ledger.charge(kind, of(6, 1), GRAIN);
        assert_eq!(ledger.debtor(kind), Some(of(5, 1)));
        ledger.release(kind, of(5, 1), 150 * GRAIN);
        ledger.charge(kind, ROOT, 160 * GRAIN);
        assert_eq!(ledger.debtor(kind), Some(ROOT));
    }

    #[test]
    fn each_kind_has_an_account_of_its_own() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
        let mut ledger = Ledger::default();
        ledger.charge(Kind::Opens, ROOT, 1);
        assert_eq!(Kind::ALL.map(|kind| ledger.total(kind)), [0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_session_stands_for_its_process() {
        let mut ledger = Ledger::default();
        let session = SessionId(9);
        ledger.open(session, of(5, 7));
        assert_eq!(ledger.holder(session), of(5, 7));
        ledger.close(session);
        assert_eq!(ledger.holder(session), of(0, 9));
    }
}
