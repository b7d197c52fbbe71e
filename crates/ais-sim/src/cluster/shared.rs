//! Sections that programs on all nodes write and read at the same time, where
//! quorum is asked for. What they see has to be explained by one order
//! (`linear`), from one rest to the next.
//!
//! A call without effect counts once its node has gone on with a quorum, or
//! everything rests: till then it may show a change that is lost together with
//! the node that asked for it and was not answered. When all nodes are gone
//! that had the last state with quorum, nothing is promised until the next
//! rest.

use super::World;
use super::site::Call;
use super::work::{attributes, name};
use crate::fabric::node_of;
use crate::linear::{self, Got, MAX_CALLS, State, Verdict, Want};
use ais_node::View;
use ais_proto::{AisError, Reader, ckpt};
use ais_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet};

const SECTIONS: usize = 2;
/// Processes on a host.
const PROCESSES: u64 = 2;
/// Cells in a section, at most.
const CELLS: u64 = 40;

/// A process, as long as its node lives.
#[derive(Debug, Default)]
struct Process {
    session: u64,
    open: Option<u32>,
    /// What the process has asked for, and whether that can be checked.
    asked: Option<(Want, bool)>,
    /// How often the process has asked.
    turn: u64,
    /// A section that the process reads when it is answered.
    next: Option<usize>,
    /// When the process had its last answer.
    answered: u64,
    /// Calls without effect that do not count yet.
    unconfirmed: Vec<linear::Call>,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Bytes in a cell.
    scale: usize,
    /// What was there at the last rest; `None`: nothing is checked until the
    /// next one.
    initial: Option<State>,
    calls: BTreeMap<u64, linear::Call>,
    processes: BTreeMap<(usize, u64), Process>,
    /// The nodes that have all that was done with quorum.
    holders: BTreeSet<NodeId>,
    /// What a look at rest has found.
    look: State,
    last: u64,
    /// Counts what is asked and answered: the order in which that happens.
    clock: u64,
    /// Searches that came to an end, and that did not.
    pub(super) explained: u64,
    pub(super) given_up: u64,
}

impl Shared {
    pub(super) fn new(scale: usize) -> Self {
        Self { scale, ..Self::default() }
    }

    /// Nothing is promised any more.
    fn lose(&mut self) {
        self.initial = None;
        self.calls.clear();
        self.processes.values_mut().for_each(|process| process.unconfirmed.clear());
    }

    /// Whether a search could not hold one call more beside the looks at rest.
    fn is_full(&self) -> bool {
        let waiting = |of: &Process| of.unconfirmed.len() + usize::from(of.asked.is_some());
        let waiting: usize = self.processes.values().map(waiting).sum();
        self.calls.len() + waiting + SECTIONS >= MAX_CALLS
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn record(&mut self, call: linear::Call) -> u64 {
        self.last += 1;
        self.calls.insert(self.last, call);
        self.last
    }

    /// What does not count yet does from now on, or never.
    fn confirm(&mut self, host: usize, counts: bool) {
        let of_host = self.processes.iter_mut().filter(|((of, _), _)| *of == host);
        let calls: Vec<_> =
            of_host.flat_map(|(_, of)| std::mem::take(&mut of.unconfirmed)).collect();
        for call in calls.into_iter().filter(|_| counts) {
            self.record(call);
        }
    }

    /// The daemon of a host has ended.
    pub(super) fn end(&mut self, host: usize) {
        self.processes.retain(|(of, _), _| *of != host);
        if self.holders.remove(&node_of(host)) && self.holders.is_empty() {
            self.lose();
        }
    }

    /// A node enters a view.
    pub(super) fn view(&mut self, host: usize, view: &View, is_quorum: impl Fn(usize) -> bool) {
        self.confirm(host, is_quorum(view.came_with_me.len()));
        if is_quorum(view.members.len()) {
            self.holders.retain(|node| view.members.contains(node));
            if self.holders.is_empty() {
                self.lose();
            }
        }
    }

    /// The cells that were read.
    fn cells(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let cells = bytes.chunks(self.scale).map(|cell| match cell {
            [first, rest @ ..]
                if rest.len() + 1 == self.scale && rest.iter().all(|of| of == first) =>
            {
                Ok(*first)
            }
            _ => Err("linearizable: a write is torn".into()),
        });
        cells.collect()
    }
}

impl World {
    pub(super) fn is_quorum(&self, members: usize) -> bool {
        self.expected_nodes.is_some_and(|expected| 2 * members > expected as usize)
    }

