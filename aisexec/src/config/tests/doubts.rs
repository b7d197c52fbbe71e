//! What is legal and can hardly be meant is said, and nothing else is.

use super::super::doubts;
use super::*;

fn doubts_of(network_text: &str, groups_text: &str) -> Vec<String> {
    let (conf, of_groups) = (network(network_text).unwrap(), groups(groups_text).unwrap());
    let files =
        ((Path::new("n"), network_text.as_bytes()), (Path::new("g"), groups_text.as_bytes()));
    doubts::check(&conf, &of_groups, files.0, files.1).iter().map(ToString::to_string).collect()
}

const NO_GROUPS: &str = "# no groups\n";

const UNICAST: &str = "bindnetaddr:10.0.0.0\nmcastport:6000\ntransport:unicast\n\
    member:10.0.0.1\nmember:10.0.0.2\n";

#[test]
fn the_samples_and_the_files_of_2004_are_not_doubted() {
    let sample = |file: &str| fs::read_to_string(repository(file)).unwrap();
    for network_text in [OLD_NETWORK, UNICAST, &sample("conf/network.conf")] {
        for groups_text in [OLD_GROUPS, NO_GROUPS, &sample("conf/groups.conf")] {
            assert_eq!(doubts_of(network_text, groups_text), [""; 0]);
        }
    }
    let good = format!(
        "{UNICAST}quorum:majority\nexpected-nodes:2\nnodename:the node's\nclustername:a:b=c;d\n"
    );
    let names = OLD_GROUPS.replace("raidA", "raid A, \u{e9}t\u{e9} (x) safSu=1,safSg=2");
    assert_eq!(doubts_of(&good, &names), [""; 0]);
}

#[test]
fn doubts_of_the_network_name_line_value_and_what_is_right() {
    let more = |lines: &str| format!("{UNICAST}{lines}");
    for (text, expected) in [
        (
            more("quorum:majority\nexpected-nodes:5\n"),
            "n:7: expected-nodes:5 is more than the 2 nodes that have a member line, so that there \
             is never a quorum; give `expected-nodes:2`, or a member line for each node",
        ),
        (
            more("quorum:majority\nexpected-nodes:3\n"),
            "n:7: expected-nodes:3 is more than the 2 nodes that have a member line; give \
             `expected-nodes:2`, or a member line for each node",
        ),
        (
            more("member:127.0.0.1\n"),
            "n:4: member 127.0.0.1 is this machine alone, and member 10.0.0.1 cannot be reached \
             from there; give the address that 127.0.0.1 has in the network of the others",
        ),
        (
            OLD_NETWORK.replace("226.94.1.1", "224.0.0.1"),
            "n:2: mcastaddr:224.0.0.1 belongs to the routers of a network (224.0.0.0 to \
             224.0.0.255); give another one, such as 226.94.1.1",
        ),
        (
            OLD_NETWORK.to_owned() + "quorum:majority\nexpected-nodes:1\n",
            "n:5: expected-nodes:1 gives every node quorum for itself, as without \
             `quorum:majority`; give the number of all nodes of the cluster, or remove both lines",
        ),
        (
            more("nodename:x#1\n"),
            "n:6: nodename:`x` is what is left of `x#1`, since `#` begins a comment wherever it \
             stands; give a name without it, or put a blank before the comment",
        ),
        (
            more("clustername: a b#c # d\n"),
            "n:6: clustername:`a b` is what is left of `a b#c # d`, since `#` begins a comment \
             wherever it stands; give a name without it, or put a blank before the comment",
        ),
        (
            more("nodename:10.0.0.300\n"),
            "n:6: nodename:10.0.0.300 looks like an IPv4 address and is none; give the address of \
             this node, or another name",
        ),
        (
            more("nodename:\"one\"\n"),
            "n:6: nodename:`\\\"one\\\"` has a quotation mark, which is part of the name then: \
             programs and other files have to give it, too; remove it if it is not meant",
        ),
    ] {
        assert_eq!(doubts_of(&text, NO_GROUPS), [expected], "{text}");
    }
}

