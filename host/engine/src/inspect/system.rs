//! The operating system in an image's tree: what it is, and whether this build can customize it.

use crate::error::{Error, ErrorKind, Result};
use plan::{Distribution, Family, OsRelease};
use rootfs::{Follow, ImagePath, Kind, Tree, operations};

/// What the tree holds.
pub(crate) struct System {
    pub(crate) distribution: Distribution,
    /// As `uname -m` names it.
    pub(crate) architecture: String,
}

/// Longest text file that is looked at, in bytes.
const MAX_TEXT: u64 = 4 << 20;

impl System {
    /// Looks at the tree and refuses what cannot be customized.
    pub(crate) fn inspect(tree: &mut dyn Tree) -> Result<Self> {
        let distribution = distribution(tree)?;
        check_kernel(tree)?;
        check_unified_kernels(tree, &distribution)?;
        check_selinux(tree, &distribution)?;
        Ok(Self { architecture: architecture(tree), distribution })
    }
}

fn distribution(tree: &mut dyn Tree) -> Result<Distribution> {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let Some(text) = read_text(tree, path)? else { continue };
        let release = OsRelease::parse(&text).map_err(|line| {
            let message = format!("the image's `{path}` cannot be understood (line {line})");
            Error::saying(ErrorKind::Distribution, message).named("Validation:CannotValidateTargetOS")
        })?;
        return Distribution::detect(&release).map_err(Error::from);
    }
    let message = "the image has neither `/etc/os-release` nor `/usr/lib/os-release`";
    Err(Error::saying(ErrorKind::Distribution, message).named("Validation:CannotValidateTargetOS"))
}

/// Some directory of kernel modules must hold something.
fn check_kernel(tree: &mut dyn Tree) -> Result<()> {
    let modules = ImagePath::new("/lib/modules");
    let Some(versions) = absent_as_none(tree.list_directory(modules))? else {
        return Err(no_kernel());
    };
    for version in versions {
        let path = modules.join(&version.name);
        let is_directory =
            absent_as_none(tree.metadata(&path, Follow::Yes))?.is_some_and(|m| m.kind == Kind::Directory);
        if is_directory && !tree.list_directory(&path).map_err(tree_error)?.is_empty() {
            return Ok(());
        }
    }
    Err(no_kernel())
}

fn no_kernel() -> Error {
    Error::saying(
        ErrorKind::ImageLayout,
        "no kernel is installed in the image: nothing lies below `/lib/modules`",
    )
    .named("Kernel:NoInstalled")
}

/// An image that boots unified kernel images needs `os.uki`, which is not built yet.
fn check_unified_kernels(tree: &mut dyn Tree, distribution: &Distribution) -> Result<()> {
    let esp = if distribution.family == Family::Acl { "/boot" } else { "/boot/efi" };
    let directory = ImagePath::new(esp).join("EFI/Linux");
    let entries = match tree.list_directory(&directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) || error.kind() == rootfs::ErrorKind::ForeignMount => return Ok(()),
        Err(error) => return Err(tree_error(error)),
    };
    let is_kernel = |name: &[u8]| name.to_ascii_lowercase().ends_with(b".efi");
    if entries.iter().any(|entry| is_kernel(&entry.name)) {
        let message = "the image boots unified kernel images, which are not supported yet";
        return Err(Error::saying(ErrorKind::NotSupportedYet, message));
    }
    Ok(())
}

/// With SELinux on, files that a run makes would need labels, which are not built yet.
fn check_selinux(tree: &mut dyn Tree, distribution: &Distribution) -> Result<()> {
    if !selinux_is_on(tree, distribution)? {
        return Ok(());
    }
    let message = "SELinux is on in the image, and labelling the files of a run is not supported yet";
    Err(Error::saying(ErrorKind::NotSupportedYet, message)
        .named("SELinux:RelabelFiles")
        .hint_at("set `SELINUX=disabled` in the image's `/etc/selinux/config`, or `selinux=0` on its kernel command line"))
}

