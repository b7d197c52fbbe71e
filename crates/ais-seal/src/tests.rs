//! Guards that meet, those that strangers and recordings meet, and keys that change.

use crate::peers::{EXPIRES, SECOND};
use crate::{Guard, Key, KeyId, Keys, OVERHEAD, Opened, Refused};
use ais_wire::NodeId;

fn node(host: u8) -> NodeId {
    NodeId::new([10, 0, 0, host].into())
}

fn keys(ids: &[u32]) -> Keys {
    let text: Vec<_> =
        ids.iter().map(|id| Key::new(KeyId(*id), [*id as u8; 32]).to_line()).collect();
    Keys::parse(&text.iter().map(|line| format!("{}\n", **line)).collect::<String>()).unwrap()
}

/// Daemons of hosts 1, 2 and so on, and all that they have sent each other.
struct Net {
    now: u64,
    guards: Vec<Guard>,
    /// Each datagram, with its sender and its receiver.
    sent: Vec<(u8, Option<NodeId>, Vec<u8>)>,
    starts: u8,
}

impl Net {
    fn of(hosts: u8) -> Self {
        let mut net = Self { now: SECOND, guards: Vec::new(), sent: Vec::new(), starts: 0 };
        (0..hosts).for_each(|_| net.guards.push(Guard::clear(node(0))));
        (1..=hosts).for_each(|host| net.start(host, &[1]));
        net
    }

    fn start(&mut self, host: u8, ids: &[u32]) {
        self.starts += 1;
        let guard = Guard::new(node(host), keys(ids), [self.starts; 32], true);
        *self.guard(host) = guard;
    }

    fn guard(&mut self, host: u8) -> &mut Guard {
        &mut self.guards[usize::from(host) - 1]
    }

    /// What each other host has of a packet that a host sends to all, in order.
    fn send(&mut self, host: u8, packet: &[u8]) -> Vec<Result<Vec<u8>, Option<Refused>>> {
        let datagram = self.guard(host).seal(None, false, packet).unwrap();
        self.carry(host, None, datagram)
    }

    /// A datagram comes where it is sent, and what that brings about, and so on.
    fn carry(
        &mut self,
        from: u8,
        to: Option<NodeId>,
        datagram: Vec<u8>,
    ) -> Vec<Result<Vec<u8>, Option<Refused>>> {
        self.sent.push((from, to, datagram.clone()));
        let all = 1..=self.guards.len() as u8;
        let hears = |host: &u8| *host != from && to.is_none_or(|to| to == node(*host));
        let got = all.filter(hears).map(|host| self.hear(from, host, &datagram)).collect();
        self.settle();
        got
    }

    fn hear(&mut self, from: u8, to: u8, datagram: &[u8]) -> Result<Vec<u8>, Option<Refused>> {
        let now = self.now;
        match self.guard(to).open(now, node(from), datagram) {
            Opened::Packet(packet) => Ok(packet.to_vec()),
            Opened::Taken => Err(None),
            Opened::Refused(why) => Err(Some(why)),
        }
    }

    /// Carries what the guards send until they are done.
    fn settle(&mut self) {
        for host in 1..=self.guards.len() as u8 {
            while let Some((to, datagram)) = self.guard(host).poll() {
                self.carry(host, to, datagram);
            }
        }
    }

    /// All hosts have sent something to all, and have met.
    fn meet(&mut self) {
        (1..=self.guards.len() as u8).for_each(|host| drop(self.send(host, b"hello")));
    }

    fn pass(&mut self, time: u64) {
        let end = self.now + time;
        while self.now < end {
            self.now += SECOND;
            let now = self.now;
            self.guards.iter_mut().for_each(|guard| guard.look(now));
            self.settle();
        }
    }
}

