//! Patterns of absolute paths, as grants of file access are written.
//!
//! A path is the resolved one: absolute, without `.`, `..`, links or doubled `/`. Nothing here looks at files.

use std::fmt;
use std::str::FromStr;

/// Bytes a pattern may have: those of the longest path.
const LONGEST: usize = 4095;
/// `**` in one pattern at most: each makes matching slower.
const MOST_DEPTHS: usize = 4;

/// A pattern of absolute paths: `*` and `?` stand for characters within one name, `**` as a whole name for any number of
/// names, none included. So `/etc/**` matches `/etc` too, and `/**` everything.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Part {
    /// One name as it is.
    Name(Box<[u8]>),
    /// One name with `*` or `?` in it.
    Wildcard(Box<[u8]>),
    /// Any number of names.
    AnyDepth,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParsePatternError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// A name in it is empty: `//`, or `/` at the end.
    EmptyName,
    /// A name in it is `.` or `..`, which no resolved path holds.
    Dots,
    /// `**` beside other characters.
    PartOfName,
    /// More than four `**`.
    TooDeep,
    /// More than 4095 bytes.
    TooLong,
    /// A control character.
    ControlCharacter,
}

impl ParsePatternError {
    /// What the person can do.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::NotAbsolute => "write the path from the image's root on, as in `/etc/motd`",
            Self::EmptyName => "write `/etc/motd.d/**` for a directory with all that is below it",
            Self::Dots => "write the place that is meant, without `.` and `..`",
            Self::PartOfName => "write `**` as a name of its own, as in `/etc/**/*.conf`, or a single `*`",
            Self::TooDeep => "split the pattern into several",
            Self::TooLong => "no path of an image is that long",
            Self::ControlCharacter => "write `?` for the character",
        }
    }
}

impl fmt::Display for ParsePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => f.write_str("a pattern begins with `/`"),
            Self::EmptyName => f.write_str("a name in the pattern is empty"),
            Self::Dots => f.write_str("a name in the pattern is `.` or `..`"),
            Self::PartOfName => f.write_str("`**` stands for whole names and cannot be part of one"),
            Self::TooDeep => write!(f, "the pattern holds more than {MOST_DEPTHS} `**`"),
            Self::TooLong => write!(f, "the pattern has more than {LONGEST} bytes"),
            Self::ControlCharacter => f.write_str("the pattern holds a control character"),
        }
    }
}

impl std::error::Error for ParsePatternError {}

