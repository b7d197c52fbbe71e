//! Runs many seeds: `ais-sim SEEDS [FIRST]`, on all cores.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| match arguments.next() {
        Some(text) => text.parse::<u64>().map_err(|_| text),
        None => Ok(default),
    };
    let (seeds, first) = match (number(100), number(0)) {
        (Ok(seeds), Ok(first)) => (seeds, first),
        (Err(text), _) | (_, Err(text)) => {
            eprintln!("ais-sim: {text} is not a number; usage: ais-sim [SEEDS [FIRST]]");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(first);
    let end = first.saturating_add(seeds);
    let failed = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    if let Err(violation) = ais_sim::run(seed) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!(
                            "seed {} step {}: {}; replay with make sim SEED={}",
                            violation.seed, violation.step, violation.what, violation.seed
                        );
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("sim: {} passed, {failed} failed", seeds - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
