//! network.conf: what is accepted, and what is refused with which words.

use super::*;

#[test]
fn the_network_file_of_2004_means_the_same() {
    let conf = network(OLD_NETWORK).unwrap();
    assert_eq!(conf.bindnetaddr.to_string(), "192.168.1.0");
    assert_eq!((conf.mcastaddr.to_string().as_str(), conf.mcastport), ("226.94.1.1", 6000));
    assert_eq!(conf.nodename, None);
    assert_eq!(conf.clustername, name("ais"));
    assert_eq!((conf.busy_poll, conf.api_timeout, conf.max_message), (50, 5000, 16 << 20));
    assert_eq!(conf.checkpoint_memory, None);
    assert_eq!((conf.max_checkpoints, conf.max_sections), (1 << 16, 1 << 20));
    assert_eq!(conf.checkpoint_limits, CheckpointLimits::Lenient);
    assert!(conf.realtime);
    assert_eq!((conf.transport, conf.ttl, conf.mtu), (Transport::Multicast, 1, None));
    assert!(conf.members.is_empty());
    assert_eq!((conf.token, conf.interface_wait), (1000, true));
    assert_eq!((conf.quorum, conf.expected_nodes), (Quorum::None, None));
}

#[test]
fn blanks_comments_and_missing_newlines_do_not_matter() {
    let text = "\n# c\n \t bindnetaddr :\t10.0.0.7 \r\n  # mcastport:1\nmcastaddr: 239.0.0.1# c\n\
        mcastport: 65535 # c\nnodename: the  node\nclustername:x:y\nbusy-poll:0\napi-timeout:100\n\
        max-message:262144\ncheckpoint-memory: 3G\nuser-checkpoint-memory:2g\nmax-checkpoints: 1\nmax-sections:16777216\ncheckpoint-limits: strict\nrealtime: no";
    let conf = network(text).unwrap();
    assert_eq!(conf.bindnetaddr.to_string(), "10.0.0.7");
    assert_eq!((conf.mcastaddr.to_string().as_str(), conf.mcastport), ("239.0.0.1", 65535));
    assert_eq!((conf.nodename, conf.clustername), (Some(name("the  node")), name("x:y")));
    assert_eq!((conf.busy_poll, conf.api_timeout, conf.max_message), (0, 100, 256 << 10));
    assert_eq!(conf.checkpoint_memory, Some(3 << 30));
    assert_eq!(conf.user_checkpoint_memory, Some(2 << 30));
    assert_eq!((conf.max_checkpoints, conf.max_sections), (1, 1 << 24));
    assert_eq!(conf.checkpoint_limits, CheckpointLimits::Strict);
    assert!(!conf.realtime);
}

#[test]
fn all_errors_of_the_network_file_are_named_at_once() {
    let text = "mcastport 6000\nmcastaddr:10.0.0.1\nbind-net-addr:1.2.3.4\nmcastport:70000\n\
        mcastport:6000\nsomething:1\nrealtime:maybe\ncheckpoint-limits:\n";
    assert_eq!(
        shown(network(text)),
        [
            "n:1: `mcastport 6000` is not `key:value`; write the key, a colon and the value",
            "n:2: mcastaddr: `10.0.0.1` is not an IPv4 multicast address; give one from 224.0.0.0 \
             to 239.255.255.255, such as 226.94.1.1",
            "n:3: unknown key `bind-net-addr`; did you mean `bindnetaddr`?",
            "n:4: mcastport: `70000` is not valid; give a whole number from 1 to 65535",
            "n:5: mcastport is given a second time; keep this line or line 4",
            "n:6: unknown key `something`; the keys are bindnetaddr, mcastaddr, mcastport, \
             transport, member, ttl, mtu, token, interface-wait, quorum, expected-nodes, nodename, \
             key, clustername, busy-poll, api-timeout, max-message, checkpoint-memory, \
             user-checkpoint-memory, max-checkpoints, max-sections, checkpoint-limits, realtime, allow-node-recovery",
            "n:7: realtime: `maybe` is not known; give `yes` or `no`",
            "n:8: checkpoint-limits has no value; write it after the colon",
            "n:8: bindnetaddr is missing; add a line such as `bindnetaddr:192.168.1.0`",
        ]
    );
    assert_eq!(shown(network("")).len(), 3);
    assert!(shown(network("# c\n\n"))[0].starts_with("n:2: bindnetaddr is missing"));
}

