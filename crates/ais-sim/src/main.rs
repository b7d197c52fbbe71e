//! Runs many seeds: `ais-sim SEEDS [FIRST]`, on all cores. One seed with
//! `trace` behind it tells every step.

use ais_sim::{Counted, Violation};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every so many-th seed runs twice, and has to do the same.
const TWICE: u64 = 16;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let trace = arguments.last().is_some_and(|last| last == "trace");
    if trace {
        arguments.pop();
    }
    let number = |place: usize, default| match arguments.get(place) {
        Some(text) => text.parse::<u64>().map_err(|_| text),
        None => Ok(default),
    };
    let (seeds, first) = match (number(0, 100), number(1, 0)) {
        (Ok(seeds), Ok(first)) => (seeds, first),
        (Err(text), _) | (_, Err(text)) => {
            eprintln!("ais-sim: {text} is not a number; usage: ais-sim [SEEDS [FIRST]] [trace]");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(first);
    let end = first.saturating_add(seeds);
    let failed = AtomicU64::new(0);
    let all = Mutex::new(Counted::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    match run(seed, trace) {
                        Ok(counted) => {
                            *all.lock().unwrap_or_else(PoisonError::into_inner) += counted;
                        }
                        Err(what) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            eprintln!("seed {seed}: {what}; replay with make sim SEED={seed}");
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    print!("{}", all.into_inner().unwrap_or_else(PoisonError::into_inner));
    println!("sim: {} passed, {failed} failed", seeds - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(seed: u64, trace: bool) -> Result<Counted, String> {
    let one = || match std::panic::catch_unwind(|| ais_sim::run(seed, trace)) {
        Ok(result) => {
            result.map_err(|Violation { world, at, what, .. }| format!("{world} at {at}: {what}"))
        }
        Err(_) => Err("a panic, see above".into()),
    };
    let (digest, counted) = one()?;
    if seed.is_multiple_of(TWICE) && !trace && one()?.0 != digest {
        return Err("replay: the same seed gave something else the second time".into());
    }
    Ok(counted)
}
