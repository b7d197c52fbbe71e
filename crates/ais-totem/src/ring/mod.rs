//! The Totem single ring protocol ([SRP95]) as its driver sees it.
//! docs/RING.md has the table of what happens when.

mod circuit;
mod commit;
mod core;
mod damping;
mod diverged;
mod frames;
mod gather;
mod greeting;
mod incarnations;
mod install;
mod limit;
mod linger;
mod links;
mod numbers;
mod operational;
mod patience;
mod problems;
mod recovery;
mod sealing;
mod status;
#[cfg(test)]
mod tests;
mod token;
mod visit;

pub use numbers::HIGHEST_NUMBER;
pub use problems::{Problem, Severity};
pub use sealing::KeyStatus;
pub use status::Status;

use self::core::Core;
use crate::config::milliseconds;
use crate::packet::{Data, Packet};
use crate::{Command, Config, Engine, Guarantee, Lane, Output, QueueFull, View};
use ais_seal::Opened;
use ais_wire::NodeId;
use circuit::Circuit;
use greeting::Greetings;
use limit::Limit;
use log::warn;
use std::collections::BTreeMap;

/// Outputs that may wait in a ring of one member. The node takes them after
/// every call, so that this bound is met only if it does not.
const MAX_OUTPUTS: usize = 4096;

/// A member of a Totem ring.
#[doc = include_str!("driving.md")]
#[derive(Debug)]
pub struct Ring {
    core: Core,
    /// The ring this member is, or was last, operational in.
    ring: Option<Circuit>,
    state: State,
    /// The last view.
    view: Option<View>,
    /// Why the last gather began, for people.
    cause: String,
    /// What was delivered in `ring` may not be what the others delivered.
    is_diverged: bool,
    /// The last call.
    called_at: u64,
    /// This process was not run for a while: when to look at packets again, if
    /// [`Ring::drained`] does not come.
    paused_until: Option<u64>,
    /// When the representative says hello.
    hello_at: u64,
    greetings: Greetings,
    /// The member whose refusal brought about a gather, and when, unless it
    /// was out after it: then the refusal was true.
    refused: Option<(NodeId, u64)>,
    /// Members that lately did not receive what the others send, and when.
    deaf: BTreeMap<NodeId, u64>,
    /// Gathers that packets of others may bring about.
    gathers: Limit,
    /// Nodes that have left lately, and when.
    leaves: BTreeMap<NodeId, u64>,
    /// The last call at which this member was operational.
    operational_at: u64,
}

#[derive(Debug)]
enum State {
    Operational(operational::Operational),
    Gather(gather::Gather),
    Commit(commit::Committing),
    Recovery(Box<recovery::Recovery>),
    Left,
}

impl Ring {
    /// A member that looks for others. It is in no view yet, and is alone in
    /// its first one if it hears nobody for a consensus timeout.
    #[must_use]
    pub fn new(config: Config, now: u64) -> Self {
        let core = Core::new(&config);
        let mut ring = Self {
            core,
            ring: None,
            state: State::Left,
            view: None,
            cause: String::new(),
            is_diverged: false,
            called_at: now,
            paused_until: None,
            hello_at: now,
            greetings: Greetings::default(),
            refused: None,
            deaf: BTreeMap::new(),
            gathers: Limit::of_gathers(config.timing),
            leaves: BTreeMap::new(),
            operational_at: now,
        };
        ring.start_gather(now);
        ring
    }

    /// A datagram has arrived from the address of `from`. Whatever is wrong
    /// with it, it is dropped and counted.
    pub fn handle_packet(&mut self, now: u64, from: NodeId, bytes: &[u8]) {
        self.note_call(now);
        if matches!(self.state, State::Left) {
            return;
        }
        if self.paused_until.is_some() {
            self.core.counters.paused += 1;
            return;
        }
        let decoded = match self.core.guard.open(now, from, bytes) {
            Opened::Packet(packet) => self.core.codec.decode(from, packet),
            Opened::Taken => return,
            Opened::Refused(why) => return self.on_refused_seal(now, from, bytes, why),
        };
        match decoded {
            Ok((packet, None)) => self.on_packet(now, from, packet),
            Ok((packet, Some(told))) => {
                self.note_told(now, from, &told);
                if self.is_one_machine(now, from, &packet, &told) {
                    self.on_packet(now, from, packet);
                }
            }
            Err(dropped) => {
                self.core.counters.packets.count(dropped);
                self.note_dropped(now, from, dropped);
            }
        }
    }

