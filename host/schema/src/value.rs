//! Values as JSON Schema compares them.

use serde_json::{Number, Value};
use std::cmp::Ordering;

/// The types of JSON Schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// As a person who writes YAML calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean => "`true` or `false`",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "text",
            Self::Array => "a list",
            Self::Object => "a mapping",
        }
    }

    pub(crate) fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_))
            | (Self::Array, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            (Self::Integer, Value::Number(number)) => is_whole(number),
            _ => false,
        }
    }

    /// That of a value.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

fn is_whole(number: &Number) -> bool {
    whole(number).is_some() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// The order of two numbers: exact for whole ones.
pub(crate) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// Whether `number` is a whole multiple of `step`, which is more than zero. Exact for whole numbers; else the quotient
/// may miss a whole number by what rounding makes of decimal fractions.
pub(crate) fn is_multiple(number: &Number, step: &Number) -> bool {
    match (whole(number), whole(step)) {
        (Some(number), Some(step)) if step != 0 => number % step == 0,
        _ => {
            let (Some(number), Some(step)) = (number.as_f64(), step.as_f64()) else { return false };
            let quotient = number / step;
            let tolerance = 1e-9_f64.max(quotient.abs() * f64::EPSILON);
            quotient.is_finite() && (quotient - quotient.round()).abs() <= tolerance
        }
    }
}

/// Whether two values are equal: numbers by their value, members in any order. Stops, and counts as unequal, when
/// `budget` is used up.
pub(crate) fn equal(a: &Value, b: &Value, budget: &mut u64) -> bool {
    let Some(left) = budget.checked_sub(1) else { return false };
    *budget = left;
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b) == Some(Ordering::Equal),
        (Value::String(a), Value::String(b)) => {
            *budget = budget.saturating_sub(a.len() as u64 / 64);
            a == b
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, budget))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a)| b.get(key).is_some_and(|b| equal(a, b, budget));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_equal_by_their_value() {
        let equals = |a: Value, b: Value| equal(&a, &b, &mut 100);
        assert!(equals(json!(1), json!(1.0)));
        assert!(equals(json!({ "a": [1], "b": null }), json!({ "b": null, "a": [1.0] })));
        assert!(!equals(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64)));
        assert!(!equals(json!(1), json!("1")));
        assert!(!equals(json!(0), json!(false)));
        assert!(!equals(json!({ "a": null }), json!({ "b": null })));
        assert!(!equal(&json!([1, 2, 3]), &json!([1, 2, 3]), &mut 2), "no budget");
    }

    #[test]
    fn multiples_are_exact_for_whole_numbers_and_near_for_others() {
        let number = |value: Value| value.as_number().cloned().unwrap();
        let multiple = |a: Value, b: Value| is_multiple(&number(a), &number(b));
        assert!(multiple(json!(9), json!(3)) && !multiple(json!(10), json!(3)));
        assert!(multiple(json!(0.3), json!(0.1)) && multiple(json!(4.5), json!(1.5)));
        assert!(!multiple(json!(0.35), json!(0.1)));
        assert!(!multiple(json!(u64::MAX), json!(2)) && multiple(json!(u64::MAX - 1), json!(2)));
        assert!(!multiple(json!(1e308), json!(1e-308)));
    }
}
