//! The life of the daemon, from its arguments to its exit status.

use crate::args::Args;
use crate::background::{self, Background, Side};
use crate::breaks::Breaks;
use crate::busy_poll::BusyPoll;
use crate::claim::Claim;
use crate::config::{self, CheckpointLimits, Config, ConfigError, NetworkConf, Quorum};
use crate::daemon::{Access, Failure, Server, Settings, Surroundings, Token};
use crate::join::{self, Joined};
use crate::key_file::KeyFile;
use crate::memory::{self, Memory};
use crate::reactor::Reactor;
use crate::ring_number::{NumberFile, Numbers};
use crate::signals::Signals;
use crate::writer::Writer;
use crate::{announce, clock, descriptors, logs, notify, oom, output, realtime, sys};
use ais_node::ckpt::Limits;
use ais_node::{Digest, Node, Pace};
use ais_proto::{Cookie, Name, NodeId, Welcome};
use ais_totem::seal::Keys;
use ais_totem::{Sealing, Setting, Timing};
use log::Level;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::prctl;
use nix::sys::stat::{Mode, umask};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread::available_parallelism;

const MICROSECOND: u64 = 1000;
/// How late a timer may be for the sake of fewer wake-ups, in ns: the token
/// lingers for little more.
const TIMER_SLACK: libc::c_ulong = 5000;
const MILLISECOND: u64 = 1_000_000;
/// How long who reads what was said last is waited for in the end, in ns.
const FAREWELL: u64 = clock::SECOND;

/// Checks the configuration files: 0 if they are good, else 1 and all their
/// errors on standard error. What people should know beside that stands there
/// too. It is 1 as well if not all of that could be written.
#[must_use]
pub fn check(args: &Args) -> ExitCode {
    match load(&args.config_dir) {
        Ok((config, _)) => {
            let of_machine = machine_warnings(&args.config_dir, &config.network);
            for warning in config.warnings.iter().chain(&of_machine) {
                if output::complain(&format!("warning: {warning}\n")).is_err() {
                    // There is no place left to say so.
                    return ExitCode::FAILURE;
                }
            }
            output::print("configuration ok\n")
        }
        Err(errors) => {
            for error in errors {
                // The status says it too.
                let _ = output::complain(&format!("{error}\n"));
            }
            ExitCode::FAILURE
        }
    }
}

/// What this machine does not have that network.conf names.
fn machine_warnings(directory: &Path, network: &NetworkConf) -> Vec<ConfigError> {
    let absent = join::check(network).ok().flatten();
    let absent = absent.map(|text| config::at_key(directory, "bindnetaddr", text));
    let memory = Memory::of_this_process();
    absent.into_iter().chain(doubts(directory, network, &memory)).collect()
}

/// What this machine has and network.conf may not mean.
fn doubts(
    directory: &Path,
    network: &NetworkConf,
    memory: &Memory,
) -> impl Iterator<Item = ConfigError> {
    let address = join::doubt_of_address(network).map(|text| ("bindnetaddr", text));
    let name = join::doubt_of_nodename(network).map(|text| ("nodename", text));
    let memory = doubt_of_memory(network, memory).map(|text| ("checkpoint-memory", text));
    let doubts = address.into_iter().chain(name).chain(memory);
    doubts.map(|(key, text)| config::at_key(directory, key, text))
}

fn doubt_of_memory(network: &NetworkConf, memory: &Memory) -> Option<String> {
    let wanted = network.checkpoint_memory.filter(|wanted| *wanted > memory.bytes)?;
    Some(format!(
        "checkpoint-memory: {wanted} bytes are more than the {} that this process may use \
         ({memory}); give less, or leave the key out for half of them",
        memory.bytes
    ))
}

/// Runs the daemon until a signal stops it: 0; or 1 if it cannot be started,
/// or [`EXIT_RESET`](crate::args::EXIT_RESET) if an error report had it stopped.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let code = live(args);
    say_farewell();
    code
}

/// Waits for who reads what was said, but not for long.
fn say_farewell() {
    let until = clock::monotonic().saturating_add(FAREWELL);
    announce::finish(until);
    logs::finish(until);
}