    /// Brings bytes that were just drawn at random, for the datagrams that are sealed
    /// next. To be called before commands are taken, if datagrams are sealed.
    pub fn refresh(&mut self, random: [u8; 32]) {
        self.core.guard.refresh(random);
    }

    /// All datagrams that had arrived have been handed over. To be called after
    /// every look at the sockets, whether or not there was one. Ends what a pause
    /// of this process began: until then packets that may be older than the pause
    /// are dropped.
    pub fn drained(&mut self, now: u64) {
        self.note_call(now);
        if self.paused_until.take().is_some() {
            self.resume(now);
        }
    }

    /// The host of `node` has answered that nobody listens there. It may be
    /// forged, so it only makes the node suspect.
    pub fn refused(&mut self, now: u64, node: NodeId) {
        self.note_call(now);
        if self.paused_until.is_none() {
            self.on_refused(now, node);
        }
    }

    /// View numbers up to `number` are reserved.
    pub fn reserved(&mut self, now: u64, number: u64) {
        self.note_call(now);
        self.core.reserved(number);
        self.commit_if_reserved(now);
        self.join_soon(now);
    }

    /// Whether the token is about to come: messages of another member came that
    /// are sent just before it.
    #[must_use]
    pub fn expects_token(&self) -> bool {
        let is_operational = matches!(self.state, State::Operational(_));
        is_operational && self.ring.as_ref().is_some_and(Circuit::expects_token)
    }

    /// The next command. To be called until it returns `None` after every other
    /// call, as [`Engine::poll_output`] is.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.core.poll_command()
    }

    fn on_packet(&mut self, now: u64, from: NodeId, packet: Packet) {
        match packet {
            Packet::Data(data) => self.on_data(now, from, data),
            Packet::Token(token) => self.on_token(now, from, token),
            Packet::Join(join) => self.on_join(now, from, join),
            Packet::Commit(commit) => self.on_commit(now, from, commit),
            Packet::Hello(hello) => self.on_hello(now, from, &hello),
            Packet::Cancel(cancel) => self.on_cancel(now, from, &cancel),
            Packet::Ack(ack) => self.on_ack(now, from, &ack),
        }
    }

    fn on_data(&mut self, now: u64, from: NodeId, data: Data) {
        let (asks, seq) = (data.asks, data.seq);
        let taken = match &mut self.state {
            State::Operational(_) => {
                let taken = self.ring.as_mut().and_then(|ring| ring.take_at(now, from, data));
                if taken.is_some() {
                    if asks {
                        self.acknowledge(from, seq);
                    }
                    self.on_frame(now);
                    self.deliver();
                }
                taken
            }
            // Until this member has said in the commit token what it has.
            State::Gather(_) => self.ring.as_mut().and_then(|ring| ring.take(from, data)),
            State::Recovery(_) => self.take_in_recovery(from, data),
            State::Commit(_) | State::Left => None,
        };
        self.count_frame(taken);
        match taken {
            Some(taken) => self.note_frame(now, from, seq, taken),
            None => self.on_other_ring(now, from),
        }
    }

    fn count_frame(&mut self, taken: Option<frames::Inserted>) {
        let counters = &mut self.core.counters;
        match taken {
            Some(frames::Inserted::New) => counters.frames_received += 1,
            Some(frames::Inserted::Known) => counters.frames_known += 1,
            Some(frames::Inserted::TooFar) => counters.frames_too_far += 1,
            Some(frames::Inserted::Other | frames::Inserted::Doubtful) => {
                counters.frames_other += 1;
            }
            Some(frames::Inserted::Forged) => counters.frames_forged += 1,
            None => counters.other_ring += 1,
        }
    }

    fn on_token(&mut self, now: u64, from: NodeId, token: crate::packet::Token) {
        match &self.state {
            State::Operational(_) => self.token_in_operational(now, from, token),
            State::Recovery(_) => self.token_in_recovery(now, from, token),
            State::Gather(_) | State::Commit(_) | State::Left => {
                self.core.counters.other_ring += 1;
            }
        }
    }

    fn on_time(&mut self, now: u64) {
        self.greet_if_due(now);
        match &self.state {
            State::Operational(_) => self.time_in_operational(now),
            State::Gather(_) => self.time_in_gather(now),
            State::Commit(_) => self.time_in_commit(now),
            State::Recovery(_) => self.time_in_recovery(now),
            State::Left => {}
        }
    }

    /// Goes on after a pause. That nobody answered in it says nothing of the
    /// others.
    #[cold]
    fn resume(&mut self, now: u64) {
        match &self.state {
            State::Gather(_) | State::Commit(_) | State::Recovery(_) => {
                self.gather_again(now, "this process was not run for a while".into());
            }
            State::Operational(_) | State::Left => self.on_time(now),
        }
    }

    /// Notes that this process runs, and whether it did not for long; and has the
    /// log tell of problems now and then.
    fn note_call(&mut self, now: u64) {
        let pause = now.saturating_sub(self.called_at);
        self.called_at = self.called_at.max(now);
        if let State::Operational(_) = self.state {
            self.operational_at = self.called_at;
        }
        if pause > self.core.timing.pause() && !matches!(self.state, State::Left) {
            self.core.counters.pauses += 1;
            self.paused_until = Some(now.saturating_add(self.core.timing.pause() / 2));
            warn!("this process was not run for {} ms", milliseconds(pause));
        }
        self.tell_problems(now);
    }

    fn is_alone(&self) -> bool {
        self.ring.as_ref().is_some_and(Circuit::is_alone)
    }
}