impl FromStr for PathPattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, ParsePatternError> {
        if text.len() > LONGEST {
            return Err(ParsePatternError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(ParsePatternError::ControlCharacter);
        }
        let names = text.strip_prefix('/').ok_or(ParsePatternError::NotAbsolute)?;
        let parts = if names.is_empty() {
            Vec::new()
        } else {
            names.split('/').map(Part::parse).collect::<Result<Vec<_>, _>>()?
        };
        if parts.iter().filter(|part| matches!(part, Part::AnyDepth)).count() > MOST_DEPTHS {
            return Err(ParsePatternError::TooDeep);
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl PathPattern {
    /// The text of a pattern as it stands in a list of YAML: in quotes where it has to be.
    #[must_use]
    pub fn in_yaml(text: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@*".contains(&byte);
        if text.starts_with('/') && text.bytes().all(plain) {
            return text.to_owned();
        }
        let mut quoted = String::from('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => quoted.extend(['\\', character]),
                _ if character.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => quoted.push(character),
            }
        }
        quoted + "\""
    }

    /// The narrowest pattern that matches `path`, which must be resolved. Characters that mean something in patterns,
    /// control characters and bytes that are not UTF-8 become `?`.
    #[must_use]
    pub fn of(path: &[u8]) -> Self {
        let mut text = String::with_capacity(path.len());
        let mut parts = Vec::new();
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let start = text.len() + 1;
            text.push('/');
            push_name(&mut text, name);
            let name = text.get(start..).unwrap_or_default();
            parts.push(if name.contains('?') { Part::wildcard(name) } else { Part::name(name) });
        }
        if text.is_empty() {
            text.push('/');
        }
        Self { text, parts }
    }

    /// The pattern for a directory and all that is below it.
    #[must_use]
    pub fn below(directory: &[u8]) -> Self {
        let mut pattern = Self::of(directory);
        if pattern.text == "/" {
            pattern.text.clear();
        }
        pattern.text.push_str("/**");
        pattern.parts.push(Part::AnyDepth);
        pattern
    }

    /// The pattern for whatever is in a directory, and not for what is below that.
    #[must_use]
    pub fn within(directory: &[u8]) -> Self {
        let mut pattern = Self::of(directory);
        if pattern.text == "/" {
            pattern.text.clear();
        }
        pattern.text.push_str("/*");
        pattern.parts.push(Part::wildcard("*"));
        pattern
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches the resolved path. What is not absolute is never matched.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        let Some((b'/', names)) = path.split_first() else { return false };
        let mut parts = self.parts.as_slice();
        let mut rest = Some(names).filter(|names| !names.is_empty());
        // Where the last `**` began: what follows it, and the names it has not taken yet.
        let mut retry: Option<(&[Part], &[u8])> = None;
        loop {
            match (parts.split_first(), rest.map(split_name)) {
                (None, None) => return true,
                (Some((Part::AnyDepth, after)), _) => {
                    if after.is_empty() {
                        return true;
                    }
                    parts = after;
                    retry = rest.map(|rest| (after, rest));
                }
                (Some((part, after)), Some((name, left))) if part.is(name) => {
                    parts = after;
                    rest = left;
                }
                _ => {
                    let Some((after, names)) = retry else { return false };
                    let (_, left) = split_name(names);
                    parts = after;
                    rest = left;
                    retry = left.map(|left| (after, left));
                }
            }
        }
    }

    /// Whether the pattern matches the path and has no wildcard in its last name, so that whoever wrote it meant this
    /// very file.
    #[must_use]
    pub fn names(&self, path: &[u8]) -> bool {
        matches!(self.parts.last(), Some(Part::Name(_))) && self.matches(path)
    }

    /// The path that all matches begin with: the names before the first wildcard.
    #[must_use]
    pub fn fixed(&self) -> &str {
        let len: usize = self.fixed_names().map(|name| name.len() + 1).sum();
        self.text.get(..len.max(1)).unwrap_or_default()
    }

    /// The pattern with the resolved path `place` instead of its [fixed](Self::fixed) names.
    #[must_use]
    pub fn moved_to(&self, place: &[u8]) -> Self {
        let mut pattern = Self::of(place);
        let skipped = self.fixed_names().count();
        for (part, name) in self.parts.iter().zip(self.text.split('/').skip(1)).skip(skipped) {
            if pattern.text == "/" {
                pattern.text.clear();
            }
            pattern.text.push('/');
            pattern.text.push_str(name);
            pattern.parts.push(part.clone());
        }
        pattern
    }

    fn fixed_names(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map_while(|part| match part {
            Part::Name(name) => Some(&**name),
            _ => None,
        })
    }

    /// Whether the pattern may match something below the directory at the resolved path.
    #[must_use]
    pub fn may_match_below(&self, directory: &[u8]) -> bool {
        let mut parts = self.parts.iter();
        for name in directory.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            match parts.next() {
                Some(Part::AnyDepth) => return true,
                Some(part) if part.is(name) => {}
                _ => return false,
            }
        }
        parts.next().is_some()
    }

    /// Whether the pattern ends in `**` and so matches all that is below what it matches.
    #[must_use]
    pub fn is_recursive(&self) -> bool {
        matches!(self.parts.last(), Some(Part::AnyDepth))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    fn parse(name: &str) -> Result<Self, ParsePatternError> {
        match name {
            "" => Err(ParsePatternError::EmptyName),
            "." | ".." => Err(ParsePatternError::Dots),
            "**" => Ok(Self::AnyDepth),
            _ if name.contains("**") => Err(ParsePatternError::PartOfName),
            _ if name.contains(['*', '?']) => Ok(Self::wildcard(name)),
            _ => Ok(Self::name(name)),
        }
    }

    fn name(name: &str) -> Self {
        Self::Name(name.as_bytes().into())
    }

    fn wildcard(name: &str) -> Self {
        Self::Wildcard(name.as_bytes().into())
    }

    fn is(&self, name: &[u8]) -> bool {
        match self {
            Self::Name(own) => **own == *name,
            Self::Wildcard(pattern) => matches_name(pattern, name),
            Self::AnyDepth => false,
        }
    }
}

/// The first name of a path without its leading `/`, and what comes behind it.
fn split_name(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut halves = path.splitn(2, |byte| *byte == b'/');
    (halves.next().unwrap_or_default(), halves.next())
}

/// Whether a name fits a pattern with `*` and `?`.
fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => return true,
            (Some((b'*', after)), _) => {
                pattern = after;
                retry = Some((after, name));
            }
            (Some((b'?', after)), Some(_)) => {
                pattern = after;
                name = without_character(name);
            }
            (Some((one, after)), Some((other, left))) if one == other => {
                pattern = after;
                name = left;
            }
            _ => match retry {
                Some((after, from)) if !from.is_empty() => {
                    let left = without_character(from);
                    pattern = after;
                    name = left;
                    retry = Some((after, left));
                }
                _ => return false,
            },
        }
    }
}

