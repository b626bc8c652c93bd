//! Who may vouch for a registry. There is no way to trust nobody in particular.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts};

use crate::error::{Error, ErrorKind, Result};

/// The machine's own list, where distributions keep it: Debian, Ubuntu, Arch and Alpine; Fedora, RHEL and Azure Linux;
/// SUSE; others.
const LISTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Distributions' lists are below 1 MiB.
const LONGEST_LIST: u64 = 16 << 20;

/// The authorities in `named`, and no others; without it those of the machine, so that a company's own counts and one
/// that it removed does not; without a list, as in small containers, Mozilla's, which is part of the program.
pub(super) fn roots(named: Option<&Path>) -> Result<RootCerts> {
    let Some(named) = named else {
        return Ok(LISTS.iter().find_map(|list| read(Path::new(list))).unwrap_or(RootCerts::WebPki));
    };
    read(named).ok_or_else(|| {
        let message = format!("there are no certificates in `{}`", named.display());
        Error::new(ErrorKind::Tls, message)
            .hint_at("`SSL_CERT_FILE` names it: unset it, or name a file of certificates in PEM form")
    })
}

/// The certificates of a list; `None` when there are none.
fn read(list: &Path) -> Option<RootCerts> {
    let mut text = Vec::new();
    File::open(list).ok()?.take(LONGEST_LIST).read_to_end(&mut text).ok()?;
    let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!certificates.is_empty()).then(|| RootCerts::Specific(Arc::new(certificates)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_list_without_certificates_is_refused_by_name() {
        let scene = tempfile::tempdir().unwrap();
        let list = scene.path().join("list.pem");
        for text in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n")] {
            if let Some(text) = text {
                std::fs::write(&list, text).unwrap();
            }
            let error = roots(Some(&list)).unwrap_err();
            assert!(error.to_string().contains("list.pem"), "{error}");
        }
        assert!(roots(None).is_ok());
    }
}
