//! A few seeds in every test run; `make sim` runs as many as one likes.

use crate::run;

#[test]
fn seeds_hold() {
    for seed in 0..50 {
        if let Err(violation) = run(seed, false) {
            panic!("{violation:?}: replay with `make sim SEED={seed}`");
        }
    }
}

#[test]
fn a_seed_replays() {
    assert_eq!(run(7, false), run(7, false));
    assert_ne!(run(7, false), run(8, false));
}
