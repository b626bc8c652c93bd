use super::*;
use step_sdk::Owner;
use step_sdk::parse_settings;
use step_sdk::testing::{MemoryHost, Tree};

const VENDOR: &str = "/usr/lib/systemd/system";
const WANTED: &str = "[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\n";

/// Debian's layout.
fn image(units: &[(&str, &str)]) -> Tree {
    let tree = Tree::new()
        .symlink("/lib", "usr/lib")
        .file("/var/lib/dpkg/status", "")
        .file("/usr/sbin/update-rc.d", "#!/usr/bin/perl\n")
        .file(&format!("{VENDOR}/multi-user.target"), "[Unit]\n")
        .directory("/etc/systemd/system", 0o755);
    units.iter().fold(tree, |tree, (name, text)| tree.file(&format!("{VENDOR}/{name}"), text))
}

fn run(enable: &[&str], disable: &[&str], host: &MemoryHost) -> Result<()> {
    let json = format!(r#"{{"enable":{enable:?},"disable":{disable:?}}}"#);
    ConfigureServices::run(&parse_settings(&json)?, host)
}

/// The links below `/etc`, as `path -> target`.
fn links(host: &MemoryHost) -> Vec<String> {
    let manifest = host.manifest();
    let links = manifest.lines().filter_map(|line| line.strip_prefix("l 0777 0:0 "));
    links
        .filter(|line| line.starts_with("/etc/"))
        .map(|line| line.replace("/etc/systemd/system/", ""))
        .collect()
}

#[test]
fn enabling_makes_the_links_of_the_install_section() {
    let text =
        "[Install]\nWantedBy=multi-user.target\nRequiredBy=db.target\nAlias=other.service\nAlso=b.timer\n";
    let timer = "[Install]\nWantedBy=timers.target\n";
    let host = MemoryHost::new(image(&[("a.service", text), ("b.timer", timer)]));
    run(&["a"], &[], &host).unwrap();
    let expected = [
        "db.target.requires/a.service -> /lib/systemd/system/a.service",
        "multi-user.target.wants/a.service -> /lib/systemd/system/a.service",
        "other.service -> /lib/systemd/system/a.service",
        "timers.target.wants/b.timer -> /lib/systemd/system/b.timer",
    ];
    assert_eq!(links(&host), expected);
    let changes = host.changes();
    run(&["a"], &[], &host).unwrap();
    assert_eq!(links(&host), expected);
    run(&[], &["a"], &host).unwrap();
    assert_eq!(links(&host), [""; 0]);
    assert!(!host.manifest().contains(".wants") && changes > 0);
}

#[test]
fn systemd_without_lib_links_to_usr() {
    let tree = Tree::new()
        .file("/usr/lib/systemd/system/a.service", format!("{WANTED}UpheldBy=up.target\n"))
        .file("/usr/lib/systemd/libsystemd-shared-255.so", "");
    let host = MemoryHost::new(tree);
    run(&["a"], &[], &host).unwrap();
    let expected = [
        "multi-user.target.wants/a.service -> /usr/lib/systemd/system/a.service",
        "up.target.upholds/a.service -> /usr/lib/systemd/system/a.service",
    ];
    assert_eq!(links(&host), expected);
}

#[test]
fn an_instance_is_made_of_its_template() {
    let text = "[Install]\nWantedBy=multi-user.target\nDefaultInstance=tty1\n";
    let host = MemoryHost::new(image(&[("t@.service", text)]));
    run(&["t@x", "t@"], &[], &host).unwrap();
    let expected = [
        "multi-user.target.wants/t@tty1.service -> /lib/systemd/system/t@.service",
        "multi-user.target.wants/t@x.service -> /lib/systemd/system/t@.service",
    ];
    assert_eq!(links(&host), expected);
    run(&[], &["t@x.service"], &host).unwrap();
    assert_eq!(links(&host), expected[..1]);
    run(&[], &["t@.service"], &host).unwrap();
    assert_eq!(links(&host), [""; 0]);
}

#[test]
fn an_existing_link_with_other_text_stays() {
    let link = "/etc/systemd/system/multi-user.target.wants/a.service";
    let host =
        MemoryHost::new(image(&[("a.service", WANTED)]).symlink(link, "/usr/lib/systemd/system/a.service"));
    run(&["a"], &[], &host).unwrap();
    assert_eq!(links(&host), ["multi-user.target.wants/a.service -> /usr/lib/systemd/system/a.service"]);
}

#[test]
fn drop_ins_add_to_the_install_section() {
    let tree = image(&[("a.service", "[Unit]\n")])
        .file("/etc/systemd/system/a.service.d/x.conf", "[Install]\nWantedBy=b.target\n")
        .file("/usr/lib/systemd/system/a.service.d/x.conf", "[Install]\nWantedBy=hidden.target\n")
        .file("/usr/lib/systemd/system/service.d/y.conf", "[Install]\nWantedBy=type.target\n");
    let host = MemoryHost::new(tree);
    run(&["a"], &[], &host).unwrap();
    assert_eq!(links(&host), ["b.target.wants/a.service -> /lib/systemd/system/a.service"]);
}

#[test]
fn units_without_rules_change_nothing() {
    let host = MemoryHost::new(image(&[("a.service", "[Unit]\n")]));
    let before = host.manifest();
    run(&["a"], &["a"], &host).unwrap();
    assert_eq!(host.manifest(), before);
    assert!(host.log_records().iter().any(|record| record.message.contains("nothing to enable")));
}

#[test]
fn refusals_say_which_unit_and_why() {
    let alias = "[Install]\nAlias=taken.service\n";
    let host = MemoryHost::new(
        image(&[
            ("empty.service", ""),
            ("al.service", alias),
            ("t@.service", WANTED),
            ("bad.service", "[Install\n"),
        ])
        .symlink("/etc/systemd/system/masked.service", "/dev/null")
        .symlink("/etc/systemd/system/link.service", "/usr/lib/systemd/system/al.service")
        .symlink("/etc/systemd/system/loop.service", "loop.service")
        .file("/etc/systemd/system/taken.service", "x")
        .file("/run/systemd/generator/gen.service", WANTED),
    );
    let cases: [(&[&str], &[&str], &str); 11] = [
        (&["gone"], &[], "cannot enable `gone`: unit `gone.service` does not exist in the image"),
        (&[], &["gone"], "cannot disable `gone`: unit `gone.service` does not exist in the image"),
        (&["masked"], &[], "cannot enable `masked`: unit `/etc/systemd/system/masked.service` is masked"),
        (&["empty"], &[], "cannot enable `empty`: unit `/lib/systemd/system/empty.service` is masked"),
        (
            &["link"],
            &[],
            "cannot enable `link`: unit `link.service` is a link that is not followed; name the unit it stands for",
        ),
        (
            &["al"],
            &[],
            "cannot enable `al`: `/etc/systemd/system/taken.service` exists already and is no link",
        ),
        (&["t@"], &[], "cannot enable `t@`: `multi-user.target` needs an instance of `t@.service`; name one"),
        (
            &["bad"],
            &[],
            "cannot enable `bad`: `/lib/systemd/system/bad.service`: a section header does not end in `]`",
        ),
        (
            &["gen"],
            &[],
            "cannot enable `gen`: unit `/run/systemd/generator/gen.service` is made by a program while the system runs",
        ),
        (
            &["loop"],
            &[],
            "cannot enable `loop`: unit `loop.service` is a link that is not followed; name the unit it stands for",
        ),
        (&["a b"], &[], "cannot enable `a b`: unit `a\\x20b.service` does not exist in the image"),
    ];
    for (enable, disable, message) in cases {
        assert_eq!(run(enable, disable, &host).unwrap_err().message, message);
    }
    run(&[], &["masked"], &host).unwrap();
    assert!(links(&host).iter().any(|link| link.starts_with("masked.service")));
}

#[test]
fn init_scripts_switch_between_start_and_kill() {
    let script =
        "#!/bin/sh\n### BEGIN INIT INFO\n# Default-Start: 2 S\n# Default-Stop: 0\n### END INIT INFO\n";
    let tree = image(&[("both.service", WANTED)])
        .file("/etc/init.d/both", script)
        .file("/etc/init.d/only", script)
        .file("/etc/init.d/none", "#!/bin/sh\n");
    let host = MemoryHost::new(tree);
    run(&["both", "only"], &["only.service"], &host).unwrap();
    let expected = [
        "/etc/rc0.d/K01both -> ../init.d/both",
        "/etc/rc0.d/K01only -> ../init.d/only",
        "/etc/rc2.d/K01only -> ../init.d/only",
        "/etc/rc2.d/S01both -> ../init.d/both",
        "/etc/rcS.d/K01only -> ../init.d/only",
        "/etc/rcS.d/S01both -> ../init.d/both",
        "multi-user.target.wants/both.service -> /lib/systemd/system/both.service",
    ];
    assert_eq!(links(&host), expected);
    assert!(run(&["none"], &[], &host).is_err());
}

#[test]
fn an_init_script_without_debians_program_is_left_to_the_unit() {
    let tree = Tree::new()
        .file("/usr/lib/systemd/system/both.service", WANTED)
        .file("/etc/init.d/both", "")
        .file("/etc/init.d/only", "");
    let host = MemoryHost::new(tree);
    run(&["both"], &[], &host).unwrap();
    assert_eq!(
        links(&host),
        ["multi-user.target.wants/both.service -> /usr/lib/systemd/system/both.service"]
    );
    assert_eq!(run(&["only"], &[], &host).unwrap_err().code, FailureCode::Unsupported);
}

#[test]
fn links_never_leave_the_directory_of_links() {
    let text = "[Install]\nAlias=../../escape.service\nAlias=/abs.service\nWantedBy=../../x.target\n";
    let host = MemoryHost::new(image(&[("a.service", text)]));
    assert!(run(&["a"], &[], &host).is_err());
    for alias in [
        "../multi-user.target.wants/a.service",
        "a/../../x.target.wants/a.service",
        "/x.target.wants/a.service",
    ] {
        let host = MemoryHost::new(image(&[("a.service", &format!("[Install]\nAlias={alias}\n"))]));
        assert!(run(&["a"], &[], &host).is_err(), "{alias}");
        assert_eq!(links(&host), [""; 0], "{alias}");
    }
}

#[test]
fn hostile_units_end_in_errors() {
    let many =
        format!("[Install]\nAlso={}\n", (0..9000).map(|n| format!("u{n}.service ")).collect::<String>());
    let words = format!("[Install]\nWantedBy={}\n", "a".repeat(1 << 19));
    let binary = (0..1 << 16).map(|n| char::from((n % 256) as u8)).collect::<String>();
    let long = format!("[Install]\nWantedBy={}\n", "a".repeat(1 << 20));
    let names = [
        ("many.service", &many),
        ("words.service", &words),
        ("binary.service", &binary),
        ("long.service", &long),
    ];
    for (name, text) in names {
        let host = MemoryHost::new(image(&[(name, text)]));
        let result = run(&[name], &[], &host);
        assert!(result.is_err() || name == "binary.service", "{name}");
        assert!(result.is_ok_and(|()| links(&host).is_empty()) || name != "binary.service");
    }
    let huge = MemoryHost::new(image(&[("huge.service", &"#\n".repeat(5 << 20))]));
    assert!(run(&["huge"], &[], &huge).unwrap_err().message.contains("larger than 8 MiB"));
}

#[test]
fn units_that_name_each_other_end() {
    let also = |other: &str| format!("[Install]\nWantedBy=multi-user.target\nAlso={other} {other}\n");
    let host = MemoryHost::new(image(&[
        ("a.service", &also("b.service")),
        ("b.service", &also("a.service a.service")),
    ]));
    run(&["a"], &[], &host).unwrap();
    assert_eq!(links(&host).len(), 2);
    run(&[], &["b"], &host).unwrap();
    assert_eq!(links(&host).len(), 0);
}

#[test]
fn thousands_of_links_and_long_chains_are_borne() {
    let mut tree = image(&[("a.service", WANTED)]).owned_by("/etc", Owner { uid: 0, gid: 0 });
    for number in 0..3000 {
        tree = tree.symlink(
            &format!("/etc/systemd/system/x.wants/l{number}.service"),
            &format!("l{}.service", number + 1),
        );
    }
    for number in 0..100 {
        let next = format!("c{}.service", number + 1);
        tree = tree.symlink(&format!("{VENDOR}/c{number}.service"), &next);
    }
    let host = MemoryHost::new(tree);
    run(&["a"], &[], &host).unwrap();
    // The links in `x.wants` form a chain that nobody can follow to its end: that is an error, not a hang.
    assert!(run(&[], &["a"], &host).is_err());
    assert!(run(&["c0"], &[], &host).is_err());
}

#[test]
fn special_files_under_a_units_name_are_not_opened() {
    let tree = image(&[])
        .special("/etc/systemd/system/p.service", step_sdk::Kind::Fifo)
        .directory("/etc/systemd/system/d.service", 0o755);
    let host = MemoryHost::new(tree);
    for name in ["p", "d"] {
        assert!(run(&[name], &[], &host).unwrap_err().message.ends_with("is no file"));
    }
}
