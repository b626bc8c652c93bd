//! Reads `fstab`, as fstab(5) describes it. Which partition a source means is for the caller to find out.

use std::fmt;

/// What a line mounts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// `UUID=`: of the file system.
    Uuid(String),
    /// `LABEL=`: of the file system.
    Label(String),
    /// `PARTUUID=`: of the partition.
    PartUuid(String),
    /// `PARTLABEL=`: of the partition.
    PartLabel(String),
    /// A path below `/dev`.
    Device(String),
    /// Anything else: `tmpfs`, `overlay`, a network share.
    Other(String),
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FstabEntry {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is mounted.
    pub source: Source,
    /// Where: an absolute path inside the image, or `none`.
    pub target: String,
    /// Type of the file system.
    pub filesystem: String,
    /// Mount options in their order.
    pub options: Vec<String>,
    /// In which pass it is checked at boot; 0, also when missing or no number: never.
    pub passno: u32,
}

/// A line that cannot be understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FstabError {
    /// Number of the line, from 1.
    pub line: usize,
    reason: &'static str,
}

impl fmt::Display for FstabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for FstabError {}

/// File systems that a kernel makes up: nothing of the image is in them.
const PSEUDO: &[&str] = &[
    "devtmpfs",
    "proc",
    "sysfs",
    "devpts",
    "tmpfs",
    "cgroup",
    "cgroup2",
    "debugfs",
    "tracefs",
    "securityfs",
    "hugetlbfs",
    "mqueue",
    "configfs",
    "efivarfs",
    "bpf",
    "pstore",
    "ramfs",
    "fusectl",
    "binfmt_misc",
];

/// Lines that are read at most.
const MAX_LINES: usize = 10_000;

impl FstabEntry {
    /// Whether the line says nothing about the image's own file systems: pseudo file systems, swap, and what is not
    /// mounted anywhere.
    #[must_use]
    pub fn is_pseudo(&self) -> bool {
        PSEUDO.contains(&self.filesystem.as_str()) || self.filesystem == "swap" || self.target == "none"
    }

    /// Whether the line lays directories of the image over each other.
    #[must_use]
    pub fn is_overlay(&self) -> bool {
        matches!(self.filesystem.as_str(), "overlay" | "overlayfs" | "aufs")
    }

    /// Whether the line shows a directory of the image at a second place.
    #[must_use]
    pub fn is_bind(&self) -> bool {
        self.options.iter().any(|option| option == "bind" || option == "rbind")
    }

    /// Whether the file system comes over the network.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(
            self.filesystem.as_str(),
            "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "virtiofs" | "ceph" | "glusterfs"
        ) || self.filesystem.starts_with("fuse.")
    }

    /// Whether the last word of the options is that nothing may be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let last = self.options.iter().rev().find(|option| *option == "ro" || *option == "rw");
        last.is_some_and(|option| option == "ro")
    }

    /// The value of `name=value` among the options; the last one counts.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Reads the text of an `fstab` file: the lines that can be understood, and what is wrong with the others, which every
/// reader of fstab passes over.
#[must_use]
pub fn parse_fstab(text: &str) -> (Vec<FstabEntry>, Vec<FstabError>) {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if number > MAX_LINES {
            errors.push(FstabError { line: number, reason: "the file has too many lines" });
            break;
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(number, line) {
            Ok(entry) => entries.push(entry),
            Err(error) => errors.push(error),
        }
    }
    (entries, errors)
}

fn parse_line(line: usize, text: &str) -> Result<FstabEntry, FstabError> {
    let error = |reason| FstabError { line, reason };
    let mut fields = text.split_ascii_whitespace();
    let mut field =
        |reason| fields.next().ok_or_else(|| error(reason)).map(unescape)?.ok_or(error("a bad escape"));
    let source = source(field("the source is missing")?);
    let target = field("the mount point is missing")?;
    let filesystem = field("the type of the file system is missing")?;
    let options = fields.next().unwrap_or("defaults");
    let options = unescape(options).ok_or(error("a bad escape"))?;
    let passno = fields.nth(1).and_then(|pass| pass.parse().ok()).unwrap_or(0);
    if !target.starts_with('/') && !matches!(target.as_str(), "none" | "swap") {
        return Err(error("the mount point is not an absolute path"));
    }
    let target = if target == "swap" { "none".to_owned() } else { target };
    let options = split_options(&options);
    Ok(FstabEntry { line, source, target, filesystem, options, passno })
}

