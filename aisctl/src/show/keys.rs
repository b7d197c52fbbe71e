//! `aisctl key status`: which node seals with which key, and which it opens with. From
//! it an operator sees whether the next step of a change of keys can be taken.

use super::Report;
use super::table::columns;
use ais_client::admin::{KeyHolder, Keys};
use serde_json::{Value, json};

/// The keys, if the node has a network.
pub(super) struct Shown(pub(super) Option<Keys>);

/// Whether the ring is sealed, in a few words.
pub(super) fn in_words(keys: &Keys) -> String {
    match used(keys) {
        Some(key) => format!("sealed with key {key}"),
        None => "clear: whoever can send to the nodes can join the cluster".into(),
    }
}

/// The name of the key that the node seals with, if it does.
pub(super) fn used(keys: &Keys) -> Option<String> {
    keys.own.first().copied().map(name)
}

fn name(key: u32) -> String {
    format!("{key:08x}")
}

fn names(keys: &[u32]) -> Vec<String> {
    keys.iter().copied().map(name).collect()
}

/// What can be said of a key of this node: who does not open with it, who seals with it.
fn sentence(keys: &Keys, place: usize, key: u32) -> String {
    let nodes = |is_it: &dyn Fn(&&KeyHolder) -> bool| {
        let nodes: Vec<_> =
            keys.others.iter().filter(is_it).map(|of| of.node.to_string()).collect();
        nodes.join(", ")
    };
    let lacks = nodes(&|of| !of.accepts.contains(&key));
    let uses = nodes(&|of| of.uses == Some(key));
    let id = name(key);
    match (place, lacks.as_str(), uses.as_str()) {
        (0, "", _) => format!("key {id}: this node seals with it, and all members open with it"),
        (0, lacks, _) => {
            format!("key {id}: this node seals with it, and {lacks} may not open with it")
        }
        (_, "", "") => format!(
            "key {id}: all members open with it, and none seals with it; it can \
                                become the first, or be removed"
        ),
        (_, "", uses) => format!("key {id}: {uses} seals with it; it cannot be removed yet"),
        (_, lacks, _) => {
            format!("key {id}: add it to the key file of {lacks} before it becomes the first")
        }
    }
}

impl Report for Shown {
    fn table(&self) -> String {
        let Some(keys) = &self.0 else {
            return "this node has no network, and so no key\n".into();
        };
        if keys.own.is_empty() {
            return format!("the ring is {}\n", in_words(keys));
        }
        let mut rows = vec![["node".into(), "seals with".into(), "opens with".into()]];
        rows.push(["this node".into(), name(keys.own[0]), names(&keys.own).join(" ")]);
        for KeyHolder { node, uses, accepts } in &keys.others {
            let uses = uses.map_or_else(|| "unknown".into(), name);
            rows.push([node.to_string(), uses, names(accepts).join(" ")]);
        }
        let sentences: String = (0..)
            .zip(&keys.own)
            .map(|(place, key)| format!("{}\n", sentence(keys, place, *key)))
            .collect();
        format!("{}\n{sentences}", columns(&rows))
    }

    fn json(&self) -> Value {
        let keys = self.0.as_ref();
        let other = |of: &KeyHolder| {
            json!({
                "node": of.node.to_string(),
                "uses": of.uses.map(name),
                "accepts": names(&of.accepts),
            })
        };
        json!({
            "network": keys.is_some(),
            "accepts": keys.map(|keys| names(&keys.own)).unwrap_or_default(),
            "others": keys.into_iter().flat_map(|keys| &keys.others).map(other).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ais_client::admin::NodeId;

    fn holder(last: u8, uses: Option<u32>, accepts: &[u32]) -> KeyHolder {
        KeyHolder { node: NodeId::new([10, 0, 0, last].into()), uses, accepts: accepts.to_vec() }
    }

    fn text(own: &[u32], others: Vec<KeyHolder>) -> String {
        Shown(Some(Keys { own: own.to_vec(), others })).table()
    }

    #[test]
    fn each_step_of_a_change_of_keys_is_told() {
        let none = text(&[], Vec::new());
        assert!(none.starts_with("the ring is clear: whoever can send"), "{none}");
        let added = text(&[1, 2], vec![holder(2, Some(1), &[1, 2]), holder(3, Some(1), &[1])]);
        assert!(
            added.contains("key 00000001: this node seals with it, and all members"),
            "{added}"
        );
        assert!(added.contains("key 00000002: add it to the key file of 10.0.0.3"), "{added}");
        let ready = text(&[1, 2], vec![holder(2, Some(1), &[1, 2])]);
        assert!(ready.contains("key 00000002: all members open with it, and none"), "{ready}");
        let switched = text(&[2, 1], vec![holder(2, Some(1), &[1, 2])]);
        assert!(switched.contains("key 00000001: 10.0.0.2 seals with it"), "{switched}");
        let unknown = text(&[2], vec![holder(2, None, &[])]);
        assert!(unknown.contains("10.0.0.2   unknown"), "{unknown}");
        assert!(unknown.contains("10.0.0.2 may not open with it"), "{unknown}");
    }

    #[test]
    fn json_has_the_documented_keys() {
        let keys = Keys { own: vec![1], others: vec![holder(2, Some(1), &[1])] };
        super::super::assert_documented(&Shown(Some(keys)).json(), &[]);
        assert_eq!(Shown(None).json()["network"], json!(false));
    }
}
