//! Whether what programs saw of a few sections that they share can be
//! explained by one order of their calls, each of which takes effect at once.
//!
//! Changes that were answered take effect between call and answer. What has no
//! effect, reads and calls that failed, is answered by the replica of the own
//! node, which may lag: it shows how things stood at some time after the
//! process had its last answer. Changes of which nobody knows took effect at
//! some time after their call, or never.
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

/// What it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// It was done; what was read.
    Done(Vec<Vec<u8>>),
    Failed(AisError),
    /// It may have been done or not, or be done later.
    Unknown,
}

/// A call and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) want: Want,
    pub(crate) got: Got,
    /// It takes effect between these.
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// What came of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Explained,
    Impossible,
    /// It took too long.
    Open,
}

impl Want {
    /// Whether it changes nothing whatever comes of it.
    fn is_read(&self) -> bool {
        matches!(self, Self::Read(_))
    }

    /// Does it to a state; what comes of that.
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
    let mut order: Vec<usize> = (0..calls.len().min(MAX_CALLS)).collect();
    order.sort_by_key(|index| (calls[*index].to, calls[*index].from));
    let known = |index: &&usize| calls[**index].got != Got::Unknown;
    let all = order.iter().filter(known).fold(0, |all, index| all | 1_u128 << index);
    let mut seen = HashSet::new();
    let mut stack = vec![(0_u128, initial.clone())];
    let mut steps = 0;
    while let Some((done, state)) = stack.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return Verdict::Open;
        }
        let done = read_all(done, &state, calls, &order);
        if done & all == all {
            return Verdict::Explained;
        }
        if !seen.insert((done, state.clone())) {
            continue;
        }
        // The most promising is tried first, so it is pushed last.
        for index in next_calls(done, calls, &order).rev() {
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

/// The calls that may take effect next: none that is left had its answer
/// before they were made.
fn next_calls<'a>(
    done: u128,
    calls: &'a [Call],
    order: &'a [usize],
) -> impl DoubleEndedIterator<Item = usize> + 'a {
    let is_left = move |index: &&usize| done & 1 << **index == 0;
    let end = order.iter().find(is_left).map_or(u64::MAX, |index| calls[*index].to);
    order.iter().filter(is_left).copied().filter(move |index| calls[*index].from <= end)
}

/// What has no effect and fits now can as well be now as later.
fn read_all(mut done: u128, state: &State, calls: &[Call], order: &[usize]) -> u128 {
    loop {
        let fits = |index: &usize| {
            let call = &calls[*index];
            let is_still = call.want.is_read() || matches!(call.got, Got::Failed(_));
            is_still && call.want.apply(&mut state.clone()) == call.got
        };
        let more = next_calls(done, calls, order).filter(fits);
        let after = more.fold(done, |done, index| done | 1 << index);
        if after == done {
            return done;
        }
        done = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(want: Want, got: Got, from: u64, to: u64) -> Call {
        Call { want, got, from, to }
    }

    fn done() -> Got {
        Got::Done(Vec::new())
    }

    fn put(value: u8, from: u64, to: u64) -> Call {
        call(Want::Overwrite(0, vec![value; 2]), done(), from, to)
    }

    fn read(value: u8, from: u64, to: u64) -> Call {
        call(Want::Read(vec![0]), Got::Done(vec![vec![value; 2]]), from, to)
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
