//! What is packed at one end comes out at the other, in order and once.

use super::*;
use crate::packet::MAX_MEMBERS;
use crate::random::Random;
use crate::{Bytes, Guarantee, Lane};
use ais_wire::NodeId;
use std::collections::VecDeque;

const MAX_MESSAGE: usize = 5000;

fn node(host: u8) -> NodeId {
    NodeId::new([10, 0, 0, host].into())
}

fn message(index: u16, guarantee: Guarantee, bytes: &[u8]) -> Message {
    Message { index, guarantee, bytes: bytes.to_vec() }
}

fn queue_of(messages: &[(&[u8], Guarantee)]) -> SendQueue {
    let mut queue = SendQueue::new(MAX_MESSAGE);
    for (bytes, guarantee) in messages {
        queue.push(bytes.to_vec(), *guarantee, Lane::Ordinary).unwrap();
    }
    queue
}

fn chunk(flags: u8, bytes: &[u8]) -> Vec<u8> {
    let mut chunk = vec![flags];
    chunk.extend((bytes.len() as u16).to_le_bytes());
    chunk.extend(bytes);
    chunk
}

#[test]
fn small_messages_share_a_frame() {
    let (agreed, safe) = (Guarantee::Agreed, Guarantee::Safe);
    let mut queue = queue_of(&[(b"one", agreed), (b"", safe), (b"three", agreed)]);
    let frame = queue.next_frame(100).unwrap();
    assert_eq!(frame.len(), 3 * CHUNK_HEADER + 8);
    assert!(queue.is_empty());
    assert_eq!(queue.next_frame(100), None);
    assert!(needs_safe(&frame));
    assert_eq!(
        Assembly::new(MAX_MESSAGE).take(node(1), &frame),
        [message(0, agreed, b"one"), message(1, safe, b""), message(2, agreed, b"three")]
    );
}

/// Only the frame that ends a safe message waits for all members.
#[test]
fn a_long_message_takes_several_frames() {
    let mut queue = queue_of(&[(&[7; 20], Guarantee::Safe), (b"next", Guarantee::Agreed)]);
    let frames: Vec<Bytes> = std::iter::from_fn(|| queue.next_frame(13)).collect();
    let lengths: Vec<usize> = frames.iter().map(|frame| frame.len()).collect();
    assert_eq!(lengths, [13, 13, 7]);
    assert_eq!(
        frames.iter().map(|frame| needs_safe(frame)).collect::<Vec<_>>(),
        [false, true, false]
    );
    let mut assembly = Assembly::new(MAX_MESSAGE);
    assert_eq!(assembly.take(node(1), &frames[0]), []);
    let whole = message(0, Guarantee::Safe, &[7; 20]);
    assert_eq!(assembly.take(node(1), &frames[1]), [whole]);
    let next = message(0, Guarantee::Agreed, b"next");
    assert_eq!(assembly.take(node(1), &frames[2]), [next]);
}

#[test]
fn a_long_message_is_given_room_for_as_much_as_the_last_one() {
    let mut assembly = Assembly::new(MAX_MESSAGE);
    let mut capacity_of = |length| {
        let mut queue = queue_of(&[(&vec![7; length], Guarantee::Agreed)]);
        let frames = std::iter::from_fn(|| queue.next_frame(100));
        let messages: Vec<_> = frames.flat_map(|frame| assembly.take(node(1), &frame)).collect();
        assert_eq!(messages, [message(0, Guarantee::Agreed, &vec![7; length])]);
        messages[0].bytes.capacity()
    };
    capacity_of(4000);
    assert_eq!(capacity_of(4000), 4000, "its bytes are not moved");
    assert!(capacity_of(200) <= 300, "and what is short keeps no more than it needs");
}

