//! The tables of `docs/IPC.md` are those of the declarations. `BLESS=1` has the test write
//! them.

use crate::*;
use ais_wire::{Field, Record, Variants as _};
use std::fmt::Write as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/IPC.md");
const PAGE: &str = include_str!("../../../../docs/IPC.md");
const BEGIN: &str = "<!-- Written by `BLESS=1 cargo test -p ais-proto page`. -->\n";
const END: &str = "<!-- The end of what is written. -->\n";

/// What stands in messages as the number of one byte.
const NUMBERED: &[&str] = &[
    "AdminState",
    "AisError",
    "Change",
    "ExternalAction",
    "Failure",
    "HaState",
    "Healthcheck",
    "OpenFlags",
    "Operation",
    "Phase",
    "ProtectionGroupChange",
    "Readiness",
    "Recovery",
    "Redundancy",
    "SectionState",
    "SectionsChosen",
    "Severity",
    "State",
    "TrackFlags",
    "Transition",
    "UpdateOption",
];

/// The structures, by the service that declares them.
const STRUCTURES: &[(ServiceId, &str, &[Field])] = &[
    (ServiceId::Clm, "Node", clm::Node::FIELDS),
    (ServiceId::Amf, "ErrorReport", amf::ErrorReport::FIELDS),
    (ServiceId::Amf, "Member", amf::Member::FIELDS),
    (ServiceId::Ckpt, "Attributes", ckpt::Attributes::FIELDS),
    (ServiceId::Ckpt, "Open", ckpt::Open::FIELDS),
    (ServiceId::Ckpt, "ReadElement", ckpt::ReadElement::FIELDS),
    (ServiceId::Ckpt, "Section", ckpt::Section::FIELDS),
    (ServiceId::Ckpt, "Status", ckpt::Status::FIELDS),
    (ServiceId::Admin, "AmfNode", admin::AmfNode::FIELDS),
    (ServiceId::Admin, "Checkpoint", admin::Checkpoint::FIELDS),
    (ServiceId::Admin, "Clients", admin::Clients::FIELDS),
    (ServiceId::Admin, "Component", admin::Component::FIELDS),
    (ServiceId::Admin, "Inspected", admin::Inspected::FIELDS),
    (ServiceId::Admin, "KeyHolder", admin::KeyHolder::FIELDS),
    (ServiceId::Admin, "Keys", admin::Keys::FIELDS),
    (ServiceId::Admin, "Opener", admin::Opener::FIELDS),
    (ServiceId::Admin, "Operated", admin::Operated::FIELDS),
    (ServiceId::Admin, "Piece", admin::Piece::FIELDS),
    (ServiceId::Admin, "Problem", admin::Problem::FIELDS),
    (ServiceId::Admin, "Ring", admin::Ring::FIELDS),
    (ServiceId::Admin, "Started", admin::Started::FIELDS),
    (ServiceId::Admin, "Status", admin::Status::FIELDS),
    (ServiceId::Admin, "View", admin::View::FIELDS),
    (ServiceId::Admin, "ViewId", admin::ViewId::FIELDS),
];

/// Values that are written and read by hand, as the page calls them.
fn by_hand(of: &str, form: &str) -> Option<&'static str> {
    Some(match (of, form) {
        ("[u8]", "Apart") => "uncounted",
        (_, "Apart") => {
            "list of (id bytes, offset u64, length u32), then the data of all uncounted"
        }
        (_, "Additional") => "3 x option bytes",
        (_, "Number") => "u8, 1 or the error",
        (_, "WithZero") => "1 and 0 u32, or 0 and the error u8",
        ("ReadReply<'_>", _) => "list of length u32, then the data of all uncounted",
        ("Page<Section>", _) => "list of bytes that are a *Section* each, more u8",
        ("Deliveries", _) => "below",
        _ => return None,
    })
}

/// How the page calls a type.
fn words(of: &str) -> String {
    if let Some(of) = of.strip_suffix("<'a>") {
        return words(of);
    }
    let inner = |kind| of.strip_prefix(kind)?.strip_suffix('>');
    if let Some(of) = inner("Option<") {
        return format!("option {}", words(of));
    }
    if let Some(of) = inner("Page<") {
        return format!("list of {}, more u8", words(of));
    }
    if let Some(of) = of.strip_prefix("Result<").and_then(|of| of.strip_suffix(", AisError>")) {
        return format!("1 and {}, or 0 and the error u8", words(of));
    }
    if let Some(both) = of.strip_prefix('(').and_then(|of| of.strip_suffix(')'))
        && let Some((one, other)) = both.split_once(", ")
    {
        return format!("({}, {})", words(one), words(other));
    }
    match of {
        "()" => String::new(),
        "bool" => "u8".into(),
        "u8" | "u16" | "u32" | "i32" | "u64" | "i64" => of.into(),
        "Name" => "name".into(),
        "NodeId" => "4 bytes".into(),
        "[u8; 4]" => "4 bytes".into(),
        "String" | "Vec<u8>" | "&'a [u8]" | "&'static [u8]" => "bytes".into(),
        "Target" => "*Target*".into(),
        _ if NUMBERED.contains(&of) => "u8".into(),
        _ if STRUCTURES.iter().any(|(_, name, _)| *name == of) => format!("*{of}*"),
        _ => match inner("Vec<") {
            Some(of) => format!("list of {}", words(of)),
            None => panic!("the page has no words for {of}"),
        },
    }
}

