//! From the JSON of a schema to nodes that name each other by number. Nothing here recurses: children wait in a queue, so
//! neither depth nor chains of references take stack.

use crate::error::{SchemaError, clip};
use crate::keyword::{self, Keyword};
use serde_json::Value;
use std::collections::HashMap;

/// Names a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NodeId(pub(crate) usize);

/// One schema with its demands.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) keywords: Vec<Keyword>,
    /// Whether any schema of the document asks which parts of a value others have looked at.
    pub(crate) tracks: bool,
}

/// The dialect that is understood; a schema that names none is taken for it.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Schemas in one document, each counted once however often it is referred to.
const MAX_NODES: usize = 100_000;

/// Builds the nodes of one document.
pub(crate) struct Compiler<'s> {
    root: &'s Value,
    /// `$id` of the document, without a fragment.
    base: Option<&'s str>,
    anchors: HashMap<&'s str, &'s Value>,
    /// Nodes by the place of their JSON in memory, which does not move meanwhile.
    known: HashMap<*const Value, NodeId>,
    /// What is still to be read: the schema, the node it is under, the name it has there.
    places: Vec<Place<'s>>,
    /// The node that is being read.
    current: usize,
    pub(crate) tracks: bool,
}

struct Place<'s> {
    value: &'s Value,
    parent: usize,
    name: String,
}

/// The nodes of a document; the first is the document itself.
pub(crate) fn compile(root: &Value) -> Result<Vec<Node>, SchemaError> {
    let base = root.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'));
    if let Some(dialect) = root.get("$schema")
        && dialect.as_str().map(|dialect| dialect.trim_end_matches('#')) != Some(DIALECT)
    {
        return Err(SchemaError::new("/$schema", format!("only `{DIALECT}` is supported")));
    }
    let anchors = anchors(root)?;
    let mut compiler = Compiler {
        root,
        base,
        anchors,
        known: HashMap::new(),
        places: Vec::new(),
        current: 0,
        tracks: false,
    };
    let fail = |compiler: &Compiler<'_>, reason| SchemaError::new(compiler.pointer(), reason);
    if let Err(reason) = compiler.node(root, "") {
        return Err(fail(&compiler, reason));
    }
    let mut nodes = Vec::new();
    while let Some(Place { value, .. }) = compiler.places.get(compiler.current) {
        let value = *value;
        let keywords = match value {
            Value::Bool(true) => Ok(Vec::new()),
            Value::Bool(false) => Ok(vec![Keyword::Never]),
            Value::Object(object) => keyword::read(object, &mut compiler, std::ptr::eq(value, root)),
            _ => Err("a schema is an object, `true` or `false`".to_owned()),
        };
        match keywords {
            Ok(keywords) => nodes.push(Node { keywords, tracks: false }),
            Err(reason) => return Err(fail(&compiler, reason)),
        }
        compiler.current += 1;
    }
    for node in &mut nodes {
        node.tracks = compiler.tracks;
    }
    Ok(nodes)
}

impl<'s> Compiler<'s> {
    /// The node of a schema; it is read later if it was not yet. `name` is its place below the current one.
    pub(crate) fn node(&mut self, value: &'s Value, name: &str) -> Result<NodeId, String> {
        if let Some(known) = self.known.get(&std::ptr::from_ref(value)) {
            return Ok(*known);
        }
        if self.places.len() >= MAX_NODES {
            return Err(format!("it holds more than {MAX_NODES} schemas"));
        }
        let id = NodeId(self.places.len());
        self.known.insert(std::ptr::from_ref(value), id);
        self.places.push(Place { value, parent: self.current, name: clip(name) });
        Ok(id)
    }

    /// The node that a reference leads to.
    pub(crate) fn reference(&mut self, reference: &str) -> Result<NodeId, String> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if !document.is_empty() && Some(document) != self.base {
            let shown = clip(reference);
            return Err(format!("`$ref` to `{shown}` leads out of the schema, which is not supported"));
        }
        let broken = || format!("`$ref` to `{}` leads nowhere", clip(reference));
        let fragment = unescape(fragment).ok_or_else(broken)?;
        let target = match fragment.is_empty() || fragment.starts_with('/') {
            true => self.root.pointer(&fragment),
            false => self.anchors.get(fragment.as_str()).copied(),
        };
        self.node(target.ok_or_else(broken)?, reference)
    }

    /// The place of the current node, as a JSON pointer; its names may be cut.
    fn pointer(&self) -> String {
        let mut names = Vec::new();
        let mut at = self.current;
        while let Some(place) = self.places.get(at).filter(|_| at > 0 && names.len() < 32) {
            names.push(place.name.as_str());
            at = place.parent;
        }
        names.iter().rev().map(|name| format!("/{name}")).collect()
    }
}

/// The schemas that have an `$anchor`, by its name.
fn anchors(root: &Value) -> Result<HashMap<&str, &Value>, SchemaError> {
    let mut anchors = HashMap::new();
    let mut left = vec![root];
    while let Some(value) = left.pop() {
        if let Some(anchor) = value.get("$anchor").and_then(Value::as_str)
            && anchors.insert(anchor, value).is_some()
        {
            let reason = format!("the anchor `{}` stands twice", clip(anchor));
            return Err(SchemaError::new("", reason));
        }
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => left.extend(members.values()),
            _ => {}
        }
    }
    Ok(anchors)
}

/// The text behind percent escapes.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(left.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? * 16 + digit()?);
    }
    String::from_utf8(bytes).ok()
}
