//! Builds the built-in steps for `wasm32-wasip2`, so that they can be embedded.
//!
//! With `IMAGECUSTOMIZER_STEPS_DIR` set, the components in that directory are taken as they are: for packagers, and to
//! embed code that `imagecustomizer` itself has compiled beforehand (`NAME.cwasm` beside `NAME.wasm`).

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The built-in steps; a test compares the list with the plan's.
const STEPS: &[&str] = &[
    "hostname",
    "groups",
    "users",
    "directories",
    "files",
    "services",
    "modules",
    "release-file",
    "history",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    println!("cargo::rerun-if-env-changed=IMAGECUSTOMIZER_STEPS_DIR");
    for watched in ["guest-steps", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(watched).display());
    }
    let (directory, prefix) = match env::var_os("IMAGECUSTOMIZER_STEPS_DIR") {
        Some(directory) => (PathBuf::from(directory), ""),
        None => (build(&workspace, &out)?, "imagecustomizer_step_"),
    };
    fs::write(out.join("builtin.rs"), embed(&directory, prefix, &out)?)?;
    Ok(())
}

/// Runs cargo for the steps, in a target directory that outlives this build script's.
fn build(workspace: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    // OUT_DIR is TARGET/PROFILE/build/PACKAGE-HASH/out.
    let target = out.ancestors().nth(4).ok_or("OUT_DIR lies in no target directory")?.join("steps");
    let mut cargo = cargo();
    cargo.current_dir(workspace).args(["build", "--quiet", "--profile", "step", "--target", "wasm32-wasip2"]);
    cargo.arg("--target-dir").arg(&target);
    for step in STEPS {
        cargo.arg("--package").arg(format!("imagecustomizer-step-{step}"));
    }
    if !cargo.status()?.success() {
        return Err(
            "the built-in steps do not build; if the target is missing: rustup target add wasm32-wasip2"
                .into(),
        );
    }
    Ok(target.join("wasm32-wasip2/step"))
}

/// Cargo as it would run by itself: without what the outer cargo, or clippy, set for this package.
fn cargo() -> Command {
    #[expect(clippy::disallowed_methods, reason = "the `program` crate is for the tool, not for its build")]
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let inherited = name.starts_with("CARGO_")
            && !name.starts_with("CARGO_HOME")
            && !name.starts_with("CARGO_NET")
            && !name.starts_with("CARGO_HTTP")
            && !name.starts_with("CARGO_REGISTR");
        let compiler = ["RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "CLIPPY_ARGS"];
        if inherited || compiler.contains(&name.as_str()) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// The table of embedded components as Rust source, which names files beside it: the build directory may be moved.
fn embed(directory: &Path, prefix: &str, out: &Path) -> Result<String, Box<dyn Error>> {
    let mut source = String::from("pub(super) const EMBEDDED: &[super::Embedded] = &[\n");
    for step in STEPS {
        let file =
            if prefix.is_empty() { step.to_string() } else { format!("{prefix}{}", step.replace('-', "_")) };
        let wasm = directory.join(format!("{file}.wasm"));
        let copy = out.join(format!("{step}.wasm"));
        fs::copy(&wasm, &copy).map_err(|error| format!("cannot read `{}`: {error}", wasm.display()))?;
        let compiled = directory.join(format!("{file}.cwasm"));
        let code = if prefix.is_empty() && compiled.exists() {
            let copy = out.join(format!("{step}.cwasm"));
            fs::copy(&compiled, &copy)?;
            format!("Some(include_bytes!(\"{step}.cwasm\"))")
        } else {
            "None".to_owned()
        };
        source.push_str(&format!(
            "    super::Embedded {{ name: {step:?}, wasm: include_bytes!(\"{step}.wasm\"), code: {code} }},\n"
        ));
    }
    source.push_str("];\n");
    Ok(source)
}
