//! Checkpoints: handles, vectors, memory that the library lends or gives, and
//! what becomes of them when the executive is restarted.

use super::{VERSION, dispatch_flag, from_c, in_own_process, name, ok};
use crate::ffi::ckpt::*;
use crate::ffi::types::*;
use ais_fake::{Daemon, MAX_MESSAGE, Peer};
use ais_proto::ckpt::{Event, Request as Ckpt, Section, SectionState};
use ais_proto::{AisError, Request, Writer};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const READ_WRITE: SaCkptCheckpointOpenFlagsT = 3;

fn attributes() -> SaCkptCheckpointCreationAttributesT {
    SaCkptCheckpointCreationAttributesT {
        creationFlags: 1,
        checkpointSize: 1000,
        retentionDuration: 0,
        maxSections: 5,
        maxSectionSize: 200,
        maxSectionIdSize: 10,
    }
}

fn open(flags: SaCkptCheckpointOpenFlagsT) -> Result<i32, SaErrorT> {
    open_with(&attributes(), flags)
}

fn open_with(
    attributes: &SaCkptCheckpointCreationAttributesT,
    flags: SaCkptCheckpointOpenFlagsT,
) -> Result<i32, SaErrorT> {
    let mut handle = -1;
    let name = name("checkpoint");
    // SAFETY: valid pointers.
    match unsafe { saCkptCheckpointOpen(&raw const name, attributes, flags, 0, &raw mut handle) } {
        SaErrorT::SA_OK => Ok(handle),
        error => Err(error),
    }
}

fn close(handle: i32) -> SaErrorT {
    // SAFETY: a valid pointer.
    unsafe { saCkptCheckpointClose(&raw const handle) }
}

/// Numbers of checkpoints that the library closed.
static CLOSED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A checkpoint whose sections hold their own ids.
fn answer(peer: &Arc<Peer>, id: u32, request: Request<'_>) {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let Request::Ckpt(request) = request else { panic!("not expected: {request:?}") };
    let mut out = Writer::new();
    match request {
        Ckpt::Open(_) => {
            out.u32(OPENED.fetch_add(1, Ordering::SeqCst));
        }
        Ckpt::OpenAsync { tag, .. } => {
            let number = OPENED.fetch_add(1, Ordering::SeqCst);
            let result = if number == 2 { Err(AisError::NotExist) } else { Ok(number) };
            let event = Event::Open { tag, result };
            peer.event(event.code(), &event.encode());
        }
        Ckpt::SynchronizeAsync { tag, .. } => {
            let event = Event::Synchronize { tag, result: Ok(()) };
            peer.event(event.code(), &event.encode());
        }
        Ckpt::Close { checkpoint } => CLOSED.lock().unwrap().push(checkpoint),
        Ckpt::SectionCreate { id: None, data: b"data", .. } => {
            out.bytes(b"generated");
        }
        Ckpt::SectionCreate { id: Some(id), .. } => {
            out.bytes(id);
        }
        Ckpt::IteratorStart { .. } => {
            out.u64(3);
        }
        Ckpt::IteratorNext { cursor: 1, .. } => return peer.reply_with(12, id, b""),
        Ckpt::IteratorNext { cursor, .. } => {
            let section = Section {
                number: cursor - 1,
                id: vec![b'a' + cursor as u8; 3],
                expiration: i64::MAX,
                size: 9,
                state: SectionState::Valid,
                last_update: 5,
            };
            out.raw(&section.encode());
        }
        Ckpt::Read { elements, .. } => {
            if let Some(index) = elements.iter().position(|element| element.id == b"none") {
                return peer.reply_with(12, id, &(index as u32).to_le_bytes());
            }
            let pieces: Vec<&[u8]> = elements
                .iter()
                .map(|element| {
                    let rest = &element.id[element.offset as usize..];
                    &rest[..rest.len().min(element.size.unwrap_or(u32::MAX) as usize)]
                })
                .collect();
            out.list(&pieces, |out, piece| {
                out.count(piece.len());
            });
            for piece in pieces {
                out.raw(piece);
            }
        }
        Ckpt::Write { elements, .. } => {
            for (index, element) in elements.iter().enumerate() {
                if element.data != element.id {
                    let index = (index as u32).to_le_bytes();
                    return peer.reply_with(15, id, &index);
                }
            }
        }
        request => panic!("not expected: {request:?}"),
    }
    peer.reply(id, &out.into_bytes());
}

fn section(id: &[u8]) -> SaCkptSectionIdT {
    SaCkptSectionIdT { id: id.as_ptr().cast_mut(), idLen: id.len() as _ }
}

