//! `aisctl ring`.

use super::Report;
use super::table::columns;
use crate::escape::printable;
use ais_client::admin::{NodeId, Ring, ViewId};
use serde_json::{Map, Value, json};

/// The ring, if the node has a network.
pub(super) struct Shown(pub(super) Option<Ring>);

impl Report for Shown {
    fn table(&self) -> String {
        let Some(ring) = &self.0 else {
            return "this node has no network, and so no ring\n".into();
        };
        let row = |what: &str, text: String| [what.to_owned(), text];
        let mut rows = vec![
            row("state", printable(&ring.state)),
            row("view", ring.view.map_or_else(|| "none".into(), |view| view.to_string())),
            row("members", addresses(&ring.members).join(" ")),
            row("why", printable(&ring.why)),
        ];
        let counters = ring.counters.iter();
        rows.extend(counters.map(|(name, value)| row(&printable(name), value.to_string())));
        columns(&rows)
    }

    fn json(&self) -> Value {
        let ring = self.0.as_ref();
        let counters = ring.into_iter().flat_map(|ring| &ring.counters);
        let counters: Map<_, _> =
            counters.map(|(name, value)| (name.clone(), (*value).into())).collect();
        json!({
            "network": ring.is_some(),
            "state": ring.map(|ring| ring.state.clone()),
            "view": ring.and_then(|ring| ring.view).map(view_json),
            "members": ring.map(|ring| addresses(&ring.members)).unwrap_or_default(),
            "why": ring.map(|ring| ring.why.clone()),
            "counters": counters,
        })
    }
}

pub(super) fn view_json(id: ViewId) -> Value {
    json!({ "number": id.number, "representative": id.representative.to_string() })
}

pub(super) fn addresses(nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_shown_with_its_counters() {
        let one = NodeId::new([10, 0, 0, 1].into());
        let ring = Shown(Some(Ring {
            state: "operational".into(),
            view: Some(ViewId { number: 7, representative: one }),
            members: vec![one],
            why: "it\x1b[2J is alone".into(),
            counters: vec![("tokens".into(), 12)],
        }));
        assert_eq!(
            ring.table(),
            "state    operational\nview     10.0.0.1.7\nmembers  10.0.0.1\n\
             why      it\\u{1b}[2J is alone\ntokens   12\n"
        );
        assert_eq!(
            ring.json(),
            json!({
                "network": true,
                "state": "operational",
                "view": { "number": 7, "representative": "10.0.0.1" },
                "members": ["10.0.0.1"],
                "why": "it\u{1b}[2J is alone",
                "counters": { "tokens": 12 },
            })
        );
        super::super::assert_documented(&ring.json(), &["counters"]);
        let Value::Object(none) = Shown(None).json() else { panic!("no object") };
        assert_eq!(none.len(), 6);
        assert_eq!(none["network"], false);
    }
}
