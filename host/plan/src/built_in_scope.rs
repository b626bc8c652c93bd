//! What each built-in step may touch in the image. The steps are held to it as anyone's are.
//!
//! The patterns are as the settings name the places; whoever runs the step resolves them in the image, so that `/lib/x`
//! is meant where `/lib` leads.

use crate::plan::{BuiltIn, Scope};
use serde_json::Value;
use units::PathPattern;

/// Reads a text file of the image; `None` when it is not there.
pub type ImageText<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

impl BuiltIn {
    /// The scope of the step with these settings. Where it depends on what the image says of its users, `image` is asked.
    #[must_use]
    pub fn scope(self, settings: &Value, image: ImageText<'_>) -> Scope {
        match self {
            Self::Hostname => writes(["/etc/hostname"]),
            Self::ReleaseFile => writes(["/etc/image-customizer-release"]),
            Self::History => writes(["/usr/share/image-customizer/history.json"]),
            Self::Modules => writes([
                "/etc/modules-load.d",
                "/etc/modules-load.d/modules-load.conf",
                "/etc/modprobe.d",
                "/etc/modprobe.d/modules-disabled.conf",
                "/etc/modprobe.d/module-options.conf",
            ]),
            Self::Groups => Scope { read: None, ..writes(["/etc/group", "/etc/gshadow"]) },
            Self::Services => services(),
            Self::Files => Scope {
                write: destinations(settings, "files").iter().map(|path| exactly(path)).collect(),
                ..writes([])
            },
            Self::Directories => Scope {
                write: destinations(settings, "directories").iter().map(|path| below(path)).collect(),
                ..writes([])
            },
            Self::Users => users(settings, image),
        }
    }

    /// Whether the step may write files that hold secrets without naming them: it puts what the configuration gives it
    /// where the configuration says, and that may be a directory with keys in it.
    #[must_use]
    pub fn writes_secrets(self) -> bool {
        matches!(self, Self::Users | Self::Directories | Self::Files)
    }
}

/// Reading and writing these, and nothing else.
fn writes<const COUNT: usize>(paths: [&str; COUNT]) -> Scope {
    Scope { read: Some(Vec::new()), write: paths.iter().map(|path| exactly(path)).collect(), nodes: false }
}

/// Units are read wherever links lead; what is made are links below `/etc/systemd/system` and for SysV scripts.
fn services() -> Scope {
    let levels = ["0", "1", "2", "3", "4", "5", "6", "S"];
    let mut write = vec![below("/etc/systemd/system")];
    write.extend(levels.iter().map(|level| below(&format!("/etc/rc{level}.d"))));
    let read = vec![below("/"), exactly("/etc/machine-id")];
    Scope { read: Some(read), write, nodes: false }
}

/// The tables of users and groups, and what belongs to the users: homes and mailboxes.
fn users(settings: &Value, image: ImageText<'_>) -> Scope {
    let tables = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];
    let mut write: Vec<PathPattern> = tables.iter().map(|path| exactly(path)).collect();
    let passwd = image("/etc/passwd").unwrap_or_default();
    let base = setting(&image("/etc/default/useradd").unwrap_or_default(), "HOME", '=')
        .unwrap_or_else(|| "/home".to_owned());
    let mail = setting(&image("/etc/login.defs").unwrap_or_default(), "MAIL_DIR", ' ')
        .unwrap_or_else(|| "/var/mail".to_owned());
    for user in list(settings, "users") {
        let name = user.get("name").and_then(Value::as_str).unwrap_or_default();
        let asked = user.get("homeDirectory").and_then(Value::as_str).filter(|home| !home.is_empty());
        let homes = [asked.map(str::to_owned), home_of(&passwd, name)];
        let mut homes: Vec<String> = homes.into_iter().flatten().collect();
        if homes.is_empty() {
            homes.push(format!("{base}/{name}"));
        }
        write.extend(homes.iter().map(|home| below(&normal(home))));
        write.push(exactly(&normal(&format!("{mail}/{name}"))));
    }
    Scope { read: None, write, nodes: false }
}

