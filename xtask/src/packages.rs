//! Which Debian packages the words need, and how they get installed.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::shell::{command, run, target, text};

/// Something that must exist, and the package of Debian and Ubuntu that brings it.
pub(crate) type Need = (&'static str, &'static str);

/// To make small images, run the program on them and look at the result.
pub(crate) const SMALL_IMAGES: [Need; 8] = [
    ("mke2fs", "e2fsprogs"),
    ("debugfs", "e2fsprogs"),
    ("e2fsck", "e2fsprogs"),
    ("mkfs.fat", "dosfstools"),
    ("fsck.fat", "dosfstools"),
    ("mcopy", "mtools"),
    ("sfdisk", "fdisk"),
    ("qemu-img", "qemu-utils"),
];

/// To make a Debian image.
pub(crate) const DEBIAN_IMAGE: [Need; 3] = [
    ("mmdebstrap", "mmdebstrap"),
    ("fakeroot", "fakeroot"),
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
];

/// To make a Debian image as an ordinary user.
pub(crate) const USER_NAMESPACE: [Need; 1] = [("newuidmap", "uidmap")];

/// To build steps in other languages than Rust. Their compilers come from PyPI and npm, by digest.
pub(crate) const LANGUAGES: [Need; 4] = [
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
    // What `python3 -m venv` needs besides.
    ("/usr/share/python-wheels", "python3-venv"),
];

/// To run all tests. Those of the steps compare with the programs that a running system would use.
pub(crate) const TESTS: [Need; 27] = [
    ("systemctl", "systemd"),
    ("update-rc.d", "init-system-helpers"),
    ("useradd", "passwd"),
    ("perl", "perl-base"),
    ("mount", "mount"),
    ("sgdisk", "gdisk"),
    ("mkfs.xfs", "xfsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("setpriv", "util-linux"),
    ("blkid", "util-linux"),
    ("mkswap", "util-linux"),
    ("mksquashfs", "squashfs-tools"),
    ("mkfs.erofs", "erofs-utils"),
    ("cryptsetup", "cryptsetup-bin"),
    ("veritysetup", "cryptsetup-bin"),
    ("genisoimage", "genisoimage"),
    ("strace", "strace"),
    ("ip", "iproute2"),
    // A registry on the loopback, its users and its certificates.
    ("docker-registry", "docker-registry"),
    ("htpasswd", "apache2-utils"),
    ("openssl", "openssl"),
    ("python3", "python3"),
    // What `python3 -m venv` needs besides.
    ("/usr/share/python-wheels", "python3-venv"),
    // Brings Python's shared library, whichever version that has.
    ("python3-config", "python3-dev"),
    ("buildah", "buildah"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf"),
];

/// The package whose version has to be that of `qemu-utils`: the two share files.
const EMULATOR: &str = "qemu-system-x86";

/// Packages of those needs that are not met, each once.
pub(crate) fn missing(needs: &[Need]) -> Vec<&'static str> {
    let met = |name: &str| match name.strip_prefix('/') {
        Some(_) => Path::new(name).exists(),
        None => fixtures::process::find(name).is_some(),
    };
    let mut packages: Vec<_> =
        needs.iter().filter(|(name, _)| !met(name)).map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Installs packages; says which before.
pub(crate) fn install(packages: &[&str]) -> Outcome {
    if packages.is_empty() {
        return Ok(());
    }
    if fixtures::process::find("apt-get").is_none() {
        return Err(format!("missing on this machine, as Debian names them: {}", packages.join(" ")).into());
    }
    println!("installing Debian packages: {}", packages.join(" "));
    run(&mut as_root("apt-get", &["--quiet", "update"])?)?;
    let (emulator, others): (Vec<_>, Vec<_>) =
        packages.iter().copied().partition(|package| *package == EMULATOR);
    if !others.is_empty() {
        apt_install(&[], &others)?;
    }
    if emulator.is_empty() { Ok(()) } else { install_emulator() }
}

fn apt_install(options: &[&str], packages: &[&str]) -> Outcome {
    let mut words = options.to_vec();
    words.extend(["--quiet", "--yes", "--no-install-recommends", "install"]);
    words.extend(packages);
    run(&mut as_root("apt-get", &words)?)
}

/// Takes the emulator from where the installed `qemu-utils` came: a machine that has those from backports cannot
/// have the emulator of the stable release beside them.
fn install_emulator() -> Outcome {
    let version =
        text(command("dpkg-query").args(["-W", "-f", "${Version}", "qemu-utils"])).unwrap_or_default();
    let offered = text(command("apt-cache").args(["madison", EMULATOR])).unwrap_or_default();
    if !version.contains("~bpo") || offered.contains(&version) {
        return apt_install(&[], &[EMULATOR]);
    }
    let sources = backports()?;
    let parts = format!("Dir::Etc::SourceParts={}", sources.display());
    // The machine's own lists stay, and so do its sources: this is for one call.
    let options = ["-o", &parts, "-o", "APT::Get::List-Cleanup=false"];
    run(&mut as_root("apt-get", &[&options[..], &["--quiet", "update"]].concat())?)?;
    let release = format!("{}-backports", codename()?);
    apt_install(&[&options[..], &["--target-release", &release]].concat(), &[EMULATOR])
}

/// A directory with the machine's package sources and Debian's backports.
fn backports() -> Outcome<std::path::PathBuf> {
    let directory = target().join("setup/sources");
    fs::create_dir_all(&directory)?;
    for entry in fs::read_dir("/etc/apt/sources.list.d")? {
        let entry = entry?;
        fs::copy(entry.path(), directory.join(entry.file_name()))?;
    }
    let format = ["indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian"];
    let sites = text(command("apt-get").args(format)).unwrap_or_default();
    let site =
        sites.lines().find(|site| !site.contains("security")).unwrap_or("http://deb.debian.org/debian");
    let source = format!(
        "Types: deb\nURIs: {site}\nSuites: {}-backports\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        codename()?
    );
    fs::write(directory.join("backports.sources"), source)?;
    Ok(directory)
}

fn codename() -> Outcome<String> {
    let release = fs::read_to_string("/etc/os-release")?;
    let line = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(line.ok_or("/etc/os-release names no release")?.trim_matches('"').to_owned())
}

/// A command that runs as root: by itself, or through `sudo` for an ordinary user.
fn as_root(program: &str, words: &[&str]) -> Outcome<std::process::Command> {
    let plain = format!("{program} {}", words.join(" "));
    let mut root = if is_root() {
        command(program)
    } else if fixtures::process::find("sudo").is_some() {
        let mut sudo = command("sudo");
        sudo.args(["--", "env", "DEBIAN_FRONTEND=noninteractive", program]);
        sudo
    } else {
        return Err(format!("root is needed once, and there is no `sudo`; as root: {plain}").into());
    };
    root.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(root)
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_once_and_only_when_something_is_missing() {
        let needs = [("sh", "dash"), ("no-such-program", "b"), ("/no/such/file", "a"), ("nor-this", "b")];
        assert_eq!(missing(&needs), ["a", "b"]);
    }
}
