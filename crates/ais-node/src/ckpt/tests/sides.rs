//! Sides that went on without each other, and nodes that join.

use super::cluster::Cluster;
use super::model::Random;
use super::*;
use AisError::{BadHandle, NotExist};

const DIVISIONS: [&[&[usize]]; 4] = [
    &[&[0, 1], &[2, 3, 4]],
    &[&[0, 4], &[1, 3], &[2]],
    &[&[1, 2, 3, 4], &[0]],
    &[&[0, 1, 2], &[4], &[3]],
];
const TWO_SIDES: [&[usize]; 2] = [&[0, 1], &[2, 3]];

fn sides(of: &[&[usize]]) -> Vec<Vec<usize>> {
    of.iter().map(|side| side.to_vec()).collect()
}

fn divided() -> Cluster {
    let mut cluster = Cluster::new(4);
    cluster.divide(sides(&TWO_SIDES));
    cluster
}

/// They meet, and the side of nodes 2 and 3 ranks first.
fn merge_second_first(cluster: &mut Cluster) {
    cluster.meet();
    cluster.merge(&sides(&[&[2, 3], &[0, 1]]), &[]);
    cluster.assert_counted();
}

#[test]
fn the_copy_of_the_first_side_stands() {
    let mut cluster = Cluster::new(4);
    let opens: Vec<_> = (0..4).map(|node| cluster.open(node, "shared", ATTRIBUTES)).collect();
    cluster.write(0, opens[0], b"before").unwrap();
    cluster.divide(sides(&TWO_SIDES));
    cluster.write(1, opens[1], b"dropped").unwrap();
    cluster.write(3, opens[3], b"stands").unwrap();
    merge_second_first(&mut cluster);
    for (node, open) in opens.iter().enumerate() {
        assert_eq!(cluster.contents(node, *open).unwrap(), b"stands");
    }
    cluster.write(0, opens[0], b"after").unwrap();
    assert_eq!(cluster.contents(3, opens[3]).unwrap(), b"after");
}

#[test]
fn handles_move_to_the_copy_that_stands() {
    let mut cluster = divided();
    let mine = cluster.open(0, "a", ATTRIBUTES);
    let theirs = cluster.open(2, "a", ATTRIBUTES);
    cluster.write(0, mine, b"dropped").unwrap();
    cluster.write(2, theirs, b"stands").unwrap();
    merge_second_first(&mut cluster);
    assert_eq!(cluster.contents(0, mine).unwrap(), b"stands");
    cluster.ask(2, Request::Close { checkpoint: theirs });
    cluster.wait(60 * SECOND);
    assert_eq!(cluster.contents(0, mine).unwrap(), b"stands", "it is open still");
    cluster.ask(0, Request::Close { checkpoint: mine });
    cluster.wait(60 * SECOND);
    assert_eq!(cluster.replicas[0].ckpt.state.len(), 0);
}

#[test]
fn many_checkpoints_are_put_together_in_pieces() {
    let mut cluster = Cluster::new(2);
    cluster.divide(sides(&[&[0], &[1]]));
    cluster.compare = false;
    let name = |number: usize| format!("{number}");
    let mine: Vec<_> = (0..2000).map(|of| cluster.open(0, &name(of), ATTRIBUTES)).collect();
    let theirs: Vec<_> = (1000..3000).map(|of| cluster.open(1, &name(of), ATTRIBUTES)).collect();
    cluster.write(0, mine[1500], b"dropped").unwrap();
    cluster.write(1, theirs[500], b"stands").unwrap();
    cluster.write(0, mine[500], b"only here").unwrap();
    cluster.meet();
    cluster.compare = true;
    cluster.merge(&sides(&[&[1], &[0]]), &[]);
    // Twice through 2000, each a piece or two, as many opens, and then the
    // retention of 3000.
    assert!((7..=9).contains(&cluster.pieces), "{}", cluster.pieces);
    cluster.assert_counted();
    assert_eq!(cluster.replicas[0].ckpt.state.len(), 3000);
    assert_eq!(cluster.contents(0, mine[1500]).unwrap(), b"stands");
    assert_eq!(cluster.contents(0, mine[500]).unwrap(), b"only here");
}