#[test]
fn ordinary_messages_do_not_wait_for_bulk_nor_keep_it_waiting() {
    let mut queue = SendQueue::new(MAX_MESSAGE);
    let mut assembly = Assembly::new(MAX_MESSAGE);
    queue.push(vec![7; 300], Guarantee::Safe, Lane::Bulk).unwrap();
    assert!(!needs_safe(&queue.next_frame(100).unwrap()));
    let mut frames = Vec::new();
    queue.restart();
    for number in 0..40 {
        queue.push(vec![number; 10], Guarantee::Agreed, Lane::Ordinary).unwrap();
        frames.push(queue.next_frame(100).unwrap());
    }
    frames.extend(std::iter::from_fn(|| queue.next_frame(100)));
    let messages: Vec<_> = frames.iter().map(|frame| assembly.take(node(1), frame)).collect();
    let at = |length| messages.iter().position(|of| of.iter().any(|m| m.bytes.len() == length));
    assert!(at(10).is_some_and(|at| at < 2) && assembly.malformed() == 0, "{messages:?}");
    assert!(at(300).is_some_and(|at| (3..8).contains(&at)), "{messages:?}");
    let ordinary: Vec<_> = messages.iter().flatten().filter(|m| m.bytes.len() == 10).collect();
    assert!(ordinary.len() == 40 && ordinary.is_sorted_by_key(|message| message.bytes[0]));
}

/// A capacity in which nothing fits makes no frames, and no endless ones.
#[test]
fn no_room_makes_no_frame() {
    let mut queue = queue_of(&[(b"x", Guarantee::Agreed)]);
    for capacity in 0..=CHUNK_HEADER {
        assert_eq!(queue.next_frame(capacity), None);
    }
    assert!(queue.next_frame(CHUNK_HEADER + 1).is_some());
}

#[test]
fn a_full_queue_gives_the_message_back() {
    let long = vec![1; MAX_MESSAGE];
    let mut queue = SendQueue::new(MAX_MESSAGE);
    let too_long = vec![1; MAX_MESSAGE + 1];
    assert_eq!(
        queue.push(too_long.clone(), Guarantee::Agreed, Lane::Ordinary),
        Err(crate::QueueFull(too_long))
    );
    let mut pushed = 0;
    let back = loop {
        match queue.push(long.clone(), Guarantee::Agreed, Lane::Ordinary) {
            Ok(()) => pushed += 1,
            Err(crate::QueueFull(back)) => break back,
        }
    };
    assert_eq!(back, long);
    assert_eq!(pushed, (32 << 20) / (MAX_MESSAGE + 64));
    // A message makes room when its last fragment is taken.
    while queue.push(long.clone(), Guarantee::Agreed, Lane::Ordinary).is_err() {
        assert!(queue.next_frame(1000).is_some());
        pushed += 1;
    }
    assert_eq!(pushed, (32 << 20) / (MAX_MESSAGE + 64) + MAX_MESSAGE.div_ceil(1000 - CHUNK_HEADER));
}

#[test]
fn two_of_the_longest_messages_always_fit_and_empty_ones_are_bounded() {
    const LONG: usize = 40 << 20;
    let mut queue = SendQueue::new(LONG);
    assert!(queue.push(vec![0; LONG], Guarantee::Agreed, Lane::Ordinary).is_ok());
    assert!(queue.push(vec![0; LONG], Guarantee::Agreed, Lane::Ordinary).is_ok());
    assert!(queue.push(Vec::new(), Guarantee::Agreed, Lane::Ordinary).is_err());
    let mut queue = SendQueue::new(0);
    let pushed = (0..)
        .take_while(|_| queue.push(Vec::new(), Guarantee::Agreed, Lane::Ordinary).is_ok())
        .count();
    assert_eq!(pushed, (32 << 20) / 64);
}

#[test]
fn the_backlog_is_counted_in_frames() {
    let fill = || {
        let mut messages: Vec<(&[u8], Guarantee)> = vec![(b"small", Guarantee::Agreed)];
        messages.extend([(&[1; MAX_MESSAGE][..], Guarantee::Agreed); 50]);
        queue_of(&messages)
    };
    assert_eq!(queue_of(&[]).frames_waiting(100), 0);
    assert_eq!(queue_of(&[(b"small", Guarantee::Agreed)]).frames_waiting(100), 1);
    assert_eq!(fill().frames_waiting(0), 50 * 5003 + 8);
    for capacity in [10, 100, 1400, 60_000] {
        let mut queue = fill();
        let estimate = queue.frames_waiting(capacity);
        let frames = (0..).take_while(|_| queue.next_frame(capacity).is_some()).count() as u32;
        let error = estimate.abs_diff(frames);
        assert!(error <= frames / 50 + 1, "{estimate} for {frames} frames of {capacity}");
    }
}