fn element(id: &'static [u8], buffer: &mut [u8], offset: u64) -> SaCkptIOVectorElementT {
    SaCkptIOVectorElementT {
        sectionId: section(id),
        dataBuffer: buffer.as_mut_ptr().cast(),
        dataSize: buffer.len() as _,
        dataOffset: offset as _,
        readSize: -1,
    }
}

#[test]
fn open_checks_what_it_is_given() {
    in_own_process("checkpoints::open_checks_what_it_is_given", || {
        let _daemon = Daemon::start(answer);
        for flags in [0, 8, 11, 12, 1 << 40 | 3] {
            assert_eq!(open(flags), Err(SaErrorT::SA_ERR_BAD_FLAGS), "{flags}");
        }
        let good = attributes();
        for creation_flags in [8, 9, -1_i64 as _, 1 << 40 | 1] {
            let wrong =
                SaCkptCheckpointCreationAttributesT { creationFlags: creation_flags, ..good };
            assert_eq!(open_with(&wrong, READ_WRITE), Err(SaErrorT::SA_ERR_INVALID_PARAM));
        }
        assert_eq!(open(READ_WRITE), Ok(0));
        assert_eq!(open(READ_WRITE), Ok(1));
        ok(close(0));
        assert_eq!(close(0), SaErrorT::SA_ERR_BAD_HANDLE);
        assert_eq!(close(-1), SaErrorT::SA_ERR_BAD_HANDLE);
        assert_eq!(open(READ_WRITE), Ok(2));
        assert_eq!(*CLOSED.lock().unwrap(), [0]);
    });
}

#[test]
fn who_was_compiled_with_other_headers_is_named_once() {
    in_own_process("checkpoints::who_was_compiled_with_other_headers_is_named_once", || {
        let daemon = Daemon::start(answer);
        // Three options where four bytes are a number, and a size behind them.
        for creation_flags in [1 << 40 | 1, 100_000 << 32 | 4, 1 << 63 | 2] {
            let wrong = SaCkptCheckpointCreationAttributesT {
                creationFlags: creation_flags,
                ..attributes()
            };
            assert_eq!(open_with(&wrong, READ_WRITE), Err(SaErrorT::SA_ERR_INVALID_PARAM));
        }
        assert_eq!(daemon.wait_misfit(), 1);
    });
}

#[test]
fn reads_go_to_the_buffers_or_to_memory_of_malloc() {
    in_own_process("checkpoints::reads_go_to_the_buffers_or_to_memory_of_malloc", || {
        let _daemon = Daemon::start(answer);
        let handle = open(READ_WRITE).unwrap();
        let (mut one, mut two) = ([0; 4], [0; 20]);
        let mut vector = [
            element(b"section one", &mut one, 8),
            element(b"section two", &mut two, 0),
            element(b"section three", &mut [], 8),
            element(b"section four", &mut [], 0),
            element(b"abc", &mut [], 3),
        ];
        for element in &mut vector[2..] {
            element.dataBuffer = null_mut();
        }
        vector[3].dataSize = 4;
        let wrong = Cell::new(4711);
        let read = |vector: &mut [SaCkptIOVectorElementT], count| {
            let first = vector.as_mut_ptr();
            // SAFETY: valid pointers.
            unsafe { saCkptCheckpointRead(&raw const handle, first, count, wrong.as_ptr()) }
        };
        let count = vector.len() as SaUint32T;
        ok(read(&mut vector, count));
        assert_eq!((&one, vector[0].readSize), (b"one\0", 3));
        assert_eq!((&two[..12], vector[1].readSize), (&b"section two\0"[..], 11));
        for (element, expected) in vector[2..].iter().zip([&b"three"[..], b"sect", b""]) {
            assert!(!element.dataBuffer.is_null());
            // SAFETY: the library has allocated and filled so many bytes.
            unsafe {
                let bytes: *const u8 = element.dataBuffer.cast();
                assert_eq!(slice::from_raw_parts(bytes, element.readSize as usize), expected);
                libc::free(element.dataBuffer);
            }
        }
        // On failure nothing is allocated or changed.
        let mut vector = [element(b"section", &mut [], 0), element(b"none", &mut two, 0)];
        vector[0].dataBuffer = null_mut();
        assert_eq!(read(&mut vector, 2), SaErrorT::SA_ERR_NOT_EXIST);
        assert!(vector[0].dataBuffer.is_null());
        assert_eq!(vector[0].readSize, -1);
        assert_eq!(read(&mut vector, 0), SaErrorT::SA_ERR_INVALID_PARAM);
        assert_eq!(wrong.get(), 1);
        vector[0].sectionId.idLen = 1 << 33;
        assert_eq!(
            // SAFETY: valid pointers, and NULL.
            unsafe { saCkptCheckpointRead(&raw const handle, vector.as_mut_ptr(), 1, null_mut()) },
            SaErrorT::SA_ERR_INVALID_PARAM
        );
    });
}

