//! `aisctl ckpt sections`.

use super::{now, take};
use crate::show::{Report, columns, units};
use crate::{Failure, escape};
use ais_client::Name;
use ais_client::ckpt::{Section, deadline};
use serde_json::{Value, json};

/// The sections of a checkpoint, the oldest first.
pub(super) struct Shown {
    name: Name,
    /// Nanoseconds since the epoch.
    now: i64,
    sections: Vec<Section>,
}

pub(super) fn get(name: Name) -> Result<Shown, Failure> {
    let mut inspection = take(&name)?;
    let mut sections: Vec<Section> = Vec::new();
    loop {
        let first = sections.last().map_or(0, |last| last.number + 1);
        let page = inspection.sections(first)?;
        let is_last = !page.more || page.items.is_empty();
        sections.extend(page.items);
        if is_last {
            return Ok(Shown { name, now: now(), sections });
        }
    }
}

impl Shown {
    fn row(&self, section: &Section) -> [String; 5] {
        let id = if section.number == 0 { "(default)".into() } else { escape::shown(&section.id) };
        let expires = match deadline(section.expiration) {
            None => "never".into(),
            Some(at) if at > self.now => format!("in {}", units::duration(since(self.now, at))),
            Some(_) => "now".into(),
        };
        let updated = match section.last_update {
            0 => "never".into(),
            at => format!("{} ago", units::duration(since(at, self.now))),
        };
        [section.number.to_string(), section.size.to_string(), expires, updated, id]
    }
}

/// Nanoseconds from one time to a later one.
fn since(earlier: i64, later: i64) -> u64 {
    later.saturating_sub(earlier).max(0).cast_unsigned()
}

impl Report for Shown {
    fn table(&self) -> String {
        let mut rows = vec![["NUMBER", "BYTES", "EXPIRES", "UPDATED", "ID"].map(str::to_owned)];
        rows.extend(self.sections.iter().map(|section| self.row(section)));
        columns(&rows)
    }

    fn json(&self) -> Value {
        let section = |section: &Section| {
            json!({
                "number": section.number,
                "id": escape::shown(&section.id),
                "bytes": section.size,
                "expiration": section.expiration,
                "expires_ns": deadline(section.expiration),
                "updated_ns": section.last_update,
            })
        };
        let sections: Vec<_> = self.sections.iter().map(section).collect();
        json!({ "name": self.name.to_string(), "sections": sections })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::assert_documented;

    #[test]
    fn a_section_is_a_line_and_an_object() {
        const SECOND: i64 = 1_000_000_000;
        let section = |number, id: &[u8], expiration, last_update| {
            let (id, state) = (id.to_vec(), ais_client::ckpt::SectionState::Valid);
            Section { number, id, expiration, size: 7, state, last_update }
        };
        let shown = Shown {
            name: Name::try_from("a").unwrap(),
            now: 1000 * SECOND,
            sections: vec![
                section(0, b"", i64::MAX, 0),
                section(1, b"\x01x", 1030 * SECOND, 990 * SECOND),
                section(2, b"late", 5 * SECOND, 1001 * SECOND),
            ],
        };
        let table = shown.table();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = table.lines().skip(1).map(words).collect();
        let expected =
            ["0 7 never never (default)", "1 7 in 30 s 10 s ago \\x01x", "2 7 now 0 s ago late"];
        assert_eq!(lines, expected);
        let json = shown.json();
        assert_documented(&json, &[]);
        assert_eq!(json["sections"][0]["expires_ns"], Value::Null);
        assert_eq!(json["sections"][1]["expires_ns"], 1030 * SECOND);
        assert_eq!(json["sections"][1]["id"], "\\x01x");
    }
}
