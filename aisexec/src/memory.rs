//! How much memory this process may use: the least of what the machine has and
//! what the limits of the process and of the control groups it is in leave of
//! that. Looked at once, at start.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{SysconfVar, sysconf};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Pieces of memory from this size on go back to the system when they are
/// freed, in bytes.
pub(crate) const RETURN_FROM: i32 = 1 << 20;
/// Taken where nothing is known of the machine.
const UNKNOWN: u64 = 1 << 30;

/// How much memory this process may use. Prints as who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) bytes: u64,
    bound: Bound,
}

/// What says so.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    /// No limit is lower.
    Machine,
    /// A limit of the process.
    Process(&'static str),
    /// The file of a control group.
    Group(PathBuf),
}

impl Memory {
    /// Asks the system.
    pub(crate) fn of_this_process() -> Self {
        // A process of 32 bits has 3 GiB of addresses at least; half of them leave
        // room for what is copied when nodes meet.
        let most = if cfg!(target_pointer_width = "32") { 3 << 29 } else { u64::MAX };
        let machine = sysinfo().map_or(UNKNOWN, |info| info.ram_total()).min(most);
        let machine = Self { bytes: machine, bound: Bound::Machine };
        let limits = of_process().chain(of_groups(Path::new("/")));
        limits.fold(machine, |least, found| if found.bytes < least.bytes { found } else { least })
    }

    /// Whether there is a limit below what the machine has.
    pub(crate) fn is_limited(&self) -> bool {
        self.bound != Bound::Machine
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bound {
            Bound::Machine => f.write_str("the memory of this machine"),
            Bound::Process(limit) => write!(f, "{limit}, less what is mapped at start"),
            Bound::Group(file) => write!(f, "{}", file.display()),
        }
    }
}

/// What the limits of the process leave. They count addresses, of which some
/// are taken by the program itself.
fn of_process() -> impl Iterator<Item = Memory> {
    let mapped = mapped().unwrap_or(0);
    let limits = [(Resource::RLIMIT_AS, "RLIMIT_AS"), (Resource::RLIMIT_DATA, "RLIMIT_DATA")];
    limits.into_iter().filter_map(move |(resource, name)| {
        let bytes = limit(resource)?.saturating_sub(mapped);
        Some(Memory { bytes, bound: Bound::Process(name) })
    })
}

#[allow(clippy::useless_conversion, reason = "it is a conversion on 32-bit platforms")]
fn limit(resource: Resource) -> Option<u64> {
    let (soft, _) = getrlimit(resource).ok()?;
    (soft != RLIM_INFINITY).then(|| soft.into())
}

/// Bytes of addresses that this process has taken.
fn mapped() -> Option<u64> {
    let pages: u64 =
        fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
    let size = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    Some(pages.saturating_mul(u64::try_from(size).ok()?))
}

/// The limits of the control groups of this process, of both versions: those
/// of its own group and of all above that can be seen. Files are looked for
/// below `root`.
fn of_groups(root: &Path) -> Vec<Memory> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut found = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let Some(group) = groups.lines().find_map(|line| mount.group(line)) else { continue };
        let top = root.join(mount.point.trim_start_matches('/'));
        // Of a group that is not below the mount the mount shows what counts.
        let below = Path::new(group).strip_prefix(mount.root).unwrap_or(Path::new(""));
        let directory = top.join(below);
        for group in directory.ancestors().take_while(|group| group.starts_with(&top)) {
            for file in mount.files() {
                let path = group.join(file);
                let bytes =
                    fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                found.extend(bytes.map(|bytes| Memory { bytes, bound: Bound::Group(path) }));
            }
        }
    }
    found
}

/// A hierarchy of control groups that limits memory.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    /// The group that is seen at `point`.
    root: &'a str,
    point: &'a str,
    version: u8,
}

impl<'a> Mount<'a> {
    /// Reads a line of mountinfo, see proc(5).
    fn parse(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let version = match (kind.next()?, kind.nth(1)) {
            ("cgroup2", _) => 2,
            ("cgroup", Some(options)) if options.split(',').any(|option| option == "memory") => 1,
            _ => return None,
        };
        Some(Self { root, point, version })
    }

