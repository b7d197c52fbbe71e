//! Timeouts that do not fit `token` are warned of.

use super::*;

/// What is said of these files, without their directory.
fn warnings(network: &str, groups: &str) -> Vec<String> {
    let scratch = Scratch::new();
    scratch.write("network.conf", network);
    scratch.write("groups.conf", groups);
    let directory = format!("{}/", scratch.0.display());
    let warnings = load(&scratch.0).unwrap().warnings;
    warnings.iter().map(|warning| warning.to_string().replace(&directory, "")).collect()
}

/// Two components, the first of them with these lines.
fn two(lines: &str) -> String {
    OLD_GROUPS.replacen("model=x_active\n", &format!("model=x_active\n{lines}"), 1)
}

#[test]
fn the_defaults_fit_each_other() {
    assert_eq!(warnings(OLD_NETWORK, OLD_GROUPS), [""; 0]);
    let sample = fs::read_to_string(repository("conf/groups.conf")).unwrap();
    assert_eq!(warnings(OLD_NETWORK, &sample), [""; 0]);
    let shown = sample.replace("#healthcheck", "healthcheck").replace("#quiesce", "quiesce");
    assert_eq!(warnings(OLD_NETWORK, &shown), [""; 0]);
}

#[test]
fn each_time_that_is_shorter_than_a_lost_node_takes_is_named() {
    let all = "healthcheck-timeout=1000\ncallback-timeout=2000\nquiesce-timeout = 500\n\
               stopping-timeout=2000\n";
    let shorts = [(14, "healthcheck", 1000), (15, "callback", 2000), (16, "quiesce", 500)];
    let expected: Vec<_> = shorts
        .into_iter()
        .chain([(17, "stopping", 2000)])
        .map(|(line, key, value)| {
            format!(
                "groups.conf:{line}: {key}-timeout = {value} is too short for component `comp_a`, \
                 should it wait for a program of another node: `token:1000` (the default) lets a \
                 lost node keep that waiting for up to 2000 ms; give `{key}-timeout = 3000` or \
                 more, or a shorter token"
            )
        })
        .collect();
    assert_eq!(warnings(OLD_NETWORK, &two(all)), expected);
    assert_eq!(warnings(&format!("{OLD_NETWORK}token:240\n"), &two(all)), [""; 0]);
    let just_fits = all.replace("2000", "2001").replace("1000", "2001").replace("500", "2001");
    assert_eq!(warnings(OLD_NETWORK, &two(&just_fits)), [""; 0]);
}

#[test]
fn a_token_that_does_not_fit_the_defaults_is_named_with_its_place() {
    let network = format!("{OLD_NETWORK}# slow\n  token: 4000 # ms\napi-timeout:6000\n");
    let said = warnings(&network, &two("healthcheck-timeout = 9000\n"));
    let starts = [
        "network.conf:6: api-timeout:6000 ends calls with SA_ERR_TIMEOUT whenever a node is lost: \
         `token:4000` (network.conf:5) has them wait for up to 8000 ms; give `api-timeout:9000`",
        "groups.conf:11: callback-timeout = 5000, the default, is too short for component `comp_a` \
         and 1 more,",
        "groups.conf:11: quiesce-timeout = 3000, the default, is too short for component `comp_a` \
         and 1 more,",
        "groups.conf:16: healthcheck-timeout = 3000, the default, is too short for component \
         `comp_b`,",
    ];
    assert_eq!(said.len(), starts.len(), "{said:#?}");
    for (said, start) in said.iter().zip(starts) {
        assert!(said.starts_with(start), "{said} is not {start}");
    }
    assert_eq!(
        warnings(&format!("{OLD_NETWORK}token:2500\n"), "")[0],
        "network.conf:4: api-timeout:5000 by default ends calls with SA_ERR_TIMEOUT whenever a \
         node is lost: `token:2500` (network.conf:4) has them wait for up to 5000 ms; give \
         `api-timeout:6000` or more, or a shorter token"
    );
}
