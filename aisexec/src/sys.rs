//! Single system calls that nix does not offer, made safe, and what has to be
//! looked at before `main`. The only file of the daemon with `unsafe` in it.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};
use nix::unistd::{ForkResult, Gid, Pid};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Fills `bytes` with random bytes of the kernel.
///
/// # Errors
/// What getrandom(2) says.
pub(crate) fn random(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        // SAFETY: `rest` is valid for writes of its whole length.
        let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match Errno::result(count) {
            Ok(count) => filled += usize::try_from(count).unwrap_or(0),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The supplementary groups that the process at the other end had when it
/// connected (`SO_PEERGROUPS`).
///
/// # Errors
/// What getsockopt(2) says.
pub(crate) fn peer_groups(socket: impl AsFd) -> io::Result<Vec<Gid>> {
    let fd = socket.as_fd().as_raw_fd();
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let mut length = libc::socklen_t::try_from(size_of_val(groups.as_slice()))
            .map_err(|_| io::Error::from(Errno::E2BIG))?;
        // SAFETY: `groups` is valid for writes of `length` bytes, and any
        // bytes make valid gid_t.
        let result = unsafe {
            libc::getsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count = length as usize / size_of::<libc::gid_t>();
        match Errno::result(result) {
            Ok(_) => {
                groups.truncate(count);
                return Ok(groups.into_iter().map(Gid::from_raw).collect());
            }
            // The kernel says how much room it needs; it has 65536 at most.
            Err(Errno::ERANGE) if count > groups.len() => groups.resize(count, 0),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for events for so many nanoseconds at most, or for as long as it
/// takes; to the millisecond, rounded up, where the kernel (before 5.11) knows
/// no better.
///
/// # Errors
/// What `epoll_pwait2(2)` says.
pub(crate) fn wait_for_events(
    epoll: &Epoll,
    events: &mut [EpollEvent],
    ns: Option<u64>,
) -> Result<usize, Errno> {
    let timeout = ns.map(|ns| KernelTimespec {
        seconds: (ns / NANOSECONDS).cast_signed(),
        nanoseconds: (ns % NANOSECONDS).cast_signed(),
    });
    // SAFETY: `events` is valid for writes of its whole length, and an
    // `EpollEvent` is an `epoll_event`; `timeout` lives until the call is over;
    // there is no signal mask.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.0.as_raw_fd(),
            events.as_mut_ptr(),
            libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX),
            timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
            ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
    match Errno::result(count) {
        Ok(count) => Ok(usize::try_from(count).unwrap_or(0)),
        Err(Errno::ENOSYS) => {
            let milliseconds = ns.map(|ns| EpollTimeout::try_from(ns.div_ceil(1_000_000)));
            let timeout = milliseconds
                .map_or(EpollTimeout::NONE, |timeout| timeout.unwrap_or(EpollTimeout::MAX));
            epoll.wait(events, timeout)
        }
        Err(error) => Err(error),
    }
}

const NANOSECONDS: u64 = 1_000_000_000;

/// `__kernel_timespec`, which system calls of this age take: 64 bits each, also
/// where libc's `timespec` has 32.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanoseconds: i64,
}

/// A descriptor that becomes readable when the process ends.
///
/// # Errors
/// What pidfd_open(2) says.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = i32::try_from(Errno::result(fd)?).map_err(|_| io::Error::from(Errno::EBADF))?;
    // SAFETY: the kernel has just opened this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Kills the process of a descriptor of [`pidfd_open`], never another that has
/// got its number since.
///
/// # Errors
/// What pidfd_send_signal(2) says.
pub(crate) fn pidfd_kill(process: impl AsFd) -> io::Result<()> {
    let (fd, no_info) = (process.as_fd().as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: the call takes numbers and a null pointer, which it may be given,
    // and touches no memory of ours.
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGKILL, no_info, 0) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Has a signal of this number do nothing, from now on. Numbers that are none,
/// or that the C library keeps for itself, are left alone.
pub(crate) fn ignore_signal(number: libc::c_int) {
    // SAFETY: SIG_IGN runs no code of ours, so nothing is interrupted. The
    // call refuses numbers that it does not know.
    let _ = unsafe { libc::signal(number, libc::SIG_IGN) };
}

/// The numbers of the real-time signals that are for programs.
pub(crate) fn realtime_signals() -> std::ops::RangeInclusive<libc::c_int> {
    libc::SIGRTMIN()..=libc::SIGRTMAX()
}

/// Whether this process may lock more than so many bytes, its limit. The kernel
/// is asked to, for a moment: the capability that lifts the limit does not count
/// if it is one of a user namespace, as that of root in a container may be.
pub(crate) fn may_lock_more_than(limit: libc::rlim_t) -> bool {
    let Some(length) = usize::try_from(limit).ok().and_then(|limit| limit.checked_add(1)) else {
        return false;
    };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a mapping of its own that nothing points into; it takes no memory,
    // since nobody touches it, and it is gone in the end.
    unsafe {
        let place = libc::mmap(std::ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0);
        if place == libc::MAP_FAILED {
            return false;
        }
        let locked = libc::syscall(libc::SYS_mlock2, place, length, libc::MLOCK_ONFAULT);
        libc::munmap(place, length);
        locked == 0
    }
}

/// Makes this process a real-time one (`SCHED_RR`); what it forks is not.
///
/// # Errors
/// What sched_setscheduler(2) says.
pub(crate) fn round_robin(priority: i32) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: `param` lives through the call, which only reads it.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const param) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Splits this process in two. To be called before it has threads.
///
/// # Errors
/// What fork(2) says.
pub(crate) fn fork() -> io::Result<ForkResult> {
    // SAFETY: aisexec has one thread when it goes to the background, so the
    // child may do whatever the parent may.
    unsafe { nix::unistd::fork() }.map_err(io::Error::from)
}

/// From how many bytes on a piece of memory is a mapping of its own, which
/// goes back to the system as soon as it is freed. Without this the allocator
/// would learn to keep what large messages needed.
pub(crate) fn return_memory_from(bytes: i32) {
    map_memory_from(bytes);
    #[cfg(target_env = "gnu")]
    // SAFETY: the call sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, bytes);
    }
}

/// The same, without what it says of the end of the heap.
pub(crate) fn map_memory_from(bytes: i32) {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, bytes);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = bytes;
}

/// Has all threads take small pieces of memory from one place. Else each that
/// begins takes 64 MiB of addresses, which a limit on those (RLIMIT_AS) counts;
/// threads that write what others have put together need none of it.
pub(crate) fn share_memory_among_threads() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Bytes of memory that the kernel has for what was sent on a Unix socket and is
/// not read yet (`SIOCOUTQ`); 0 if it does not say.
pub(crate) fn unread(socket: impl AsFd) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the call writes an int, for which `bytes` is valid.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// `SO_PASSRIGHTS` of Linux 6.16, in the numbers of most architectures.
const SO_PASSRIGHTS: libc::c_int = 83;

/// Has a Unix socket take no descriptors (`SCM_RIGHTS`): whoever sends one gets
/// `EPERM`. One that nobody takes is closed by whoever reads what it came with, and
/// a TCP socket with `SO_LINGER` has that wait until its peer has read all. A
/// listening socket passes it on to those that are accepted. Kernels before 6.16
/// do not know it.
pub(crate) fn refuse_descriptors(socket: impl AsFd) {
    let no: libc::c_int = 0;
    let _ = set_option(socket, libc::SOL_SOCKET, SO_PASSRIGHTS, &no);
}

/// Has a UDP socket send what is larger than a link takes in fragments, and
/// believe nobody who says that a way takes less.
///
/// # Errors
/// What setsockopt(2) says.
pub(crate) fn ignore_path_mtu(socket: impl AsFd) -> io::Result<()> {
    let value: libc::c_int = libc::IP_PMTUDISC_OMIT;
    set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, &value)
}

