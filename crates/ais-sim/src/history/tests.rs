//! Every checker, on a history that is well and on one that is not.

use super::*;

fn node(number: u8) -> NodeId {
    NodeId::new([10, 0, 0, number].into())
}

fn nodes(numbers: &[u8]) -> Vec<NodeId> {
    numbers.iter().map(|number| node(*number)).collect()
}

fn view(number: u64, members: &[u8], before: &[u8], came: &[u8]) -> View {
    let without = |of: &[u8]| -> Vec<NodeId> {
        of.iter().filter(|of| !came.contains(of)).map(|of| node(*of)).collect()
    };
    View {
        id: ViewId { number, representative: node(members[0]) },
        members: nodes(members),
        joined: without(members),
        left: without(before),
        came_with_me: nodes(came),
        why: "a test".into(),
    }
}

/// Nodes 1 to 3, in view 10 together.
fn three() -> History {
    let mut history = History::default();
    for of in 1..=3 {
        history.begin(0, node(of), 5);
        history.install(1, node(of), view(10, &[1, 2, 3], &[], &[of])).unwrap();
    }
    history
}

fn send(history: &mut History, from: u8, guarantee: Guarantee) -> Uid {
    let uid = history.compose(node(from), 20, guarantee, Lane::Ordinary);
    history.sent(uid);
    uid
}

fn deliver(history: &mut History, to: u8, number: u64, uid: Uid) -> Result<(), String> {
    let from = history.lives[history.messages.get(uid).from].node;
    let content = history.messages.content(uid);
    history.deliver(node(to), number, from, &content)
}

/// Node `of` goes from view 10 to view `number`.
fn go_on(history: &mut History, of: u8, number: u64, members: &[u8]) {
    history.transitional(node(of), nodes(members)).unwrap();
    history.install(9, node(of), view(number, members, &[1, 2, 3], members)).unwrap();
}

fn says(result: Result<impl std::fmt::Debug, String>, what: &str) {
    let text = result.unwrap_err();
    assert!(text.starts_with(what), "{text}");
}

#[test]
fn a_history_that_is_well() {
    let mut history = three();
    let first = send(&mut history, 1, Guarantee::Safe);
    let second = send(&mut history, 2, Guarantee::Agreed);
    for of in 1..=3 {
        deliver(&mut history, of, 1, first).unwrap();
        history.stable(node(of), 1).unwrap();
        deliver(&mut history, of, 7, second).unwrap();
    }
    history.end(5, node(3));
    go_on(&mut history, 1, 11, &[1, 2]);
    go_on(&mut history, 2, 11, &[1, 2]);
    let seen = history.together().unwrap();
    assert_eq!((seen.views, seen.deliveries), (2, 6));
}

#[test]
fn integrity() {
    let mut history = three();
    let uid = send(&mut history, 1, Guarantee::Agreed);
    let content = history.messages.content(uid);
    let changed = [&content[..19], &[0xff]].concat();
    says(history.deliver(node(2), 1, node(1), &changed), "integrity");
    says(history.deliver(node(2), 1, node(1), &content[..19]), "integrity");
    says(history.deliver(node(2), 1, node(3), &content), "integrity");
    says(history.deliver(node(2), 1, node(1), b"what?"), "integrity");
    deliver(&mut history, 2, 1, uid).unwrap();
    says(deliver(&mut history, 2, 2, uid), "integrity");
    let refused = history.compose(node(1), 3, Guarantee::Agreed, Lane::Ordinary);
    says(deliver(&mut history, 2, 3, refused), "integrity");
}

#[test]
fn short_messages_are_recognised() {
    let mut history = three();
    for length in [0, 1, 1, 7, 0, 8] {
        let uid = history.compose(node(1), length, Guarantee::Agreed, Lane::Ordinary);
        history.sent(uid);
        let content = history.messages.content(uid);
        assert_eq!(history.messages.recognise(&content).unwrap().0, uid);
    }
}

