//! Holds values against compiled schemas. Every evaluation is counted, and so is what a message costs.

use crate::compile::{Node, NodeId};
use crate::error::{SchemaError, Violation, clip};
use crate::keyword::{Keyword, Members};
use crate::pattern::Pattern;
use crate::value::{Type, compare, equal, is_multiple};
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Evaluations of one check. A configuration that is meant well takes some hundreds, one of the largest size some 300,000.
const BUDGET: u64 = 1_000_000;
/// Evaluations inside each other.
const MAX_DEPTH: usize = 1000;
/// Bytes of native stack for them.
const STACK: usize = 32 << 20;
/// Violations that are kept.
const MAX_VIOLATIONS: usize = 100;
/// Words of a list that a hint shows.
const SHOWN: usize = 12;

/// One check of one value.
pub(crate) struct Evaluation<'s> {
    nodes: &'s [Node],
    budget: u64,
    depth: usize,
    exceeded: bool,
}

/// A part of the value, and the way to it.
struct At<'p, 'v> {
    value: &'v Value,
    parent: Option<&'p At<'p, 'v>>,
    part: Part<'v>,
}

#[derive(Clone, Copy)]
enum Part<'v> {
    Top,
    Member(&'v str),
    Item(usize),
}

/// Which parts of a value were looked at by schemas that it fits. Filled only where some schema asks for it.
#[derive(Default)]
struct Seen<'v> {
    members: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
}

/// The violations found so far.
type Found = Vec<Violation>;

impl<'s> Evaluation<'s> {
    pub(crate) fn new(nodes: &'s [Node]) -> Self {
        Self { nodes, budget: BUDGET, depth: 0, exceeded: false }
    }

