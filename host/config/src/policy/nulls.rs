//! A policy says what it means: a value that is missing behind its name is no way to leave the field out.

use crate::decode::clip;
use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::source::Span;
use crate::yaml::{Document, Kind, Node, NodeId, Scalar, Style, resolve};

/// So many are reported; more would help nobody.
const MOST: usize = 100;
/// The fields that are lists.
const LISTS: [&str; 4] = ["allowedRegistries", "allowedComponents", "read", "write"];

/// Every null of a policy: as the whole, a value, an item or a key.
pub(crate) fn nulls(document: &Document) -> Vec<Diagnostic> {
    let whole = is_null(document, document.root()).then(|| {
        let at = document.raw(document.root()).map(|node| node.at).unwrap_or_default();
        problem("", at, "the policy is null").hint("write `{}` for one that asks for nothing")
    });
    let pairs = document.pairs().filter_map(|(key, value)| null_pair(document, key, value));
    let items = document.items().filter(|item| is_null(document, *item)).map(|item| {
        let at = document.raw(item).map(|node| node.at).unwrap_or_default();
        problem("", at, "an item of a list is null").hint("write a value, or remove the item")
    });
    whole.into_iter().chain(pairs).chain(items).take(MOST).collect()
}

fn null_pair(document: &Document, key: NodeId, value: NodeId) -> Option<Diagnostic> {
    let at = document.raw(key).map(|node| node.at).unwrap_or_default();
    if is_null(document, key) {
        return Some(problem("", at, "a key is null").hint("remove it"));
    }
    let name = match document.raw(key) {
        Some(Node { kind: Kind::Scalar { text, .. }, .. }) => text.as_str(),
        _ => "",
    };
    is_null(document, value).then(|| {
        let hint = match LISTS.contains(&name) {
            true => "write `[]` to allow none, or leave the field out",
            false => "write a value, or leave the field out",
        };
        problem(name, at, format!("`{}` has no value", clip(name))).hint(hint)
    })
}

fn problem(field: &str, at: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Rule::PolicyForm, clip(field), at, message)
}

/// Whether a node means nothing, or stands for one that does.
fn is_null(document: &Document, id: NodeId) -> bool {
    let node = match document.raw(id) {
        Some(Node { kind: Kind::Alias { target: Some(target), .. }, .. }) => document.raw(*target),
        node => node,
    };
    node.is_some_and(|node| match &node.kind {
        Kind::Scalar { text, style } => {
            resolve(text, *style == Style::Quoted, node.tag.as_deref()) == Some(Scalar::Null)
        }
        _ => false,
    })
}
