//! What is to be equal at all nodes of a cluster, or another one at each: nodes
//! tell each other in JOIN and HELLO, so that a mistake is known also where it
//! keeps a ring from forming. The ring only compares; what the settings mean is
//! the driver's.

use crate::packet::fnv1a;
use crate::{Config, Problem, Severity};
use ais_wire::{DecodeError, Name, NodeId, Reader, Writer};

/// Settings that a node tells; of more the first are looked at.
pub(crate) const MAX_SETTINGS: usize = 16;

/// A setting as it stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key of the setting.
    pub key: Name,
    /// The value of the setting, or what stands for it.
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

/// The settings of this node, to be compared with those of others.
#[derive(Debug)]
pub(crate) struct Comparison {
    equal: Vec<Setting>,
    distinct: Vec<Setting>,
}

impl Comparison {
    pub(crate) fn new(config: &Config) -> Self {
        Self { equal: config.settings.clone(), distinct: config.distinct.clone() }
    }

    /// What this node tells others. Of what is to be distinct that is a digest,
    /// which says enough and is short.
    pub(crate) fn told(&self) -> Vec<Setting> {
        self.equal.iter().cloned().chain(self.distinct.iter().map(digest)).collect()
    }

    /// What `node` has other than this node. What only one of the two tells is
    /// not compared: they may be of different versions.
    pub(crate) fn differing(&self, node: NodeId, theirs: &[Setting]) -> Option<Problem> {
        let differing = self.equal.iter().filter_map(|own| {
            let other = theirs.iter().find(|other| other.key == own.key)?;
            (other.value != own.value).then_some((own, other))
        });
        let (own, others): (Vec<_>, Vec<_>) = differing.unzip();
        (!own.is_empty()).then(|| Problem {
            node: Some(node),
            severity: Severity::Degraded,
            what: format!("{node} has {}, this node has {}", list(&others), list(&own)),
            advice: "give all nodes of the cluster the same".into(),
        })
    }

    /// What `node` has as this node, and only one may.
    pub(crate) fn alike(&self, node: NodeId, theirs: &[Setting]) -> Option<Problem> {
        let alike: Vec<_> =
            self.distinct.iter().filter(|own| theirs.contains(&digest(own))).collect();
        (!alike.is_empty()).then(|| Problem {
            node: Some(node),
            severity: Severity::Degraded,
            what: format!("{node} has {}, and so has this node", list(&alike)),
            advice: "programs cannot tell them apart by it: give each node another".into(),
        })
    }
}

fn digest(setting: &Setting) -> Setting {
    let digest = format!("{:016x}", fnv1a(setting.value.as_bytes()));
    let value = Name::try_from(digest.as_str()).unwrap_or_default();
    Setting { key: setting.key.clone(), value }
}

fn list(settings: &[&Setting]) -> String {
    let words: Vec<_> =
        settings.iter().map(|setting| format!("{}:{}", setting.key, setting.value)).collect();
    words.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timing;

    fn settings(pairs: &[(&str, &str)]) -> Vec<Setting> {
        let name = |text: &str| Name::try_from(text).unwrap();
        let setting = |(key, value): &(&str, &str)| Setting { key: name(key), value: name(value) };
        pairs.iter().map(setting).collect()
    }

    fn node(number: u8) -> NodeId {
        NodeId::new([10, 0, 0, number].into())
    }

    fn comparison(equal: &[(&str, &str)], distinct: &[(&str, &str)]) -> Comparison {
        Comparison::new(&Config {
            me: node(1),
            cluster: Name::default(),
            timing: Timing::from_token(1000),
            mtu: 1472,
            max_message: 1000,
            last_view: 0,
            reserved: 0,
            linger: 0,
            first_seq: 0,
            settings: settings(equal),
            distinct: settings(distinct),
            members: Vec::new(),
            incarnation: 0,
            sealing: None,
        })
    }

    fn line(problem: Option<Problem>) -> String {
        problem.map_or_else(String::new, |problem| format!("{}; {}", problem.what, problem.advice))
    }

    #[test]
    fn what_differs_is_said_with_both_values() {
        let own = [("token", "1000"), ("quorum", "majority"), ("of-mine", "1")];
        let own = comparison(&own, &[]);
        let differing = |pairs| line(own.differing(node(2), &settings(pairs)));
        assert_eq!(own.differing(node(2), &own.told()), None);
        assert_eq!(
            differing(&[("quorum", "none"), ("token", "1000"), ("of-theirs", "2")]),
            "10.0.0.2 has quorum:none, this node has quorum:majority; give all nodes of the \
             cluster the same"
        );
        assert_eq!(
            differing(&[("quorum", "none"), ("token", "1001")]),
            "10.0.0.2 has token:1001 and quorum:none, this node has token:1000 and \
             quorum:majority; give all nodes of the cluster the same"
        );
        // An older version tells nothing.
        assert_eq!(differing(&[]), "");
    }

    #[test]
    fn what_only_one_may_have_is_told_as_a_digest() {
        let [one, other, same] = ["one", "other", "one"]
            .map(|name| comparison(&[("token", "1")], &[("nodename", name)]));
        assert_eq!(one.alike(node(2), &other.told()), None);
        assert_eq!(one.differing(node(2), &other.told()), None);
        assert_eq!(
            line(one.alike(node(2), &same.told())),
            "10.0.0.2 has nodename:one, and so has this node; programs cannot tell \
             them apart by it: give each node another"
        );
        assert!(!one.told().contains(&settings(&[("nodename", "one")])[0]));
    }

    #[test]
    fn what_is_read_is_bounded() {
        let mut out = Writer::new();
        write(&mut out, &vec![settings(&[("token", "2")])[0].clone(); 100]);
        let bytes = out.into_bytes();
        assert_eq!(read(&mut Reader::new(&bytes)).unwrap().len(), MAX_SETTINGS);
    }
}
