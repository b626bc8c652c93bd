//! The keywords of a schema, read and checked.

use crate::compile::{Compiler, NodeId};
use crate::pattern::Pattern;
use crate::value::Type;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// One demand of a schema on a value.
#[derive(Debug)]
pub(crate) enum Keyword {
    /// The schema `false`.
    Never,
    Reference(NodeId),
    Type(Vec<Type>),
    Enum(Vec<Value>),
    Const(Value),
    MultipleOf(Number),
    Minimum {
        bound: Number,
        exclusive: bool,
    },
    Maximum {
        bound: Number,
        exclusive: bool,
    },
    /// Of characters.
    Length {
        least: u64,
        most: Option<u64>,
    },
    Pattern(Pattern),
    ItemCount {
        least: u64,
        most: Option<u64>,
    },
    UniqueItems,
    Items {
        prefix: Vec<NodeId>,
        rest: Option<NodeId>,
    },
    Contains {
        node: NodeId,
        least: u64,
        most: Option<u64>,
    },
    MemberCount {
        least: u64,
        most: Option<u64>,
    },
    Required(Vec<String>),
    DependentRequired(Vec<(String, Vec<String>)>),
    DependentSchemas(Vec<(String, NodeId)>),
    Members(Members),
    MemberNames(NodeId),
    AllOf(Vec<NodeId>),
    AnyOf(Vec<NodeId>),
    OneOf(Vec<NodeId>),
    Not(NodeId),
    If {
        condition: NodeId,
        then: Option<NodeId>,
        otherwise: Option<NodeId>,
    },
    UnevaluatedItems(NodeId),
    UnevaluatedMembers(NodeId),
}

/// The schemas of a mapping's members.
#[derive(Debug)]
pub(crate) struct Members {
    /// By name.
    pub(crate) properties: HashMap<String, NodeId>,
    /// By the form of the name.
    pub(crate) patterns: Vec<(Pattern, NodeId)>,
    /// Of all others.
    pub(crate) additional: Option<NodeId>,
}

/// Keywords that would change what others mean, and that are not served.
const UNSUPPORTED: &[&str] = &["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"];

/// Reads the keywords of one schema; those that look at what others left come last.
pub(crate) fn read<'s>(
    object: &'s Map<String, Value>,
    compiler: &mut Compiler<'s>,
    is_root: bool,
) -> Result<Vec<Keyword>, String> {
    if let Some(keyword) = UNSUPPORTED.iter().find(|keyword| object.contains_key(**keyword)) {
        return Err(format!("`{keyword}` is not supported"));
    }
    if !is_root && object.contains_key("$id") {
        return Err("`$id` is supported at the top of the schema alone".to_owned());
    }
    let mut keywords = Vec::new();
    let mut reader = Reader { object, compiler, keywords: &mut keywords };
    reader.references()?;
    reader.values()?;
    reader.numbers()?;
    reader.lists()?;
    reader.mappings()?;
    reader.combinations()?;
    reader.unevaluated()?;
    Ok(keywords)
}

struct Reader<'r, 's> {
    object: &'s Map<String, Value>,
    compiler: &'r mut Compiler<'s>,
    keywords: &'r mut Vec<Keyword>,
}

