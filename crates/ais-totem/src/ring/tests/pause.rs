//! A process that was not run for a while.

use super::*;

fn pause(net: &mut Net, host: u8, time: u64) {
    net.stopped.insert(host);
    net.run(time);
    net.stopped.remove(&host);
}

#[test]
fn a_pause_shorter_than_the_token_changes_nothing() {
    for percent in [10, 30, 55, 70, 85] {
        for at in 0..10 {
            let mut net = Net::of(&[1, 2, 3]);
            net.run(1000 * MS + at * 7 * MS);
            pause(&mut net, 2, TOKEN * percent / 100);
            net.run(3 * TOKEN);
            for host in 1..=3 {
                assert_eq!(net.counter(host, "views"), 1, "{percent} % at {at}");
            }
        }
    }
}

#[test]
fn a_pause_under_load_shorter_than_the_token_changes_nothing() {
    let mut net = Net::of(&[1, 2, 3]);
    for i in 0..40 {
        net.send(1 + i % 3, &format!("{i}"));
        net.run(3 * MS);
    }
    pause(&mut net, 3, TOKEN * 8 / 10);
    net.run(TOKEN);
    net.until_texts(&[1, 2, 3], 40);
    assert_eq!(net.counter(1, "views"), 1);
}

#[test]
fn a_long_pause_does_not_break_the_others() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.stopped.insert(2);
    net.until_view(&[1, 3], &[1, 3]);
    net.run(2 * TOKEN);
    net.send(1, "meanwhile");
    net.run(TOKEN);
    net.forget();
    net.stopped.clear();
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time < 200 * MS, "{} ms", time / MS);
    for host in 1..=3 {
        assert_eq!(net.views(host).len(), 1, "{:?}", net.views(host));
    }
    assert_eq!(net.last_view(1).came_with_me, nodes(&[1, 3]));
    assert!(net.counter(2, "dropped-after-pause") > 0);
}

#[test]
fn a_node_that_is_alone_lives_through_a_pause() {
    let mut net = Net::of(&[1]);
    net.run(1000 * MS);
    pause(&mut net, 1, 10 * TOKEN);
    net.run(TOKEN);
    assert_eq!(net.counter(1, "views"), 1);
    assert_eq!(net.counter(1, "pauses"), 1);
}

#[test]
fn all_pause_at_once() {
    let mut net = Net::of(&[1, 2, 3]);
    net.run(1000 * MS);
    net.stopped.extend([1, 2, 3]);
    net.run(5 * TOKEN);
    net.stopped.clear();
    net.run(10 * MS);
    let time = net.until_view(&[1, 2, 3], &[1, 2, 3]);
    assert!(time < TOKEN);
}

/// A pause is no time in which others could have shown.
#[test]
fn a_node_that_pauses_while_it_looks_for_others_goes_on_looking() {
    let mut net = Net::empty();
    net.start(1);
    pause(&mut net, 1, 2 * TOKEN);
    let time = net.until_view(&[1], &[1]);
    assert!(time >= net.timing().consensus(), "{} ms", time / MS);
}

/// Members in commit go on saying what they want: a node that comes back just then
/// drops what they said before.
#[test]
fn who_comes_back_while_a_ring_is_formed_fails_nobody_that_forms_it() {
    for at in 0..50 {
        let mut net = Net::of(&[1, 2, 3, 4, 5]);
        net.run(1000 * MS);
        net.forget();
        net.stopped.insert(5);
        net.until("1 and 4 gather", |net| {
            [1, 4].iter().all(|host| net.rings[host].status().state == "gather")
        });
        net.run(20 * MS + at * MS);
        net.stopped.insert(4);
        net.stopped.remove(&5);
        let stayed = [1, 2, 3, 5];
        net.until_view(&stayed, &stayed);
        for host in stayed {
            for view in net.views(host) {
                let all = nodes(&stayed).iter().all(|of| view.members.contains(of));
                assert!(all, "at {at}: {view:?}");
            }
        }
    }
}

/// Packets may come faster than this member looks at them.
#[test]
fn a_pause_ends_in_time_where_the_sockets_are_never_empty() {
    let mut net = Net::of(&[1]);
    let woken = net.now + 2 * TOKEN;
    let ring = net.ring(1);
    ring.handle_timeout(woken);
    let until = ring.poll_timeout().unwrap();
    assert_eq!(until, woken + TOKEN / 4);
    ring.handle_timeout(until);
    assert!(ring.poll_timeout().unwrap() > until, "it has gone on");
}
