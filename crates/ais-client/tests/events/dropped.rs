//! What handles tell when a connection is gone, or the executive.

use super::{PATIENCE, ckpt, clm};
use ais_client::amf::Amf;
use ais_client::ckpt::Ckpt;
use ais_client::clm::{Callbacks, Change};
use ais_client::dispatch::{Flags, Step, Turn};
use ais_client::{AisError, TrackFlags, amf};
use ais_fake::{Daemon, in_own_process};
use ais_proto::{Request, event_frame};
use std::sync::{Arc, mpsc};
use std::thread;

/// Takes all that comes until the handle ends; tells how many events came.
fn take_all(clm: &clm::Words) -> Result<usize, AisError> {
    let (mut turn, mut count) = (Turn::new(Flags::Blocking), 0);
    loop {
        match clm.step(&mut turn, |_| ())? {
            Step::Call(()) => count += 1,
            Step::Wait => clm.wait(PATIENCE)?,
            Step::Done => return Ok(count),
        }
    }
}

/// A thread that takes all that comes, once it runs.
fn taker(clm: &Arc<clm::Words>) -> thread::JoinHandle<Result<usize, AisError>> {
    let (started, start) = mpsc::channel();
    let clm = Arc::clone(clm);
    let taker = thread::spawn(move || {
        started.send(()).unwrap();
        take_all(&clm)
    });
    start.recv().unwrap();
    taker
}

fn answer(peer: &Arc<ais_fake::Peer>, id: u32, request: Request<'_>) {
    match request {
        Request::Ckpt(_) => ckpt::answer(peer, id, request),
        _ => clm::answer(peer, id, request),
    }
}

#[test]
fn the_end_of_the_executive_ends_what_was_opened_and_nothing_else() {
    const NAME: &str = "dropped::the_end_of_the_executive_ends_what_was_opened_and_nothing_else";
    in_own_process(NAME, &[], || {
        let daemon = Daemon::start(answer);
        let clm = Arc::new(clm::Words::open(Callbacks::TRACK).unwrap());
        let amf = Amf::<()>::open(amf::Callbacks::empty()).unwrap();
        let old = Ckpt::new(ais_client::ckpt::Callbacks::all()).unwrap();
        old.open_async(1, &ckpt::open("state")).unwrap();
        let checkpoint = ckpt::arrived(&old);
        let taker = taker(&clm);
        drop(daemon);
        assert_eq!(taker.join().unwrap(), Err(AisError::Library));
        // What waits is woken, and told.
        let waits = [clm.wait(PATIENCE), amf.wait(PATIENCE), old.wait(PATIENCE)];
        assert_eq!(waits, [Ok(()); 3]);
        assert_eq!(clm::told(&clm, Flags::All), Err(AisError::Library));
        assert!(matches!(amf.step(&mut Turn::new(Flags::One), |_| ()), Err(AisError::Library)));
        assert!(matches!(ckpt::told(&old), Err(AisError::Library)));
        assert_eq!(clm.track_stop(), Err(AisError::Library));
        assert_eq!(clm::Words::open(Callbacks::TRACK).unwrap_err(), AisError::TryAgain);

        let _daemon = Daemon::start_as(*b"fedcba9876543210", answer);
        assert_eq!(clm.track_stop(), Err(AisError::Library));
        let clm = clm::Words::open(Callbacks::TRACK).unwrap();
        clm.track_start(TrackFlags::CURRENT, 64, "anew").unwrap();
        assert_eq!(clm::told(&clm, Flags::All).unwrap(), ["anew: node 1 NoChange, 3 in 40"]);
        // A checkpoint of the one that is gone is none of the new one.
        let new = Ckpt::new(ais_client::ckpt::Callbacks::all()).unwrap();
        assert_eq!(new.synchronize_async(2, &checkpoint), Err(AisError::Library));
        new.open_async(3, &ckpt::open("state")).unwrap();
        ckpt::arrived(&new);
    });
}

#[test]
fn a_handle_whose_connection_breaks_still_tells_what_had_arrived() {
    const NAME: &str = "dropped::a_handle_whose_connection_breaks_still_tells_what_had_arrived";
    in_own_process(NAME, &[], || {
        let daemon = Daemon::start(answer);
        let broken = clm::Words::open(Callbacks::TRACK).unwrap();
        let whole = clm::Words::open(Callbacks::TRACK).unwrap();
        for clm in [&broken, &whole] {
            clm.track_start(TrackFlags::CHANGES, 64, "changes").unwrap();
        }
        let peers = clm::handles(&daemon);
        for peer in &peers {
            clm::tell(peer, 1, 2, Change::Left);
        }
        peers[0].hang_up();
        for _ in 0..2 {
            assert_eq!(broken.track_stop(), Err(AisError::Library));
        }
        let left = ["changes: node 2 Left, 3 in 40"];
        for clm in [&broken, &whole] {
            assert_eq!(clm::told(clm, Flags::All).unwrap(), left);
        }
        assert_eq!(whole.track_stop(), Ok(()));
    });
}

#[test]
fn a_packet_that_makes_no_sense_is_the_last_one() {
    in_own_process("dropped::a_packet_that_makes_no_sense_is_the_last_one", &[], || {
        let daemon = Daemon::start(answer);
        let track = ais_proto::Code(0x0181);
        for (number, packet) in [
            b"short".to_vec(),
            b"longer than a header, but none".to_vec(),
            event_frame(track, 0, b"no event"),
            event_frame(ais_proto::Code(0x0281), 0, b""),
        ]
        .iter()
        .enumerate()
        {
            let clm = clm::Words::open(Callbacks::TRACK).unwrap();
            clm.track_start(TrackFlags::CURRENT, 64, "current").unwrap();
            let peer = &clm::handles(&daemon)[number];
            peer.packet(packet);
            clm::tell(peer, 1, 2, Change::Left);
            assert_eq!(clm::told(&clm, Flags::One).unwrap(), ["current: node 1 NoChange, 3 in 40"]);
            for _ in 0..2 {
                assert_eq!(clm::told(&clm, Flags::All), Err(AisError::Library));
            }
        }
    });
}

#[test]
fn a_handle_that_is_closed_wakes_whoever_waits_on_it() {
    in_own_process("dropped::a_handle_that_is_closed_wakes_whoever_waits_on_it", &[], || {
        let daemon = Daemon::start(answer);
        let clm = Arc::new(clm::Words::open(Callbacks::TRACK).unwrap());
        clm.track_start(TrackFlags::CHANGES, 64, "changes").unwrap();
        let takers = [taker(&clm), taker(&clm)];
        clm.close();
        for taker in takers {
            assert_eq!(taker.join().unwrap(), Ok(0));
        }
        assert_eq!(clm.track_stop(), Err(AisError::BadHandle));
        daemon.wait_ended(1);
    });
}