/// Has a UDP socket send multicast packets from the interface with this number,
/// where others may have its address too.
///
/// # Errors
/// What setsockopt(2) says.
pub(crate) fn multicast_from(socket: impl AsFd, interface: u32) -> io::Result<()> {
    let nowhere = libc::in_addr { s_addr: libc::INADDR_ANY };
    let interface = libc::c_int::try_from(interface).unwrap_or(0);
    let value =
        libc::ip_mreqn { imr_multiaddr: nowhere, imr_address: nowhere, imr_ifindex: interface };
    set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &value)
}

fn set_option<T>(
    socket: impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    // The size of what an option takes fits.
    let length = size_of_val(value) as libc::socklen_t;
    // SAFETY: `value` is valid for reads of `length` bytes.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            ptr::from_ref(value).cast(),
            length,
        )
    };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Datagrams that [`send_datagrams`] sends at once, at most.
pub(crate) const MAX_DATAGRAMS: usize = 32;

/// Sends datagrams without waiting: all, or the first of them. How many.
/// (The results of sendmmsg in nix read addresses that nobody wrote.)
///
/// # Errors
/// What sendmmsg(2) says of the first one.
pub(crate) fn send_datagrams<'a>(
    socket: impl AsFd,
    datagrams: impl Iterator<Item = (SocketAddrV4, &'a [u8])>,
) -> Result<usize, Errno> {
    // SAFETY: zeros are valid values of these C structures of numbers and
    // pointers.
    let (mut addresses, mut pieces, mut messages): (
        [libc::sockaddr_in; MAX_DATAGRAMS],
        [libc::iovec; MAX_DATAGRAMS],
        [libc::mmsghdr; MAX_DATAGRAMS],
    ) = unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
    let mut count = 0;
    let places = addresses.iter_mut().zip(&mut pieces).zip(&mut messages);
    for (((address, piece), message), (to, bytes)) in places.zip(datagrams) {
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = to.port().to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
        piece.iov_base = bytes.as_ptr().cast_mut().cast();
        piece.iov_len = bytes.len();
        message.msg_hdr.msg_name = (&raw mut *address).cast();
        message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        message.msg_hdr.msg_iov = piece;
        message.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the first `count` messages name addresses, pieces and bytes that
    // live through the call; it writes nothing but lengths into the messages.
    let sent = unsafe {
        libc::sendmmsg(socket.as_fd().as_raw_fd(), messages.as_mut_ptr(), count, flags as _)
    };
    Errno::result(sent).map(|sent| usize::try_from(sent).unwrap_or(0))
}

/// Which of its standard streams a process began without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) output: bool,
    pub(crate) error: bool,
}

static OUTPUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);
static ERROR_IS_CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: the loader calls the functions in this section one after the other
// before `main`, and ignores what they return; this one has that type. It
// asks for the flags of two descriptors and stores two bools, which need nothing
// that `main` would find prepared.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    let is_closed = |fd: BorrowedFd<'_>| fcntl(fd, FcntlArg::F_GETFD) == Err(Errno::EBADF);
    OUTPUT_IS_CLOSED.store(is_closed(io::stdout().as_fd()), Ordering::Relaxed);
    ERROR_IS_CLOSED.store(is_closed(io::stderr().as_fd()), Ordering::Relaxed);
}

/// Which standard streams were closed when the process began. Before `main` the
/// runtime of Rust opens /dev/null in their place, and what is written there
/// seems to have arrived.
pub(crate) fn closed_at_start() -> Closed {
    Closed {
        output: OUTPUT_IS_CLOSED.load(Ordering::Relaxed),
        error: ERROR_IS_CLOSED.load(Ordering::Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn random_bytes_differ() {
        let (mut a, mut b) = ([0; 16], [0; 16]);
        random(&mut a).unwrap();
        random(&mut b).unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn the_groups_of_the_other_end_are_ours() {
        let (socket, _other) = UnixStream::pair().unwrap();
        let mut groups = peer_groups(&socket).unwrap();
        let mut ours = nix::unistd::getgroups().unwrap();
        groups.sort_by_key(|gid| gid.as_raw());
        ours.sort_by_key(|gid| gid.as_raw());
        assert_eq!(groups, ours);
    }

    #[test]
    fn a_process_is_killed_by_its_descriptor() {
        use std::os::unix::process::ExitStatusExt as _;
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let process = pidfd_open(pid).unwrap();
        pidfd_kill(&process).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(pidfd_kill(&process).is_err());
    }

    #[test]
    fn a_pidfd_needs_a_process() {
        assert!(pidfd_open(nix::unistd::getpid()).is_ok());
        assert!(pidfd_open(Pid::from_raw(-1)).is_err());
    }
}
