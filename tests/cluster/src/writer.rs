//! A program of a node, in a process of its own (`ais-cluster write`): counts up
//! in a section of a checkpoint, one write at a time, and tells in the end when
//! each began and when it was acknowledged. `ais-cluster held` reads the number
//! that a node has, `ais-cluster once` writes once.

use crate::components::now;
use ais_client::admin::Inspection;
use ais_client::ckpt::{Attributes, Checkpoint, Open, OpenFlags, UpdateOption, WriteElement};
use ais_client::{AisError, Name};
use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The checkpoint.
const NAME: &str = "conditions";
/// Sections, one for each writer.
const MOST_SECTIONS: u64 = 100;
/// Bytes of a section.
const MOST_BYTES: u32 = 64 << 10;
/// Bytes of the number, as text, with which a section begins.
const DIGITS: usize = 20;
/// A writer that cannot begin by then never will.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes so many bytes at a time, and so long after each other, until the
/// standard input ends; or as often as this. Says "counting" when the first is
/// acknowledged.
///
/// # Errors
/// Why it cannot go on.
pub(crate) fn write(section: &str, bytes: usize, gap: Duration, most: u64) -> Result<(), String> {
    let is_over = end_of_input();
    let start = Instant::now();
    let mut times = Vec::new();
    let mut counter = Counter { section, bytes, checkpoint: None, number: 0 };
    let mut acknowledged = 0;
    while !is_over.load(Ordering::Relaxed) && (times.len() as u64) < most {
        let began = now();
        if counter.count_up()? {
            times.push((began, now()));
            acknowledged = counter.number;
            if times.len() == 1 {
                println!("counting");
            }
            if !gap.is_zero() {
                sleep(gap);
            }
        } else if times.is_empty() && start.elapsed() > PATIENCE {
            return Err(format!("no write to '{section}' in {} s", PATIENCE.as_secs()));
        }
    }
    let mut text = format!("acknowledged {acknowledged}\n");
    for (began, ended) in times {
        let _ = writeln!(text, "{began} {ended}");
    }
    print!("{text}");
    Ok(())
}

/// Writes once, like a program that has just come.
///
/// # Errors
/// Why it cannot.
pub(crate) fn once(section: &str) -> Result<(), String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let start = Instant::now();
    let mut counter = Counter { section, bytes: DIGITS, checkpoint: None, number: 0 };
    while !counter.count_up()? {
        if start.elapsed() > PATIENCE {
            return Err(format!("no write to '{section}' in {} s", PATIENCE.as_secs()));
        }
    }
    Ok(())
}

/// Set when the standard input has ended.
fn end_of_input() -> Arc<AtomicBool> {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    std::thread::spawn(move || {
        // However it ends, nobody is there any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        over.store(true, Ordering::Relaxed);
    });
    is_over
}

struct Counter<'a> {
    section: &'a str,
    bytes: usize,
    /// If it is open.
    checkpoint: Option<Arc<Checkpoint>>,
    /// The last number that was tried; none is tried twice, as it may have been
    /// written.
    number: u64,
}

impl Counter<'_> {
    /// Writes the next number; false if that was not possible now, or nobody
    /// knows.
    fn count_up(&mut self) -> Result<bool, String> {
        match self.write_next() {
            Ok(()) => return Ok(true),
            Err(AisError::TryAgain) => sleep(PAUSE),
            Err(AisError::Timeout) => {}
            Err(AisError::Library | AisError::BadHandle) => {
                self.checkpoint = None;
                sleep(PAUSE);
            }
            Err(error) => return Err(format!("a write to '{}': {error}", self.section)),
        }
        Ok(false)
    }

    fn write_next(&mut self) -> Result<(), AisError> {
        let id = self.section.as_bytes();
        let checkpoint = match &self.checkpoint {
            Some(checkpoint) => checkpoint,
            None => self.checkpoint.insert(open(id)?),
        };
        self.number += 1;
        let mut data = format!("{:0DIGITS$}", self.number).into_bytes();
        data.resize(self.bytes.clamp(DIGITS, MOST_BYTES as usize), b'.');
        let element = WriteElement { id, offset: 0, data: &data };
        checkpoint.write(vec![element]).map_err(|failure| failure.error)
    }
}

/// Opens the checkpoint and sees to it that the section is there.
fn open(section: &[u8]) -> Result<Arc<Checkpoint>, AisError> {
    let attributes = Attributes {
        option: UpdateOption::AllReplicas,
        checkpoint_size: MOST_SECTIONS as u32 * MOST_BYTES,
        retention_duration: i64::MAX,
        max_sections: MOST_SECTIONS,
        max_section_size: MOST_BYTES,
        max_section_id_size: 24,
    };
    let flags = OpenFlags::READ | OpenFlags::WRITE;
    let request = Open { name: name()?, attributes: Some(attributes), flags };
    let checkpoint = ais_client::ckpt::open(request, None)?;
    match checkpoint.create_section(Some(section), i64::MAX, b"") {
        Ok(_) | Err(AisError::Exist) => Ok(checkpoint),
        Err(error) => {
            // It ends with this process at the latest.
            let _ = checkpoint.close();
            Err(error)
        }
    }
}

fn name() -> Result<Name, AisError> {
    Name::try_from(NAME).map_err(|_| AisError::NameTooLong)
}

/// Prints the number that the node holds in a section.
///
/// # Errors
/// If there is none.
pub(crate) fn held(section: &str) -> Result<(), String> {
    let read = || -> Result<Option<u64>, AisError> {
        let mut inspection = Inspection::take(name()?)?;
        let page = inspection.sections(0)?;
        let found = page.items.into_iter().find(|of| of.id == section.as_bytes());
        let Some(found) = found else { return Ok(None) };
        let piece = inspection.piece(found.number, 0)?;
        let digits = piece.and_then(|piece| piece.bytes.get(..DIGITS).map(<[u8]>::to_vec));
        let text = digits.and_then(|digits| String::from_utf8(digits).ok());
        Ok(text.and_then(|text| text.parse().ok()))
    };
    let start = Instant::now();
    loop {
        match read() {
            Ok(Some(number)) => {
                println!("{number}");
                return Ok(());
            }
            Err(AisError::TryAgain | AisError::Busy) if start.elapsed() < PATIENCE => sleep(PAUSE),
            Ok(None) => return Err(format!("there is no number in '{section}'")),
            Err(error) => return Err(format!("reading '{section}': {error}")),
        }
    }
}
