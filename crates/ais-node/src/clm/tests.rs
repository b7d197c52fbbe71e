//! CLM as a program sees it, over views that the tests make up.

use super::*;
use crate::effects::Effect;
use crate::event::Due as ToTell;
use ais_proto::clm::Change;
use ais_wire::Name;

const ME: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 1));
const OTHER: NodeId = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 2));
const NOW: Now = Now { monotonic: 0, wall: 0 };
const HANDLE: ConnectionId = ConnectionId(7);

/// View, members, and of each item the node, `member` and the change.
type Callback = (u64, u32, Vec<(u32, bool, Change)>);

struct Rig {
    clm: Clm,
    fx: Effects,
}

impl Rig {
    fn new() -> Self {
        let record = Record::named("one");
        let clm = Clm { me: ME, members: Members::default(), subscriptions: BTreeMap::new() };
        let mut rig = Self { clm, fx: Effects::new() };
        rig.view(1, &[ME], &[ME], &[]);
        rig.record(ME, &record);
        rig
    }

    fn view(&mut self, number: u64, members: &[NodeId], joined: &[NodeId], left: &[NodeId]) {
        let view = View {
            id: ais_group::ViewId { number, representative: ME },
            members: members.to_vec(),
            joined: joined.to_vec(),
            left: left.to_vec(),
            came_with_me: vec![ME],
            why: String::new(),
        };
        self.clm.on_view(&view, true, &mut self.fx);
    }

    fn record(&mut self, from: NodeId, record: &Record) {
        self.clm.on_announced(from, record, &mut self.fx);
    }

    fn join(&mut self, number: u64) {
        self.view(number, &[ME, OTHER], &[OTHER], &[]);
        self.record(OTHER, &Record::named("two"));
    }

    fn ask(&mut self, request: Request) -> Result<(), AisError> {
        self.fx.list.clear();
        let session = SessionId(1);
        let caller = Caller { session, connection: HANDLE, handle: Some((ServiceId::Clm, 3)) };
        let asker = Asker { session, connection: HANDLE, id: 1 };
        let request = ais_proto::Request::Clm(request);
        self.clm.on_request(NOW, &caller, asker, request, &mut self.fx).unwrap();
        let Some(Effect::Reply { result, .. }) = self.fx.list.pop() else { panic!("no reply") };
        result
    }

    fn start(&mut self, flags: TrackFlags) -> Result<(), AisError> {
        self.ask(Request::TrackStart { flags, capacity: 1, subscription: 5 })
    }

    /// The track callbacks since the last look.
    fn callbacks(&mut self) -> Vec<Callback> {
        let mut callbacks = Vec::new();
        for effect in self.fx.list.drain(..) {
            if let Effect::Tell { connection, due: ToTell::Clm(due), .. } = effect
                && let Some(event) = self.clm.tell(connection, due)
            {
                let Event::Clm(clm::Event::Track { subscription, view, members, items }) = event
                else {
                    panic!("{event:?}")
                };
                assert_eq!((connection, subscription), (HANDLE, 5));
                let items = items.into_iter().map(|(node, change)| (node.id, node.member, change));
                callbacks.push((view, members, items.collect()));
            }
        }
        callbacks
    }
}

impl Record {
    pub(crate) fn named(name: &str) -> Self {
        let cluster = Name::try_from("ais").unwrap();
        Self { name: Name::try_from(name).unwrap(), cluster, boot_timestamp: 9 }
    }
}

#[test]
fn current_tells_all_members_once() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(TrackFlags::CURRENT), Ok(()));
    assert_eq!(rig.callbacks(), [(1, 1, vec![(ME.to_api(), true, Change::NoChange)])]);
    rig.join(2);
    assert_eq!(rig.callbacks(), []);
    assert_eq!(rig.ask(Request::TrackStop), Err(AisError::NotExist));
}

#[test]
fn current_needs_room_for_all() {
    let mut rig = Rig::new();
    rig.join(2);
    assert_eq!(rig.start(TrackFlags::CURRENT), Err(AisError::NoSpace));
    assert_eq!(rig.start(TrackFlags::CHANGES), Ok(()));
}

#[test]
fn changes_tells_all_and_changes_only_tells_the_difference() {
    let mut rig = Rig::new();
    rig.start(TrackFlags::CHANGES).unwrap();
    rig.join(2);
    let (me, other) = (ME.to_api(), OTHER.to_api());
    let joined = (other, true, Change::Joined);
    assert_eq!(rig.callbacks(), [(2, 2, vec![joined, (me, true, Change::NoChange)])]);
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.view(3, &[ME], &[], &[OTHER]);
    assert_eq!(rig.callbacks(), [(3, 1, vec![(other, false, Change::Left)])]);
    assert_eq!(rig.ask(Request::TrackStop), Ok(()));
    assert_eq!(rig.ask(Request::TrackStop), Err(AisError::NotExist));
    rig.join(4);
    assert_eq!(rig.callbacks(), []);
}

