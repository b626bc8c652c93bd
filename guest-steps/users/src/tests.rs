use super::*;
use step_sdk::parse_settings;
use step_sdk::testing::{MemoryHost, Tree};

/// 2023-11-14, the host's clock.
const TODAY: i64 = 19675;

fn image() -> Tree {
    let web = Owner { uid: 1000, gid: 1000 };
    Tree::new()
        .file(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nweb:x:1000:1000::/home/web:/bin/sh\nweb2:x:7:7::/:/x\n",
        )
        .file_with(
            "/etc/shadow",
            "root:*:19000:0:99999:7:::\nweb:!:19000:0:99999:7:::\n",
            0o640,
            Owner { uid: 0, gid: 42 },
        )
        .file("/etc/group", "root:x:0:\nmail:x:8:\nweb:x:1000:\nadmin:x:200:root\n")
        .file("/etc/gshadow", "root:*::\nmail:*::\nweb:!::\nadmin:!::root\n")
        .file(
            "/etc/login.defs",
            "USERGROUPS_ENAB yes\nPASS_MIN_DAYS 0\nPASS_MAX_DAYS 99999\nPASS_WARN_AGE 7\n",
        )
        .file("/etc/default/useradd", "SHELL=/bin/sh\n")
        .file_with("/etc/skel/.profile", "hi\n", 0o600, Owner { uid: 3, gid: 3 })
        .symlink("/etc/skel/link", ".profile")
        .directory("/home/web", 0o755)
        .owned_by("/home/web", web)
}

/// The image, with other text in some files.
fn image_where(files: &[(&str, &[u8])]) -> MemoryHost {
    let host = MemoryHost::new(image().directory("/var/mail", 0o2775));
    for (path, text) in files {
        host.write(path, text, &step_sdk::WriteOptions::default()).unwrap();
    }
    host
}

fn run(json: &str, host: &MemoryHost) -> Result<()> {
    ConfigureUsers::run(&parse_settings(json)?, host)
}

