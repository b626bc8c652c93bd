//! Paths as text: what can be done to them without looking into the image.

/// The path without `.`, `..`, empty names and a trailing `/`; absolute. `..` does not climb above the root.
///
/// Links are not looked at: `/link/..` becomes `/`, wherever the link leads. This is how a destination in an image
/// definition is read.
#[must_use]
pub fn normalize(path: &str) -> String {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// The path without its last name; `None` for the root.
#[must_use]
pub fn parent(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    match path.rfind('/') {
        _ if path.is_empty() => None,
        Some(0) | None => Some("/"),
        Some(slash) => path.get(..slash),
    }
}

/// `name` below `directory`; `directory` may be empty, for what is relative to a root.
#[must_use]
pub fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        _ => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_path_is_absolute_and_has_nothing_to_resolve_but_links() {
        for (path, normal) in [
            ("etc/x", "/etc/x"),
            ("/etc//./x/", "/etc/x"),
            ("/opt/../opt/x", "/opt/x"),
            ("../../etc", "/etc"),
            ("/a/..", "/"),
            ("", "/"),
        ] {
            assert_eq!(normalize(path), normal, "{path}");
        }
    }

    #[test]
    fn parent_and_join_are_opposites() {
        for (path, above) in
            [("/a/b", Some("/a")), ("/a", Some("/")), ("/", None), ("", None), ("a", Some("/"))]
        {
            assert_eq!(parent(path), above, "{path}");
        }
        for (directory, name, joined) in
            [("/", "a", "/a"), ("/a", "b", "/a/b"), ("", "a", "a"), ("a", "b", "a/b")]
        {
            assert_eq!(join(directory, name), joined);
        }
    }
}