#[test]
fn names_that_have_more_in_them_than_a_name_are_doubted() {
    for (name, what) in [
        ("\"raidA\"", "a quotation mark"),
        ("'raidA'", "a quotation mark"),
        ("\u{201c}raidA\u{201d}", "a quotation mark"),
        ("raidA;", "a mark at its end"),
        ("raidA,", "a mark at its end"),
        ("= raidA", "a second separator at its beginning"),
        ("raidA // the first", "what looks like a comment"),
        ("raidA /* the first */", "what looks like a comment"),
        ("raidA {", "a `{` at its end"),
        ("raid#A", "a `#` that begins no comment"),
        ("raidA\u{a0}", "a character that cannot be seen"),
        ("raid\u{200b}A", "a character that cannot be seen"),
    ] {
        for old in ["raid\n", "raidA", "comp_a", "pgA"] {
            let new = if old == "raid\n" { format!("{name}\n") } else { name.to_owned() };
            let text = OLD_GROUPS.replace(&format!("={old}"), &format!("={new}"));
            let text = text.replace(&format!("= {old}"), &format!("= {new}"));
            let found = doubts_of(OLD_NETWORK, &text);
            let [doubt] = &found[..] else { panic!("{text}: {found:?}") };
            assert!(doubt.starts_with("g:") && doubt.contains(what), "{doubt}");
        }
    }
}

#[test]
fn numbers_and_nodes_that_contradict_the_rest_are_doubted() {
    let units = OLD_GROUPS.replace("active-units=1", "active-units=2");
    let expected = "g:6: active-units = 2 is more than the 1 units of group `raid`; give at most \
                    1, or add units";
    assert_eq!(doubts_of(OLD_NETWORK, &units), [expected]);

    let times = "model=x_active\nhealthcheck-interval = 2000\nhealthcheck-timeout = 1000";
    let text = OLD_GROUPS.replacen("model=x_active", times, 1);
    let found = doubts_of(OLD_NETWORK, &text);
    let [doubt] = &found[..] else { panic!("{found:?}") };
    assert!(doubt.starts_with("g:15: healthcheck-timeout = 1000 is over before"), "{doubt}");
    assert!(doubt.contains("(healthcheck-interval = 2000)"), "{doubt}");
    // The one that is not given counts too.
    let text =
        OLD_GROUPS.replacen("model=x_active", "model=x_active\nhealthcheck-interval=5000", 1);
    assert!(doubts_of(OLD_NETWORK, &text)[0].starts_with("g:14: healthcheck-timeout = "));

    let node =
        |node: &str| OLD_GROUPS.replace("name=raidA\n", &format!("name=raidA\nnode={node}\n"));
    let found = doubts_of(UNICAST, &node("10.0.0.3"));
    let [doubt] = &found[..] else { panic!("{found:?}") };
    assert!(doubt.starts_with("g:11: node = 10.0.0.3 is no member, so that"), "{doubt}");
    for good in ["10.0.0.2", "node2"] {
        assert_eq!(doubts_of(UNICAST, &node(good)), [""; 0]);
    }
    assert_eq!(doubts_of(OLD_NETWORK, &node("10.0.0.3")), [""; 0]);
    assert_eq!(doubts_of(UNICAST, &node("node2;")).len(), 1);
}

#[test]
fn units_that_are_not_there_or_never_active_are_doubted() {
    let old = "active-units=1\n\tbackup-units=0";
    for (keys, expected) in [
        ("active-units=1\n\tbackup-units=1", "g:7: backup-units = 1 is more than the 0 of the 1 "),
        (
            "backup-units=3",
            "g:6: backup-units = 3 is more than the 0 of the 1 units of group `raid`",
        ),
        ("active-units=0", "g:6: active-units = 0 has no component of group `raid` ever become"),
        (
            "active-units=0\n\tbackup-units=2",
            "g:6: active-units = 0 has no component of group `raid` ever become",
        ),
    ] {
        let found = doubts_of(OLD_NETWORK, &OLD_GROUPS.replace(old, keys));
        assert!(found.iter().any(|doubt| doubt.starts_with(expected)), "{keys}: {found:?}");
    }
    // What is refused otherwise has to be let be.
    let never = OLD_GROUPS.replace(old, "active-units=0").replace("x_active", "no_active");
    assert_eq!(doubts_of(OLD_NETWORK, &never), [""; 0]);
    let two = OLD_GROUPS.replace("comp_", "other_").replace("raid", "two").replace("pg", "pgs");
    let both = format!("{OLD_GROUPS}{two}");
    assert_eq!(doubts_of(OLD_NETWORK, &both), [""; 0]);
}