    /// The group of a process in this hierarchy, if this line of its file
    /// `cgroup` is of that.
    fn group(&self, line: &'a str) -> Option<&'a str> {
        let (_, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        let is_of_it = match self.version {
            2 => controllers.is_empty(),
            _ => controllers.split(',').any(|controller| controller == "memory"),
        };
        is_of_it.then_some(group)
    }

    /// Where limits stand. Beyond `memory.high` the kernel slows a process down
    /// until it hardly runs.
    fn files(&self) -> &'static [&'static str] {
        match self.version {
            2 => &["memory.max", "memory.high"],
            _ => &["memory.limit_in_bytes"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    /// A machine with these files.
    fn limits(files: &[(&str, &str)]) -> Vec<(u64, String)> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let name = |bound: &Bound| match bound {
            Bound::Group(path) => path.strip_prefix(root.path()).unwrap().display().to_string(),
            other => panic!("{other:?}"),
        };
        of_groups(root.path()).iter().map(|found| (found.bytes, name(&found.bound))).collect()
    }

    #[test]
    fn a_group_and_those_above_it_limit() {
        let found = limits(&[
            ("proc/self/cgroup", "0::/system.slice/aisexec.service\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/system.slice/aisexec.service/memory.max", "max\n"),
            ("sys/fs/cgroup/system.slice/aisexec.service/memory.high", "700\n"),
            ("sys/fs/cgroup/system.slice/memory.max", "500\n"),
            ("sys/fs/cgroup/memory.max", "900\n"),
            ("sys/fs/memory.max", "1\n"),
        ]);
        let expected = [
            (700, "sys/fs/cgroup/system.slice/aisexec.service/memory.high"),
            (500, "sys/fs/cgroup/system.slice/memory.max"),
            (900, "sys/fs/cgroup/memory.max"),
        ];
        assert_eq!(found, expected.map(|(bytes, path)| (bytes, path.to_owned())));
    }

    #[test]
    fn the_first_version_limits_too_and_only_by_its_memory_controller() {
        let found = limits(&[
            ("proc/self/cgroup", "5:cpu,cpuacct:/a\n3:memory:/b/c\n0::/\n"),
            (
                "proc/self/mountinfo",
                "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                 32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
            ),
            ("sys/fs/cgroup/memory/b/c/memory.limit_in_bytes", "600\n"),
            ("sys/fs/cgroup/memory/b/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/a/memory.limit_in_bytes", "1\n"),
        ]);
        let (bytes, _) = found.iter().min().unwrap();
        assert_eq!((*bytes, found.len()), (600, 2));
    }

    #[test]
    fn inside_a_container_the_mount_is_the_group() {
        for (group, root) in [("/docker/1234", "/docker/1234"), ("/../other", "/"), ("/", "/")] {
            let found = limits(&[
                ("proc/self/cgroup", &format!("0::{group}\n")),
                ("proc/self/mountinfo", &V2.replace(" / /sys", &format!(" {root} /sys"))),
                ("sys/fs/cgroup/memory.max", "800\n"),
            ]);
            assert_eq!(found, [(800, "sys/fs/cgroup/memory.max".to_owned())], "{group}");
        }
    }

    #[test]
    fn nothing_that_can_be_read_is_no_limit() {
        assert_eq!(limits(&[]), []);
        let files = [("proc/self/cgroup", "\n:\n0:\nx"), ("proc/self/mountinfo", " - \n1 2 - 3")];
        assert_eq!(limits(&files), []);
    }

    #[test]
    fn this_process_has_some() {
        let memory = Memory::of_this_process();
        assert!(memory.bytes > 0 && memory.bytes < u64::MAX);
    }

    /// The limits of this test cannot be changed without harm to others.
    #[test]
    fn a_limit_on_addresses_is_one_on_memory() {
        if std::env::var_os("AIS_TEST_LIMITED").is_some() {
            let memory = Memory::of_this_process();
            assert!(memory.is_limited() && memory.bytes < 3 << 30, "{memory:?}");
            assert!(memory.to_string().starts_with("RLIMIT_"), "{memory}");
            return;
        }
        for limit in ["-v", "-d"] {
            let test = "memory::tests::a_limit_on_addresses_is_one_on_memory";
            let shell = format!("ulimit {limit} {}; exec \"$0\" --exact {test}", 3 << 20);
            let mut command = Command::new("sh");
            command.args(["-c", &shell]).arg(std::env::current_exe().unwrap());
            assert!(command.env("AIS_TEST_LIMITED", "").status().unwrap().success());
        }
    }
}
