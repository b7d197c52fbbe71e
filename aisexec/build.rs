//! Tells where the configuration files are to be looked for: AIS_CONFIG_DIR of
//! the environment, else /etc/ais.

fn main() {
    let directory = std::env::var("AIS_CONFIG_DIR").unwrap_or_else(|_| "/etc/ais".to_owned());
    println!("cargo::rustc-env=AIS_CONFIG_DIR={directory}");
    println!("cargo::rerun-if-env-changed=AIS_CONFIG_DIR");
    println!("cargo::rerun-if-changed=build.rs");
}
