//! One node and the programs around it.

use crate::checkpoints::Model;
use crate::components::{Told, groups, names};
use crate::{Rng, Violation};
use ais_node::{
    Body, Caller, Config, ConnectionId, Digest, Node, Now, Output, Pace, SERVICES, SessionId,
    ckpt::Limits,
};
use ais_proto::track::TrackFlags;
use ais_proto::{AisError, Code, Event, Name, NodeId, Request, ServiceId, Writer, amf, ckpt, clm};
use std::collections::{BTreeMap, VecDeque};

const MILLISECOND: u64 = 1_000_000;
/// Steps of one run.
const STEPS: u64 = 400;

/// Runs a seed to its end and returns a digest of all that came out of the
/// node, and of its state.
///
/// # Errors
/// The first [`Violation`].
pub(crate) fn run(seed: u64) -> Result<u64, Violation> {
    let violation = |at, what| Violation { seed, world: "node", at, what };
    let mut world = World::new(seed);
    for step in 0..STEPS {
        world.step().map_err(|what| violation(step, what))?;
    }
    world.finish().map_err(|what| violation(STEPS, what))
}

/// The result of a call and what else its reply said.
type Answer = (Result<(), AisError>, Vec<u8>);

/// A process with a component.
#[derive(Debug)]
struct Program {
    caller: Caller,
    component: Name,
    /// The process has stopped answering, as if stopped by a signal.
    silent: bool,
    /// Callbacks it has not answered.
    invocations: VecDeque<i32>,
    registered: bool,
}

/// A node, its programs, and what is known of them.
#[derive(Debug)]
pub(crate) struct World {
    node: Node,
    rng: Rng,
    now: Now,
    last: u64,
    transcript: Digest,
    replies: BTreeMap<(ConnectionId, u32), Answer>,
    programs: Vec<Program>,
    told: Told,
    writer: Caller,
    checkpoint: u32,
    model: Model,
}