#[test]
fn writes_are_sent_from_where_they_are_and_bounded() {
    in_own_process("checkpoints::writes_are_sent_from_where_they_are_and_bounded", || {
        let daemon = Daemon::start(answer);
        let handle = open(READ_WRITE).unwrap();
        let wrong = Cell::new(4711);
        let write = |vector: &[SaCkptIOVectorElementT]| {
            let (first, count) = (vector.as_ptr(), vector.len() as SaUint32T);
            // SAFETY: valid pointers.
            unsafe { saCkptCheckpointWrite(&raw const handle, first, count, wrong.as_ptr()) }
        };
        let mut data = *b"same";
        // More pieces than one system call takes.
        ok(write(&[element(b"same", &mut data, 0); 3000]));
        let mut many = vec![element(b"same", &mut data, 0); 8];
        many[5] = element(b"else", &mut data, 0);
        assert_eq!(write(&many), SaErrorT::SA_ERR_NO_SPACE);
        let mut big = vec![0; MAX_MESSAGE as usize + 1];
        assert_eq!(write(&[element(b"same", &mut big, 0)]), SaErrorT::SA_ERR_NO_SPACE);
        daemon.wait_too_long(1);
        assert_eq!(write(&[]), SaErrorT::SA_ERR_INVALID_PARAM);
        let mut null_data = element(b"same", &mut data, 0);
        null_data.dataBuffer = null_mut();
        assert_eq!(write(&[null_data]), SaErrorT::SA_ERR_INVALID_PARAM);
        let mut negative = element(b"same", &mut data, 0);
        negative.dataSize = -1;
        assert_eq!(write(&[many[0], negative]), SaErrorT::SA_ERR_INVALID_PARAM);
        // The last element that was to blame.
        assert_eq!(wrong.get(), 1);
        big.truncate(MAX_MESSAGE as usize);
        assert_eq!(write(&[element(b"same", &mut big, 0)]), SaErrorT::SA_ERR_NO_SPACE);
        assert_eq!(wrong.get(), 0);
    });
}

#[test]
fn ids_live_as_long_as_what_gave_them() {
    in_own_process("checkpoints::ids_live_as_long_as_what_gave_them", || {
        let _daemon = Daemon::start(answer);
        let handle = open(READ_WRITE).unwrap();
        let mut id = SaCkptSectionIdT { id: null_mut(), idLen: 0 };
        let mut attributes =
            SaCkptSectionCreationAttributesT { sectionId: &raw mut id, expirationTime: 7 };
        let mut iterator = -1;
        let mut descriptors = [MaybeUninit::<SaCkptSectionDescriptorT>::uninit(); 2];
        // SAFETY: valid pointers.
        unsafe {
            let data = b"data".as_ptr().cast();
            ok(saCkptSectionCreate(&raw const handle, &raw mut attributes, data, 4));
            assert_eq!(slice::from_raw_parts(id.id, id.idLen as usize), b"generated");
            for wrong in [
                SaCkptSectionIdT { id: null_mut(), idLen: 4 },
                SaCkptSectionIdT { id: id.id, idLen: 0 },
                SaCkptSectionIdT { id: id.id, idLen: SaUint32T::MAX },
            ] {
                let result = saCkptSectionDelete(&raw const handle, &raw const wrong);
                assert_eq!(result, SaErrorT::SA_ERR_INVALID_PARAM);
            }
            let begin = |chosen, iterator| {
                saCkptSectionIteratorInitialize(&raw const handle, from_c(chosen), 0, iterator)
            };
            assert_eq!(begin(6, &raw mut iterator), SaErrorT::SA_ERR_INVALID_PARAM);
            ok(begin(0, &raw mut iterator));
            for descriptor in &mut descriptors {
                ok(saCkptSectionIteratorNext(&raw mut iterator, descriptor.as_mut_ptr()));
            }
            let end = saCkptSectionIteratorNext(&raw mut iterator, descriptors[1].as_mut_ptr());
            assert_eq!(end, SaErrorT::SA_ERR_NOT_EXIST);
            for (descriptor, expected) in descriptors.iter().zip([b"ddd", b"ccc"]) {
                let id = descriptor.assume_init_ref().sectionId;
                assert_eq!(slice::from_raw_parts(id.id, id.idLen as usize), expected);
            }
            // The iterators of a checkpoint end with it.
            ok(close(handle));
            let bad = saCkptSectionIteratorFinalize(&raw mut iterator);
            assert_eq!(bad, SaErrorT::SA_ERR_BAD_HANDLE);
        }
    });
}

