//! What goes wrong in a world of rings.

use super::{Output, World};
use crate::fabric::{Weather, node_of};
use crate::plan::Fault;

impl World {
    /// One of the faults of the plan.
    pub(super) fn fault(&mut self) {
        let fault = *self.fabric.rng.pick(&self.plan.faults);
        let now = self.fabric.now;
        self.trace.say(now, || format!("fault: {fault:?}"));
        self.counted.faults += 1;
        match fault {
            Fault::Weather => self.fabric.network.weather = Weather::random(&mut self.fabric.rng),
            Fault::Partition => self.partition(),
            Fault::Heal => {
                self.fabric.network.mend();
                self.fabric.network.partition(vec![0; self.plan.hosts]);
            }
            Fault::CutOneWay => {
                for _ in 0..self.fabric.rng.between(1, 3) {
                    let hosts = self.plan.hosts as u64;
                    let from = self.fabric.rng.below(hosts) as usize;
                    let to = self.fabric.rng.below(hosts) as usize;
                    self.fabric.network.cut(from, to);
                }
            }
            Fault::Crash => {
                if let Some(host) = self.some_host(true) {
                    let host_too = self.fabric.rng.once_in(2);
                    self.crash(host, host_too);
                    if self.fabric.rng.once_in(8) {
                        self.without_disk[host] = true;
                    }
                }
            }
            Fault::Start => {
                if let Some(host) = self.some_host(false) {
                    self.start(host);
                }
            }
            Fault::Pause => {
                if let Some(host) = self.some_host(true) {
                    let time = self.fabric.rng.between(1, 50);
                    self.counted.pauses += 1;
                    self.fabric.pause(host, self.plan.tokens(time));
                    self.trace.say(now, || format!("{} pauses {time}/10", node_of(host)));
                }
            }
            Fault::Leave => {
                if let Some(host) = self.some_host(true) {
                    self.leave(host);
                }
            }
            Fault::ForgeRefusal => {
                let hosts = self.plan.hosts as u64;
                let (to, by) = (self.fabric.rng.below(hosts), self.fabric.rng.below(hosts));
                self.fabric.forge_refusal(to as usize, by as usize);
            }
            Fault::Replay => {
                for _ in 0..self.fabric.rng.between(1, 20) {
                    let to = self.fabric.rng.below(self.plan.hosts as u64);
                    self.fabric.replay(to as usize);
                }
            }
        }
    }

    fn partition(&mut self) {
        self.counted.partitions += 1;
        let sides = self.fabric.rng.between(2, 3);
        let side = (0..self.plan.hosts).map(|_| self.fabric.rng.below(sides) as u32).collect();
        self.trace.say(self.fabric.now, || format!("sides {side:?}"));
        self.fabric.network.partition(side);
    }

    /// A daemon ends without a word, its host perhaps too.
    pub(super) fn crash(&mut self, host: usize, host_too: bool) {
        let now = self.fabric.now;
        self.trace.say(now, || format!("{} crashes, host too: {host_too}", node_of(host)));
        self.counted.crashes += 1;
        self.fabric.crash(host, host_too);
        self.history.end(now, node_of(host));
    }

    /// A daemon says that it goes, and goes. What it still puts out is sent,
    /// but it delivers nothing more.
    pub(super) fn leave(&mut self, host: usize) {
        let now = self.fabric.now;
        self.trace.say(now, || format!("{} leaves", node_of(host)));
        self.counted.leaves += 1;
        self.fabric.with(host, |ring, now| ring.leave(now.monotonic));
        for (of, event) in self.fabric.take_events() {
            debug_assert!(of != host || matches!(event, Output::Stable(_)), "{event:?}");
        }
        self.fabric.crash(host, false);
        self.history.end(now, node_of(host));
    }

    /// No more faults; a partition may stay as it is. Those who stand still go
    /// on first.
    pub(super) fn calm(&mut self) {
        self.fabric.network.weather = Weather::CALM;
        self.fabric.network.mend();
        if self.fabric.rng.once_in(2) {
            self.fabric.network.partition(vec![0; self.plan.hosts]);
        }
        if self.fabric.rng.once_in(2)
            && let Some(host) = self.some_host(false)
        {
            self.start(host);
        }
        self.trace.say(self.fabric.now, || format!("calm: {:?}", self.fabric.network));
    }
}
