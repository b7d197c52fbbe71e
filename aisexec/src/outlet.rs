//! A way out of the daemon for text: a bounded queue, and a thread that writes.
//! Nobody waits for who reads it, be it a pipe that is full, a terminal that was
//! stopped, a journal or a disk that hangs. What finds no room is dropped, the
//! oldest first: who reads again finds the newest, and learns how much is
//! missing before it.
//!
//! Each stream has a thread of its own, beside the one that writes files. One
//! that hangs holds up nothing else: not the numbers of rings, without which no
//! ring forms, and not what goes elsewhere.

use crate::clock;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes for the thread's stack: it writes what others have put together.
const STACK: usize = 128 << 10;
/// Bytes that may wait, with what each text takes besides.
const MOST_BYTES: usize = 1 << 20;
/// What a text takes in the queue and of the allocator, in bytes.
const OVERHEAD: usize = 32;

/// The way out; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Outlet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// The thread has something to do.
    changed: Condvar,
    /// It has nothing to do.
    done: Condvar,
    /// Lines that were dropped or could not be written, since the start.
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    texts: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// Lines that were dropped before the first of them.
    missing: u64,
    /// The thread writes what it has taken.
    is_writing: bool,
    /// Nothing is taken any more.
    is_closed: bool,
}

impl Outlet {
    /// Starts the thread. It calls `write` with each text of whole lines, and
    /// with how many lines are missing before that; they are missing until
    /// `write` succeeds, which is to say so.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(crate) fn start(
        name: &str,
        write: impl FnMut(u64, &[u8]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let outlet = Self(Arc::default());
        let shared = Arc::clone(&outlet.0);
        let thread = thread::Builder::new().name(name.into()).stack_size(STACK);
        thread.spawn(move || shared.run(write))?;
        Ok(outlet)
    }

    /// Takes a text of whole lines. Does not wait.
    pub(crate) fn say(&self, text: &[u8]) {
        let text = Box::from(text);
        let mut queue = self.0.lock();
        if !queue.is_closed {
            let dropped = queue.push(text);
            self.0.lost.fetch_add(dropped, Ordering::Relaxed);
            self.0.changed.notify_one();
        }
    }

    /// Takes no more. What the thread writes to is let go of when all that
    /// waits is written.
    pub(crate) fn close(&self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_one();
    }