#[test]
fn what_only_one_side_has_is_kept() {
    let mut cluster = divided();
    let first = cluster.open(0, "first", ATTRIBUTES);
    let second = cluster.open(2, "second", ATTRIBUTES);
    cluster.write(0, first, b"1").unwrap();
    cluster.write(2, second, b"2").unwrap();
    merge_second_first(&mut cluster);
    assert_eq!(cluster.contents(0, first).unwrap(), b"1");
    assert_eq!(cluster.contents(2, second).unwrap(), b"2");
    let there = cluster.open(3, "first", ATTRIBUTES);
    assert_eq!(cluster.contents(3, there).unwrap(), b"1");
}

#[test]
fn messages_under_way_find_what_took_the_place() {
    let mut cluster = divided();
    let mine = cluster.open(0, "a", ATTRIBUTES);
    let closed = cluster.open(0, "a", ATTRIBUTES);
    let theirs = cluster.open(2, "a", ATTRIBUTES);
    let write = Request::Overwrite { checkpoint: mine, id: b"", data: b"late" };
    let write = cluster.send(0, write);
    cluster.send(0, Request::Close { checkpoint: closed });
    cluster.meet();
    cluster.merge(&sides(&[&[2, 3], &[0, 1]]), &[]);
    cluster.assert_counted();
    assert_eq!(cluster.replies[&write].result, Ok(()));
    assert_eq!(cluster.contents(2, theirs).unwrap(), b"late");
}

#[test]
fn only_so_many_of_the_ids_that_a_checkpoint_had_are_known() {
    let mut cluster = Cluster::new(4);
    let mut mine = cluster.open(0, "a", ATTRIBUTES);
    for round in 0..MAX_MEMBERS + 3 {
        cluster.divide(sides(&TWO_SIDES));
        cluster.ask(2, Request::Unlink { name: Name::try_from("a").unwrap() });
        let theirs = cluster.open(2, "a", ATTRIBUTES);
        merge_second_first(&mut cluster);
        let former = |(_, checkpoint): (_, &Checkpoint)| checkpoint.former.len();
        let known = cluster.replicas[0].ckpt.state.iter().map(former).max();
        assert_eq!(known, Some((round + 1).min(MAX_MEMBERS)));
        cluster.write(0, mine, b"meant as well").unwrap();
        cluster.ask(0, Request::Close { checkpoint: mine });
        mine = cluster.open(0, "a", ATTRIBUTES);
        cluster.ask(2, Request::Close { checkpoint: theirs });
    }
}

#[test]
fn an_unlinked_checkpoint_goes_its_own_way() {
    let mut cluster = divided();
    let unlinked = cluster.open(0, "a", ATTRIBUTES);
    cluster.write(0, unlinked, b"unlinked").unwrap();
    let name = Name::try_from("a").unwrap();
    assert_eq!(cluster.ask(0, Request::Unlink { name }).result, Ok(()));
    let linked = cluster.open(2, "a", ATTRIBUTES);
    cluster.write(2, linked, b"linked").unwrap();
    merge_second_first(&mut cluster);
    assert_eq!(cluster.contents(0, unlinked).unwrap(), b"unlinked");
    let again = cluster.open(0, "a", ATTRIBUTES);
    assert_eq!(cluster.contents(0, again).unwrap(), b"linked");
    cluster.ask(0, Request::Close { checkpoint: unlinked });
    assert_eq!(cluster.replicas[3].ckpt.state.len(), 1);
    let again = cluster.open(1, "a", ATTRIBUTES);
    assert_eq!(cluster.contents(1, again).unwrap(), b"linked");
}

#[test]
fn retention_of_what_stands_goes_on() {
    let mut cluster = Cluster::new(4);
    let checkpoint = cluster.open(0, "a", ATTRIBUTES);
    cluster.ask(0, Request::Close { checkpoint });
    cluster.divide(sides(&TWO_SIDES));
    cluster.wait(6 * SECOND);
    merge_second_first(&mut cluster);
    cluster.wait(5 * SECOND - 1);
    assert_eq!(cluster.replicas[3].ckpt.state.len(), 1, "5 s were left when all were told last");
    cluster.wait(1);
    assert_eq!(cluster.replicas[3].ckpt.state.len(), 0);
}

