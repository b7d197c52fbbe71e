//! Packets survive a round trip, and nothing else is read as one.

mod forged;
mod rules;
mod samples;

use super::*;
use crate::Setting;
use crate::random::Random;
use ais_wire::Name;
use samples::random_packet;

const ME: u8 = 2;
const SENDER: u8 = 1;
const SAMPLES: u64 = 300;

fn node(host: u8) -> NodeId {
    NodeId::new([10, 0, 0, host].into())
}

fn codec(host: u8, cluster: &str) -> Codec {
    Codec::new(node(host), &Name::try_from(cluster).unwrap(), &[])
}

fn view(number: u64) -> ViewId {
    ViewId { number, representative: node(SENDER) }
}

fn decode(datagram: &[u8]) -> Result<Packet, Dropped> {
    codec(ME, "c").decode(node(SENDER), datagram).map(|(packet, _)| packet)
}

/// Sends a packet that need not be sane, as its sender would in a release.
fn receive(packet: &Packet) -> Result<Packet, Dropped> {
    decode(&codec(SENDER, "c").write(packet))
}

#[test]
fn packets_are_the_same_after_a_round_trip() {
    for seed in 0..SAMPLES {
        let packet = random_packet(seed);
        assert_eq!(decode(&codec(SENDER, "c").encode(&packet)), Ok(packet), "seed {seed}");
    }
}

#[test]
fn a_packet_that_is_cut_or_goes_on_is_refused() {
    for seed in 0..60 {
        let packet = random_packet(seed);
        let datagram = codec(SENDER, "c").encode(&packet);
        for length in 0..datagram.len() {
            assert!(decode(&datagram[..length]).is_err(), "seed {seed} length {length}");
        }
        let mut longer = datagram.to_vec();
        longer.push(0);
        assert_eq!(decode(&longer), Err(Dropped::Checksum), "seed {seed}");
    }
}

