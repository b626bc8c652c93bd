//! What the nine steps leave in the image, for every distribution and layout, and that they leave the rest alone.

use std::collections::BTreeSet;

use e2e::product::SOURCE_DATE;
use e2e::{Disk, Outcome, Scene, disk, example, ext4::Tree, failed, scene};
use fixtures::{Distro, Format, Layout};
use serde_json::Value;

fn every_layout_of(distro: Distro) -> Outcome {
    for layout in Layout::ALL {
        let scene = Scene::new()?;
        let config = example::config(&scene, distro)?;
        let raw = scene::fixture(distro, layout)?;
        scene.customize(&raw, &config, Format::Raw)?.succeed()?;
        let (before, after) =
            (Disk::open(&raw, Format::Raw)?, Disk::open(&scene.output(Format::Raw), Format::Raw)?);
        after.check()?;
        let root = after.tree("root")?;
        groups(&root)?;
        users(&root)?;
        homes(&root)?;
        directories(&root)?;
        files(&root)?;
        services(&root)?;
        modules(&root)?;
        records(&root)?;
        assert_eq!(root.text("/etc/hostname")?, "web-1.example.net");
        only_expected_paths_changed(&before, &after)?;
    }
    Ok(())
}

#[test]
fn azure_linux_is_customized_in_every_layout() -> Outcome {
    every_layout_of(Distro::AzureLinux3)
}

#[test]
fn ubuntu_is_customized_in_every_layout() -> Outcome {
    every_layout_of(Distro::Ubuntu2404)
}

#[test]
fn debian_is_customized_in_every_layout() -> Outcome {
    every_layout_of(Distro::Debian12)
}

/// The line of a colon-separated table that starts with `name`.
#[track_caller]
fn line(root: &Tree, table: &str, name: &str) -> Outcome<String> {
    let text = root.text(table)?;
    let found = text.lines().find(|line| line.split(':').next() == Some(name));
    found.map(str::to_owned).ok_or_else(|| failed(format!("`{table}` has no `{name}`:\n{text}")))
}

fn groups(root: &Tree) -> Outcome {
    let expected = [
        ("/etc/group", "operators", "operators:x:2100:"),
        ("/etc/group", "auditors", "auditors:x:2101:alice"),
        ("/etc/group", "wheel", "wheel:x:10:test,alice"),
        ("/etc/group", "users", "users:x:100:test"),
        ("/etc/group", "deploy", "deploy:x:2002:"),
        ("/etc/gshadow", "operators", "operators:!::"),
        ("/etc/gshadow", "auditors", "auditors:!::alice"),
        ("/etc/gshadow", "wheel", "wheel:*::test,alice"),
    ];
    for (table, name, whole) in expected {
        assert_eq!(line(root, table, name)?, whole);
    }
    assert_eq!(root.owner("/etc/gshadow")?, "100640 0:42");
    Ok(())
}

fn users(root: &Tree) -> Outcome {
    let today = SOURCE_DATE / 86_400;
    let (hash, expiry) = (example::PASSWORD_HASH, today + 30);
    let expected = [
        ("/etc/passwd", "alice", "alice:x:2001:2100::/home/alice:/bin/bash".to_owned()),
        ("/etc/passwd", "deploy", "deploy:x:2002:2002::/srv/deploy:/bin/sh".to_owned()),
        ("/etc/passwd", "test", "test:x:1000:1000:Someone,,,:/home/test:/bin/sh".to_owned()),
        ("/etc/shadow", "alice", format!("alice:{hash}:{today}:0:99999:7::{expiry}:")),
        ("/etc/shadow", "deploy", format!("deploy:!:{today}:0:99999:7:::")),
        ("/etc/shadow", "test", "test:*:19500:0:99999:7:::".to_owned()),
    ];
    for (table, name, whole) in expected {
        assert_eq!(line(root, table, name)?, whole);
    }
    assert_eq!(root.owner("/etc/shadow")?, "100640 0:42");
    assert_eq!(root.owner("/etc/passwd")?, "100644 0:0");
    Ok(())
}

fn homes(root: &Tree) -> Outcome {
    let expected = [
        ("/home/alice", "40755 2001:2100"),
        ("/home/alice/.profile", "100644 2001:2100"),
        ("/home/alice/.config", "40755 2001:2100"),
        ("/home/alice/.config/app.conf", "100600 2001:2100"),
        ("/home/alice/.bashrc", "120777 2001:2100"),
        ("/home/alice/.ssh", "40700 2001:2100"),
        ("/home/alice/.ssh/authorized_keys", "100600 2001:2100"),
        ("/srv/deploy", "40755 2002:2002"),
        ("/srv/deploy/.profile", "100644 2002:2002"),
        ("/home/test", "40750 1000:1000"),
    ];
    for (path, owner) in expected {
        assert_eq!(root.owner(path)?, owner, "{path}");
    }
    assert_eq!(root.text("/home/alice/.bashrc")?, ".profile");
    assert_eq!(root.text("/home/alice/.ssh/authorized_keys")?, format!("{}\n", example::PUBLIC_KEY));
    assert!(!root.has("/srv/deploy/.ssh"));
    Ok(())
}

