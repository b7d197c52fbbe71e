//! `aisctl status`.

use super::table::columns;
use super::units::{bytes, duration};
use super::{Report, keys, ring};
use crate::escape::printable;
use ais_client::admin::{Keys, NodeId, Problem, Severity, State, Status};
use serde_json::{Value, json};

/// The exit status for a node that does not serve all programs.
const NOT_WELL: u8 = 3;
/// Missing nodes that the first line names.
const NAMED: usize = 8;

/// A node in short, and whether its ring is sealed.
pub(super) struct Shown {
    pub(super) status: Status,
    /// `None` if it is not known.
    pub(super) keys: Option<Keys>,
}

impl Report for Shown {
    fn table(&self) -> String {
        let ring = self.keys.as_ref().map(keys::in_words);
        table(&self.status, ring)
    }

    fn json(&self) -> Value {
        let mut json = json(&self.status);
        json["key"] = self.keys.as_ref().and_then(keys::used).into();
        json
    }

    fn code(&self) -> u8 {
        // Nodes that are missing keep no program of this one waiting, and scripts
        // wait for it by this status.
        if serves_all(&self.status) { 0 } else { NOT_WELL }
    }
}

fn table(status: &Status, ring: Option<String>) -> String {
    let none = || "none".to_owned();
    let row = |what: &str, text: String| [what.to_owned(), text];
    let expected =
        status.expected_nodes.map(|nodes| format!(" of {nodes} expected")).unwrap_or_default();
    let clients = status.clients;
    let other = |(service, handles): &(u8, u32)| format!(", {handles} of service {service}");
    let others: String = status.other_handles.iter().map(other).collect();
    let missing = ring::addresses(&missing(status));
    let rows = [
        row("version", printable(&status.version)),
        row("cluster", status.cluster.to_string()),
        row("up", duration(status.uptime)),
        row("ring", ring.unwrap_or_else(|| "unknown".into())),
        row("view", status.view.map_or_else(none, |view| view.to_string())),
        row("members", format!("{}{expected}, {} with the state", status.members, status.synced)),
        row("missing", if missing.is_empty() { none() } else { missing.join(" ") }),
        row("quorum", if status.has_quorum { "yes" } else { "no" }.into()),
        row("lead", status.lead.map_or_else(none, |node| node.to_string())),
        row("AMF", if status.has_amf { "yes" } else { "no: groups.conf differs" }.into()),
        row(
            "checkpoints",
            format!(
                "{}, {} of {}",
                status.checkpoints,
                bytes(status.checkpoint_memory),
                bytes(status.checkpoint_memory_limit)
            ),
        ),
        row(
            "clients",
            format!(
                "{} processes with {} handles of CLM, {} of AMF, {} of CKPT{others}",
                clients.processes, clients.clm, clients.amf, clients.ckpt
            ),
        ),
    ];
    let problems: String = status.problems.iter().map(|p| format!("{}\n", sentence(p))).collect();
    let gap = if problems.is_empty() { "" } else { "\n" };
    format!("{}\n\n{problems}{gap}{}", line(status), columns(&rows))
}

fn json(status: &Status) -> Value {
    let configured: Vec<_> = status.configured.iter().map(|(node, _)| *node).collect();
    json!({
        "summary": line(status),
        "healthy": is_healthy(status),
        "version": status.version,
        "node": status.node.to_string(),
        "name": status.name.to_string(),
        "cluster": status.cluster.to_string(),
        "uptime_ns": status.uptime,
        "state": state(status.state),
        "synchronised_bytes": status.synchronised,
        "view": status.view.map(ring::view_json),
        "members": status.members,
        "synced": status.synced,
        "expected_nodes": status.expected_nodes,
        "configured": ring::addresses(&configured),
        "missing": ring::addresses(&missing(status)),
        "problems": status.problems.iter().map(problem).collect::<Vec<_>>(),
        "quorum": status.has_quorum,
        "lead": status.lead.map(|node| node.to_string()),
        "amf": status.has_amf,
        "checkpoints": {
            "count": status.checkpoints,
            "bytes": status.checkpoint_memory,
            "limit_bytes": status.checkpoint_memory_limit,
        },
        "clients": {
            "processes": status.clients.processes,
            "clm": status.clients.clm,
            "amf": status.clients.amf,
            "ckpt": status.clients.ckpt,
            "other": status.other_handles.iter().map(other_handles).collect::<Vec<_>>(),
        },
    })
}

