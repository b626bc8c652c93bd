//! `doctor`: which programs of the host are there, and which packages hold the missing ones.

use crate::failure::Failure;
use crate::run::print;
use engine::Program;

/// One line for each program; a failure when one is missing.
pub(crate) fn doctor() -> Result<(), Failure> {
    let mut text = String::new();
    let mut packages = Vec::new();
    for program in Program::all() {
        match program.find() {
            Some(path) => text.push_str(&format!("{:<12} {}\n", program.name(), path.display())),
            None => {
                let package = program.debian_package();
                text.push_str(&format!("{:<12} missing, package `{package}`\n", program.name()));
                packages.push(package);
            }
        }
    }
    print(&text)?;
    if packages.is_empty() {
        return Ok(());
    }
    let hint = format!("apt-get install {}", packages.join(" "));
    Err(Failure::new(format!("{} of the programs that may be needed are not installed", packages.len()))
        .with_hint(Some(hint)))
}
