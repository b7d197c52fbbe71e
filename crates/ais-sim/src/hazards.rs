//! What goes wrong, in any world with hosts.

use crate::fabric::{Daemon, Fabric, Weather, node_of};
use crate::plan::{Fault, Plan};
use crate::report::Counted;
use crate::trace::Trace;

/// A world in which things go wrong.
pub(crate) trait Hazards {
    type Daemon: Daemon;
    /// What the world plans.
    type Act;

    fn fabric(&mut self) -> &mut Fabric<Self::Daemon, Self::Act>;
    fn plan(&self) -> &Plan;
    fn counted(&mut self) -> &mut Counted;
    fn trace(&self) -> Trace;
    /// Starts the daemon of a host.
    fn start(&mut self, host: usize);
    /// The daemon of a host was ended.
    fn ended(&mut self, host: usize);
    /// Tells the daemon of a host to say that it goes.
    fn say_goodbye(&mut self, host: usize);
    /// A daemon is told to end in order.
    fn stop(&mut self, host: usize) {
        self.leave(host);
    }
    /// The state directory of a host is gone.
    fn lose_disk(&mut self, host: usize);

    /// One of the faults of the plan.
    fn fault(&mut self) {
        let (hosts, faults) = (self.plan().hosts, self.plan().faults.clone());
        let tenth = self.plan().tokens(1);
        let fault = *self.fabric().rng.pick(&faults);
        self.say(|| format!("fault: {fault:?}"));
        self.counted().faults += 1;
        match fault {
            Fault::Weather => {
                let fabric = self.fabric();
                fabric.network.weather = Weather::random(&mut fabric.rng);
            }
            Fault::Partition => self.partition(),
            Fault::Heal => {
                self.fabric().network.mend();
                self.fabric().network.partition(vec![0; hosts]);
            }
            Fault::CutOneWay => {
                let fabric = self.fabric();
                for _ in 0..fabric.rng.between(1, 3) {
                    let from = fabric.rng.below(hosts as u64) as usize;
                    let to = fabric.rng.below(hosts as u64) as usize;
                    fabric.network.cut(from, to);
                }
            }
            Fault::Crash => {
                if let Some(host) = self.some_host(true) {
                    let host_too = self.fabric().rng.once_in(2);
                    self.crash(host, host_too);
                    if self.fabric().rng.once_in(8) {
                        self.lose_disk(host);
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
                    let tenths = self.fabric().rng.between(1, 50);
                    self.counted().pauses += 1;
                    self.fabric().pause(host, tenth * tenths);
                    self.say(|| format!("{} pauses for {tenths}/10 tokens", node_of(host)));
                }
            }
            Fault::Leave => {
                if let Some(host) = self.some_host(true) {
                    self.stop(host);
                }
            }
            Fault::ForgeRefusal => {
                let fabric = self.fabric();
                let to = fabric.rng.below(hosts as u64) as usize;
                let by = fabric.rng.below(hosts as u64) as usize;
                fabric.forge_refusal(to, by);
            }
            Fault::Replay => {
                for _ in 0..self.fabric().rng.between(1, 20) {
                    let to = self.fabric().rng.below(hosts as u64) as usize;
                    self.fabric().replay(to);
                }
            }
        }
    }

    /// Cuts the network in two or three.
    fn partition(&mut self) {
        self.counted().partitions += 1;
        let hosts = self.plan().hosts;
        let rng = &mut self.fabric().rng;
        let sides = rng.between(2, 3);
        let side: Vec<u32> = (0..hosts).map(|_| rng.below(sides) as u32).collect();
        self.say(|| format!("sides {side:?}"));
        self.fabric().network.partition(side);
    }

    /// A daemon ends without a word, its host perhaps too.
    fn crash(&mut self, host: usize, host_too: bool) {
        self.say(|| format!("{} crashes, host too: {host_too}", node_of(host)));
        self.counted().crashes += 1;
        self.fabric().crash(host, host_too);
        self.ended(host);
    }

    /// A daemon says that it goes, and goes.
    fn leave(&mut self, host: usize) {
        self.say(|| format!("{} leaves", node_of(host)));
        self.counted().leaves += 1;
        self.say_goodbye(host);
        self.fabric().crash(host, false);
        self.ended(host);
    }

    /// No more faults; a partition may stay as it is.
    fn calm(&mut self) {
        self.fabric().network.weather = Weather::CALM;
        self.fabric().network.mend();
        if self.fabric().rng.once_in(2) {
            let hosts = self.plan().hosts;
            self.fabric().network.partition(vec![0; hosts]);
        }
        if self.fabric().rng.once_in(2)
            && let Some(host) = self.some_host(false)
        {
            self.start(host);
        }
        self.say(|| "calm".into());
    }

    /// A host whose daemon runs, or does not.
    fn some_host(&mut self, runs: bool) -> Option<usize> {
        let hosts = self.plan().hosts;
        let fabric = self.fabric();
        let fits = |host: &usize| match runs {
            true => fabric.is_running(*host),
            false => fabric.hosts()[*host].daemon.is_none(),
        };
        let hosts: Vec<usize> = (0..hosts).filter(fits).collect();
        (!hosts.is_empty()).then(|| *fabric.rng.pick(&hosts))
    }

    /// Tells what happens, if somebody wants to know.
    fn say(&mut self, what: impl FnOnce() -> String) {
        let now = self.fabric().now;
        self.trace().say(now, what);
    }
}