/// How the page calls fields: each with its name, unless that says the same.
fn fields(fields: &[Field]) -> String {
    let field = |field: &Field| {
        let form = by_hand(field.of.trim_start_matches("&'a "), field.form);
        let words = form.map_or_else(|| words(field.of), Into::into);
        let name = field.name.replace('_', " ");
        let says_the_same = words.to_lowercase().trim_matches('*') == name;
        if says_the_same { words } else { format!("{name} {words}") }
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

/// Of which version the requests and events on the page are.
fn version() -> String {
    format!("Requests and events of version {MAJOR}.{MINOR}:")
}

/// The codes in the tables of a page.
fn codes(tables: &str) -> Vec<&str> {
    let cells = tables.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    cells.filter(|cell| cell.len() == 4 && u16::from_str_radix(cell, 16).is_ok()).collect()
}

fn tables() -> String {
    let mut page = format!("\n{}\n\n| code | request | kind | body | reply |\n", version());
    page += "| --- | --- | --- | --- | --- |\n";
    for (_, requests, replies, _) in Request::DECLARED {
        assert_eq!(requests.len(), replies.len());
        for ((code, name, of), (kind, reply)) in requests.iter().zip(*replies) {
            let reply = by_hand(reply, "").map_or_else(|| words(reply), Into::into);
            let (kind, body) = (format!("{kind:?}").to_lowercase(), fields(of));
            writeln!(page, "| {code:04x} | {name} | {kind} | {body} | {reply} |").unwrap();
        }
    }
    page += "\n| code | event | body |\n| --- | --- | --- |\n";
    for (_, _, _, events) in Request::DECLARED {
        for (code, name, of) in *events {
            writeln!(page, "| {code:04x} | {name} | {} |", fields(of)).unwrap();
        }
    }
    page += "\n| structure | of | fields |\n| --- | --- | --- |\n";
    for (service, name, of) in STRUCTURES {
        let service = format!("{service:?}").to_uppercase();
        writeln!(page, "| {name} | {service} | {} |", fields(of)).unwrap();
    }
    let target = |(number, _, of): &(u8, &str, &[Field])| format!("{number} and {}", fields(of));
    let targets = admin::Target::DECLARED.iter().map(target).collect::<Vec<_>>().join(", or ");
    writeln!(page, "| Target | ADMIN | {targets} |\n").unwrap();
    page.replace("  |", " |")
}

/// What is new comes with another minor version, so the tables are not written for the old one.
#[test]
fn the_tables_of_the_page_are_those_of_the_declarations() {
    let page = std::fs::read_to_string(PATH).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let tables = tables();
    assert!(
        codes(written) == codes(&tables) || !written.contains(&version()),
        "the page has other codes for version {MAJOR}.{MINOR}: MINOR has to grow"
    );
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(PATH, [before, BEGIN, &tables, END, after].concat()).unwrap();
    }
    assert!(written.lines().eq(tables.lines()), "the page should have\n{tables}");
}

/// The page says which version this is, and what each one has added.
#[test]
fn the_page_tells_of_each_minor_version() {
    let sentence = format!("This is major version {MAJOR}, minor version {MINOR}.");
    assert!(PAGE.contains(&sentence), "it does not say: {sentence}");
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let versions = rows.map(|(cell, _)| cell).filter(|cell| cell.starts_with(&format!("{MAJOR}.")));
    let all = (1..=MINOR).map(|minor| format!("{MAJOR}.{minor}"));
    assert_eq!(versions.collect::<Vec<_>>(), all.collect::<Vec<_>>());
}

#[test]
fn the_page_names_every_service() {
    let (_, rest) = PAGE.split_once("service u8 (").unwrap();
    let named = rest.split(')').next().unwrap().to_uppercase();
    let all = ServiceId::ALL.iter().map(|id| format!("{} {id:?}", id.number()).to_uppercase());
    assert_eq!(named, all.collect::<Vec<_>>().join(", "));
}

/// The fuzzer reads the structures that replies are made of.
#[test]
fn replies_are_fuzzed() {
    let target = include_str!("../../../../fuzz/fuzz_targets/frames.rs");
    for (service, _, replies, _) in Request::DECLARED {
        for (_, reply) in *replies {
            let words: Vec<_> = reply.split(|of: char| !of.is_alphanumeric()).collect();
            let named = STRUCTURES.iter().filter(|(_, name, _)| words.contains(name));
            // Two services have a structure of the same name.
            if let Some((of, name, _)) = named.max_by_key(|(of, ..)| of == service) {
                let read = format!("{}::{name}::decode", format!("{of:?}").to_lowercase());
                assert!(target.contains(&read), "{read} is not in fuzz/fuzz_targets/frames.rs");
            }
        }
    }
}

/// Codes are of the service and of the kind that they say, and no two are the same.
#[test]
fn codes_are_in_order() {
    for (service, requests, _, events) in Request::DECLARED {
        let code = |(code, _, _): &(u16, &str, &[Field])| *code;
        let all: Vec<_> = requests.iter().chain(*events).map(code).collect();
        assert!(all.iter().all(|code| Code(*code).service() == Some(*service)));
        assert!(requests.iter().all(|of| of.0 & 0x80 == 0));
        assert!(events.iter().all(|of| of.0 & 0x80 != 0));
        assert!(all.is_sorted_by(|one, next| one < next), "{service:?}: {all:04x?}");
    }
}

/// Each request and event is among those whose bytes are known, if its service has some there.
#[test]
fn all_bytes_are_known() {
    let golden = include_str!("golden.txt");
    for (_, requests, _, events) in Request::DECLARED {
        let first = format!("{:04x} ", requests[0].0);
        if !golden.lines().any(|line| line.starts_with(&first)) {
            continue;
        }
        for (code, name, _) in requests.iter().chain(*events) {
            let start = format!("{code:04x} {name} ");
            assert!(golden.lines().any(|line| line.starts_with(&start)), "{start}");
        }
    }
}
