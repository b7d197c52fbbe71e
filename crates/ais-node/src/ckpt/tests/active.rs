//! Where the active replica of a colocated checkpoint is, and what needs it.

use super::cluster::{Cluster, node};
use super::*;
use AisError::{Access, BadOperation, NotExist};

const STRICT: Limits = Limits { strict: true, ..LIMITS };

/// All calls that need an active replica; they undo what they do.
fn all(rig: &mut Rig, checkpoint: u32) -> [Result<(), AisError>; 10] {
    let (id, data, expiration) = (&b"s"[..], &b"x"[..], i64::MAX);
    let default = WriteElement { id: b"", offset: 0, data };
    let elements = vec![ReadElement { id: b"", offset: 0, size: None }];
    let chosen = SectionsChosen::Any;
    let requests = [
        Request::SectionCreate { checkpoint, id: Some(id), expiration, data },
        Request::ExpirationTimeSet { checkpoint, id, expiration },
        Request::Overwrite { checkpoint, id, data },
        Request::Write { checkpoint, elements: vec![default] },
        Request::Read { checkpoint, elements },
        Request::StatusGet { checkpoint },
        Request::IteratorStart { checkpoint },
        Request::IteratorNext { checkpoint, chosen, expiration: 0, cursor: u64::MAX },
        Request::Synchronize { checkpoint },
        Request::SectionDelete { checkpoint, id },
    ];
    requests.map(|request| rig.result(ONE, request))
}

/// What an operator is shown on a node.
fn shown(replica: &Replica, name: &str) -> Option<NodeId> {
    replica.ckpt.inspect(&Name::try_from(name).unwrap()).unwrap().0.active
}

impl Cluster {
    /// The node with the active replica, as each of these nodes shows it.
    fn active(&self, of: &[usize]) -> NodeId {
        let mut shown = of.iter().map(|number| shown(&self.replicas[*number], "a").unwrap());
        let first = shown.next().unwrap();
        assert!(shown.all(|node| node == first));
        first
    }

    /// Only these are left, and each can use it.
    fn leave(&mut self, left: &[usize], opens: &[(usize, u32)]) {
        self.divide(vec![left.to_vec()]);
        for (number, checkpoint) in opens {
            assert_eq!(self.write(*number, *checkpoint, b"x"), Ok(()));
            assert_eq!(self.contents(*number, *checkpoint).unwrap(), b"x");
        }
    }
}

#[test]
fn who_makes_a_colocated_checkpoint_can_use_it_at_once() {
    let mut rig = Rig::new();
    for option in [UpdateOption::ActiveReplica, UpdateOption::ActiveReplicaWeak] {
        let attributes = Attributes { option, retention_duration: 0, ..ATTRIBUTES };
        let far = rig.open_with(FAR, "a", COLOCATED, Some(attributes)).unwrap();
        let checkpoint = rig.open_with(ONE, "a", BOTH, None).unwrap();
        assert_eq!(all(&mut rig, checkpoint), [Ok(()); 10]);
        assert_eq!(rig.replicas.each_ref().map(|replica| shown(replica, "a")), [Some(OTHER); 2]);
        rig.close(FAR, far).unwrap();
        assert_eq!(shown(&rig.replicas[0], "a"), Some(OTHER), "its node is there");
        rig.close(ONE, checkpoint).unwrap();
    }
    let checkpoint = rig.open_with(FAR, "gone", COLOCATED, Some(WEAK)).unwrap();
    rig.close(FAR, checkpoint).unwrap();
    rig.view(&[LOWEST], &[OTHER]);
    assert_eq!(shown(&rig.replicas[0], "gone"), Some(LOWEST), "nobody has it open");
    let checkpoint = rig.open_with(ONE, "gone", BOTH, None).unwrap();
    assert_eq!(all(&mut rig, checkpoint), [Ok(()); 10]);
}

