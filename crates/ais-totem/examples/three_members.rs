//! Three members of a ring in one process, over a network in memory and a clock
//! that is made up: they find each other, agree on one order of messages, and go
//! on when one of them dies. `cargo run -p ais-totem --example three_members`

use ais_group::{Engine, Guarantee, Lane, Output};
use ais_totem::{Bytes, Command, Config, Destination, Ring, Timing};
use ais_wire::{Name, NodeId};
use std::collections::{BTreeMap, VecDeque};

/// How long a datagram takes, in nanoseconds.
const DELAY: u64 = 200_000;

/// A member, and what its ring has told.
struct Member {
    ring: Ring,
    view: Vec<NodeId>,
    delivered: Vec<String>,
}

/// The members that live, the network and the clock.
#[derive(Default)]
struct World {
    now: u64,
    members: BTreeMap<NodeId, Member>,
    /// Datagrams on their way, in the order of arrival: when, from whom, to whom.
    flying: VecDeque<(u64, NodeId, NodeId, Bytes)>,
    lines: Vec<String>,
}

impl World {
    fn say(&mut self, node: NodeId, what: &str) {
        self.lines.push(format!("{:>6.1} ms  {node} {what}", self.now as f64 / 1e6));
    }

    /// Brings something to the ring of a member, and does all that it gives out then.
    fn call(&mut self, node: NodeId, bring: impl FnOnce(&mut Ring, u64)) {
        let Some(mut member) = self.members.remove(&node) else { return };
        bring(&mut member.ring, self.now);
        while let Some(command) = member.ring.poll_command() {
            match command {
                // A member with a disk would write the number there first.
                Command::Reserve(number) => member.ring.reserved(self.now, number),
                Command::Send { to, bytes } => {
                    let is_all = to == Destination::All;
                    let is_meant = |it: &&NodeId| is_all || to == Destination::One(**it);
                    let to = self.members.keys().filter(is_meant);
                    let arrival = self.now + DELAY;
                    self.flying.extend(to.map(|to| (arrival, node, *to, bytes.clone())));
                }
            }
        }
        while let Some(output) = member.ring.poll_output() {
            match output {
                Output::View(view) => {
                    let names: Vec<_> = view.members.iter().map(NodeId::to_string).collect();
                    self.say(node, &format!("has a view of {}", names.join(", ")));
                    member.view = view.members;
                }
                Output::Deliver { from, bytes, .. } => {
                    member.delivered.push(format!("{} of {from}", bytes.escape_ascii()));
                    self.say(node, &format!("delivers {} of {from}", bytes.escape_ascii()));
                }
                Output::Transitional(_) | Output::Stable(_) => {}
            }
        }
        self.members.insert(node, member);
    }

    /// Lets packets arrive and time pass until this is so of all members.
    fn run(&mut self, is_done: impl Fn(&Member) -> bool) {
        while !self.members.values().all(&is_done) {
            let due = |(node, it): (&NodeId, &Member)| Some((it.ring.poll_timeout()?, *node));
            let (at, node) = self.members.iter().filter_map(due).min().expect("a member lives");
            if self.flying.front().is_some_and(|(arrival, ..)| *arrival <= at)
                && let Some((arrival, from, to, bytes)) = self.flying.pop_front()
            {
                self.now = arrival;
                self.call(to, |ring, now| ring.handle_packet(now, from, &bytes));
            } else {
                self.now = at;
                self.call(node, Ring::handle_timeout);
            }
        }
    }
}

fn play() -> World {
    let mut world = World::default();
    let nodes = [1, 2, 3].map(|host| NodeId::new([10, 0, 0, host].into()));
    for node in nodes {
        let config = Config::new(node, Name::default(), Timing::from_token(1000));
        let ring = Ring::new(config, world.now);
        world.members.insert(node, Member { ring, view: Vec::new(), delivered: Vec::new() });
        world.call(node, |_, _| ());
    }
    world.run(|member| member.view == nodes);
    for (node, text) in nodes.into_iter().cycle().zip(["a", "b", "c", "d", "e", "f"]) {
        world.call(node, |ring, now| {
            ring.multicast(now, text.into(), Guarantee::Agreed, Lane::Ordinary).expect("few wait");
        });
    }
    world.run(|member| member.delivered.len() == 6);
    world.say(nodes[0], "dies");
    world.members.remove(&nodes[0]);
    world.run(|member| member.view == nodes[1..]);
    world
}

fn main() {
    println!("{}", play().lines.join("\n"));
}

#[test]
fn members_agree_and_the_same_calls_give_the_same_outputs() {
    let world = play();
    let orders: Vec<_> = world.members.values().map(|member| &member.delivered).collect();
    assert_eq!(orders[0], orders[1]);
    assert_eq!(world.lines, play().lines);
}