#[test]
fn nodes_that_have_met_get_each_packet_once() {
    let mut net = Net::of(3);
    assert_eq!(net.send(1, b"a"), vec![Err(Some(Refused::Unproven { is_silent: false })); 2]);
    net.meet();
    for (host, packet) in [(1, &b"b"[..]), (2, b"c"), (3, b""), (1, b"b")] {
        assert_eq!(net.send(host, packet), vec![Ok(packet.to_vec()); 2]);
    }
    let (from, to, last) = net.sent.last().cloned().unwrap();
    assert_eq!(last.len(), OVERHEAD + 1);
    assert_eq!(net.carry(from, to, last), vec![Err(Some(Refused::Replayed)); 2]);
    assert_eq!(net.guard(1).peers().count(), 2);
}

#[test]
fn nothing_is_sent_in_clear_and_no_two_datagrams_are_alike() {
    let mut net = Net::of(2);
    net.meet();
    let secret = b"a text that is long enough to be found";
    (0..100).for_each(|_| drop(net.send(1, secret)));
    let mut seen = std::collections::BTreeSet::new();
    for (_, _, datagram) in &net.sent {
        assert!(!datagram.windows(8).any(|part| secret.windows(8).any(|of| of == part)));
        assert!(seen.insert(datagram[crate::header::HEADER..].to_vec()));
    }
}

#[test]
fn a_datagram_is_for_whom_it_was_sent_to_by_whom_it_was_sent() {
    let mut net = Net::of(3);
    net.meet();
    let datagram = net.guard(1).seal(Some(node(2)), false, b"token").unwrap();
    let forged = Err(Some(Refused::Forged(KeyId(1))));
    assert_eq!(net.hear(1, 3, &datagram), forged, "another receiver");
    assert_eq!(net.hear(3, 2, &datagram), forged, "another sender");
    assert_eq!(net.hear(1, 1, &datagram), Err(Some(Refused::Own)));
    assert_eq!(net.hear(1, 2, &datagram), Ok(b"token".to_vec()));
}

#[test]
fn what_was_altered_or_cut_is_refused() {
    let mut net = Net::of(2);
    net.meet();
    for (to, kind) in [(None, false), (Some(node(2)), true)] {
        let datagram = net.guard(1).seal(to, kind, b"a packet").unwrap();
        for bit in 0..datagram.len() * 8 {
            let mut altered = datagram.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(net.hear(1, 2, &altered), Err(Some(_))), "bit {bit}");
        }
        for length in 0..datagram.len() {
            assert!(matches!(net.hear(1, 2, &datagram[..length]), Err(Some(_))), "{length}");
        }
        let longer = [&datagram[..], &[0]].concat();
        assert!(matches!(net.hear(1, 2, &longer), Err(Some(_))));
        assert_eq!(net.hear(1, 2, &datagram), Ok(b"a packet".to_vec()), "nothing of it counted");
    }
    net.settle();
    assert_eq!(net.send(1, b"on"), vec![Ok(b"on".to_vec())]);
}

/// Somebody has recorded all from the first start on and plays it back at every later time.
#[test]
fn a_recording_of_earlier_starts_does_nothing() {
    let mut net = Net::of(3);
    net.meet();
    net.send(1, b"leave");
    let recorded = net.sent.clone();
    let play = |net: &mut Net| {
        for (from, to, datagram) in &recorded {
            for got in net.carry(*from, *to, datagram.clone()) {
                assert!(got.is_err(), "{got:?}");
            }
        }
        assert_eq!(net.guard(1).peers().count(), net.guard(3).peers().count());
    };
    play(&mut net);
    (1..=3).for_each(|host| net.start(host, &[1]));
    play(&mut net);
    assert_eq!(net.guard(1).peers().count(), 0, "nobody has shown that it runs");
    net.meet();
    play(&mut net);
    assert_eq!(net.guard(1).peers().count(), 2);
    assert_eq!(net.send(2, b"on"), vec![Ok(b"on".to_vec()); 2]);
}

