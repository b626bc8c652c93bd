//! The tree of a YAML document. Nodes live in one list and name each other by number, so depth
//! costs no stack and aliases cost no copies.

use crate::source::Span;

/// Names a node of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(super) usize);

/// One node with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Span,
    /// The explicit tag, in short form (`!!int`, `!mine`); `None` when there is none or it is `!`.
    pub(crate) tag: Option<String>,
    pub(crate) kind: Kind,
}

/// What a node holds.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Text as the reader unfolded it.
    Scalar { text: String, style: Style },
    /// Items in order.
    Sequence(Vec<NodeId>),
    /// Keys and values in order, `<<` still unmerged.
    Mapping(Vec<(NodeId, NodeId)>),
    /// `*name`: the anchor's name and the node it stands for, `None` inside that very node.
    Alias { name: String, target: Option<NodeId> },
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    /// In single or double quotes, or as a block (`|`, `>`): always text.
    Quoted,
}

/// The first document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

impl Document {
    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    /// The keys and values of all mappings.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let mappings = self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Mapping(pairs) => Some(pairs),
            _ => None,
        });
        mappings.flatten().copied()
    }

    /// The items of all lists.
    pub(crate) fn items(&self) -> impl Iterator<Item = NodeId> {
        let lists = self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        });
        lists.flatten().copied()
    }

    /// The node itself, aliases not followed. Ids come from this document alone, so it exists.
    pub(crate) fn raw(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }
}
