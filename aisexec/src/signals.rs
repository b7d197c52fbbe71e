//! Signals, which arrive as bytes of a descriptor rather than between any two
//! instructions.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The signals that have a meaning: SIGTERM and SIGINT stop the daemon, SIGHUP
/// does nothing. (SIGPIPE is ignored by the Rust runtime.)
#[derive(Debug)]
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Takes the signals from now on.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn take() -> io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&mask, flags)?))
    }

    /// Whether a signal has come that stops the daemon.
    pub(crate) fn asks_to_stop(&self) -> bool {
        while let Ok(Some(info)) = self.0.read_signal() {
            match i32::try_from(info.ssi_signo).map(Signal::try_from) {
                Ok(Ok(Signal::SIGHUP)) => log::info!("SIGHUP changes nothing; restart to reload"),
                Ok(Ok(signal)) => {
                    log::info!("stopping because of {signal}");
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// Waits a second, or until a signal comes that stops the daemon. Whether
    /// one came.
    pub(crate) fn stop_within_a_second(&self) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        // However the wait ends, the signals say what to do.
        let _ = poll(&mut fds, PollTimeout::from(1000u16));
        self.asks_to_stop()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
