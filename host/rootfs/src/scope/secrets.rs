//! The files of an image that hold secrets.

use std::sync::OnceLock;
use units::PathPattern;

/// Where Linux systems keep what nobody but its owner should read: password hashes, private keys, the machine's
/// identity. A scope covers these only by name. Directories are not secrets, only what is in them.
///
/// The list is part of the documentation (`docs/steps/files.md`); a pattern is added rather than changed. `**` stands only at
/// the end, so that what the patterns mean in an image can be found without a search of the whole tree.
pub const SECRETS: &[&str] = &[
    // Password hashes, with the copies that shadow-utils and cron keep.
    "/etc/shadow*",
    "/etc/gshadow*",
    "/etc/security/opasswd*",
    "/var/backups/shadow*",
    "/var/backups/gshadow*",
    // The machine's identity and what its boot loader and service manager keep sealed.
    "/etc/machine-id",
    "/var/lib/dbus/machine-id",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/credential.secret",
    "/etc/credstore/**",
    "/etc/credstore.encrypted/**",
    "/etc/cryptsetup-keys.d/**",
    "/var/lib/shim-signed/mok/*.priv",
    // Private keys of services.
    "/etc/ssh/ssh_host_*_key",
    "/etc/ssl/private/**",
    "/etc/pki/tls/private/**",
    "/etc/pki/*/private/**",
    "/etc/letsencrypt/accounts/**",
    "/etc/letsencrypt/archive/**",
    "/etc/letsencrypt/keys/**",
    "/etc/letsencrypt/live/**",
    "/etc/ipsec.secrets",
    "/etc/ipsec.d/private/**",
    "/etc/swanctl/private/**",
    "/etc/wireguard/**",
    "/etc/openvpn/*.key",
    "/etc/openvpn/*/*.key",
    "/etc/krb5.keytab",
    "/var/lib/samba/private/**",
    "/var/lib/sss/secrets/**",
    // Passwords of networks.
    "/etc/NetworkManager/system-connections/**",
    "/etc/wpa_supplicant/*.conf",
    "/etc/ppp/chap-secrets",
    "/etc/ppp/pap-secrets",
    // What people keep.
    "/root/.ssh/**",
    "/root/.gnupg/**",
    "/home/*/.ssh/**",
    "/home/*/.gnupg/**",
];

/// The list, understood.
pub(crate) fn patterns() -> &'static [PathPattern] {
    static PATTERNS: OnceLock<Vec<PathPattern>> = OnceLock::new();
    // A test shows that each of them is a pattern.
    PATTERNS.get_or_init(|| SECRETS.iter().filter_map(|text| text.parse().ok()).collect())
}

/// Whether a file at the resolved `path` is taken for a secret.
#[must_use]
pub fn is_secret(path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/').skip(1);
    let (Some(top), Some(next)) = (names.next(), names.next()) else { return false };
    by_beginning()
        .iter()
        .filter(|(own_top, first, _)| {
            *own_top == top && first.is_none_or(|first| next.first() == Some(&first))
        })
        .any(|(_, _, pattern)| pattern.matches(path))
}

/// A name below the root, the first byte of the name below that where it is fixed, and the pattern that begins so.
type Beginning = (&'static [u8], Option<u8>, &'static PathPattern);

/// The patterns with what their matches begin with: the name below the root, and the first byte of the one below that, where
/// it is fixed. Most paths are sorted out by these.
fn by_beginning() -> &'static [Beginning] {
    static SORTED: OnceLock<Vec<Beginning>> = OnceLock::new();
    SORTED.get_or_init(|| {
        let beginning = |pattern: &'static PathPattern| {
            let mut names = pattern.as_str().as_bytes().split(|byte| *byte == b'/').skip(1);
            let (top, next) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            (top, next.first().copied().filter(|first| !b"*?".contains(first)), pattern)
        };
        patterns().iter().map(beginning).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_a_pattern_below_a_directory_of_the_root() {
        assert_eq!(patterns().len(), SECRETS.len());
        for text in SECRETS {
            let top = text.split('/').nth(1).unwrap();
            assert!(!top.contains(['*', '?']) && text.split('/').count() > 2, "{text}");
            assert!(!text.trim_end_matches("/**").contains("**"), "{text}");
        }
    }

    #[test]
    fn the_documentation_lists_every_secret() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/steps/files.md");
        let text = std::fs::read_to_string(page).unwrap();
        let block = text.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(block.lines().collect::<Vec<_>>(), SECRETS);
    }

    #[test]
    fn secrets_are_told_from_what_lies_beside_them() {
        for secret in [
            "/etc/shadow",
            "/etc/shadow-",
            "/etc/gshadow",
            "/etc/machine-id",
            "/etc/ssh/ssh_host_ed25519_key",
            "/etc/ssl/private/a/b.key",
            "/root/.ssh/authorized_keys",
            "/home/me/.ssh/id_rsa",
            "/etc/NetworkManager/system-connections/home.nmconnection",
        ] {
            assert!(is_secret(secret.as_bytes()), "{secret}");
        }
        for open in [
            "/",
            "",
            "/etc",
            "/etc/passwd",
            "/etc/ssh/ssh_host_ed25519_key.pub",
            "/etc/ssh/sshd_config",
            "/etc/ssl/certs/ca.pem",
            "/usr/etc/shadow",
            "/home/me/shadow",
            "/home/a/b/.ssh/id_rsa",
        ] {
            assert!(!is_secret(open.as_bytes()), "{open}");
        }
    }
}
