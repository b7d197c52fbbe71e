//! Telling people who the members are. Nobody waits for who reads that
//! (`outlet.rs`).

use crate::outlet::{self, Outlet};
use ais_node::View;
use ais_wire::NodeId;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;

/// The way to standard output.
static LISTS: OnceLock<Outlet> = OnceLock::new();

/// Members are printed on standard output from now on.
///
/// # Errors
/// If there can be no thread that writes.
pub(crate) fn start() -> io::Result<()> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let outlet = Outlet::start("stdout", move |missing, text| {
        outlet::write_all(&stdout, text)?;
        if missing > 0 {
            log::warn!(
                "standard output lacks {missing} lines of earlier configurations: they could not be \
                 written, or who reads them did not keep up"
            );
        }
        Ok(())
    })?;
    LISTS.get_or_init(|| outlet);
    Ok(())
}

/// Lets go of standard output when what was printed is there.
pub(crate) fn end() {
    LISTS.get().into_iter().for_each(Outlet::close);
}

/// Waits until what was printed is there, until this time on the monotonic clock
/// at most.
pub(crate) fn finish(until: u64) {
    LISTS.get().into_iter().for_each(|lists| lists.finish(until));
}

/// Prints the members on standard output, and to the log what has changed.
#[cold]
pub(crate) fn announce(view: &View) {
    if let Some(lists) = LISTS.get() {
        lists.say(configuration(&view.members).as_bytes());
    }
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
