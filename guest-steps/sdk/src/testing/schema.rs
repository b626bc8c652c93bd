//! The part of JSON Schema 2020-12 that the schemas of steps use.

use crate::json::{Value, parse};
use std::cmp::Ordering;

/// Checks `json` against `schema`.
///
/// Knows `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `propertyNames`, `items`, `minItems`,
/// `maxItems`, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`, `allOf` and `anyOf`; `description`, `title`, `default` and `$schema`
/// say nothing.
///
/// # Errors
/// A sentence, when the schema uses anything else, when either is not JSON, or when the schema forbids the value.
pub fn check_schema(schema: &str, json: &str) -> Result<(), String> {
    let schema = parse(schema).map_err(|error| format!("the schema is {error}"))?;
    let value = parse(json).map_err(|error| format!("the value is {error}"))?;
    check(&schema, &value, "")
}

fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    match schema {
        Value::Bool(true) => Ok(()),
        Value::Bool(false) => Err(format!("`{at}` is forbidden")),
        Value::Object(keywords) => {
            keywords.iter().try_for_each(|(keyword, rule)| apply(keyword, rule, schema, value, at))
        }
        _ => Err("a schema is an object or a boolean".into()),
    }
}

fn apply(keyword: &str, rule: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fits = match (keyword, rule, value) {
        ("$schema" | "$comment" | "description" | "title" | "default", ..) => true,
        ("type", Value::String(name), _) => has_type(name, value),
        ("type", Value::Array(names), _) => {
            names.iter().any(|name| matches!(name, Value::String(name) if has_type(name, value)))
        }
        ("const", _, _) => rule == value,
        ("enum", Value::Array(values), _) => values.contains(value),
        ("allOf", Value::Array(schemas), _) => {
            return schemas.iter().try_for_each(|schema| check(schema, value, at));
        }
        ("anyOf", Value::Array(schemas), _) => schemas.iter().any(|schema| check(schema, value, at).is_ok()),
        ("minLength", _, Value::String(text)) => text.chars().count() as i128 >= number(rule)?,
        ("maxLength", _, Value::String(text)) => text.chars().count() as i128 <= number(rule)?,
        ("pattern", Value::String(pattern), Value::String(text)) => {
            regex_lite::Regex::new(pattern).map_err(|error| error.to_string())?.is_match(text)
        }
        ("minimum", _, Value::Number(_)) => compare(value, rule)? != Some(Ordering::Less),
        ("maximum", _, Value::Number(_)) => compare(value, rule)? != Some(Ordering::Greater),
        ("minItems", _, Value::Array(items)) => items.len() as i128 >= number(rule)?,
        ("maxItems", _, Value::Array(items)) => items.len() as i128 <= number(rule)?,
        ("items", _, Value::Array(items)) => {
            return items
                .iter()
                .enumerate()
                .try_for_each(|(i, item)| check(rule, item, &format!("{at}[{i}]")));
        }
        ("required", Value::Array(names), Value::Object(_)) => {
            names.iter().all(|name| matches!(name, Value::String(name) if value.get(name).is_some()))
        }
        ("properties", _, Value::Object(members)) => {
            return members.iter().try_for_each(|(name, member)| match rule.get(name) {
                Some(schema) => check(schema, member, &format!("{at}.{name}")),
                None => Ok(()),
            });
        }
        ("additionalProperties", _, Value::Object(members)) => {
            let known = schema.get("properties");
            let additional =
                members.iter().filter(|(name, _)| known.and_then(|known| known.get(name)).is_none());
            return additional
                .into_iter()
                .try_for_each(|(name, member)| check(rule, member, &format!("{at}.{name}")));
        }
        ("propertyNames", _, Value::Object(members)) => {
            return members.iter().try_for_each(|(name, _)| check(rule, &Value::String(name.clone()), at));
        }
        (
            "enum"
            | "allOf"
            | "anyOf"
            | "minLength"
            | "maxLength"
            | "pattern"
            | "minimum"
            | "maximum"
            | "minItems"
            | "maxItems"
            | "items"
            | "required"
            | "properties"
            | "additionalProperties"
            | "propertyNames",
            ..,
        ) => true,
        _ => return Err(format!("the schema's keyword `{keyword}` is not known")),
    };
    if fits { Ok(()) } else { Err(format!("`{at}` breaks `{keyword}`")) }
}

fn has_type(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => number.parse::<i128>().is_ok(),
        _ => false,
    }
}

fn number(value: &Value) -> Result<i128, String> {
    match value {
        Value::Number(number) => number.parse().map_err(|_| format!("{number} is not a whole number")),
        _ => Err("a number should stand there".into()),
    }
}

/// Exact where both are whole numbers.
fn compare(value: &Value, rule: &Value) -> Result<Option<Ordering>, String> {
    if let (Ok(value), Ok(rule)) = (number(value), number(rule)) {
        return Ok(Some(value.cmp(&rule)));
    }
    let float = |value: &Value| match value {
        Value::Number(number) => number.parse::<f64>().map_err(|_| format!("{number} is not a number")),
        _ => Err("a number should stand there".into()),
    };
    Ok(float(value)?.partial_cmp(&float(rule)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyword_accepts_and_refuses() {
        for (schema, good, bad) in [
            (r#"{"type":"integer"}"#, "1", "1.5"),
            (r#"{"type":["string","null"]}"#, "null", "1"),
            (r#"{"const":"a"}"#, r#""a""#, r#""b""#),
            (r#"{"enum":["a","b"]}"#, r#""b""#, r#""c""#),
            (r#"{"anyOf":[{"type":"null"},{"minimum":3}]}"#, "3", "2"),
            (r#"{"allOf":[{"type":"integer"},{"minimum":3}]}"#, "3", "2"),
            (r#"{"minLength":1,"maxLength":2}"#, r#""éé""#, r#""""#),
            (r#"{"pattern":"^a+$"}"#, r#""aa""#, r#""b""#),
            (r#"{"maximum":3}"#, "3", "4"),
            (r#"{"minimum":-1}"#, "-0.5", "-1.5"),
            (r#"{"maxItems":1}"#, "[1]", "[1,2]"),
            (r#"{"minItems":1,"items":{"type":"null"}}"#, "[null]", "[1]"),
            (r#"{"required":["a"]}"#, r#"{"a":1}"#, "{}"),
            (
                r#"{"properties":{"a":{"type":"null"}},"additionalProperties":false}"#,
                r#"{"a":null}"#,
                r#"{"b":1}"#,
            ),
            (r#"{"additionalProperties":{"type":"string"}}"#, r#"{"b":"x"}"#, r#"{"b":1}"#),
            (r#"{"propertyNames":{"minLength":1}}"#, r#"{"b":1}"#, r#"{"":1}"#),
        ] {
            assert_eq!(check_schema(schema, good), Ok(()), "{schema}");
            assert!(check_schema(schema, bad).is_err(), "{schema}");
        }
        assert!(check_schema(r#"{"oneOf":[]}"#, "1").is_err());
    }
}