    /// Checks the value on a thread that has the stack for the depth that is allowed.
    pub(crate) fn run(mut self, value: &Value) -> Result<Vec<Violation>, SchemaError> {
        let check = || {
            let mut found = Vec::new();
            let top = At { value, parent: None, part: Part::Top };
            self.node(NodeId(0), &top, &mut found);
            (found, self.exceeded)
        };
        let failed = |_| SchemaError::new("", "no thread can be started to check it");
        let (found, exceeded) = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("schema".to_owned()).stack_size(STACK);
            let thread = thread.spawn_scoped(scope, check).map_err(failed)?;
            thread.join().map_err(|_| SchemaError::new("", "checking it failed"))
        })?;
        match exceeded {
            true => {
                Err(SchemaError::new("", "holding the value against it takes more than any schema should"))
            }
            false => Ok(found),
        }
    }

    /// What was seen if the value fits, `None` if it does not.
    fn node<'v>(&mut self, id: NodeId, at: &At<'_, 'v>, found: &mut Found) -> Option<Seen<'v>> {
        let node = self.nodes.get(id.0)?;
        if self.depth >= MAX_DEPTH {
            self.exceeded = true;
        }
        self.depth += 1;
        let mut seen = Some(Seen::default());
        for keyword in &node.keywords {
            if !self.spend(1) {
                seen = None;
                break;
            }
            if !self.keyword(keyword, at, seen.as_mut(), node.tracks, found) {
                seen = None;
            }
        }
        self.depth -= 1;
        seen
    }

    /// Takes from the budget; `false` when the check is over.
    fn spend(&mut self, evaluations: u64) -> bool {
        match self.budget.checked_sub(evaluations) {
            Some(left) => self.budget = left,
            None => self.exceeded = true,
        }
        !self.exceeded
    }

    fn fits(&mut self, id: NodeId, at: &At<'_, '_>) -> bool {
        self.node(id, at, &mut Vec::new()).is_some()
    }

    fn fail(&mut self, at: &At<'_, '_>, message: String, found: &mut Found) -> bool {
        self.report(at, false, message, None, found)
    }

    /// Adds a violation; always `false`, for callers to return.
    fn report(
        &mut self,
        at: &At<'_, '_>,
        about_name: bool,
        message: String,
        hint: Option<String>,
        found: &mut Found,
    ) -> bool {
        if found.len() < MAX_VIOLATIONS && self.spend(at.cost()) {
            found.push(Violation { pointer: at.pointer(), about_name, message, hint });
        }
        false
    }

    /// Whether the value meets one demand. `seen` is `None` when it broke an earlier one.
    fn keyword<'v>(
        &mut self,
        keyword: &Keyword,
        at: &At<'_, 'v>,
        seen: Option<&mut Seen<'v>>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        let mut own = Seen::default();
        let seen = seen.unwrap_or(&mut own);
        match keyword {
            Keyword::Never => self.fail(at, "nothing may stand here".to_owned(), found),
            Keyword::Reference(node) => self.all(std::slice::from_ref(node), at, seen, tracks, found),
            Keyword::AllOf(nodes) => self.all(nodes, at, seen, tracks, found),
            Keyword::AnyOf(nodes) => self.any(nodes, at, seen, tracks, found),
            Keyword::OneOf(nodes) => self.one(nodes, at, seen, tracks, found),
            Keyword::Not(node) => {
                !self.fits(*node, at)
                    || self.fail(at, "the value is of a form that is excluded".to_owned(), found)
            }
            Keyword::If { condition, then, otherwise } => {
                let branch = match self.node(*condition, at, &mut Vec::new()) {
                    Some(inner) => {
                        self.merge(seen, inner, tracks);
                        then
                    }
                    None => otherwise,
                };
                self.all(branch.as_slice(), at, seen, tracks, found)
            }
            Keyword::Type(types) => self.has_type(types, at, found),
            Keyword::Enum(values) => self.is_one_of(values, at, found),
            Keyword::Const(value) => self.is_one_of(std::slice::from_ref(value), at, found),
            _ => match at.value {
                Value::Number(number) => self.number(keyword, number, at, found),
                Value::String(text) => self.text(keyword, text, at, found),
                Value::Array(items) => self.list(keyword, items, at, seen, tracks, found),
                Value::Object(members) => self.mapping(keyword, members, at, seen, tracks, found),
                Value::Null | Value::Bool(_) => true,
            },
        }
    }

    fn merge<'v>(&mut self, seen: &mut Seen<'v>, inner: Seen<'v>, tracks: bool) {
        let parts = inner.members.len() + inner.items.len();
        if tracks && self.spend(parts as u64) {
            seen.members.extend(inner.members);
            seen.items.extend(inner.items);
        }
    }

    fn all<'v>(
        &mut self,
        nodes: &[NodeId],
        at: &At<'_, 'v>,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        let mut fits = true;
        for node in nodes {
            match self.node(*node, at, found) {
                Some(inner) => self.merge(seen, inner, tracks),
                None => fits = false,
            }
        }
        fits
    }

    fn any<'v>(
        &mut self,
        nodes: &[NodeId],
        at: &At<'_, 'v>,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        let mut branches = Vec::new();
        let mut fits = false;
        for node in nodes {
            let mut violations = Vec::new();
            match self.node(*node, at, &mut violations) {
                Some(inner) => {
                    fits = true;
                    self.merge(seen, inner, tracks);
                    if !tracks {
                        break;
                    }
                }
                None => branches.push(violations),
            }
        }
        fits || self.no_branch(branches, at, found)
    }

    fn one<'v>(
        &mut self,
        nodes: &[NodeId],
        at: &At<'_, 'v>,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        let mut branches = Vec::new();
        let mut fitting = 0;
        for node in nodes {
            let mut violations = Vec::new();
            match self.node(*node, at, &mut violations) {
                Some(inner) => {
                    fitting += 1;
                    self.merge(seen, inner, tracks);
                }
                None => branches.push(violations),
            }
        }
        match fitting {
            0 => self.no_branch(branches, at, found),
            1 => true,
            _ => self.fail(at, "the value is of several forms that exclude each other".to_owned(), found),
        }
    }

    /// None of several forms fits. The form that was meant is the one whose violations lie deepest, if there is one; else
    /// what each form wants here is said.
    fn no_branch(&mut self, mut branches: Vec<Found>, at: &At<'_, '_>, found: &mut Found) -> bool {
        let here = at.pointer();
        let is_deep = |branch: &Found| {
            let inside = |violation: &Violation| violation.pointer != here || violation.about_name;
            !branch.is_empty() && branch.iter().all(inside)
        };
        let mut deep =
            branches.iter().enumerate().filter(|(_, branch)| is_deep(branch)).map(|(index, _)| index);
        let only = match (deep.next(), deep.next(), branches.len()) {
            (Some(only), None, _) => Some(only),
            (_, _, 1) => Some(0),
            _ => None,
        };
        if let Some(only) = only.filter(|only| *only < branches.len()) {
            let space = MAX_VIOLATIONS.saturating_sub(found.len());
            found.extend(branches.swap_remove(only).into_iter().take(space));
            return false;
        }
        let mut wanted: Vec<String> = Vec::new();
        for violation in branches.iter().filter_map(|branch| branch.first()) {
            if violation.pointer == here && !wanted.contains(&violation.message) {
                wanted.push(violation.message.clone());
            }
        }
        wanted.truncate(SHOWN);
        let hint = (!wanted.is_empty()).then(|| format!("of the forms: {}", wanted.join("; ")));
        self.report(
            at,
            false,
            "the value is of none of the forms that are allowed here".to_owned(),
            hint,
            found,
        )
    }

    fn has_type(&mut self, types: &[Type], at: &At<'_, '_>, found: &mut Found) -> bool {
        if types.iter().any(|kind| kind.holds(at.value)) {
            return true;
        }
        let wanted: Vec<_> = types.iter().map(|kind| kind.name()).collect();
        let is_fraction = types.contains(&Type::Integer) && at.value.is_number();
        let is = if is_fraction { "a fraction" } else { Type::of(at.value).name() };
        let message = match wanted.as_slice() {
            [] => "nothing may stand here".to_owned(),
            _ => format!("expected {}, found {is}", wanted.join(" or ")),
        };
        self.fail(at, message, found)
    }

    fn is_one_of(&mut self, values: &[Value], at: &At<'_, '_>, found: &mut Found) -> bool {
        for value in values {
            if equal(value, at.value, &mut self.budget) {
                return true;
            }
        }
        if self.budget == 0 {
            self.exceeded = true;
            return false;
        }
        let mut words: Vec<String> = values.iter().take(SHOWN).map(word).collect();
        if values.len() > SHOWN {
            words.push("…".to_owned());
        }
        let hint = format!("allowed: {}", words.join(", "));
        self.report(at, false, "the value is not one that is allowed here".to_owned(), Some(hint), found)
    }

    fn number(&mut self, keyword: &Keyword, number: &Number, at: &At<'_, '_>, found: &mut Found) -> bool {
        let ordering = |bound: &Number| compare(number, bound);
        let message = match keyword {
            Keyword::Minimum { bound, exclusive: false } if ordering(bound) == Some(Ordering::Less) => {
                format!("the number is less than {bound}")
            }
            Keyword::Minimum { bound, exclusive: true } if ordering(bound) != Some(Ordering::Greater) => {
                format!("the number is not more than {bound}")
            }
            Keyword::Maximum { bound, exclusive: false } if ordering(bound) == Some(Ordering::Greater) => {
                format!("the number is more than {bound}")
            }
            Keyword::Maximum { bound, exclusive: true } if ordering(bound) != Some(Ordering::Less) => {
                format!("the number is not less than {bound}")
            }
            Keyword::MultipleOf(step) if !is_multiple(number, step) => {
                format!("the number is not a multiple of {step}")
            }
            _ => return true,
        };
        self.fail(at, message, found)
    }

    fn text(&mut self, keyword: &Keyword, text: &str, at: &At<'_, '_>, found: &mut Found) -> bool {
        match keyword {
            Keyword::Length { least, most } => {
                self.spend(text.len() as u64 / 64);
                let length = text.chars().count() as u64;
                self.counted(length, *least, *most, "the text has", "characters", at, found)
            }
            Keyword::Pattern(pattern) => {
                self.is_match(pattern, text)
                    || self.fail(
                        at,
                        format!("the text does not fit the pattern `{}`", clip(&pattern.text)),
                        found,
                    )
            }
            _ => true,
        }
    }

    fn is_match(&mut self, pattern: &Pattern, text: &str) -> bool {
        self.spend(pattern.cost(text)) && pattern.is_match(text)
    }

    /// Whether a count lies in its range.
    #[expect(clippy::too_many_arguments, reason = "the words of one message")]
    fn counted(
        &mut self,
        count: u64,
        least: u64,
        most: Option<u64>,
        has: &str,
        what: &str,
        at: &At<'_, '_>,
        found: &mut Found,
    ) -> bool {
        match most {
            _ if count < least => self.fail(at, format!("{has} {count} {what}, but needs {least}"), found),
            Some(most) if count > most => {
                self.fail(at, format!("{has} {count} {what}, but may have {most}"), found)
            }
            _ => true,
        }
    }

    fn list<'v>(
        &mut self,
        keyword: &Keyword,
        items: &'v [Value],
        at: &At<'_, 'v>,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        match keyword {
            Keyword::ItemCount { least, most } => {
                self.counted(items.len() as u64, *least, *most, "the list has", "items", at, found)
            }
            Keyword::UniqueItems => self.is_unique(items, at, found),
            Keyword::Items { prefix, rest } => {
                let nodes = prefix.iter().map(Some).chain(std::iter::repeat(rest.as_ref()));
                let mut fits = true;
                for ((index, item), node) in items.iter().enumerate().zip(nodes) {
                    let Some(node) = node else { break };
                    fits &= self.node(*node, &at.item(index, item), found).is_some();
                    if tracks {
                        seen.items.insert(index);
                    }
                    if self.exceeded {
                        return false;
                    }
                }
                fits
            }
            Keyword::Contains { node, least, most } => {
                let mut count = 0;
                for (index, item) in items.iter().enumerate() {
                    if self.fits(*node, &at.item(index, item)) {
                        count += 1;
                        if tracks {
                            seen.items.insert(index);
                        }
                    }
                    if self.exceeded {
                        return false;
                    }
                }
                self.counted(count, *least, *most, "the list has", "items of a certain form", at, found)
            }
            Keyword::UnevaluatedItems(node) => {
                let mut fits = true;
                for (index, item) in items.iter().enumerate() {
                    if !self.exceeded && seen.items.insert(index) {
                        fits &= self.node(*node, &at.item(index, item), found).is_some();
                    }
                }
                fits
            }
            _ => true,
        }
    }

    fn is_unique(&mut self, items: &[Value], at: &At<'_, '_>, found: &mut Found) -> bool {
        for (index, item) in items.iter().enumerate() {
            for other in items.iter().take(index) {
                if equal(item, other, &mut self.budget) {
                    return self.fail(
                        &at.item(index, item),
                        "the list has this item twice".to_owned(),
                        found,
                    );
                }
                if self.budget == 0 {
                    self.exceeded = true;
                    return false;
                }
            }
        }
        true
    }

    fn mapping<'v>(
        &mut self,
        keyword: &Keyword,
        members: &'v Map<String, Value>,
        at: &At<'_, 'v>,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        match keyword {
            Keyword::MemberCount { least, most } => {
                self.counted(members.len() as u64, *least, *most, "the mapping has", "entries", at, found)
            }
            Keyword::Required(names) => self.has_all(names, members, at, found),
            Keyword::DependentRequired(all) => {
                let mut fits = true;
                for (name, needed) in all.iter().filter(|(name, _)| members.contains_key(name)) {
                    for missing in needed.iter().filter(|needed| !members.contains_key(*needed)) {
                        let message = format!("`{}` needs `{}` beside it", clip(name), clip(missing));
                        fits = self.fail(at, message, found);
                    }
                }
                fits
            }
            Keyword::DependentSchemas(all) => {
                let there = all.iter().filter(|(name, _)| members.contains_key(name));
                let nodes: Vec<NodeId> = there.map(|(_, node)| *node).collect();
                self.all(&nodes, at, seen, tracks, found)
            }
            Keyword::Members(schemas) => {
                let mut fits = true;
                for (name, value) in members {
                    let member = at.member(name, value);
                    fits &= self.member(&member, name, schemas, seen, tracks, found);
                    if self.exceeded {
                        return false;
                    }
                }
                fits
            }
            Keyword::MemberNames(node) => {
                let mut fits = true;
                for (name, value) in members {
                    let text = Value::String(name.clone());
                    let inner = At { value: &text, parent: None, part: Part::Top };
                    let mut wrong = Vec::new();
                    if self.spend(name.len() as u64 / 64) && self.node(*node, &inner, &mut wrong).is_none() {
                        let reason = wrong.into_iter().next().map(|violation| violation.message);
                        let message =
                            format!("the name `{}` does not fit: {}", clip(name), reason.unwrap_or_default());
                        fits = self.report(&at.member(name, value), true, message, None, found);
                    }
                }
                fits
            }
            Keyword::UnevaluatedMembers(node) => {
                let mut fits = true;
                for (name, value) in members {
                    if !self.exceeded && seen.members.insert(name) {
                        fits &= self.extra(*node, &at.member(name, value), name, std::iter::empty(), found);
                    }
                }
                fits
            }
            _ => true,
        }
    }

    fn has_all(
        &mut self,
        names: &[String],
        members: &Map<String, Value>,
        at: &At<'_, '_>,
        found: &mut Found,
    ) -> bool {
        let mut fits = true;
        for missing in names.iter().filter(|name| !members.contains_key(*name)) {
            self.spend(1);
            fits = self.fail(at, format!("`{}` is missing", clip(missing)), found);
        }
        fits
    }

    fn member<'v>(
        &mut self,
        at: &At<'_, 'v>,
        name: &'v str,
        schemas: &Members,
        seen: &mut Seen<'v>,
        tracks: bool,
        found: &mut Found,
    ) -> bool {
        let own = schemas.properties.get(name);
        let mut fits = own.is_none_or(|node| self.node(*node, at, found).is_some());
        let mut known = own.is_some();
        for (pattern, node) in &schemas.patterns {
            if self.is_match(pattern, name) {
                known = true;
                fits &= self.node(*node, at, found).is_some();
            }
        }
        if let (false, Some(node)) = (known, schemas.additional) {
            known = true;
            fits &= self.extra(node, at, name, schemas.properties.keys().map(String::as_str), found);
        }
        if known && tracks {
            seen.members.insert(name);
        }
        fits
    }

    /// A member that no other schema speaks of. Where none may be, the name is what is wrong.
    fn extra<'n>(
        &mut self,
        node: NodeId,
        at: &At<'_, '_>,
        name: &str,
        known: impl Iterator<Item = &'n str>,
        found: &mut Found,
    ) -> bool {
        let is_never = |node: &Node| matches!(node.keywords.as_slice(), [Keyword::Never]);
        if !self.nodes.get(node.0).is_some_and(is_never) {
            return self.node(node, at, found).is_some();
        }
        let mut known: Vec<&str> = known.take(1000).collect();
        known.sort_unstable();
        let mut words: Vec<String> =
            known.iter().take(SHOWN).map(|word| format!("`{}`", clip(word))).collect();
        if known.len() > SHOWN {
            words.push("…".to_owned());
        }
        let hint = (!words.is_empty()).then(|| format!("known: {}", words.join(", ")));
        self.report(at, true, format!("`{}` is not known here", clip(name)), hint, found)
    }
}

