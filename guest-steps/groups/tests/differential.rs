//! Compares the step with Debian's `groupadd` (package `passwd`) on generated images and requests.
//!
//! Needs root: the program is run with `--root` on a scratch directory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use differential::{Random, Scratch};
use imagecustomizer_step_groups::AddGroups;
use step_sdk::testing::{MemoryHost, Tree};
use step_sdk::{Host as _, Step as _, parse_settings};

const CASES: u64 = 300;

#[test]
fn groups_are_what_groupadd_makes_of_them() {
    let mut succeeded = 0;
    // Other images than those of every run: FIRST_SEED=1000 cargo test …
    for seed in differential::seeds(CASES) {
        let root = Scratch::new("groups", seed).unwrap();
        let mut random = Random::new(seed);
        make_image(root.path(), &mut random);
        let groups: Vec<(&str, Option<u32>)> = (0..=random.below(3)).map(|_| request(&mut random)).collect();
        let host = MemoryHost::new(Tree::from_directory(root.path()).unwrap());
        let before = host.manifest();
        let settings = as_settings(&groups);
        let ours = AddGroups::run(&parse_settings(&settings).unwrap(), &host);
        let theirs = groups.iter().try_for_each(|(name, gid)| apply(name, *gid, root.path()));
        match (&ours, &theirs) {
            (Err(_), Err(_)) => continue,
            (Ok(()), Ok(())) => succeeded += 1,
            _ => panic!("seed {seed}: {settings}\n{before}\nours: {ours:?}\ntheirs: {theirs:?}"),
        }
        for file in ["etc/group", "etc/gshadow"] {
            let theirs =
                fs::read(root.path().join(file)).ok().map(|text| String::from_utf8_lossy(&text).into_owned());
            let ours =
                host.read_if_there(file).unwrap().map(|text| String::from_utf8_lossy(&text).into_owned());
            // A file that nothing was asked of keeps its missing last line end in both.
            assert_eq!(ours, theirs, "seed {seed}: {settings}\n{before}");
        }
    }
    differential::assert_enough(succeeded, CASES / 2);
}

fn request(random: &mut Random) -> (&'static str, Option<u32>) {
    let name = random.pick(&["ann", "bob", "web", "staff", "mail", "x1", "7", "é", "wheel", "a.b", "A$"]);
    let gid =
        random.one_in(4).then(|| random.pick(&[0, 7, 50, 500, 999, 1000, 1003, 1004, 1010, 60000, 70000]));
    (name, gid)
}

fn as_settings(groups: &[(&str, Option<u32>)]) -> String {
    let group = |(name, gid): &(&str, Option<u32>)| match gid {
        Some(gid) => format!(r#"{{"name":"{name}","gid":{gid}}}"#),
        None => format!(r#"{{"name":"{name}"}}"#),
    };
    format!(r#"{{"groups":[{}]}}"#, groups.iter().map(group).collect::<Vec<_>>().join(","))
}

/// What the reference program does with `groupadd`, but for its mistake of asking for a user.
#[expect(clippy::disallowed_methods, reason = "the program is what the step is compared with")]
fn apply(name: &str, gid: Option<u32>, root: &Path) -> Result<(), String> {
    let text = fs::read_to_string(root.join("etc/group")).unwrap();
    if text.lines().any(|line| line.starts_with(&format!("{name}:"))) {
        return if gid.is_some() { Err("refused by the caller".into()) } else { Ok(()) };
    }
    let mut command = std::process::Command::new("groupadd");
    command.arg("--root").arg(root).args(gid.iter().flat_map(|gid| ["-g".into(), gid.to_string()]));
    let output = command.args(["--", name]).output();
    let output =
        output.unwrap_or_else(|cause| panic!("cannot run `groupadd`: {cause}; install the package `passwd`"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("chroot") && !said.contains("Permission denied"), "run this test as root: {said}");
    if output.status.success() { Ok(()) } else { Err(said) }
}

fn make_image(root: &Path, random: &mut Random) {
    fs::create_dir_all(root.join("etc")).unwrap();
    let mut defs = String::new();
    for (name, values) in
        [("GID_MIN", ["1000", "0x64", "1003", ""]), ("GID_MAX", ["60000", "1005", "01752", ""])]
    {
        let value = random.pick(&values);
        if !value.is_empty() {
            defs += &format!("{name} {value}\n");
        }
    }
    if !random.one_in(5) {
        fs::write(root.join("etc/login.defs"), defs).unwrap();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:5:5::/:/bin/sh\n").unwrap();
    let group_lines = [
        "web:x:1000:",
        "staff:x:50:web,root",
        "mail:x:8",
        "g1:x:1001:",
        "g2:x:1004:a,b",
        "g3:x:60000:",
        "g4:!:1003:",
        "g5::999:",
        "nogroup:x:65534:",
        "only-a-name",
        "",
        "# no entry",
        "+:::",
        "odd:x:y:",
    ];
    let gshadow_lines =
        ["root:*::", "web:!::", "staff:!:a:b", "bob:old:a:b", "wheel:$6$x:a:", "bad", "+:::", "mail:*"];
    fs::write(root.join("etc/group"), lines(random, &group_lines)).unwrap();
    if !random.one_in(4) {
        fs::write(root.join("etc/gshadow"), lines(random, &gshadow_lines)).unwrap();
    }
}

/// Some of the lines, each at most once, in a random order.
fn lines(random: &mut Random, from: &[&str]) -> String {
    let mut left = from.to_vec();
    let mut text = String::new();
    for _ in 0..random.below(8).min(from.len() as u64) {
        text += left.swap_remove(usize::try_from(random.below(left.len() as u64)).unwrap());
        text.push('\n');
    }
    if random.one_in(5) { text + "last:x:40:" } else { text }
}
