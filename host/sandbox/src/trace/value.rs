//! Values of a contract as JSON, and back.

use super::line::{Answer, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// A value that can stand in a trace and come back from it.
pub(crate) trait Traceable: Sized {
    fn to_json(&self) -> Value;
    /// `None`: the line holds something else.
    fn from_json(value: &Value) -> Option<Self>;
}

/// What a call gives the component, whether it can fail or not.
pub(crate) trait Recorded: Sized {
    fn to_answer(&self) -> Answer;
    /// `None`: the line holds something else.
    fn from_answer(answer: &Answer) -> Option<Self>;
}

/// A contract's error type.
pub(crate) trait Refusal: Sized {
    /// Code and message.
    fn to_text(&self) -> (&'static str, &str);
    /// `None`: there is no such code.
    fn from_text(code: &str, message: &str) -> Option<Self>;
}

impl<T: Traceable> Recorded for T {
    fn to_answer(&self) -> Answer {
        Answer::Result(self.to_json())
    }

    fn from_answer(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Result(value) => Self::from_json(value),
            _ => None,
        }
    }
}

impl<T: Traceable, F: Refusal> Recorded for Result<T, F> {
    fn to_answer(&self) -> Answer {
        match self {
            Ok(value) => Answer::Result(value.to_json()),
            Err(failure) => {
                let (code, message) = failure.to_text();
                Answer::Failure { code: code.to_owned(), message: message.to_owned() }
            }
        }
    }

    fn from_answer(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Result(value) => T::from_json(value).map(Ok),
            Answer::Failure { code, message } => F::from_text(code, message).map(Err),
            Answer::Trap(_) | Answer::LeftOut(_) => None,
        }
    }
}

/// Bytes of a file that a call gives.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// How much of them the trace may hold.
    pub(crate) secrecy: Secrecy,
}

/// How much of a content a trace may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Secrecy {
    /// All of it.
    None,
    /// Nothing at all: it may be a password, which a length and a digest are enough to guess.
    Unspeakable,
}

/// The key that marks what a trace does not hold.
pub(crate) const SECRET: &str = "secret";

impl Traceable for Content {
    fn to_json(&self) -> Value {
        let mut shown = bytes(&self.bytes, self.secrecy);
        if let (Secrecy::None, Some(object)) = (self.secrecy, shown.as_object_mut()) {
            object.insert("base64".to_owned(), BASE64.encode(&self.bytes).into());
        }
        shown
    }

    fn from_json(value: &Value) -> Option<Self> {
        let bytes = BASE64.decode(value.get("base64")?.as_str()?).ok()?;
        Some(Self { bytes, secrecy: Secrecy::None })
    }
}

/// The number by which a trace names a file that is held open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Handle(pub(crate) u32);

impl Traceable for Handle {
    fn to_json(&self) -> Value {
        json!({ "file": self.0 })
    }

    fn from_json(value: &Value) -> Option<Self> {
        u32::from_json(value.get("file")?).map(Self)
    }
}

/// A content that the component gives: its length and digest, where they may be told.
pub(crate) fn bytes(content: &[u8], secrecy: Secrecy) -> Value {
    match secrecy {
        Secrecy::None => digest(content),
        Secrecy::Unspeakable => json!({ SECRET: true }),
    }
}

/// Length and digest.
pub(crate) fn digest(content: &[u8]) -> Value {
    json!({ "bytes": content.len(), "sha256": sha256(content) })
}

/// A text that the component gives; its digest when it is longer than any path.
pub(crate) fn text(text: &str) -> Value {
    const LONGEST: usize = 16 << 10;
    if text.len() <= LONGEST { text.into() } else { digest(text.as_bytes()) }
}

/// A name of Rust's as the contract writes it.
pub(crate) fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// Adds a field, unless there is nothing to say.
pub(crate) fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() {
        object.insert(kebab(name), value);
    }
}

/// A field that is missing stands for nothing.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(kebab(name)).unwrap_or(&Value::Null)
}

/// Mode bits in octal, as everybody writes them.
pub(crate) fn mode(mode: impl Into<Option<u32>>) -> Value {
    mode.into().map_or(Value::Null, |mode| format!("{mode:04o}").into())
}