fn live(args: &Args) -> ExitCode {
    let (config, keys) = match load(&args.config_dir) {
        Ok(loaded) => loaded,
        Err(errors) => {
            errors.iter().for_each(|error| logs::print(Level::Error, error));
            return ExitCode::FAILURE;
        }
    };
    let background = match args.daemon.then(background::go).transpose() {
        Ok(None) => None,
        Ok(Some(Side::Child(background))) => Some(background),
        Ok(Some(Side::Parent(code))) => return code,
        Err(error) => {
            logs::fail(format_args!("going to the background: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match serve(args, config, keys, background) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { words, status }) => {
            logs::fail(words);
            ExitCode::from(status)
        }
    }
}

fn load(directory: &Path) -> Result<(Config, Option<Keys>), Vec<ConfigError>> {
    let config = config::load(directory)?;
    let address = join::check(&config.network)
        .map_err(|message| config::at_key(directory, "bindnetaddr", message));
    match (address, KeyFile::of(directory, &config.network).read()) {
        (Ok(_), Ok(keys)) => Ok((config, keys)),
        (address, keys) => Err(address.err().into_iter().chain(keys.err()).collect()),
    }
}

fn serve(
    args: &Args,
    config: Config,
    keys: Option<Keys>,
    background: Option<Background>,
) -> Result<(), Failure> {
    let in_words = |error: io::Error| error.to_string();
    sys::share_memory_among_threads();
    // While there are no threads: with them the kernel has whoever makes its table grow wait.
    let descriptors = descriptors::raise();
    // First of all: threads have the signals blocked that are blocked when they
    // begin.
    let signals = Signals::take().map_err(in_words)?;
    let begun = match &background {
        Some(background) if !background.keeps_stderr => logs::to_syslog(),
        _ => logs::to_stderr(),
    };
    begun.and_then(|()| announce::start()).map_err(in_words)?;
    std::panic::set_hook(Box::new(|info| {
        // A replica that is half updated is worse than a dead one.
        log::error!("internal error, please report it: {info}");
        say_farewell();
        std::process::abort();
    }));
    for warning in &config.warnings {
        log::warn!("{warning}");
    }
    // What this process makes has the mode that is asked for there, whatever
    // the shell of who started it is set to; nothing is for others to write.
    umask(Mode::from_bits_truncate(0o022));
    sys::return_memory_from(memory::RETURN_FROM);
    // Else timers are as late as the kernel has it.
    let _ = prctl::set_timerslack(TIMER_SLACK);
    let claim = Claim::new(&args.socket)?;
    let epoll = Rc::new(
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(io::Error::from).map_err(in_words)?,
    );
    let network = config.network.clone();
    let joined = join::join(&network, &signals, &epoll, Token::Ring.encode())?;
    let Some(Joined { node, udp }) = joined else { return Ok(()) };
    let memory = Memory::of_this_process();
    if memory.is_limited() {
        log::info!("this process may use {} bytes of memory: {memory}", memory.bytes);
    }
    for doubt in doubts(&args.config_dir, &network, &memory) {
        log::warn!("{doubt}");
    }
    let settings = Settings {
        welcome: welcome(&network),
        descriptors,
        memory: memory.bytes,
        allow_node_recovery: network.allow_node_recovery,
    };
    let seconds = u64::try_from(clock::wall()).unwrap_or(0) / clock::SECOND;
    let (file, numbers) = NumberFile::open(&args.state_dir, node, seconds);
    let is_realtime = network.realtime && realtime::ask();
    oom::ask();
    let key_file = KeyFile::of(&args.config_dir, &network);
    tell_of_key(&key_file, keys.as_ref());
    let incarnation = u64::from_le_bytes(drawn().map_err(in_words)?);
    let ring = ais_totem::Config {
        sealing: sealing(keys).map_err(in_words)?,
        ..ring_config(&network, node, numbers, incarnation)
    };
    let writer = Writer::start(file).map_err(in_words)?;
    let surroundings = Surroundings { udp, writer, claim, key_file };
    let node = Node::new(node_config(config, node, ring, settings.memory), clock::now());
    let access = Access::of_this_system();
    let mut server =
        Server::new(Rc::clone(&epoll), node, surroundings, access, settings).map_err(in_words)?;
    server.start(clock::now());
    let processors = available_parallelism().map_or(1, usize::from);
    let busy = BusyPoll::new(network.busy_poll, processors);
    let breaks = Breaks::new(is_realtime);
    let mut reactor = Reactor::new(epoll, signals, server, busy, breaks).map_err(in_words)?;
    reactor.run(|| {
        log::info!("serving programs on {}", args.socket.display());
        notify::ready();
        match background {
            Some(background) => {
                announce::end();
                background.ready([&args.socket, &args.state_dir])
            }
            None => Ok(()),
        }
    })
}

fn welcome(network: &NetworkConf) -> Welcome {
    Welcome {
        cookie: Cookie::default(),
        api_timeout_ms: network.api_timeout,
        busy_poll_us: network.busy_poll,
        max_message: network.max_message,
    }
}

/// What no other start of the daemon has, here or on a copy of this machine.
///
/// # Errors
/// If there is no randomness.
fn drawn<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    sys::random(&mut bytes)?;
    Ok(bytes)
}

fn sealing(keys: Option<Keys>) -> io::Result<Option<Box<Sealing>>> {
    let Some(keys) = keys else { return Ok(None) };
    Ok(Some(Box::new(Sealing { keys, random: drawn()?, has_aes: has_aes() })))
}

/// Whether the processor has instructions for AES and what goes with it.
fn has_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

fn tell_of_key(file: &KeyFile, keys: Option<&Keys>) {
    match keys {
        Some(keys) => log::info!("packets are sealed with key {}", keys.first().id()),
        None => log::warn!(
            "there is no key file {}: packets go in clear, and whoever can send to this node can \
             join the cluster; `aisctl keygen` writes a key for all nodes",
            file.path().display()
        ),
    }
}

fn node_config(
    config: Config,
    node: NodeId,
    ring: ais_totem::Config,
    memory: u64,
) -> ais_node::Config {
    let network = config.network;
    let checkpoint_memory = network.checkpoint_memory.unwrap_or(memory / 2);
    ais_node::Config {
        node,
        group: ais_node::group::Config::Ring(ring),
        expected_nodes: network.expected_nodes.filter(|_| network.quorum == Quorum::Majority),
        configured: members(&network),
        node_name: node_name(&network, node),
        cluster_name: network.clustername,
        boot_timestamp: clock::booted(),
        ckpt: Limits {
            memory: checkpoint_memory,
            user_memory: network
                .user_checkpoint_memory
                .unwrap_or(checkpoint_memory - checkpoint_memory / 4),
            checkpoints: network.max_checkpoints,
            sections: network.max_sections,
            max_message: network.max_message,
            strict: network.checkpoint_limits == CheckpointLimits::Strict,
        },
        groups: config.groups,
        pace: Pace::default(),
    }
}

fn ring_config(
    network: &NetworkConf,
    node: NodeId,
    numbers: Numbers,
    incarnation: u64,
) -> ais_totem::Config {
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
        settings: settings(network),
        distinct: vec![Setting { key: name_of("nodename"), value: node_name(network, node) }],
        members: members(network),
        incarnation,
        sealing: None,
    }
}