#[test]
fn values_out_of_range_are_refused() {
    for line in [
        "mcastport:0",
        "mcastport:-1",
        "mcastport:0x10",
        "mcastport:6000 6001",
        "mcastport:99999999999999999999999",
        "bindnetaddr:eth0",
        "bindnetaddr:1.2.3",
        "bindnetaddr:1.2.3.256",
        "bindnetaddr:226.94.1.1",
        "bindnetaddr:0.0.0.0",
        "busy-poll:1001",
        "api-timeout:99",
        "api-timeout:5s",
        "max-message:262143",
        "max-message:16777217",
        "max-message:17m",
        "checkpoint-memory:0",
        "checkpoint-memory:g",
        "checkpoint-memory:1.5g",
        "checkpoint-memory:18446744073709551615g",
        "checkpoint-memory:16385g",
        "user-checkpoint-memory:1023k",
        "realtime:Yes",
        "transport:udpu",
        "ttl:0",
        "ttl:256",
        "mtu:575",
        "mtu:65536",
        "token:29",
        "token:600001",
        "token:1s",
        "interface-wait:maybe",
        "quorum:half",
        "expected-nodes:0",
        "expected-nodes:129",
        "nodename:a\x07",
    ] {
        let key = line.split(':').next().unwrap();
        let others: String = OLD_NETWORK
            .lines()
            .map(|other| if other.starts_with(key) { "\n".into() } else { format!("{other}\n") })
            .collect();
        let errors = shown(network(format!("{others}{line}")));
        let [error] = &errors[..] else { panic!("{line}: {errors:?}") };
        assert!(error.starts_with(&format!("n:4: {key}: `")), "{error}");
    }
    let long = format!("{OLD_NETWORK}nodename:{}\n", "n".repeat(257));
    let expected =
        format!("n:4: nodename: `{}...` has 257 bytes; a name has 1 to 256", "n".repeat(60));
    assert_eq!(shown(network(long)), [expected]);
}

const UNICAST: &str = "bindnetaddr:10.0.0.0\nmcastport:6000\ntransport:unicast\n\
    member:10.0.0.1\nmember:10.0.0.2\nmember:10.0.0.3\n";

#[test]
fn unicast_has_members_and_needs_no_multicast_address() {
    let text = format!("{UNICAST}mtu:9000\ntoken:30\nttl:255\ninterface-wait:no\n");
    let conf = network(format!("{text}quorum:majority\nexpected-nodes:3\n")).unwrap();
    assert_eq!((conf.transport, conf.mcastaddr.is_unspecified()), (Transport::Unicast, true));
    let members: Vec<String> = conf.members.iter().map(ToString::to_string).collect();
    assert_eq!(members, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    assert_eq!((conf.mtu, conf.token, conf.ttl, conf.interface_wait), (Some(9000), 30, 255, false));
    assert_eq!((conf.quorum, conf.expected_nodes), (Quorum::Majority, Some(3)));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let loopback = UNICAST.replace("10.0.0.0", "127.0.0.9");
    let many: String = (0..129).map(|last| format!("member:10.0.1.{last}\n")).collect();
    for (text, expected) in [
        (
            "bindnetaddr:10.0.0.0\nmcastport:6000\ntransport:unicast\n".into(),
            "n:3: member is missing; add a line such as `member:192.168.1.1`",
        ),
        (
            loopback,
            "n:6: no member line has the address of this node (127.0.0.9); add `member:127.0.0.9`",
        ),
        (
            format!("{OLD_NETWORK}member:10.0.0.1\nmember:10.0.0.2\n"),
            "n:4: member: only unicast has members; add `transport:unicast`, or remove this line",
        ),
        (
            format!("{UNICAST}member:10.0.0.2\n"),
            "n:7: member 10.0.0.2 is given a second time; remove this line or line 5",
        ),
        (
            format!("{UNICAST}member:eth0\n"),
            "n:7: member: `eth0` is not the IPv4 address of a node; give one such as 192.168.1.1",
        ),
        (
            format!("{UNICAST}quorum:majority\n"),
            "n:7: expected-nodes is missing; add a line such as `expected-nodes:3`",
        ),
        (
            format!("{UNICAST}quorum:majority\nexpected-nodes:2\n"),
            "n:8: there are 3 member lines for 2 nodes; correct one",
        ),
        (
            format!("{OLD_NETWORK}expected-nodes:2\n"),
            "n:4: expected-nodes: counts only for a quorum; add `quorum:majority`, or remove this \
             line",
        ),
        (
            format!("bindnetaddr:10.0.1.0\nmcastport:1\ntransport:unicast\n{many}"),
            "n:132: there are 129 member lines for 128 nodes; correct one",
        ),
    ] {
        assert_eq!(shown(network(&text)), [expected], "{text}");
    }
}
