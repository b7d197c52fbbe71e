//! Gives the shared library its soname; nothing else.

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libais.so.1");
    println!("cargo::rerun-if-changed=build.rs");
}