#[test]
fn a_node_that_can_only_be_a_broken_address_is_doubted() {
    let node =
        |node: &str| OLD_GROUPS.replace("name=raidA\n", &format!("name=raidA\nnode={node}\n"));
    for broken in [
        "10.0.0.300",
        "10.0.0",
        "10.0.0.01",
        "10.0.0.1.2",
        "10..0.1",
        "10.0.0.1:6000",
        "10.0.0.1/24",
    ] {
        let found = doubts_of(OLD_NETWORK, &node(broken));
        let [doubt] = &found[..] else { panic!("{broken}: {found:?}") };
        assert!(doubt.starts_with(&format!("g:11: node = {broken} looks like an IPv4")), "{doubt}");
    }
    for good in ["10.0.0.3", "10", "node.1", "a.b.c", "v1.2", "disk/1", "a:b"] {
        assert_eq!(doubts_of(OLD_NETWORK, &node(good)), [""; 0], "{good}");
    }
    // This node is called so, which is said once.
    let network = format!("{OLD_NETWORK}nodename:1.2\n");
    assert_eq!(doubts_of(&network, &node("1.2")).len(), 1);
}

#[test]
fn a_groups_conf_without_anything_is_doubted() {
    for text in ["", "\n", " \n\t\n"] {
        let found = doubts_of(OLD_NETWORK, text);
        let [doubt] = &found[..] else { panic!("{found:?}") };
        assert!(doubt.contains(": holds nothing, so that no component can register"), "{doubt}");
    }
}

#[test]
fn a_comment_behind_a_name_cuts_nothing_off() {
    for lines in ["nodename:x # y\n", "nodename:x\t#y\n", "nodename:x\n# nodename:y#z\n"] {
        assert_eq!(doubts_of(&format!("{UNICAST}{lines}"), NO_GROUPS), [""; 0], "{lines}");
    }
}

#[test]
fn doubts_come_with_the_directory_and_do_not_keep_it_from_loading() {
    let scratch = Scratch::new();
    scratch.write("network.conf", OLD_NETWORK);
    scratch.write("groups.conf", OLD_GROUPS.replace("raidA", "raidA;"));
    let config = load(&scratch.0).unwrap();
    let [doubt] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
    assert!(doubt.to_string().contains("/groups.conf:10: name = `raidA;` has a mark"), "{doubt}");
}

#[test]
fn the_ways_of_other_editors_are_read_or_named() {
    let scratch = Scratch::new();
    scratch.write("groups.conf", OLD_GROUPS.replace('\n', "\r\n"));
    scratch.write("network.conf", format!("\u{feff}{}", OLD_NETWORK.replace('\n', "\r\n")));
    let config = load(&scratch.0).unwrap();
    assert_eq!(config.network, network(OLD_NETWORK).unwrap());
    assert_eq!(config.groups, groups(OLD_GROUPS).unwrap());

    scratch.write("network.conf", OLD_NETWORK.replace('\n', "\r"));
    let wide = OLD_GROUPS.encode_utf16().flat_map(u16::to_le_bytes);
    scratch.write("groups.conf", [0xff, 0xfe].into_iter().chain(wide).collect::<Vec<u8>>());
    let found = shown(load(&scratch.0));
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert!(first.contains("network.conf: has a carriage return inside line 1,"), "{first}");
    assert!(second.ends_with("groups.conf: is UTF-16; save it as UTF-8 or ASCII"), "{second}");
}
