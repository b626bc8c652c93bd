//! Who may vouch for an endpoint. There is no way to trust nobody in particular.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::destination::Variables;

/// The machine's own list, where distributions keep it: Debian, Ubuntu, Arch and Alpine; Fedora, RHEL and Azure Linux;
/// SUSE; Alpine and others without the package.
const LISTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Distributions' lists are below 1 MiB.
const LONGEST_LIST: u64 = 16 << 20;

/// Whose word is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The authorities in this file, and no others: what the user named, for one endpoint or by `SSL_CERT_FILE`.
    Only(PathBuf),
    /// The machine's list, so that a company's own authority counts and one it removed does not; where there is no such
    /// list, as in small containers, Mozilla's, which is part of the program.
    Machine,
}

/// Certificates to start from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Text with at least one certificate in it.
    Listed(Vec<u8>),
    /// Mozilla's list.
    BuiltIn,
}

impl Trust {
    /// What the machine as a whole trusts.
    pub(crate) fn of_machine(variables: &Variables<'_>) -> Self {
        variables.path("SSL_CERT_FILE").map_or(Self::Machine, Self::Only)
    }

    /// Reads the list; `None` when the one that was named cannot be used.
    pub(super) fn roots(&self) -> Option<Roots> {
        match self {
            Self::Only(file) => read(file).map(Roots::Listed),
            Self::Machine => {
                let listed = LISTS.iter().find_map(|file| read(Path::new(file)));
                Some(listed.map_or(Roots::BuiltIn, Roots::Listed))
            }
        }
    }
}

/// The file's text, if there is a certificate in it.
fn read(file: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    File::open(file).ok()?.take(LONGEST_LIST).read_to_end(&mut text).ok()?;
    let is_certificate = |item| matches!(item, Ok(ureq::tls::PemItem::Certificate(_)));
    let holds_one = ureq::tls::parse_pem(&text).any(is_certificate);
    holds_one.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_list_without_certificates_is_no_list() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("list.pem");
        assert_eq!(Trust::Only(file.clone()).roots(), None);
        for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(Trust::Only(file.clone()).roots(), None, "{text}");
        }
        assert_eq!(Trust::Only(PathBuf::from("/dev/zero")).roots(), None);
    }

    #[test]
    fn the_machine_always_has_a_list() {
        assert!(Trust::Machine.roots().is_some());
    }
}