fn user(fields: &str) -> String {
    format!(r#"{{"users":[{{{fields}}}]}}"#)
}

fn line(host: &MemoryHost, path: &str, name: &str) -> String {
    let text = host.text(path).unwrap();
    text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap_or_default().to_owned()
}

#[test]
fn a_new_user_gets_lines_group_and_home() {
    let host = MemoryHost::new(image().file("/etc/subuid", "web:100000:65536\n"));
    run(&user(r#""name":"db""#), &host).unwrap();
    assert_eq!(line(&host, "/etc/passwd", "db"), "db:x:1001:1001::/home/db:/bin/sh");
    assert_eq!(line(&host, "/etc/shadow", "db"), format!("db:!:{TODAY}:0:99999:7:::"));
    assert_eq!(line(&host, "/etc/group", "db"), "db:x:1001:");
    assert_eq!(line(&host, "/etc/gshadow", "db"), "db:!::");
    assert_eq!(line(&host, "/etc/subuid", "db"), "db:165536:65536");
    let manifest = host.manifest();
    for expected in [
        "d 0755 1001:1001 /home/db\n",
        "f 0600 1001:1001 /home/db/.profile \"hi\\n\"\n",
        "l 0777 1001:1001 /home/db/link -> .profile\n",
        "f 0640 0:42 /etc/shadow",
    ] {
        assert!(manifest.contains(expected), "{expected} in\n{manifest}");
    }
    assert!(
        !manifest.contains("/etc/passwd-") && !manifest.contains(".pwd.lock") && !manifest.contains("subgid")
    );
}

#[test]
fn passwords_become_hashes_and_stay_secret() {
    let host = MemoryHost::new(image())
        .with_artifact("plain", Tree::of_file("hunter2\n", 0o600))
        .with_artifact("hash", Tree::of_file("$6$abc$def\r\n\n", 0o600))
        .with_artifact("empty", Tree::of_file("\n", 0o600));
    let json = r#"{"users":[
        {"name":"a","password":{"kind":"plain-text","artifact":"plain"}},
        {"name":"b","password":{"kind":"hashed","artifact":"hash"}},
        {"name":"c","password":{"kind":"locked"}},
        {"name":"d","password":{"kind":"hashed","artifact":"empty"}},
        {"name":"web","password":{"kind":"hashed","artifact":"hash"}},
        {"name":"b","password":{"kind":"locked"}}]}"#;
    run(json, &host).unwrap();
    let hash = line(&host, "/etc/shadow", "a");
    let fields: Vec<&str> = hash.split(['$', ':']).collect();
    assert_eq!((fields[1], fields[2], fields[3].len(), fields[4].len()), ("", "6", 12, 86));
    assert_eq!(line(&host, "/etc/shadow", "b"), format!("b:*:{TODAY}:0:99999:7:::"));
    assert_eq!(line(&host, "/etc/shadow", "c"), format!("c:!:{TODAY}:0:99999:7:::"));
    assert_eq!(line(&host, "/etc/shadow", "d"), format!("d:!:{TODAY}:0:99999:7:::"));
    assert_eq!(line(&host, "/etc/shadow", "web"), "web:$6$abc$def:19000:0:99999:7:::");
    let said = format!("{:?}", host.log_records());
    assert!(!said.contains("hunter2") && !said.contains("$6$"), "{said}");
}

#[test]
fn an_existing_user_changes_only_where_asked() {
    let files = image()
        .file_with("/home/web/mine", "", 0o6755, Owner { uid: 1000, gid: 1000 })
        .file_with("/home/web/roots", "", 0o644, Owner { uid: 0, gid: 1000 })
        .file_with("/home/web/d/other", "", 0o644, Owner { uid: 1000, gid: 5 });
    let host = MemoryHost::new(files);
    let fields = r#""name":"web","primaryGroup":"admin","secondaryGroups":["mail","8","web"],"startupCommand":"/bin/zsh""#;
    run(&user(fields), &host).unwrap();
    assert_eq!(line(&host, "/etc/passwd", "web"), "web:x:1000:200::/home/web:/bin/zsh");
    assert_eq!(line(&host, "/etc/passwd", "web2"), "web2:x:7:7::/:/x");
    assert_eq!(line(&host, "/etc/shadow", "web"), "web:!:19000:0:99999:7:::");
    assert_eq!(line(&host, "/etc/group", "mail"), "mail:x:8:web");
    assert_eq!(line(&host, "/etc/gshadow", "web"), "web:!::web");
    let manifest = host.manifest();
    for expected in [
        "d 0755 1000:200 /home/web\n",
        "f 0755 1000:200 /home/web/mine",
        "f 0644 0:200 /home/web/roots",
        "f 0644 1000:5 /home/web/d/other",
        "d 0755 0:0 /home/web/d\n",
    ] {
        assert!(manifest.contains(expected), "{expected} in\n{manifest}");
    }
}

#[test]
fn a_home_that_is_somebody_elses_keeps_its_group() {
    let host = MemoryHost::new(image().owned_by("/home/web", Owner { uid: 5, gid: 1000 }));
    run(&user(r#""name":"web","primaryGroup":"admin""#), &host).unwrap();
    assert!(host.manifest().contains("d 0755 5:1000 /home/web\n"));
}

#[test]
fn expiry_is_that_of_the_account() {
    let cases = [
        ("web", 0, "web:!:19000:0:99999:7::19000:".to_owned()),
        ("web", 30, "web:!:19000:0:99999:7::19030:".to_owned()),
        ("web", -1, "web:!:19000:0:::::".to_owned()),
        ("db", 30, format!("db:!:{TODAY}:0:99999:7::{}:", TODAY + 30)),
    ];
    for (name, days, expected) in cases {
        let host = MemoryHost::new(image());
        run(&user(&format!(r#""name":"{name}","passwordExpiresDays":{days}"#)), &host).unwrap();
        assert_eq!(line(&host, "/etc/shadow", name), expected);
    }
    for days in ["-2", "100000", "99999999999"] {
        let json = user(&format!(r#""name":"web","passwordExpiresDays":{days}"#));
        assert!(run(&json, &MemoryHost::new(image())).is_err(), "{days}");
    }
}

#[test]
fn keys_stand_behind_those_that_are_there() {
    let host = MemoryHost::new(
        image().directory("/home/web/.ssh", 0o755).file("/home/web/.ssh/authorized_keys", "old"),
    )
    .with_artifact("k", Tree::of_file("one\n\ntwo", 0o644));
    let keys = r#""sshKeys":[{"line":"inline"},{"artifact":"k"}]"#;
    run(&user(&format!(r#""name":"web",{keys}"#)), &host).unwrap();
    run(&user(&format!(r#""name":"db",{keys}"#)), &host).unwrap();
    let manifest = host.manifest();
    for expected in [
        "d 0755 0:0 /home/web/.ssh\n",
        "f 0600 1000:1000 /home/web/.ssh/authorized_keys \"old\\none\\n\\ntwo\\ninline\\n\"\n",
        "d 0700 1001:1001 /home/db/.ssh\n",
        "f 0600 1001:1001 /home/db/.ssh/authorized_keys \"one\\n\\ntwo\\ninline\\n\"\n",
    ] {
        assert!(manifest.contains(expected), "{expected} in\n{manifest}");
    }
}

#[test]
fn keys_of_a_skeleton_are_not_the_newcomers() {
    let host = MemoryHost::new(image().file("/etc/skel/.ssh/authorized_keys", "stranger\n"));
    run(&user(r#""name":"db","sshKeys":[{"line":"mine"}]"#), &host).unwrap();
    assert_eq!(host.text("/home/db/.ssh/authorized_keys").unwrap(), "mine\n");
}

#[test]
fn keys_need_a_home_directory() {
    let host = image_where(&[("/etc/passwd", b"web:x:1000:1000::/none:/bin/sh\n")]);
    let failure = run(&user(r#""name":"web","sshKeys":[{"line":"k"}]"#), &host).unwrap_err();
    assert_eq!(
        failure.message,
        "user `web`: the home directory `/none` does not exist: SSH keys have no place"
    );
}

#[test]
fn refusals_name_user_and_cause() {
    let cases = [
        (r#""name":"web","uid":1000"#, "user `web`: cannot set the uid of an existing user"),
        (
            r#""name":"web","homeDirectory":"/x""#,
            "user `web`: cannot set the home directory of an existing user",
        ),
        (r#""name":"web","primaryGroup":"none""#, "user `web`: group `none` does not exist"),
        (r#""name":"db","secondaryGroups":["none"]"#, "user `db`: group `none` does not exist"),
        (r#""name":"db","uid":0"#, "user `db`: uid 0 belongs to another user"),
        (r#""name":"db","uid":4294967295"#, "user `db`: uid 4294967295 is no uid"),
        (r#""name":"db","homeDirectory":"x""#, "user `db`: the home directory does not begin with `/`"),
        (
            r#""name":"mail""#,
            "user `mail`: group `mail` exists already; to put the user into it, name it as `primaryGroup`",
        ),
        (
            r#""name":"web2","passwordExpiresDays":1"#,
            "user `web2`: `/etc/shadow`: there is no complete line for `web2`",
        ),
    ];
    for (fields, message) in cases {
        let host = MemoryHost::new(image());
        assert_eq!(run(&user(fields), &host).unwrap_err().message, message);
        assert_eq!(host.changes(), 0, "{fields}");
    }
}

#[test]
fn settings_that_would_break_a_file_are_refused() {
    for fields in [
        r#""name":"a:b""#,
        r#""name":"a\nroot2::0:0::/:/bin/sh""#,
        r#""name":"../x""#,
        r#""name":"db","startupCommand":"/bin/sh:x""#,
        r#""name":"db","startupCommand":"/bin/sh\nx::0:0::/:/bin/sh""#,
        r#""name":"db","homeDirectory":"/a:b""#,
        r#""name":"db","homeDirectory":"/a\n""#,
        r#""name":"db","password":{"kind":"plain-text"}"#,
        r#""name":"db","password":"secret""#,
        r#""name":"db","groups":[]"#,
        r#""name":"db","sshKeys":[{"path":"x"}]"#,
    ] {
        let host = MemoryHost::new(image());
        let failure = run(&user(fields), &host).unwrap_err();
        assert!(!failure.message.contains("secret"));
        assert_eq!(host.changes(), 0, "{fields}");
    }
    let host = MemoryHost::new(image()).with_artifact("p", Tree::of_file("x:0:0:\nroot::", 0o600));
    assert!(run(&user(r#""name":"db","password":{"kind":"hashed","artifact":"p"}"#), &host).is_err());
    assert_eq!(host.changes(), 0);
}

#[test]
fn an_image_without_shadow_files_keeps_passwords_in_passwd() {
    let tree = Tree::new()
        .file("/etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .file("/etc/group", "root:x:0:\n")
        .file("/etc/login.defs", "USERGROUPS_ENAB yes\n");
    let host = MemoryHost::new(tree).with_artifact("p", Tree::of_file("h", 0o600));
    let json = r#"{"users":[{"name":"a"},{"name":"root","password":{"kind":"hashed","artifact":"p"}}]}"#;
    run(json, &host).unwrap();
    assert_eq!(
        host.text("/etc/passwd").unwrap(),
        "root:h:0:0::/:/bin/sh\na:!:1000:1000::/home/a:/bin/bash\n"
    );
    assert_eq!(host.text("/etc/group").unwrap(), "root:x:0:\na:!:1000:\n");
    assert!(run(&user(r#""name":"a","passwordExpiresDays":1"#), &host).is_err());
}

#[test]
fn a_mailbox_is_made_when_the_image_asks_for_one() {
    let host = image_where(&[("/etc/default/useradd", b"CREATE_MAIL_SPOOL=yes\n")]);
    run(&user(r#""name":"db""#), &host).unwrap();
    assert!(host.manifest().contains("f 0660 1001:8 /var/mail/db"), "{}", host.manifest());
}

#[test]
fn empty_texts_ask_for_nothing() {
    let host = MemoryHost::new(image());
    run(&user(r#""name":"web","primaryGroup":"","startupCommand":"","homeDirectory":"""#), &host).unwrap();
    assert_eq!(host.changes(), 0);
}

#[test]
fn huge_and_odd_account_files_are_borne() {
    let mut group = vec![b'g'; 1 << 20];
    group.extend_from_slice(b"\n\xff:x:9:\n:\n::::::::\nadmin:x:200:\n");
    let mut passwd = b"root:x:0:0\n:::::::\n\0\xff\n".to_vec();
    passwd.extend_from_slice(&vec![b':'; 1 << 20]);
    let host = image_where(&[("/etc/group", &group), ("/etc/passwd", &passwd)]);
    run(&user(r#""name":"db","secondaryGroups":["admin"]"#), &host).unwrap();
    let failure = run(&user(r#""name":"root""#), &host).unwrap_err();
    assert_eq!(failure.message, "user `root`: the line of `root` in `/etc/passwd` is broken");
}
