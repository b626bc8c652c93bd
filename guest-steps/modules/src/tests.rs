use super::*;
use step_sdk::Owner;
use step_sdk::testing::{MemoryHost, Tree, check_settings};

fn run(host: &MemoryHost, modules: &str) -> Result<()> {
    Modules::run(&step_sdk::parse_settings(&format!(r#"{{"modules":[{modules}]}}"#))?, host)
}

/// What a file holds after the step; empty when there is none.
fn after(path: &str, before: Option<&str>, modules: &str) -> String {
    let image = before.into_iter().fold(Tree::new(), |image, text| image.file(path, text));
    let host = MemoryHost::new(image);
    run(&host, modules).unwrap();
    let once = host.manifest();
    run(&host, modules).unwrap();
    assert_eq!(host.manifest(), once, "a second run");
    String::from_utf8(host.read_if_there(path).unwrap().unwrap_or_default()).unwrap()
}

#[test]
fn a_module_that_is_always_loaded_stands_in_the_list_once() {
    let always = r#"{"name":"br_netfilter","loadMode":"always"}"#;
    for (before, expected) in [
        (None, "br_netfilter\n"),
        (Some(""), "br_netfilter\n"),
        (Some("# list\nfoo"), "# list\nfoo\nbr_netfilter\n"),
        (Some("foo\n"), "foo\nbr_netfilter\n"),
        (Some("foo\nbr_netfilter"), "foo\nbr_netfilter"),
        (Some(" br-netfilter \n"), " br-netfilter \n"),
        (Some("my_br_netfilter\n#br_netfilter\n"), "my_br_netfilter\n#br_netfilter\nbr_netfilter\n"),
    ] {
        assert_eq!(after(LOAD, before, always), expected);
    }
}

#[test]
fn a_disabled_module_stands_in_the_list_once() {
    let disable = r#"{"name":"mod_b","loadMode":"disable"}"#;
    for (before, expected) in [
        (None, "blacklist mod_b\n"),
        (Some("blacklist mod_bb"), "blacklist mod_bb\nblacklist mod_b\n"),
        (Some("blacklist\tmod-b"), "blacklist\tmod-b"),
        (Some("# blacklist mod_b\n"), "# blacklist mod_b\nblacklist mod_b\n"),
    ] {
        assert_eq!(after(DISABLED, before, disable), expected);
    }
    assert_eq!(after(LOAD, Some("mod_b\n"), disable), "mod_b\n");
}

#[test]
fn a_module_is_enabled_again_without_touching_others() {
    let before = "# about mod_b\nblacklist mod_b\n\nblacklist mod_bb\n  blacklist   mod-b\ninstall mod_b /bin/true\nblacklist a";
    let expected = "# about mod_b\n\nblacklist mod_bb\nblacklist a\n";
    for mode in ["always", "auto"] {
        let modules = format!(r#"{{"name":"mod_b","loadMode":"{mode}"}}"#);
        assert_eq!(after(DISABLED, Some(before), &modules), expected);
        assert_eq!(after(DISABLED, Some("blacklist mod_b\n"), &modules), "");
    }
    assert_eq!(after(DISABLED, Some(before), r#"{"name":"mod_b","loadMode":"inherit"}"#), before);
}

#[test]
fn options_replace_and_complete_what_is_there() {
    let modules = r#"{"name":"mod_a","options":{"z":"1","a":"2"}}"#;
    for (before, expected) in [
        (None, "options mod_a a=2 z=1"),
        (Some("# kept\n\noptions other x=1\n"), "# kept\noptions other x=1\noptions mod_a a=2 z=1"),
        (Some("options mod-a z=9 b=3 flag"), "options mod-a z=1 b=3 a=2"),
        (Some("options mod_a a=0 a=1 zz=5"), "options mod_a a=2 a=2 zz=5 z=1"),
        (Some("options mod_a z=1\n\noptions mod_a x=1\n"), "options mod_a z=1\noptions mod_a x=1 a=2"),
        (Some("options mod_a z=1 flag a=2"), "options mod_a z=1 flag a=2"),
        (
            Some("options mod_a \\\n  s=\"x  y\" \\\n  z=0\nalias x y\\\nz\n"),
            "options mod_a s=\"x  y\" z=1 a=2\nalias x y\\\nz",
        ),
        (Some("options mod_aa a=1\n"), "options mod_aa a=1\noptions mod_a a=2 z=1"),
    ] {
        assert_eq!(after(OPTIONS, before, modules), expected, "{before:?}");
    }
}

#[test]
fn a_dropped_word_is_told() {
    let host = MemoryHost::new(Tree::new().file(OPTIONS, "options mod_a flag b=1\n"));
    run(&host, r#"{"name":"mod_a","options":{"b":"2"}}"#).unwrap();
    let log = host.log_records();
    assert_eq!((log.len(), log[0].level), (1, Level::Warn));
    assert!(log[0].fields.contains(&("word".into(), "flag".into())));
}

#[test]
fn options_of_a_disabled_module_are_refused_and_nothing_is_written() {
    for (before, mode) in [("", "disable"), ("blacklist mod-a\n", "inherit"), ("blacklist mod_a", "disable")]
    {
        let host = MemoryHost::new(Tree::new().file(DISABLED, before));
        let failure = run(
            &host,
            &format!(r#"{{"name":"x"}},{{"name":"mod_a","loadMode":"{mode}","options":{{"a":"1"}}}}"#),
        );
        assert_eq!(failure.unwrap_err().message, "options for the kernel module `mod_a`, which is disabled");
        assert_eq!(host.changes(), 0);
    }
    let host = MemoryHost::new(Tree::new().file(DISABLED, "blacklist mod_a\n"));
    run(&host, r#"{"name":"mod_a","loadMode":"auto","options":{"a":"1"}}"#).unwrap();
    assert_eq!(host.text(OPTIONS).unwrap(), "options mod_a a=1");
}

#[test]
fn new_files_have_0644_and_old_ones_keep_mode_owner_and_inode() {
    let host = MemoryHost::new(Tree::new().file_with(LOAD, "a\n", 0o600, Owner { uid: 1, gid: 2 }));
    let inode = host.inode(LOAD);
    run(&host, r#"{"name":"b","loadMode":"always"},{"name":"c","loadMode":"disable"}"#).unwrap();
    assert_eq!(
        host.manifest(),
        "\
d 0755 0:0 /etc
d 0755 0:0 /etc/modprobe.d
f 0644 0:0 /etc/modprobe.d/modules-disabled.conf \"blacklist c\\n\"
d 0755 0:0 /etc/modules-load.d
f 0600 1:2 /etc/modules-load.d/modules-load.conf \"a\\nb\\n\"
"
    );
    assert_eq!(host.inode(LOAD), inode);
}

#[test]
fn nothing_asked_makes_the_directories_and_touches_no_file() {
    let host = MemoryHost::new(Tree::new().file(LOAD, "a").file(OPTIONS, "\n\noptions b flag"));
    run(&host, "").unwrap();
    run(&host, r#"{"name":"a","loadMode":"always"}"#).unwrap();
    assert_eq!(host.changes(), 0);
    let empty = MemoryHost::new(Tree::new());
    run(&empty, "").unwrap();
    assert_eq!(
        empty.manifest(),
        "d 0755 0:0 /etc\nd 0755 0:0 /etc/modprobe.d\nd 0755 0:0 /etc/modules-load.d\n"
    );
}

#[test]
fn bytes_that_are_not_text_stay() {
    let host = MemoryHost::new(Tree::new().file(LOAD, b"# caf\xe9\nx"));
    run(&host, r#"{"name":"a","loadMode":"always"}"#).unwrap();
    assert_eq!(host.read(LOAD).unwrap(), b"# caf\xe9\nx\na\n");
}

#[test]
fn schema_and_settings_agree() {
    let good = [
        r#"{"modules":[]}"#,
        r#"{"modules":[{"name":"br_netfilter","loadMode":"always","options":{"k":"v","k2":"a=b"}}]}"#,
        r#"{"modules":[{"name":"é-1"}]}"#,
    ];
    let bad = [
        "{}",
        r#"{"modules":[{}]}"#,
        r#"{"modules":[{"name":""}]}"#,
        r#"{"modules":[{"name":"a b"}]}"#,
        r#"{"modules":[{"name":"a\nb"}]}"#,
        r#"{"modules":[{"name":"a\u0000b"}]}"#,
        r#"{"modules":[{"name":"a","loadMode":""}]}"#,
        r#"{"modules":[{"name":"a","loadMode":"never"}]}"#,
        r#"{"modules":[{"name":"a","options":{"":"v"}}]}"#,
        r#"{"modules":[{"name":"a","options":{"k":""}}]}"#,
        r#"{"modules":[{"name":"a","options":{"k":1}}]}"#,
        r#"{"modules":[{"name":"a","options":{"k v":"1"}}]}"#,
        r#"{"modules":[{"name":"a","more":1}]}"#,
    ];
    check_settings::<Modules>(&good, &bad).unwrap();
}
