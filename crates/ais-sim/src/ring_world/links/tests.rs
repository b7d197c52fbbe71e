//! The checkers of this world let a network without faults pass.

use super::*;

#[test]
fn a_network_without_faults_passes() {
    for seed in 0..8 {
        if let Err(violation) = play(seed, Trace(false), false) {
            panic!("{violation:?}");
        }
    }
}
