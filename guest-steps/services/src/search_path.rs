//! Where units are looked for, and how paths of the image are told apart.

use step_sdk::{FailureCode, Host, Result};

/// Where links are made and removed.
pub(crate) const CONFIG: &str = "/etc/systemd/system";

/// In the order of systemd: what comes first wins.
const BEFORE_VENDOR: [&str; 10] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    CONFIG,
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
];
const LAST: &str = "/run/systemd/generator.late";

/// The directories of an image that may hold units.
#[derive(Clone, Debug)]
pub(crate) struct SearchPath {
    directories: Vec<&'static str>,
    /// Whether the image's systemd knows `UpheldBy=`.
    pub(crate) upholds: bool,
}

impl SearchPath {
    /// As the image's systemd was built. Debian's, up to version 254, names `/lib` before `/usr/lib`, although the one
    /// is a link to the other: its links point to `/lib`.
    pub(crate) fn of_image(host: &dyn Host) -> Result<Self> {
        const FIRST_WITHOUT_LIB: u32 = 255;
        const FIRST_WITH_UPHELD_BY: u32 = 254;
        let version = systemd_version(host)?;
        let is_debian = host.find("/var/lib/dpkg")?.is_some();
        let mut directories = BEFORE_VENDOR.to_vec();
        if is_debian && version.is_none_or(|version| version < FIRST_WITHOUT_LIB) {
            directories.push("/lib/systemd/system");
        }
        directories.extend(["/usr/lib/systemd/system", LAST]);
        Ok(Self { directories, upholds: version.is_some_and(|version| version >= FIRST_WITH_UPHELD_BY) })
    }

    /// Without the directories of generators: a generator makes units of init scripts.
    pub(crate) fn without_generated(&self) -> Self {
        let is_kept = |directory: &&'static str| !directory.starts_with("/run/systemd/generator");
        let directories = self.directories().filter(is_kept).collect();
        Self { directories, upholds: self.upholds }
    }

    /// The directories, the most important one first.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &'static str> {
        self.directories.iter().copied()
    }

    /// Whether the file lies right in one of the directories.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.directories().any(|directory| directory == parent(path))
    }

    /// Whether the path lies in one of the directories, however deep.
    pub(crate) fn is_above(&self, path: &str) -> bool {
        self.directories().any(|directory| is_below(path, directory))
    }
}

/// The number in `libsystemd-shared-NNN.so`.
fn systemd_version(host: &dyn Host) -> Result<Option<u32>> {
    let multiarch = format!("/usr/lib/{}-linux-gnu/systemd", host.architecture());
    for directory in [multiarch.as_str(), "/usr/lib/systemd", "/lib/systemd"] {
        let entries = host.list_directory(directory).or_else(|cause| match cause.code {
            FailureCode::NotFound | FailureCode::NotADirectory => Ok(Vec::new()),
            _ => Err(cause),
        })?;
        let version = |name: &str| -> Option<u32> {
            let digits = name.strip_prefix("libsystemd-shared-")?;
            digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        if let Some(version) = entries.iter().find_map(|entry| version(&entry.name)) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// Whether a unit file was put there by the administrator.
pub(crate) fn is_config(path: &str) -> bool {
    matches!(parent(path), CONFIG | "/run/systemd/system")
}

/// Whether a unit file was made by a program, for the running system only.
pub(crate) fn is_generated(path: &str) -> bool {
    matches!(
        parent(path),
        "/run/systemd/generator" | "/run/systemd/generator.early" | LAST | "/run/systemd/transient"
    )
}

/// The directory of a path without slashes at its end.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| if parent.is_empty() { "/" } else { parent })
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Where a path leads inside the image without following its last part: no `.`, no `..`, and no link before the last
/// part. What does not exist is taken as it is written.
pub(crate) fn resolve_parent(host: &dyn Host, path: &str) -> Result<String> {
    let name = file_name(path);
    if matches!(name, "" | "." | "..") {
        return resolve_existing(host, path);
    }
    let directory = resolve_existing(host, parent(path))?;
    Ok(join(&directory, name))
}

/// Where a path leads inside the image; what does not exist is taken as it is written.
pub(crate) fn resolve_existing(host: &dyn Host, path: &str) -> Result<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let mut there = parts.len();
    let mut resolved = loop {
        let existing = parts.get(..there).unwrap_or_default().join("/");
        match host.resolve(&format!("/{existing}")) {
            Ok(resolved) => break resolved,
            Err(cause) if there > 0 && cause.code == FailureCode::NotFound => there -= 1,
            Err(cause) => return Err(cause),
        }
    };
    for (number, part) in parts.iter().enumerate().skip(there) {
        let candidate = join(&resolved, part);
        resolved = match *part {
            ".." => parent(&resolved).to_owned(),
            _ if number == there => follow_dangling(host, candidate)?,
            _ => candidate,
        };
    }
    Ok(resolved)
}

/// The end of a chain of links whose last one leads to nothing.
fn follow_dangling(host: &dyn Host, mut path: String) -> Result<String> {
    const MOST_LINKS: usize = 40;
    for _ in 0..MOST_LINKS {
        let Ok(target) = host.read_link(&path) else {
            break;
        };
        let absolute = if target.starts_with('/') { target } else { join(parent(&path), &target) };
        let directory = host.resolve(parent(&absolute));
        match directory {
            Ok(directory) => path = join(&directory, file_name(&absolute)),
            Err(_) => return Ok(absolute),
        }
    }
    Ok(path)
}

/// A path below a directory.
pub(crate) fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use step_sdk::testing::{MemoryHost, Tree};

    #[test]
    fn the_directories_are_those_of_the_images_systemd() {
        let cases: [(&[&str], bool, bool); 5] = [
            (&["/var/lib/dpkg/status"], true, false),
            (
                &["/var/lib/dpkg/status", "/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so"],
                true,
                false,
            ),
            (
                &["/var/lib/dpkg/status", "/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so"],
                false,
                true,
            ),
            (&["/usr/lib/systemd/libsystemd-shared-255.so"], false, true),
            (&["/usr/lib/systemd/libsystemd-shared-250.3-1.azl.so"], false, false),
        ];
        for (files, lib, upholds) in cases {
            let tree = files.iter().fold(Tree::new(), |tree, file| tree.file(file, ""));
            let paths = SearchPath::of_image(&MemoryHost::new(tree)).unwrap();
            assert_eq!(paths.directories().any(|path| path == "/lib/systemd/system"), lib, "{files:?}");
            assert_eq!(paths.upholds, upholds, "{files:?}");
        }
    }

    #[test]
    fn paths_are_resolved_as_far_as_they_exist() {
        let tree = Tree::new()
            .symlink("/lib", "usr/lib")
            .directory("/usr/lib/x", 0o755)
            .symlink("/etc/a", "/lib/x/none")
            .symlink("/etc/b", "a")
            .symlink("/etc/loop", "loop");
        let host = MemoryHost::new(tree);
        let cases = [
            ("/lib/x/u", "/usr/lib/x/u"),
            ("/lib/x/../y/./z", "/usr/lib/y/z"),
            ("/none/../lib/x", "/lib/x"),
            ("/etc/b", "/usr/lib/x/none"),
            ("/", "/"),
            ("/../../etc", "/etc"),
        ];
        for (path, expected) in cases {
            assert_eq!(resolve_existing(&host, path).unwrap(), expected, "{path}");
        }
        assert_eq!(resolve_parent(&host, "/etc/b").unwrap(), "/etc/b");
        assert_eq!(resolve_existing(&host, "/etc/loop").unwrap_err().code, FailureCode::SymlinkLoop);
    }
}