    /// A process of this host does something with the shared sections.
    pub(super) fn share(&mut self, host: usize) -> Result<(), String> {
        let slot = self.fabric.rng.below(PROCESSES);
        self.share_as(host, slot)
    }

    fn share_as(&mut self, host: usize, slot: u64) -> Result<(), String> {
        let session = self.fresh();
        let process = self.shared.processes.entry((host, slot)).or_default();
        if process.session == 0 {
            process.session = session;
        }
        let Some(open) = process.open else { return self.open_shared(host, slot) };
        let by = Some((process.session, process.turn + 1));
        if process.asked.is_some() || self.shared.is_full() {
            return Ok(());
        }
        let want = match self.shared.processes.get_mut(&(host, slot)).and_then(|of| of.next.take())
        {
            Some(section) => Want::Read(vec![section]),
            None => self.something(),
        };
        let is_checked = self.fabric.with(host, |node, _| node.sync_status().may_change);
        let from = self.shared.tick();
        let is_checked = self.shared.initial.is_some() && is_checked == Some(true);
        let change = (self.shared.initial.is_some() && !matches!(want, Want::Read(_))).then(|| {
            let (want, got) = (want.clone(), Got::Unknown);
            self.shared.record(linear::Call { want, got, from, to: u64::MAX, by })
        });
        if let Some(process) = self.shared.processes.get_mut(&(host, slot)) {
            process.asked = Some((want.clone(), is_checked));
            process.turn += 1;
        }
        self.ask_shared(host, open, &want, Call::Shared(slot, change))
    }

