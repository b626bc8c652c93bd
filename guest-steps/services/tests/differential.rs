//! Compares the step with Debian's `systemctl` (systemd 252) on generated images, and where they hold init
//! scripts with `update-rc.d`, which `systemctl` calls.
//!
//! Needs root and the packages `systemd`, `init-system-helpers` and `perl-base`. For init scripts their files are bound
//! into the image, in a mount namespace of its own: nothing stays behind.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use differential::{Random, Scratch, assert_same};
use imagecustomizer_step_services::ConfigureServices;
use step_sdk::testing::{MemoryHost, Tree};
use step_sdk::{Step as _, parse_settings};

const CASES: u64 = 300;

#[test]
fn links_are_those_that_systemctl_makes_and_removes() {
    let mut succeeded = 0;
    // Other images than those of every run: FIRST_SEED=1000 cargo test …
    for seed in differential::seeds(CASES) {
        let root = Scratch::new("services", seed).unwrap();
        let mut random = Random::new(seed);
        let units = make_image(root.path(), &mut random);
        let (enable, disable) = request(&mut random, &units);
        let settings = format!(r#"{{"enable":{enable:?},"disable":{disable:?}}}"#);
        let host = MemoryHost::new(Tree::from_directory(root.path()).unwrap());
        let before = host.manifest();
        let ours = ConfigureServices::run(&parse_settings(&settings).unwrap(), &host);
        let theirs = systemctl(root.path(), &enable, &disable);
        match (&ours, &theirs) {
            (Err(_), Err(_)) => continue,
            (Ok(()), Ok(_)) => succeeded += 1,
            _ => panic!("seed {seed}: {settings}\n{before}\nours: {ours:?}\ntheirs: {theirs:?}"),
        }
        let after = Tree::from_directory(root.path()).unwrap().manifest();
        assert_same(&host.manifest(), &after, || format!("seed {seed}: {settings}\n{before}\n{theirs:?}"));
    }
    differential::assert_enough(succeeded, CASES / 3);
}

const NAMES: [&str; 16] = [
    "a.service",
    "a.service",
    "b.service",
    "b.service",
    "c.socket",
    "d.target",
    "t@.service",
    "t@.service",
    "t@x.service",
    "u@.service",
    "u@x.service",
    "tm.timer",
    "m.mount",
    "e.path",
    "init.service",
    "sl.slice",
];

fn request(random: &mut Random, units: &[&'static str]) -> (Vec<&'static str>, Vec<&'static str>) {
    let extra = [
        "a",
        "b",
        "init",
        "gone",
        "t@y",
        "t@y.service",
        "u@",
        "/opt/x/b.service",
        "/opt/x/new.service",
        "/usr/lib/systemd/system/a.service",
        "none/a.service",
        "t@z.service",
        "other.service",
        "a b",
    ];
    let mut names = |count| -> Vec<&'static str> {
        let pick =
            |random: &mut Random| if random.one_in(8) { random.pick(&extra) } else { random.pick(units) };
        (0..count).map(|_| pick(random)).collect()
    };
    match units.len() % 3 {
        0 => (names(1), names(1)),
        1 => (names(2), Vec::new()),
        _ => (names(1), names(2)),
    }
}

/// Enables and disables one after the other. `systemctl disable` forgives a missing or broken unit; the reference program
/// asks for the unit's state first, and fails. Links that lead to nothing are the exception: they are to be removed.
fn systemctl(root: &Path, enable: &[&str], disable: &[&str]) -> Result<String, String> {
    let has_script = fs::read_dir(root.join("etc/init.d")).unwrap().next().is_some();
    let call =
        |verb, name| if has_script { in_chroot(root, verb, name) } else { with_root(root, verb, name) };
    let mut all = String::new();
    for name in enable {
        all += &call("enable", name)?;
    }
    for name in disable {
        let unit = name.rsplit('/').next().unwrap_or_default();
        let is_script =
            !name.contains('/') && root.join("etc/init.d").join(unit.trim_end_matches(".service")).exists();
        if let Err(said) = with_root(root, "is-enabled", unit)
            && said.contains("Failed to get unit file state")
            && !is_script
            && !dangles(root, unit)
        {
            return Err(said);
        }
        all += &call("disable", name)?;
    }
    Ok(all)
}

/// Whether the first file of the unit's name, or the link there, leads to nothing.
fn dangles(root: &Path, unit: &str) -> bool {
    let said = with_root(root, "is-enabled", unit).unwrap_err();
    let file = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
    let template = file.split_once('@').map_or_else(String::new, |(prefix, _)| format!("{prefix}@.service"));
    let is_link =
        |directory: &&str| [&file, &template].iter().any(|file| root.join(directory).join(file).is_symlink());
    said.contains("Link has been severed")
        || (said.contains("No such file") && UNIT_DIRECTORIES.iter().any(is_link))
}

/// Images without init scripts: quicker.
#[expect(clippy::disallowed_methods, reason = "the program is what the step is compared with")]
fn with_root(root: &Path, verb: &str, name: &str) -> Result<String, String> {
    let mut command = std::process::Command::new("systemctl");
    command.arg("--root").arg(root).args([verb, name]).env("LC_ALL", "C");
    if verb == "is-enabled" {
        // The state of the unit is asked for, not that of an init script.
        command.env("SYSTEMCTL_SKIP_SYSV", "1");
    }
    let output = command
        .output()
        .unwrap_or_else(|cause| panic!("cannot run `systemctl` (package `systemd`): {cause}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Images with init scripts: the programs that `systemctl` calls enter the root directory.
#[expect(clippy::disallowed_methods, reason = "the program is what the step is compared with")]
fn in_chroot(root: &Path, verb: &str, name: &str) -> Result<String, String> {
    let script = r#"
        for path in usr/bin usr/sbin usr/lib/x86_64-linux-gnu usr/lib64 proc dev usr/lib/systemd/systemd-sysv-install; do
            mount --bind "/$path" "$0/$path" || exit 99
        done
        chroot "$0" systemctl "$1" "$2" || exit 10"#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--", "sh", "-c", script]).arg(root).args([verb, name]);
    let output = command.env("LC_ALL", "C").env("SYSTEMD_OFFLINE", "1").output();
    let output =
        output.unwrap_or_else(|cause| panic!("cannot run `unshare` (package `util-linux`): {cause}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(said),
        Some(10) if !said.contains("failed to run command") => Err(said),
        _ => {
            panic!("this test needs root and the packages systemd, init-system-helpers and perl-base: {said}")
        }
    }
}

const UNIT_DIRECTORIES: [&str; 16] = [
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system",
    "etc/systemd/system",
    "etc/systemd/system",
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/local/lib/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/generator",
];

/// Gives the names that stand for something.
fn make_image(root: &Path, random: &mut Random) -> Vec<&'static str> {
    let mut units = vec!["multi-user.target"];
    for directory in [
        "usr/bin",
        "usr/sbin",
        "usr/lib/x86_64-linux-gnu",
        "usr/lib64",
        "usr/lib/systemd/system",
        "proc",
        "opt/x",
        "var/lib/dpkg",
        "etc/init.d",
        "dev",
    ] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for (link, target) in
        [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")]
    {
        symlink(target, root.join(link)).unwrap();
    }
    write(root, "usr/sbin/update-rc.d", "bound over");
    write(root, "usr/lib/systemd/systemd-sysv-install", "bound over");
    write(root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    write(root, "usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    write(root, "usr/lib/systemd/system/multi-user.target", "[Unit]\n");
    for _ in 0..random.below(8) + 3 {
        let directory = random.pick(&UNIT_DIRECTORIES);
        let name = random.pick(&NAMES);
        make_unit(root, &format!("{directory}/{name}"), random);
        units.push(name);
    }
    for name in ["b.service", "new.service"] {
        if random.one_in(2) {
            write(root, &format!("opt/x/{name}"), &unit_text(random));
        }
    }
    for _ in 0..random.below(4).saturating_sub(1) {
        let name = random.pick(&["a.service", "t@.service", "t@x.service", "service", "b.service"]);
        let directory = random.pick(&UNIT_DIRECTORIES);
        let file = random.pick(&["10.conf", "20.conf", "x.txt", ".hidden.conf"]);
        let text = if random.one_in(8) { String::new() } else { unit_text(random) };
        write(root, &format!("{directory}/{name}.d/{file}"), &text);
    }
    for _ in 0..random.below(5) {
        make_link(root, random);
    }
    if make_init_script(root, random) {
        units.push("init");
    }
    units
}

fn make_unit(root: &Path, path: &str, random: &mut Random) {
    match random.below(28) {
        0 => link(root, path, "/dev/null"),
        1 => write(root, path, ""),
        2 | 3 => {
            let target = random.pick(&NAMES);
            let directory = random.pick(&[
                "",
                "",
                "/lib/systemd/system/",
                "/usr/lib/systemd/system/",
                "../system/",
                "/etc/systemd/system/",
                "/opt/x/",
                "/none/",
            ]);
            link(root, path, &format!("{directory}{target}"));
        }
        _ => write(root, path, &unit_text(random)),
    }
}

/// A link as an earlier `enable`, or a person, could have made it.
fn make_link(root: &Path, random: &mut Random) {
    let directory =
        random.pick(&["multi-user.target.wants", "multi-user.target.wants", "a.service.requires", "x", "."]);
    let name = random.pick(&NAMES);
    let target =
        random.pick(&["/lib/systemd/system/", "/usr/lib/systemd/system/", "../", "/none/", "/opt/x/"]);
    let other = if random.one_in(4) { random.pick(&NAMES) } else { name };
    link(root, &format!("etc/systemd/system/{directory}/{name}"), &format!("{target}{other}"));
}

fn unit_text(random: &mut Random) -> String {
    let lines = [
        "WantedBy=multi-user.target",
        "WantedBy=multi-user.target",
        "WantedBy=multi-user.target graphical.target",
        "WantedBy=",
        "WantedBy=a.service",
        "WantedBy=t@.service",
        "WantedBy=\"multi-user.target\"  'd.target'",
        "WantedBy=\"open",
        "WantedBy=%i.target",
        "WantedBy=w-%p.target",
        "WantedBy=a.service b.service",
        "WantedBy=d.target",
        "WantedBy=bad name",
        "RequiredBy=multi-user.target",
        "RequiredBy=d.target",
        "RequiredBy=t@%j.service",
        "UpheldBy=d.target",
        "Alias=alias.service",
        "Alias=other.service",
        "Alias=other.service",
        "Alias=b.service",
        "Alias=al@.service",
        "Alias=al@q.service",
        "Alias=%N.socket",
        "Alias=%p-%o%w-%a-%U.service",
        "Alias=multi-user.target.wants/a.service",
        "Alias=multi-user.target.wants/%n",
        "Alias=t@.service.requires/t@.service",
        "Alias=odd/a.service",
        "Alias=m%m.service",
        "Also=b.service",
        "Also=b.service c.socket",
        "Also=a.service",
        "Also=gone.service",
        "Also=t@%i.service",
        "Also=bad",
        "Also=t@a\\x2db.service",
        "DefaultInstance=x",
        "DefaultInstance=dflt",
        "DefaultInstance=a/b",
        "DefaultInstance=",
        "# WantedBy=none.target",
        "WantedBy=multi-user.target \\",
        "; comment",
        "  d.target",
        "nonsense",
        "[Unit]",
        "[X-Other]",
        "[Install]",
        "\u{feff}",
        "=x",
    ];
    let mut text = String::from("[Unit]\nDescription=x\nWantedBy=lost.target\n");
    if !random.one_in(6) {
        text += "[Install]\n";
    }
    for _ in 0..random.below(4) {
        writeln!(text, "{}", random.pick(&lines)).unwrap();
    }
    match random.below(40) {
        0 => text + "[Install\n",
        1 => text.replace('\n', "\r\n"),
        _ => text,
    }
}

fn make_init_script(root: &Path, random: &mut Random) -> bool {
    if !random.one_in(8) {
        return false;
    }
    let headers = [
        "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n",
        "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n",
        "# Default-Start: S\n# Default-Stop:\n",
        "# Default-Start:\n# Default-Stop: 0 6\n",
        "# Default-Start: 1 3\n",
        "",
    ];
    let name = random.pick(&["init", "init", "a"]);
    let header = random.pick(&headers);
    write(
        root,
        &format!("etc/init.d/{name}"),
        &format!("#!/bin/sh\n### BEGIN INIT INFO\n{header}### END INIT INFO\n"),
    );
    for level in ["2", "3", "S", "0"] {
        if random.one_in(6) {
            let letter = random.pick(&["S", "K"]);
            link(root, &format!("etc/rc{level}.d/{letter}05{name}"), &format!("../init.d/{name}"));
        }
    }
    true
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    fs::write(path, text).unwrap();
}

fn link(root: &Path, path: &str, target: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    symlink(target, path).unwrap();
}