#[test]
fn a_view_is_shown_when_all_its_members_are_known() {
    let mut rig = Rig::new();
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.view(2, &[ME, OTHER], &[OTHER], &[]);
    assert_eq!(rig.callbacks(), []);
    let other = Request::NodeGet { node: OTHER.to_api().into() };
    assert_eq!(rig.ask(other), Err(AisError::InvalidParam), "it is not shown yet");
    assert_eq!(rig.ask(Request::NodeGet { node: 0 }), Ok(()));
    rig.record(OTHER, &Record::named("two"));
    assert_eq!(rig.callbacks(), [(2, 2, vec![(OTHER.to_api(), true, Change::Joined)])]);
    rig.view(3, &[ME], &[], &[OTHER]);
    rig.callbacks();
    rig.view(4, &[ME, OTHER], &[OTHER], &[]);
    rig.view(5, &[ME], &[], &[OTHER]);
    assert_eq!(rig.callbacks(), [], "it came and went without being known");
}

#[test]
fn a_node_that_was_restarted_left_and_joined() {
    let mut rig = Rig::new();
    rig.join(2);
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.view(3, &[ME, OTHER], &[OTHER], &[OTHER]);
    assert_eq!(rig.callbacks(), []);
    rig.record(OTHER, &Record::named("two again"));
    let other = OTHER.to_api();
    let items = vec![(other, false, Change::Left), (other, true, Change::Joined)];
    assert_eq!(rig.callbacks(), [(3, 2, items)]);
}

#[test]
fn a_node_of_which_something_else_was_known_left_and_joined() {
    let mut rig = Rig::new();
    rig.view(2, &[ME, OTHER], &[OTHER], &[]);
    rig.record(OTHER, &Record::named("forged"));
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.view(3, &[ME, OTHER], &[], &[]);
    rig.record(ME, &Record::named("one"));
    assert_eq!(rig.callbacks(), [], "all are known");
    rig.record(OTHER, &Record::named("two"));
    let other = OTHER.to_api();
    let items = vec![(other, false, Change::Left), (other, true, Change::Joined)];
    assert_eq!(rig.callbacks(), [(3, 2, items)]);
    let name = &rig.clm.members.node(OTHER).unwrap().name;
    assert_eq!(*name, Name::try_from("two").unwrap());
}

#[test]
fn what_was_not_told_is_told_as_it_has_become() {
    let mut rig = Rig::new();
    let third = NodeId::new(std::net::Ipv4Addr::new(10, 0, 0, 3));
    rig.join(2);
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.fx.list.clear();
    // One comes and goes, and the other is there once more.
    rig.view(3, &[ME, OTHER, third], &[third], &[]);
    rig.record(third, &Record::named("three"));
    rig.view(4, &[ME], &[], &[OTHER, third]);
    rig.view(5, &[ME, OTHER], &[OTHER], &[]);
    rig.record(OTHER, &Record::named("two again"));
    let other = OTHER.to_api();
    let items = vec![(other, false, Change::Left), (other, true, Change::Joined)];
    assert_eq!(rig.callbacks(), [(5, 2, items)], "once, however often it changed");
    // What a program asks for before it is told makes that obsolete.
    rig.view(6, &[ME], &[], &[OTHER]);
    let due = rig.fx.list.pop().unwrap();
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    rig.fx.list.push(due);
    assert_eq!(rig.callbacks(), []);
}

#[test]
fn a_request_for_the_members_leaves_the_tracking_as_it_is() {
    let mut rig = Rig::new();
    rig.start(TrackFlags::CHANGES_ONLY).unwrap();
    let once = Request::TrackStart { flags: TrackFlags::CURRENT, capacity: 1, subscription: 6 };
    assert_eq!(rig.ask(once), Ok(()));
    rig.fx.list.clear();
    rig.join(2);
    assert_eq!(rig.callbacks(), [(2, 2, vec![(OTHER.to_api(), true, Change::Joined)])]);
}

#[test]
fn nodes_are_found_by_id_and_as_the_local_one() {
    let mut rig = Rig::new();
    for node in [0, 0xffff_ffff, u64::from(ME.to_api())] {
        assert_eq!(rig.ask(Request::NodeGet { node }), Ok(()));
    }
    for node in [1, u64::from(OTHER.to_api()), u64::MAX] {
        assert_eq!(rig.ask(Request::NodeGet { node }), Err(AisError::InvalidParam));
    }
    assert_eq!(rig.ask(Request::NodeGetAsync { node: 1, tag: 4 }), Ok(()));
    let Some(Effect::Tell { connection, due: ToTell::Clm(due), .. }) = rig.fx.list.pop() else {
        panic!("{:?}", rig.fx.list)
    };
    let expected = clm::Event::NodeGet { tag: 4, result: Err(AisError::InvalidParam) };
    assert_eq!(rig.clm.tell(connection, due), Some(Event::Clm(expected)));
}
