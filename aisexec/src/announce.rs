//! Telling people who the members are.

use ais_node::View;
use ais_wire::NodeId;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints the members on standard output, and to the log what has changed.
pub(crate) fn announce(view: &View) {
    let mut out = io::stdout().lock();
    // Whoever started the daemon may have closed it.
    let _ = out.write_all(configuration(&view.members).as_bytes()).and_then(|()| out.flush());
    let (id, count) = (view.id, view.members.len());
    log::info!("configuration {id} has {count} members, because {}", view.why);
    if !view.joined.is_empty() {
        log::info!("joined: {}", list(&view.joined));
    }
    if !view.left.is_empty() {
        log::info!("left: {}", list(&view.left));
    }
}

fn configuration(members: &[NodeId]) -> String {
    let mut text = String::from("New Configuration:\n");
    for member in members {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\t{member}");
    }
    text
}

fn list(nodes: &[NodeId]) -> String {
    let nodes: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    nodes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_each_on_a_line_of_its_own() {
        let node = |last| NodeId::new([192, 168, 1, last].into());
        assert_eq!(
            configuration(&[node(1), node(2)]),
            "New Configuration:\n\t192.168.1.1\n\t192.168.1.2\n"
        );
    }
}