impl Engine for Ring {
    fn multicast(
        &mut self,
        now: u64,
        bytes: Vec<u8>,
        guarantee: Guarantee,
        lane: Lane,
    ) -> Result<(), QueueFull> {
        self.note_call(now);
        match &self.state {
            State::Left => return Err(QueueFull(bytes)),
            State::Operational(_) if self.is_alone() => self.deliver_alone(now, bytes)?,
            _ => {
                self.core.queue.push(bytes, guarantee, lane)?;
                self.ask_for_token(now);
            }
        }
        self.core.counters.messages_sent += 1;
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// Asks for a new ring, not more often than a packet may bring one about.
    fn form_anew(&mut self, now: u64, why: String) {
        self.note_call(now);
        if matches!(self.state, State::Operational(_)) && self.may_disturb(now) {
            self.core.warn(now, &why);
            self.gather_again(now, why);
        }
    }

    fn leave(&mut self, now: u64) {
        self.note_call(now);
        self.send_leave(now);
        self.state = State::Left;
    }

    /// Time has passed. Packets that have arrived are to be handed over first.
    fn handle_timeout(&mut self, now: u64) {
        self.note_call(now);
        match self.paused_until {
            Some(until) if now < until => {}
            Some(_) => {
                self.paused_until = None;
                self.resume(now);
            }
            None => self.on_time(now),
        }
    }

    fn poll_timeout(&self) -> Option<u64> {
        if let State::Left = self.state {
            return None;
        }
        if self.paused_until.is_some() {
            return self.paused_until;
        }
        // A call at least this often, so that a gap between calls is a pause.
        let alive = self.called_at.saturating_add(self.core.timing.pause() / 2);
        let next = match &self.state {
            State::Operational(operational) => self.next_operational(operational),
            State::Gather(gather) => self.next_gather(gather),
            State::Commit(commit) => Some(commit.next()),
            State::Recovery(recovery) => Some(recovery.next(self.core.timing)),
            State::Left => None,
        };
        Some([next, self.greetings.next()].into_iter().flatten().fold(alive, u64::min))
    }

    /// How long the token takes to go round where nobody keeps it.
    fn round_trip(&self) -> u64 {
        self.ring.as_ref().map_or(0, |ring| ring.patience.rotation())
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            State::Operational(_) => "operational",
            State::Gather(_) => "gather",
            State::Commit(_) => "commit",
            State::Recovery(_) => "recovery",
            State::Left => "left",
        }
    }
}