/// The home directory of a user who is there.
fn home_of(passwd: &str, name: &str) -> Option<String> {
    let fields = passwd.lines().map(|line| line.split(':'));
    let mut mine = fields.filter(|fields| fields.clone().next() == Some(name));
    mine.next().and_then(|mut fields| fields.nth(5)).filter(|home| home.starts_with('/')).map(str::to_owned)
}

/// The value of the last line that sets `name`, quotation marks left out.
fn setting(text: &str, name: &str, separator: char) -> Option<String> {
    let value = |line: &str| {
        let rest = line.trim().strip_prefix(name)?;
        let blank = |c: char| c == separator || (separator == ' ' && c == '\t');
        rest.starts_with(blank).then(|| rest.trim_matches(|c: char| blank(c) || c == '"').to_owned())
    };
    text.lines().filter_map(value).next_back().filter(|value| value.starts_with('/'))
}

fn destinations(settings: &Value, key: &str) -> Vec<String> {
    let text = |item: &Value| item.get("destination").and_then(Value::as_str).map(normal);
    list(settings, key).iter().filter_map(text).collect()
}

fn list<'a>(settings: &'a Value, key: &str) -> &'a [Value] {
    settings.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The path from the root on, without `.`, `..` and doubled `/`: as the steps take their settings.
fn normal(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

fn exactly(path: &str) -> PathPattern {
    PathPattern::of(path.as_bytes())
}

fn below(path: &str) -> PathPattern {
    PathPattern::below(path.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(path: &str) -> Option<String> {
        let text = match path {
            "/etc/passwd" => "root:x:0:0::/root:/bin/sh\nweb:x:1:1::/srv/web:/bin/sh\nodd:x:2\n",
            "/etc/default/useradd" => "# HOME=/no\nHOME=/people\n",
            "/etc/login.defs" => "MAIL_DIR\t\"/var/spool/mail\"\nMAIL_DIRS /no\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn write(step: BuiltIn, settings: &Value) -> Vec<String> {
        let scope = step.scope(settings, &mut image);
        scope.write.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn destinations_are_meant_from_the_root() {
        let files = json!({ "files": [
            { "artifact": "a", "destination": "etc/x" },
            { "artifact": "a", "destination": "/opt/../srv//./y" },
            { "artifact": "a", "destination": "/a*b" },
        ]});
        assert_eq!(write(BuiltIn::Files, &files), ["/etc/x", "/srv/y", "/a?b"]);
        let directories =
            json!({ "directories": [{ "artifact": "a", "destination": "/opt/a/" }, { "destination": "/" }] });
        assert_eq!(write(BuiltIn::Directories, &directories), ["/opt/a/**", "/**"]);
    }

    #[test]
    fn users_have_their_homes_where_settings_or_image_say() {
        let users = json!({ "users": [
            { "name": "root" },
            { "name": "web", "homeDirectory": "/home/web2/" },
            { "name": "new" },
            { "name": "odd" },
        ]});
        let written = write(BuiltIn::Users, &users);
        assert_eq!(
            written.get(6..).unwrap(),
            [
                "/root/**",
                "/var/spool/mail/root",
                "/home/web2/**",
                "/srv/web/**",
                "/var/spool/mail/web",
                "/people/new/**",
                "/var/spool/mail/new",
                "/people/odd/**",
                "/var/spool/mail/odd",
            ]
        );
        let bare = BuiltIn::Users.scope(&json!({ "users": [{ "name": "a" }] }), &mut |_| None);
        assert!(bare.write.iter().any(|pattern| pattern.as_str() == "/home/a/**"));
    }

    #[test]
    fn no_step_makes_nodes_and_all_but_two_read_only_what_they_name() {
        for step in BuiltIn::ALL {
            let scope = step.scope(&json!({}), &mut image);
            assert!(!scope.nodes, "{}", step.name());
            let wide = matches!(step, BuiltIn::Groups | BuiltIn::Users);
            assert_eq!(scope.read.is_none(), wide, "{}", step.name());
        }
    }
}
