//! Merge keys: `<<: *name` adds the pairs of another mapping, `<<: [*a, *b]` those of several.

use super::Decoder;
use crate::rule::Rule;
use crate::yaml::{Kind, Node, NodeId};

/// The keys and values of a mapping.
pub(super) type Pairs = [(NodeId, NodeId)];

/// What `<<` names and what was not looked at yet.
struct Waiting {
    id: NodeId,
    /// Whether it stands in a list, where no further list may stand.
    in_list: bool,
    /// Through how many aliases it was reached.
    alias_depth: u32,
}

/// Gives `read` the pairs of a mapping, and then those of each mapping merged into it, in the order of
/// their precedence; `read` tells what the mapping's own `<<` names. No recursion: aliases can make
/// long chains out of short texts.
pub(super) fn each_merged<'a>(
    pairs: &'a Pairs,
    decoder: &mut Decoder<'a>,
    mut read: impl FnMut(&'a Pairs, Origin, &mut Decoder<'a>) -> Option<NodeId>,
) {
    let in_list = false;
    let mut waiting = Vec::new();
    if let Some(id) = read(pairs, Origin::Own, decoder) {
        // The reference program reads the keys anew to know them.
        pairs.iter().for_each(|&(key, _)| decoder.pass_over(key));
        waiting.push(Waiting { id, in_list, alias_depth: decoder.alias_depth() });
    }
    while let Some(next) = waiting.pop() {
        decoder.at_alias_depth(next.alias_depth, |decoder| {
            decoder.visit(next.id, |decoder, node| match &node.kind {
                Kind::Mapping(pairs) => {
                    if let Some(id) = read(pairs, Origin::Merged, decoder) {
                        waiting.push(Waiting { id, in_list, alias_depth: decoder.alias_depth() });
                    }
                }
                Kind::Sequence(items) if !next.in_list && decoder.is_written_at(next.id) => {
                    let alias_depth = decoder.alias_depth();
                    let items = items.iter().rev();
                    waiting.extend(items.map(|&id| Waiting { id, in_list: true, alias_depth }));
                }
                _ => refuse(node, decoder),
            });
        });
    }
}

/// Whose pairs they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The mapping's own.
    Own,
    /// Those of a mapping that is merged into it.
    Merged,
}

pub(super) fn refuse(node: &Node, decoder: &mut Decoder<'_>) {
    let problem = decoder.report(Rule::MergeValue, node.at, "`<<` takes a mapping, or a list of mappings");
    problem.hint = Some("write `<<: *name`, where `&name` stands before a mapping".to_owned());
}
