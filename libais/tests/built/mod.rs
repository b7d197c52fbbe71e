//! The libraries that are shipped, as files. Cargo makes none for a test that
//! cannot link it from Rust, so the test has it do so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What cargo makes of the library under this name, of the same profile as the
/// test.
pub(crate) fn built(file: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap();
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--lib", "--profile", profile])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = directory.join(file);
    assert!(fs::exists(&path).unwrap(), "{} is not there", path.display());
    path
}
