//! Closed lists of words.

use serde_json::{Value as Json, json};

use super::{Decoder, Flags, Item, UsedField, Value, clip, value_of_item};
use crate::diagnostic::nearest;
use crate::history::HistoryWriter;
use crate::rule::Rule;
use crate::schema::Definitions;
use crate::source::Located;
use crate::yaml::NodeId;

/// A closed list of words.
pub(crate) trait Choice: Sized + Copy + 'static {
    /// The words with their values and descriptions.
    const WORDS: &'static [(&'static str, Self, &'static str)];
    /// What the list is called in messages, as `image format`.
    const WHAT: &'static str;
    /// Whether the empty text means "unset"; else it is refused like an unknown word.
    const EMPTY_IS_UNSET: bool;
    /// The word of a value.
    fn text(self) -> &'static str;
}

impl<T: Choice> Item for Located<T> {
    fn read(id: NodeId, decoder: &mut Decoder<'_>) -> Option<Self> {
        let text = decoder.text(id)?;
        if let Some((_, value, _)) = T::WORDS.iter().find(|(word, ..)| *word == text.value) {
            return Some(Located::new(*value, text.at));
        }
        if text.is_empty() && T::EMPTY_IS_UNSET {
            return None;
        }
        let words = || T::WORDS.iter().map(|(word, ..)| *word).filter(|word| !word.is_empty());
        let hint = match nearest(&text, words()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                format!("one of {}", words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
            }
        };
        let message = format!("unknown {} `{}`", T::WHAT, clip(&text));
        decoder.report(Rule::ChoiceUnknown, text.at, message).hint = Some(hint);
        None
    }
}

impl<T: Choice> Value for Located<T> {
    value_of_item!(Self);

    fn used(&self, path: &str, out: &mut Vec<UsedField>) {
        out.push(UsedField { field: path.to_owned(), at: self.at });
    }

    fn history(&self, _flags: Flags, _writer: &mut HistoryWriter<'_>) -> Option<Json> {
        Some(json!(self.value.text()))
    }

    fn schema(_definitions: &mut Definitions) -> Json {
        let word = |(word, _, description): &(&str, T, &str)| json!({ "const": word, "description": description.trim() });
        json!({ "oneOf": T::WORDS.iter().map(word).collect::<Vec<_>>() })
    }
}

/// Declares a closed list of words: `"word" => Variant`.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident ($what:literal, $empty:ident) {
            $( $(#[doc = $word_doc:literal])+ $word:literal => $variant:ident, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[doc = $word_doc])+ $variant, )+
        }

        impl $name {
            /// The word in the configuration.
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
            /// The value a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$variant), )+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::decode::Choice for $name {
            const WORDS: &'static [(&'static str, Self, &'static str)] =
                &[$( ($word, Self::$variant, concat!($($word_doc),+)), )+];
            const WHAT: &'static str = $what;
            const EMPTY_IS_UNSET: bool = $crate::decode::empty_rule!($empty);
            fn text(self) -> &'static str {
                self.word()
            }
        }
    };
}

/// Whether the empty word means "unset" or is an error.
macro_rules! empty_rule {
    (unset) => {
        true
    };
    (refused) => {
        false
    };
}

pub(crate) use {choice, empty_rule};