/// What was sent in part starts again, what was sent whole does not.
#[test]
fn a_new_ring_starts_a_broken_message_again() {
    let long: Vec<u8> = (0..40).collect();
    let mut queue = queue_of(&[(b"before", Guarantee::Agreed), (&long, Guarantee::Safe)]);
    let mut old = Assembly::new(MAX_MESSAGE);
    let first = queue.next_frame(30).unwrap();
    assert_eq!(old.take(node(1), &first), [message(0, Guarantee::Agreed, b"before")]);
    queue.restart();
    queue.restart();
    old.reset();
    let mut new = Assembly::new(MAX_MESSAGE);
    let second = queue.next_frame(100).unwrap();
    let whole = [message(0, Guarantee::Safe, &long)];
    assert_eq!(old.take(node(1), &second), whole);
    assert_eq!(new.take(node(1), &second), whole);
    assert_eq!((old.malformed(), new.malformed()), (0, 0));
    assert!(queue.is_empty());
}

/// A broken message is left out, counted, and harms no other.
#[test]
fn messages_that_break_a_rule_are_left_out() {
    let whole = chunk(FIRST | LAST, b"whole");
    let expected = |index| vec![message(index, Guarantee::Agreed, b"whole")];
    let cases: [(&[u8], &[u8], u64); 4] = [
        // A message that goes on without a head.
        (LAST_ONLY, b"", 1),
        // A head where it should go on.
        (HEAD, HEAD, 1),
        // A message as long as it may be, and one too long.
        (HEAD, LONG_END, 0),
        (HEAD, LONGER_END, 1),
    ];
    for (number, (first, second, malformed)) in cases.into_iter().enumerate() {
        let mut assembly = Assembly::new(8);
        let mut frame = [first, second].concat();
        let before = Chunks::new(&frame).count() as u16;
        frame.extend(&whole);
        let mut messages = assembly.take(node(1), &frame);
        messages.retain(|message| message.bytes == b"whole");
        // An unfinished head is itself broken by the whole message after it.
        let unfinished = u64::from(second == HEAD);
        assert_eq!(messages, expected(before), "case {number}");
        assert_eq!(assembly.malformed(), malformed + unfinished, "case {number}");
        assert_eq!(assembly.take(node(1), &whole), expected(0), "case {number}");
    }
}

