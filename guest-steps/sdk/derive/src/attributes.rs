//! What the attributes of a type, a field or a variant say.

use crate::case::Case;
use crate::json;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr, Meta, Result};

/// Attributes of a type, a field or a variant, read together.
#[derive(Default)]
pub(crate) struct Attributes {
    /// `#[serde(rename_all)]`.
    pub(crate) case: Option<Case>,
    /// `#[serde(rename)]`.
    pub(crate) name: Option<String>,
    /// `#[serde(default)]`.
    pub(crate) default: bool,
    /// `#[serde(deny_unknown_fields)]`.
    pub(crate) closed: bool,
    /// The doc comment as a JSON string; empty where there is none.
    pub(crate) description: String,
    /// Members to add to a schema, each with a comma in front.
    pub(crate) rules: String,
}

/// Where attributes stand.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Place {
    Type,
    Field,
    Variant,
}

impl Attributes {
    pub(crate) fn read(attributes: &[Attribute], place: Place) -> Result<Self> {
        let mut read = Self::default();
        let description = description(attributes);
        if !description.is_empty() {
            read.description = json::string(&description);
        }
        for attribute in attributes {
            if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| read.serde(&meta, place))?;
            } else if attribute.path().is_ident("schema") {
                attribute.parse_nested_meta(|meta| read.rule(&meta))?;
            }
        }
        Ok(read)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>, place: Place) -> Result<()> {
        let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match (word.as_str(), place) {
            ("rename_all", Place::Type) => {
                let rule: LitStr = meta.value()?.parse()?;
                let case = Case::named(&rule.value());
                self.case =
                    Some(case.ok_or_else(|| syn::Error::new(rule.span(), "serde knows no such rule"))?);
            }
            ("deny_unknown_fields", Place::Type) => self.closed = true,
            ("transparent", Place::Type) => {}
            ("rename", Place::Field | Place::Variant) => {
                self.name = Some(meta.value()?.parse::<LitStr>()?.value());
            }
            ("default", Place::Field | Place::Type) => {
                if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<LitStr>()?;
                }
                self.default = true;
            }
            _ => {
                return Err(meta.error(
                    "the schema cannot follow this attribute: write SETTINGS_SCHEMA of this step by hand",
                ));
            }
        }
        Ok(())
    }

    fn rule(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        let keyword = match word.as_str() {
            "pattern" => {
                let pattern: LitStr = meta.value()?.parse()?;
                self.add("pattern", &json::string(&pattern.value()));
                return Ok(());
            }
            "min_length" => "minLength",
            "max_length" => "maxLength",
            "minimum" => "minimum",
            "maximum" => "maximum",
            "min_items" => "minItems",
            "max_items" => "maxItems",
            _ => return Err(meta.error("no such rule")),
        };
        let value = meta.value()?;
        let sign = value.parse::<Option<syn::Token![-]>>()?.map_or("", |_| "-");
        let number: LitInt = value.parse()?;
        self.add(keyword, &format!("{sign}{}", number.base10_digits()));
        Ok(())
    }

    fn add(&mut self, keyword: &str, value: &str) {
        self.rules.push_str(&format!(",\"{keyword}\":{value}"));
    }
}

/// The doc comment as one paragraph.
fn description(attributes: &[Attribute]) -> String {
    let mut words = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value
        {
            words.extend(text.value().split_whitespace().map(str::to_owned));
        }
    }
    words.join(" ")
}
