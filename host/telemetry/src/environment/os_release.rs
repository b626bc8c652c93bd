//! The family of the host's operating system, from the text of its os-release file.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::registry::HostOs;

/// Where os-release(5) has the file; the first one that exists counts.
const PATHS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
/// Real ones have less than 1 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// The text of the host's file; `None` when there is none that can be believed to be one.
pub(super) fn read() -> Option<String> {
    let path = PATHS.into_iter().map(Path::new).find(|path| path.exists())?;
    read_bounded(path)
}

/// A plain file of a reasonable size. Opening does not wait for the other end of a pipe.
fn read_bounded(path: &Path) -> Option<String> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).ok()?;
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_BYTES);
    fits.then(|| String::from_utf8(bytes).ok())?
}

/// The family and, where we count it, the version. A text without an `ID` says nothing.
pub(super) fn host_os(text: &str) -> HostOs {
    let Some(id) = value(text, "ID").filter(|id| !id.is_empty()) else { return HostOs::Unknown };
    let version = value(text, "VERSION_ID").unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    match (id, version, major) {
        ("mariner" | "azurelinux", _, "2") => HostOs::Azurelinux2,
        ("azurelinux", _, "3") => HostOs::Azurelinux3,
        ("azurelinux", _, "4") => HostOs::Azurelinux4,
        ("ubuntu", "22.04", _) => HostOs::Ubuntu2204,
        ("ubuntu", "24.04", _) => HostOs::Ubuntu2404,
        ("ubuntu", "26.04", _) => HostOs::Ubuntu2604,
        ("debian", _, "12") => HostOs::Debian12,
        ("debian", _, "13") => HostOs::Debian13,
        ("mariner" | "azurelinux" | "ubuntu" | "debian", ..) => HostOs::Other,
        ("fedora", ..) => HostOs::Fedora,
        ("arch", ..) => HostOs::Arch,
        ("alpine", ..) => HostOs::Alpine,
        _ => relative(id, value(text, "ID_LIKE").unwrap_or_default()),
    }
}

/// Families whose members we do not tell apart.
fn relative(id: &str, like: &str) -> HostOs {
    let is =
        |known: &[&str]| known.contains(&id) || like.split_ascii_whitespace().any(|id| known.contains(&id));
    if is(&["rhel", "centos", "rocky", "almalinux", "ol"]) {
        HostOs::RhelLike
    } else if is(&["suse", "opensuse", "sles", "opensuse-leap", "opensuse-tumbleweed"]) {
        HostOs::Suse
    } else {
        HostOs::Other
    }
}

/// The last assignment to `key`, without its quotes. Escapes are left alone: no value that we know has any.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let assigned = |line: &'a str| line.trim().strip_prefix(key)?.strip_prefix('=');
    let value = text.lines().filter_map(assigned).next_back()?;
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_systems_are_told_apart() {
        let cases = [
            ("ID=azurelinux\nVERSION_ID=\"3.0\"\n", HostOs::Azurelinux3),
            ("ID=azurelinux\nVERSION_ID=\"4.0\"\n", HostOs::Azurelinux4),
            ("ID=mariner\nVERSION_ID=\"2.0\"\n", HostOs::Azurelinux2),
            ("ID=azurelinux\nVERSION_ID=5\n", HostOs::Other),
            ("VERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=debian\n", HostOs::Ubuntu2204),
            ("ID=ubuntu\nVERSION_ID='24.04'", HostOs::Ubuntu2404),
            ("ID=ubuntu\nVERSION_ID=26.04\n", HostOs::Ubuntu2604),
            ("ID=ubuntu\nVERSION_ID=24.10\n", HostOs::Other),
            ("ID=debian\nVERSION_ID=\"12\"\n", HostOs::Debian12),
            ("ID=debian\r\nVERSION_ID=\"13\"\r\n", HostOs::Debian13),
            ("PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nID=debian\n", HostOs::Other),
            ("ID=fedora\nVERSION_ID=43\n", HostOs::Fedora),
            ("ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\n", HostOs::RhelLike),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n", HostOs::RhelLike),
            ("ID=\"eurolinux\"\nID_LIKE=\"rhel fedora centos\"\n", HostOs::RhelLike),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", HostOs::Suse),
            ("ID=\"sles\"\n", HostOs::Suse),
            ("ID=arch\n", HostOs::Arch),
            ("ID=alpine\nVERSION_ID=3.22.0\n", HostOs::Alpine),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", HostOs::Other),
            ("ID=nixos\n", HostOs::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(host_os(text), expected, "{text:?}");
        }
    }

    #[test]
    fn whatever_else_stands_there_becomes_other_or_unknown() {
        let cases = [
            ("", HostOs::Unknown),
            ("ID=", HostOs::Unknown),
            ("ID=\"\"", HostOs::Unknown),
            ("NAME=Ubuntu", HostOs::Unknown),
            ("XID=ubuntu", HostOs::Unknown),
            ("ID = ubuntu", HostOs::Unknown),
            ("#ID=ubuntu", HostOs::Unknown),
            ("ID=alice@example.com", HostOs::Other),
            ("ID=\"ubuntu", HostOs::Other),
            ("ID=Ubuntu\nVERSION_ID=24.04", HostOs::Other),
            ("ID=\u{0}", HostOs::Other),
            ("ID=debian\nID=ubuntu\nVERSION_ID=24.04", HostOs::Ubuntu2404),
            ("ID=$(reboot)\nID_LIKE=`id`", HostOs::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(host_os(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_a_plain_text_file_of_a_reasonable_size_is_read() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join("os-release");
        std::fs::write(&path, "ID=arch\n").unwrap();
        assert_eq!(read_bounded(&path).as_deref(), Some("ID=arch\n"));
        std::fs::write(&path, "x".repeat(64 * 1024)).unwrap();
        assert!(read_bounded(&path).is_some());
        std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
        assert_eq!(read_bounded(&path), None);
        std::fs::write(&path, b"ID=\xff").unwrap();
        assert_eq!(read_bounded(&path), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read_bounded(&path), None);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(read_bounded(&path), None);
        assert_eq!(read_bounded(scene.path()), None);
        assert_eq!(read_bounded(Path::new("/dev/zero")), None);
    }
}
