//! groups.conf: what is accepted, and what is refused with which words.

use super::*;

#[test]
fn the_groups_file_of_2004_means_the_same() {
    let parsed = groups(OLD_GROUPS).unwrap();
    let [raid] = &parsed.groups[..] else { panic!("one group") };
    assert_eq!((&raid.name, raid.model), (&name("raid"), RedundancyModel::NPlusM));
    assert_eq!((raid.active_units, raid.backup_units), (1, Some(0)));
    let [unit] = &raid.units[..] else { panic!("one unit") };
    let [a, b] = &unit.components[..] else { panic!("two components") };
    assert_eq!((&unit.name, &a.name, &b.name), (&name("raidA"), &name("comp_a"), &name("comp_b")));
    assert_eq!((a.model, b.model), (CapabilityModel::XActive, CapabilityModel::XActive));
    assert_eq!((a.healthcheck_interval, a.healthcheck_timeout), (100, 3000));
    assert_eq!((a.callback_timeout, a.quiesce_timeout), (5000, 3000));
    let [pg] = &raid.protection_groups[..] else { panic!("one protection group") };
    assert_eq!((&pg.name, &pg.members[..]), (&name("pgA"), &[name("comp_a"), name("comp_b")][..]));
}

#[test]
fn spelling_does_not_change_the_meaning() {
    let expected = groups(OLD_GROUPS).unwrap();
    let without_newline = OLD_GROUPS.trim_end().to_string();
    let windows = OLD_GROUPS.replace('\n', "\r\n");
    let tight = OLD_GROUPS.replace(" = ", "=").replace(" {", "{").replace('\t', "");
    let commented = OLD_GROUPS.replace("=1\n", "=1 # one\n").replace("{\n", "{ # {\n");
    for text in [without_newline, windows, tight, commented] {
        assert_eq!(groups(&text).as_ref(), Ok(&expected), "{text}");
    }
    // A unit may stand below the protection group that names its components.
    let unit = OLD_GROUPS.find("\tunit").unwrap();
    let protection = OLD_GROUPS.find("\tprotection").unwrap();
    let (head, tail) = (&OLD_GROUPS[..unit], &OLD_GROUPS[protection..OLD_GROUPS.len() - 2]);
    let swapped = format!("{head}{tail}{}}}\n", &OLD_GROUPS[unit..protection]);
    assert_eq!(groups(swapped).as_ref(), Ok(&expected));
}

#[test]
fn names_are_taken_as_they_stand() {
    for odd in ["comp=a{b", "a#b", "#a", "two words", "caf\u{e9}", "group {"] {
        let text = OLD_GROUPS.replace("name=comp_a\n", &format!("name={odd}\n"));
        let text = text.replace("member = comp_a", &format!("member ={odd}"));
        let parsed = groups(&text).unwrap_or_else(|errors| panic!("{odd}: {errors:?}"));
        assert_eq!(parsed.groups[0].units[0].components[0].name, name(odd));
        assert_eq!(parsed.groups[0].protection_groups[0].members[0], name(odd));
    }
    let longest = "n".repeat(256);
    assert!(groups(OLD_GROUPS.replace("comp_a", &longest)).is_ok());
}

#[test]
fn absent_keys_have_their_defaults_and_all_keywords_are_known() {
    let text = OLD_GROUPS.replace("\tactive-units=1\n\tbackup-units=0\n", "");
    let parsed = groups(text.replace("\tmodel=nplusm\n", "")).unwrap();
    assert_eq!((parsed.groups[0].active_units, parsed.groups[0].backup_units), (1, None));
    assert_eq!(parsed.groups[0].model, RedundancyModel::NPlusM);
    assert_eq!(parsed.groups[0].units[0].node, None);
    assert_eq!(parsed.groups[0].protection_groups[0].active_members, None);
    let default = Component::new(name("comp_a"), CapabilityModel::XActive);
    assert_eq!(parsed.groups[0].units[0].components[0], default);
    for (word, model) in super::super::groups_conf::REDUNDANCY_MODELS {
        let parsed = groups(text.replace("nplusm", word)).unwrap();
        assert_eq!(parsed.groups[0].model, model);
    }
    for (word, model) in super::super::groups_conf::CAPABILITY_MODELS {
        let text = OLD_GROUPS.replace("model=x_active", &format!("model={word}"));
        let text = text.replace("active-units=1", "active-units=0");
        assert_eq!(groups(text).unwrap().groups[0].units[0].components[0].model, model);
    }
}

