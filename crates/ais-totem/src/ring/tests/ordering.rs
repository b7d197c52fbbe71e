//! Operational: [SRP95] section 4.

use super::*;

#[test]
fn a_node_that_hears_nobody_is_alone_after_a_consensus_timeout() {
    let mut net = Net::empty();
    net.start(1);
    let time = net.until_view(&[1], &[1]);
    assert_eq!(time, net.timing().consensus());
    let view = net.last_view(1);
    assert_eq!((view.joined, view.left, view.came_with_me), (nodes(&[1]), vec![], nodes(&[1])));
    net.send(1, "a");
    net.send(1, "b");
    assert_eq!(net.texts(1), ["a", "b"]);
    assert!(
        matches!(net.told[&1].last(), Some(Told::Stable(number)) if *number == 2 << 16 | 0xffff)
    );
}

#[test]
fn nodes_that_start_together_form_one_ring_at_once() {
    let mut net = Net::empty();
    for host in 1..=5 {
        net.start(host);
    }
    let time = net.until_view(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]);
    assert!(time < 100 * MS, "{} ms", time / MS);
}

#[test]
fn all_deliver_the_same_in_the_same_order() {
    let mut net = Net::of(&[1, 2, 3]);
    for i in 0..100 {
        for host in 1..=3 {
            net.send(host, &format!("{host}-{i}"));
        }
        net.run(MS / 3);
    }
    net.until_texts(&[1, 2, 3], 300);
    assert_eq!(net.texts(1), net.texts(2));
    assert_eq!(net.texts(1), net.texts(3));
}
