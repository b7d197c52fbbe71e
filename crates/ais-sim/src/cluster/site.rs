//! The programs on one host, as long as its daemon lives.

use super::amf::{Asked, Process};
use super::ledger::Section;
use super::unread::Unread;
use ais_node::{Caller, ConnectionId, SessionId, View};
use ais_proto::ServiceId;
use ais_proto::clm::{Change, Event};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a program waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// The program opens a checkpoint of the ledger.
    Open(usize),
    /// The program writes this number to its section.
    Write(Section, u64),
    /// The program makes its section, with this number.
    Create(Section, u64),
    Read(Section),
    /// The program opens the checkpoint of the ballast, and makes a section of it.
    OpenBallast,
    Ballast(u32, u64),
    /// A process opens the shared checkpoint.
    OpenShared(u64),
    /// A process works with the shared sections; the record of the change, if
    /// it is one.
    Shared(u64, Option<u64>),
    /// A look at a shared section by a process, at rest.
    Look(u64, usize),
    Amf(Asked),
    /// A process opens or unlinks what does not last.
    Passing(u64),
    /// The outcome does not matter.
    Other,
}

/// The programs on a host.
#[derive(Debug, Default)]
pub(super) struct Site {
    pub(super) view: Option<View>,
    /// Of each view the last number that was given out before it, and the nodes that
    /// came into it together with this host.
    pub(super) came: Vec<(u64, Vec<NodeId>)>,
    pub(super) serves: bool,
    /// The daemon was told to stop.
    pub(super) is_stopping: bool,
    pub(super) calls: BTreeMap<(ConnectionId, u32), (SessionId, Call)>,
    /// Requests that the daemon has not read yet.
    pub(super) unread: VecDeque<Unread>,
    /// Processes that are gone: what is still answered to them goes nowhere.
    pub(super) gone: BTreeSet<ConnectionId>,
    /// The process that has the checkpoints of the ledger open.
    pub(super) session: u64,
    /// The open checkpoints of the ledger.
    pub(super) open: BTreeMap<usize, u32>,
    /// The program that tracks CLM.
    pub(super) tracker: Option<Caller>,
    /// What the tracker was told last: view number and members.
    pub(super) tracked: Option<(u64, BTreeSet<u32>)>,
    /// The processes with components, by session.
    pub(super) processes: BTreeMap<u64, Process>,
}

impl Site {
    /// The nodes that came along through all views since this number was given out, if
    /// there were any.
    pub(super) fn came_along_since(&self, number: u64) -> Option<Vec<NodeId>> {
        let mut views = self.came.iter().rev().take_while(|(before, _)| number <= *before);
        let (_, last) = views.next()?;
        let came = |node: &&NodeId| views.clone().all(|(_, came)| came.contains(node));
        Some(last.iter().filter(came).copied().collect())
    }

    /// A process is gone; it waits for nothing any more.
    pub(super) fn close(&mut self, session: SessionId) {
        let of = self.calls.iter().filter(|(_, (of, _))| *of == session);
        self.gone.extend(of.map(|((connection, _), _)| *connection));
        self.calls.retain(|_, (of, _)| *of != session);
    }

    /// The tracker was called back.
    ///
    /// # Errors
    /// If that contradicts itself.
    pub(super) fn track(&mut self, event: Event) -> Result<(), String> {
        let Event::Track { view, members, items, .. } = event else { return Ok(()) };
        let there = items.iter().filter(|(_, change)| *change != Change::Left);
        let there: BTreeSet<u32> = there.map(|(node, _)| node.id).collect();
        if there.len() != members as usize {
            return Err(format!("CLM: view {view} has {members} members and lists {there:?}"));
        }
        if let Some((node, change)) =
            items.iter().find(|(node, change)| node.member == (*change == Change::Left))
        {
            return Err(format!("CLM: {node:?} is {change:?}"));
        }
        if self.tracked.as_ref().is_some_and(|(last, _)| *last > view) {
            return Err(format!("CLM: view {view} comes after {:?}", self.tracked));
        }
        self.tracked = Some((view, there));
        Ok(())
    }
}

/// A connection of a program.
pub(super) fn caller(session: u64, connection: u64, handle: Option<(ServiceId, u32)>) -> Caller {
    Caller { session: SessionId(session), connection: ConnectionId(connection), handle }
}
