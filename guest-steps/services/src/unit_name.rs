//! Names of units: `plain.service`, `template@.service`, `instance@of-it.service`.

/// One byte less than `UNIT_NAME_MAX`.
const LONGEST: usize = 255;

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A unit of its own.
    Plain,
    /// `a@.service`: needs an instance to become a unit.
    Template,
    /// `a@b.service`.
    Instance,
}

/// The suffixes, whether a link may give such a unit another name, and whether it may be a template.
const TYPES: [(&str, bool, bool); 11] = [
    ("service", true, true),
    ("socket", true, true),
    ("target", true, true),
    ("device", true, false),
    ("mount", false, false),
    ("automount", false, false),
    ("swap", false, false),
    ("timer", true, true),
    ("path", true, true),
    ("slice", false, false),
    ("scope", false, false),
];

/// The form of a valid name; `None` for any other text.
pub(crate) fn form(name: &str) -> Option<Form> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let valid =
        name.len() <= LONGEST && !stem.is_empty() && stem.bytes().all(|byte| byte == b'@' || is_plain(byte));
    if !valid || !TYPES.iter().any(|(known, ..)| *known == suffix) {
        return None;
    }
    match stem.split_once('@') {
        None => Some(Form::Plain),
        Some(("", _)) => None,
        Some((_, "")) => Some(Form::Template),
        Some(_) => Some(Form::Instance),
    }
}

/// Whether the text is the name of a unit.
pub(crate) fn is_valid(name: &str) -> bool {
    form(name).is_some()
}

/// The text behind the last dot.
pub(crate) fn suffix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

/// Whether units with this name's suffix may have names that are links.
pub(crate) fn may_alias(name: &str) -> bool {
    TYPES.iter().any(|(known, alias, _)| *known == suffix(name) && *alias)
}

/// Whether units with this name's suffix may be templates.
pub(crate) fn may_template(name: &str) -> bool {
    TYPES.iter().any(|(known, _, template)| *known == suffix(name) && *template)
}

/// What stands between `@` and the suffix: empty for a template, `None` for a plain name.
pub(crate) fn instance(name: &str) -> Option<&str> {
    let (stem, _) = name.rsplit_once('.')?;
    stem.split_once('@').map(|(_, instance)| instance)
}

/// What stands in front of `@` or, in a plain name, of the suffix.
pub(crate) fn prefix(name: &str) -> &str {
    let stem = prefix_and_instance(name);
    stem.split_once('@').map_or(stem, |(prefix, _)| prefix)
}

/// The name without its suffix.
pub(crate) fn prefix_and_instance(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The template of a template or an instance.
pub(crate) fn template(name: &str) -> Option<String> {
    matches!(form(name)?, Form::Template | Form::Instance)
        .then(|| format!("{}@.{}", prefix(name), suffix(name)))
}

/// The name with another instance; `None` when it is plain, or the result no valid name.
pub(crate) fn with_instance(name: &str, instance: &str) -> Option<String> {
    template(name)?;
    let new = format!("{}@{instance}.{}", prefix(name), suffix(name));
    (form(&new) == Some(Form::Instance) && is_instance_text(instance)).then_some(new)
}

/// Whether the text may stand behind `@`.
pub(crate) fn is_instance_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'@' || is_plain(byte))
}

/// The unit that a person means: adds `.service`, and escapes what no unit name may hold.
pub(crate) fn mangle(name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    if is_valid(name) {
        return Some(name.to_owned());
    }
    let mut mangled = String::with_capacity(name.len());
    for byte in name.bytes().take(LONGEST + 1) {
        match byte {
            b'/' => mangled.push('-'),
            b'@' => mangled.push('@'),
            byte if is_plain(byte) => mangled.push(char::from(byte)),
            byte => mangled.push_str(&format!("\\x{byte:02x}")),
        }
    }
    if !is_valid(&mangled) {
        mangled.push_str(".service");
    }
    is_valid(&mangled).then_some(mangled)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let cases = [
            ("a.service", Some(Form::Plain)),
            ("a.b.timer", Some(Form::Plain)),
            ("a@.service", Some(Form::Template)),
            ("a@b.service", Some(Form::Instance)),
            ("a@b@c.service", Some(Form::Instance)),
            ("@b.service", None),
            (".service", None),
            ("a", None),
            ("a.conf", None),
            ("a b.service", None),
            ("é.service", None),
            ("a/b.service", None),
        ];
        for (name, expected) in cases {
            assert_eq!(form(name), expected, "{name}");
        }
        assert_eq!(form(&format!("{}.service", "a".repeat(247))), Some(Form::Plain));
        assert_eq!(form(&format!("{}.service", "a".repeat(248))), None);
    }

    #[test]
    fn parts_are_found() {
        assert_eq!(prefix("a-b@c.d.service"), "a-b");
        assert_eq!(instance("a-b@c.d.service"), Some("c.d"));
        assert_eq!(instance("a@.service"), Some(""));
        assert_eq!(instance("a.service"), None);
        assert_eq!(template("a@b.service").as_deref(), Some("a@.service"));
        assert_eq!(template("a.service"), None);
        assert_eq!(with_instance("a@.service", "x").as_deref(), Some("a@x.service"));
        assert_eq!(with_instance("a@y.service", "x/"), None);
        assert_eq!(with_instance("a.service", "x"), None);
    }

    #[test]
    fn names_are_mangled_as_systemctl_mangles_them() {
        let cases = [
            ("foo", Some("foo.service")),
            ("foo.timer", Some("foo.timer")),
            ("foo@x", Some("foo@x.service")),
            ("foo@", Some("foo@.service")),
            ("foo bar", Some("foo\\x20bar.service")),
            ("foo.conf", Some("foo.conf.service")),
            ("é", Some("\\xc3\\xa9.service")),
            ("foo*", Some("foo\\x2a.service")),
            ("@x", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(mangle(name).as_deref(), expected, "{name}");
        }
        assert_eq!(mangle(&" ".repeat(1 << 20)), None);
    }
}