    fn open_shared(&mut self, host: usize, slot: u64) -> Result<(), String> {
        let open = ckpt::Open {
            name: name("shared", 0),
            attributes: Some(attributes(i64::MAX / 4)),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        self.ckpt(host, &ckpt::Request::Open(open), Call::OpenShared(slot))
    }

    fn something(&mut self) -> Want {
        self.shared.last += 1;
        let value = (self.shared.last % 255) as u8 + 1;
        let rng = &mut self.fabric.rng;
        let section = rng.below(SECTIONS as u64) as usize;
        let mut data = || vec![value; rng.between(1, CELLS / 2) as usize];
        let (first, second) = (data(), data());
        let offset = rng.below(CELLS / 2) as usize;
        match rng.below(12) {
            0 | 1 => Want::Create(section, first),
            2 => Want::Delete(section),
            3 => Want::Overwrite(section, first),
            4..=6 => Want::Write(vec![(section, offset, first)]),
            7 | 8 => Want::Write(vec![(section, offset, first), (1 - section, 3, second)]),
            9 | 10 => Want::Read(vec![section]),
            _ => Want::Read(vec![0, 1]),
        }
    }

    fn ask_shared(
        &mut self,
        host: usize,
        checkpoint: u32,
        want: &Want,
        call: Call,
    ) -> Result<(), String> {
        let bytes = |cells: &[u8]| -> Vec<u8> {
            cells.iter().flat_map(|cell| std::iter::repeat_n(*cell, self.shared.scale)).collect()
        };
        let id = |section: usize| [section as u8 + 1];
        let (written, ids): (Vec<_>, Vec<_>) = match want {
            Want::Create(section, cells) | Want::Overwrite(section, cells) => {
                (vec![bytes(cells)], vec![id(*section)])
            }
            Want::Delete(section) => (vec![], vec![id(*section)]),
            Want::Write(elements) => {
                let written = elements.iter().map(|(.., cells)| bytes(cells));
                (written.collect(), elements.iter().map(|(section, ..)| id(*section)).collect())
            }
            Want::Read(sections) => (vec![], sections.iter().map(|section| id(*section)).collect()),
        };
        let scale = self.shared.scale as u64;
        let request =
            match want {
                Want::Create(..) => ckpt::Request::SectionCreate {
                    checkpoint,
                    id: Some(&ids[0]),
                    expiration: i64::MAX,
                    data: &written[0],
                },
                Want::Delete(_) => ckpt::Request::SectionDelete { checkpoint, id: &ids[0] },
                Want::Overwrite(..) => {
                    ckpt::Request::Overwrite { checkpoint, id: &ids[0], data: &written[0] }
                }
                Want::Write(elements) => {
                    let elements = elements.iter().zip(ids.iter().zip(&written));
                    let elements = elements.map(|((_, offset, _), (id, data))| {
                        ckpt::WriteElement { id, offset: *offset as u64 * scale, data }
                    });
                    ckpt::Request::Write { checkpoint, elements: elements.collect() }
                }
                Want::Read(_) => {
                    let all = ids.iter().map(|id| ckpt::ReadElement { id, offset: 0, size: None });
                    ckpt::Request::Read { checkpoint, elements: all.collect() }
                }
            };
        self.ckpt(host, &request, call)
    }

    /// The session of a process.
    pub(super) fn session_of(&self, host: usize, slot: u64) -> u64 {
        self.shared.processes.get(&(host, slot)).map_or(0, |process| process.session)
    }

    /// An open of the shared checkpoint was answered.
    pub(super) fn shared_opened(
        &mut self,
        host: usize,
        slot: u64,
        body: &[u8],
    ) -> Result<(), String> {
        let number = Reader::new(body).u32().map_err(|error| error.to_string())?;
        if let Some(process) = self.shared.processes.get_mut(&(host, slot)) {
            process.open = Some(number);
        }
        Ok(())
    }

    /// A call was answered.
    pub(super) fn shared_answered(
        &mut self,
        host: usize,
        slot: u64,
        change: Option<u64>,
        result: Result<(), AisError>,
        body: &[u8],
    ) -> Result<(), String> {
        let to = self.shared.tick();
        let Some(process) = self.shared.processes.get_mut(&(host, slot)) else { return Ok(()) };
        let Some((want, is_checked)) = process.asked.take() else { return Ok(()) };
        let from = std::mem::replace(&mut process.answered, to);
        let by = Some((process.session, process.turn));
        let process_next = process.next.is_some();
        if result == Err(AisError::BadHandle) {
            // What the process had open is gone with the nodes that had it.
            process.open = None;
            if self.shared.initial.is_some() && is_checked {
                return Err(format!("linearizable: {} has lost its handle", node_of(host)));
            }
        }
        let changed = match (&want, result) {
            (Want::Read(_), _) | (_, Err(_)) => None,
            (Want::Create(section, _) | Want::Delete(section) | Want::Overwrite(section, _), _) => {
                Some(*section)
            }
            (Want::Write(elements), _) => elements.first().map(|(section, ..)| *section),
        };
        let got = match result {
            Ok(()) if matches!(want, Want::Read(_)) => Got::Done(self.pieces(body)?),
            Ok(()) => Got::Done(Vec::new()),
            Err(error) => Got::Failed(error),
        };
        let recorded = change.and_then(|change| self.shared.calls.get_mut(&change));
        match (&got, recorded) {
            (Got::Done(_), Some(recorded)) => (recorded.got, recorded.to) = (got, to),
            (Got::Failed(AisError::Timeout), _) => {}
            (of, recorded) => {
                if let (Some(_), Some(change)) = (recorded, change) {
                    self.shared.calls.remove(&change);
                }
                let counts =
                    matches!(of, Got::Done(_) | Got::Failed(AisError::Exist | AisError::NotExist));
                if let Some(process) = self.shared.processes.get_mut(&(host, slot))
                    && counts
                    && is_checked
                    && self.shared.initial.is_some()
                    && (change.is_some() || matches!(want, Want::Read(_)))
                {
                    process.unconfirmed.push(linear::Call { want, got, from, to, by });
                }
            }
        }
        match changed {
            Some(section) if self.fabric.rng.once_in(2) => self.look_elsewhere(section),
            _ if process_next => self.share_as(host, slot),
            _ => Ok(()),
        }
    }

    /// A change was answered: a process somewhere reads that section, and again
    /// as soon as it is answered.
    fn look_elsewhere(&mut self, section: usize) -> Result<(), String> {
        let serving = self.serving();
        if serving.is_empty() {
            return Ok(());
        }
        let (host, slot) = (*self.fabric.rng.pick(&serving), self.fabric.rng.below(PROCESSES));
        let Some(process) = self.shared.processes.get_mut(&(host, slot)) else { return Ok(()) };
        if process.open.is_none() || process.asked.is_some() {
            return Ok(());
        }
        process.next = Some(section);
        self.share_as(host, slot)?;
        if let Some(process) = self.shared.processes.get_mut(&(host, slot)) {
            process.next = Some(section);
        }
        Ok(())
    }

    fn pieces(&self, body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let reply = ckpt::ReadReply::decode(body).map_err(|error| error.to_string())?;
        reply.pieces().map(|piece| self.shared.cells(piece)).collect()
    }

    /// A look at a section at rest was answered.
    pub(super) fn looked(&mut self, section: usize, body: Option<&[u8]>) -> Result<(), String> {
        let pieces = body.map(|body| self.pieces(body)).transpose()?;
        self.shared.look[section] = pieces.and_then(|mut pieces| pieces.pop());
        Ok(())
    }

    /// Everything rests: what was seen since the last rest has to be explained.
    pub(super) fn check_shared(&mut self) -> Result<(), String> {
        let living = self.living();
        let has_quorum = |host: &usize| {
            self.sites[*host].view.as_ref().is_some_and(|view| self.is_quorum(view.members.len()))
        };
        let (with, without): (Vec<_>, Vec<_>) = living.into_iter().partition(has_quorum);
        without.iter().for_each(|host| self.shared.confirm(*host, false));
        if with.is_empty() {
            return Ok(());
        }
        with.iter().for_each(|host| self.shared.confirm(*host, true));
        let open = |host: &usize| {
            (0..PROCESSES).find_map(|slot| {
                let open = self.shared.processes.get(&(*host, slot))?.open?;
                Some((*host, slot, open))
            })
        };
        let Some((host, slot, open)) = with.iter().find_map(open) else {
            self.shared.lose();
            return Ok(());
        };
        self.shared.look = vec![None; SECTIONS];
        for section in 0..SECTIONS {
            let want = Want::Read(vec![section]);
            self.ask_shared(host, open, &want, Call::Look(slot, section))?;
            self.take_events()?;
        }
        let found = std::mem::take(&mut self.shared.look);
        let now = self.shared.tick();
        for (section, held) in found.iter().enumerate() {
            let (want, got) = match held {
                Some(held) => (Want::Read(vec![section]), Got::Done(vec![held.clone()])),
                None => (Want::Delete(section), Got::Failed(AisError::NotExist)),
            };
            self.shared.record(linear::Call { want, got, from: now, to: now, by: None });
        }
        let calls: Vec<_> = std::mem::take(&mut self.shared.calls).into_values().collect();
        if let Some(initial) = self.shared.initial.replace(found) {
            match linear::explain(&initial, &calls) {
                Verdict::Explained => self.shared.explained += 1,
                Verdict::Open => self.shared.given_up += 1,
                Verdict::Impossible => {
                    return Err(format!(
                        "linearizable: no order explains, from {initial:?}, {calls:#?}"
                    ));
                }
            }
        }
        self.shared.holders = with.into_iter().map(node_of).collect();
        Ok(())
    }
}
