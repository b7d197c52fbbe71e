//! The thread that writes files, so that a slow disk never delays the loop.

use crate::ring_number::NumberFile;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Bytes for the thread's stack: it writes a number.
const STACK: usize = 128 << 10;

/// The thread, as the loop sees it.
#[derive(Debug)]
pub(crate) struct Writer {
    wanted: Sender<u64>,
    done: Arc<Done>,
}

#[derive(Debug)]
struct Done {
    reserved: AtomicU64,
    event: EventFd,
}

impl Writer {
    /// Starts the thread, which keeps `file`. It ends when this is dropped and
    /// it has written what it was given.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(crate) fn start(file: NumberFile) -> io::Result<Self> {
        let (wanted, numbers) = channel();
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let done = Arc::new(Done { reserved: AtomicU64::new(0), event });
        let theirs = Arc::clone(&done);
        let thread = thread::Builder::new().name("writer".into()).stack_size(STACK);
        thread.spawn(move || run(file, &numbers, &theirs))?;
        Ok(Self { wanted, done })
    }

    /// Has the numbers up to this one reserved.
    pub(crate) fn reserve(&self, number: u64) {
        // It ends only after this does.
        let _ = self.wanted.send(number);
    }

    /// Up to which number all are reserved. To be asked when the descriptor is
    /// readable.
    pub(crate) fn take_reserved(&self) -> u64 {
        // Whether or not it was readable, the number is right.
        let _ = self.done.event.read();
        self.done.reserved.load(Ordering::Acquire)
    }
}

impl AsFd for Writer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.done.event.as_fd()
    }
}

fn run(mut file: NumberFile, numbers: &Receiver<u64>, done: &Done) {
    while let Ok(number) = numbers.recv() {
        // Of several that wait the highest does for all.
        let number = numbers.try_iter().fold(number, u64::max);
        file.reserve(number);
        done.reserved.fetch_max(number, Ordering::Release);
        // Full is readable too.
        let _ = done.event.write(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_wire::NodeId;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    #[test]
    fn numbers_come_back_when_they_are_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let node = NodeId::new([127, 0, 0, 1].into());
        let (file, _) = NumberFile::open(directory.path(), node, 1000);
        let writer = Writer::start(file).unwrap();
        writer.reserve(70);
        writer.reserve(90);
        loop {
            let mut fds = [PollFd::new(writer.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut fds, PollTimeout::from(60_000u16)).unwrap(), 1);
            let reserved = writer.take_reserved();
            let text = std::fs::read_to_string(directory.path().join("ring-127.0.0.1")).unwrap();
            assert!(text.trim().parse::<u64>().unwrap() >= reserved);
            if reserved == 90 {
                return;
            }
        }
    }
}
