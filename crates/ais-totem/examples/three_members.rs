//! Three members of a ring in one process, over a network in memory and a clock
//! that is made up: they find each other, agree on one order of messages, and go
//! on when one of them dies. `cargo run -p ais-totem --example three_members`

use ais_totem::{Bytes, Config, Destination, Guarantee, Lane, Output, Ring, Timing};
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
        let Some(member) = self.members.get_mut(&node) else { return };
        bring(&mut member.ring, self.now);
        while let Some(output) = self.members.get_mut(&node).and_then(|it| it.ring.poll_output()) {
            self.act(node, output);
        }
    }

    fn act(&mut self, node: NodeId, output: Output) {
        let Some(member) = self.members.get_mut(&node) else { return };
        match output {
            Output::Send { to, bytes } => {
                let is_all = to == Destination::All;
                let is_meant = |it: &NodeId| is_all && *it != node || to == Destination::One(*it);
                for to in self.members.keys().copied().filter(is_meant) {
                    self.flying.push_back((self.now + DELAY, node, to, bytes.clone()));
                }
            }
            // A member with a disk would write the number there first.
            Output::Reserve(number) => member.ring.reserved(self.now, number),
            Output::View(view) => {
                let names: Vec<_> = view.members.iter().map(NodeId::to_string).collect();
                member.view = view.members;
                self.say(node, &format!("has a view of {}", names.join(", ")));
            }
            Output::Deliver { from, bytes, .. } => {
                let text = format!("{} of {from}", String::from_utf8_lossy(&bytes));
                member.delivered.push(text.clone());
                self.say(node, &format!("delivers {text}"));
            }
            Output::Transitional(_) | Output::Stable(_) => {}
        }
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
