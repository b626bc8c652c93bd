//! Where the run happens, as far as it is told: a handful of closed sets, found out by functions that end in `other`
//! or `unknown` whatever they are given.

mod kernel;
mod os_release;

use std::path::Path;

use crate::consent::Lookup;
use crate::record::Environment;
use crate::registry::{Ci, HostArch, HostOs, InstallKind, ServiceVersion};

/// Set in our container image, see the Dockerfile.
const OUR_CONTAINER: &str = "IMAGECUSTOMIZER_CONTAINER";
/// Set when a release or a distribution's package is built.
const BUILT_AS: Option<&str> = option_env!("IMAGECUSTOMIZER_INSTALL_KIND");
/// What container engines leave in their containers: Docker and Podman.
const CONTAINER_FILES: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];
/// What they set: Podman, systemd-nspawn and LXC; Kubernetes.
const CONTAINER_VARIABLES: [&str; 2] = ["container", "KUBERNETES_SERVICE_HOST"];

/// What tells about the machine, before it is boiled down.
struct Facts<'a> {
    variable: Lookup<'a>,
    os_release: Option<String>,
    kernel_release: String,
    container_file: bool,
}

impl Facts<'_> {
    fn in_container(&self) -> bool {
        let names = CONTAINER_VARIABLES.iter().chain([&OUR_CONTAINER]);
        self.container_file || names.into_iter().any(|name| is_set(self.variable, name))
    }
}

/// Looks at variables, the os-release file and the kernel's release. Never fails, never waits.
pub fn detect(variable: Lookup<'_>) -> Environment {
    let kernel_release = rustix::system::uname().release().to_string_lossy().into_owned();
    let container_file = CONTAINER_FILES.iter().any(|path| Path::new(path).exists());
    boil_down(&Facts { variable, os_release: os_release::read(), kernel_release, container_file })
}

fn boil_down(facts: &Facts<'_>) -> Environment {
    Environment {
        version: version(BUILT_AS, env!("CARGO_PKG_VERSION")),
        install: install_kind(facts.variable),
        os: host_os(facts),
        env: kernel::host_env(&facts.kernel_release, facts.in_container()),
        arch: host_arch(std::env::consts::ARCH),
        ci: ci(facts.variable),
    }
}

/// A build of one's own says nothing about which it is.
fn version(built_as: Option<&str>, package_version: &str) -> ServiceVersion {
    let released = ServiceVersion::ALL.iter().copied().find(|version| version.as_str() == package_version);
    built_as.and(released).unwrap_or(ServiceVersion::Dev)
}

/// Whether this is our container image. Only there a run reports without having shown its notice before.
pub fn install_kind(variable: Lookup<'_>) -> InstallKind {
    match BUILT_AS {
        _ if is_set(variable, OUR_CONTAINER) => InstallKind::Container,
        Some("release_binary") => InstallKind::ReleaseBinary,
        Some("distro_package") => InstallKind::DistroPackage,
        _ => InstallKind::SourceBuild,
    }
}

/// In a container the os-release file is the container's.
fn host_os(facts: &Facts<'_>) -> HostOs {
    match &facts.os_release {
        _ if facts.in_container() => kernel::host_os(&facts.kernel_release),
        Some(text) => os_release::host_os(text),
        None => HostOs::Unknown,
    }
}

fn host_arch(name: &str) -> HostArch {
    match name {
        "x86_64" => HostArch::Amd64,
        "aarch64" => HostArch::Arm64,
        _ => HostArch::Other,
    }
}

/// The service that runs us, by the variables that it sets.
pub fn ci(variable: Lookup<'_>) -> Ci {
    let services = [
        ("GITHUB_ACTIONS", Ci::GithubActions),
        ("TF_BUILD", Ci::AzurePipelines),
        ("GITLAB_CI", Ci::GitlabCi),
        ("JENKINS_URL", Ci::Jenkins),
        ("CI", Ci::OtherCi),
    ];
    services.into_iter().find(|(name, _)| is_set(variable, name)).map_or(Ci::None, |(_, service)| service)
}

/// People switch such variables off by these words, too.
fn is_set(variable: Lookup<'_>, name: &str) -> bool {
    variable(name).is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        !["", "0", "false"].iter().any(|off| value == *off)
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn found(variables: &[(&str, &str)], os_release: Option<&str>, kernel: &str, file: bool) -> Environment {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        boil_down(&Facts {
            variable: &variable,
            os_release: os_release.map(str::to_owned),
            kernel_release: kernel.into(),
            container_file: file,
        })
    }

    const UBUNTU: Option<&str> = Some("ID=ubuntu\nVERSION_ID=24.04\n");

    #[test]
    fn the_system_of_a_container_is_not_the_hosts() {
        let generic = "6.8.0-45-generic";
        assert_eq!(found(&[], UBUNTU, generic, false).os, HostOs::Ubuntu2404);
        assert_eq!(found(&[], None, generic, false).os, HostOs::Unknown);
        assert_eq!(found(&[], UBUNTU, generic, true).os, HostOs::Unknown);
        assert_eq!(found(&[], UBUNTU, "6.6.57.1-7.azl3", true).os, HostOs::Azurelinux3);
        for name in ["container", "KUBERNETES_SERVICE_HOST", "IMAGECUSTOMIZER_CONTAINER"] {
            assert_eq!(found(&[(name, "x")], UBUNTU, generic, false).os, HostOs::Unknown, "{name}");
        }
    }

    #[test]
    fn our_container_says_so_itself() {
        let kind = |value| found(&[("IMAGECUSTOMIZER_CONTAINER", value)], UBUNTU, "6.8", false).install;
        assert_eq!(kind("1"), InstallKind::Container);
        for value in ["", "0", "false"] {
            assert_ne!(kind(value), InstallKind::Container, "{value}");
        }
        assert_ne!(found(&[("container", "podman")], UBUNTU, "6.8", true).install, InstallKind::Container);
    }

    #[test]
    fn services_are_known_by_their_variables() {
        let cases: [(&[(&str, &str)], Ci); 8] = [
            (&[], Ci::None),
            (&[("CI", "true")], Ci::OtherCi),
            (&[("CI", "")], Ci::None),
            (&[("CI", "False")], Ci::None),
            (&[("CI", "true"), ("GITHUB_ACTIONS", "true")], Ci::GithubActions),
            (&[("TF_BUILD", "True")], Ci::AzurePipelines),
            (&[("CI", "1"), ("GITLAB_CI", "true")], Ci::GitlabCi),
            (&[("JENKINS_URL", "https://alice:secret@ci.example.com")], Ci::Jenkins),
        ];
        for (variables, expected) in cases {
            assert_eq!(found(variables, UBUNTU, "6.8", false).ci, expected, "{variables:?}");
        }
    }

    #[test]
    fn only_a_release_tells_its_version() {
        assert_eq!(version(Some("release_binary"), "0.1.0"), ServiceVersion::V010);
        assert_eq!(version(Some("release_binary"), "0.1.0-alice"), ServiceVersion::Dev);
        assert_eq!(version(None, "0.1.0"), ServiceVersion::Dev);
    }

    #[test]
    fn architectures_are_two_or_other() {
        let cases = [("x86_64", HostArch::Amd64), ("aarch64", HostArch::Arm64), ("riscv64", HostArch::Other)];
        for (name, expected) in cases {
            assert_eq!(host_arch(name), expected, "{name}");
        }
    }

    #[test]
    fn this_machine_can_be_told_about() {
        let environment = detect(&|_| None);
        assert_eq!(environment, detect(&|_| None));
        assert_eq!(environment.ci, Ci::None);
    }
}