#[test]
fn what_was_held_back_for_long_is_refused() {
    let mut net = Net::of(2);
    net.meet();
    let held_back = net.guard(1).seal(None, false, b"join").unwrap();
    net.now += EXPIRES / 2;
    assert_eq!(net.hear(1, 2, &held_back), Ok(b"join".to_vec()), "not for long");
    let held_back = net.guard(1).seal(None, false, b"join").unwrap();
    net.now += EXPIRES + 1;
    let now = net.now;
    net.guard(2).look(now);
    assert_eq!(net.hear(1, 2, &held_back), Err(Some(Refused::Unproven { is_silent: false })));
}

#[test]
fn nodes_that_have_nothing_to_say_stay_known() {
    let mut net = Net::of(3);
    net.meet();
    net.sent.clear();
    net.pass(10 * EXPIRES);
    assert_eq!(net.send(1, b"a"), vec![Ok(b"a".to_vec()); 2]);
    let rate = net.sent.len() as u64 * 3 * SECOND / (10 * EXPIRES);
    assert!(rate <= 1, "{} datagrams", net.sent.len());
}

#[test]
fn a_machine_that_is_set_back_seals_nothing_twice_alike() {
    let seal = |random: u8, text: &[u8]| {
        let mut guard = Guard::new(node(1), keys(&[1]), [7; 32], true);
        guard.refresh([random; 32]);
        guard.seal(None, false, text).unwrap()
    };
    let (one, other) = (seal(1, b"frame"), seal(2, b"other"));
    let nonce = 28..40;
    assert_ne!(one[nonce.clone()], other[nonce]);
}

#[test]
fn who_has_no_key_or_another_one_is_named() {
    let mut net = Net::of(3);
    net.start(2, &[2]);
    *net.guard(3) = Guard::clear(node(3));
    assert_eq!(
        net.send(1, b"a"),
        [Err(Some(Refused::UnknownKey(KeyId(1)))), Err(Some(Refused::Sealed(KeyId(1))))]
    );
    assert_eq!(net.guard(3).seal(None, false, b"a"), None);
    assert_eq!(net.hear(3, 1, b"AISR in clear"), Err(Some(Refused::Clear)));
    assert_eq!(net.hear(1, 3, b"AISR in clear"), Ok(b"AISR in clear".to_vec()));
    // The name of a key says nothing of its secret.
    let other = Keys::one(Key::new(KeyId(1), [9; 32]));
    *net.guard(2) = Guard::new(node(2), other, [1; 32], true);
    let datagram = net.guard(2).seal(None, true, b"a").unwrap();
    assert_eq!(net.hear(2, 1, &datagram), Err(Some(Refused::Forged(KeyId(1)))));
    assert_eq!(net.guard(1).peers().count(), 0);
}

#[test]
fn one_that_is_heard_and_does_not_answer_is_told_of() {
    let mut net = Net::of(2);
    let mut hear = |at: u64| {
        net.now = at;
        let datagram = net.guard(1).seal(None, true, b"hello").unwrap();
        net.hear(1, 2, &datagram)
    };
    assert_eq!(hear(SECOND), Err(Some(Refused::Unproven { is_silent: false })));
    assert_eq!(hear(2 * SECOND), Err(Some(Refused::Unproven { is_silent: false })));
    assert_eq!(hear(4 * SECOND), Err(Some(Refused::Unproven { is_silent: true })));
}

/// Greetings of many starts of a node, such as a recording has them.
#[test]
fn challenges_are_bounded() {
    let mut net = Net::of(2);
    let mut sent = 0;
    for start in 0..3000u32 {
        let mut random = [0; 32];
        random[..4].copy_from_slice(&start.to_le_bytes());
        let mut old = Guard::new(node(1), keys(&[1]), random, true);
        let datagram = old.seal(None, true, b"hello").unwrap();
        assert!(net.hear(1, 2, &datagram).is_err());
        sent += usize::from(net.guard(2).poll().is_some());
    }
    assert_eq!(sent, 2000);
    net.pass(SECOND);
    net.meet();
    assert_eq!(net.send(1, b"on"), vec![Ok(b"on".to_vec())]);
}

