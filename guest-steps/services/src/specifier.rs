//! `%` specifiers in `[Install]` sections.

use step_sdk::{Failure, FailureCode, Host, Result};

use crate::unit_name::{self, Form};

/// Bytes a result may have: no unit name is longer.
const LONGEST: usize = 255;

/// What specifiers about the unit are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) unit: &'a str,
    pub(crate) default_instance: Option<&'a str>,
}

/// Replaces the specifiers in a text. One that systemd does not know stays as it is.
///
/// # Errors
/// [`Failure`] for a fact that the image does not hold, or that only the running machine would know.
pub(crate) fn expand(text: &str, names: Names<'_>, host: &dyn Host) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            expanded.push(c);
        } else {
            match characters.next() {
                None => expanded.push('%'),
                Some('%') => expanded.push('%'),
                Some(specifier) => match value(specifier, names, host)? {
                    Some(value) => expanded.push_str(&value),
                    None => expanded.extend(['%', specifier]),
                },
            }
        }
        if expanded.len() > LONGEST {
            return Err(Failure::new(
                FailureCode::InvalidArgument,
                "a name in the section `[Install]` is too long",
            ));
        }
    }
    Ok(expanded)
}

fn value(specifier: char, names: Names<'_>, host: &dyn Host) -> Result<Option<String>> {
    let prefix = unit_name::prefix(names.unit);
    Ok(Some(match specifier {
        'i' => match unit_name::instance(names.unit) {
            Some(instance) if !instance.is_empty() => instance.to_owned(),
            _ => names.default_instance.unwrap_or_default().to_owned(),
        },
        'j' => prefix.rsplit('-').next().unwrap_or_default().to_owned(),
        'n' => match names.default_instance {
            Some(instance) if unit_name::form(names.unit) == Some(Form::Template) => {
                unit_name::with_instance(names.unit, instance)
                    .ok_or_else(|| Failure::other("the name of the default instance is too long"))?
            }
            _ => names.unit.to_owned(),
        },
        'N' => {
            let stem = unit_name::prefix_and_instance(names.unit);
            let instance = names.default_instance.filter(|_| stem.ends_with('@')).unwrap_or_default();
            format!("{stem}{instance}")
        }
        'p' => prefix.to_owned(),
        'u' | 'g' => "root".to_owned(),
        'U' | 'G' => "0".to_owned(),
        'a' => architecture(&host.architecture()),
        'm' => machine_id(host)?,
        'H' => host_name(host)?,
        'l' => host_name(host)?.split('.').next().unwrap_or_default().to_owned(),
        'o' => os_release(host, "ID")?,
        'w' => os_release(host, "VERSION_ID")?,
        'W' => os_release(host, "VARIANT_ID")?,
        'B' => os_release(host, "BUILD_ID")?,
        'M' => os_release(host, "IMAGE_ID")?,
        'A' => os_release(host, "IMAGE_VERSION")?,
        'b' | 'v' | 'q' => return Err(unknowable(specifier)),
        _ => return Ok(None),
    }))
}

fn unknowable(specifier: char) -> Failure {
    let message = format!("`%{specifier}` in the section `[Install]` is known only on the running machine");
    Failure::new(FailureCode::Unsupported, message)
}

/// systemd's word for what `uname -m` says.
fn architecture(machine: &str) -> String {
    match machine {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        "i386" | "i486" | "i586" | "i686" => "x86",
        "armv7l" | "armv6l" => "arm",
        other => other,
    }
    .to_owned()
}

fn machine_id(host: &dyn Host) -> Result<String> {
    let text = host.read_if_there("/etc/machine-id")?.unwrap_or_default();
    let id = String::from_utf8_lossy(text.trim_ascii()).to_ascii_lowercase();
    let valid = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then_some(id).ok_or_else(|| Failure::other("`%m` needs a machine ID, and the image has none yet"))
}

fn host_name(host: &dyn Host) -> Result<String> {
    let text = host.read_if_there("/etc/hostname")?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let name = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    name.map(str::to_owned).ok_or_else(|| Failure::other("`%H` needs a host name, and the image has none"))
}

/// A value of the image's `os-release`; empty when there is none.
fn os_release(host: &dyn Host, key: &str) -> Result<String> {
    let text = match host.read_if_there("/etc/os-release")? {
        Some(text) => text,
        None => host.read_if_there("/usr/lib/os-release")?.unwrap_or_default(),
    };
    let text = String::from_utf8_lossy(&text);
    let value = text.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('=')).next_back();
    Ok(value.unwrap_or_default().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{MemoryHost, Tree};

    fn host() -> MemoryHost {
        MemoryHost::new(
            Tree::new()
                .file("/etc/machine-id", "0123456789ABCDEF0123456789abcdef\n")
                .file("/etc/hostname", "# name\nweb.example\n")
                .file("/usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nIDX=no\n"),
        )
    }

    #[test]
    fn specifiers_are_replaced() {
        let cases = [
            ("a@b.service", None, "%i %n %N %p %j", "b a@b.service a@b a a"),
            ("x-y@.service", Some("d"), "%i %n %N %p %j", "d x-y@d.service x-y@d x-y y"),
            ("x-y@.service", None, "%i|%n|%N", "|x-y@.service|x-y@"),
            ("a.service", None, "%i%% %z %", "% %z %"),
            ("a.service", None, "%o-%w%W %u%U", "debian-12 root0"),
            ("a.service", None, "%m %H %l", "0123456789abcdef0123456789abcdef web.example web"),
        ];
        for (unit, default_instance, text, expected) in cases {
            let names = Names { unit, default_instance };
            assert_eq!(expand(text, names, &host()).unwrap(), expected, "{unit} {text}");
        }
    }

    #[test]
    fn facts_of_the_running_machine_are_refused() {
        let names = Names { unit: "a.service", default_instance: None };
        for text in ["%b", "%v", "%q"] {
            assert!(expand(text, names, &host()).is_err(), "{text}");
        }
        let empty = MemoryHost::new(Tree::new().file("/etc/machine-id", "uninitialized\n"));
        for text in ["%m", "%H", "%l"] {
            assert!(expand(text, names, &empty).is_err(), "{text}");
        }
        assert!(expand(&"%n".repeat(1 << 16), names, &host()).is_err());
    }
}