#[test]
fn a_component_may_set_its_times() {
    let times = "model=x_active\nhealthcheck-interval = 50\nhealthcheck-timeout=2500\n\
        callback-timeout=2000\nquiesce-timeout=3600000\n";
    let parsed = groups(OLD_GROUPS.replace("model=x_active\n", times)).unwrap();
    let [a, b] = &parsed.groups[0].units[0].components[..] else { panic!("two components") };
    assert_eq!((a.healthcheck_interval, a.healthcheck_timeout), (50, 2500));
    assert_eq!((a.callback_timeout, a.quiesce_timeout), (2000, 3_600_000));
    assert_eq!(b.healthcheck_interval, 100);
}

#[test]
fn a_component_may_be_in_several_protection_groups() {
    let end = OLD_GROUPS.len() - 2;
    let second = "protection {\nname=pgB\nmember=comp_a\n}\n}\n";
    let parsed = groups(format!("{}{second}", &OLD_GROUPS[..end])).unwrap();
    assert_eq!(parsed.groups[0].protection_groups[1].members, [name("comp_a")]);
}

#[test]
fn a_file_without_groups_is_one() {
    for text in ["", "\n", "# nothing yet"] {
        assert_eq!(groups(text), Ok(Groups::default()));
    }
}

/// Replaces the first `from` in the file of 2004; the errors must be these.
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert!(OLD_GROUPS.contains(from), "{from}");
    let found = shown(groups(OLD_GROUPS.replacen(from, to, 1)));
    assert_eq!(found, expected, "{from} -> {to}");
}

#[test]
fn wrong_values_are_named_with_what_would_be_right() {
    let models = "give one of 2n, nplusm, noredundancy";
    refused("nplusm", "nway", &[&format!("g:5: model = `nway` is not supported; {models}")]);
    refused(
        "nplusm",
        "nwayactive",
        &[&format!("g:5: model = `nwayactive` is not supported; {models}")],
    );
    refused("nplusm", "nplusn", &["g:5: model = `nplusn` is not known; did you mean `nplusm`?"]);
    refused("nplusm", "failover", &[&format!("g:5: model = `failover` is not known; {models}")]);
    refused(
        "=x_active",
        "=xactive",
        &["g:13: model = `xactive` is not known; did you mean `x_active`?"],
    );
    let count = "is not valid; give a whole number from 0 to 4096";
    refused("active-units=1", "active-units=two", &[&format!("g:6: active-units: `two` {count}")]);
    let huge = "99999999999999999999";
    refused(
        "backup-units=0",
        &format!("backup-units={huge}"),
        &[&format!("g:7: backup-units: `{huge}` {count}")],
    );
    refused(
        "\t\t\tmodel=x_active",
        "\t\t\tmodel=x_active\ncallback-timeout=1999",
        &["g:14: callback-timeout: `1999` is not valid; give a whole number from 2000 to 3600000 \
         milliseconds"],
    );
    refused(
        "\t\t\tmodel=x_active",
        "\t\t\tmodel=x_active\nhealthcheck-interval=100ms",
        &[
            "g:14: healthcheck-interval: `100ms` is not valid; give a whole number from 10 to 3600000 \
         milliseconds",
        ],
    );
}

#[test]
fn keys_are_matched_whole_and_once() {
    refused(
        "name=raid\n",
        "filename=raid\n",
        &[
            "g:3: this group has no name; add `name = NAME`",
            "g:4: `filename` is not a key of a group; a group has `name =`, `model =`, \
         `active-units =`, `backup-units =`, `unit {`, `protection {`",
        ],
    );
    refused(
        "backup-units",
        "backup_units",
        &["g:7: `backup_units` is not a key of a group; did you mean `backup-units`?"],
    );
    refused(
        "name=raid\n",
        "name=raid\nname=other\n",
        &["g:5: name is given a second time; keep this line or line 4"],
    );
    refused(
        "name=raidA",
        "name=",
        &[
            "g:9: this unit has no name; add `name = NAME`",
            "g:10: name has no value; write it after the `=`",
        ],
    );
    refused(
        "\t\t\tmodel=x_active\n",
        "",
        &["g:11: component `comp_a` has no model; add `model =` with one of \
         x_active_and_y_standby, x_active_or_y_standby, 1_active_or_y_standby, \
         1_active_or_1_standby, x_active, 1_active, no_active"],
    );
    let long = "n".repeat(257);
    refused(
        "name=raidA",
        &format!("name={long}"),
        &[&format!(
            "g:10: name of a unit: `{}...` has 257 bytes; a name has 1 to 256",
            &long[..60]
        )],
    );
    refused(
        "name=raidA",
        "name=a\u{7}b",
        &["g:10: name of a unit: `a\\u{7}b` contains a control character; remove it"],
    );
}

