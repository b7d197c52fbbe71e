//! A test in a process of its own.

use std::process::Command;
use std::{env, fs};

/// Which test a process is for.
const TEST: &str = "AIS_LIBRARY_TEST";

/// Whether this process is one of [`in_own_process`].
#[must_use]
pub fn is_own_process() -> bool {
    env::var_os(TEST).is_some()
}

/// Runs a test in a process of its own, with more in its environment; there
/// `AIS_SOCKET` names a socket that nobody listens on yet. `name` is the test as
/// its program lists it.
///
/// # Panics
/// If the test fails, or the program has none of this name.
pub fn in_own_process(name: &str, variables: &[(&str, &str)], test: fn()) {
    if env::var(TEST).is_ok_and(|running| running == name) {
        return test();
    }
    let unique = format!("ais-{}-{}", std::process::id(), name.replace("::", "."));
    let directory = env::temp_dir().join(unique);
    fs::create_dir_all(&directory).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(TEST, name)
        .env("AIS_SOCKET", directory.join("s"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(" 1 passed"),
        "{name}: {}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
