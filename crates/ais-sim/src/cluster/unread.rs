//! Requests that a daemon has not read yet: it reads none while its node is busy
//! with what the group has brought.

use super::{Act, World};
use ais_node::{Body, Caller, ConnectionId};
use ais_proto::{Code, Request};

/// How long after a daemon could not read a request it tries again, in ns.
const LOOK: u64 = 20_000;

/// A request.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) caller: Caller,
    pub(super) id: u32,
    pub(super) code: Code,
    pub(super) body: Vec<u8>,
    /// Behind it stands that nobody waits any more.
    pub(super) is_given_up: bool,
}

impl World {
    /// A program asks. Whether its daemon is there.
    pub(super) fn send(&mut self, host: usize, unread: Unread) -> Result<bool, String> {
        if !self.sites[host].unread.is_empty() {
            self.wait_unread(host, unread);
            return Ok(true);
        }
        let session = unread.caller.session;
        let is_busy =
            self.fabric.with(host, |node, _| node.is_congested(node.ledger().holder(session)));
        match is_busy {
            None => return Ok(false),
            Some(false) => self.hand_over(host, unread)?,
            Some(true) => {
                self.wait_unread(host, unread);
                self.fabric.plan(LOOK, Act::Read(host));
            }
        }
        Ok(true)
    }

    /// A daemon reads what it can.
    pub(super) fn read_unread(&mut self, host: usize) -> Result<(), String> {
        while let Some(Unread { caller, .. }) = self.sites[host].unread.front() {
            let caller = *caller;
            let may_read = self.fabric.with(host, |node, now| {
                let is_busy = node.is_congested(node.ledger().holder(caller.session));
                if !is_busy {
                    node.request_is_read(now, caller.connection);
                }
                !is_busy
            });
            if may_read != Some(true) {
                let paused = self.fabric.hosts()[host].paused_until.saturating_sub(self.fabric.now);
                self.fabric.plan(paused + LOOK, Act::Read(host));
                return Ok(());
            }
            if let Some(unread) = self.sites[host].unread.pop_front() {
                self.hand_over(host, unread)?;
            }
        }
        Ok(())
    }

    /// Nobody waits for the answer to a call any more. Whether it is not read yet.
    pub(super) fn give_up_unread(&mut self, host: usize, call: (ConnectionId, u32)) -> bool {
        let mut unread = self.sites[host].unread.iter_mut();
        let found = unread.find(|of| (of.caller.connection, of.id) == call);
        found.map(|of| of.is_given_up = true).is_some()
    }

    fn wait_unread(&mut self, host: usize, unread: Unread) {
        self.counted.unread += 1;
        let caller = unread.caller;
        self.fabric.with(host, |node, now| node.request_waits(now, &caller));
        self.sites[host].unread.push_back(unread);
    }

    fn hand_over(&mut self, host: usize, unread: Unread) -> Result<(), String> {
        let Unread { caller, id, code, body, is_given_up } = unread;
        let asked = self.fabric.with(host, |node, now| {
            let result = node.request(now, &caller, id, code, Body::from(&body));
            if is_given_up {
                node.cancel(now, caller.connection, id);
            }
            result
        });
        match asked {
            Some(Err(_)) => Err(format!("{:?} was called malformed", Request::decode(code, &body))),
            _ => Ok(()),
        }
    }
}