#[test]
fn strict_limits_have_programs_set_the_active_replica() {
    let mut rig = Rig::with(STRICT);
    let checkpoint = rig.open_with(ONE, "a", COLOCATED, Some(WEAK)).unwrap();
    let far = rig.open_with(FAR, "a", COLOCATED, None).unwrap();
    let elsewhere = rig.open_with(ONE, "a", BOTH, None).unwrap();
    let read = rig.open_with(ONE, "a", READ, None).unwrap();
    assert_eq!(all(&mut rig, checkpoint), [Err(NotExist); 10]);
    assert_eq!(shown(&rig.replicas[1], "a"), None);
    assert_eq!(rig.result(ONE, Request::ActiveSet { checkpoint: read }), Err(Access));
    let set = Request::ActiveSet { checkpoint: elsewhere };
    assert_eq!(rig.result(ONE, set), Err(BadOperation), "it did not ask for a local replica");
    let reply = rig.ask(FAR, Request::ActiveSet { checkpoint: far });
    assert_eq!((reply.result, reply.promise), (Ok(()), Promise::Stable));
    assert_eq!(all(&mut rig, checkpoint), [Ok(()); 10]);
    assert_eq!(shown(&rig.replicas[0], "a"), Some(OTHER));
    rig.view(&[LOWEST], &[OTHER]);
    assert_eq!(all(&mut rig, checkpoint), [Err(NotExist); 10]);
    assert_eq!(shown(&rig.replicas[0], "a"), None);
    let asynchronous = Request::SynchronizeAsync { checkpoint, tag: 4 };
    assert_eq!(rig.ask(HANDLE, asynchronous).result, Ok(()));
    let event = ckpt::Event::Synchronize { tag: 4, result: Err(NotExist) };
    assert_eq!(rig.replicas[0].events, [(HANDLE.connection, event)]);
    assert_eq!(rig.result(ONE, Request::ActiveSet { checkpoint }), Ok(()));
    assert_eq!(all(&mut rig, checkpoint), [Ok(()); 10]);
}

#[test]
fn each_node_has_its_own_rule_and_all_have_the_same_state() {
    let mut rig = Rig::new();
    rig.replicas[1].ckpt.limits.strict = true;
    let checkpoint = rig.open_with(ONE, "a", COLOCATED, Some(WEAK)).unwrap();
    let far = rig.open_with(FAR, "a", COLOCATED, None).unwrap();
    let data = &b"x"[..];
    let overwrite = || Request::Overwrite { checkpoint: far, id: b"", data };
    assert_eq!(all(&mut rig, checkpoint), [Ok(()); 10]);
    assert_eq!(rig.result(FAR, overwrite()), Err(NotExist));
    assert_eq!(rig.replicas.each_ref().map(|replica| shown(replica, "a")), [Some(LOWEST), None]);
    assert_eq!(rig.result(ONE, Request::ActiveSet { checkpoint }), Ok(()));
    assert_eq!(rig.result(FAR, overwrite()), Ok(()));
    assert_eq!(rig.replicas.each_ref().map(|replica| shown(replica, "a")), [Some(LOWEST); 2]);
}

#[test]
fn all_other_checkpoints_have_no_active_replica_to_set() {
    for limits in [LIMITS, STRICT] {
        let mut rig = Rig::with(limits);
        let asynchronous = rig.open_with(ONE, "a", BOTH, Some(WEAK)).unwrap();
        let later = rig.open_with(ONE, "a", COLOCATED, Some(WEAK)).unwrap();
        let everywhere = rig.open(ONE, "b", COLOCATED);
        for checkpoint in [asynchronous, later, everywhere] {
            assert_eq!(rig.result(ONE, Request::ActiveSet { checkpoint }), Err(BadOperation));
            assert_eq!(rig.overwrite(checkpoint, b"", b"x"), Ok(()));
        }
        assert_eq!(["a", "b"].map(|name| shown(&rig.replicas[0], name)), [None; 2]);
    }
}

#[test]
fn the_lowest_that_has_it_open_takes_over() {
    let mut cluster = Cluster::new(5);
    let made = cluster.open(4, "a", WEAK);
    let others: Vec<_> = [3, 2].map(|number| (number, cluster.open(number, "a", WEAK))).into();
    assert_eq!(cluster.active(&[0, 1, 2, 3, 4]), node(4));
    cluster.ask(4, Request::Close { checkpoint: made });
    assert_eq!(cluster.active(&[0, 1, 2, 3, 4]), node(4), "its node is there");
    cluster.leave(&[0, 1, 2, 3], &others);
    assert_eq!(cluster.active(&[0, 1, 2, 3]), node(2));
    cluster.leave(&[0, 1, 3], &others[..1]);
    assert_eq!(cluster.active(&[0, 1, 3]), node(3));
    cluster.leave(&[0, 1], &[]);
    assert_eq!(cluster.active(&[0, 1]), node(0), "nobody has it open");
    cluster.leave(&[1], &[]);
    assert_eq!(cluster.active(&[1]), node(1));
}

