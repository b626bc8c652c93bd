//! What a component asks for by importing it, compared with what the sandbox links (invariant I-2).
//!
//! The linker enforces; this comparison exists so that a refusal lists everything at once, and says what would grant
//! it.

use crate::abi::{self, Contract};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// What the configuration has to grant before a part of the contract does anything.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Capability {
    /// Changing the image: places of it.
    Write,
    /// Making device nodes.
    Nodes,
    /// Programs of the image: interface `commands`, linked only where it is granted.
    Commands,
    /// The image's package manager: interface `packages`, linked only where it is granted.
    Packages,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "write",
            Self::Nodes => "nodes",
            Self::Commands => "commands",
            Self::Packages => "packages",
        })
    }
}

/// One interface that a component imports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Import {
    /// `customizer:step/rootfs@0.1.0`.
    pub name: String,
    /// The functions of it that the component can call, as the contract names them; a resource's behind its name.
    pub functions: Vec<String>,
    /// What has to be granted before all of them are of use.
    pub needs: Vec<Capability>,
    /// Why it is never linked, if so.
    pub refused: Option<String>,
}

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

/// Interfaces that reach the image.
const IMAGE: &[&str] = &["customizer:step/rootfs@", "customizer:step/artifacts@"];

/// Functions of theirs that change it.
const CHANGING: &[&str] = &[
    "write",
    "create",
    "make-directory",
    "make-symlink",
    "make-hard-link",
    "make-node",
    "rename",
    "remove-file",
    "remove-directory",
    "remove-tree",
    "copy-tree",
    "set-mode",
    "set-owner",
    "set-modified",
    "set-xattr",
    "remove-xattr",
    "install",
    "file.write-at",
    "file.set-size",
];

/// How many refused imports a message names.
const SHOWN: usize = 20;

/// What becomes of one import.
#[derive(Debug, Eq, PartialEq)]
enum Verdict {
    Linked,
    NeedsGrant(Capability),
    Refused(String),
}

/// What `component` imports, in the order of its list.
pub(crate) fn list(engine: &Engine, component: &Component) -> Vec<Import> {
    let ty = component.component_type();
    // A component may re-state types of a linked interface as imports of its own; they carry no capability.
    let items = ty.imports(engine).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    items
        .map(|(name, item)| {
            let functions = match &item.ty {
                ComponentItem::ComponentInstance(interface) => {
                    let functions = interface
                        .exports(engine)
                        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
                    functions.map(|(name, _)| plain_name(name)).collect()
                }
                _ => Vec::new(),
            };
            Import::new(name, functions)
        })
        .collect()
}

/// `file.read-at` of `[method]file.read-at`.
fn plain_name(name: &str) -> String {
    name.split_once(']').map_or(name, |(_, name)| name).to_owned()
}

impl Import {
    fn new(name: &str, functions: Vec<String>) -> Self {
        let (mut needs, mut refused) = (Vec::new(), None);
        match verdict(name) {
            Verdict::NeedsGrant(capability) => needs.push(capability),
            Verdict::Refused(reason) => refused = Some(reason),
            Verdict::Linked if IMAGE.iter().any(|interface| name.starts_with(interface)) => {
                let calls = |list: &[&str]| functions.iter().any(|name| list.contains(&name.as_str()));
                needs.extend(calls(CHANGING).then_some(Capability::Write));
                needs.extend(calls(&["make-node"]).then_some(Capability::Nodes));
            }
            Verdict::Linked => {}
        }
        Self { name: name.to_owned(), functions, needs, refused }
    }

    /// The grant without which the component cannot be linked.
    fn missing(&self) -> Option<Capability> {
        let optional = [Capability::Write, Capability::Nodes];
        self.needs.iter().copied().find(|capability| !optional.contains(capability))
    }
}

/// Refuses a component that imports anything that is not linked.
pub(crate) fn check(step: &str, imports: &[Import]) -> Result<()> {
    let refused: Vec<&Import> =
        imports.iter().filter(|import| import.refused.is_some() || import.missing().is_some()).collect();
    if refused.is_empty() { Ok(()) } else { Err(refusal(step, &refused)) }
}

fn refusal(step: &str, refused: &[&Import]) -> Error {
    let mut lines: Vec<String> = refused
        .iter()
        .take(SHOWN)
        .map(|import| match (import.missing(), &import.refused) {
            (Some(capability), _) => {
                format!("`{}` (needs the grant `{capability}`)", printable(&import.name))
            }
            (None, reason) => {
                format!("`{}` ({})", printable(&import.name), reason.as_deref().unwrap_or_default())
            }
        })
        .collect();
    if refused.len() > SHOWN {
        lines.push(format!("{} more", refused.len() - SHOWN));
    }
    let hint = if refused.iter().all(|import| import.missing().is_some()) {
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
    let refused = |reason: &str| Verdict::Refused(reason.to_owned());
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let Some((package, interface)) = path.split_once('/') else {
        return refused("not an interface of the step contract");
    };
    match package {
        abi::PACKAGE => contract_verdict(interface, version),
        "wasi:sockets" | "wasi:http" | "wasi:tls" => refused("no step has network access"),
        "wasi:filesystem" => refused("no step sees host files"),
        _ => match WASI.iter().find(|(known, _)| *known == package) {
            Some((_, interfaces)) if interfaces.contains(&interface) && version.starts_with("0.2.") => {
                Verdict::Linked
            }
            Some(_) => refused("not linked for steps"),
            None => refused("unknown to this host"),
        },
    }
}

fn contract_verdict(interface: &str, version: &str) -> Verdict {
    let Some(contract) = Contract::serving(version) else {
        let served = abi::served();
        return Verdict::Refused(format!("another version of the step contract; this host serves {served}"));
    };
    match interface {
        "commands" => Verdict::NeedsGrant(Capability::Commands),
        "packages" => Verdict::NeedsGrant(Capability::Packages),
        _ if contract.interfaces.contains(&interface) => Verdict::Linked,
        _ => Verdict::Refused("not an interface of the step contract".to_owned()),
    }
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
    #[test]
    fn what_has_to_be_granted_follows_from_the_functions() {
        let needs = |name: &str, functions: &[&str]| {
            let functions = functions.iter().map(|name| plain_name(name)).collect();
            Import::new(name, functions).needs
        };
        let rootfs = "customizer:step/rootfs@0.1.0";
        assert_eq!(needs(rootfs, &["read", "stat", "[method]file.read-at"]), []);
        assert_eq!(needs(rootfs, &["read", "[method]file.set-size"]), [Capability::Write]);
        assert_eq!(needs(rootfs, &["make-node"]), [Capability::Write, Capability::Nodes]);
        assert_eq!(needs("customizer:step/artifacts@0.1.0", &["install"]), [Capability::Write]);
        assert_eq!(needs("customizer:step/log@0.1.0", &["write"]), []);
        assert_eq!(needs("customizer:step/packages@0.1.0", &["install"]), [Capability::Packages]);
        assert_eq!(needs("wasi:io/streams@0.2.6", &["[method]output-stream.write"]), []);
    }
}
