//! Whether what programs saw of a few sections that they share can be
//! explained by one order of their calls, each of which takes effect at once.
//!
//! Changes that were answered take effect between call and answer. What has no
//! effect, reads and calls that failed, is answered by the replica of the own
//! node, which may lag: it shows how things stood after all that the process
//! was answered before, and after all changes that others had been answered by
//! then. A change that is not answered may be seen on one node and not yet on
//! another. Changes of which nobody knows took effect at some time after their
//! call, or never.
//!
//! The search is that of Wing and Gong with the memory of Lowe: an order is
//! built call by call, and a set of calls that has led to a state once is not
//! tried again.

use ais_proto::AisError;
use std::collections::HashSet;

/// Calls in one search at most, a bit for each.
pub(crate) const MAX_CALLS: usize = u128::BITS as usize;
/// Steps of a search; one that needs more is given up.
const MAX_STEPS: usize = 100_000;

/// What the sections hold, in cells; `None`: there is no such section.
pub(crate) type State = Vec<Option<Vec<u8>>>;

/// What a program wants. Sections are numbers, places and lengths are cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    Create(usize, Vec<u8>),
    Delete(usize),
    Overwrite(usize, Vec<u8>),
    /// Section, offset and what goes there.
    Write(Vec<(usize, usize, Vec<u8>)>),
    /// All of these sections.
    Read(Vec<usize>),
}

/// What a program got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// The call was done; what was read.
    Done(Vec<Vec<u8>>),
    Failed(AisError),
    /// The call may have been done or not, or be done later.
    Unknown,
}

/// A call and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) want: Want,
    pub(crate) got: Got,
    /// The call takes effect between these.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The process that asked, and its how manieth call this is; `None`: this
    /// is what all nodes show.
    pub(crate) by: Option<(u64, u64)>,
}

impl Call {
    /// Whether the call was answered by a replica that may lag.
    fn lags(&self) -> bool {
        self.by.is_some() && (self.want.is_read() || matches!(self.got, Got::Failed(_)))
    }

    /// Whether the call has no effect and shows this state.
    fn is_seen_in(&self, state: &State) -> bool {
        let is_still = self.want.is_read() || matches!(self.got, Got::Failed(_));
        is_still && self.want.apply(&mut state.clone()) == self.got
    }

    /// Whether the call has to take effect before the other one.
    fn is_before(&self, other: &Self) -> bool {
        match (self.by, other.by) {
            _ if self.got == Got::Unknown => false,
            (Some((of, turn)), Some((same, next))) if of == same => turn < next,
            _ => self.to < other.from && !(self.lags() && other.lags()),
        }
    }
}

/// What came of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Explained,
    Impossible,
    /// The search took too long.
    Open,
}

impl Want {
    /// Whether what a program wants changes nothing whatever comes of it.
    fn is_read(&self) -> bool {
        matches!(self, Self::Read(_))
    }

    /// Does what a program wants to a state; what comes of that.
    fn apply(&self, state: &mut State) -> Got {
        let done = Got::Done(Vec::new());
        match self {
            Self::Create(section, _) if state[*section].is_some() => Got::Failed(AisError::Exist),
            Self::Create(section, data) => {
                state[*section] = Some(data.clone());
                done
            }
            Self::Delete(section) => match state[*section].take() {
                Some(_) => done,
                None => Got::Failed(AisError::NotExist),
            },
            Self::Overwrite(section, data) => match &mut state[*section] {
                Some(held) => {
                    held.clone_from(data);
                    done
                }
                None => Got::Failed(AisError::NotExist),
            },
            Self::Write(elements) => {
                if elements.iter().any(|(section, ..)| state[*section].is_none()) {
                    return Got::Failed(AisError::NotExist);
                }
                for (section, offset, data) in elements {
                    let held = state[*section].get_or_insert_default();
                    let end = offset + data.len();
                    held.resize(held.len().max(end), 0);
                    held[*offset..end].copy_from_slice(data);
                }
                done
            }
            Self::Read(sections) => {
                let held = sections.iter().map(|section| state[*section].clone());
                match held.collect() {
                    Some(pieces) => Got::Done(pieces),
                    None => Got::Failed(AisError::NotExist),
                }
            }
        }
    }
}