/// What is compared with the other nodes when they meet.
fn settings(network: &NetworkConf) -> Vec<Setting> {
    let mut settings = vec![
        ("transport", network.transport.to_string()),
        ("token", network.token.to_string()),
        ("quorum", network.quorum.to_string()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    if let Some(nodes) = network.expected_nodes {
        settings.push(("expected-nodes", nodes.to_string()));
    }
    if !network.members.is_empty() {
        let mut digest = Digest::default();
        network.members.iter().for_each(|member| digest.bytes(&member.octets()));
        let (count, digest) = (network.members.len(), digest.value());
        settings.push(("member", format!("{count} lines with digest {digest:016x}")));
    }
    let setting =
        |(key, value): &(&str, String)| Setting { key: name_of(key), value: name_of(value) };
    settings.iter().map(setting).collect()
}

/// A text that is short enough as a name.
fn name_of(text: &str) -> Name {
    Name::try_from(text).unwrap_or_default()
}

/// The name of this node in CLM.
fn node_name(network: &NetworkConf, node: NodeId) -> Name {
    network.nodename.clone().unwrap_or_else(|| name_of(&node.to_string()))
}

/// The nodes that network.conf names.
fn members(network: &NetworkConf) -> Vec<NodeId> {
    network.members.iter().map(|member| NodeId::new(*member)).collect()
}
