//! The verbs of the probe.

use crate::node::Node;

/// The value of a field of a line.
fn field(line: &str, name: &str) -> f64 {
    let found = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {line}")).parse().unwrap()
}

#[test]
fn throughput_is_counted() {
    let node = Node::serving();
    // Small ones go many in a request, the largest one alone.
    for size in [64, 65_000] {
        let line = node.shown(&["bench", "tput", &size.to_string(), "1"]);
        assert!(line.starts_with(&format!("tput size={size} secs=")), "{line}");
        let (sent, delivered) = (field(&line, "sent"), field(&line, "delivered"));
        assert!(delivered > 0.0 && delivered <= sent, "{line}");
        for name in ["again", "ops_s", "MB_s", "last_rc"] {
            field(&line, name);
        }
    }
}

#[test]
fn latency_is_measured() {
    let node = Node::serving();
    for arguments in [&["bench", "lat", "64", "50"][..], &["bench", "lat", "65000", "5", "100"]] {
        let line = node.shown(arguments);
        let (size, count) = (arguments[2], arguments[3]);
        assert!(line.starts_with(&format!("lat size={size} n={count} us: min=")), "{line}");
        let spread = ["min", "p50", "p90", "p99", "max"].map(|name| field(&line, name));
        assert!(spread.is_sorted(), "{line}");
        field(&line, "mean");
    }
}

#[test]
fn pings_are_echoed() {
    let node = Node::serving();
    let mut echo = node.run(&["bench", "echo"]);
    // A ping that is sent before there is an echo is never answered.
    assert_eq!(echo.line(), "echo ready");
    let line = node.shown(&["bench", "ping", "64", "20"]);
    assert!(line.starts_with("ping size=64 n=20 us: min="), "{line}");
}

#[test]
fn who_joins_is_told_of_views_until_the_end() {
    let mut node = Node::new();
    let mut join = node.run(&["bench", "join"]);
    node.start();
    let address = node.address;
    let mut next = || {
        let line = join.line();
        let (stamp, text) = line.split_once(' ').unwrap();
        (stamp.parse::<f64>().unwrap(), text.to_owned())
    };
    let (first, text) = next();
    assert_eq!(text, "INIT_OK");
    assert_eq!(next().1, "JOIN_OK");
    assert_eq!(next().1, format!("CONFCHG members=1 left= joined={address},"));
    let (last, text) = next();
    assert!(
        text.starts_with(&format!("TOTEM ring={address}.")) && text.ends_with(" n=1"),
        "{text}"
    );
    assert!(first <= last);
    assert!(next().1.starts_with("WHY skipped=0 "));
    let mut watch = node.run(&["bench", "watch"]);
    assert!(watch.line().ends_with(&format!("CONFCHG members=1 left= joined={address},")));
    node.kill();
    assert_eq!(next().1, "DISCONNECTED");
    assert_eq!(join.exit_code(), Some(0));
}
