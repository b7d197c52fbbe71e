//! The process at the other end of a connection, and whether it may be there.

use crate::listen::GROUP;
use crate::sys;
use ais_node::{Holder, UserId};
use ais_proto::AisError;
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Group, Pid, Uid, geteuid};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

/// The process at the other end, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) pid: Pid,
    pub(crate) uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Peer {
    /// Asks the kernel.
    pub(crate) fn of(socket: impl AsFd, access: &Access) -> Result<Self, Errno> {
        let credentials = getsockopt(&socket, sockopt::PeerCredentials)?;
        let mut peer = Self {
            pid: Pid::from_raw(credentials.pid()),
            uid: Uid::from_raw(credentials.uid()),
            gid: Gid::from_raw(credentials.gid()),
            groups: Vec::new(),
        };
        // Asked only of those who need them.
        if access.group.is_some() && !access.allows(&peer) {
            peer.groups = sys::peer_groups(&socket).unwrap_or_default();
        }
        Ok(peer)
    }

    /// The same without what only decides whether it may connect: a user can be
    /// in 65536 groups.
    pub(crate) fn without_groups(self) -> Self {
        Self { groups: Vec::new(), ..self }
    }

    /// Whose account it has what it takes on. Its process is 0 if it is one of a
    /// namespace that cannot be seen from here.
    pub(crate) fn holder(&self) -> Holder {
        Holder { user: UserId(self.uid.as_raw()), process: self.pid.as_raw().unsigned_abs() }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of uid {}", self.pid, self.uid)
    }
}

/// The users that may use the executive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    own: Uid,
    /// The group [`GROUP`], if there is one.
    pub(crate) group: Option<Gid>,
}

impl Access {
    /// Root, the user that the daemon runs as, and the members of the group.
    pub(crate) fn of_this_system() -> Self {
        let group = match Group::from_name(GROUP) {
            Ok(Some(group)) => Some(group.gid),
            Ok(None) | Err(_) => None,
        };
        Self { own: geteuid(), group }
    }

    fn allows(&self, peer: &Peer) -> bool {
        let is_member = |group| peer.gid == group || peer.groups.contains(&group);
        peer.uid.is_root() || peer.uid == self.own || self.group.is_some_and(is_member)
    }

    /// What the peer hears.
    pub(crate) fn check(&self, peer: &Peer) -> Result<(), AisError> {
        if self.allows(peer) { Ok(()) } else { Err(AisError::Security) }
    }
}

/// A descriptor that becomes readable when the process at the other end ends.
/// `None` if the kernel has no such thing, or does not show us the process.
///
/// # Errors
/// `ESRCH` if the process has ended.
pub(crate) fn watch(socket: impl AsFd, pid: Pid) -> Result<Option<OwnedFd>, Errno> {
    let watched = getsockopt(&socket, sockopt::PeerPidfd).or_else(|error| match error {
        Errno::ESRCH => Err(Errno::ESRCH),
        // A kernel before 6.5.
        _ => sys::pidfd_open(pid)
            .map_err(|error| error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)),
    });
    match watched {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::ESRCH) => Err(Errno::ESRCH),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn peer(uid: u32, gid: u32, groups: &[u32]) -> Peer {
        Peer {
            pid: Pid::from_raw(1),
            uid: Uid::from_raw(uid),
            gid: Gid::from_raw(gid),
            groups: groups.iter().map(|gid| Gid::from_raw(*gid)).collect(),
        }
    }

    #[test]
    fn root_the_own_user_and_the_group_may_others_may_not() {
        let access = Access { own: Uid::from_raw(1000), group: Some(Gid::from_raw(77)) };
        for allowed in [peer(0, 5, &[]), peer(1000, 5, &[]), peer(5, 77, &[]), peer(5, 5, &[1, 77])]
        {
            assert_eq!(access.check(&allowed), Ok(()), "{allowed:?}");
        }
        assert_eq!(access.check(&peer(5, 5, &[5, 6])), Err(AisError::Security));
        let without = Access { group: None, ..access };
        assert_eq!(without.check(&peer(5, 77, &[77])), Err(AisError::Security));
        assert_eq!(without.check(&peer(1000, 5, &[])), Ok(()));
    }

    #[test]
    fn this_process_is_its_own_peer() {
        let (socket, _other) = UnixStream::pair().unwrap();
        let access = Access::of_this_system();
        let peer = Peer::of(&socket, &access).unwrap();
        assert_eq!(peer.pid, nix::unistd::getpid());
        assert_eq!(access.check(&peer), Ok(()));
        assert!(watch(&socket, peer.pid).unwrap().is_some());
    }
}
