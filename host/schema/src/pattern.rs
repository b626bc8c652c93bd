//! Patterns of texts: the dialect of ECMA-262, as far as an engine of linear time can serve it.

use crate::error::clip;
use regex_lite::{Regex, RegexBuilder};

/// Bytes that a compiled pattern may have: the first size that holds it tells how much a match costs.
const SIZES: [usize; 4] = [1 << 10, 4 << 10, 16 << 10, 64 << 10];
/// Bytes of a pattern's text.
const LONGEST: usize = 4 << 10;
/// Bytes of compiled pattern and bytes of text that make one evaluation.
const WORK: usize = 2048;

/// A pattern, as it was written and compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub(crate) text: String,
    regex: Regex,
    size: usize,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is not supported.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the pattern has more than {LONGEST} bytes"));
        }
        let translated = translate(text);
        let mut problem = String::new();
        for size in SIZES {
            match RegexBuilder::new(&translated).size_limit(size).nest_limit(50).build() {
                Ok(regex) => return Ok(Self { text: text.to_owned(), regex, size }),
                Err(error) => problem = error.to_string(),
            }
        }
        Err(format!(
            "the pattern `{}` cannot be used (look-around and back references are not supported): {problem}",
            clip(text)
        ))
    }

    /// Whether it is found in `text`.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// What a match costs, in evaluations: its time is bounded by the product of both lengths.
    pub(crate) fn cost(&self, text: &str) -> u64 {
        let work = self.size.saturating_mul(text.len()) / WORK;
        u64::try_from(work).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// The pattern in the engine's own dialect: brackets and operators in classes mean nothing in ECMA-262, `\/` is a slash,
/// and `\d`, `\w`, `\s` are what they are there.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('/') => out.push('/'),
                Some('-') if !in_class => out.push('-'),
                Some(escaped) => out.extend(['\\', escaped]),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str("\\["),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                // In ECMA-262 a bracket right behind the opening one closes the class, which is then empty.
                let empty = chars.next_if_eq(&']').is_some();
                match (negated, empty) {
                    (false, true) => out.push_str(r"[^\x00-\x{10FFFF}]"),
                    (true, true) => out.push_str(r"[\x00-\x{10FFFF}]"),
                    (negated, false) => {
                        in_class = true;
                        out.push_str(if negated { "[^" } else { "[" });
                    }
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_ecma_262() {
        let cases = [
            ("^a+$", "aa", true),
            ("b", "abc", true),
            (r"^\d{2}$", "42", true),
            (r"^\d$", "\u{661}", false),
            (r"^\w+$", "ä", false),
            (r"^[\w.-]+$", "a.b-c", true),
            (r"^\/etc\/", "/etc/motd", true),
            (r"^[[]$", "[", true),
            (r"^[a&&b]+$", "&a", true),
            (r"^[^/]+$", "a/b", false),
            (r"^\u0041$", "A", true),
            (r"^(?:a|b)?c$", "bc", true),
            (r"[]", "a", false),
            (r"^[^]$", "\n", true),
            ("^ä$", "ä", true),
            ("^.$", "\u{1F600}", true),
        ];
        for (pattern, text, expected) in cases {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.is_match(text), expected, "{} {text}", pattern.text);
        }
    }

    #[test]
    fn patterns_that_cannot_be_served_in_linear_time_are_refused() {
        let long = "a".repeat(LONGEST + 1);
        let deep = "(".repeat(60) + &")".repeat(60);
        for pattern in [r"(?=a)b", r"(a)\1", r"(?<!a)b", r"a{1000}{1000}{1000}", "(", &long, &deep] {
            assert!(Pattern::parse(pattern).is_err(), "{}", &pattern[..pattern.len().min(30)]);
        }
    }

    #[test]
    fn a_pattern_that_backtracks_elsewhere_takes_no_time_here() {
        let pattern = Pattern::parse("^(a+)+$").unwrap();
        let start = std::time::Instant::now();
        assert!(!pattern.is_match(&("a".repeat(20_000) + "b")));
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }
}
