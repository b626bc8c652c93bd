//! Compares the step with Debian's `useradd` and `usermod` (package `passwd`) on generated images and requests.
//!
//! Needs root and these programs: they are run with `--root` on a scratch directory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use differential::{Random, Scratch, assert_same};
use imagecustomizer_step_users::ConfigureUsers;
use step_sdk::testing::{MemoryHost, Tree};
use step_sdk::{Step as _, parse_settings};

const CASES: u64 = 400;
const EPOCH: u64 = 1_700_000_000;

#[test]
fn accounts_are_what_useradd_and_usermod_make_of_them() {
    let mut succeeded = 0;
    // Other images than those of every run: FIRST_SEED=1000 cargo test …
    for seed in differential::seeds(CASES) {
        let root = Scratch::new("users", seed).unwrap();
        let mut random = Random::new(seed);
        make_image(root.path(), &mut random);
        let users = requests(&mut random);
        let host = MemoryHost::new(Tree::from_directory(root.path()).unwrap()).with_epoch(EPOCH);
        let ours = ConfigureUsers::run(&parse_settings(&as_settings(&users)).unwrap(), &host);
        let before = host_like(root.path());
        let theirs = users.iter().try_for_each(|user| apply(user, root.path()));
        let context = || format!("seed {seed}: {}\n{before}", as_settings(&users));
        match (&ours, &theirs) {
            (Err(_), Err(_)) => continue,
            (Ok(()), Ok(())) => succeeded += 1,
            _ => panic!("{}\nours: {ours:?}\ntheirs: {theirs:?}", context()),
        }
        assert_same(&host.manifest(), &host_like(root.path()), context);
    }
    differential::assert_enough(succeeded, CASES / 3);
}

/// One user of the request.
#[derive(Debug, Default)]
struct User {
    name: &'static str,
    uid: Option<u32>,
    primary_group: Option<&'static str>,
    secondary_groups: Vec<&'static str>,
    home: Option<&'static str>,
}

const NAMES: [&str; 8] = ["ann", "bob", "web", "web", "7", "db", "mail", "é"];
const GROUPS: [&str; 10] = ["web", "root", "web", "staff", "staff", "1000", "0", "mail", "ann", "none"];

fn requests(random: &mut Random) -> Vec<User> {
    (0..=random.below(2)).map(|_| request(random)).collect()
}

fn request(random: &mut Random) -> User {
    User {
        name: random.pick(&NAMES),
        uid: random.one_in(6).then(|| random.pick(&[0, 7, 500, 999, 1000, 1003, 1005, 1010, 60001, 70000])),
        primary_group: random.one_in(3).then(|| random.pick(&GROUPS)),
        secondary_groups: (0..random.below(6).saturating_sub(3)).map(|_| random.pick(&GROUPS)).collect(),
        home: random
            .one_in(5)
            .then(|| random.pick(&["/srv/h", "/home/there", "/a/b/c", "/", "/file", "/srv/h/", "rel"])),
    }
}

