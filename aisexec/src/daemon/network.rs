//! The other nodes and the disk: what comes from there goes to the node.

use super::{Failure, Server};
use crate::{clock, sys};
use ais_node::Now;
use ais_totem::Ring;

/// A look at the sockets that took longer than this, in ns, was interrupted:
/// what has arrived meanwhile may have waited long.
const INTERRUPTED: u64 = 5_000_000;

impl Server {
    /// Looks at the sockets of the ring, at the time `before`, and hands over
    /// what has arrived. The time it was then.
    pub(crate) fn look(&mut self, before: u64) -> Now {
        let Self { node, udp, .. } = self;
        let mut now = None;
        let is_all = udp.receive(before, |from, bytes| {
            // The clock is read after the socket: what is handed over is never
            // taken for younger than it is.
            let now = *now.get_or_insert_with(clock::now);
            node.with_ring(now, |ring| ring.handle_packet(now.monotonic, from, bytes));
        });
        let now = clock::now();
        if is_all && now.monotonic.saturating_sub(before) < INTERRUPTED {
            node.with_ring(now, |ring| ring.drained(now.monotonic));
        }
        // After the token nothing is about to come, and whoever was told
        // something by it needs a processor.
        self.has_served |= self.expects_token();
        self.deliver(now);
        self.flush_network(now);
        now
    }

    /// Sends what the work since the last time has brought about.
    pub(crate) fn flush_network(&mut self, now: Now) {
        self.udp.flush();
        // Sending may be how answers to what was sent before are found.
        let refused = self.udp.take_refused();
        if refused.is_empty() {
            return;
        }
        for node in refused {
            self.node.with_ring(now, |ring| ring.refused(now.monotonic, node));
        }
        self.deliver(now);
        self.udp.flush();
    }

    /// Draws random bytes for the next datagrams, if some were sealed with the last.
    pub(super) fn draw_for_seals(&mut self) {
        let is_sealed = self.node.ring().is_some_and(Ring::is_sealed);
        if !is_sealed || !self.udp.take_has_sent() {
            return;
        }
        let mut random = [0; 32];
        match sys::random(&mut random) {
            Ok(()) => self.node.refresh(random),
            Err(error) => log::warn!("there is no randomness: {error}"),
        }
    }

    /// Takes the keys that are in the key file now, unless a member would be left out.
    #[cold]
    pub(crate) fn reload_keys(&mut self, now: Now) {
        let path = self.key_file.path().display();
        match self.key_file.read() {
            Ok(Some(keys)) => {
                let list: Vec<String> = keys.ids().map(|id| id.to_string()).collect();
                let mut used = Err(String::new());
                self.node.with_ring(now, |ring| used = ring.use_keys(now.monotonic, keys));
                match used {
                    Ok(()) => log::info!("keys of {path} from now on: {}", list.join(", ")),
                    Err(why) => log::warn!("{path} is not used, the keys stay as they were: {why}"),
                }
            }
            Ok(None) => log::info!("SIGHUP changes nothing: there is no key file {path}"),
            Err(error) => log::warn!("{error}; the keys stay as they were"),
        }
        self.deliver(now);
        self.flush_network(now);
    }

    /// Numbers are in the file.
    #[cold]
    pub(super) fn on_written(&mut self, now: Now) {
        let number = self.writer.take_reserved();
        self.node.with_ring(now, |ring| ring.reserved(now.monotonic, number));
        self.deliver(now);
    }

    /// Whether clients are served: `None` if not yet.
    ///
    /// # Errors
    /// In words, if the socket could not be opened.
    pub(crate) fn is_open(&mut self) -> Result<bool, Failure> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(self.listener.is_some()),
        }
    }

    /// Whether there is no other node to wait for.
    pub(crate) fn is_alone(&self) -> bool {
        self.members <= 1
    }

    /// How many daemons of this machine may poll at this moment, as far as that
    /// is known: all of the cluster that share it, for their programs wait for
    /// the same; but few of them while this one expects the token, or answers
    /// without the others.
    pub(crate) fn pollers_here(&self) -> usize {
        let needs_others = !self.answers_at_once && !self.expects_token();
        if self.udp.is_loopback() && needs_others { self.members } else { 1 }
    }

    /// Whether it is this node's turn to send in a moment, and the others wait for
    /// that.
    fn expects_token(&self) -> bool {
        self.node.ring().is_some_and(Ring::expects_token)
    }

    /// Has the components of this node let go of their work before it leaves.
    #[cold]
    pub(crate) fn prepare_leave(&mut self, now: Now) {
        self.node.prepare_leave(now);
        self.deliver(now);
        if !self.may_leave {
            log::info!(
                "the components of this node let go of their work before it leaves; another \
                 signal ends it at once"
            );
        }
    }

    /// Whether they have, or had their time for it.
    pub(crate) fn may_leave(&self) -> bool {
        self.may_leave
    }

    /// Leaves the cluster. Nothing is done any more but what says so.
    pub(crate) fn leave_cluster(&mut self, now: Now) {
        self.node.leave(now);
        self.deliver(now);
        self.udp.flush();
        for (what, count) in self.udp.counters().into_iter().filter(|(_, count)| *count > 0) {
            log::info!("datagrams {what}: {count}");
        }
    }
}
