//! The status on its way to another node with the same groups.conf: what is as
//! in the beginning is left out.

use super::operations::MAX_LOCKS;
use super::recovery::MAX_REASON;
use super::status::{
    Ask, Asked, Assignment, ComponentStatus, Displaced, Failure, GroupStatus, Pending, Phase,
    Registration, Role, Scope, Status,
};
use crate::amf::message::RegistrationId;
use crate::amf::topology::{ComponentId, CsiId, GroupId, Topology, UnitId};
use crate::{SNAPSHOT_CHUNK, ViewId};
use ais_proto::admin::{AdminState, Operation};
use ais_proto::amf::{Callbacks, HaState, Readiness, Transition};
use ais_wire::{DecodeError, MAX_NODES, Reader, Writer};
use std::rc::Rc;

const HEAD: u8 = 1;
const UNIT: u8 = 2;
const COMPONENT: u8 = 3;
const INSTANCE: u8 = 4;
const END: u8 = 5;
const FAULT: u8 = 6;
const GROUP: u8 = 7;
const LOCK: u8 = 8;
const DRAINING: u8 = 9;
const DISPLACED: u8 = 10;

/// The form of what follows; another one is not read.
const VERSION: u8 = 4;

const READINESS: u8 = 1;
const CSI: u8 = 2;
const TERMINATE: u8 = 3;
const REMOVE: u8 = 4;
const RESTART: u8 = 5;
const RESET: u8 = 6;
const CONFIRM: u8 = 7;

/// The phases by their number.
const PHASES: [Phase; 12] = [
    Phase::Out,
    Phase::Entering,
    Phase::InService(None),
    Phase::InService(Some(Role::Active)),
    Phase::InService(Some(Role::Standby)),
    Phase::Quiescing(Role::Active),
    Phase::Quiescing(Role::Standby),
    Phase::Leaving(None),
    Phase::Leaving(Some(Role::Active)),
    Phase::Leaving(Some(Role::Standby)),
    Phase::Stopping,
    Phase::Yielding,
];
const FAILURES: [Failure; 3] = [Failure::Reported, Failure::Refused, Failure::Silent];

/// An operation number that has not been reached; more is not believed.
const MAX_OPERATION: u64 = u64::MAX / 2;

impl Status {
    /// The status as it is now, in chunks. The file bounds how much it is, so
    /// they are made at once.
    pub(in crate::amf) fn freeze(&self) -> Vec<Vec<u8>> {
        let mut chunks = Chunks::default();
        chunks.record(|out| {
            self.view.encode(out.u8(HEAD).u8(VERSION));
            out.bool(self.view_has_quorum).bool(self.has_quorum).u64(self.last_operation);
        });
        for (id, group) in &self.groups {
            // Whatever was done to it, the reason says so.
            if !group.reason.is_empty() || group.pending.is_some() {
                chunks.record(|out| group.encode(out.u8(GROUP).u64(id.0)));
            }
        }
        for (id, unit) in &self.units {
            let is_new = unit.phase == Phase::Out && unit.admin == AdminState::Unlocked;
            if !is_new || !unit.reason.is_empty() {
                chunks.record(|out| {
                    out.u8(UNIT).u64(id.0).u8(number_in(&PHASES, &unit.phase));
                    out.u8(unit.admin as u8);
                    out.bytes(unit.reason.as_bytes());
                });
            }
        }
        for (node, state) in &self.locks {
            chunks.record(|out| {
                out.u8(LOCK).node(*node).u8(*state as u8);
            });
        }
        for (node, id) in &self.faults {
            chunks.record(|out| {
                out.u8(FAULT).node(*node).u64(id.0);
            });
        }
        for node in &self.draining {
            chunks.record(|out| {
                out.u8(DRAINING).node(*node);
            });
        }
        for (registration, Displaced { component, node }) in &self.displaced {
            chunks.record(|out| {
                registration.encode(out.u8(DISPLACED));
                out.u64(component.0).node(*node);
            });
        }
        // The oldest registration comes first, so a proxy does before those
        // it speaks for.
        for id in self.registered.values() {
            chunks.record(|out| self.component(*id).encode(out.u8(COMPONENT).u64(id.0)));
        }
        for (id, component) in &self.components {
            let has_past = !component.restarts.is_empty() || !component.reason.is_empty();
            if component.registration.is_none() && has_past {
                chunks.record(|out| component.encode(out.u8(COMPONENT).u64(id.0)));
            }
        }
        for (csi, vacated) in self.vacated.iter().filter(|(_, vacated)| !vacated.is_empty()) {
            chunks.record(|out| {
                out.u8(INSTANCE).u64(csi.0).list(vacated, |out, (id, how)| {
                    out.u64(id.0).u8(*how as u8);
                });
            });
        }
        chunks.record(|out| {
            out.u8(END);
        });
        chunks.full.push(chunks.current);
        chunks.full
    }
}

