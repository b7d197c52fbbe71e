//! The life of the daemon, from its arguments to its exit status.

use crate::args::Args;
use crate::background::{self, Background, Side};
use crate::busy_poll::BusyPoll;
use crate::config::{self, CheckpointLimits, Config, ConfigError, Quorum};
use crate::ipc::{Access, Failure, Server, Settings, Surroundings, Token};
use crate::join::{self, Joined};
use crate::listen::Claim;
use crate::reactor::Reactor;
use crate::ring_number::{NumberFile, Numbers};
use crate::signals::Signals;
use crate::writer::Writer;
use crate::{clock, logs, notify, realtime, sys};
use ais_node::Node;
use ais_node::ckpt::Limits;
use ais_proto::{Cookie, Name, NodeId, Welcome};
use ais_totem::Timing;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::Pid;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

const MICROSECOND: u64 = 1000;
/// How late a timer may be for the sake of fewer wake-ups, in ns: the token
/// lingers for little more.
const TIMER_SLACK: libc::c_ulong = 5000;
const MILLISECOND: u64 = 1_000_000;
/// Pieces of memory from this size on go back to the system when they are
/// freed, in bytes.
const RETURN_MEMORY_FROM: i32 = 1 << 20;

/// Checks the configuration files: 0 if they are good, else 1 and all their
/// errors on standard error.
#[must_use]
pub fn check(args: &Args) -> ExitCode {
    match load(&args.config_dir) {
        Ok(_) => {
            // Whether or not anybody reads it, the status says the same.
            let _ = writeln!(io::stdout(), "configuration ok");
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

/// Runs the daemon until a signal stops it: 0; or 1 if it cannot be started,
/// or [`EXIT_RESET`](crate::args::EXIT_RESET) if an error report had it stopped.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let config = match load(&args.config_dir) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let background = match args.daemon.then(background::go).transpose() {
        Ok(None) => None,
        Ok(Some(Side::Child(background))) => Some(background),
        Ok(Some(Side::Parent(code))) => return code,
        Err(error) => return fail(&format!("going to the background: {error}")),
    };
    match serve(args, config, background) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { words, status }) => {
            fail(&words);
            ExitCode::from(status)
        }
    }
}

fn load(directory: &Path) -> Result<Config, ExitCode> {
    let loaded = config::load(directory).and_then(|config| {
        let in_file = |message| {
            vec![ConfigError { path: config::network_file(directory), line: None, message }]
        };
        join::check(&config.network).map_err(in_file)?;
        Ok(config)
    });
    loaded.map_err(|errors| {
        let mut stderr = io::stderr().lock();
        for error in errors {
            // The status says it too.
            let _ = writeln!(stderr, "{error}");
        }
        ExitCode::FAILURE
    })
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "aisexec: {message}");
    ExitCode::FAILURE
}

fn serve(args: &Args, config: Config, background: Option<Background>) -> Result<(), Failure> {
    match &background {
        Some(background) if !background.keeps_stderr => logs::to_syslog(),
        _ => logs::to_stderr(),
    }
    std::panic::set_hook(Box::new(|info| {
        // A replica that is half updated is worse than a dead one.
        log::error!("internal error, please report it: {info}");
        std::process::abort();
    }));
    let in_words = |error: io::Error| error.to_string();
    sys::return_memory_from(RETURN_MEMORY_FROM);
    // Else timers are as late as the kernel has it.
    let _ = prctl::set_timerslack(TIMER_SLACK);
    let signals = Signals::take().map_err(in_words)?;
    let claim = Claim::new(&args.socket)?;
    let epoll = Rc::new(
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(io::Error::from).map_err(in_words)?,
    );
    let network = config.network.clone();
    let joined = join::join(&network, &signals, &epoll, Token::Ring.encode())?;
    let Some(Joined { node, udp }) = joined else { return Ok(()) };
    let settings = Settings {
        welcome: welcome(&network),
        descriptors: raise_descriptors(),
        ram: ram(),
        allow_node_recovery: network.allow_node_recovery,
    };
    let seconds = u64::try_from(clock::wall()).unwrap_or(0) / clock::SECOND;
    let (file, numbers) = NumberFile::open(&args.state_dir, node, seconds);
    if network.realtime {
        realtime::ask();
    }
    let surroundings = Surroundings { udp, writer: Writer::start(file).map_err(in_words)?, claim };
    let node = Node::new(node_config(config, node, numbers, settings.ram), clock::now());
    let access = Access::of_this_system();
    let mut server =
        Server::new(Rc::clone(&epoll), node, surroundings, access, settings).map_err(in_words)?;
    server.start(clock::now());
    let busy = BusyPoll::new(network.busy_poll, processors());
    let mut reactor = Reactor::new(epoll, signals, server, busy).map_err(in_words)?;
    reactor.run(|| {
        log::info!("serving programs on {}", args.socket.display());
        notify::ready();
        match background {
            Some(background) => background.ready([&args.socket, &args.state_dir]),
            None => Ok(()),
        }
    })
}

fn welcome(network: &config::NetworkConf) -> Welcome {
    Welcome {
        cookie: Cookie::default(),
        api_timeout_ms: network.api_timeout,
        busy_poll_us: network.busy_poll,
        max_message: network.max_message,
    }
}

fn node_config(config: Config, node: NodeId, numbers: Numbers, ram: u64) -> ais_node::Config {
    let network = config.network;
    let boot_timestamp = clock::wall();
    let address = || Name::try_from(node.to_string().as_str()).unwrap_or_default();
    ais_node::Config {
        node,
        group: ais_node::group::Config::Ring(ring_config(&network, node, numbers)),
        expected_nodes: network.expected_nodes.filter(|_| network.quorum == Quorum::Majority),
        node_name: network.nodename.unwrap_or_else(address),
        cluster_name: network.clustername,
        boot_timestamp,
        ckpt: Limits {
            memory: network.checkpoint_memory.unwrap_or(ram / 2),
            checkpoints: network.max_checkpoints,
            sections: network.max_sections,
            max_message: network.max_message,
            strict: network.checkpoint_limits == CheckpointLimits::Strict,
        },
        groups: config.groups,
    }
}

fn ring_config(network: &config::NetworkConf, node: NodeId, numbers: Numbers) -> ais_totem::Config {
    let timing = Timing::from_token(network.token);
    log::info!(
        "token:{} means that a dead node is out after at most {} ms",
        network.token,
        timing.bound() / MILLISECOND
    );
    ais_totem::Config {
        me: node,
        cluster: network.clustername.clone(),
        timing,
        mtu: join::longest_datagram(network, node),
        // What a message says of itself is besides what it carries.
        max_message: ais_proto::MAX_CALL_BODY,
        last_view: numbers.last,
        reserved: numbers.reserved,
        // As long as a program is waited for that asks again at once.
        linger: u64::from(network.busy_poll) * MICROSECOND,
        first_seq: 0,
    }
}

/// Raises the number of descriptors to what is permitted, and says how many
/// that is.
fn raise_descriptors() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => hard,
            Err(_) => soft,
        }
    });
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The memory of this machine that one process can have, in bytes; 1 GiB if
/// that is not known. A process of 32 bits has 3 GiB of addresses at least;
/// half of them leave room for what is copied when nodes meet.
fn ram() -> u64 {
    let most = if cfg!(target_pointer_width = "32") { 3 << 29 } else { u64::MAX };
    sysinfo().map_or(1 << 30, |info| info.ram_total()).min(most)
}

/// How many processors this process may use; 1 if that is not known.
fn processors() -> usize {
    sched_getaffinity(Pid::from_raw(0)).map_or(1, |set| {
        (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count()
    })
}
