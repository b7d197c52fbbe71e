//! Gives the shared library its soname, and keeps it loaded: what threads and
//! forks call at their end cannot be taken back by who calls dlclose.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libais.so.1");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