fn directories(root: &Tree) -> Outcome {
    let expected = [
        ("/opt/app", "40750 0:0"),
        ("/opt/app/deep", "40750 0:0"),
        ("/opt/app/deep/er", "40750 0:0"),
        ("/opt/app/empty", "40750 0:0"),
        ("/opt/app/first.txt", "100640 0:0"),
        // A link in the source is followed.
        ("/opt/app/link.txt", "100640 0:0"),
        ("/usr/share", "40755 0:0"),
        ("/usr/share/deep", "40755 0:0"),
        ("/usr/share/first.txt", "100755 0:0"),
    ];
    for (path, owner) in expected {
        assert_eq!(root.owner(path)?, owner, "{path}");
    }
    assert_eq!(root.text("/opt/app/link.txt")?, "first\n");
    assert_eq!(root.text("/opt/app/deep/er/second.txt")?, "second\n");
    Ok(())
}

fn files(root: &Tree) -> Outcome {
    let expected = [
        ("/etc/app", "40755 0:0", ""),
        ("/etc/app/app.conf", "100600 0:0", "answer = 42\n"),
        ("/usr/local/bin/tool", "104750 0:0", "#!/bin/sh\n"),
        ("/etc/motd", "100644 0:0", "no line end"),
        ("/srv/keep/first-name", "100644 0:0", "changed\n"),
        // Written through the first name: it is one file.
        ("/srv/keep/second-name", "100644 0:0", "changed\n"),
    ];
    for (path, owner, text) in expected {
        assert_eq!((root.owner(path)?.as_str(), root.text(path)?.as_str()), (owner, text), "{path}");
    }
    assert_eq!(root.node("/srv/keep/first-name")?.links, 2);
    assert_eq!(root.node("/etc/motd")?.xattrs, ["user.note (4) = \"kept\""]);
    Ok(())
}

fn services(root: &Tree) -> Outcome {
    let expected = [
        ("multi-user.target.wants/alpha.service", "alpha.service"),
        ("multi-user.target.wants/beta.service", "beta.service"),
        ("multi-user.target.wants/gamma.service", "gamma.service"),
        ("gamma-alias.service", "gamma.service"),
        ("multi-user.target.wants/template@one.service", "template@.service"),
    ];
    for (name, unit) in expected {
        let target = root.text(&format!("/etc/systemd/system/{name}"))?;
        // Both spellings name the same file where `/lib` is a link to `/usr/lib`.
        let same = [format!("/usr/lib/systemd/system/{unit}"), format!("/lib/systemd/system/{unit}")];
        assert!(same.contains(&target), "{name} leads to {target}");
    }
    assert!(!root.has("/etc/systemd/system/alpha.service.requires"));
    Ok(())
}

fn modules(root: &Tree) -> Outcome {
    let expected = [
        ("/etc/modules-load.d/modules-load.conf", "100644 0:0", "br_netfilter\n"),
        ("/etc/modprobe.d/modules-disabled.conf", "100640 0:0", "blacklist floppy\nblacklist nouveau\n"),
        ("/etc/modprobe.d/module-options.conf", "100644 0:0", "options kvm nested=1"),
    ];
    for (path, owner, text) in expected {
        assert_eq!((root.owner(path)?.as_str(), root.text(path)?.as_str()), (owner, text), "{path}");
    }
    Ok(())
}

fn records(root: &Tree) -> Outcome {
    let release = root.text("/etc/image-customizer-release")?;
    let keys: Vec<_> = release.lines().map(|line| line.split('=').next().unwrap_or("")).collect();
    assert_eq!(keys, ["TOOL_VERSION", "BUILD_DATE", "IMAGE_UUID", ""]);
    assert!(release.contains("BUILD_DATE=\"2026-02-03T04:05:06Z\"\n"), "{release}");
    assert!(release.ends_with("\"\n\n"), "{release}");
    assert_eq!(root.owner("/etc/image-customizer-release")?, "100644 0:0");

    let history = root.text("/usr/share/image-customizer/history.json")?;
    let items: Vec<Value> = serde_json::from_str(&history)?;
    assert_eq!(items.len(), 1);
    let text = |pointer: &str| items.first().and_then(|item| item.pointer(pointer)).and_then(Value::as_str);
    assert_eq!(text("/timestamp"), Some("2026-02-03T04:05:06Z"));
    assert_eq!(text("/config/os/hostname"), Some("web-1.example.net"));
    assert_eq!(text("/config/os/users/0/sshPublicKeys/0"), Some("[redacted]"));
    assert!(!history.contains(example::PASSWORD_HASH), "the password's hash is in the history");
    assert!(!history.contains("alice@laptop"), "the public key is in the history");
    assert_eq!(root.owner("/usr/share/image-customizer")?, "40755 0:0");
    Ok(())
}

