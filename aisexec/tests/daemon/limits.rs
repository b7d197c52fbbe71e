//! The limits of network.conf: the code a program gets, and the line in the log
//! that names the key.

use crate::client::Client;
use crate::executive::{Executive, Site};
use ais_proto::ckpt::{Attributes, Open, OpenFlags, Request, UpdateOption, WriteElement};
use ais_proto::{AisError, Code, Name, Reader, Writer};

const ATTRIBUTES: Attributes = Attributes {
    option: UpdateOption::AllReplicas,
    checkpoint_size: 1000,
    retention_duration: 0,
    max_sections: 2,
    max_section_size: 500,
    max_section_id_size: 10,
};

/// A process that uses CKPT.
struct Program {
    calls: Client,
    _anchor: Client,
}

impl Program {
    fn new(site: &Site) -> Self {
        let (anchor, cookie) = Client::session(site);
        Self { calls: Client::calls(site, cookie), _anchor: anchor }
    }

    fn call(&mut self, request: Request<'_>) -> Result<Vec<u8>, AisError> {
        let request = ais_proto::Request::Ckpt(request);
        let mut body = Writer::new();
        request.encode(&mut body);
        request.data().for_each(|piece| {
            body.raw(piece);
        });
        self.calls.send(request.code(), 1, &body.into_bytes());
        let reply = self.calls.receive().expect("an answer");
        reply.result.map(|()| reply.body)
    }

    fn open(&mut self, name: &str) -> Result<u32, AisError> {
        let name = Name::try_from(name).unwrap();
        let flags = OpenFlags::READ | OpenFlags::WRITE;
        let open = Request::Open(Open { name, attributes: Some(ATTRIBUTES), flags });
        self.call(open).map(|body| Reader::new(&body).u32().unwrap())
    }

    fn create(&mut self, checkpoint: u32, id: &[u8], data: &[u8]) -> Result<Vec<u8>, AisError> {
        let expiration = i64::MAX;
        self.call(Request::SectionCreate { checkpoint, id: Some(id), expiration, data })
    }
}

fn start(more: &str) -> (Site, Executive, Program) {
    let site = Site::new();
    site.set("realtime:no\n", &format!("realtime:no\n{more}"));
    let executive = site.start();
    let program = Program::new(&site);
    (site, executive, program)
}

#[test]
fn a_limit_that_is_reached_stands_in_the_log_with_its_key() {
    let more = "checkpoint-memory:1m\nmax-checkpoints:2\nmax-sections:3\nmax-message:256k\n";
    let (_site, executive, mut program) = start(more);
    let first = program.open("first").unwrap();
    program.open("second").unwrap();
    let no_space = Err(AisError::NoSpace);
    assert_eq!(program.open("third"), Err(AisError::NoSpace));
    executive.await_log("checkpoint third: a call failed with SA_ERR_NO_SPACE: there may be 2");
    executive.await_log("raise max-checkpoints in network.conf");
    for id in [b"1", b"2", b"3"] {
        program.create(first, id, b"").unwrap();
    }
    assert_eq!(program.create(first, b"4", b""), no_space);
    executive.await_log("checkpoint first: a call failed with SA_ERR_NO_SPACE: a checkpoint may");
    executive.await_log("raise max-sections in network.conf");
    let too_long = vec![0; (256 << 10) + 1];
    let overwrite = |id, data| Request::Overwrite { checkpoint: first, id, data };
    assert_eq!(program.call(overwrite(&b"1"[..], &too_long)), no_space);
    executive.await_log("a call may carry 262144 bytes; raise max-message in network.conf");
    for id in [b"1", b"2", b"3"] {
        program.call(overwrite(id, &too_long[1..])).unwrap();
    }
    assert_eq!(program.call(overwrite(b"", &too_long[1..])), no_space);
    executive.await_log("1048576 bytes; raise checkpoint-memory in network.conf");
    // However often it is reached, there is one line in a minute.
    for _ in 0..100 {
        assert_eq!(program.create(first, b"4", b""), no_space);
    }
    executive.await_log("max-sections");
    assert_eq!(executive.log().matches("max-sections").count(), 1);
    executive.stop();
}

#[test]
fn a_call_that_the_library_did_not_send_stands_in_the_log() {
    let (_site, executive, mut program) = start("max-message:256k\n");
    program.calls.send(Code::TOO_LONG, 0, &[]);
    program.open("still served").unwrap();
    executive.await_log("raise max-message in network.conf");
    executive.stop();
}

#[test]
fn a_program_compiled_with_other_headers_is_named_in_the_log() {
    let (_site, executive, mut program) = start("");
    for _ in 0..3 {
        program.calls.send(Code::MISFIT, 0, &[]);
    }
    program.open("still served").unwrap();
    executive.await_log(&format!("(pid {}, uid ", std::process::id()));
    assert_eq!(executive.log().matches("SaUint32T has 32 bits").count(), 1);
    executive.stop();
}

#[test]
fn strict_limits_stand_in_the_log() {
    let (_site, executive, mut program) = start("checkpoint-limits:strict\n");
    let checkpoint = program.open("tight").unwrap();
    let element = WriteElement { id: b"", offset: 500, data: b"x" };
    let write = Request::Write { checkpoint, elements: vec![element] };
    assert_eq!(program.call(write), Err(AisError::InvalidParam));
    executive.await_log("checkpoint tight: a call failed with SA_ERR_INVALID_PARAM");
    executive.await_log("or set checkpoint-limits:lenient in network.conf");
    let open = |flags| {
        let name = Name::try_from("amended").unwrap();
        Request::Open(Open { name, attributes: Some(ATTRIBUTES), flags })
    };
    let amended = OpenFlags::READ | OpenFlags::AMENDED;
    assert_eq!(program.call(open(amended)), Err(AisError::InvalidParam));
    assert_eq!(program.call(open(OpenFlags::COLOCATED)), Err(AisError::BadFlags));
    executive.await_log(
        "checkpoint amended: a call failed with SA_ERR_INVALID_PARAM: the specification",
    );
    executive.stop();
}
