//! The names that serde's `rename_all` gives.

/// A rule of `rename_all`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    /// Finds a rule by serde's name for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// The name of a field, which is in snake case.
    pub(crate) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
            Self::Pascal => pascal(name),
            Self::Camel => lower_first(&pascal(name)),
        }
    }

    /// The name of a variant, which is in Pascal case.
    pub(crate) fn variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => lower_first(name),
            Self::Snake => snake(name),
            Self::ScreamingSnake => snake(name).to_ascii_uppercase(),
            Self::Kebab => snake(name).replace('_', "-"),
            Self::ScreamingKebab => snake(name).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(name: &str) -> String {
    name.split('_').map(upper_first).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn upper_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_fields_and_variants_as_serde_does() {
        for (rule, field, variant) in [
            ("lowercase", "file_mode", "plaintext"),
            ("UPPERCASE", "FILE_MODE", "PLAINTEXT"),
            ("PascalCase", "FileMode", "PlainText"),
            ("camelCase", "fileMode", "plainText"),
            ("snake_case", "file_mode", "plain_text"),
            ("SCREAMING_SNAKE_CASE", "FILE_MODE", "PLAIN_TEXT"),
            ("kebab-case", "file-mode", "plain-text"),
            ("SCREAMING-KEBAB-CASE", "FILE-MODE", "PLAIN-TEXT"),
        ] {
            let case = Case::named(rule).unwrap();
            assert_eq!(
                (case.field("file_mode").as_str(), case.variant("PlainText").as_str()),
                (field, variant)
            );
        }
        assert_eq!(Case::named("camel"), None);
    }
}