#[test]
fn a_proposal_of_before_the_merge_is_void() {
    let mut cluster = Cluster::new(4);
    let checkpoint = cluster.open(0, "a", ATTRIBUTES);
    cluster.ask(0, Request::Close { checkpoint });
    cluster.divide(sides(&TWO_SIDES));
    // The second side uses it again, so many times that the versions agree.
    let checkpoint = cluster.open(2, "a", ATTRIBUTES);
    cluster.ask(2, Request::Close { checkpoint });
    let checkpoint = cluster.open(0, "a", ATTRIBUTES);
    cluster.ask(0, Request::Close { checkpoint });
    let (id, version) = {
        let state = &cluster.replicas[0].ckpt.state;
        let (id, _) = state.iter().next().unwrap();
        (id, state.retention(id).unwrap().0)
    };
    let Replica { fx, .. } = &mut cluster.replicas[0];
    send(&Message::Retire { checkpoint: id, version }, None, fx);
    merge_second_first(&mut cluster);
    assert_eq!(cluster.replicas[3].ckpt.state.len(), 1);
}

#[test]
fn a_node_that_is_on_no_side_any_more_has_nothing_open() {
    let mut cluster = divided();
    let checkpoint = cluster.open(1, "a", ATTRIBUTES);
    cluster.meet();
    cluster.merge(&sides(&[&[2, 3], &[0, 1]]), &[1]);
    cluster.assert_counted();
    assert_eq!(cluster.contents(1, checkpoint), Err(BadHandle));
    assert_eq!(cluster.write(1, checkpoint, b"x"), Err(BadHandle));
    assert_eq!(cluster.ask(1, Request::Close { checkpoint }).result, Err(BadHandle));
    for request in [
        Request::StatusGet { checkpoint },
        Request::IteratorStart { checkpoint },
        Request::RetentionDurationSet { checkpoint, duration: 1 },
        Request::Synchronize { checkpoint },
        Request::SectionDelete { checkpoint, id: b"x" },
    ] {
        assert_eq!(cluster.ask(1, request).result, Err(BadHandle));
    }
}

#[test]
fn who_crashed_and_is_back_in_one_view_has_nothing_open() {
    let mut cluster = Cluster::new(3);
    cluster.open(2, "gone", Attributes { retention_duration: 0, ..ATTRIBUTES });
    let kept = cluster.open(0, "kept", ATTRIBUTES);
    cluster.restart(2, |cluster| {
        cluster.send(0, Request::Overwrite { checkpoint: kept, id: b"", data: b"new" });
    });
    cluster.assert_counted();
    assert_eq!(cluster.replicas[2].ckpt.state.len(), 1);
    let there = cluster.open(2, "kept", ATTRIBUTES);
    assert_eq!(cluster.contents(2, there).unwrap(), b"new");
}