#[test]
fn names_are_unique_and_members_exist() {
    refused(
        "name=comp_b",
        "name=comp_a",
        &[
            "g:16: component `comp_a` was defined in line 12; give it another name",
            "g:24: member `comp_b` is not a component; define it in a unit of this group, or correct \
         the name",
        ],
    );
    refused(
        "member = comp_b",
        "member = comp_a",
        &[
            "g:15: component `comp_b` is in no protection group and so could never be active or \
         standby; make it a `member` of one",
            "g:24: member `comp_a` is a member twice; remove this line or line 23",
        ],
    );
    let doubled = format!("{OLD_GROUPS}{}", OLD_GROUPS.replace("comp_b", "comp_c"));
    assert_eq!(
        shown(groups(doubled)),
        [
            "g:30: group `raid` was defined in line 4; give it another name",
            "g:36: unit `raidA` was defined in line 10; give it another name",
            "g:38: component `comp_a` was defined in line 12; give it another name",
            "g:48: protection group `pgA` was defined in line 22; give it another name",
            "g:49: member `comp_a` is in the group of line 3; name a component of this group",
        ]
    );
}

#[test]
fn empty_blocks_are_refused() {
    assert_eq!(
        shown(groups("group {\nname=g\nunit {\nname=u\n}\nprotection {\nname=p\n}\n}\n")),
        [
            "g:3: unit `u` has no component; add one with `component {`",
            "g:6: protection `p` has no member; add `member = COMPONENT`",
        ]
    );
    assert_eq!(
        shown(groups("group {\n}")),
        [
            "g:1: this group has no name; add `name = NAME`",
            "g:1: group of line 1 has no unit; add one with `unit {`",
        ]
    );
}

#[test]
fn wrong_nesting_is_told_without_a_cascade() {
    refused("group {", "groop {", &["g:3: unknown block `groop`; did you mean `group {`?"]);
    refused("\tunit {  ", "\tunit", &["g:9: `unit` without `{`; write `unit {` on one line"]);
    refused(
        "\tunit {  ",
        "\tunit\n{",
        &[
            "g:9: `unit` without `{`; write `unit {` on one line",
            "g:10: `{` has no word before it; write both on one line, as in `group {`",
        ],
    );
    refused(
        "\tunit {  ",
        "\tunit { name=x",
        &["g:9: `name=x` stands after `{`; put it on a line of its own"],
    );
    refused(
        "}\n\t\tcomponent",
        "\n\t\tcomponent",
        &["g:15: `component {` inside component `comp_a`; put `}` before it to end that"],
    );
    refused(
        "name=comp_b\n",
        "name=comp_b }\n",
        &[
            "g:15: this component has no name; add `name = NAME`",
            "g:16: name ends with `}`; put the `}` on a line of its own",
            "g:24: member `comp_b` is not a component; define it in a unit of this group, or correct \
         the name",
        ],
    );
    refused(
        "comp_b\n\t}\n}\n",
        "comp_b\n",
        &[
            "g:24: the file ends inside protection `pgA`; add `}`",
            "g:24: the file ends inside group `raid`; add `}`",
        ],
    );
    refused(
        "comp_b\n\t}\n}\n",
        "comp_b\n}\n}\n}",
        &["g:27: `}` ends nothing here; remove it, or open a block above"],
    );
    refused(
        "\tprotection",
        "\tcomponent {\nname=c\n}\nnonsense {\nunit {\nx=y\n}\n}\n\tprotection",
        &[
            "g:21: `component {` cannot stand in a group; put it into a unit",
            "g:24: unknown block `nonsense`; a group has `name =`, `model =`, `active-units =`, \
         `backup-units =`, `unit {`, `protection {`",
        ],
    );
    refused("# a comment", "hello", &["g:1: `hello` is not understood; a file has `group {`"]);
}
