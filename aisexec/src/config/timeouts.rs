//! Whether the timeouts of both files fit `token`: how long it takes until a
//! lost node is out, and what waits for it goes on. A time that is shorter does
//! no harm to what the executive itself keeps waiting, but to a component that
//! waits for a program of another node. Nobody has to mend that, so these are
//! warnings.

use super::blocks::{self, Block, Kind};
use super::error::{ConfigError, Errors};
use super::network_conf::{self, NetworkConf};
use ais_node::amf::config::{CapabilityModel, Component};
use ais_totem::Timing;
use ais_wire::Name;
use std::collections::BTreeMap;
use std::path::Path;

/// Milliseconds that a program has for itself in what is recommended.
const OWN_TIME: u64 = 1000;

/// A file: its path for people, and its text, which has no errors.
pub(super) type File<'a> = (&'a Path, &'a [u8]);

/// What in the files does not fit `token`: network.conf first, each in the
/// order of its lines. Components with the same value are named once.
pub(super) fn check(conf: &NetworkConf, network: File<'_>, groups: File<'_>) -> Vec<ConfigError> {
    let check = Check::new(conf, network);
    let mut warnings: Vec<_> = check.api_timeout(conf).into_iter().collect();
    warnings.extend(check.components(groups));
    warnings
}

struct Check<'a> {
    network: File<'a>,
    /// `token` as it was given, and where.
    token: String,
    /// The line of `token`, if it is given.
    line: Option<usize>,
    /// How long a lost node may take until it is out, in milliseconds.
    bound: u64,
}

impl<'a> Check<'a> {
    fn new(conf: &NetworkConf, network: File<'a>) -> Self {
        let line = network_conf::line_of(network.1, "token");
        let place = match line {
            Some(line) => format!("{}:{line}", network.0.display()),
            None => "the default".into(),
        };
        let token = format!("`token:{}` ({place})", conf.token);
        let bound = Timing::from_token(conf.token).bound() / 1_000_000;
        Self { network, token, line, bound }
    }

    /// The least that is recommended.
    fn right(&self) -> u64 {
        self.bound + OWN_TIME
    }

    fn fits(&self, milliseconds: u32) -> bool {
        u64::from(milliseconds) > self.bound
    }

    fn api_timeout(&self, conf: &NetworkConf) -> Option<ConfigError> {
        if self.fits(conf.api_timeout) {
            return None;
        }
        let line = network_conf::line_of(self.network.1, "api-timeout");
        let default = if line.is_some() { "" } else { " by default" };
        let message = format!(
            "api-timeout:{}{default} ends calls with SA_ERR_TIMEOUT whenever a node is lost: {} \
             has them wait for up to {} ms; give `api-timeout:{}` or more, or a shorter token",
            conf.api_timeout,
            self.token,
            self.bound,
            self.right()
        );
        Some(ConfigError { path: self.network.0.into(), line: line.or(self.line), message })
    }

    fn components(&self, (path, text): File<'_>) -> Vec<ConfigError> {
        let file = blocks::parse(text, &mut Errors::new(path, text));
        let units = file.blocks.iter().flat_map(|group| group.children(Kind::Unit));
        let mut found = BTreeMap::<(&str, u32, bool), Misfit>::new();
        for component in units.flat_map(|unit| &unit.blocks) {
            for (key, value, line) in times(component).filter(|(_, value, _)| !self.fits(*value)) {
                let title = || component.title();
                let line_of = line.unwrap_or(component.line);
                let misfit = found.entry((key, value, line.is_some()));
                misfit
                    .or_insert_with(|| Misfit { line: line_of, title: title(), count: 0 })
                    .count += 1;
            }
        }
        let mut warnings: Vec<_> = found
            .iter()
            .map(|(what, misfit)| ConfigError {
                path: path.into(),
                line: Some(misfit.line),
                message: self.words(*what, misfit),
            })
            .collect();
        warnings.sort_by_key(|warning| warning.line);
        warnings
    }

    fn words(&self, (key, value, is_given): (&str, u32, bool), misfit: &Misfit) -> String {
        let Misfit { title, count, .. } = misfit;
        let default = if is_given { "" } else { ", the default," };
        let more = match count - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{key} = {value}{default} is too short for {title}{more}, should it wait for a program \
             of another node: {} lets a lost node keep that waiting for up to {} ms; give \
             `{key} = {}` or more, or a shorter token",
            self.token,
            self.bound,
            self.right()
        )
    }
}

/// A value that does not fit.
struct Misfit {
    /// Where it is first.
    line: usize,
    /// The component there.
    title: String,
    /// How many have it.
    count: usize,
}

/// The times of a component that answers are waited for, each with its line if
/// it is given.
fn times<'b>(
    block: &'b Block<'_>,
) -> impl Iterator<Item = (&'static str, u32, Option<usize>)> + 'b {
    let default = Component::new(Name::default(), CapabilityModel::XActive);
    let keys = [
        ("healthcheck-timeout", default.healthcheck_timeout),
        ("callback-timeout", default.callback_timeout),
        ("quiesce-timeout", default.quiesce_timeout),
        ("stopping-timeout", default.stopping_timeout),
    ];
    keys.into_iter().map(|(key, default)| match block.field(key) {
        Some(field) => {
            let value = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok());
            (key, value.unwrap_or(default), Some(field.line))
        }
        None => (key, default, None),
    })
}
