//! What a component asks for by importing it, compared with what the sandbox links (invariant I-2).
//!
//! The linker enforces; this comparison exists so that a refusal lists everything at once, and says what would grant
//! it.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// A part of the contract that is linked only where it is granted.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Capability {
    /// Programs of the image: interface `commands`.
    Commands,
    /// The image's package manager: interface `packages`.
    Packages,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commands => "commands",
            Self::Packages => "packages",
        })
    }
}

/// Interfaces of the step contract that every step gets.
const CONTRACT: &[&str] = &["failures", "context", "log", "rootfs", "artifacts"];

/// WASI interfaces that every component gets, in harmless form: empty environment, virtual clocks, seeded randomness.
const WASI: &[(&str, &[&str])] = &[
    ("wasi:io", &["error", "poll", "streams"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
];

/// How many refused imports a message names.
const SHOWN: usize = 20;

/// What becomes of one import.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    Linked,
    NeedsGrant(Capability),
    Refused(&'static str),
}

/// Refuses a component that imports anything that is not linked.
pub(crate) fn check(step: &str, engine: &Engine, component: &Component) -> Result<()> {
    let names: Vec<String> = component
        .component_type()
        .imports(engine)
        // A component may re-state types of a linked interface as imports of its own; they carry no capability.
        .filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    let refused: Vec<(&str, Verdict)> = names
        .iter()
        .map(|name| (name.as_str(), verdict(name)))
        .filter(|(_, verdict)| *verdict != Verdict::Linked)
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refusal(step, &refused)) }
}

fn refusal(step: &str, refused: &[(&str, Verdict)]) -> Error {
    let mut lines: Vec<String> = refused
        .iter()
        .take(SHOWN)
        .map(|(name, verdict)| match verdict {
            Verdict::NeedsGrant(capability) => {
                format!("`{}` (needs the grant `{capability}`)", printable(name))
            }
            Verdict::Refused(reason) => format!("`{}` ({reason})", printable(name)),
            Verdict::Linked => printable(name),
        })
        .collect();
    if refused.len() > SHOWN {
        lines.push(format!("{} more", refused.len() - SHOWN));
    }
    let hint = if refused.iter().all(|(_, verdict)| matches!(verdict, Verdict::NeedsGrant(_))) {
        "programs and packages of the image are not supported yet in steps"
    } else {
        "a step reaches the image through `customizer:step/rootfs` and its input files through \
         `customizer:step/artifacts`; build it without what is listed"
    };
    Error::new(ErrorKind::RefusedImports, step, format!("it imports {}", lines.join(", "))).hint(hint)
}

/// `name` as a message may show it.
fn printable(name: &str) -> String {
    name.chars().take(120).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn verdict(import: &str) -> Verdict {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = path.split_once('/') else {
        return Verdict::Refused("not an interface of the step contract");
    };
    match package {
        "customizer:step" => contract_verdict(interface, version),
        "wasi:sockets" | "wasi:http" | "wasi:tls" => Verdict::Refused("no step has network access"),
        "wasi:filesystem" => Verdict::Refused("no step sees host files"),
        _ => match WASI.iter().find(|(known, _)| *known == package) {
            Some((_, interfaces)) if interfaces.contains(&interface) && is_minor_of(version, "0.2.") => {
                Verdict::Linked
            }
            Some(_) => Verdict::Refused("not linked for steps"),
            None => Verdict::Refused("unknown to this host"),
        },
    }
}

fn contract_verdict(interface: &str, version: &str) -> Verdict {
    if !is_minor_of(version, "0.1.") {
        return Verdict::Refused("another version of the step contract; this host serves 0.1");
    }
    match interface {
        "commands" => Verdict::NeedsGrant(Capability::Commands),
        "packages" => Verdict::NeedsGrant(Capability::Packages),
        _ if CONTRACT.contains(&interface) => Verdict::Linked,
        _ => Verdict::Refused("not an interface of the step contract"),
    }
}

fn is_minor_of(version: &str, line: &str) -> bool {
    version.starts_with(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_has_a_verdict() {
        let cases = [
            ("customizer:step/rootfs@0.1.0", true),
            ("customizer:step/rootfs@0.1.7", true),
            ("customizer:step/rootfs@0.2.0", false),
            ("customizer:step/rootfs", false),
            ("customizer:step/commands@0.1.0", false),
            ("wasi:cli/stderr@0.2.6", true),
            ("wasi:cli/stderr@0.3.0", false),
            ("wasi:cli/run@0.2.6", false),
            ("wasi:sockets/tcp@0.2.6", false),
            ("wasi:http/outgoing-handler@0.2.6", false),
            ("wasi:filesystem/types@0.2.6", false),
            ("evil", false),
            ("", false),
            ("host:shell/run@1.0.0", false),
        ];
        for (import, linked) in cases {
            assert_eq!(verdict(import) == Verdict::Linked, linked, "{import}");
        }
    }
}
