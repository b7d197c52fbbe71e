//! A few seeds in every test run; `make sim` runs as many as one likes.

use crate::{Choice, run};

const ALL: Choice = Choice { trace: false, world: None };

#[test]
fn seeds_hold() {
    for seed in 0..10 {
        if let Err(violation) = run(seed, ALL) {
            panic!("{violation:?}: replay with `make sim SEED={seed}`");
        }
    }
}

#[test]
fn a_seed_replays() {
    assert_eq!(run(7, ALL), run(7, ALL));
    assert_ne!(run(7, ALL), run(8, ALL));
}
