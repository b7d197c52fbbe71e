//! What is to be equal at all nodes of a cluster: nodes tell each other in JOIN
//! and HELLO, so that a difference is known also where it keeps a ring from
//! forming. The ring only compares; what the settings mean is the driver's.

use crate::packet::fnv1a;
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};
use std::collections::BTreeMap;

/// Settings that a node tells; of more the first are looked at.
const MAX_SETTINGS: usize = 16;
/// Nodes whose settings are remembered. Those beyond are not compared.
const MAX_NODES: usize = 256;

/// A setting as it stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: Name,
    /// Its value, or what stands for it.
    pub value: Name,
}

/// Writes the settings of a node.
pub(crate) fn write(out: &mut Writer, settings: &[Setting]) {
    out.list(settings, |out, setting| {
        out.name(&setting.key).name(&setting.value);
    });
}

/// Reads the settings of a node.
pub(crate) fn read(input: &mut Reader<'_>) -> Result<Vec<Setting>, DecodeError> {
    let read = |input: &mut Reader<'_>| Ok(Setting { key: input.name()?, value: input.name()? });
    let mut settings = input.list(read)?;
    settings.truncate(MAX_SETTINGS);
    Ok(settings)
}

/// The settings of this node, and which of other nodes were compared with them
/// last.
#[derive(Debug)]
pub(crate) struct Comparison {
    own: Vec<Setting>,
    compared: BTreeMap<NodeId, u64>,
}

impl Comparison {
    pub(crate) fn new(own: Vec<Setting>) -> Self {
        Self { own, compared: BTreeMap::new() }
    }

    /// How the settings of a node differ from those of this one, a line for
    /// each; nothing if they are those it had when this was asked last. What
    /// only one of the two tells is not compared: they may be of different
    /// versions.
    pub(crate) fn differences(&mut self, node: NodeId, theirs: &[Setting]) -> Vec<String> {
        let mut bytes = Writer::new();
        write(&mut bytes, theirs);
        let digest = fnv1a(&bytes.into_bytes());
        let is_full = self.compared.len() >= MAX_NODES && !self.compared.contains_key(&node);
        if theirs.is_empty() || is_full || self.compared.insert(node, digest) == Some(digest) {
            return Vec::new();
        }
        let differing = self.own.iter().filter_map(|own| {
            let other = theirs.iter().find(|other| other.key == own.key)?;
            (other.value != own.value).then_some((own, other))
        });
        let line = |(Setting { key, value }, other): (&Setting, &Setting)| {
            let theirs = &other.value;
            format!(
                "{node} has {key}:{theirs}, this node has {key}:{value}; give all nodes of the \
                 cluster the same"
            )
        };
        differing.map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Vec<Setting> {
        let name = |text: &str| Name::try_from(text).unwrap();
        let setting = |(key, value): &(&str, &str)| Setting { key: name(key), value: name(value) };
        pairs.iter().map(setting).collect()
    }

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    #[test]
    fn what_differs_is_said_once_for_each_change() {
        let own = settings(&[("token", "1000"), ("quorum", "majority"), ("of-mine", "1")]);
        let mut comparison = Comparison::new(own.clone());
        assert_eq!(comparison.differences(node(2), &own), [""; 0]);
        let theirs = settings(&[("quorum", "none"), ("token", "1000"), ("of-theirs", "2")]);
        let line = "10.0.0.2 has quorum:none, this node has quorum:majority; give all nodes of \
                    the cluster the same";
        assert_eq!(comparison.differences(node(2), &theirs), [line]);
        assert_eq!(comparison.differences(node(2), &theirs), [""; 0]);
        assert_eq!(comparison.differences(node(3), &theirs).len(), 1);
        // An older version tells nothing.
        assert_eq!(comparison.differences(node(2), &[]), [""; 0]);
        let two = settings(&[("token", "100"), ("quorum", "none")]);
        assert_eq!(comparison.differences(node(2), &two).len(), 2);
        assert_eq!(comparison.differences(node(2), &theirs), [line]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut comparison = Comparison::new(settings(&[("token", "1")]));
        let theirs = settings(&[("token", "2")]);
        let all = (0..4 * MAX_NODES as u32).map(|host| NodeId::new((0x0a00_0000 + host).into()));
        let said = all.filter(|node| !comparison.differences(*node, &theirs).is_empty()).count();
        assert_eq!((said, comparison.compared.len()), (MAX_NODES, MAX_NODES));
        let mut out = Writer::new();
        write(&mut out, &vec![theirs[0].clone(); 100]);
        let bytes = out.into_bytes();
        assert_eq!(read(&mut Reader::new(&bytes)).unwrap().len(), MAX_SETTINGS);
    }
}
