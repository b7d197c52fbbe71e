//! The list of the commands: what each takes, and what its help says.

use crate::given::{Command, Given, Setting};
use crate::{Failure, bench, ckpt, keygen, operate, show};
use std::process::ExitCode;

const JSON: &[Setting] = &[Setting::Json];
const TARGET: &[&str] = &["group|unit|component|node", "NAME"];
const NAMES: &str = "\
NAME and SECTION are written as they are shown: bytes that do not print as
\\x00, a backslash as \\\\. The checkpoint is taken as it is at one moment;
programs do not notice.
";
const OPERATION: &str = "\
NAME is that of a group, unit or component of groups.conf, or the address or
nodename of a node. `aisctl amf` shows what there is. It says what is done when
all nodes know of it; that components are asked, and answer, takes longer.
";
const PROBE: &str = "\
The message goes through the group beside those of the services. SIZE is the
bytes of a message, 16 to 65000.
";

const fn show(
    word: &'static [&'static str],
    summary: &'static str,
    help: &'static str,
    run: fn(&Given) -> Result<ExitCode, Failure>,
) -> Command {
    Command { words: word, needed: &[], optional: &[], settings: JSON, summary, help, run }
}

const fn operation(words: &'static [&'static str], summary: &'static str) -> Command {
    let (needed, help) = (TARGET, OPERATION);
    Command { words, needed, optional: &[], settings: JSON, summary, help, run: operate::run }
}

const fn measure(
    words: &'static [&'static str],
    needed: &'static [&'static str],
    optional: &'static [&'static str],
    summary: &'static str,
    help: &'static str,
    run: fn(&Given) -> Result<ExitCode, Failure>,
) -> Command {
    Command { words, needed, optional, settings: &[], summary, help, run }
}

/// All commands; those with the same first word stand together.
pub(crate) const COMMANDS: &[Command] = &[
    show(
        &["status"],
        "whether this node is well, and all of it in short",
        "\
It is well when it serves programs, its side of the cluster has quorum, its
groups.conf is that of the cluster, and no node is missing that network.conf
names (member:) or counts (expected-nodes:).
Exit status 3: the node does not serve all programs. Nodes that are missing do
not change the exit status; --json has them as `missing`.
",
        show::status,
    ),
    show(
        &["members"],
        "the members of the cluster, lowest address first",
        "\
Address, name, cluster, and when the node was booted. The own node has a star.
Below them those that network.conf names (member:) and that are missing.
",
        show::members,
    ),
    show(
        &["ring"],
        "the ring: its state, its view, what it counted",
        "\
What is counted since aisexec was started. docs/RING.md explains each counter
(\"Counters\"), and aisctl(8) the rest.
",
        show::ring,
    ),
    Command {
        words: &["keygen"],
        needed: &["FILE"],
        optional: &[],
        settings: &[],
        summary: "a new key for a cluster, in a file",
        help: "\
FILE must not be there yet. Every node needs a copy: as /etc/ais/key, or where
`key` in network.conf says, for the user alone that aisexec runs as.
",
        run: keygen::run,
    },
    show(
        &["key", "status"],
        "the keys of the nodes, and which step of a change is next",
        "\
Keys are changed without a stop: the new one is added behind the old one on
each node, then made the first on each, then the old one is removed on each.
SIGHUP has aisexec read the file. A step that would leave a member out is
refused, with a line in the log.
",
        show::keys,
    ),
    show(
        &["ckpt"],
        "the checkpoints by name",
        "\
How many sections they have, the default section included, and how many bytes
those hold; how long they outlive their last close; the update option; and how
many times each node has them open.
",
        show::checkpoints,
    ),
    Command {
        words: &["ckpt", "sections"],
        needed: &["NAME"],
        optional: &[],
        settings: JSON,
        summary: "the sections of a checkpoint, the oldest first",
        help: NAMES,
        run: ckpt::sections,
    },
    Command {
        words: &["ckpt", "refs"],
        needed: &["NAME"],
        optional: &[],
        settings: JSON,
        summary: "who has a checkpoint open, by node and process",
        help: NAMES,
        run: ckpt::references,
    },
    Command {
        words: &["ckpt", "dump"],
        needed: &["NAME", "SECTION"],
        optional: &["OFFSET", "COUNT"],
        settings: &[],
        summary: "the bytes of a section",
        help: "\
COUNT bytes (all) from OFFSET (0) on. The default section is '', an empty word.
NAME and SECTION are written as they are shown: bytes that do not print as
\\x00, a backslash as \\\\.
",
        run: ckpt::dump,
    },
    Command {
        words: &["ckpt", "export"],
        needed: &["NAME", "FILE"],
        optional: &[],
        settings: &[],
        summary: "all of a checkpoint to a file",
        help: "\
FILE is complete or it is as it was. - is standard output. What is no regular
file is written to and stays what it is; of a symbolic link the file that it
leads to is replaced. A new file is for its owner alone; one that is replaced
keeps its mode.
",
        run: ckpt::export,
    },
    Command {
        words: &["ckpt", "import"],
        needed: &["FILE"],
        optional: &["NAME"],
        settings: &[Setting::Retention],
        summary: "a new checkpoint from a file",
        help: "\
FILE is what export wrote, - is standard input. There must be no checkpoint of
that NAME (that in the file). Nobody has the new one open: it lives as long as
its retention duration says, unless a program opens it before.
",
        run: ckpt::import,
    },
    show(
        &["amf"],
        "the groups, units and components of groups.conf",
        "Their states, where they are, and why.\n",
        show::amf,
    ),
    operation(&["amf", "lock"], "takes it out of service at once"),
    operation(&["amf", "unlock"], "lets it come into service again"),
    operation(&["amf", "shutdown"], "takes it out of service when its work is finished"),
    operation(&["amf", "switch-over"], "has a standby take over from a group or unit"),
    operation(&["amf", "repaired"], "says that its errors are repaired"),
    measure(
        &["bench", "tput"],
        &["SIZE", "SECONDS"],
        &[],
        "as many messages as the group takes",
        PROBE,
        bench::tput,
    ),
    measure(
        &["bench", "lat"],
        &["SIZE", "COUNT"],
        &["GAP"],
        "one message after the other, to the own delivery",
        "\
SIZE is the bytes of a message, 16 to 65000; GAP the microseconds between two
of the COUNT messages (0).
",
        bench::lat,
    ),
    measure(
        &["bench", "ping"],
        &["SIZE", "COUNT"],
        &[],
        "one message after the other, to an echo and back",
        "\
SIZE is the bytes of a message, 16 to 65000. `aisctl bench echo` has to run, on
another node or on this one.
",
        bench::ping,
    ),
    measure(
        &["bench", "echo"],
        &[],
        &[],
        "answers pings until it is stopped",
        "It says `echo ready` when it does.\n",
        bench::echo,
    ),
    measure(
        &["bench", "watch"],
        &[],
        &[],
        "prints every view of the cluster",
        "Three lines for each, the present one first; see aisctl(8).\n",
        bench::watch,
    ),
    measure(
        &["bench", "join"],
        &[],
        &[],
        "the same, from when there is an aisexec",
        "It waits for one a minute at most.\n",
        bench::join,
    ),
];
