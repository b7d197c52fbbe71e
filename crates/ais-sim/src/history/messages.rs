//! The messages of a simulation. Each has content of its own, from which it is
//! recognised wherever it is delivered.

use super::LifeId;
use ais_group::{Guarantee, Lane, ViewId};
use std::collections::BTreeMap;

/// A message.
pub(crate) type Uid = usize;

/// What is known of a message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: LifeId,
    /// Its place among those of its sender; `None` if the group refused it.
    pub(crate) index: Option<usize>,
    pub(crate) guarantee: Guarantee,
    pub(crate) lane: Lane,
    /// The view its sender was in, and the last number it had delivered there:
    /// what the message may be an answer to.
    pub(crate) after: Option<(ViewId, u64)>,
    /// Where it stands in the order of the group.
    pub(crate) place: Option<(ViewId, u64)>,
    length: usize,
}

/// All messages.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    all: Vec<Message>,
    /// Those too short for their number, by content.
    short: BTreeMap<Vec<u8>, Uid>,
    at: BTreeMap<(ViewId, u64), Uid>,
}

const WORD: usize = 8;

impl Messages {
    pub(super) fn compose(
        &mut self,
        from: LifeId,
        length: usize,
        (guarantee, lane): (Guarantee, Lane),
        after: Option<(ViewId, u64)>,
    ) -> Uid {
        let uid = self.all.len();
        let short = (uid as u64).to_le_bytes()[..length.min(WORD)].to_vec();
        let is_free = length < WORD && !self.short.contains_key(&short);
        if is_free {
            self.short.insert(short, uid);
        }
        let length = if is_free { length } else { length.max(WORD) };
        self.all.push(Message { from, index: None, guarantee, lane, after, place: None, length });
        uid
    }

    pub(crate) fn get(&self, uid: Uid) -> &Message {
        &self.all[uid]
    }

    /// The content of a message.
    pub(crate) fn content(&self, uid: Uid) -> Vec<u8> {
        let length = self.all[uid].length;
        let words = (0..length.div_ceil(WORD) as u64).map(|place| word(uid, place));
        let mut content: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        content.truncate(length);
        content
    }

    pub(super) fn place_among_sent(&mut self, uid: Uid, index: usize) {
        self.all[uid].index = Some(index);
    }

    /// Which message this is.
    ///
    /// # Errors
    /// If it is none that was sent, or one that was changed.
    pub(super) fn recognise(&self, bytes: &[u8]) -> Result<(Uid, &Message), String> {
        let uid = match bytes.first_chunk::<WORD>() {
            Some(head) => u64::from_le_bytes(*head) as usize,
            None => *self.short.get(bytes).ok_or("integrity: a message nobody sent")?,
        };
        let message = self.all.get(uid).ok_or("integrity: a message nobody sent")?;
        let same = message.length == bytes.len()
            && bytes
                .chunks(WORD)
                .zip(0..)
                .all(|(piece, place)| piece == &word(uid, place).to_le_bytes()[..piece.len()]);
        if same { Ok((uid, message)) } else { Err(format!("integrity: #{uid} was changed")) }
    }

    /// The message was delivered at a place in the order.
    ///
    /// # Errors
    /// If it stands elsewhere elsewhere, or another one stands here.
    pub(super) fn place(&mut self, uid: Uid, place: (ViewId, u64)) -> Result<(), String> {
        let other = *self.at.entry(place).or_insert(uid);
        if other != uid {
            let (view, number) = place;
            return Err(format!("order: #{other} and #{uid} are both {number} of view {view}"));
        }
        match self.all[uid].place.replace(place) {
            Some(other) if other != place => {
                Err(format!("order: #{uid} is at {other:?} and at {place:?}"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

/// The words of a message; the first is its number.
fn word(uid: Uid, place: u64) -> u64 {
    (uid as u64).wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