/// All paths that the example may touch; everything else has to be as it was, to the last attribute.
const CHANGED: [&str; 46] = [
    "/etc/app",
    "/etc/app/app.conf",
    "/etc/group",
    "/etc/gshadow",
    "/etc/hostname",
    "/etc/image-customizer-release",
    "/etc/modprobe.d/module-options.conf",
    "/etc/modprobe.d/modules-disabled.conf",
    "/etc/modules-load.d/modules-load.conf",
    "/etc/motd",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/systemd/system/gamma-alias.service",
    "/etc/systemd/system/multi-user.target.wants/alpha.service",
    "/etc/systemd/system/multi-user.target.wants/gamma.service",
    "/etc/systemd/system/multi-user.target.wants/template@one.service",
    "/home/alice",
    "/home/alice/.bashrc",
    "/home/alice/.config",
    "/home/alice/.config/app.conf",
    "/home/alice/.profile",
    "/home/alice/.ssh",
    "/home/alice/.ssh/authorized_keys",
    "/opt/app",
    "/opt/app/deep",
    "/opt/app/deep/er",
    "/opt/app/deep/er/second.txt",
    "/opt/app/empty",
    "/opt/app/first.txt",
    "/opt/app/link.txt",
    "/srv/deploy",
    "/srv/deploy/.bashrc",
    "/srv/deploy/.config",
    "/srv/deploy/.config/app.conf",
    "/srv/deploy/.profile",
    "/srv/keep/first-name",
    "/srv/keep/second-name",
    "/usr/local/bin/tool",
    "/usr/share/deep",
    "/usr/share/deep/er",
    "/usr/share/deep/er/second.txt",
    "/usr/share/empty",
    "/usr/share/first.txt",
    "/usr/share/image-customizer",
    "/usr/share/image-customizer/history.json",
    "/usr/share/link.txt",
];

fn only_expected_paths_changed(before: &Disk, after: &Disk) -> Outcome {
    let differing = disk::differences(&before.manifest()?, &after.manifest()?);
    // The programs of the shadow suite keep the tables' last versions and a lock.
    let kept = |path: &str| {
        ["passwd-", "shadow-", "group-", "gshadow-", ".pwd.lock"]
            .iter()
            .any(|name| path == format!("root:/etc/{name}"))
    };
    let found: BTreeSet<_> = differing.keys().filter(|path| !kept(path)).cloned().collect();
    let expected: BTreeSet<_> = CHANGED.iter().map(|path| format!("root:{path}")).collect();
    let unexpected: Vec<_> = differing.iter().filter(|(path, _)| !expected.contains(*path)).collect();
    assert_eq!(found, expected, "not expected: {unexpected:#?}");
    Ok(())
}

#[test]
fn a_second_run_adds_to_the_history_and_changes_nothing_else() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    // Users that exist keep their keys, so the second run may not bring any.
    let config = "os: { hostname: again, services: { enable: [alpha] }, modules: [{ name: loop, loadMode: always }] }\n";
    scene.customize(&raw, config, Format::Raw)?.succeed()?;
    let first = scene.join("first.raw");
    std::fs::rename(scene.output(Format::Raw), &first)?;
    scene.customize(&first, config, Format::Raw)?.succeed()?;
    let (one, two) = (Disk::open(&first, Format::Raw)?, Disk::open(&scene.output(Format::Raw), Format::Raw)?);
    two.check()?;
    let history: Value =
        serde_json::from_str(&two.tree("root")?.text("/usr/share/image-customizer/history.json")?)?;
    assert_eq!(history.as_array().map(Vec::len), Some(2));
    let allowed = ["root:/etc/image-customizer-release", "root:/usr/share/image-customizer/history.json"];
    let content = |disk: &Disk, path: &str| -> Outcome<String> { disk.tree("root")?.text(path) };
    for path in ["/etc/hostname", "/etc/modules-load.d/modules-load.conf"] {
        assert_eq!(content(&one, path)?, content(&two, path)?);
    }
    let mut differing = disk::differences(&one.manifest()?, &two.manifest()?);
    differing.retain(|path, _| !allowed.contains(&path.as_str()));
    assert_eq!(differing, [].into());
    Ok(())
}

#[test]
fn an_empty_configuration_leaves_only_the_records() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Boot)?;
    scene.customize(&raw, "{}\n", Format::Raw)?.succeed()?;
    let (before, after) =
        (Disk::open(&raw, Format::Raw)?, Disk::open(&scene.output(Format::Raw), Format::Raw)?);
    after.check()?;
    let differing: Vec<_> = disk::differences(&before.manifest()?, &after.manifest()?).into_keys().collect();
    let expected = [
        "root:/etc/image-customizer-release",
        "root:/usr/share/image-customizer",
        "root:/usr/share/image-customizer/history.json",
    ];
    assert_eq!(differing, expected);
    Ok(())
}

#[test]
fn no_history_is_written_when_it_is_not_wanted() -> Outcome {
    let scene = Scene::new()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    scene.customize(&raw, "os: { imageHistory: none }\n", Format::Raw)?.succeed()?;
    let root = Disk::open(&scene.output(Format::Raw), Format::Raw)?.tree("root")?;
    assert!(root.has("/etc/image-customizer-release"));
    assert!(!root.has("/usr/share/image-customizer/history.json"));
    Ok(())
}