    /// Waits until all is written, until this time on the monotonic clock at
    /// most.
    pub(crate) fn finish(&self, until: u64) {
        let mut queue = self.0.lock();
        while queue.is_writing || !queue.texts.is_empty() {
            let left = until.saturating_sub(clock::monotonic());
            if left == 0 {
                return;
            }
            let woken = self.0.done.wait_timeout(queue, Duration::from_nanos(left));
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lines that were dropped or could not be written, since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut write: impl FnMut(u64, &[u8]) -> io::Result<()>) {
        let mut missing = 0;
        while let Some((dropped, text)) = self.next() {
            missing += dropped;
            match write(missing, &text) {
                Ok(()) => missing = 0,
                Err(_) => {
                    missing += lines(&text);
                    self.lost.fetch_add(lines(&text), Ordering::Relaxed);
                }
            }
        }
    }

    /// What was taken before is written. The next text, and how many lines
    /// were dropped before it; `None` if nothing comes any more.
    fn next(&self) -> Option<(u64, Box<[u8]>)> {
        let mut queue = self.lock();
        queue.is_writing = false;
        loop {
            if let Some(text) = queue.texts.pop_front() {
                queue.bytes -= size(&text);
                queue.is_writing = true;
                return Some((std::mem::take(&mut queue.missing), text));
            }
            self.done.notify_all();
            if queue.is_closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Queue {
    /// Takes a text, and drops the oldest others if there is no room for all.
    /// How many lines that were.
    fn push(&mut self, text: Box<[u8]>) -> u64 {
        self.bytes += size(&text);
        self.texts.push_back(text);
        let mut dropped = 0;
        while self.bytes > MOST_BYTES
            && self.texts.len() > 1
            && let Some(oldest) = self.texts.pop_front()
        {
            self.bytes -= size(&oldest);
            dropped += lines(&oldest);
        }
        self.missing += dropped;
        dropped
    }
}

fn size(text: &[u8]) -> usize {
    text.len() + OVERHEAD
}

fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Writes all of a text, however long its reader takes, and whether or not
/// somebody who shares the descriptor has made it one that does not wait.
///
/// # Errors
/// What write(2) says.
pub(crate) fn write_all(to: impl AsFd, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match nix::unistd::write(&to, text) {
            Ok(count) => text = &text[count..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
                // Anything else than room is an end.
                match poll(&mut fds, PollTimeout::NONE) {
                    Ok(_) if fds[0].revents() == Some(PollFlags::POLLOUT) => {}
                    Err(Errno::EINTR) => {}
                    _ => return Err(Errno::EAGAIN.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::fs::File;
    use std::io::{Read, Write, pipe};
    use std::sync::mpsc::{Receiver, Sender, channel};

    const LONG: u64 = u64::MAX;

    /// How many lines were missing, and the text behind them.
    type Call = (u64, Vec<u8>);

    /// An outlet; what becomes of its texts, one after the other; and what it is
    /// about to write.
    fn gated() -> (Outlet, Sender<io::Result<()>>, Receiver<Call>) {
        let (gate, passes) = channel();
        let (seen, written) = channel();
        let outlet = Outlet::start("test", move |missing, text| {
            // It has taken the text when this is received.
            let _ = seen.send((missing, text.to_vec()));
            passes.recv().unwrap_or(Ok(()))
        });
        (outlet.unwrap(), gate, written)
    }

    #[test]
    fn nobody_waits_for_a_reader_and_the_newest_is_kept() {
        let (outlet, gate, written) = gated();
        outlet.say(b"first\n");
        assert_eq!(written.recv().unwrap(), (0, b"first\n".to_vec()));
        let line = |number: u64| format!("{number:>99}\n").into_bytes();
        let count = 100_000;
        for number in 0..count {
            outlet.say(&line(number));
        }
        assert!(outlet.0.lock().bytes <= MOST_BYTES);
        // It does not end sooner for somebody who waits in vain, either.
        outlet.finish(clock::monotonic() + 1);
        drop(gate);
        let (missing, next) = written.recv().unwrap();
        assert_eq!((missing, next), (outlet.lost(), line(missing)));
        let kept = (MOST_BYTES / (100 + OVERHEAD)) as u64;
        assert_eq!(missing, count - kept);
        outlet.finish(LONG);
        let rest: Vec<_> = written.try_iter().collect();
        assert_eq!(rest.len() as u64, kept - 1);
        assert!(rest.iter().all(|(missing, _)| *missing == 0));
        assert_eq!(rest.last().unwrap().1, line(count - 1));
    }

    #[test]
    fn what_cannot_be_written_is_missing_until_something_can() {
        let (outlet, gate, written) = gated();
        let seen = |result: io::Result<()>| {
            let found = written.recv().unwrap();
            gate.send(result).unwrap();
            found.0
        };
        for text in ["one\n", "two\nthree\n", "four\n", "five\n"] {
            outlet.say(text.as_bytes());
        }
        assert_eq!(seen(Err(Errno::ENOSPC.into())), 0);
        assert_eq!(seen(Err(Errno::ENOSPC.into())), 1);
        assert_eq!(seen(Ok(())), 3);
        assert_eq!(seen(Ok(())), 0);
        assert_eq!(outlet.lost(), 3);
    }

    #[test]
    fn one_text_may_be_larger_than_the_queue() {
        let (outlet, _gate, written) = gated();
        outlet.say(b"first\n");
        assert_eq!(written.recv().unwrap().0, 0);
        outlet.say(b"second\n");
        outlet.say(&vec![b'x'; 2 * MOST_BYTES]);
        let queue = outlet.0.lock();
        assert_eq!((queue.texts.len(), queue.missing), (1, 1));
    }

    #[test]
    fn what_is_written_to_is_let_go_of_in_the_end() {
        let (mut reader, writer) = pipe().unwrap();
        let outlet = Outlet::start("test", move |_, text| write_all(&writer, text)).unwrap();
        outlet.say(b"last\n");
        outlet.close();
        outlet.say(b"too late\n");
        let mut text = String::new();
        // Only then the end of the file comes.
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "last\n");
    }

    #[test]
    fn a_descriptor_that_does_not_wait_is_waited_for() {
        let (mut reader, writer) = pipe().unwrap();
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
        while writer.write(&[b'x'; 4096]).is_ok() {}
        let (said, outcome) = channel();
        let outlet = Outlet::start("test", move |_, text| {
            let written = write_all(&writer, text);
            said.send(written.is_ok()).unwrap();
            written
        });
        outlet.unwrap().say(&[b'y'; 100_000]);
        let mut text = vec![0; 4096];
        let mut count = 0;
        while count < 100_000 {
            let length = reader.read(&mut text).unwrap();
            count += text[..length].iter().filter(|&&byte| byte == b'y').count();
        }
        assert!(outcome.recv().unwrap());
    }
}
