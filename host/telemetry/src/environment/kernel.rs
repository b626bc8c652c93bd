//! What the kernel's release tells. In a container it is the only thing there that belongs to the host.

use crate::registry::{HostEnv, HostOs};

/// Windows' subsystem for Linux or not. Its kernels are called `5.15.153.1-microsoft-standard-WSL2`; those of its first
/// version, which is no Linux, `4.4.0-19041-Microsoft`.
pub(super) fn host_env(release: &str, in_container: bool) -> HostEnv {
    let release = release.to_ascii_lowercase();
    let wsl2 = release.contains("microsoft-standard") || release.contains("wsl2");
    let known = !release.is_empty() && !release.contains("microsoft");
    match (wsl2, in_container) {
        (true, false) => HostEnv::Wsl2,
        (true, true) => HostEnv::Wsl2Container,
        (false, true) => HostEnv::Container,
        (false, false) if known => HostEnv::Native,
        (false, false) => HostEnv::Unknown,
    }
}

/// The system that built the kernel, where its release names it without doubt. Ubuntu's does not tell the version of the
/// system, most others do not tell anything.
pub(super) fn host_os(release: &str) -> HostOs {
    let mut words = release.split(['.', '-', '+', '_']);
    words.find_map(known).unwrap_or(HostOs::Unknown)
}

fn known(word: &str) -> Option<HostOs> {
    let numbered = |tag: &str| {
        let number = word.strip_prefix(tag)?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    match word {
        "cm2" => Some(HostOs::Azurelinux2),
        "azl3" => Some(HostOs::Azurelinux3),
        "azl4" => Some(HostOs::Azurelinux4),
        "deb12" => Some(HostOs::Debian12),
        "deb13" => Some(HostOs::Debian13),
        "arch1" => Some(HostOs::Arch),
        _ if numbered("fc").is_some() => Some(HostOs::Fedora),
        _ if numbered("el").is_some() => Some(HostOs::RhelLike),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_name_their_system_or_nothing() {
        use HostEnv::{Native, Wsl2};
        let cases = [
            ("6.6.57.1-7.azl3", HostOs::Azurelinux3, Native),
            ("6.12.1-1.azl4", HostOs::Azurelinux4, Native),
            ("5.15.158.2-1.cm2", HostOs::Azurelinux2, Native),
            ("6.14.5-300.fc42.x86_64", HostOs::Fedora, Native),
            ("5.14.0-427.el9.x86_64", HostOs::RhelLike, Native),
            ("5.14.0-427.13.1.el9_4.x86_64", HostOs::RhelLike, Native),
            ("6.12.41+deb13-amd64", HostOs::Debian13, Native),
            ("6.12.9+bpo-amd64", HostOs::Unknown, Native),
            ("6.1.0-26-amd64", HostOs::Unknown, Native),
            ("6.8.0-45-generic", HostOs::Unknown, Native),
            ("6.8.0-1015-azure", HostOs::Unknown, Native),
            ("6.10.1-arch1-1", HostOs::Arch, Native),
            ("5.15.153.1-microsoft-standard-WSL2", HostOs::Unknown, Wsl2),
            ("6.6.36.3-microsoft-standard-WSL2+", HostOs::Unknown, Wsl2),
            ("5.10.16.3-MICROSOFT-standard", HostOs::Unknown, Wsl2),
            ("6.9.3-custom-wsl2", HostOs::Unknown, Wsl2),
            ("4.4.0-19041-Microsoft", HostOs::Unknown, HostEnv::Unknown),
            ("", HostOs::Unknown, HostEnv::Unknown),
            ("db-01.example.com", HostOs::Unknown, Native),
            ("fc", HostOs::Unknown, Native),
            ("elx", HostOs::Unknown, Native),
        ];
        for (release, os, env) in cases {
            assert_eq!((host_os(release), host_env(release, false)), (os, env), "{release}");
        }
    }

    #[test]
    fn a_container_is_told_from_its_host() {
        assert_eq!(host_env("6.8.0-45-generic", true), HostEnv::Container);
        assert_eq!(host_env("5.15.153.1-microsoft-standard-WSL2", true), HostEnv::Wsl2Container);
        assert_eq!(host_env("", true), HostEnv::Container);
    }
}