fn selinux_is_on(tree: &mut dyn Tree, distribution: &Distribution) -> Result<bool> {
    let words = kernel_words(tree, distribution)?;
    let last = |name: &str| words.iter().rev().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let (security, selinux) = (last("security"), last("selinux"));
    match (security, selinux) {
        (None, None) => {
            let asks_config = match distribution.family {
                Family::AzureLinux => distribution.version != "2.0",
                Family::Fedora => true,
                Family::Acl | Family::Ubuntu | Family::Debian => false,
            };
            Ok(asks_config && selinux_config_is_on(tree)?)
        }
        (Some("selinux"), Some("1")) => match last("enforcing") {
            Some("1") => Ok(true),
            _ => selinux_config_is_on(tree),
        },
        _ => Ok(false),
    }
}

fn selinux_config_is_on(tree: &mut dyn Tree) -> Result<bool> {
    let text = read_text(tree, "/etc/selinux/config")?.unwrap_or_default();
    let mode = text.lines().rev().find_map(|line| line.trim().strip_prefix("SELINUX="));
    Ok(mode.is_some_and(|mode| matches!(mode.trim(), "enforcing" | "permissive")))
}

/// Words of the kernel command line: from `/etc/default/grub` when grub.cfg is generated, else from grub.cfg itself.
fn kernel_words(tree: &mut dyn Tree, distribution: &Distribution) -> Result<Vec<String>> {
    let debian_like = matches!(distribution.family, Family::Ubuntu | Family::Debian);
    let grub = if debian_like { "/boot/grub/grub.cfg" } else { "/boot/grub2/grub.cfg" };
    let grub_config = read_text(tree, grub)?.unwrap_or_default();
    if grub_config.to_ascii_lowercase().contains("automatically generated by grub") {
        let defaults = read_text(tree, "/etc/default/grub")?.unwrap_or_default();
        let mut words = Vec::new();
        // The second is put behind the first, and a later word wins.
        for name in ["GRUB_CMDLINE_LINUX_DEFAULT=", "GRUB_CMDLINE_LINUX="] {
            words.extend(
                defaults.lines().filter_map(|line| line.trim().strip_prefix(name)).flat_map(split_words),
            );
        }
        return Ok(words);
    }
    let linux_lines = grub_config.lines().map(str::trim).filter(|line| line.starts_with("linux"));
    Ok(linux_lines.flat_map(split_words).collect())
}

fn split_words(text: &str) -> Vec<String> {
    text.split([' ', '\t', '"', '\'']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The architecture of the image's programs, by the ELF header of one that is always there.
pub(crate) fn architecture(tree: &mut dyn Tree) -> String {
    let programs = ["/usr/lib/systemd/systemd", "/sbin/init", "/bin/sh", "/usr/bin/busybox"];
    let machine = programs.iter().find_map(|program| elf_machine(tree, ImagePath::new(program)));
    machine.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// `uname -m` for the machine of an ELF file: its `e_machine` (ELF specification, file header).
fn elf_machine(tree: &mut dyn Tree, path: &ImagePath) -> Option<&'static str> {
    let file = tree.open(path).ok()?;
    let mut header = [0; 20];
    let read = tree.read_at(file, 0, &mut header);
    // Nothing was written, so there is nothing to lose when closing fails.
    let _ = tree.close(file);
    if read.ok()? < header.len() || !header.starts_with(b"\x7fELF") {
        return None;
    }
    let [.., low, high] = header;
    match u16::from_le_bytes([low, high]) {
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        _ => None,
    }
}

fn read_text(tree: &mut dyn Tree, path: &str) -> Result<Option<String>> {
    let content = absent_as_none(operations::read_file(tree, ImagePath::new(path), MAX_TEXT))?;
    Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn is_absent(error: &rootfs::Error) -> bool {
    matches!(error.kind(), rootfs::ErrorKind::NotFound | rootfs::ErrorKind::NotADirectory)
}

fn absent_as_none<T>(result: rootfs::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(tree_error(error)),
    }
}

pub(super) fn tree_error(error: rootfs::Error) -> Error {
    Error::new(ErrorKind::ImageLayout, "look at the image").caused_by(error)
}