impl<'s> Reader<'_, 's> {
    fn references(&mut self) -> Result<(), String> {
        if let Some(reference) = self.text("$ref")? {
            let node = self.compiler.reference(reference)?;
            self.keywords.push(Keyword::Reference(node));
        }
        Ok(())
    }

    fn values(&mut self) -> Result<(), String> {
        if let Some(value) = self.object.get("type") {
            let words: Vec<&Value> =
                value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
            let types = words.into_iter().map(|word| word.as_str().and_then(Type::from_word));
            let types = types.collect::<Option<Vec<_>>>().ok_or("`type` names no type")?;
            self.keywords.push(Keyword::Type(types));
        }
        if let Some(values) = self.list("enum")? {
            self.keywords.push(Keyword::Enum(values.clone()));
        }
        if let Some(value) = self.object.get("const") {
            self.keywords.push(Keyword::Const(value.clone()));
        }
        let (least, most) = self.range("minLength", "maxLength")?;
        if least > 0 || most.is_some() {
            self.keywords.push(Keyword::Length { least, most });
        }
        if let Some(pattern) = self.text("pattern")? {
            self.keywords.push(Keyword::Pattern(Pattern::parse(pattern)?));
        }
        Ok(())
    }

    fn numbers(&mut self) -> Result<(), String> {
        if let Some(step) = self.number("multipleOf")? {
            if step.as_f64().is_none_or(|step| step <= 0.0) {
                return Err("`multipleOf` is not more than zero".to_owned());
            }
            self.keywords.push(Keyword::MultipleOf(step));
        }
        for (name, exclusive) in [("minimum", false), ("exclusiveMinimum", true)] {
            if let Some(bound) = self.number(name)? {
                self.keywords.push(Keyword::Minimum { bound, exclusive });
            }
        }
        for (name, exclusive) in [("maximum", false), ("exclusiveMaximum", true)] {
            if let Some(bound) = self.number(name)? {
                self.keywords.push(Keyword::Maximum { bound, exclusive });
            }
        }
        Ok(())
    }

    fn lists(&mut self) -> Result<(), String> {
        let (least, most) = self.range("minItems", "maxItems")?;
        if least > 0 || most.is_some() {
            self.keywords.push(Keyword::ItemCount { least, most });
        }
        if self.truth("uniqueItems")? {
            self.keywords.push(Keyword::UniqueItems);
        }
        let (prefix, rest) = (self.schemas("prefixItems")?.unwrap_or_default(), self.schema("items")?);
        if !prefix.is_empty() || rest.is_some() {
            self.keywords.push(Keyword::Items { prefix, rest });
        }
        if let Some(node) = self.schema("contains")? {
            let least = self.count("minContains")?.unwrap_or(1);
            let most = self.count("maxContains")?;
            self.keywords.push(Keyword::Contains { node, least, most });
        }
        Ok(())
    }

    fn mappings(&mut self) -> Result<(), String> {
        let (least, most) = self.range("minProperties", "maxProperties")?;
        if least > 0 || most.is_some() {
            self.keywords.push(Keyword::MemberCount { least, most });
        }
        if let Some(names) = self.list("required")? {
            self.keywords.push(Keyword::Required(texts("required", names)?));
        }
        if let Some(object) = self.members("dependentRequired")? {
            let one = |(name, list): (&String, &Value)| {
                let list = list.as_array().ok_or("`dependentRequired` holds something else than lists")?;
                Ok::<_, String>((name.clone(), texts("dependentRequired", list)?))
            };
            let all = object.iter().map(one).collect::<Result<_, _>>()?;
            self.keywords.push(Keyword::DependentRequired(all));
        }
        if let Some(schemas) = self.named_schemas("dependentSchemas")? {
            self.keywords.push(Keyword::DependentSchemas(schemas));
        }
        let properties = self.named_schemas("properties")?;
        let patterns = self.named_schemas("patternProperties")?;
        let additional = self.schema("additionalProperties")?;
        if properties.is_some() || patterns.is_some() || additional.is_some() {
            let properties = properties.unwrap_or_default().into_iter().collect();
            let patterns = patterns.unwrap_or_default().into_iter();
            let patterns = patterns.map(|(pattern, node)| Ok((Pattern::parse(&pattern)?, node)));
            let patterns = patterns.collect::<Result<_, String>>()?;
            self.keywords.push(Keyword::Members(Members { properties, patterns, additional }));
        }
        if let Some(node) = self.schema("propertyNames")? {
            self.keywords.push(Keyword::MemberNames(node));
        }
        Ok(())
    }

    fn combinations(&mut self) -> Result<(), String> {
        if let Some(all) = self.schemas("allOf")? {
            self.keywords.push(Keyword::AllOf(all));
        }
        if let Some(any) = self.schemas("anyOf")? {
            self.keywords.push(Keyword::AnyOf(any));
        }
        if let Some(one) = self.schemas("oneOf")? {
            self.keywords.push(Keyword::OneOf(one));
        }
        if let Some(node) = self.schema("not")? {
            self.keywords.push(Keyword::Not(node));
        }
        if let Some(condition) = self.schema("if")? {
            let (then, otherwise) = (self.schema("then")?, self.schema("else")?);
            self.keywords.push(Keyword::If { condition, then, otherwise });
        }
        Ok(())
    }

    fn unevaluated(&mut self) -> Result<(), String> {
        if let Some(node) = self.schema("unevaluatedItems")? {
            self.compiler.tracks = true;
            self.keywords.push(Keyword::UnevaluatedItems(node));
        }
        if let Some(node) = self.schema("unevaluatedProperties")? {
            self.compiler.tracks = true;
            self.keywords.push(Keyword::UnevaluatedMembers(node));
        }
        Ok(())
    }

    fn schema(&mut self, name: &str) -> Result<Option<NodeId>, String> {
        self.object.get(name).map(|value| self.compiler.node(value, name)).transpose()
    }

    fn schemas(&mut self, name: &str) -> Result<Option<Vec<NodeId>>, String> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        list.iter().map(|value| self.compiler.node(value, name)).collect::<Result<_, _>>().map(Some)
    }

    fn named_schemas(&mut self, name: &str) -> Result<Option<Vec<(String, NodeId)>>, String> {
        let Some(object) = self.members(name)? else { return Ok(None) };
        let one = |(key, value): (&String, &'s Value)| Ok((key.clone(), self.compiler.node(value, key)?));
        object.iter().map(one).collect::<Result<_, _>>().map(Some)
    }

    fn list(&self, name: &str) -> Result<Option<&'s Vec<Value>>, String> {
        let wrong = || format!("`{name}` is not a list");
        self.object.get(name).map(|value| value.as_array().ok_or_else(wrong)).transpose()
    }

    fn members(&self, name: &str) -> Result<Option<&'s Map<String, Value>>, String> {
        let wrong = || format!("`{name}` is not an object");
        self.object.get(name).map(|value| value.as_object().ok_or_else(wrong)).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<&'s str>, String> {
        let wrong = || format!("`{name}` is not a text");
        self.object.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    fn truth(&self, name: &str) -> Result<bool, String> {
        let wrong = || format!("`{name}` is not true or false");
        self.object.get(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
    }

    fn number(&self, name: &str) -> Result<Option<Number>, String> {
        let wrong = || format!("`{name}` is not a number");
        self.object.get(name).map(|value| value.as_number().cloned().ok_or_else(wrong)).transpose()
    }

    fn range(&self, least: &str, most: &str) -> Result<(u64, Option<u64>), String> {
        Ok((self.count(least)?.unwrap_or(0), self.count(most)?))
    }

    /// A whole number, also one written as `3.0`.
    fn count(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        let from_float = || {
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e18).contains(float));
            float.map(|float| float as u64)
        };
        match number.as_u64().or_else(from_float) {
            Some(count) => Ok(Some(count)),
            None => Err(format!("`{name}` is not a whole number")),
        }
    }
}

fn texts(name: &str, list: &[Value]) -> Result<Vec<String>, String> {
    let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| format!("`{name}` holds something else than texts"))
}
