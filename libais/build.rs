//! Gives the shared library its soname and its symbols a version, and keeps it
//! loaded: what threads and forks call at their end cannot be taken back by who
//! calls dlclose.

fn main() {
    let linker = concat!(env!("CARGO_MANIFEST_DIR"), "/linker");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libais.so.1");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // The compiler finds its ld there: one that takes our version script.
    println!("cargo::rustc-cdylib-link-arg=-B{linker}");
    println!("cargo::rustc-cdylib-link-arg=-fuse-ld=bfd");
    println!("cargo::rerun-if-changed={linker}");
    println!("cargo::rerun-if-changed=build.rs");
}