#[test]
fn agreed_order() {
    let mut history = three();
    let first = send(&mut history, 1, Guarantee::Agreed);
    let second = send(&mut history, 2, Guarantee::Agreed);
    deliver(&mut history, 1, 1, first).unwrap();
    deliver(&mut history, 1, 2, second).unwrap();
    says(deliver(&mut history, 2, 1, second), "order");

    let mut history = three();
    let uid = send(&mut history, 1, Guarantee::Agreed);
    deliver(&mut history, 1, 1, uid).unwrap();
    says(deliver(&mut history, 2, 2, uid), "order");

    let mut history = three();
    let first = send(&mut history, 1, Guarantee::Agreed);
    let second = send(&mut history, 2, Guarantee::Agreed);
    deliver(&mut history, 1, 2, first).unwrap();
    says(deliver(&mut history, 1, 1, second), "order");

    // The order in which one sender sends is kept.
    let mut history = three();
    let first = send(&mut history, 1, Guarantee::Agreed);
    let second = send(&mut history, 1, Guarantee::Agreed);
    deliver(&mut history, 2, 1, second).unwrap();
    says(deliver(&mut history, 2, 2, first), "order");
}

#[test]
fn order_across_views() {
    let mut history = three();
    let uid = send(&mut history, 1, Guarantee::Agreed);
    deliver(&mut history, 1, 1, uid).unwrap();
    go_on(&mut history, 2, 11, &[1, 2]);
    says(deliver(&mut history, 2, 1, uid), "order");
}

#[test]
fn gaps_in_a_regular_configuration() {
    let mut history = three();
    let first = send(&mut history, 1, Guarantee::Agreed);
    let second = send(&mut history, 2, Guarantee::Agreed);
    deliver(&mut history, 1, 1, first).unwrap();
    deliver(&mut history, 1, 2, second).unwrap();
    deliver(&mut history, 2, 2, second).unwrap();
    says(history.together(), "gap");
}

#[test]
fn gaps_in_a_transitional_configuration() {
    let with_gap = |from: u8, answer: bool| {
        let mut history = three();
        let lost = send(&mut history, from, Guarantee::Agreed);
        deliver(&mut history, 3, 1, lost).unwrap();
        if answer {
            deliver(&mut history, 2, 1, lost).unwrap();
        }
        let late = send(&mut history, 2, Guarantee::Agreed);
        history.end(5, node(3));
        history.transitional(node(1), nodes(&[1, 2])).unwrap();
        history.transitional(node(2), nodes(&[1, 2])).unwrap();
        deliver(&mut history, 1, 2, late).unwrap();
        deliver(&mut history, 2, 2, late).unwrap();
        history.together()
    };
    // What node 3 sent and only it had is gone with it.
    with_gap(3, false).unwrap();
    // What node 1 sent is not, and what node 2 may have answered neither.
    says(with_gap(1, false), "gap");
    says(with_gap(3, true), "gap");
}

#[test]
fn safe_delivery() {
    let safe = |guarantee, ended: bool| {
        let mut history = three();
        let uid = send(&mut history, 1, guarantee);
        deliver(&mut history, 1, 1, uid).unwrap();
        deliver(&mut history, 2, 1, uid).unwrap();
        if ended {
            history.end(5, node(3));
        } else {
            go_on(&mut history, 3, 12, &[3]);
        }
        go_on(&mut history, 1, 11, &[1, 2]);
        go_on(&mut history, 2, 11, &[1, 2]);
        history.together()
    };
    safe(Guarantee::Agreed, false).unwrap();
    safe(Guarantee::Safe, true).unwrap();
    says(safe(Guarantee::Safe, false), "safe");
}

#[test]
fn safe_delivery_between_views() {
    let mut history = three();
    let uid = send(&mut history, 1, Guarantee::Safe);
    history.transitional(node(1), nodes(&[1, 2])).unwrap();
    deliver(&mut history, 1, 1, uid).unwrap();
    // Node 2 was to have it, but went another way, without it.
    go_on(&mut history, 2, 12, &[2]);
    go_on(&mut history, 3, 13, &[3]);
    says(history.together(), "safe");
}

