//! A member that has taken another frame than the others in some place of the
//! order may have delivered what they have not. It leaves the ring at once and
//! comes back as one that has just started: nobody comes along with it, so that
//! the services bring it into line.

use super::circuit::Circuit;
use super::frames::Inserted;
use super::{Ring, State};
use ais_wire::NodeId;

/// What is said of frames that are above all that can have been sent.
pub(super) const FRAMES_OF_NOBODY: &str = "this node has taken frames that no member can have sent";

impl Ring {
    /// What became of a frame shows whether somebody forges, or this member
    /// has diverged.
    pub(super) fn note_frame(&mut self, now: u64, from: NodeId, seq: u64, taken: Inserted) {
        match taken {
            Inserted::Forged => {
                let line = format!(
                    "a packet in the name of {from} has a frame {seq} that nobody can have sent: \
                     somebody forges packets, or two machines have one address"
                );
                self.core.warn(now, &line);
            }
            Inserted::Doubtful => {
                let line = format!(
                    "frame {seq} came twice, and not the same, the second time from {from}; it is \
                     asked for again"
                );
                self.core.warn(now, &line);
            }
            Inserted::Other => {
                let why = format!("{from} has sent another frame {seq} than this node has");
                self.leave_diverged(now, &why);
            }
            Inserted::New | Inserted::Known | Inserted::TooFar => {}
        }
    }

    /// Leaves the ring, as what was delivered in it may not be what the others
    /// delivered.
    pub(super) fn leave_diverged(&mut self, now: u64, why: &str) {
        if std::mem::replace(&mut self.is_diverged, true) {
            return;
        }
        let line = format!(
            "{why}: this node leaves the ring and joins it anew, so that it has what the others \
             have; somebody forges packets, or two machines have one address"
        );
        self.core.warn(now, &line);
        self.core.counters.gathers_diverged += 1;
        if !matches!(self.state, State::Gather(_)) {
            self.gather_again(now, why.into());
        }
    }

    /// The ring that this member was last operational in, if it has there what
    /// the others have.
    pub(super) fn trusted_ring(&self) -> Option<&Circuit> {
        self.ring.as_ref().filter(|_| !self.is_diverged)
    }
}
