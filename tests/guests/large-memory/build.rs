//! Tells the linker how much memory the component starts with.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=--initial-memory={}", 512 << 20);
}