/// What is left of a name behind its first character; a byte that begins none counts as one.
fn without_character(name: &[u8]) -> &[u8] {
    let len = match name.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let whole = name.get(..len).is_some_and(|first| std::str::from_utf8(first).is_ok());
    name.get(if whole { len } else { 1 }..).unwrap_or_default()
}

fn push_name(text: &mut String, mut name: &[u8]) {
    while !name.is_empty() {
        let left = without_character(name);
        let first = name.get(..name.len() - left.len()).unwrap_or_default();
        match std::str::from_utf8(first) {
            Ok(character) if !character.contains(|c: char| c.is_control() || c == '*' || c == '?') => {
                text.push_str(character);
            }
            _ => text.push('?'),
        }
        name = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_what_they_say() {
        let cases: [(&str, &[&str], &[&str]); 15] = [
            ("/", &["/"], &["/a", ""]),
            ("/etc/motd", &["/etc/motd"], &["/etc", "/etc/motd/x", "/etc/motd2", "etc/motd", "/Etc/motd"]),
            ("/etc/*", &["/etc/a", "/etc/.hidden"], &["/etc", "/etc/a/b"]),
            ("/etc/*.conf", &["/etc/a.conf", "/etc/.conf"], &["/etc/a.conf.d", "/etc/a/b.conf"]),
            ("/etc/?", &["/etc/a", "/etc/ü", "/etc/\u{10348}"], &["/etc/ab", "/etc"]),
            ("/etc/**", &["/etc", "/etc/a", "/etc/a/b/c"], &["/etcetera", "/", "/usr/etc"]),
            ("/**", &["/", "/a", "/a/b"], &["", "a"]),
            ("/a/**/b", &["/a/b", "/a/x/b", "/a/x/y/b", "/a/b/b"], &["/a", "/a/b/c", "/b", "/a/xb"]),
            ("/**/b", &["/b", "/a/b", "/b/b"], &["/", "/b/c"]),
            ("/a/**/b/**/c", &["/a/b/c", "/a/1/b/2/c", "/a/b/b/c/c"], &["/a/c/b", "/a/c"]),
            ("/a/**/*.d/**", &["/a/x.d", "/a/1/x.d/2/3"], &["/a/x", "/a"]),
            (
                "/home/*/.ssh/**",
                &["/home/me/.ssh", "/home/me/.ssh/id"],
                &["/home/.ssh/id", "/home/a/b/.ssh/x"],
            ),
            ("/a/*b*c*", &["/a/bc", "/a/xbxcx", "/a/bbcc"], &["/a/cb", "/a/b"]),
            ("/a/**/**", &["/a", "/a/b/c"], &["/"]),
            ("/a b/[c]{d}\\", &["/a b/[c]{d}\\"], &["/a b/c"]),
        ];
        for (text, yes, no) in cases {
            for path in yes {
                assert!(pattern(text).matches(path.as_bytes()), "{text} is to match {path}");
            }
            for path in no {
                assert!(!pattern(text).matches(path.as_bytes()), "{text} is not to match {path}");
            }
        }
    }

    #[test]
    fn names_that_are_not_utf8_are_matched_by_wildcards() {
        assert!(pattern("/a/*").matches(b"/a/\xff\xfe"));
        assert!(pattern("/a/??").matches(b"/a/\xff\xfe"));
        assert!(!pattern("/a/?").matches(b"/a/\xff\xfe"));
        assert!(pattern("/a/?b").matches(b"/a/\xc3b"), "a character that breaks off is one byte");
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        use ParsePatternError as E;
        let long = "/a".repeat(2048);
        let cases = [
            ("", E::NotAbsolute),
            ("etc/motd", E::NotAbsolute),
            ("/etc/", E::EmptyName),
            ("/etc//motd", E::EmptyName),
            ("//", E::EmptyName),
            ("/etc/../root", E::Dots),
            ("/./etc", E::Dots),
            ("/etc/**.conf", E::PartOfName),
            ("/etc/***", E::PartOfName),
            ("/**/a/**/b/**/c/**/d/**", E::TooDeep),
            ("/etc/\u{1b}[2J", E::ControlCharacter),
            ("/etc/a\nb", E::ControlCharacter),
            (&long, E::TooLong),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<PathPattern>(), Err(expected), "{text}");
            assert!(!expected.hint().is_empty() && !expected.to_string().is_empty());
        }
    }

    #[test]
    fn only_a_last_name_without_wildcards_names_a_file() {
        for (text, named) in [
            ("/etc/shadow", true),
            ("/*/shadow", true),
            ("/**/shadow", true),
            ("/etc/shado?", false),
            ("/etc/*", false),
            ("/etc/**", false),
            ("/**", false),
        ] {
            assert!(pattern(text).matches(b"/etc/shadow"), "{text}");
            assert_eq!(pattern(text).names(b"/etc/shadow"), named, "{text}");
        }
        assert!(!pattern("/etc/shadow").names(b"/etc/shadow-"));
    }

    #[test]
    fn the_fixed_names_of_a_pattern_can_be_moved() {
        for (text, fixed, moved) in [
            ("/", "/", "/a/b"),
            ("/etc/motd", "/etc/motd", "/a/b"),
            ("/etc/**", "/etc", "/a/b/**"),
            ("/etc/*/x/**", "/etc", "/a/b/*/x/**"),
            ("/**", "/", "/a/b/**"),
            ("/*.d/x", "/", "/a/b/*.d/x"),
        ] {
            let original = pattern(text);
            assert_eq!(original.fixed(), fixed, "{text}");
            assert_eq!(original.moved_to(b"/a/b"), pattern(moved), "{text}");
            assert_eq!(original.moved_to(fixed.as_bytes()), original, "{text}");
        }
        assert_eq!(pattern("/a/*").moved_to(b"/"), pattern("/*"));
    }

    #[test]
    fn a_directory_is_entered_only_where_something_can_match() {
        for (text, yes, no) in [
            ("/etc/ssh/*_key", &["/", "/etc", "/etc/ssh"][..], &["/usr", "/etc/ssh/a", "/etc/ssh/a_key"][..]),
            (
                "/home/*/.ssh/**",
                &["/home", "/home/me", "/home/me/.ssh", "/home/me/.ssh/a/b"],
                &["/home/me/x"],
            ),
            ("/**/b", &["/", "/a/b/c"], &[]),
        ] {
            for path in yes {
                assert!(pattern(text).may_match_below(path.as_bytes()), "{text}: {path}");
            }
            for path in no {
                assert!(!pattern(text).may_match_below(path.as_bytes()), "{text}: {path}");
            }
        }
    }

    #[test]
    fn the_pattern_of_a_path_matches_it_and_reads_back() {
        for (path, text) in [
            (&b"/"[..], "/"),
            (b"/etc/motd", "/etc/motd"),
            (b"/etc/a*b?c", "/etc/a?b?c"),
            (b"/etc/**", "/etc/??"),
            (b"/etc/\xff\xfex", "/etc/??x"),
            (b"/etc/a\nb", "/etc/a?b"),
            ("/etc/ü".as_bytes(), "/etc/ü"),
        ] {
            let exact = PathPattern::of(path);
            assert_eq!(exact.as_str(), text);
            assert!(exact.matches(path), "{text}");
            assert_eq!(pattern(text), exact);
            let below = PathPattern::below(path);
            assert!(below.matches(path) && below.is_recursive(), "{below}");
            assert_eq!(pattern(below.as_str()), below);
        }
    }

    #[test]
    fn matching_takes_no_long_time_whatever_the_pattern() {
        let worst = pattern(&format!("/{}b/**/{}b", "a*".repeat(200), "a*".repeat(200)));
        let name = "a".repeat(255);
        let path = format!("/{name}").repeat(15);
        let start = std::time::Instant::now();
        assert!(!worst.matches(path.as_bytes()));
        let deep = pattern("/**/a/**/a/**/a/**/b");
        assert!(!deep.matches("/a".repeat(2000).as_bytes()));
        assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    }

    #[test]
    fn a_pattern_stands_in_yaml_in_quotes_where_it_has_to() {
        for (text, yaml) in [
            ("/etc/motd.d/**", "/etc/motd.d/**"),
            ("/a*_-+@9", "/a*_-+@9"),
            // In brackets, the reader takes `?` for the end of a plain text.
            ("/a?", "\"/a?\""),
            ("/a, b", "\"/a, b\""),
            ("/a\"\\b", r#""/a\"\\b""#),
            ("/ü\n", "\"/ü\\u000a\""),
            ("", "\"\""),
            ("*", "\"*\""),
        ] {
            assert_eq!(PathPattern::in_yaml(text), yaml);
        }
    }
}