/// What [`mode`] wrote.
pub(crate) fn mode_back(value: &Value) -> Option<u32> {
    u32::from_str_radix(value.as_str()?, 8).ok()
}

/// Records of a contract, by the names of their fields. Fields behind `modes` hold mode bits.
macro_rules! record {
    ($type:ty { $($field:ident),* } modes { $($mode:ident),* }) => {
        impl $crate::trace::Traceable for $type {
            fn to_json(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $($crate::trace::insert(&mut object, stringify!($field), self.$field.to_json());)*
                $($crate::trace::insert(&mut object, stringify!($mode), $crate::trace::mode(self.$mode));)*
                object.into()
            }

            fn from_json(value: &serde_json::Value) -> Option<Self> {
                Some(Self {
                    $($field: $crate::trace::Traceable::from_json($crate::trace::field(value, stringify!($field)))?,)*
                    $($mode: $crate::trace::mode_back($crate::trace::field(value, stringify!($mode)))?.into(),)*
                })
            }
        }
    };
}

/// Enums of a contract, by the names of their cases.
macro_rules! names {
    ($type:ty { $($case:ident = $name:literal),* $(,)? }) => {
        impl $crate::trace::Traceable for $type {
            fn to_json(&self) -> serde_json::Value {
                let name = match self { $(Self::$case => $name,)* };
                name.into()
            }

            fn from_json(value: &serde_json::Value) -> Option<Self> {
                match value.as_str()? { $($name => Some(Self::$case),)* _ => None }
            }
        }
    };
}

pub(crate) use {names, record};

impl Traceable for () {
    fn to_json(&self) -> Value {
        Value::Null
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.is_null().then_some(())
    }
}

impl Traceable for String {
    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Traceable for bool {
    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Traceable for u64 {
    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Traceable for u32 {
    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64()?.try_into().ok()
    }
}

impl Traceable for i64 {
    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl<T: Traceable> Traceable for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_json(value).map(Some) }
    }
}

impl<T: Traceable> Traceable for Vec<T> {
    fn to_json(&self) -> Value {
        self.iter().map(T::to_json).collect()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_json).collect()
    }
}

impl<A: Traceable, B: Traceable> Traceable for (A, B) {
    fn to_json(&self) -> Value {
        json!([self.0.to_json(), self.1.to_json()])
    }

    fn from_json(value: &Value) -> Option<Self> {
        let [a, b] = value.as_array()?.as_slice() else { return None };
        Some((A::from_json(a)?, B::from_json(b)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_come_back_unless_they_are_secret() {
        let content = |secrecy| Content { bytes: b"a\0\xff".to_vec(), secrecy };
        let open = content(Secrecy::None).to_json();
        assert_eq!(open["base64"], "YQD/");
        assert_eq!(Content::from_json(&open).unwrap().bytes, b"a\0\xff");
        let secret = content(Secrecy::Unspeakable).to_json();
        assert_eq!(secret, json!({ "secret": true }));
        assert!(Content::from_json(&secret).is_none());
        assert_eq!(bytes(b"hunter2", Secrecy::Unspeakable), json!({ "secret": true }));
        assert_eq!(bytes(b"open", Secrecy::None)["bytes"], 4);
    }

    #[test]
    fn a_long_text_is_its_digest() {
        assert_eq!(text("/etc"), "/etc");
        assert_eq!(text(&"x".repeat(20_000))["bytes"], 20_000);
    }

    #[test]
    fn values_that_do_not_fit_are_none() {
        assert_eq!(u32::from_json(&json!(1_u64 << 40)), None);
        assert_eq!(Vec::<u32>::from_json(&json!([1, -1])), None);
        assert_eq!(Option::<u32>::from_json(&Value::Null), Some(None));
        assert_eq!(<(u64, u64)>::from_json(&json!([1])), None);
        assert_eq!(i64::from_json(&json!(-5)), Some(-5));
        assert_eq!(mode_back(&mode(0o4755)), Some(0o4755));
    }
}