#[test]
fn several_nodes_that_go_at_once_leave_it_to_one_that_stays() {
    let mut cluster = Cluster::new(5);
    for number in [1, 2, 3, 4] {
        cluster.open(number, "a", WEAK);
    }
    let name = Name::try_from("a").unwrap();
    assert_eq!(cluster.ask(0, Request::Unlink { name }).result, Ok(()));
    assert_eq!(cluster.active(&[0, 1, 2, 3, 4]), node(1));
    cluster.leave(&[0, 3, 4], &[]);
    assert_eq!(cluster.active(&[0, 3, 4]), node(3), "unlinked or not");
}

#[test]
fn each_side_has_one_and_that_of_the_first_side_stands() {
    let mut cluster = Cluster::new(4);
    let opens: Vec<_> = (0..4).map(|number| cluster.open(number, "a", WEAK)).collect();
    cluster.divide(vec![vec![0, 1], vec![2, 3]]);
    assert_eq!((cluster.active(&[0, 1]), cluster.active(&[2, 3])), (node(0), node(2)));
    cluster.write(1, opens[1], b"dropped").unwrap();
    cluster.write(3, opens[3], b"stands").unwrap();
    cluster.meet();
    cluster.merge(&[vec![2, 3], vec![0, 1]], &[]);
    assert_eq!(cluster.active(&[0, 1, 2, 3]), node(2));
    for (number, open) in opens.iter().enumerate() {
        assert_eq!(cluster.contents(number, *open).unwrap(), b"stands");
        assert_eq!(cluster.write(number, *open, b"stands"), Ok(()));
    }
}

#[test]
fn what_a_program_has_set_outlives_a_merge() {
    for set_first in [false, true] {
        let mut cluster = Cluster::new(4);
        let opens: Vec<_> = (0..4).map(|number| cluster.open(number, "a", WEAK)).collect();
        cluster.divide(vec![vec![0, 1], vec![2, 3]]);
        assert_eq!(cluster.ask(1, Request::ActiveSet { checkpoint: opens[1] }).result, Ok(()));
        if set_first {
            assert_eq!(cluster.ask(3, Request::ActiveSet { checkpoint: opens[3] }).result, Ok(()));
        }
        cluster.meet();
        cluster.merge(&[vec![2, 3], vec![0, 1]], &[]);
        assert_eq!(cluster.active(&[0, 1, 2, 3]), node(if set_first { 3 } else { 1 }));
    }
}

#[test]
fn a_copy_gives_no_active_replica_to_what_has_none() {
    let mut cluster = Cluster::new(4);
    cluster.divide(vec![vec![0, 1], vec![2, 3]]);
    let colocated = cluster.open(0, "a", WEAK);
    assert_eq!(cluster.ask(0, Request::ActiveSet { checkpoint: colocated }).result, Ok(()));
    let open = Request::Open(to_open("a", BOTH, Some(WEAK)));
    assert_eq!(cluster.ask(2, open).result, Ok(()));
    cluster.meet();
    cluster.merge(&[vec![2, 3], vec![0, 1]], &[]);
    assert_eq!(shown(&cluster.replicas[1], "a"), None);
    let set = cluster.ask(0, Request::ActiveSet { checkpoint: colocated });
    assert_eq!(set.result, Err(BadOperation));
}

#[test]
fn a_node_that_joins_knows_where_it_is() {
    let mut cluster = Cluster::new(3);
    let checkpoint = cluster.open(2, "a", WEAK);
    cluster.restart(1, |_| {});
    assert_eq!(cluster.active(&[0, 1, 2]), node(2));
    assert_eq!(cluster.ask(2, Request::ActiveSet { checkpoint }).result, Ok(()));
    cluster.restart(0, |_| {});
    assert_eq!(cluster.active(&[0, 1, 2]), node(2));
    // A node that is back has not what it had.
    cluster.restart(2, |_| {});
    assert_eq!(cluster.active(&[0, 1, 2]), node(0));
}
