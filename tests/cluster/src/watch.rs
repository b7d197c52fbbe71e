//! What the views of some nodes say that should stay together: how often they
//! changed, and whether any of them was ever without another.

use crate::cluster::Cluster;
use crate::node::Announced;
use std::time::{Duration, Instant};

/// Looks at some nodes from a moment on.
#[derive(Debug)]
pub(crate) struct Watch {
    since: Instant,
    /// The core: the largest set of nodes that can all talk to each other.
    core: Vec<usize>,
}

/// What was seen of the core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Views that one of its nodes has installed, the most.
    pub(crate) views: usize,
    /// How often another of the core was missing in a view that had it before.
    pub(crate) wrongly_out: usize,
    /// The longest time that another of the core was missing in the view.
    pub(crate) apart: Duration,
}

impl Watch {
    /// Looks at these nodes from now on.
    pub(crate) fn begin(core: &[usize]) -> Self {
        Self { since: Instant::now(), core: core.to_vec() }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.since.elapsed().as_secs_f64()
    }

    /// What was seen so far.
    pub(crate) fn seen(&self, cluster: &Cluster) -> Seen {
        let address = |node: &usize| cluster.nodes[*node].address.as_str();
        let core: Vec<_> = self.core.iter().map(address).collect();
        let mut most = Seen::default();
        for node in &self.core {
            let views = cluster.nodes[*node].views();
            let seen = judge(&views, &core, (self.since, Instant::now()));
            most.views = most.views.max(seen.views);
            most.wrongly_out = most.wrongly_out.max(seen.wrongly_out);
            most.apart = most.apart.max(seen.apart);
        }
        most
    }

    /// When all of the core first had each other in their views, and have since;
    /// after this watch began, or none if they have not.
    pub(crate) fn whole_after(&self, cluster: &Cluster) -> Option<Duration> {
        let address = |node: &usize| cluster.nodes[*node].address.as_str();
        let core: Vec<_> = self.core.iter().map(address).collect();
        let mut latest = Duration::ZERO;
        for node in &self.core {
            let views = cluster.nodes[*node].views();
            let whole = views.iter().rev().take_while(|view| has_all(view, &core)).last()?;
            latest = latest.max(whole.at.saturating_duration_since(self.since));
        }
        Some(latest)
    }
}

fn has_all(view: &Announced, core: &[&str]) -> bool {
    core.iter().all(|address| view.members.iter().any(|member| member == address))
}

/// What the views of one node say of the core in this time.
fn judge(views: &[Announced], core: &[&str], (from, to): (Instant, Instant)) -> Seen {
    let mut seen = Seen::default();
    let mut missing_since: Option<Instant> = None;
    for view in views.iter().filter(|view| view.at <= to) {
        let is_whole = has_all(view, core);
        let is_new = view.at >= from;
        seen.views += usize::from(is_new);
        match missing_since {
            None if !is_whole => {
                seen.wrongly_out += usize::from(is_new);
                missing_since = Some(view.at.max(from));
            }
            Some(since) if is_whole => {
                seen.apart = seen.apart.max(view.at.saturating_duration_since(since));
                missing_since = None;
            }
            _ => {}
        }
    }
    let rest = missing_since.map(|since| to.saturating_duration_since(since));
    seen.apart = seen.apart.max(rest.unwrap_or_default());
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_missing_counts_from_when_it_went() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let view = |at: u32, members: &[&str]| Announced {
            at: start + at * second,
            members: members.iter().map(|&member| member.into()).collect(),
        };
        let views = [
            view(0, &["a"]),
            view(1, &["a", "b", "c"]),
            view(11, &["a", "b"]),
            view(12, &["a"]),
            view(13, &["a", "c"]),
            view(15, &["a", "b"]),
            view(19, &["a"]),
        ];
        let seen = |to: u32| judge(&views, &["a", "b"], (start + 10 * second, start + to * second));
        assert_eq!(seen(11), Seen { views: 1, ..Seen::default() });
        assert_eq!(seen(14), Seen { views: 3, wrongly_out: 1, apart: 2 * second });
        assert_eq!(seen(18), Seen { views: 4, wrongly_out: 1, apart: 3 * second });
        assert_eq!(seen(29), Seen { views: 5, wrongly_out: 2, apart: 10 * second });
    }
}
