//! groups.conf: what keys say together, and what each line is refused for.

use super::*;

/// Two units of two components each, and a protection group for each pair.
const PAIR: &str = "group {
name = g
model = nplusm
active-units = 1
backup-units = 1
unit {
name = u1
node = 10.0.0.1
component {
name = a1
model = x_active
healthcheck-interval = 100
healthcheck-timeout = 1000
callback-timeout = 5000
quiesce-timeout = 1000
stopping-timeout = 60000
component-restart-max = 3
component-restart-probation = 60000
}
component {
name = b1
model = 1_active_or_y_standby
}
}
unit {
name = u2
component {
name = a2
model = x_active
}
component {
name = b2
model = 1_active
}
}
protection {
name = p1
active-members = 1
member = a1
member = a2
}
protection {
name = p2
member = b1
member = b2
}
}
";

fn line_of(text: &str) -> usize {
    1 + PAIR.lines().position(|line| line == text).unwrap()
}

/// With these lines in place of others the errors must be these.
#[track_caller]
fn refused(changes: &[(&str, &str)], expected: &[String]) {
    let mut text = PAIR.to_string();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    assert_eq!(shown(groups(text)), expected);
}

#[test]
fn all_keys_together_are_good() {
    let parsed = groups(PAIR).unwrap();
    let [one, two] = &parsed.groups[0].units[..] else { panic!("two units") };
    assert_eq!((&one.node, &two.node), (&Some(name("10.0.0.1")), &None));
    let restarts = (one.components[0].restart_max, one.components[0].restart_probation);
    assert_eq!((restarts, one.components[0].stopping_timeout), ((3, 60_000), 60_000));
    let limits: Vec<_> =
        parsed.groups[0].protection_groups.iter().map(|of| of.active_members).collect();
    assert_eq!(limits, [Some(1), None]);
}

#[test]
fn counts_that_contradict_the_model_are_refused() {
    let (active, backup) = (line_of("active-units = 1"), line_of("backup-units = 1"));
    let two_n = |key: &str, line: usize, kind: &str| {
        format!(
            "g:{line}: {key} = 2 contradicts model = 2n, which has one {kind} unit; give 1, or \
             `model = nplusm`"
        )
    };
    refused(
        &[("nplusm", "2n"), ("s = 1\nb", "s = 2\nb")],
        &[two_n("active-units", active, "active")],
    );
    refused(
        &[("nplusm", "2n"), ("backup-units = 1", "backup-units = 2")],
        &[two_n("backup-units", backup, "standby")],
    );
    let limit = line_of("active-members = 1");
    let remedy = "remove this line, or give another model";
    refused(
        &[("nplusm", "noredundancy")],
        &[
            format!(
                "g:{active}: active-units = 1 contradicts model = noredundancy, which has all 2 \
                 units active; {remedy}"
            ),
            format!(
                "g:{backup}: backup-units = 1 contradicts model = noredundancy, which has no \
                 standby unit; {remedy}"
            ),
            format!(
                "g:{limit}: active-members does not go with model = noredundancy, where every \
                 unit is active for itself; remove this line"
            ),
        ],
    );
    refused(
        &[("active-members = 1", "active-members = 3")],
        &[format!(
            "g:{limit}: active-members = 3 is more than the 2 members of protection `p1`; give at \
             most 2"
        )],
    );
    for model in ["2n", "nplusm"] {
        refused(&[("nplusm", model), ("active-units = 1", "active-units = 0")], &[]);
    }
    refused(
        &[
            ("nplusm", "noredundancy"),
            ("active-units = 1", "active-units = 2"),
            ("backup-units = 1\n", ""),
            ("active-members = 1\n", ""),
        ],
        &[],
    );
}

#[test]
fn what_could_never_be_active_is_refused() {
    // One unit that can be active is enough.
    refused(&[("name = a1\nmodel = x_active", "name = a1\nmodel = no_active")], &[]);
    let both = [
        ("name = a1\nmodel = x_active", "name = a1\nmodel = no_active"),
        ("name = b2\nmodel = 1_active", "name = b2\nmodel = no_active"),
    ];
    let never = |name: &str| {
        let line = line_of(&format!("name = {name}")) - 1;
        format!(
            "g:{line}: no member of protection `{name}` could ever be active, as the unit of each \
             has a component that is no_active; give that another model, or `active-units = 0`"
        )
    };
    refused(&both, &[never("p1"), never("p2")]);
    refused(&[both[0], both[1], ("active-units = 1", "active-units = 0")], &[]);
    let line = line_of("name = a1") - 1;
    refused(
        &[
            both[0],
            ("model = nplusm\nactive-units = 1\nbackup-units = 1", "model = noredundancy"),
            ("active-members = 1\n", ""),
        ],
        &[format!(
            "g:{}: component `a1` is no_active, so unit `u1` could never be active, and without \
             redundancy nothing else; give another model",
            line - 2
        )],
    );
}

#[test]
fn one_active_instance_is_not_two() {
    let line = line_of("name = b1") - 1;
    let text = format!(
        "g:{line}: component `b1` can be active for one instance, but protection `p1` and \
         protection `p2` would be its at the same time; give both `active-members`, or the \
         component x_active"
    );
    let second = ("member = a2\n", "member = a2\nmember = b1\n");
    refused(&[second], &[]);
    refused(&[second, ("active-members = 1\n", "")], &[text]);
}

/// What a value is replaced by.
const WRONG: [&str; 13] = [
    "",
    "0",
    "-1",
    "1.5",
    "0x10",
    "+1",
    "1 2",
    "99999999999999999999999",
    "yes",
    "\u{0}",
    "}",
    "{",
    "\u{fffd}\u{301}",
];

/// Every line is left out, doubled, cut, renamed, moved, and given every wrong
/// value: each time either the file is good, or every error names a line and a
/// remedy.
#[test]
fn every_line_is_wrong_in_every_way() {
    let lines: Vec<&str> = PAIR.lines().collect();
    let mut refused = 0;
    for (at, line) in lines.iter().enumerate() {
        let mut changed = vec![
            vec![],
            vec![(*line).to_string(); 2],
            vec![line[..line.len() / 2].to_string()],
            vec![line.replacen(['=', '{', '}'], "", 1)],
            vec![format!("{line} {{")],
            vec![format!("{line} }}")],
            vec![format!("x{line}")],
            vec![line.to_uppercase()],
            vec![line.replace('-', "_")],
            vec![format!("{line}\u{7}")],
            vec![format!("{line}{}", "x".repeat(300))],
            vec!["}".into(), (*line).to_string()],
            vec!["unit {".into(), (*line).to_string()],
        ];
        if let Some((key, _)) = line.split_once(" = ") {
            changed.extend(WRONG.map(|value| vec![format!("{key} = {value}")]));
        }
        for replacement in changed {
            let mut text: Vec<String> = lines.iter().map(|line| (*line).to_string()).collect();
            text.splice(at..=at, replacement.clone());
            let count = text.len();
            let errors = groups(text.join("\n")).err().unwrap_or_default();
            refused += usize::from(!errors.is_empty());
            for error in errors {
                let words = error.to_string();
                assert!((1..=count).contains(&error.line.unwrap()), "{words} of {replacement:?}");
                let (wrong, remedy) = error.message.split_once("; ").unwrap_or_else(|| {
                    panic!("no remedy in {words} of {replacement:?}");
                });
                assert!(!wrong.is_empty() && !remedy.is_empty(), "{words}");
                assert!(!words.chars().any(char::is_control), "{words:?}");
            }
        }
    }
    assert!(refused > 500, "{refused}");
}