/// Whether it serves all that programs may ask for.
pub(crate) fn serves_all(status: &Status) -> bool {
    status.state == State::Serving
        && status.has_quorum
        && status.has_amf
        && worst(status).is_none_or(|problem| problem.severity != Severity::Blocking)
}

fn is_healthy(status: &Status) -> bool {
    serves_all(status)
        && !is_incomplete(status)
        && exceeded(status).is_none()
        && worst(status).is_none()
}

/// The problem that hurts most, if one does.
fn worst(status: &Status) -> Option<&Problem> {
    let hurts = status.problems.iter().filter(|problem| problem.severity != Severity::Notice);
    hurts.min_by_key(|problem| problem.severity as u8)
}

/// A problem in a line.
fn sentence(problem: &Problem) -> String {
    let kind = if problem.severity == Severity::Notice { "notice" } else { "problem" };
    format!("{kind}: {}; {}", printable(&problem.what), printable(&problem.advice))
}

/// The handles of a service that this version does not know by name.
fn other_handles((service, handles): &(u8, u32)) -> Value {
    json!({ "service": service, "handles": handles })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "severity": match problem.severity {
            Severity::Blocking => "blocking",
            Severity::Degraded => "degraded",
            Severity::Notice => "notice",
        },
        "node": problem.node.map(|node| node.to_string()),
        "what": problem.what,
        "advice": problem.advice,
    })
}

fn is_incomplete(status: &Status) -> bool {
    !missing(status).is_empty() || status.expected_nodes.is_some_and(|of| status.members < of)
}

/// How many nodes are expected, if there are more: halves of them could both
/// have quorum.
fn exceeded(status: &Status) -> Option<u32> {
    status.expected_nodes.filter(|expected| status.members > *expected)
}

/// The nodes that network.conf names and that are not in the view.
pub(super) fn missing(status: &Status) -> Vec<NodeId> {
    let missing = status.configured.iter().filter(|(_, is_member)| !is_member);
    missing.map(|(node, _)| *node).collect()
}

/// The missing nodes at the end of a sentence.
fn who_is_missing(status: &Status) -> String {
    let missing = ring::addresses(&missing(status));
    match missing.len() {
        0 => String::new(),
        1..=NAMED => format!("; missing: {}", missing.join(", ")),
        count => {
            format!("; missing: {} and {} more", missing[..NAMED].join(", "), count - NAMED)
        }
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::Synchronising => "synchronising",
        State::Serving => "serving",
        State::Unable => "unable",
    }
}