/// Whether the calls, at most [`MAX_CALLS`], can be explained.
pub(crate) fn explain(initial: &State, calls: &[Call]) -> Verdict {
    let mut calls: Vec<&Call> = calls.iter().take(MAX_CALLS).collect();
    calls.sort_by_key(|call| (call.to, call.from));
    let set_of = |holds: &dyn Fn(&Call) -> bool| {
        let of = calls.iter().enumerate().filter(|(_, call)| holds(call));
        of.fold(0_u128, |set, (index, _)| set | 1 << index)
    };
    let all = set_of(&|call| call.got != Got::Unknown);
    let before: Vec<u128> = calls.iter().map(|call| set_of(&|of| of.is_before(call))).collect();
    // The calls that may take effect next: all that have to be before were.
    let next_calls = |done: u128| {
        let before = &before;
        let may_be = move |index: &usize| done & 1 << *index == 0 && before[*index] & !done == 0;
        (0..calls.len()).filter(may_be)
    };
    let mut seen = HashSet::new();
    let mut stack = vec![(0_u128, initial.clone())];
    let mut steps = 0;
    while let Some((mut done, state)) = stack.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return Verdict::Open;
        }
        // What has no effect and fits now can as well be now as later.
        let fits = |index: &usize| calls[*index].is_seen_in(&state);
        while let Some(index) = next_calls(done).find(fits) {
            done |= 1 << index;
        }
        if done & all == all {
            return Verdict::Explained;
        }
        if !seen.insert((done, state.clone())) {
            continue;
        }
        // The most promising is tried first, so it is pushed last.
        for index in next_calls(done).rev() {
            let mut after = state.clone();
            let got = calls[index].want.apply(&mut after);
            let fits = match &calls[index].got {
                Got::Unknown => after != state,
                of => *of == got,
            };
            if fits {
                stack.push((done | 1 << index, after));
            }
        }
    }
    Verdict::Impossible
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call by a process of its own.
    fn call(want: Want, got: Got, from: u64, to: u64) -> Call {
        Call { want, got, from, to, by: Some(((to << 32 | from) + 1, 1)) }
    }

    fn done() -> Got {
        Got::Done(Vec::new())
    }

    fn put(value: u8, from: u64, to: u64) -> Call {
        call(Want::Overwrite(0, vec![value; 2]), done(), from, to)
    }

    /// A read; all reads are by one process.
    fn read(value: u8, from: u64, to: u64) -> Call {
        let got = Got::Done(vec![vec![value; 2]]);
        Call { by: Some((0, from)), ..call(Want::Read(vec![0]), got, from, to) }
    }

    fn verdict(calls: &[Call]) -> Verdict {
        explain(&vec![Some(vec![0; 2]), None], calls)
    }

    #[test]
    fn writes_take_effect_between_call_and_answer() {
        assert_eq!(verdict(&[put(1, 0, 10), read(0, 0, 5), read(1, 6, 9)]), Verdict::Explained);
        assert_eq!(verdict(&[put(1, 0, 10), read(0, 11, 12)]), Verdict::Impossible, "lost");
        assert_eq!(verdict(&[put(1, 5, 10), read(1, 0, 4)]), Verdict::Impossible, "too early");
        let both = [put(1, 0, 10), put(2, 0, 10)];
        let with = |reads: &[Call]| verdict(&[&both[..], reads].concat());
        assert_eq!(with(&[read(1, 11, 12)]), Verdict::Explained);
        assert_eq!(with(&[read(2, 11, 12)]), Verdict::Explained);
        assert_eq!(with(&[read(1, 2, 3), read(2, 4, 5), read(1, 11, 12)]), Verdict::Impossible);
        let ordered = [put(1, 0, 10), put(2, 11, 20), read(1, 21, 22)];
        assert_eq!(verdict(&ordered), Verdict::Impossible, "out of order");
    }

    #[test]
    fn a_change_nobody_knows_of_may_have_been_made_or_not() {
        let unknown = |value| Call { got: Got::Unknown, to: u64::MAX, ..put(value, 0, 0) };
        let none = [unknown(1), read(0, 5, 6)];
        assert_eq!(verdict(&none), Verdict::Explained);
        assert_eq!(verdict(&[unknown(1), read(0, 5, 6), read(1, 9, 10)]), Verdict::Explained);
        let back = [unknown(1), read(1, 5, 6), read(0, 9, 10)];
        assert_eq!(verdict(&back), Verdict::Impossible);
    }

    #[test]
    fn a_node_may_lag_behind_what_is_not_answered_and_no_more() {
        let by_another = |read: Call| Call { by: Some((u64::MAX, 1)), ..read };
        let at_rest = |read: Call| Call { by: None, ..read };
        let unknown = Call { got: Got::Unknown, to: u64::MAX, ..put(1, 0, 0) };
        let with = |change: &Call, more: Call| verdict(&[change.clone(), read(1, 5, 6), more]);
        assert_eq!(with(&unknown, by_another(read(0, 9, 10))), Verdict::Explained);
        assert_eq!(with(&unknown, at_rest(read(0, 9, 10))), Verdict::Impossible, "lost");
        assert_eq!(with(&unknown, read(0, 6, 6)), Verdict::Impossible, "back");
        assert_eq!(with(&put(1, 0, 20), by_another(read(0, 9, 10))), Verdict::Explained);
        assert_eq!(with(&put(1, 0, 7), by_another(read(0, 9, 10))), Verdict::Impossible);
    }

    #[test]
    fn a_vector_is_written_whole_and_failures_are_explained() {
        let create = call(Want::Create(1, vec![7]), done(), 0, 1);
        let write = call(Want::Write(vec![(0, 1, vec![9]), (1, 2, vec![9])]), done(), 2, 8);
        let both = |first: &[u8], second: &[u8], from, to| {
            let got = Got::Done(vec![first.to_vec(), second.to_vec()]);
            call(Want::Read(vec![0, 1]), got, from, to)
        };
        let base = [create, write];
        let with = |more: Call| verdict(&[&base[..], &[more]].concat());
        assert_eq!(with(both(&[0, 9], &[7, 0, 9], 3, 9)), Verdict::Explained);
        assert_eq!(with(both(&[0, 0], &[7, 0, 9], 3, 9)), Verdict::Impossible, "torn");
        let fail = |error, from| call(Want::Delete(1), Got::Failed(error), from, 9);
        assert_eq!(with(fail(AisError::NotExist, 0)), Verdict::Explained);
        assert_eq!(with(fail(AisError::NotExist, 2)), Verdict::Impossible);
        assert_eq!(with(fail(AisError::Exist, 0)), Verdict::Impossible);
    }

    #[test]
    fn many_concurrent_calls_are_explained_soon() {
        let mut calls: Vec<Call> = (0..60).map(|n| put(n as u8 + 1, n * 10, n * 10 + 45)).collect();
        calls.extend((0..60).map(|n| read(n as u8 + 1, n * 10 + 5, n * 10 + 46)));
        assert_eq!(verdict(&calls), Verdict::Explained);
        calls.push(read(1, 500, 510));
        assert_ne!(verdict(&calls), Verdict::Explained);
    }
}
