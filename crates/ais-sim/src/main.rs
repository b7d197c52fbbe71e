//! Runs many seeds: `ais-sim SEEDS [FIRST] [WORLD] [trace]`, on all cores;
//! only one world of them, if it is named; with every step, if that is asked
//! for. `ais-sim latency` prints how long writers wait, and `ais-sim joining`
//! what a node that joins over a slow link costs them.

use ais_sim::{Choice, Counted, Violation, WORLDS};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Every so many-th seed runs twice, and has to do the same.
const TWICE: u64 = 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("latency") if arguments.len() == 1 => return print(ais_sim::latencies()),
        Some("joining") if arguments.len() == 1 => return print(ais_sim::joins()),
        _ => {}
    }
    let (mut numbers, mut choice) = (Vec::new(), Choice::default());
    for argument in &arguments {
        match argument.parse::<u64>() {
            Ok(number) => numbers.push(number),
            Err(_) if argument == "trace" => choice.trace = true,
            Err(_) => choice.world = WORLDS.into_iter().find(|world| world == argument),
        }
        if choice.world.is_none() && !choice.trace && numbers.is_empty() {
            let usage =
                "ais-sim [SEEDS [FIRST]] [WORLD] [trace], or ais-sim latency, or ais-sim joining";
            eprintln!("ais-sim: {argument}? usage: {usage}; WORLD is one of {WORLDS:?}");
            return ExitCode::from(2);
        }
    }
    if choice.trace {
        // Without it they would be dropped.
        let _ = log::set_logger(&Log);
        log::set_max_level(log::LevelFilter::Debug);
    }
    let seeds = numbers.first().copied().unwrap_or(100);
    let first = numbers.get(1).copied().unwrap_or(0);
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
                    match run(seed, choice) {
                        Ok(counted) => {
                            *all.lock().unwrap_or_else(PoisonError::into_inner) += counted;
                        }
                        Err(what) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            let only = choice.world.unwrap_or_default();
                            eprintln!("seed {seed}: {what}; replay: ais-sim 1 {seed} {only} trace");
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

fn print(table: Result<String, String>) -> ExitCode {
    match table {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("ais-sim: {what}");
            ExitCode::FAILURE
        }
    }
}

/// What the nodes say in their logs, between the steps.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{:>21}{}", "log: ", record.args());
    }

    fn flush(&self) {}
}

fn run(seed: u64, choice: Choice) -> Result<Counted, String> {
    let one = || match std::panic::catch_unwind(|| ais_sim::run(seed, choice)) {
        Ok(result) => {
            result.map_err(|Violation { world, at, what, .. }| format!("{world} at {at}: {what}"))
        }
        Err(_) => Err("a panic, see above".into()),
    };
    let (digest, counted) = one()?;
    if seed.is_multiple_of(TWICE) && !choice.trace && one()?.0 != digest {
        return Err("replay: the same seed gave something else the second time".into());
    }
    Ok(counted)
}