#[test]
fn stability() {
    let mut history = three();
    let uid = send(&mut history, 1, Guarantee::Agreed);
    deliver(&mut history, 1, 3, uid).unwrap();
    history.stable(node(1), 3).unwrap();
    deliver(&mut history, 2, 3, uid).unwrap();
    says(history.together(), "stable");
    deliver(&mut history, 3, 3, uid).unwrap();
    history.together().unwrap();
    says(history.stable(node(1), 2), "stable");
}

#[test]
fn virtual_synchrony() {
    let mut history = three();
    let uid = send(&mut history, 3, Guarantee::Agreed);
    deliver(&mut history, 1, 1, uid).unwrap();
    deliver(&mut history, 3, 1, uid).unwrap();
    go_on(&mut history, 1, 11, &[1, 2]);
    go_on(&mut history, 2, 11, &[1, 2]);
    says(history.together(), "virtual synchrony");
}

#[test]
fn who_came_along() {
    let mut history = three();
    history.transitional(node(1), nodes(&[1])).unwrap();
    history.install(9, node(1), view(11, &[1, 2], &[1, 2, 3], &[1])).unwrap();
    go_on(&mut history, 2, 11, &[1, 2]);
    says(history.together(), "virtual synchrony");

    // Node 2 was somewhere else in between.
    let mut history = three();
    go_on(&mut history, 2, 11, &[2]);
    history.transitional(node(2), nodes(&[2])).unwrap();
    history.install(9, node(2), view(12, &[1, 2], &[2], &[2])).unwrap();
    go_on(&mut history, 1, 12, &[1, 2]);
    says(history.together(), "virtual synchrony");
}

#[test]
fn self_delivery() {
    let mut history = three();
    send(&mut history, 1, Guarantee::Agreed);
    says(history.together(), "self delivery");
    history.end(5, node(1));
    history.together().unwrap();
}

#[test]
fn configurations() {
    let wrong = |change: fn(&mut View)| {
        let mut history = three();
        history.transitional(node(1), nodes(&[1, 2])).unwrap();
        let mut view = view(11, &[1, 2], &[1, 2, 3], &[1, 2]);
        change(&mut view);
        says(history.install(9, node(1), view), "configurations");
    };
    wrong(|view| view.members = nodes(&[2, 1]));
    wrong(|view| view.members = nodes(&[2]));
    wrong(|view| view.id.representative = node(2));
    wrong(|view| view.id.number = 10);
    wrong(|view| view.came_with_me = nodes(&[1]));
    wrong(|view| view.joined = nodes(&[2]));
    wrong(|view| view.left = nodes(&[]));
    wrong(|view| view.members = nodes(&[1]));

    let mut history = three();
    let next = view(11, &[1, 2], &[1, 2, 3], &[1, 2]);
    says(history.install(9, node(1), next.clone()), "configurations");

    let mut history = three();
    says(history.transitional(node(1), nodes(&[1, 4])), "configurations");
    says(history.transitional(node(1), nodes(&[2])), "configurations");
    history.transitional(node(1), nodes(&[1, 2])).unwrap();
    says(history.transitional(node(1), nodes(&[1, 2])), "configurations");
    history.install(9, node(1), next).unwrap();

    // The same id with other members; a number from an earlier life.
    go_on_as(&mut history, "configurations");
    let mut history = three();
    history.end(5, node(3));
    history.begin(6, node(3), 5);
    says(history.install(9, node(3), view(10, &[3], &[], &[3])), "configurations");
    history.begin(6, node(4), 20);
    says(history.install(9, node(4), view(20, &[4], &[], &[4])), "configurations");
    says(history.transitional(node(4), nodes(&[4])), "configurations");
}

fn go_on_as(history: &mut History, what: &str) {
    history.transitional(node(3), nodes(&[3])).unwrap();
    let mut other = view(11, &[3], &[1, 2, 3], &[3]);
    other.members = nodes(&[1, 3]);
    other.joined = nodes(&[1]);
    other.id.representative = node(1);
    says(history.install(9, node(3), other), what);
}
