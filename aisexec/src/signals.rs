//! Signals. Those with a meaning arrive as bytes of a descriptor rather than
//! between any two instructions; those whose default is to end a process, and
//! that say nothing here, are ignored.

use crate::sys;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The signals that are answered, if only in the log.
const ANSWERED: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// The signals that do nothing. They are not taken like the others: SIGXFSZ is
/// sent for a line of the log that does not fit into its file, which is not to
/// bring about another line.
const IGNORED: [Signal; 11] = [
    Signal::SIGALRM,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGIO,
    Signal::SIGPIPE,
    Signal::SIGPWR,
    Signal::SIGXCPU,
    Signal::SIGXFSZ,
    Signal::SIGSTKFLT,
    // Else writing to a terminal could stop a process in the background.
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];

/// What signals ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// To stop.
    pub(crate) stop: bool,
    /// To write the state into the log.
    pub(crate) state: bool,
    /// To read the key file anew.
    pub(crate) keys: bool,
}

/// The signals that are answered, as a descriptor.
#[derive(Debug)]
pub(crate) struct Signals(SignalFd);

impl Signals {
    /// Takes the signals from now on, whatever was blocked or ignored by who
    /// started this process: a blocked signal arrives here also if it was
    /// ignored.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn take() -> io::Result<Self> {
        for signal in IGNORED {
            sys::ignore_signal(signal as i32);
        }
        sys::realtime_signals().for_each(sys::ignore_signal);
        let mask: SigSet = ANSWERED.into_iter().collect();
        mask.thread_set_mask()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&mask, flags)?))
    }

    /// What the signals that have come ask for.
    pub(crate) fn asked(&self) -> Asked {
        let mut asked = Asked::default();
        while let Ok(Some(info)) = self.0.read_signal() {
            match i32::try_from(info.ssi_signo).map(Signal::try_from) {
                Ok(Ok(signal @ (Signal::SIGTERM | Signal::SIGINT))) => {
                    log::info!("stopping because of {signal}");
                    // A second one has another meaning.
                    return Asked { stop: true, ..asked };
                }
                Ok(Ok(Signal::SIGUSR2)) => asked.state = true,
                Ok(Ok(Signal::SIGHUP)) => asked.keys = true,
                Ok(Ok(signal)) => log::info!("{signal} changes nothing; SIGTERM stops aisexec"),
                _ => {}
            }
        }
        asked
    }

    /// Waits a second, or until a signal comes that stops the daemon. Whether
    /// one came.
    pub(crate) fn stop_within_a_second(&self) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        // However the wait ends, the signals say what to do.
        let _ = poll(&mut fds, PollTimeout::from(1000u16));
        self.asked().stop
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