/// The checksum is right, so that it is the reading that notices.
#[test]
fn a_body_that_is_cut_or_goes_on_is_refused() {
    for seed in 0..60 {
        let packet = random_packet(seed);
        let codec = codec(SENDER, "c");
        let datagram = codec.encode(&packet);
        let (kind, body) = (datagram[6], &datagram[seal::HEADER..]);
        let seal = |body: &[u8]| {
            codec.seal(kind, body.len(), |out| {
                out.raw(body);
            })
        };
        assert_eq!(seal(body), datagram);
        // What a HELLO is filled up with shows how long it is.
        let is_filled = matches!(packet, Packet::Hello(_));
        if !matches!(packet, Packet::Data(_)) {
            let mut longer = body.to_vec();
            longer.push(u8::from(is_filled));
            assert_eq!(decode(&seal(&longer)), Err(Dropped::Malformed), "seed {seed}");
        }
        for length in 0..body.len() {
            let cut = decode(&seal(&body[..length]));
            match (&packet, cut) {
                (_, Err(reason)) => assert_eq!(reason, Dropped::Malformed),
                // The chunks of a frame say themselves where they end.
                (Packet::Data(_), Ok(_)) => {}
                (Packet::Hello(hello), Ok(Packet::Hello(cut))) => {
                    assert_eq!(usize::from(cut.reach.length), seal::HEADER + length);
                    assert_eq!(Hello { reach: hello.reach, ..cut }, *hello);
                }
                (_, Ok(cut)) => panic!("seed {seed} length {length}: {cut:?}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for seed in 0..12 {
        let datagram = codec(SENDER, "c").encode(&random_packet(seed));
        for bit in 0..datagram.len() * 8 {
            let mut flipped = datagram.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let reason = decode(&flipped).expect_err("a packet with a flipped bit");
            match bit / 8 {
                0..4 => assert_eq!(reason, Dropped::Foreign),
                _ => assert_eq!(reason, Dropped::Checksum, "bit {bit}"),
            }
        }
    }
}

#[test]
fn packets_of_others_are_told_apart() {
    let packet = random_packet(0);
    let datagram = codec(SENDER, "c").encode(&packet);
    assert_eq!(codec(ME, "d").decode(node(SENDER), &datagram), Err(Dropped::OtherCluster));
    assert_eq!(codec(ME, "c").decode(node(3), &datagram), Err(Dropped::WrongSender));
    assert_eq!(codec(SENDER, "c").decode(node(SENDER), &datagram), Err(Dropped::Own));
    assert_eq!(codec(SENDER, "c").decode(node(3), &datagram), Err(Dropped::WrongSender));
    assert_eq!(decode(b""), Err(Dropped::Foreign));
    assert_eq!(decode(b"AISR"), Err(Dropped::Malformed));
    assert_eq!(decode(b"AISR\x02"), Err(Dropped::Malformed));
    assert_eq!(decode(&codec(SENDER, "c").seal(0, 0, |_| ())), Err(Dropped::Malformed));
}

/// The start of the header is the same in every major version.
#[test]
fn another_version_is_told_from_a_damaged_version() {
    let mut other = b"AISR\x02\x00\x09....and a layout that nobody knows here".to_vec();
    assert_eq!(decode(&other), Err(Dropped::Checksum));
    seal::put_checksum(&mut other);
    assert_eq!(decode(&other), Err(Dropped::Version(2)));
    let mut shortest = b"AISR\x02\x00\x09....".to_vec();
    seal::put_checksum(&mut shortest);
    assert_eq!(decode(&shortest), Err(Dropped::Version(2)));
}

#[test]
fn drops_are_counted_by_reason() {
    let mut counters = DropCounters::default();
    counters.count(Dropped::Version(7));
    counters.count(Dropped::Version(8));
    counters.count(Dropped::Malformed);
    let counted: Vec<_> = counters.iter().filter(|&(_, count)| count > 0).collect();
    assert_eq!(counted, [("dropped-version", 2), ("dropped-malformed", 1)]);
}

/// A newer minor version may append to what nodes say before they know each
/// other, and to nothing else.
#[test]
fn a_newer_minor_version_may_append_to_join_and_hello() {
    for seed in 0..6 {
        let packet = random_packet(seed * 7 + 1);
        let datagram = codec(SENDER, "c").encode(&packet);
        let mut newer = datagram.to_vec();
        newer[5] = MINOR + 1;
        newer.extend(b"new");
        seal::put_checksum(&mut newer);
        match (packet, decode(&newer)) {
            (packet @ Packet::Join(_), read) => assert_eq!(read, Ok(packet)),
            (Packet::Hello(mut hello), read) => {
                hello.reach.length += 3;
                assert_eq!(read, Ok(Packet::Hello(hello)));
            }
            (Packet::Data(_), read) => assert!(read.is_ok()),
            (_, read) => assert_eq!(read, Err(Dropped::Malformed)),
        }
    }
}

/// What nodes tell of themselves comes with JOIN and HELLO, and an older
/// minor version, which tells nothing, is read as before.
#[test]
fn what_a_node_tells_of_itself_travels_with_join_and_hello() {
    let name = |text: &str| Name::try_from(text).unwrap();
    let settings = [Setting { key: name("token"), value: name("1000") }];
    let mut teller = Codec::new(node(SENDER), &name("c"), &settings).with_incarnation(77);
    teller.tell_twice(&[node(7), node(9)]);
    for seed in 0..60 {
        let packet = random_packet(seed);
        let read = codec(ME, "c").decode(node(SENDER), &teller.encode(&packet));
        let greets = matches!(packet, Packet::Join(_) | Packet::Hello(_));
        let twice = vec![node(7), node(9)];
        let told =
            Introduction { minor: MINOR, settings: settings.to_vec(), incarnation: 77, twice };
        assert_eq!(read, Ok((packet.clone(), greets.then_some(told))), "seed {seed}");
        if greets {
            let (packet, older) = as_older(packet);
            let read = codec(ME, "c").decode(node(SENDER), &older);
            assert_eq!(read, Ok((packet, Some(Introduction::default()))), "seed {seed}");
        }
    }
}

/// A packet as minor version 0 writes it, without all that ends JOIN and HELLO
/// now, and with the minor version with which JOIN began; and how it is read.
fn as_older(mut packet: Packet) -> (Packet, Vec<u8>) {
    let mut more = 4 + 8 + 4;
    match &mut packet {
        Packet::Hello(hello) => {
            hello.reach.length = 0;
            more += 5;
        }
        Packet::Join(join) => {
            join.careful = false;
            more += 1;
        }
        _ => {}
    }
    let mut older = codec(SENDER, "c").encode(&packet).to_vec();
    older[5] = 0;
    older.truncate(older.len() - more);
    if let Packet::Join(_) = packet {
        older.insert(seal::HEADER, 0);
    }
    seal::put_checksum(&mut older);
    if let Packet::Hello(hello) = &mut packet {
        hello.reach = Reach { length: older.len() as u16, ..Reach::default() };
    }
    (packet, older)
}

/// A frame that fills its capacity fits the mtu, recovered or not.
#[test]
fn frames_fit_the_mtu() {
    const MTU: usize = 1472;
    let chunks: Bytes = vec![7; chunk_capacity(MTU)].into();
    let new = Payload::New { from: node(3), chunks: chunks.clone() };
    let old = Payload::Recovered { ring: view(1), seq: 9, from: node(3), chunks };
    let lengths = [new, old].map(|payload| {
        let data = Data { ring: view(2), seq: 1, asks: false, payload };
        codec(SENDER, "c").encode_data(&data).len()
    });
    assert!(lengths[0] < MTU);
    assert_eq!(lengths[1], MTU);
    assert_eq!(chunk_capacity(0), 0);
}

/// Bytes that no fuzzer has chosen; the real one is in `fuzz/`.
#[test]
fn noise_is_dropped() {
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let length = random.below(400);
        let mut noise = random.bytes(length);
        crate::fuzz::packets(&noise);
        // A kind and a length that fit, and then a real body with some noise.
        let datagram = codec(SENDER, "c").encode(&random_packet(seed));
        noise.truncate(3);
        let body = &datagram[seal::HEADER..];
        let mut packet = vec![datagram[6]];
        packet.extend((body.len() as u16).to_le_bytes());
        packet.extend(body);
        for _ in 0..random.below(3) {
            let place = random.below(packet.len() - 3) + 3;
            packet[place] = random.next() as u8;
        }
        packet.extend(noise);
        crate::fuzz::packets(&packet);
    }
}