/// All in one line.
pub(crate) fn line(status: &Status) -> String {
    let node = format!("node {} ({})", status.node, status.name);
    match status.state {
        State::Starting => format!("{node} is starting: it has found no cluster yet"),
        State::Synchronising => format!(
            "{node} is synchronising: {} of {} members have the state of the cluster, and {} of \
             it were sent so far",
            status.synced,
            status.members,
            bytes(status.synchronised)
        ),
        State::Unable => format!(
            "{node} is left out: it cannot read the state of the cluster; run the same version \
             with the same limits on all nodes"
        ),
        State::Serving if !status.has_quorum => {
            let expected = status.expected_nodes.unwrap_or_default();
            format!(
                "{node} has no quorum: it sees {} of {expected} nodes and refuses changes until \
                 it sees more than half{}",
                status.members,
                who_is_missing(status)
            )
        }
        State::Serving if !status.has_amf => format!(
            "{node} takes no part in AMF: its groups.conf is not that of the cluster; correct it \
             and restart aisexec"
        ),
        State::Serving if !serves_all(status) => format!(
            "{node} keeps programs waiting: {}",
            worst(status).map(|problem| printable(&problem.what)).unwrap_or_default()
        ),
        State::Serving if exceeded(status).is_some() => {
            let (expected, members) = (exceeded(status).unwrap_or_default(), status.members);
            format!(
                "{node} serves, but expected-nodes:{expected} is less than the {members} nodes it \
                 sees, so that two parts of the cluster may both have quorum; give \
                 `expected-nodes:{members}` on all nodes and restart aisexec"
            )
        }
        State::Serving if is_incomplete(status) => {
            let hurts = if worst(status).is_some() { "; there are problems as well" } else { "" };
            let expected = status.expected_nodes.unwrap_or(0) as usize;
            let of = expected.max(status.configured.len());
            let members = status.members;
            format!(
                "{node} serves, but nodes are missing: it sees {members} of {of}{}{hurts}",
                who_is_missing(status)
            )
        }
        State::Serving if worst(status).is_some() => {
            let what = worst(status).map(|problem| printable(&problem.what)).unwrap_or_default();
            format!("{node} serves, but {what}")
        }
        State::Serving if status.members == 1 => format!("{node} is well: it serves, alone"),
        State::Serving => format!("{node} is well: it serves, with {} members", status.members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::Name;
    use ais_client::admin::{Clients, NodeId, ViewId};

    impl Report for Status {
        fn table(&self) -> String {
            table(self, None)
        }

        fn json(&self) -> Value {
            Shown { status: self.clone(), keys: None }.json()
        }

        fn code(&self) -> u8 {
            Shown { status: self.clone(), keys: None }.code()
        }
    }

    #[test]
    fn the_key_of_the_ring_is_shown() {
        let with = |own: &[u32]| {
            let keys = Keys { own: own.to_vec(), others: Vec::new() };
            Shown { status: status(), keys: Some(keys) }
        };
        assert!(with(&[]).table().contains("\nring         clear"), "{}", with(&[]).table());
        assert_eq!(with(&[]).json()["key"], Value::Null);
        let sealed = with(&[0xab, 1]);
        assert!(sealed.table().contains("sealed with key 000000ab\n"), "{}", sealed.table());
        assert_eq!(sealed.json()["key"], json!("000000ab"));
    }

    fn status() -> Status {
        let node = NodeId::new([10, 0, 0, 1].into());
        Status {
            version: "0.1.0".into(),
            node,
            name: Name::try_from("one\"").unwrap(),
            cluster: Name::default(),
            uptime: 61_000_000_000,
            state: State::Serving,
            synchronised: 20_480,
            view: Some(ViewId { number: 7, representative: node }),
            members: 2,
            synced: 1,
            expected_nodes: None,
            has_quorum: true,
            lead: Some(node),
            has_amf: true,
            checkpoints: 0,
            checkpoint_memory: 0,
            checkpoint_memory_limit: 0,
            clients: Clients::default(),
            configured: Vec::new(),
            problems: Vec::new(),
            other_handles: Vec::new(),
        }
    }

    fn address(last: u8) -> NodeId {
        NodeId::new([10, 0, 0, last].into())
    }

    #[test]
    fn the_first_line_says_it_all() {
        let line = |status: &Status| status.table().lines().next().unwrap().to_owned();
        let well = status();
        assert_eq!(line(&well), "node 10.0.0.1 (one\\\") is well: it serves, with 2 members");
        assert_eq!(well.code(), 0);
        let lonely = Status { has_quorum: false, expected_nodes: Some(4), ..status() };
        assert!(line(&lonely).contains("has no quorum: it sees 2 of 4 nodes"));
        assert_eq!(lonely.code(), 3);
        let young = Status { state: State::Synchronising, ..status() };
        assert!(line(&young).contains("1 of 2 members have the state of the cluster"));
        assert!(line(&young).contains("20 KiB of it were sent"));
        assert_eq!(young.code(), 3);
        let unable = Status { state: State::Unable, ..status() };
        assert!(line(&unable).contains("is left out"));
        assert_eq!(unable.code(), 3);
        let other = Status { has_amf: false, ..status() };
        assert!(line(&other).contains("takes no part in AMF"));
        assert_eq!(other.code(), 3);
        let lost = Status { configured: vec![(address(1), true), (address(3), false)], ..status() };
        let said = "serves, but nodes are missing: it sees 2 of 2; missing: 10.0.0.3";
        assert_eq!(line(&lost), format!("node 10.0.0.1 (one\\\") {said}"));
        assert_eq!((lost.code(), &lost.json()["healthy"]), (0, &json!(false)));
        let counted = Status { expected_nodes: Some(3), ..status() };
        assert!(line(&counted).ends_with("nodes are missing: it sees 2 of 3"));
        assert_eq!(counted.json()["healthy"], json!(false));
        let crowded = Status { expected_nodes: Some(1), ..status() };
        let said = "serves, but expected-nodes:1 is less than the 2 nodes it sees, so that";
        assert!(line(&crowded).contains(said), "{}", line(&crowded));
        assert!(line(&crowded).contains("`expected-nodes:2`"), "{}", line(&crowded));
        assert_eq!((crowded.code(), &crowded.json()["healthy"]), (0, &json!(false)));
        let whole =
            Status { configured: vec![(address(1), true)], expected_nodes: Some(2), ..status() };
        assert_eq!(whole.code(), 0);
        let none =
            Status { configured: (1..=20).map(|last| (address(last), false)).collect(), ..lonely };
        assert!(line(&none).ends_with("10.0.0.7, 10.0.0.8 and 12 more"), "{}", line(&none));
        assert_eq!(none.code(), 3);
        let newborn = Status { state: State::Starting, view: None, lead: None, ..status() };
        assert_eq!((newborn.code(), &newborn.json()["view"]), (3, &Value::Null));
    }

    #[test]
    fn handles_of_services_without_a_name_here_are_told_too() {
        let with = Status { other_handles: vec![(5, 9)], ..status() };
        assert!(with.table().contains("0 of CKPT, 9 of service 5"), "{}", with.table());
        assert_eq!(with.json()["clients"]["other"], json!([{ "service": 5, "handles": 9 }]));
        assert_eq!(status().json()["clients"]["other"], json!([]));
    }

    fn problem(severity: Severity, what: &str) -> Problem {
        Problem { severity, node: Some(address(3)), what: what.into(), advice: "do\x1b so".into() }
    }

    #[test]
    fn problems_are_listed_and_count_as_they_hurt() {
        let with = |problems| Status { problems, ..status() };
        let text = |status: &Status| {
            let table = status.table();
            let lines: Vec<_> = table.lines().map(str::to_owned).collect();
            let listed = lines.iter().skip(2).take_while(|line| !line.starts_with("version"));
            (lines[0].clone(), listed.filter(|line| !line.is_empty()).count(), lines[2].clone())
        };
        let noticed = with(vec![problem(Severity::Notice, "a")]);
        let (first, count, listed) = text(&noticed);
        assert!(first.ends_with("is well: it serves, with 2 members"), "{first}");
        assert_eq!((count, listed.as_str()), (1, "notice: a; do\\u{1b} so"));
        assert_eq!((noticed.code(), &noticed.json()["healthy"]), (0, &json!(true)));
        let degraded = with(vec![problem(Severity::Notice, "a"), problem(Severity::Degraded, "b")]);
        let (first, count, _) = text(&degraded);
        assert!(first.ends_with("serves, but b"), "{first}");
        assert_eq!((count, degraded.code()), (2, 0));
        assert_eq!(degraded.json()["healthy"], json!(false));
        let missing = Status { expected_nodes: Some(3), ..degraded };
        let (first, ..) = text(&missing);
        assert!(first.ends_with("it sees 2 of 3; there are problems as well"), "{first}");
        let blocked =
            with(vec![problem(Severity::Degraded, "b"), problem(Severity::Blocking, "c")]);
        let (first, ..) = text(&blocked);
        assert!(first.ends_with("keeps programs waiting: c"), "{first}");
        assert_eq!((blocked.code(), &blocked.json()["healthy"]), (3, &json!(false)));
        assert_eq!(blocked.json()["problems"][1]["severity"], json!("blocking"));
    }

    #[test]
    fn json_has_the_documented_keys() {
        let configured = vec![(address(1), true), (address(3), false)];
        let problems = vec![problem(Severity::Degraded, "b")];
        let other_handles = vec![(5, 9)];
        let json = Status { configured, problems, other_handles, ..status() }.json();
        super::super::assert_documented(&json, &[]);
        assert_eq!(json["missing"], json!(["10.0.0.3"]));
    }
}
