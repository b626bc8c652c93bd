//! A real Debian: customized, read back, and booted.

/// These tests fetch packages or emulate a machine, and take minutes.
mod whole_system {
    use std::time::Duration;

    use e2e::boot::Machine;
    use e2e::example::PASSWORD_HASH;
    use e2e::{Disk, Outcome, Scene, ext4, scene};
    use fixtures::{Format, debian};

    const CONFIG: &str = r#"
previewFeatures: [preview-distro-version]
os:
  hostname: made-to-measure
  groups:
  - name: operators
  users:
  - name: alice
    password: { type: hashed, value: "HASH" }
    primaryGroup: operators
    secondaryGroups: [adm]
    startupCommand: /bin/bash
  additionalFiles:
  - content: "hello from the image\n"
    destination: /etc/greeting
  services:
    enable: [systemd-networkd]
    disable: [fstrim.timer]
  modules:
  - { name: br_netfilter, loadMode: always }
"#;

    fn customized(scene: &Scene, format: Format) -> Outcome<Disk> {
        let raw = debian::image(&scene::fixture_cache()?)?;
        scene.customize(&raw, &CONFIG.replace("HASH", PASSWORD_HASH), format)?.succeed()?;
        let disk = Disk::open(&scene.output(format), format)?;
        disk.check()?;
        Ok(disk)
    }

    #[test]
    fn debian_is_customized_and_reads_back() -> Outcome {
        let scene = Scene::new()?;
        let disk = customized(&scene, Format::Vhdx)?;
        let root = &disk.partition("root")?.file;
        assert_eq!(ext4::text_of(root, "/etc/hostname")?, "made-to-measure");
        assert_eq!(ext4::text_of(root, "/etc/greeting")?, "hello from the image\n");
        assert_eq!(ext4::text_of(root, "/etc/modules-load.d/modules-load.conf")?, "br_netfilter\n");
        let passwd = ext4::text_of(root, "/etc/passwd")?;
        assert!(passwd.contains("\nalice:x:1000:1000::/home/alice:/bin/bash\n"), "{passwd}");
        let home = ext4::node_of(root, "/home/alice/.profile")?;
        assert_eq!((home.uid, home.gid, home.mode.as_str()), (1000, 1000, "100644"));
        for link in
            ["dbus-org.freedesktop.network1.service", "multi-user.target.wants/systemd-networkd.service"]
        {
            let target = ext4::node_of(root, &format!("/etc/systemd/system/{link}"))?.content;
            let target = String::from_utf8_lossy(&target).into_owned();
            assert!(target.ends_with("/systemd/system/systemd-networkd.service"), "{link} leads to {target}");
        }
        // What `Also=` names is enabled with it.
        ext4::node_of(root, "/etc/systemd/system/sockets.target.wants/systemd-networkd.socket")?;
        Ok(())
    }

    #[test]
    fn the_customized_debian_boots_and_lets_the_new_user_in() -> Outcome {
        let scene = Scene::new()?;
        drop(customized(&scene, Format::Qcow2)?);
        let mut machine =
            Machine::start(&scene.output(Format::Qcow2), Format::Qcow2, Duration::from_secs(420))?;
        machine.wait_for("made-to-measure login: ")?;
        machine.type_line("alice")?;
        machine.wait_for("Password: ")?;
        machine.type_line("secret")?;
        machine.wait_for("alice@made-to-measure:~$ ")?;
        // The terminal repeats what is typed; the quotes keep the question apart from the answer.
        machine.type_line("id -un -r; id -Gn; cat /etc/greeting; echo \"do\"ne-1")?;
        machine.wait_for("operators adm")?;
        machine.wait_for("hello from the image")?;
        machine.wait_for("done-1")?;
        machine.type_line(
            "systemctl is-enabled systemd-networkd; grep -c '^br_netfilter ' /proc/modules; echo \"do\"ne-2",
        )?;
        machine.wait_for("enabled\r\n1\r\ndone-2")
    }
}
