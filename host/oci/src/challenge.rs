//! `WWW-Authenticate`: how a server wants to be convinced (RFC 9110, section 11).

/// One way that a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// In lower case.
    pub scheme: String,
    /// Names in lower case, values without quotes.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter of this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// More than any server offers; the rest is not looked at.
const MOST: usize = 16;

/// The challenges of a header's value, as far as it keeps to the grammar.
#[must_use]
pub fn parse_challenges(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((name, after)) = token(rest) else { break };
        let after_spaces = after.trim_start_matches([' ', '\t']);
        match after_spaces.strip_prefix('=') {
            Some(value) => {
                let Some((value, after)) = parameter_value(value.trim_start_matches([' ', '\t'])) else {
                    break;
                };
                let Some(challenge) =
                    challenges.last_mut().filter(|challenge| challenge.parameters.len() < MOST)
                else {
                    break;
                };
                challenge.parameters.push((name.to_ascii_lowercase(), value));
                rest = after;
            }
            None if challenges.len() == MOST => break,
            None => {
                challenges.push(Challenge { scheme: name.to_ascii_lowercase(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
    challenges
}

/// A word of the grammar, and what follows.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// A word or a quoted text, and what follows.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scheme with its parameters.
    type Expected = (&'static str, &'static [(&'static str, &'static str)]);

    #[test]
    fn challenges_are_read_with_their_parameters() {
        let cases: [(&str, &[Expected]); 8] = [
            (
                r#"Bearer realm="https://auth.example/token",service="reg.example",scope="repository:a/b:pull,push""#,
                &[(
                    "bearer",
                    &[
                        ("realm", "https://auth.example/token"),
                        ("service", "reg.example"),
                        ("scope", "repository:a/b:pull,push"),
                    ],
                )],
            ),
            (
                r#"Basic realm="x", Bearer realm = y"#,
                &[("basic", &[("realm", "x")]), ("bearer", &[("realm", "y")])],
            ),
            (
                r#"Negotiate, Basic Realm="a\"b\\c""#,
                &[("negotiate", &[]), ("basic", &[("realm", "a\"b\\c")])],
            ),
            ("", &[]),
            ("=x", &[]),
            (r#"Bearer realm="never ends"#, &[("bearer", &[])]),
            (r#"Bearer realm="a\"#, &[("bearer", &[])]),
            (r#"realm="x""#, &[]),
        ];
        for (value, expected) in cases {
            let found = parse_challenges(value);
            let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let expected: Vec<Challenge> = expected
                .iter()
                .map(|(scheme, parameters)| Challenge {
                    scheme: (*scheme).to_owned(),
                    parameters: parameters.iter().map(text).collect(),
                })
                .collect();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn endless_challenges_are_cut() {
        assert_eq!(parse_challenges(&"a,".repeat(10_000)).len(), MOST);
        assert_eq!(
            parse_challenges(&format!("a {}", "b=c,".repeat(10_000))).first().unwrap().parameters.len(),
            MOST
        );
    }
}
