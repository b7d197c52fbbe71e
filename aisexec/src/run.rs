//! The life of the daemon, from its arguments to its exit status.

use crate::args::Args;
use crate::background::{self, Background, Side};
use crate::busy_poll::BusyPoll;
use crate::config::{self, CheckpointLimits, Config, NetworkConf};
use crate::ipc::{Access, Server, Settings};
use crate::listen::Claim;
use crate::reactor::Reactor;
use crate::signals::Signals;
use crate::{clock, identity, logs, realtime, ring_number, sys};
use ais_node::Node;
use ais_node::ckpt::Limits;
use ais_proto::{Cookie, Name, NodeId, Welcome};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::Pid;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

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

/// Runs the daemon until a signal stops it: 0; or 1 if it cannot be started.
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
        Err(message) => fail(&message),
    }
}

fn load(directory: &Path) -> Result<Config, ExitCode> {
    config::load(directory).map_err(|errors| {
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

fn serve(args: &Args, config: Config, background: Option<Background>) -> Result<(), String> {
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
    let signals = Signals::take().map_err(in_words)?;
    let claim = Claim::new(&args.socket)?;
    let Some(node) = find_address(&config.network, &signals) else { return Ok(()) };
    let settings = Settings {
        welcome: welcome(&config.network),
        descriptors: raise_descriptors(),
        ram: ram(),
    };
    let network = config.network.clone();
    let node = Node::new(node_config(args, config, node, settings.ram), clock::now());
    let access = Access::of_this_system();
    let listener = claim.listen(access.group)?;
    if network.realtime {
        realtime::ask();
    }
    let epoll = Rc::new(
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(io::Error::from).map_err(in_words)?,
    );
    let mut server =
        Server::new(Rc::clone(&epoll), listener, node, access, settings).map_err(in_words)?;
    server.start(clock::now());
    let busy = BusyPoll::new(network.busy_poll, processors());
    let mut reactor = Reactor::new(epoll, signals, server, busy).map_err(in_words)?;
    log::info!("serving programs on {}", args.socket.display());
    if let Some(background) = background {
        background.ready([&args.socket, &args.state_dir]).map_err(in_words)?;
    }
    reactor.run().map_err(in_words)
}

/// The address of this node, as soon as it has it. `None` if it is stopped
/// before.
fn find_address(network: &NetworkConf, signals: &Signals) -> Option<NodeId> {
    let mut seen = None;
    loop {
        let interfaces = identity::interfaces().unwrap_or_default();
        if let Some(node) = identity::choose(network.bindnetaddr, &interfaces) {
            log::info!("this node is {node}");
            return Some(node);
        }
        if seen.as_ref() != Some(&interfaces) {
            let list: Vec<String> = interfaces.iter().map(ToString::to_string).collect();
            log::warn!(
                "bindnetaddr: no interface has an address in the network of {}; there are {}. \
                 Waiting for it; correct network.conf if it is none of this machine",
                network.bindnetaddr,
                list.join(", ")
            );
            seen = Some(interfaces);
        }
        if signals.stop_within_a_second() {
            return None;
        }
    }
}

fn welcome(network: &NetworkConf) -> Welcome {
    Welcome {
        cookie: Cookie::default(),
        api_timeout_ms: network.api_timeout,
        busy_poll_us: network.busy_poll,
        max_message: network.max_message,
    }
}

fn node_config(args: &Args, config: Config, node: NodeId, ram: u64) -> ais_node::Config {
    let network = config.network;
    let boot_timestamp = clock::wall();
    let seconds = u64::try_from(boot_timestamp).unwrap_or(0) / clock::SECOND;
    let address = || Name::try_from(node.to_string().as_str()).unwrap_or_default();
    ais_node::Config {
        node,
        group: ais_node::group::Config::Alone {
            view: ring_number::reserve(&args.state_dir, node, seconds),
        },
        expected_nodes: None,
        node_name: network.nodename.unwrap_or_else(address),
        cluster_name: network.clustername,
        boot_timestamp,
        ckpt: Limits {
            memory: network.checkpoint_memory.unwrap_or(ram / 2),
            max_message: network.max_message,
            strict: network.checkpoint_limits == CheckpointLimits::Strict,
        },
        groups: config.groups,
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

/// The memory of this machine, in bytes; 1 GiB if that is not known.
fn ram() -> u64 {
    sysinfo().map_or(1 << 30, |info| info.ram_total())
}

/// How many processors this process may use; 1 if that is not known.
fn processors() -> usize {
    sched_getaffinity(Pid::from_raw(0)).map_or(1, |set| {
        (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count()
    })
}