impl<'v> At<'_, 'v> {
    fn item<'p>(&'p self, index: usize, value: &'v Value) -> At<'p, 'v> {
        At { value, parent: Some(self), part: Part::Item(index) }
    }

    fn member<'p>(&'p self, name: &'v str, value: &'v Value) -> At<'p, 'v> {
        At { value, parent: Some(self), part: Part::Member(name) }
    }

    fn parts(&self) -> Vec<Part<'v>> {
        let mut parts = Vec::new();
        let mut next = Some(self);
        while let Some(at) = next {
            parts.push(at.part);
            next = at.parent;
        }
        parts.reverse();
        parts
    }

    /// The JSON pointer.
    fn pointer(&self) -> String {
        let text = |part: Part<'_>| match part {
            Part::Top => String::new(),
            Part::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            Part::Item(index) => format!("/{index}"),
        };
        self.parts().into_iter().map(text).collect()
    }

    /// What the pointer costs to write, in evaluations.
    fn cost(&self) -> u64 {
        let bytes = |part: Part<'_>| match part {
            Part::Member(name) => name.len() as u64,
            Part::Top | Part::Item(_) => 1,
        };
        1 + self.parts().into_iter().map(bytes).sum::<u64>() / 16
    }
}

/// A value of the schema for a hint.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", clip(text)),
        Value::Array(_) => "a certain list".to_owned(),
        Value::Object(_) => "a certain mapping".to_owned(),
        other => format!("`{other}`"),
    }
}
