//! The ways to flood a daemon, and what each may have it take.

use super::flood::Flood;
use super::{checkpoints, connections, events, operators};
use ais_proto::AisError;

/// A way to flood.
pub(super) struct Way {
    pub(super) name: &'static str,
    /// How many processes.
    pub(super) processes: u32,
    /// What the daemon may have more than before meanwhile, in MiB: the bounds of
    /// docs/LIMITS.md that the flood comes to.
    pub(super) bound: u64,
    /// What it has the daemon hold is small pieces, whose memory the allocator keeps
    /// and uses again (docs/LIMITS.md): it floods twice, and the second time the
    /// daemon is to need no more than it kept.
    pub(super) is_small: bool,
    /// The ring stands still now and then, without the flood as well.
    pub(super) pauses: bool,
    pub(super) flood: fn(&mut Flood) -> Result<(), AisError>,
}

/// All that is counted a few bytes at a time: connections, sessions, handles.
const SMALL: u64 = 32;
/// What is under way to and from programs.
const UNDER_WAY: u64 = 256;
/// Outcomes that were not taken yet, and what is tracked; messages that wait for
/// the group.
const OUTCOMES: u64 = 64;
const GROUP: u64 = 64;
/// What probes have not read.
const PROBES: u64 = 8;
/// `checkpoint-memory`; once more for what operators look into.
pub(super) const CHECKPOINTS: u64 = 128;

const fn way(
    name: &'static str,
    processes: u32,
    bound: u64,
    flood: fn(&mut Flood) -> Result<(), AisError>,
) -> Way {
    Way { name, processes, bound: SMALL + bound, is_small: false, pauses: false, flood }
}

const fn small(way: Way) -> Way {
    Way { is_small: true, ..way }
}

pub(super) const WAYS: [Way; 34] = [
    way("silent connections", 2, 0, connections::silent),
    way("as many connections as there may be", 4, 0, connections::all_there_are),
    way("sessions that come and go", 4, 0, connections::coming_and_going),
    way("connections that are asked for", 4, 0, connections::given),
    way("half frames", 4, UNDER_WAY, connections::halves),
    way("what the log tells of", 4, 0, connections::complaints),
    way("tracking begun again and again", 2, OUTCOMES, events::tracks),
    way("groups tracked again and again", 2, OUTCOMES, events::group_tracks),
    way("answers that are not dispatched", 3, OUTCOMES, events::outcomes),
    way("opens that are not dispatched", 2, OUTCOMES + GROUP, events::opens_to_come),
    way("callbacks that never were", 2, 0, events::dispatched),
    way("ends of processes that asked", 3, OUTCOMES + GROUP, events::ends),
    Way {
        pauses: true,
        ..way("the same on a ring with pauses", 3, OUTCOMES + GROUP, events::ends)
    },
    way("probes that are not read", 2, UNDER_WAY + GROUP + PROBES, events::probes),
    way("opens of one checkpoint, listed", 6, OUTCOMES + GROUP + SMALL, events::openers),
    way("writes of 16 MiB", 2, UNDER_WAY + GROUP + CHECKPOINTS, checkpoints::large_writes),
    way("small writes of many processes", 50, GROUP, checkpoints::small_writes),
    way("replies that are not read", 3, UNDER_WAY + CHECKPOINTS, checkpoints::replies_left),
    way("reads of 16 MiB", 2, UNDER_WAY + GROUP + CHECKPOINTS, checkpoints::large_reads),
    way("large sections", 2, UNDER_WAY + GROUP + CHECKPOINTS, checkpoints::large_sections),
    small(way("small sections", 2, GROUP + CHECKPOINTS, checkpoints::small_sections)),
    small(way(
        "sections with long names",
        2,
        UNDER_WAY + GROUP + CHECKPOINTS,
        checkpoints::long_names,
    )),
    small(way("sections made and deleted", 2, GROUP + CHECKPOINTS, checkpoints::made_and_deleted)),
    small(way("sections that expire at once", 2, GROUP + CHECKPOINTS, checkpoints::expirations)),
    small(way("many checkpoints", 2, GROUP + CHECKPOINTS, checkpoints::many_checkpoints)),
    small(way("retentions that end at once", 2, GROUP + CHECKPOINTS, checkpoints::retentions)),
    way("retentions set again and again", 2, GROUP, checkpoints::retention_changes),
    small(way("iteration", 2, GROUP + CHECKPOINTS, checkpoints::iteration)),
    way("looks into what is overwritten", 3, UNDER_WAY + 2 * CHECKPOINTS, operators::looks),
    way("looks that are not read", 3, UNDER_WAY + 2 * CHECKPOINTS, operators::looks_left),
    way("views watched again and again", 2, OUTCOMES, operators::watches),
    small(way("lists of everything", 2, GROUP + CHECKPOINTS, operators::lists)),
    way("components, reports and errors", 3, GROUP, operators::components),
    way("operations of AMF", 2, GROUP, operators::operations),
];