const LAST_ONLY: &[u8] = &[LAST, 1, 0, 9];
const HEAD: &[u8] = &[FIRST, 1, 0, 9];
const BULK_HEAD: &[u8] = &[BULK | FIRST, 1, 0, 9];
const LONG_END: &[u8] = &[LAST, 7, 0, 1, 2, 3, 4, 5, 6, 7];
const LONGER_END: &[u8] = &[LAST, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/// A frame that is no sequence of chunks is left out whole.
#[test]
fn a_frame_that_is_no_sequence_of_chunks_is_left_out() {
    let bad: [&[u8]; 8] = [
        &[],
        &[FIRST | LAST],
        &[FIRST | LAST, 2, 0, 1],
        &[16 | FIRST | LAST, 1, 0, 1],
        &[FIRST | SAFE, 1, 0, 1],
        &[FIRST, 0, 0],
        &[LAST, 0, 0],
        &[0, 0, 0],
    ];
    for bad in bad {
        let mut assembly = Assembly::new(MAX_MESSAGE);
        assembly.take(node(1), HEAD);
        assembly.take(node(2), HEAD);
        let mut frame = chunk(FIRST | LAST | SAFE, b"whole");
        if bad.is_empty() {
            frame.clear();
        }
        frame.extend(bad);
        assert!(!needs_safe(&frame), "{bad:?}");
        assert_eq!(assembly.take(node(1), &frame), [], "{bad:?}");
        assert_eq!(assembly.malformed(), 1);
        assert_eq!(assembly.take(node(1), LONG_END), [], "what it was in is broken");
        assert_eq!(assembly.take(node(2), LONG_END).len(), 1, "others are not");
    }
}

#[test]
fn what_was_begun_is_bounded_and_ends_with_the_ring() {
    let mut assembly = Assembly::new(MAX_MESSAGE);
    for host in 0..=MAX_MEMBERS as u8 {
        assembly.take(node(host), HEAD);
        assembly.take(node(host), BULK_HEAD);
    }
    assert_eq!(assembly.malformed(), 2);
    assert_eq!(assembly.take(node(0), LONG_END).len(), 1);
    assert_eq!(assembly.take(node(2), LONG_END).len(), 1);
    assembly.reset();
    assert_eq!(assembly.take(node(3), LONG_END), []);
    assert_eq!(assembly.malformed(), 3);
}

/// What was sent and is to arrive, in order.
type Sent = VecDeque<(Vec<u8>, Guarantee)>;

/// Senders of random messages, whose frames go into one order; now and then a
/// new ring is installed.
struct Exchange {
    random: Random,
    queues: Vec<SendQueue>,
    assembly: Assembly,
    /// By sender and lane.
    expected: Vec<[Sent; 2]>,
    delivered: usize,
}

/// Here messages of all lengths are in both lanes.
fn lane_of(length: usize) -> Lane {
    if length.is_multiple_of(2) { Lane::Ordinary } else { Lane::Bulk }
}

impl Exchange {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let senders = random.below(5) + 1;
        Self {
            random,
            queues: (0..senders).map(|_| SendQueue::new(MAX_MESSAGE)).collect(),
            assembly: Assembly::new(MAX_MESSAGE),
            expected: vec![Default::default(); senders],
            delivered: 0,
        }
    }

    fn send(&mut self) {
        let sender = self.random.below(self.queues.len());
        let most = [0, 3, 100, MAX_MESSAGE][self.random.below(4)];
        let length = self.random.below(most + 1);
        let bytes = self.random.bytes(length);
        let guarantee = [Guarantee::Agreed, Guarantee::Safe][self.random.below(2)];
        let lane = lane_of(length);
        self.expected[sender][lane as usize].push_back((bytes.clone(), guarantee));
        self.queues[sender].push(bytes, guarantee, lane).unwrap();
    }

    fn exchange(&mut self) {
        let sender = self.random.below(self.queues.len());
        let capacity = self.random.below(2000) + CHUNK_HEADER + 1;
        let Some(frame) = self.queues[sender].next_frame(capacity) else { return };
        assert!(frame.len() <= capacity);
        let messages = self.assembly.take(node(sender as u8), &frame);
        assert!(messages.is_sorted_by(|a, b| a.index < b.index));
        let has_safe = messages.iter().any(|message| message.guarantee == Guarantee::Safe);
        assert_eq!(needs_safe(&frame), has_safe);
        for message in messages {
            let lane = lane_of(message.bytes.len());
            let sent = self.expected[sender][lane as usize].pop_front();
            assert_eq!(Some((message.bytes, message.guarantee)), sent);
            self.delivered += 1;
        }
    }

    fn install(&mut self) {
        self.assembly.reset();
        self.queues.iter_mut().for_each(SendQueue::restart);
    }
}

#[test]
fn random_messages_arrive_once_and_in_the_order_of_their_lane() {
    for seed in 0..50 {
        let mut exchange = Exchange::new(seed);
        let mut sent = 0;
        for _ in 0..500 {
            match exchange.random.below(40) {
                0 => exchange.install(),
                1..12 => {
                    exchange.send();
                    sent += 1;
                }
                _ => exchange.exchange(),
            }
        }
        while exchange.queues.iter().any(|queue| !queue.is_empty()) {
            exchange.exchange();
        }
        assert_eq!(exchange.delivered, sent, "seed {seed}");
        assert_eq!(exchange.assembly.malformed(), 0, "seed {seed}");
    }
}

/// The longest message the configuration allows by default, in small frames.
#[test]
fn sixteen_mebibytes_go_through() {
    const LONG: usize = 16 << 20;
    let bytes: Vec<u8> = (0..LONG).map(|place| (place >> 8) as u8).collect();
    let mut queue = SendQueue::new(LONG);
    let mut assembly = Assembly::new(LONG);
    queue.push(bytes.clone(), Guarantee::Agreed, Lane::Ordinary).unwrap();
    let mut messages = Vec::new();
    while let Some(frame) = queue.next_frame(1400) {
        messages.extend(assembly.take(node(1), &frame));
    }
    assert_eq!(messages.len(), 1);
    assert!(messages[0].bytes == bytes);
}
