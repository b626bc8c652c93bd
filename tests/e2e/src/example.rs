//! The configuration most tests use: something of everything the nine steps can do.

use fixtures::Distro;

use crate::{Outcome, Scene};

/// `secret`, hashed with a fixed salt.
pub const PASSWORD_HASH: &str =
    "$6$e2e$PdUkmjQsDHkOVyjOaY2TxuaSRDJ3Rm0pMFJB.dpP/NwKF53JjzN1R./ryNTr3Uq0oWU5NE3qBSrnDVDkDfwuX1";

/// A public key as it stands in a configuration.
pub const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2eE2eE2eE2eE2eE2eE2eE2eE2eE2eE2eE2eE2eE2e alice@laptop";

/// Writes the host files the configuration names, and returns its text.
///
/// # Errors
/// A file could not be written.
pub fn config(scene: &Scene, distro: Distro) -> Outcome<String> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    scene.write("files/app.conf", "answer = 42\n")?;
    let tool = scene.write("files/tool", "#!/bin/sh\n")?;
    std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o4750))?;
    scene.write("files/tree/first.txt", "first\n")?;
    scene.write("files/tree/deep/er/second.txt", "second\n")?;
    std::fs::create_dir(scene.join("files/tree/empty"))?;
    symlink("first.txt", scene.join("files/tree/link.txt"))?;
    // What an earlier test distribution lets pass, the later ones only let pass on request.
    let preview =
        if distro == Distro::AzureLinux3 { "" } else { "previewFeatures: [preview-distro-version]\n" };
    Ok(format!("{preview}{}", EXAMPLE.replace("HASH", PASSWORD_HASH).replace("KEY", PUBLIC_KEY)))
}

const EXAMPLE: &str = r#"
os:
  hostname: web-1.example.net
  groups:
  - name: operators
    gid: 2100
  - name: auditors
  users:
  - name: alice
    uid: 2001
    primaryGroup: operators
    secondaryGroups: [auditors, wheel]
    password: { type: hashed, value: "HASH" }
    passwordExpiresDays: 30
    startupCommand: /bin/bash
    sshPublicKeys: ["KEY"]
  - name: deploy
    homeDirectory: /srv/deploy
    password: { type: locked }
  - name: test
    secondaryGroups: [users]
  additionalDirs:
  - source: files/tree
    destination: /opt/app
    newDirPermissions: "750"
    childFilePermissions: "640"
  - source: files/tree
    destination: /usr/share
  additionalFiles:
  - source: files/app.conf
    destination: /etc/app/app.conf
    permissions: "600"
  - source: files/tool
    destination: /usr/local/bin/tool
  - content: "changed\n"
    destination: /srv/keep/first-name
  - content: "no line end"
    destination: /etc/motd
  services:
    enable: [alpha, gamma.service, template@one.service, beta.service]
    disable: [delta.service]
  modules:
  - { name: br_netfilter, loadMode: always }
  - { name: pcspkr, loadMode: auto }
  - { name: nouveau, loadMode: disable }
  - { name: kvm, loadMode: inherit, options: { nested: "1" } }
"#;