impl World {
    /// The world of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let node = NodeId::new([127, 0, 0, 1].into());
        let now = Now { monotonic: 0, wall: 1_000_000_000_000_000_000 };
        let limits = Limits { memory: 1 << 24, max_message: 1 << 20, ..Limits::default() };
        let config = Config {
            node,
            group: ais_node::group::Config::Alone { view: 1 },
            expected_nodes: None,
            configured: Vec::new(),
            node_name: Name::default(),
            cluster_name: Name::default(),
            boot_timestamp: now.wall,
            ckpt: limits,
            groups: groups(),
            pace: Pace::default(),
        };
        let mut world = Self {
            node: Node::new(config, now),
            rng: Rng::new(seed),
            now,
            last: 0,
            transcript: Digest::default(),
            replies: BTreeMap::new(),
            programs: Vec::new(),
            told: Told::default(),
            writer: caller(1, 2, None),
            checkpoint: 0,
            model: Model::new(),
        };
        world.last = 10;
        world
    }

    fn step(&mut self) -> Result<(), String> {
        if self.checkpoint == 0 {
            self.open_checkpoint()?;
        }
        match self.rng.below(10) {
            0 => self.pass_time(200)?,
            1 | 2 => self.pass_time(20)?,
            3 => self.start_program()?,
            4 => self.disturb_program()?,
            5 => self.talk_nonsense()?,
            _ => self.use_checkpoint()?,
        }
        self.answer_callbacks()
    }

    /// Everybody answers from now on and every component is there: then one
    /// unit has to be active.
    fn finish(mut self) -> Result<u64, String> {
        while let Some(program) = self.programs.pop() {
            self.kill(program)?;
        }
        for component in names() {
            self.start(component)?;
        }
        for _ in 0..200 {
            self.pass_time(20)?;
            self.answer_callbacks()?;
        }
        if !self.told.any_active() {
            return Err("all components are there and answer, and none is active".into());
        }
        self.transcript.number(self.node.digest());
        Ok(self.transcript.value())
    }

    fn open_checkpoint(&mut self) -> Result<(), String> {
        let attributes = ckpt::Attributes {
            option: ckpt::UpdateOption::AllReplicas,
            checkpoint_size: 100_000,
            retention_duration: 0,
            max_sections: 10,
            max_section_size: 10_000,
            max_section_id_size: 10,
        };
        let open = ckpt::Open {
            name: Name::default(),
            attributes: Some(attributes),
            flags: ckpt::OpenFlags::READ | ckpt::OpenFlags::WRITE,
        };
        let (result, body) = self.ckpt(self.writer, &ckpt::Request::Open(open))?;
        let number = ais_proto::Reader::new(&body).u32();
        self.checkpoint = number.map_err(|_| format!("the first open gave {result:?}"))?;
        Ok(())
    }

    fn use_checkpoint(&mut self) -> Result<(), String> {
        let ids: [&[u8]; 4] = [b"", b"one", b"two", b"three"];
        let data = vec![self.rng.number() as u8; 1 + self.rng.below(3000) as usize];
        let offset = self.rng.below(4000);
        let (id, other) = (*self.rng.pick(&ids), *self.rng.pick(&ids));
        let checkpoint = self.checkpoint;
        let size = Some(self.rng.below(3000) as u32);
        let request = match self.rng.below(6) {
            0 if id.is_empty() => return Ok(()),
            0 => ckpt::Request::SectionCreate {
                checkpoint,
                id: Some(id),
                expiration: i64::MAX,
                data: &data,
            },
            1 if self.rng.once_in(3) => ckpt::Request::SectionDelete { checkpoint, id },
            1 | 2 => ckpt::Request::Overwrite { checkpoint, id, data: &data },
            3 => ckpt::Request::Write {
                checkpoint,
                elements: vec![
                    ckpt::WriteElement { id, offset, data: &data },
                    ckpt::WriteElement { id: other, offset: 0, data: b"head" },
                ],
            },
            _ => ckpt::Request::Read {
                checkpoint,
                elements: vec![
                    ckpt::ReadElement { id, offset: offset / 2, size },
                    ckpt::ReadElement { id: other, offset: 0, size: None },
                ],
            },
        };
        let (result, body) = self.ckpt(self.writer, &request)?;
        self.model.check(&request, result, &body)
    }

    fn start_program(&mut self) -> Result<(), String> {
        let component = self.rng.pick(&names()).clone();
        if self.programs.iter().any(|program| program.component == component) {
            return Ok(());
        }
        self.start(component)
    }

    fn start(&mut self, component: Name) -> Result<(), String> {
        let (session, connection) = (self.fresh(), self.fresh());
        let caller = caller(session, connection, Some((ServiceId::Amf, 0x3ff)));
        self.node.handle_opened(&caller);
        let request = amf::Request::Register { component: component.clone(), proxy: None };
        self.programs.push(Program {
            caller,
            component,
            silent: false,
            invocations: VecDeque::new(),
            registered: true,
        });
        let (result, _) = self.amf(caller, &request)?;
        result.map_err(|error| format!("{request:?} gave {error:?}"))
    }

    /// Something happens to a program.
    fn disturb_program(&mut self) -> Result<(), String> {
        if self.programs.is_empty() {
            return Ok(());
        }
        let place = self.rng.below(self.programs.len() as u64) as usize;
        let component = self.programs[place].component.clone();
        let caller = self.programs[place].caller;
        match self.rng.below(6) {
            0 => {
                let program = self.programs.remove(place);
                self.kill(program)
            }
            1 => {
                self.programs[place].silent = true;
                self.told.gone(&component);
                Ok(())
            }
            2 => {
                self.programs[place].silent = false;
                Ok(())
            }
            3 => {
                let report = amf::ErrorReport {
                    reporting: component.clone(),
                    erroneous: component,
                    detection_time: 0,
                    report_type: 0,
                    probable_cause: 5,
                    severity: 0,
                    recovery: amf::Recovery::NoRecommendation,
                    additional: [None; 3],
                };
                self.amf(caller, &amf::Request::ErrorReport(report)).map(|_| ())
            }
            4 => self.amf(caller, &amf::Request::ErrorCancelAll { component }).map(|_| ()),
            _ => {
                let request = if self.programs[place].registered {
                    amf::Request::Unregister { component: component.clone(), proxy: None }
                } else {
                    amf::Request::Register { component: component.clone(), proxy: None }
                };
                self.told.gone(&component);
                self.programs[place].registered ^= true;
                let (result, _) = self.amf(caller, &request)?;
                result.map_err(|error| format!("{request:?} gave {error:?}"))
            }
        }
    }

    fn kill(&mut self, program: Program) -> Result<(), String> {
        self.told.gone(&program.component);
        self.node.connection_closed(self.now, program.caller.connection);
        self.node.session_closed(self.now, program.caller.session);
        self.take_outputs()
    }

    /// A client that is no library: the connection is to be closed or gets an
    /// answer, and nobody else notices.
    fn talk_nonsense(&mut self) -> Result<(), String> {
        let handle = self.rng.once_in(2).then_some((*self.rng.pick(SERVICES), 7));
        let (session, connection) = (self.fresh(), self.fresh());
        let caller = caller(session, connection, handle);
        if handle.is_some() {
            self.node.handle_opened(&caller);
        }
        for _ in 0..5 {
            let length = self.rng.below(60) as usize;
            let body: Vec<u8> = (0..length).map(|_| self.rng.number() as u8 & 3).collect();
            let service = *self.rng.pick(SERVICES) as u16;
            let code = Code(0x0100 * service + self.rng.below(0x14) as u16);
            let _ = self.node.request(self.now, &caller, 1, code, Body::from(&body));
            self.take_outputs()?;
        }
        self.watch_members(caller)?;
        self.node.connection_closed(self.now, caller.connection);
        self.node.session_closed(self.now, caller.session);
        self.take_outputs()?;
        self.replies.clear();
        Ok(())
    }

    fn watch_members(&mut self, caller: Caller) -> Result<(), String> {
        if caller.callbacks(ServiceId::Clm).is_none() {
            return Ok(());
        }
        let flags = TrackFlags::CURRENT | TrackFlags::CHANGES;
        let request = clm::Request::TrackStart { flags, capacity: 8, subscription: 1 };
        let mut body = Writer::new();
        request.encode(&mut body);
        self.ask(caller, request.code(), &body.into_bytes()).map(|_| ())
    }

    /// Programs that are not silent answer what they were asked.
    fn answer_callbacks(&mut self) -> Result<(), String> {
        loop {
            let ready = self.programs.iter_mut().filter(|program| !program.silent);
            let next = ready.filter_map(|program| {
                program.invocations.pop_front().map(|invocation| (program.caller, invocation))
            });
            let Some((mut caller, invocation)) = { next }.next() else { return Ok(()) };
            self.node.dispatched(self.now, &caller, invocation);
            // Answers come on a connection without a handle.
            caller = self::caller(caller.session.0, self.fresh(), None);
            let response = amf::Request::Response { invocation, result: Ok(()) };
            let (result, _) = self.amf(caller, &response)?;
            result.map_err(|error| format!("{response:?} gave {error:?}"))?;
        }
    }

    fn pass_time(&mut self, milliseconds: u64) -> Result<(), String> {
        let end = self.now.monotonic + milliseconds * MILLISECOND;
        while let Some(at) = self.node.poll_timeout().filter(|at| *at <= end) {
            self.advance(at.max(self.now.monotonic));
            self.node.handle_timeout(self.now);
            self.take_outputs()?;
        }
        self.advance(end);
        Ok(())
    }

    fn advance(&mut self, to: u64) {
        self.now.wall += (to - self.now.monotonic) as i64;
        self.now.monotonic = to;
    }

    fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn ckpt(&mut self, caller: Caller, request: &ckpt::Request<'_>) -> Result<Answer, String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        for piece in request.data() {
            body.raw(piece);
        }
        self.ask(caller, request.code(), &body.into_bytes())
    }

    fn amf(&mut self, caller: Caller, request: &amf::Request<'_>) -> Result<Answer, String> {
        let mut body = Writer::new();
        request.encode(&mut body);
        self.ask(caller, request.code(), &body.into_bytes())
    }

    /// Asks; alone on its node, every answer comes at once.
    fn ask(&mut self, caller: Caller, code: Code, body: &[u8]) -> Result<Answer, String> {
        let id = self.fresh() as u32;
        self.node
            .request(self.now, &caller, id, code, Body::from(body))
            .map_err(|_| format!("{:?} was called malformed", Request::decode(code, body)))?;
        self.take_outputs()?;
        self.replies
            .remove(&(caller.connection, id))
            .ok_or_else(|| format!("{:?} was not answered", Request::decode(code, body)))
    }

    fn take_outputs(&mut self) -> Result<(), String> {
        while let Some(output) = self.node.poll_output() {
            self.transcript.bytes(format!("{output:?}").as_bytes());
            match output {
                Output::View(_)
                | Output::Ring(_)
                | Output::Reset
                | Output::MayLeave { .. }
                | Output::Serving => {}
                Output::Reply { connection, id, result, body } => {
                    if self.replies.insert((connection, id), (result, body)).is_some() && id != 1 {
                        return Err(format!("request {id} was answered twice"));
                    }
                }
                Output::Event { connection, code, body } => {
                    self.callback(connection, code, &body)?
                }
            }
        }
        Ok(())
    }

    fn callback(
        &mut self,
        connection: ConnectionId,
        code: Code,
        body: &[u8],
    ) -> Result<(), String> {
        let program = self.programs.iter_mut().find(|of| of.caller.connection == connection);
        let event = Event::decode(code, body).map_err(|error| error.to_string())?;
        let (Some(program), Event::Amf(event)) = (program, event) else {
            return Ok(());
        };
        if !program.registered {
            return Err(format!("{event:?} went to a component that is not registered"));
        }
        program.invocations.extend(event.invocation());
        if program.silent { Ok(()) } else { self.told.callback(&event) }
    }
}

fn caller(session: u64, connection: u64, handle: Option<(ServiceId, u32)>) -> Caller {
    Caller { session: SessionId(session), connection: ConnectionId(connection), handle }
}