impl GroupStatus {
    fn encode(&self, out: &mut Writer) {
        out.u8(self.admin as u8).option(self.pending.as_ref(), |out, pending| {
            out.u8(pending.operation as u8);
            let unit = match pending.scope {
                Scope::Group(_) => None,
                Scope::Unit(unit) => Some(unit),
            };
            out.option(unit.as_ref(), |out, unit| {
                out.u64(unit.0);
            });
        });
        out.bytes(self.reason.as_bytes());
    }

    /// Reads the status of this group.
    fn decode(
        group: GroupId,
        topology: &Topology,
        input: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let is_of_group = |unit| topology.units.has(unit) && topology.units[unit].group == group;
        let admin = AdminState::decode(input)?;
        let pending = input.option(|input| {
            let operation = Operation::decode(input)?;
            let scope = match input.option(|input| Ok(UnitId(input.u64()?)))? {
                None => Scope::Group(group),
                Some(unit) if is_of_group(unit) => Scope::Unit(unit),
                Some(_) => return Err(DecodeError::Invalid),
            };
            Ok(Pending { operation, scope })
        })?;
        Ok(Self { admin, pending, reason: reason(input)? })
    }
}

impl ComponentStatus {
    fn encode(&self, out: &mut Writer) {
        out.bytes(self.reason.as_bytes()).list(&self.restarts, |out, at| {
            out.i64(*at);
        });
        let Some(Registration { number, node, callbacks, proxy }) = &self.registration else {
            out.bool(false);
            return;
        };
        number.encode(out.bool(true));
        out.node(*node).u32(callbacks.bits()).option(proxy.as_ref(), |out, proxy| {
            out.u64(proxy.0);
        });
        out.option(self.failure.as_ref(), |out, failure| {
            out.u8(number_in(&FAILURES, failure));
        });
        out.u8(self.readiness as u8);
        out.count(self.assignments.len());
        for (csi, Assignment { state, holds }) in &self.assignments {
            out.u64(csi.0).bool(*holds).option(state.as_ref(), |out, state| {
                out.u8(*state as u8);
            });
        }
        out.list(&self.asked, |out, Asked { operation, what }| {
            out.u64(*operation);
            match what {
                Ask::Readiness(state) => out.u8(READINESS).u8(*state as u8),
                Ask::Csi(csi, state) => out.u8(CSI).u64(csi.0).u8(*state as u8),
                Ask::Terminate => out.u8(TERMINATE),
                Ask::Remove(csi) => out.u8(REMOVE).u64(csi.0),
                Ask::Restart => out.u8(RESTART),
                Ask::Reset => out.u8(RESET),
                Ask::Confirm(operation) => out.u8(CONFIRM).u8(*operation as u8),
            };
        });
    }

