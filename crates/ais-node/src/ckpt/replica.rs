//! CKPT as a replica: how its state gets to other nodes.

use super::fill;
use super::snapshot::{Freezing, Frozen, Incoming};
use super::{Ckpt, State};
use crate::Effects;
use crate::cursor::Cursor;
use crate::service::{Configured, Contents, ForeignState, Part, Replica, Service, Side, Snapshot};
use ais_group::View;
use ais_wire::DecodeError;

/// [`Part::Heads`] have of what sections hold nothing but the size.
impl Replica for Ckpt {
    fn freeze(&mut self, part: Part) -> bool {
        let freezing = self.freezing.get_or_insert_with(|| Freezing::new(&self.state, part));
        freezing.go_on(&self.state, self.pace.checkpoints);
        !freezing.has_more()
    }

    fn snapshot(&mut self, part: Part) -> Snapshot {
        let freezing = self.freezing.take().filter(|of| of.part() == part);
        let mut freezing = freezing.unwrap_or_else(|| Freezing::new(&self.state, part));
        freezing.go_on(&self.state, usize::MAX);
        Box::new(Frozen::from(freezing))
    }

    fn incoming(&self) -> Box<dyn ForeignState> {
        Box::new(Incoming::with_memory(self.limits.memory))
    }

    fn merge(&mut self, sides: Vec<Side>, view: &View, fx: &mut Effects) {
        // Without a side that this node is on nothing is open here any more.
        self.is_mine = sides.iter().any(|side| side.state.is_none());
        let sides = sides.into_iter().map(|side| match side.state {
            Some(state) => (side.members, finish(state)),
            None => (side.members, std::mem::take(&mut self.state)),
        });
        let sides = sides.collect();
        self.merging = Some(self.state.begin_merge(sides));
        self.state.set_view(view.id);
        self.go_on(fx);
    }

    fn give_up(&mut self, state: Box<dyn ForeignState>, fx: &mut Effects) {
        let (state, _) = state.of_service::<Incoming>().unwrap_or_default().finish();
        self.state.bury_state(state);
        self.duties.watch_graves(&self.state, fx);
    }

    fn contents(&mut self) -> Option<&mut dyn Contents> {
        Some(self)
    }

    fn configured(&mut self) -> Option<&mut dyn Configured> {
        None
    }
}

/// What sections hold.
impl Contents for Ckpt {
    fn fill_from(&self, cursor: Cursor) -> (Vec<u8>, Option<Cursor>) {
        fill::compose(&self.state, cursor)
    }

    fn fill(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        fill::take(&mut self.state, chunk)
    }
}

impl ForeignState for Incoming {
    fn take_chunk(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        self.take(chunk)
    }
}

/// The state of another side.
fn finish(state: Box<dyn ForeignState>) -> State {
    let (state, is_complete) = state.of_service::<Incoming>().unwrap_or_default().finish();
    if !is_complete {
        log::error!("the checkpoints of another side came in without their end");
    }
    state
}