/// A challenge of an earlier start, played again and again, keeps nobody from asking those
/// that are there.
#[test]
fn who_is_known_stays_known_in_a_flood_of_recordings() {
    let mut net = Net::of(2);
    net.meet();
    let mut old = Guard::new(node(1), keys(&[1]), [9; 32], true);
    let hello = net.guard(2).seal(None, true, b"hello").unwrap();
    let _ = old.open(SECOND, node(2), &hello);
    let (_, challenge) = old.poll().unwrap();
    net.pass(SECOND);
    for _ in 0..EXPIRES / SECOND + 5 {
        let mut answers = 0;
        for _ in 0..2100 {
            assert_eq!(net.hear(1, 2, &challenge), Err(None));
            answers += usize::from(net.guard(2).poll().is_some());
        }
        assert_eq!(answers, 2000);
        net.pass(SECOND);
    }
    assert_eq!(net.send(1, b"on"), vec![Ok(b"on".to_vec())]);
}

#[test]
fn keys_change_without_a_packet_lost() {
    let mut net = Net::of(3);
    net.meet();
    for ids in [&[1][..], &[1, 2], &[2, 1], &[2]] {
        for host in 1..=3 {
            net.guard(host).use_keys(keys(ids));
            net.settle();
            for sender in 1..=3 {
                assert_eq!(net.send(sender, b"on"), vec![Ok(b"on".to_vec()); 2], "{ids:?}");
            }
            let uses: Vec<_> = net.guard(1).peers().map(|peer| (peer.uses, peer.accepts)).collect();
            if host == 3 {
                let accepts: Vec<_> = ids.iter().copied().map(KeyId).collect();
                assert_eq!(uses, vec![(KeyId(ids[0]), accepts); 2]);
            }
        }
    }
    let old = Keys::one(Key::new(KeyId(1), [1; 32]));
    let mut stranger = Guard::new(node(3), old, [3; 32], true);
    let datagram = stranger.seal(None, false, b"a").unwrap();
    assert_eq!(net.hear(3, 1, &datagram), Err(Some(Refused::UnknownKey(KeyId(1)))));
}

#[test]
fn aes_is_used_while_all_have_it() {
    let mut net = Net::of(2);
    net.meet();
    let cipher = |net: &mut Net| {
        net.send(1, b"a");
        net.sent.last().unwrap().2[5]
    };
    assert_eq!(cipher(&mut net), 1);
    net.guards.push(Guard::new(node(3), keys(&[1]), [9; 32], false));
    net.meet();
    assert_eq!(cipher(&mut net), 2);
    assert_eq!(net.send(3, b"b"), vec![Ok(b"b".to_vec()); 2]);
    net.guards.pop();
    net.pass(2 * EXPIRES);
    assert_eq!(cipher(&mut net), 1, "it is gone");
}

/// A cloned machine is told from this one.
#[test]
fn another_machine_with_the_own_address_is_heard() {
    let mut one = Guard::new(node(1), keys(&[1]), [1; 32], true);
    let mut other = Guard::new(node(1), keys(&[1]), [2; 32], true);
    let hello = other.seal(None, true, b"hello").unwrap();
    assert_eq!(
        one.open(SECOND, node(1), &hello),
        Opened::Refused(Refused::Unproven { is_silent: false })
    );
    for _ in 0..2 {
        for (from, to) in [(true, false), (false, true)] {
            let _ = to;
            let (sender, receiver) =
                if from { (&mut one, &mut other) } else { (&mut other, &mut one) };
            while let Some((to, datagram)) = sender.poll() {
                assert_eq!(to, None, "what is sent to the own address comes back");
                assert_eq!(receiver.open(SECOND, node(1), &datagram), Opened::Taken);
            }
        }
    }
    let hello = other.seal(None, true, b"hello").unwrap();
    assert_eq!(one.open(SECOND, node(1), &hello), Opened::Packet(b"hello"));
}
