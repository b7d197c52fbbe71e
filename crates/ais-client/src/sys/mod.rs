//! What the library needs of the system and of its process: descriptors that a
//! fork closes, threads that no signal handler interrupts, waits that end.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `calls` | single system calls that have no safe form |
//! | `thread` | a thread that runs code of the library, and how it waits |
//! | `descriptors` | the descriptors of the library, noted with what they are |
//! | `fork` | what becomes of all of it in the child of a fork |
//! | `socket` | a socket that survives signals and forks |
//! | `deadline`, `poll` | when a call has to be over, and polling before a wait |

#[expect(unsafe_code, reason = "system calls without a safe form")]
pub(crate) mod calls;
pub(crate) mod deadline;
#[expect(unsafe_code, reason = "a lock that outlives a fork, and descriptors by number")]
pub(crate) mod descriptors;
#[expect(unsafe_code, reason = "what runs in a fork, and what a child inherits")]
pub(crate) mod fork;
pub(crate) mod poll;
pub(crate) mod socket;
#[expect(unsafe_code, reason = "signals, cancellation and data of threads")]
pub(crate) mod thread;