    fn decode_asked(&self, input: &mut Reader<'_>) -> Result<Asked, DecodeError> {
        let operation = input.u64()?;
        let what = match input.u8()? {
            READINESS => Ask::Readiness(Readiness::decode(input)?),
            CSI => Ask::Csi(CsiId(input.u64()?), HaState::decode(input)?),
            TERMINATE => Ask::Terminate,
            RESTART => Ask::Restart,
            RESET => Ask::Reset,
            CONFIRM => Ask::Confirm(Operation::decode(input)?),
            REMOVE => Ask::Remove(CsiId(input.u64()?)),
            _ => return Err(DecodeError::Invalid),
        };
        let is_known = what.csi().is_none_or(|csi| self.assignments.contains_key(&csi));
        if is_known { Ok(Asked { operation, what }) } else { Err(DecodeError::Invalid) }
    }
}

/// Records, in chunks.
#[derive(Default)]
struct Chunks {
    full: Vec<Vec<u8>>,
    current: Vec<u8>,
}

impl Chunks {
    fn record(&mut self, write: impl FnOnce(&mut Writer)) {
        let mut out = Writer::new();
        write(&mut out);
        let record = out.into_bytes();
        if !self.current.is_empty() && self.current.len() + record.len() > SNAPSHOT_CHUNK {
            self.full.push(std::mem::take(&mut self.current));
        }
        self.current.extend_from_slice(&record);
    }
}

/// The status of another side, while its chunks come in. All that is in it belongs to an
/// item of the topology, so that is its bound.
#[derive(Debug)]
pub(in crate::amf) struct Incoming {
    topology: Rc<Topology>,
    status: Status,
    has_head: bool,
    is_complete: bool,
}

impl Incoming {
    /// For a node with this groups.conf.
    pub(in crate::amf) fn new(topology: &Rc<Topology>) -> Self {
        let (topology, status) = (Rc::clone(topology), Status::new(topology));
        Self { topology, status, has_head: false, is_complete: false }
    }

    /// Takes the next chunk.
    pub(in crate::amf) fn take(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(chunk);
        while reader.remaining() > 0 {
            let code = reader.u8()?;
            if self.is_complete || (code == HEAD) == self.has_head {
                return Err(DecodeError::Invalid);
            }
            self.take_record(code, &mut reader)?;
        }
        Ok(())
    }

    /// The status, and whether it is all there.
    pub(in crate::amf) fn finish(self) -> (Status, bool) {
        (self.status, self.is_complete)
    }

    fn take_record(&mut self, code: u8, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let status = &mut self.status;
        match code {
            HEAD => {
                if input.u8()? != VERSION {
                    return Err(DecodeError::Invalid);
                }
                self.has_head = true;
                status.view = ViewId::decode(input)?;
                (status.view_has_quorum, status.has_quorum) = (input.bool()?, input.bool()?);
                status.last_operation = input.u64()?;
                if status.last_operation > MAX_OPERATION {
                    return Err(DecodeError::Invalid);
                }
            }
            UNIT => {
                let unit = status.units.get_mut(&UnitId(input.u64()?));
                let unit = unit.ok_or(DecodeError::Invalid)?;
                unit.phase = item_of(&PHASES, input)?;
                unit.admin = AdminState::decode(input)?;
                unit.reason = reason(input)?;
            }
            GROUP => {
                let id = GroupId(input.u64()?);
                let group = status.groups.get_mut(&id).ok_or(DecodeError::Invalid)?;
                *group = GroupStatus::decode(id, &self.topology, input)?;
            }
            LOCK => {
                let (node, state) = (input.node()?, AdminState::decode(input)?);
                if state == AdminState::Unlocked || status.locks.len() == MAX_LOCKS {
                    return Err(DecodeError::Invalid);
                }
                status.locks.insert(node, state);
            }
            FAULT => {
                let (node, id) = (input.node()?, ComponentId(input.u64()?));
                if !self.topology.components.has(id) || status.faults.len() == MAX_NODES {
                    return Err(DecodeError::Invalid);
                }
                status.faults.insert(node, id);
            }
            DRAINING => {
                if status.draining.len() == MAX_NODES {
                    return Err(DecodeError::Invalid);
                }
                status.draining.insert(input.node()?);
            }
            DISPLACED => {
                let registration = RegistrationId::decode(input)?;
                let (component, node) = (ComponentId(input.u64()?), input.node()?);
                let most = status.components.len() * MAX_NODES;
                if !self.topology.components.has(component) || status.displaced.len() == most {
                    return Err(DecodeError::Invalid);
                }
                status.displaced.insert(registration, Displaced { component, node });
            }
            COMPONENT => self.take_component(ComponentId(input.u64()?), input)?,
            INSTANCE => self.take_vacated(CsiId(input.u64()?), input)?,
            END => self.is_complete = true,
            _ => return Err(DecodeError::Invalid),
        }
        Ok(())
    }