/// A comma within double quotes is part of a value, as SELinux contexts have it.
fn split_options(text: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.filter(|option| !option.is_empty()).map(str::to_owned).collect()
}

fn source(text: String) -> Source {
    type Tag = (&'static str, fn(String) -> Source);
    let tags: [Tag; 4] = [
        ("UUID=", Source::Uuid),
        ("LABEL=", Source::Label),
        ("PARTUUID=", Source::PartUuid),
        ("PARTLABEL=", Source::PartLabel),
    ];
    for (tag, make) in tags {
        if let Some(value) = text.strip_prefix(tag) {
            return make(value.trim_matches(['"', '\'']).to_owned());
        }
    }
    if text.starts_with("/dev/") { Source::Device(text) } else { Source::Other(text) }
}

/// Replaces `\040` and the like; `None` when a backslash is not followed by three octal digits.
fn unescape(field: &str) -> Option<String> {
    if !field.contains('\\') {
        return Some(field.to_owned());
    }
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(3)?;
        let value =
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok().filter(|value| *value != 0)?;
        bytes.push(value);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(value) => write!(f, "UUID={value}"),
            Self::Label(value) => write!(f, "LABEL={value}"),
            Self::PartUuid(value) => write!(f, "PARTUUID={value}"),
            Self::PartLabel(value) => write!(f, "PARTLABEL={value}"),
            Self::Device(value) | Self::Other(value) => f.write_str(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_entries() {
        let text = "# comment\n\nUUID=\"ab-cd\" / ext4 defaults,noatime 0 1\nPARTLABEL=my\\040data /mnt/a\\040b xfs\n\
                    /dev/sda1 none swap sw 0 0\ntmpfs /tmp tmpfs size=5%,size=6% 0 0\n";
        let (entries, errors) = parse_fstab(text);
        assert_eq!(errors, []);
        let shown: Vec<_> = entries
            .iter()
            .map(|e| (e.line, e.source.to_string(), e.target.as_str(), e.filesystem.as_str(), e.is_pseudo()))
            .collect();
        assert_eq!(shown[0], (3, "UUID=ab-cd".to_owned(), "/", "ext4", false));
        assert_eq!(shown[1], (4, "PARTLABEL=my data".to_owned(), "/mnt/a b", "xfs", false));
        assert_eq!(shown[2], (5, "/dev/sda1".to_owned(), "none", "swap", true));
        assert_eq!(shown[3], (6, "tmpfs".to_owned(), "/tmp", "tmpfs", true));
        assert_eq!(entries[3].option("size"), Some("6%"));
        assert_eq!(entries[0].options, ["defaults", "noatime"]);
        assert_eq!((entries[0].passno, entries[1].passno, entries[2].passno), (1, 0, 0));
    }

    #[test]
    fn options_are_split_outside_quotes_and_the_last_one_counts() {
        let (entries, _) = parse_fstab("LABEL='x' / ext4 ,ro,context=\"a:b,c\",rw\n/dev/x /y ext4 rw,ro 0 x");
        assert_eq!(entries[0].options, ["ro", "context=\"a:b,c\"", "rw"]);
        assert_eq!(entries[0].source, Source::Label("x".into()));
        assert_eq!((entries[0].is_read_only(), entries[1].is_read_only()), (false, true));
    }

    #[test]
    fn escapes_stand_for_bytes_of_utf_8() {
        for (field, expected) in [
            ("/\\011\\012\\134", Some("/\t\n\\")),
            ("/\\303\\244", Some("/\u{e4}")),
            ("/\\134040", Some("/\\040")),
            ("/\\377", None),
            ("/\\08x", None),
            ("/\\", None),
        ] {
            let (entries, _) = parse_fstab(&format!("/dev/x {field} ext4"));
            assert_eq!(entries.first().map(|entry| entry.target.as_str()), expected, "{field}");
        }
    }

    #[test]
    fn bad_lines_are_named_and_left_out() {
        let cases = [
            ("x", 1),
            ("\n/dev/sda1 /mnt", 2),
            ("LABEL=a\\04 / ext4", 1),
            ("LABEL=a\\000 / ext4", 1),
            ("LABEL=a relative ext4", 1),
        ];
        for (text, line) in cases {
            let (entries, errors) = parse_fstab(text);
            assert_eq!((entries.len(), errors[0].line), (0, line), "{text}");
        }
        assert_eq!(parse_fstab(&"# \n".repeat(MAX_LINES + 9)).1.len(), 1);
    }
}
