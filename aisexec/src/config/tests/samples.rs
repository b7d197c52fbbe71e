//! The sample files and the man pages agree with the parsers.

use super::*;

#[test]
fn the_sample_directory_is_the_guides_group_on_one_node() {
    let config = load(&repository("conf")).unwrap();
    assert_eq!(config.network.bindnetaddr.to_string(), "127.0.0.1");
    assert_eq!(config.network.mcastaddr.to_string(), "226.94.1.1");
    assert_eq!(config.network.mcastport, 6000);

    let [raid] = &config.groups.groups[..] else { panic!("one group") };
    assert_eq!(raid.name, name("raid"));
    assert_eq!(raid.model, RedundancyModel::NPlusM);
    assert_eq!((raid.active_units, raid.backup_units), (1, Some(2)));
    let units: Vec<_> = raid.units.iter().map(|unit| unit.name.to_string()).collect();
    assert_eq!(units, ["raidA", "raidB", "raidC"]);
    for (unit, su) in raid.units.iter().zip(["x", "y", "z"]) {
        for (component, letter) in unit.components.iter().zip(["a", "b"]) {
            assert_eq!(component.name, name(&format!("comp_{letter}_in_su_{su}")));
            assert_eq!(component.model, CapabilityModel::XActive);
        }
    }
    for (group, letter) in raid.protection_groups.iter().zip(["a", "b"]) {
        assert_eq!(group.name, name(&format!("pg{}", letter.to_uppercase())));
        let members = ["x", "y", "z"].map(|su| name(&format!("comp_{letter}_in_su_{su}")));
        assert_eq!(group.members, members);
    }
}

#[test]
fn every_sample_file_parses() {
    for entry in fs::read_dir(repository("conf")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        let errors = match path.file_name().unwrap().to_str().unwrap() {
            "groups.conf" => shown(groups(text)),
            "network.conf" => shown(network(text)),
            other => panic!("{other} has no parser here"),
        };
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

#[test]
fn what_the_samples_show_as_comment_is_the_default() {
    let text = fs::read_to_string(repository("conf/network.conf")).unwrap();
    let default = network(&text).unwrap();
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.contains(':') && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let mut given = network(&uncommented).unwrap();
    assert_eq!(given.nodename.take(), Some(name("node1")));
    assert_eq!(given.checkpoint_memory.take(), Some(1 << 30));
    assert_eq!(given.user_checkpoint_memory.take(), Some(3 << 28));
    assert_eq!(given, default);
    for key in super::super::network_conf::keys() {
        let shown = [format!("\n{key}:"), format!("\n# {key}:")];
        assert!(shown.iter().any(|line| uncommented.contains(line)), "{key} is not in the sample");
    }

    let text = fs::read_to_string(repository("conf/groups.conf")).unwrap();
    let uncommented: String = text
        .lines()
        .map(|line| if line.contains(" = ") { line.replacen('#', "", 1) } else { line.into() })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(uncommented, text);
    assert_eq!(groups(&uncommented).unwrap(), groups(&text).unwrap());
}

#[test]
fn the_man_pages_have_every_key_and_flag() {
    let page = |path: &str| fs::read_to_string(repository(path)).unwrap().replace("\\-", "-");
    let network = page("docs/man/network.conf.5");
    for key in super::super::network_conf::keys() {
        assert!(network.contains(&format!(".B {key}\n")), "{key}");
    }
    let groups = page("docs/man/groups.conf.5");
    for kind in &super::super::blocks::Kind::ALL[1..] {
        assert!(groups.contains(&format!(".SS {} {{\n", kind.word())), "{}", kind.word());
        for key in kind.keys() {
            assert!(groups.contains(&format!(".B {key}\n")), "{key}");
        }
    }
    let daemon = page("docs/man/aisexec.8");
    for flag in crate::args::USAGE.split([' ', '\n', '[', ']']).filter(|w| w.starts_with("--")) {
        assert!(daemon.contains(flag), "{flag}");
    }
}