/// What programs do at random, on all nodes.
struct Play {
    cluster: Cluster,
    random: Random,
    /// What the program of each node got as answers to its opens, checked
    /// when it is used.
    asked: Vec<(usize, u32)>,
    opens: Vec<Vec<u32>>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (cluster, opens) = (Cluster::new(5), vec![Vec::new(); 5]);
        Self { cluster, random, asked: Vec::new(), opens }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.below(of.len() as u64) as usize]
    }

    fn take_opens(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        for (node, id) in asked {
            match self.cluster.replies.remove(&id) {
                Some(reply) if reply.result.is_ok() => {
                    self.opens[node].push(Reader::new(&reply.body).u32().unwrap());
                }
                Some(_) => {}
                None => self.asked.push((node, id)),
            }
        }
    }

    fn step(&mut self) {
        self.take_opens();
        let node = self.random.below(5) as usize;
        let name = self.pick(&["a", "b", "c"]);
        match self.random.below(16) {
            0..=2 => {
                let retention_duration = self.pick(&[0, SECOND, 10 * SECOND]);
                let attributes =
                    Attributes { retention_duration, ..self.pick(&[ATTRIBUTES, WEAK]) };
                let flags = self.pick(&[BOTH, COLOCATED]);
                let open = Request::Open(to_open(name, flags, Some(attributes)));
                let id = self.cluster.send(node, open);
                self.asked.push((node, id));
            }
            3 => {
                let name = Name::try_from(name).unwrap();
                self.cluster.send(node, Request::Unlink { name });
            }
            4 => {
                let nanoseconds = self.pick(&[1, SECOND, 3 * SECOND]);
                self.cluster.wait(nanoseconds);
            }
            5..=7 => {
                let sides = self.cluster.sides.clone();
                if let Some(side) = sides.iter().find(|side| side.contains(&node)) {
                    self.cluster.deliver(node, side);
                }
            }
            _ => self.use_one(node),
        }
    }

    fn use_one(&mut self, node: usize) {
        if self.opens[node].is_empty() {
            return;
        }
        let which = self.random.below(self.opens[node].len() as u64) as usize;
        let checkpoint = self.opens[node][which];
        let id: &[u8] = self.pick(&[&b""[..], b"x", b"y"]);
        let most = self.pick(&[100, 100, 100, 100, 100, 100, 100, 5_000]);
        let data = self.random.bytes(most);
        let soon = START + self.random.below(60) as i64 * SECOND;
        let expiration = self.pick(&[i64::MAX, soon]);
        let request = match self.random.below(9) {
            0 => {
                self.opens[node].remove(which);
                Request::Close { checkpoint }
            }
            1 | 2 => Request::SectionCreate { checkpoint, id: Some(id), expiration, data: &data },
            3 => Request::SectionCreate { checkpoint, id: None, expiration, data: &data },
            4 => Request::SectionDelete { checkpoint, id },
            5 => Request::ExpirationTimeSet { checkpoint, id, expiration },
            6 => {
                let offset = self.pick(&[0, 0, 0, 65_530]);
                let elements = vec![WriteElement { id, offset, data: &data }];
                Request::Write { checkpoint, elements }
            }
            7 => self.pick_rare(checkpoint),
            _ => Request::Overwrite { checkpoint, id, data: &data },
        };
        self.cluster.send(node, request);
    }

    fn pick_rare<'a>(&mut self, checkpoint: u32) -> Request<'a> {
        match self.random.below(2) {
            0 => Request::ActiveSet { checkpoint },
            _ => Request::RetentionDurationSet { checkpoint, duration: 2 * SECOND },
        }
    }

    fn steps(&mut self, count: u64) {
        (0..self.random.below(count)).for_each(|_| self.step());
    }

    /// What is under way is delivered to all, each on the state of its side;
    /// then another view comes.
    fn meet_in_vain(&mut self) {
        self.cluster.meet();
        for _ in 0..self.random.below(6) {
            let from = self.random.below(5) as usize;
            self.cluster.deliver(from, &[0, 1, 2, 3, 4]);
        }
    }

    fn round(&mut self) {
        self.steps(60);
        let divided = self.pick(&DIVISIONS);
        let mut ranked = sides(divided);
        self.cluster.divide(ranked.clone());
        self.steps(120);
        if self.random.below(3) == 0 {
            self.meet_in_vain();
        }
        let last = ranked.len() as u64;
        let (one, other) = (self.random.below(last) as usize, self.random.below(last) as usize);
        ranked.swap(one, other);
        self.cluster.meet();
        let given_up = if self.random.below(4) == 0 {
            vec![self.random.below(5) as usize]
        } else {
            Vec::new()
        };
        self.cluster.merge(&ranked, &given_up);
        self.steps(60);
        if self.random.below(2) == 0 {
            let node = self.random.below(5) as usize;
            self.cluster.settle();
            self.take_opens();
            self.opens[node].clear();
            let mut random = Random(self.random.below(u64::MAX) | 1);
            let opens = self.opens.clone();
            self.cluster.restart(node, |cluster| {
                for (of, opens) in opens.iter().enumerate() {
                    for checkpoint in opens {
                        let (checkpoint, data) = (*checkpoint, random.bytes(1000));
                        cluster.send(of, Request::Overwrite { checkpoint, id: b"", data: &data });
                    }
                }
            });
        }
        self.cluster.assert_counted();
    }
}

#[test]
fn whatever_happened_on_the_sides_all_nodes_have_the_same_in_the_end() {
    for seed in 1..=15 {
        println!("seed {seed}");
        let mut play = Play::new(seed);
        (0..3).for_each(|_| play.round());
        play.cluster.wait(120 * SECOND);
        play.cluster.assert_counted();
    }
}

#[test]
fn a_name_that_is_gone_on_the_other_side_comes_back() {
    let mut cluster = Cluster::new(4);
    let checkpoint = cluster.open(0, "a", ATTRIBUTES);
    cluster.divide(sides(&TWO_SIDES));
    cluster.wait(60 * SECOND);
    let open = Request::Open(to_open("a", BOTH, None));
    assert_eq!(cluster.ask(2, open).result, Err(NotExist), "nobody had it open there");
    merge_second_first(&mut cluster);
    assert_eq!(cluster.contents(0, checkpoint).unwrap(), b"");
}