fn as_settings(users: &[User]) -> String {
    let users: Vec<String> = users.iter().map(user_settings).collect();
    format!(r#"{{"users":[{}]}}"#, users.join(","))
}

fn user_settings(user: &User) -> String {
    let mut text = format!(r#"{{"name":"{}""#, user.name);
    if let Some(uid) = user.uid {
        write!(text, r#","uid":{uid}"#).unwrap();
    }
    if let Some(group) = user.primary_group {
        write!(text, r#","primaryGroup":"{group}""#).unwrap();
    }
    if !user.secondary_groups.is_empty() {
        write!(text, r#","secondaryGroups":["{}"]"#, user.secondary_groups.join("\",\"")).unwrap();
    }
    if let Some(home) = user.home {
        write!(text, r#","homeDirectory":"{home}""#).unwrap();
    }
    text + "}"
}

/// What the reference program does with the programs.
fn apply(user: &User, root: &Path) -> Result<(), String> {
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    if passwd.lines().any(|line| line.starts_with(&format!("{}:", user.name))) {
        if user.uid.is_some() || user.home.is_some() {
            return Err("refused by the caller".into());
        }
        if let Some(group) = user.primary_group {
            run(root, "usermod", &["-g", group, user.name])?;
        }
    } else {
        let uid = user.uid.map(|uid| uid.to_string());
        let mut arguments = vec!["-m"];
        arguments.extend(uid.iter().flat_map(|uid| ["-u", uid]));
        arguments.extend(user.primary_group.iter().flat_map(|group| ["-g", group]));
        arguments.extend(user.home.iter().flat_map(|home| ["-d", home]));
        arguments.extend(["--", user.name]);
        run(root, "useradd", &arguments)?;
    }
    if !user.secondary_groups.is_empty() {
        run(root, "usermod", &["-a", "-G", &user.secondary_groups.join(","), user.name])?;
    }
    Ok(())
}

/// Runs a program on the directory, in a mount namespace of its own: the programs need `/proc` for the modes of folders.
#[expect(clippy::disallowed_methods, reason = "the program is what the step is compared with")]
fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let script =
        r#"mount --bind /proc "$0/proc" || exit 99; program="$1"; shift; exec "$program" --root "$0" "$@""#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--", "sh", "-c", script]).arg(root).arg(program).args(arguments);
    let output = command.env("SOURCE_DATE_EPOCH", EPOCH.to_string()).output();
    let output =
        output.unwrap_or_else(|cause| panic!("cannot run `unshare` (package `util-linux`): {cause}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1) if said.contains("unshare") => panic!("this test must be run by root: {said}"),
        Some(99) => panic!("cannot mount `/proc` into the scratch directory, which this test needs: {said}"),
        Some(126 | 127) => panic!("cannot run `{program}`: install the package `passwd`: {said}"),
        _ => Err(format!("{program}: {}: {said}", output.status)),
    }
}

/// An image with account files of many kinds.
fn make_image(root: &Path, random: &mut Random) {
    for directory in ["etc/default", "etc/skel/d", "home/there", "var/mail", "proc"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    write(root, "etc/skel/.bashrc", "hello\n", 0o640);
    write(root, "etc/skel/d/run", "x", 0o4755);
    fs::set_permissions(root.join("etc/skel/d"), fs::Permissions::from_mode(0o2750)).unwrap();
    symlink(".bashrc", root.join("etc/skel/link")).unwrap();
    if random.one_in(6) {
        fs::remove_dir_all(root.join("etc/skel")).unwrap();
    }
    write(root, "file", "", 0o644);
    write(root, "etc/login.defs", &login_defs(random), 0o644);
    write(root, "etc/default/useradd", &useradd_defaults(random), 0o644);
    if random.one_in(8) {
        fs::remove_file(root.join("etc/default/useradd")).unwrap();
    }
    let passwd =
        account_lines(random, &["root:x:0:0:root:/root:/bin/bash"], passwd_line, &["+::::::", "-x::::::"]);
    write(root, "etc/passwd", &passwd, 0o644);
    write(root, "etc/group", &account_lines(random, &["root:x:0:"], group_line, &["+:::"]), 0o644);
    if !random.one_in(5) {
        let stale = if random.one_in(3) { "ann:old:1:2:3:4:5:6:7\n" } else { "" };
        write(
            root,
            "etc/shadow",
            &format!("root:*:19000:0:99999:7:::\nweb:!:19000:0:99999:7:::\n{stale}"),
            0o640,
        );
        chown(root.join("etc/shadow"), Some(0), Some(42)).unwrap();
    }
    if !random.one_in(5) {
        let stale = if random.one_in(3) { "ann:old:a:b\n" } else { "" };
        write(root, "etc/gshadow", &format!("root:*::\nstaff:!::web\n{stale}web:!::\n"), 0o640);
    }
    for file in ["etc/subuid", "etc/subgid"] {
        if !random.one_in(3) {
            write(root, file, &subordinate_lines(random), 0o600);
        }
    }
    make_home(root, random);
}

/// The home directory of `web`, with files of several owners.
fn make_home(root: &Path, random: &mut Random) {
    fs::create_dir_all(root.join("home/web/d")).unwrap();
    symlink("nowhere", root.join("home/web/link")).unwrap();
    for (file, mode) in [("home/web/f", 0o640), ("home/web/d/run", 0o6755), ("home/web/d/plain", 0o2644)] {
        write(root, file, file, mode);
    }
    for path in
        ["home/web", "home/web/d", "home/web/link", "home/web/f", "home/web/d/run", "home/web/d/plain"]
    {
        let owner = (random.pick(&[1000, 1000, 1000, 5]), random.pick(&[1000, 1000, 7]));
        std::os::unix::fs::lchown(root.join(path), Some(owner.0), Some(owner.1)).unwrap();
        let path = root.join(path);
        if path.file_name().is_some_and(|name| name == "run") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o6755)).unwrap();
        }
    }
}

fn login_defs(random: &mut Random) -> String {
    let mut text = String::from("# a comment\n");
    let mut line = |text: &mut String, name: &str, values: &[&str]| {
        let value = random.pick(values);
        if !value.is_empty() {
            writeln!(text, "{name}\t {value}").unwrap();
        }
    };
    line(&mut text, "USERGROUPS_ENAB", &["yes", "yes", "YES", "no", ""]);
    line(&mut text, "UID_MIN", &["1000", "1000", "500", "1002", ""]);
    line(&mut text, "UID_MAX", &["60000", "60000", "1005", "1010", "1010", "999", ""]);
    line(&mut text, "GID_MIN", &["1000", "1000", "0x64", "1003", ""]);
    line(&mut text, "GID_MAX", &["60000", "1004", "1010", ""]);
    line(&mut text, "UMASK", &["022", "077", "027", ""]);
    line(&mut text, "HOME_MODE", &["", "", "0700", "0711"]);
    line(&mut text, "PASS_MAX_DAYS", &["99999", "90", ""]);
    line(&mut text, "PASS_MIN_DAYS", &["0", "1", ""]);
    line(&mut text, "PASS_WARN_AGE", &["7", "-1", ""]);
    line(&mut text, "SUB_UID_COUNT", &["65536", "10", "0", ""]);
    line(&mut text, "SUB_UID_MAX", &["600100000", "600100000", "100200", ""]);
    line(&mut text, "MAIL_DIR", &["/var/mail", "/var/none", ""]);
    text
}

fn useradd_defaults(random: &mut Random) -> String {
    let lines = [
        "SHELL=/bin/sh",
        "SHELL=",
        "HOME=/srv",
        "GROUP=100",
        "GROUP=staff",
        "GROUP=nobody",
        "GROUP=7",
        "INACTIVE=30",
        "INACTIVE=-1",
        "INACTIVE=-5",
        "EXPIRE=2031-02-03",
        "EXPIRE=",
        "SKEL=/etc/default",
        "SKEL=/none",
        "CREATE_MAIL_SPOOL=yes",
        "CREATE_MAIL_SPOOL=no",
        "#SHELL=/x",
        "noise",
    ];
    (0..random.below(5)).map(|_| format!("{}\n", random.pick(&lines))).collect()
}

/// Fixed lines, generated ones, odd ones and those of NIS.
fn account_lines(
    random: &mut Random,
    fixed: &[&str],
    generate: fn(&mut Random, u64) -> String,
    nis: &[&str],
) -> String {
    let mut text = fixed.iter().map(|line| format!("{line}\n")).collect::<String>();
    for number in 0..random.below(6) {
        text += &generate(random, number);
        text.push('\n');
    }
    if random.one_in(6) {
        text += "only-a-name\n\n# no entry\n";
    }
    if random.one_in(5) {
        text += random.pick(nis);
        text.push('\n');
    }
    if random.one_in(8) {
        text += "last:x:40:40::/:/bin/false";
    }
    text
}

fn passwd_line(random: &mut Random, number: u64) -> String {
    if number == 0 {
        return "web:x:1000:1000:Web,,,:/home/web:/bin/sh".into();
    }
    let uid =
        random.pick(&[1, 7, 33, 500, 999, 1001, 1002, 1003, 1004, 1005, 1009, 1010, 59999, 60000, 65534]);
    format!("user{number}:x:{uid}:{uid}::/home/user{number}:/bin/sh")
}

fn group_line(random: &mut Random, number: u64) -> String {
    match number {
        0 => "web:x:1000:".into(),
        1 => "staff:x:50:web,root".into(),
        2 if random.one_in(2) => "mail:x:8:".into(),
        3 if random.one_in(3) => "ann:x:1003:".into(),
        _ => {
            let gid = random.pick(&[7, 33, 100, 500, 999, 1001, 1002, 1003, 1004, 1009, 1010, 60000, 65534]);
            format!("group{number}:x:{gid}:user{number}")
        }
    }
}

fn subordinate_lines(random: &mut Random) -> String {
    let lines = [
        "web:100000:65536",
        "other:165536:65536",
        "z:100010:5",
        "y:100030:20",
        "ann:300000:10",
        "y:99999:2",
        "bad",
        "q:600000000:65536",
    ];
    (0..random.below(5)).map(|_| format!("{}\n", random.pick(&lines))).collect()
}

fn write(root: &Path, path: &str, text: &str, mode: u32) {
    fs::write(root.join(path), text).unwrap();
    fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// The directory as text, without the traces that the programs leave and the step does not.
fn host_like(root: &Path) -> String {
    let manifest = Tree::from_directory(root).unwrap().manifest();
    let traces = ["group-", "gshadow-", "passwd-", "shadow-", "subgid-", "subuid-", ".pwd.lock"];
    let is_trace = |line: &str| {
        let path = line.split(' ').nth(3).unwrap_or_default();
        path.strip_prefix("/etc/").is_some_and(|name| traces.contains(&name))
    };
    manifest.lines().filter(|line| !is_trace(line)).map(|line| format!("{line}\n")).collect()
}