/// What the open callback got.
static OPENED: Mutex<Vec<(i32, i32, SaErrorT)>> = Mutex::new(Vec::new());

unsafe extern "C-unwind" fn opened(invocation: i32, handle: *const i32, error: SaErrorT) {
    // SAFETY: the library passes a valid pointer.
    OPENED.lock().unwrap().push((invocation, unsafe { *handle }, error));
}

unsafe extern "C-unwind" fn synchronized(invocation: i32, error: SaErrorT) {
    OPENED.lock().unwrap().push((invocation, 0, error));
}

#[test]
fn a_checkpoint_that_nobody_heard_of_is_closed() {
    in_own_process("checkpoints::a_checkpoint_that_nobody_heard_of_is_closed", || {
        let _daemon = Daemon::start(answer);
        let callbacks = SaCkptCallbacksT {
            saCkptCheckpointOpenCallback: Some(opened),
            saCkptCheckpointSynchronizeCallback: Some(synchronized),
        };
        let mut handle = -1;
        let checkpoint = open(READ_WRITE).unwrap();
        let name = name("checkpoint");
        // SAFETY: valid pointers.
        unsafe {
            ok(saCkptInitialize(&raw mut handle, &raw const callbacks, &raw const VERSION));
            let open = |invocation| {
                let attributes = attributes();
                let (name, attributes) = (&raw const name, &raw const attributes);
                let handle = &raw const handle;
                saCkptCheckpointOpenAsync(handle, invocation, name, attributes, READ_WRITE)
            };
            ok(open(10));
            ok(open(11));
            let (handle, checkpoint) = (&raw const handle, &raw const checkpoint);
            ok(saCkptCheckpointSynchronizeAsync(handle, 12, checkpoint));
            ok(saCkptDispatch(handle, dispatch_flag(2)));
            let expected = [
                (10, 1, SaErrorT::SA_OK),
                (11, -1, SaErrorT::SA_ERR_NOT_EXIST),
                (12, 0, SaErrorT::SA_OK),
            ];
            assert_eq!(*OPENED.lock().unwrap(), expected);
            ok(open(13));
            ok(open(14));
            ok(saCkptFinalize(handle));
        }
        assert_eq!(*CLOSED.lock().unwrap(), [3, 4]);
        ok(close(1));
    });
}

#[test]
fn checkpoints_of_a_former_executive_fail_until_they_are_closed() {
    in_own_process(
        "checkpoints::checkpoints_of_a_former_executive_fail_until_they_are_closed",
        || {
            let daemon = Daemon::start(answer);
            let old = open(READ_WRITE).unwrap();
            let mut iterator = -1;
            let synchronize = |handle: i32| {
                // SAFETY: a valid pointer.
                unsafe { saCkptCheckpointSynchronize(&raw const handle, 0) }
            };
            // SAFETY: valid pointers.
            unsafe {
                let iterator = &raw mut iterator;
                ok(saCkptSectionIteratorInitialize(&raw const old, from_c(5), 0, iterator));
            }
            drop(daemon);
            assert_eq!(synchronize(old), SaErrorT::SA_ERR_LIBRARY);
            let _daemon = Daemon::start_as([7; 16], answer);
            assert_eq!(synchronize(old), SaErrorT::SA_ERR_LIBRARY);
            let new = open(READ_WRITE).unwrap();
            assert_eq!(synchronize(old), SaErrorT::SA_ERR_LIBRARY);
            // SAFETY: a valid pointer.
            ok(unsafe { saCkptSectionIteratorFinalize(&raw mut iterator) });
            ok(close(old));
            assert_eq!(close(old), SaErrorT::SA_ERR_BAD_HANDLE);
            assert_eq!(*CLOSED.lock().unwrap(), [0; 0]);
            ok(close(new));
            assert_eq!(*CLOSED.lock().unwrap(), [1]);
            // SAFETY: NULL is an argument like any other.
            let result = unsafe { saCkptCheckpointClose(null()) };
            assert_eq!(result, SaErrorT::SA_ERR_INVALID_PARAM);
        },
    );
}