    fn take_vacated(&mut self, csi: CsiId, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let place = self.status.vacated.get_mut(&csi).ok_or(DecodeError::Invalid)?;
        let vacated =
            input.list(|input| Ok((ComponentId(input.u64()?), Transition::decode(input)?)))?;
        let members = &self.topology.instances[csi].members;
        if vacated.len() > members.len() || vacated.iter().any(|(id, _)| !members.contains(id)) {
            return Err(DecodeError::Invalid);
        }
        *place = vacated;
        Ok(())
    }

    fn take_component(
        &mut self,
        id: ComponentId,
        input: &mut Reader<'_>,
    ) -> Result<(), DecodeError> {
        let status = &mut self.status;
        let component = status.components.get_mut(&id).ok_or(DecodeError::Invalid)?;
        component.reason = reason(input)?;
        component.restarts = input.list(Reader::i64)?;
        if component.restarts.len() > self.topology.components[id].config.restart_max as usize {
            return Err(DecodeError::Invalid);
        }
        if !input.bool()? {
            return Ok(());
        }
        let registration = Registration {
            number: RegistrationId::decode(input)?,
            node: input.node()?,
            callbacks: Callbacks::from_bits(input.u32()?).ok_or(DecodeError::Invalid)?,
            proxy: input.option(|input| Ok(ComponentId(input.u64()?)))?,
        };
        let (number, proxy) = (registration.number, registration.proxy);
        let is_here = |proxy: ComponentId| {
            let proxy = status.components.get(&proxy).and_then(|of| of.registration.as_ref());
            proxy.is_some_and(|proxy| proxy.node == registration.node)
        };
        if !proxy.is_none_or(is_here) || status.registered.contains_key(&number) {
            return Err(DecodeError::Invalid);
        }
        let component = status.component_mut(id);
        if component.registration.replace(registration).is_some() {
            return Err(DecodeError::Invalid);
        }
        component.failure = input.option(|input| item_of(&FAILURES, input))?;
        component.readiness = Readiness::decode(input)?;
        input.list(|input| {
            let assignment = component.assignments.get_mut(&CsiId(input.u64()?));
            let assignment = assignment.ok_or(DecodeError::Invalid)?;
            assignment.holds = input.bool()?;
            assignment.state = input.option(HaState::decode)?;
            Ok(())
        })?;
        let asked = input.list(|input| component.decode_asked(input))?;
        if asked.len() > component.assignments.len() + 2 {
            return Err(DecodeError::Invalid);
        }
        component.asked = asked;
        status.enter(id, number, proxy);
        Ok(())
    }
}

/// A reason for people; bytes that are no text would not come back as they are.
fn reason(input: &mut Reader<'_>) -> Result<String, DecodeError> {
    let text = input.bytes()?.to_vec();
    let text = String::from_utf8(text).map_err(|_| DecodeError::Invalid)?;
    if text.len() > MAX_REASON { Err(DecodeError::Invalid) } else { Ok(text) }
}

/// The place of an item in a list of all there are.
fn number_in<T: PartialEq>(all: &[T], item: &T) -> u8 {
    let place = all.iter().position(|of| of == item);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn item_of<T: Copy>(all: &[T], input: &mut Reader<'_>) -> Result<T, DecodeError> {
    all.get(usize::from(input.u8()?)).copied().ok_or(DecodeError::Invalid)
}
