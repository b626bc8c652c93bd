//! The built program against what scripts rely on: exit codes, streams, spellings of flags.

#![expect(clippy::disallowed_methods, reason = "these tests run the program itself")]
#![expect(clippy::unwrap_used, reason = "this file holds tests only")]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SUCCESS: i32 = 0;
const FAILURE: i32 = 1;
const USAGE: i32 = 80;

fn run<T: AsRef<OsStr>>(arguments: &[T]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagecustomizer"));
    // Tests are nobody's usage.
    command.env("IMAGECUSTOMIZER_TELEMETRY", "off");
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR").output().unwrap()
}

/// Runs a line whose words have no blanks in them; `''` is the empty word.
fn run_line(line: &str) -> Output {
    let words: Vec<&str> = line.split_whitespace().map(|word| if word == "''" { "" } else { word }).collect();
    run(&words)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A usage error: the usage on standard output, the message alone on standard error.
fn assert_usage(line: &str, output: &Output, message: &str) {
    assert_eq!(stderr(output), format!("imagecustomizer: error: {message}\n"), "{line}");
    assert!(stdout(output).contains("Usage: imagecustomizer"), "{line}: {}", stdout(output));
    assert_eq!(output.status.code(), Some(USAGE), "{line}");
}

/// A failed run: nothing on standard output, and the last record is the fatal one and holds `message`.
fn assert_failure(line: &str, output: &Output, message: &str) {
    let log = stderr(output);
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("level=fatal"), "{line}: {log}");
    assert!(last.contains(message), "{line}: {log}");
    assert_eq!(stdout(output), "", "{line}");
    assert_eq!(output.status.code(), Some(FAILURE), "{line}");
}

#[test]
fn what_the_parser_refuses_ends_with_80_and_the_usage() {
    let formats =
        r#""vhd","vhd-fixed","vhdx","qcow2","raw","iso","pxe-dir","pxe-tar","cosi","baremetal-image""#;
    let missing = "missing flags: --build-dir=DIR, --config-file=FILE";
    let c = "--build-dir b --config-file c";
    let cases = [
        (String::new(), "no flags and no command: nothing to do".to_owned()),
        ("customize".into(), missing.into()),
        ("--config-file c".into(), "missing flags: --build-dir=DIR".into()),
        ("--log-level debug".into(), missing.into()),
        ("convert --image-file a".into(), {
            "missing flags: --output-image-file=FILE, --output-image-format=FORMAT".into()
        }),
        ("validate-config".into(), "missing flags: --config-file=FILE".into()),
        ("inject-files".into(), {
            "missing flags: --build-dir=DIR, --config-file=FILE, --image-file=FILE".into()
        }),
        (format!("create {c}"), "missing flags: --rpm-source=PATH, --tools-dir=DIR".into()),
        ("--nonsense".into(), "unknown flag --nonsense".into()),
        ("-x".into(), "unknown flag -x".into()),
        (format!("{c} --output-image-fil o"), {
            "unknown flag --output-image-fil, did you mean \"--output-image-file\"?".into()
        }),
        (format!("{c} --Image-File i"), "unknown flag --Image-File, did you mean \"--image-file\"?".into()),
        ("nonsense".into(), "unexpected argument nonsense".into()),
        ("help".into(), "unexpected argument help".into()),
        (format!("{c} nonsense"), "unexpected argument nonsense".into()),
        (format!("convert customize {c}"), "unexpected argument customize".into()),
        (format!("{c} -- --image-file"), "unknown flag --image-file".into()),
        (format!("{c} -"), "unexpected argument -".into()),
        (format!("{c} --output-image-format VHD"), {
            format!("--output-image-format must be one of {formats} but got \"VHD\"")
        }),
        (format!("inject-files {c} --image-file i --output-image-format ext4"), {
            format!("--output-image-format must be one of {formats} but got \"ext4\"")
        }),
        ("convert --image-file a --output-image-file b --output-image-format iso".into(), {
            r#"--output-image-format must be one of "vhd","vhd-fixed","vhdx","qcow2","raw","cosi","baremetal-image" but got "iso""#.into()
        }),
        (format!("create {c} --rpm-source r --tools-dir t --distro debian"), {
            r#"--distro must be one of "azurelinux","fedora" but got "debian""#.into()
        }),
        (format!("{c} --log-level warning"), {
            r#"--log-level must be one of "panic","fatal","error","warn","info","debug","trace" but got "warning""#.into()
        }),
        (format!("{c} --log-format yaml"), {
            r#"--log-format must be one of "text","json" but got "yaml""#.into()
        }),
        (format!("{c} --log-color=Always"), {
            r#"--log-color must be one of "always","auto","never" but got "Always""#.into()
        }),
        ("validate-config --config-file c --validate-resources files,disks".into(), {
            r#"--validate-resources: must be one of "files","oci","all" but got "disks""#.into()
        }),
        (format!("{c} --cosi-compression-level ten"), {
            "--cosi-compression-level: expected a whole number but got `ten`".into()
        }),
        (format!("{c} --cosi-compression-level 08"), {
            "--cosi-compression-level: expected a whole number but got `08`".into()
        }),
        (format!("{c} --disable-telemetry=maybe"), {
            "--disable-telemetry: expected true, 1, yes, false, 0 or no but got `maybe`".into()
        }),
        (format!("{c} --disable-telemetry true"), "unexpected argument true".into()),
        ("--build-dir".into(), {
            "--build-dir: expected a value; one that begins with `-` is written --build-dir=VALUE".into()
        }),
        ("--build-dir --config-file c".into(), {
            "--build-dir: expected a value; one that begins with `-` is written --build-dir=VALUE".into()
        }),
        (format!("{c} --cosi-compression-level -1"), "unknown flag -1".into()),
        (format!("create {c} --rpm-source r --tools-dir t --allowed-passwords all"), {
            r#"--allowed-passwords must be one of "any","locked" but got "all""#.into()
        }),
        (format!("{c} --allowed-passwords hashed"), {
            r#"--allowed-passwords must be one of "any","locked" but got "hashed""#.into()
        }),
        ("completions".into(), "missing arguments: SHELL".into()),
        ("completions tcsh".into(), { r#"SHELL must be one of "bash","zsh","fish" but got "tcsh""#.into() }),
        ("completions ''".into(), r#"SHELL must be one of "bash","zsh","fish" but got """#.into()),
        ("completions bash zsh".into(), "unexpected argument zsh".into()),
        ("schema bash".into(), "unexpected argument bash".into()),
        ("telemetry of".into(), {
            r#"ACTION must be one of "status","on","off","preview","schema" but got "of""#.into()
        }),
        ("telemetry status now".into(), "unexpected argument now".into()),
        ("telemetry off --all".into(), "unknown flag --all".into()),
        ("telemetry --all".into(), "unknown flag --all".into()),
        ("telemetry off --image-file=i".into(), "unknown flag --image-file".into()),
        ("telemetry --format yaml".into(), {
            r#"--format must be one of "text","json" but got "yaml""#.into()
        }),
        ("man --config-file c".into(), "unknown flag --config-file".into()),
        ("bash completions".into(), "unexpected argument bash".into()),
        (format!("{c} --plan=yaml"), r#"--plan must be one of "text","json" but got "yaml""#.into()),
        (format!("{c} --plan --report r"), "--plan can't be used together with --report".into()),
        (format!("{c} --backend=fuse"), {
            r#"--backend must be one of "auto","userspace","kernel" but got "fuse""#.into()
        }),
        ("--build-dir b validate-config --config-file c --image-file i".into(), {
            "unknown flag --image-file".into()
        }),
    ];
    for (line, message) in cases {
        assert_usage(&line, &run_line(&line), &message);
    }
}

#[test]
fn a_usage_error_shows_no_control_characters() {
    let output = run(&["--no\x1b[31m\nimagecustomizer: error: forged"]);
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(!stderr(&output).contains('\x1b'));
}

#[test]
fn help_and_version_are_the_only_text_and_end_with_0() {
    for line in ["--version", "customize --version", "--version convert", "--log-level debug --version"] {
        let output = run_line(line);
        assert_eq!(stdout(&output), format!("{}\n", env!("CARGO_PKG_VERSION")), "{line}");
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(SUCCESS)), "{line}");
    }
    let cases = [
        ("--help", "imagecustomizer [COMMAND] [FLAGS]"),
        ("-h", "imagecustomizer [COMMAND] [FLAGS]"),
        ("--build-dir b --help", "imagecustomizer [COMMAND] [FLAGS]"),
        ("customize --help", "imagecustomizer [customize] --build-dir DIR"),
        ("--help customize", "imagecustomizer [customize] --build-dir DIR"),
        ("convert -h", "imagecustomizer convert --image-file FILE"),
        ("create --help", "imagecustomizer create --build-dir DIR"),
        ("inject-files --help", "imagecustomizer inject-files --build-dir DIR"),
        ("validate-config --help", "imagecustomizer validate-config --config-file FILE"),
        ("doctor --help", "imagecustomizer doctor"),
        ("schema --help", "imagecustomizer schema"),
        ("telemetry --help", "imagecustomizer telemetry [status|on|off|schema]"),
        ("telemetry off --help", "imagecustomizer telemetry [status|on|off|schema]"),
        ("completions --help", "imagecustomizer completions SHELL"),
        ("man --help", "imagecustomizer man"),
    ];
    for (line, usage) in cases {
        let output = run_line(line);
        assert!(stdout(&output).contains(&format!("Usage: {usage}")), "{line}: {}", stdout(&output));
        assert!(stdout(&output).lines().all(|line| line.chars().count() <= 100), "{line}");
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(SUCCESS)), "{line}");
    }
}

#[test]
fn what_parses_but_is_not_built_yet_is_refused_by_name() {
    let c = "--build-dir b --config-file c";
    let create = format!("create {c} --rpm-source r --tools-dir t");
    let cases = [
        (create.clone(), "image creation failed:\\n`create` is not supported yet"),
        (
            format!("{create} --distro fedora --distro-version 42 --package-snapshot-time 2026-01-01"),
            "`create`",
        ),
        (format!("{create} --output-path o --output-image-format=vhd-fixed --distro="), "`create`"),
        (format!("{create} --allowed-passwords locked"), "`create`"),
        (format!("{create} --allowed-passwords="), "`create`"),
        (
            format!("inject-files {c} --image-file i"),
            "file injection failed:\\n`inject-files` is not supported yet",
        ),
        (
            format!(
                "inject-files {c} --image-file i --output-path o --output-image-format cosi --tools-dir t"
            ),
            "`inject-files`",
        ),
        (format!("{c} --image oci:x"), "image customization failed:\\n`--image` is not supported yet"),
        (format!("{c} --image-cache-dir d"), "`--image-cache-dir` is not supported yet"),
        (
            format!("{c} --output-selinux-policy-path d"),
            "`--output-selinux-policy-path` is not supported yet",
        ),
        (format!("{c} --rpm-source a,b --rpm-source c"), "`--rpm-source` is not supported yet"),
        (format!("{c} --disable-base-image-rpm-repos"), "`--disable-base-image-rpm-repos` is not supported"),
        (format!("{c} --disable-base-image-rpm-repos=TRUE"), "`--disable-base-image-rpm-repos` is not"),
        (format!("{c} --package-snapshot-time 2026-01-01"), "`--package-snapshot-time` is not supported yet"),
        (format!("{c} --tools-dir t"), "`--tools-dir` is not supported yet"),
        (format!("{c} --setfiles-context x"), "`--setfiles-context` is not supported yet"),
        (format!("{c} --backend kernel"), "`--backend=kernel` is not supported yet"),
        (
            "convert --image-file i --output-path o --output-image-format cosi --build-dir b --tools-dir t"
                .into(),
            "`--tools-dir` is not supported yet",
        ),
        (
            "validate-config --config-file c --build-dir b --validate-resources oci".into(),
            "config validation failed:\\n`--validate-resources=oci` is not supported yet",
        ),
    ];
    for (line, message) in cases {
        assert_failure(&line, &run_line(&line), message);
    }
}

#[test]
fn what_the_parser_takes_but_makes_no_sense_ends_with_1() {
    let c = "--build-dir b --config-file c";
    let to = |format| format!("convert --image-file i --output-image-file o --output-image-format {format}");
    let range = "`--cosi-compression-level` must be from 1 to 22 but is";
    let cases = [
        (
            format!("{c} --image x --image-file i"),
            "`--image` and `--image-file` cannot be used together".to_owned(),
        ),
        (format!("{c} --cosi-compression-level 0"), format!("{range} 0")),
        (format!("{c} --cosi-compression-level 23"), format!("{range} 23")),
        (format!("{c} --cosi-compression-level 0x17"), format!("{range} 23")),
        (format!("{c} --cosi-compression-level=-1"), format!("{range} -1")),
        (format!("{} --cosi-compression-level 9", to("raw")), "does not apply to the format `raw`".into()),
        (to("cosi"), "the format `cosi` needs a build directory".into()),
        (to("baremetal-image"), "the format `baremetal-image` needs a build directory".into()),
        (format!("{} --build-dir=", to("cosi")), "needs a build directory".into()),
        (to("''"), "`--output-image-format` is empty".into()),
        (
            "validate-config --config-file c --validate-resources oci".into(),
            "checking resources `oci` or `all` needs a build directory".into(),
        ),
        (
            "validate-config --config-file c --validate-resources files,all".into(),
            "checking resources `oci` or `all` needs a build directory".into(),
        ),
        ("--build-dir= --config-file c".into(), "`--build-dir` is empty".into()),
        ("--build-dir b --config-file=".into(), "`--config-file` is empty".into()),
        (format!("{c} --report ."), "the report `.` is a directory".into()),
    ];
    for (line, message) in cases {
        assert_failure(&line, &run_line(&line), &message);
    }
}

#[test]
fn json_and_forced_colours_exclude_each_other() {
    let output = run_line("--build-dir b --config-file c --log-format json --log-color always");
    assert_eq!(stderr(&output).lines().count(), 1);
    assert!(stderr(&output).contains("--log-color=always"));
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("", Some(FAILURE)));
}

/// The configuration is missing, which only a run that passed the parser and all checks of flags finds out.
#[test]
fn every_spelling_of_the_flags_reaches_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("none");
    let d = base.to_str().unwrap();
    let c = format!("--build-dir {d} --config-file {d}/c.yaml");
    let cases = [
        c.clone(),
        format!("customize {c}"),
        format!("{c} customize"),
        format!("--build-dir {d} customize --config-file {d}/c.yaml"),
        format!("--log-level debug customize {c}"),
        format!("customize {c} --log-level=debug --log-color=never --log-format=text"),
        format!("{c} --log-level= --log-format= --log-color= --log-file= --timestamp-file="),
        format!("{c} --output-path o --output-image-format="),
        format!("{c} --output-image-file=o --output-image-format vhd-fixed --image-file i"),
        format!("{c} --output-image-format raw --output-image-format qcow2"),
        format!("{c} --telemetry-log {d}-telemetry"),
        format!("{c} --telemetry-log="),
        format!("{c} --disable-telemetry"),
        format!("--disable-telemetry customize {c}"),
        format!("customize {c} --disable-telemetry=true"),
        format!("{c} --disable-telemetry=false --disable-base-image-rpm-repos=false"),
        format!("{c} --rpm-source= --tools-dir= --image= --image-cache-dir= --package-snapshot-time="),
        format!("{c} --output-selinux-policy-path= --setfiles-context= --backend="),
        format!("{c} --cosi-compression-level 22"),
        format!("{c} --cosi-compression-level 0b1_0"),
        format!("{c} --backend auto"),
        format!("{c} --backend userspace --plan"),
        format!("{c} --plan=json"),
        format!("{c} --allowed-passwords=locked"),
        format!("{c} --allowed-passwords="),
        format!("--plan {c}"),
        format!("{c} --report {d}-report"),
        format!("{c} --build-dir=-b --build-dir {d}"),
        format!("{c} --"),
    ];
    for line in cases {
        let output = run_line(&line);
        assert_eq!(output.status.code(), Some(FAILURE), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains("image customization failed:"), "{line}: {}", stderr(&output));
        assert!(!stderr(&output).contains("is not supported yet"), "{line}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{line}");
    }
    assert!(!Path::new(&format!("{d}-report")).exists(), "a failed run writes no report");
    assert!(!Path::new(&format!("{d}-telemetry")).exists(), "off means no file");
}

#[test]
fn the_other_commands_reach_their_run_too() {
    let directory = tempfile::tempdir().unwrap();
    let d = directory.path().to_str().unwrap();
    let convert = format!("--image-file {d}/i --output-path {d}/o --output-image-format raw");
    let cases = [
        (format!("convert {convert}"), "image conversion failed:"),
        (format!("{convert} convert"), "image conversion failed:"),
        (format!("convert {convert} --build-dir {d}/b --cosi-compression-level="), ""),
        (format!("validate-config --config-file {d}/c"), "config validation failed:"),
        (
            format!("--config-file {d}/c validate-config --validate-resources files"),
            "config validation failed:",
        ),
        (format!("validate-config --config-file {d}/c --validate-resources="), "config validation failed:"),
        (
            format!("validate-config --config-file {d}/c --validate-resources=files,"),
            "config validation failed:",
        ),
    ];
    for (line, phrase) in cases {
        let output = run_line(&line);
        let expected = if phrase.is_empty() { USAGE } else { FAILURE };
        assert_eq!(output.status.code(), Some(expected), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(phrase), "{line}: {}", stderr(&output));
        assert!(!stderr(&output).contains("is not supported yet"), "{line}: {}", stderr(&output));
    }
}

#[test]
fn a_path_that_is_not_utf8_is_a_path() {
    let mut odd = OsString::from("--config-file=");
    odd.push(OsString::from_vec(b"/nonexistent/\xff".to_vec()));
    let output = run(&[OsString::from("validate-config"), odd]);
    assert_eq!(output.status.code(), Some(FAILURE), "{}", stderr(&output));
}

#[test]
fn doctor_names_every_program_on_standard_output() {
    let output = run_line("doctor");
    assert!(stdout(&output).contains("e2fsck"), "{}", stdout(&output));
    let missing = stdout(&output).contains("missing");
    assert_eq!(output.status.code(), Some(if missing { FAILURE } else { SUCCESS }));
    assert_eq!(stderr(&output).contains("apt-get install"), missing);
}

#[test]
fn a_failed_run_has_one_fatal_record_in_each_form() {
    let line = "create --build-dir b --config-file c --rpm-source r --tools-dir t";
    let logfmt = stderr(&run_line(&format!("{line} --log-color never")));
    let tail = " level=fatal msg=\"image creation failed:\\n`create` is not supported yet\"\n";
    assert!(logfmt.starts_with("time=\"") && logfmt.ends_with(tail), "{logfmt}");

    let short = stderr(&run_line(&format!("{line} --log-color always")));
    assert_eq!(
        short,
        "\x1b[31mFATA\x1b[0m[0000] image creation failed:\n    `create` is not supported yet\n"
    );

    let json = stderr(&run_line(&format!("{line} --log-format json")));
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(record["level"], "fatal");
    assert_eq!(record["msg"], "image creation failed:\n`create` is not supported yet");
    assert!(record["time"].as_str().unwrap().ends_with('Z'));

    let silent = run_line(&format!("{line} --log-level panic"));
    assert_eq!((stderr(&silent).as_str(), silent.status.code()), ("", Some(FAILURE)));
}

#[test]
fn names_and_hints_are_fields() {
    let output =
        run_line("convert --image-file i --output-path o --output-image-format cosi --log-format json");
    let record: serde_json::Value = serde_json::from_str(&stderr(&output)).unwrap();
    assert_eq!(record["name"], "Validation:ConvertBuildDirRequired");
    assert_eq!(record["hint"], "give `--build-dir`");
}

#[test]
fn the_log_file_is_made_with_its_parents_and_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a/b/run.log");
    let line = format!(
        "create --build-dir b --config-file c --rpm-source r --tools-dir t --log-level panic --log-file {}",
        file.display()
    );
    for _ in 0..2 {
        assert_eq!(stderr(&run_line(&line)), "");
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches("level=fatal").count(), 1, "{text}");
    }
}

#[test]
fn a_log_file_that_cannot_be_made_ends_the_run() {
    let output = run_line("validate-config --config-file c --log-file /proc/none/run.log");
    assert_eq!(output.status.code(), Some(FAILURE));
    assert!(
        stderr(&output).starts_with("imagecustomizer: error: cannot make the log file `/proc/none/run.log`")
    );
}

#[test]
fn the_timestamp_file_holds_start_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("times");
    run_line(&format!("validate-config --config-file /none --timestamp-file {}", file.display()));
    let text = std::fs::read_to_string(&file).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{text}");
    for (event, kind) in events.iter().zip([0, 1]) {
        assert_eq!((event["EventType"].as_i64(), event["ID"].as_i64()), (Some(kind), Some(0)));
        assert_eq!(event["Name"], "imagecustomizer");
    }
}

#[test]
fn a_timestamp_file_that_cannot_be_made_is_a_warning() {
    let output = run_line("validate-config --config-file /none --timestamp-file /none/times");
    assert!(
        stderr(&output).contains("level=warning msg=\"cannot make the timestamp file"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(FAILURE));
}

#[test]
fn a_date_that_is_none_ends_the_run() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagecustomizer"));
    command.args(["--build-dir", "b", "--config-file", "/none"]).env("SOURCE_DATE_EPOCH", "yesterday");
    let output = command.output().unwrap();
    assert_failure(
        "SOURCE_DATE_EPOCH",
        &output,
        "`SOURCE_DATE_EPOCH` is not a number of seconds: `yesterday`",
    );
}

#[test]
fn the_help_lists_commands_on_images_before_the_others() {
    let help = stdout(&run_line("--help"));
    let (_, below) = help.split_once("\nCommands:\n").unwrap();
    let (commands, below) = below.split_once("\nMore commands:\n").unwrap();
    let (more, _) = below.split_once("\nGlobal flags:\n").unwrap();
    let names = |part: &str| -> Vec<String> {
        part.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
    };
    assert_eq!(
        names(commands),
        ["customize", "create", "inject-files", "convert", "validate-config", "step", "replay"]
    );
    assert_eq!(names(more), ["doctor", "telemetry", "schema", "completions", "man"]);
}

#[test]
fn the_schema_is_printed_as_json() {
    let output = run_line("schema");
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema, config::schema());
    assert!(stdout(&output).ends_with("}\n"));
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(SUCCESS)));
}

#[test]
fn completions_are_scripts_that_know_every_command() {
    for (shell, sign) in [
        ("bash", "complete -F _imagecustomizer"),
        ("zsh", "#compdef imagecustomizer"),
        ("fish", "complete -c"),
    ] {
        let output = run_line(&format!("completions {shell}"));
        let script = stdout(&output);
        assert!(script.contains(sign), "{shell}: {script}");
        for word in ["customize", "inject-files", "validate-config", "schema", "allowed-passwords"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(SUCCESS)), "{shell}");
    }
}

/// What bash offers for the last word of the line.
fn offered(line: &str) -> Vec<String> {
    // Bash calls the function with the program, the word to complete and the one before.
    const ASK: &str = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_imagecustomizer "$1" "${@: -1}" "${@: -2:1}"; printf '%s\n' "${COMPREPLY[@]}""#;
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("completion");
    std::fs::write(&script, run_line("completions bash").stdout).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-ec", ASK, "bash"]).arg(&script).arg("imagecustomizer");
    let output = bash.args(line.split(' ')).current_dir(directory.path()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    stdout(&output).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_offers_what_fits() {
    let cases: [(&str, &[&str]); 8] = [
        ("val", &["validate-config"]),
        ("telemetry ", &["status", "on", "off", "preview", "schema"]),
        ("telemetry --f", &["--format"]),
        ("completions ", &["--help", "--version", "bash", "zsh", "fish"]),
        ("validate-config --allowed-passwords ", &["any", "locked"]),
        ("--log-level debug convert --output-image-format vhd", &["vhd", "vhd-fixed", "vhdx"]),
        ("convert --build", &["--build-dir"]),
        // Without a command word, `customize` is meant.
        ("--build", &["--build-dir"]),
    ];
    for (line, expected) in cases {
        let offered = offered(line);
        for word in expected {
            assert!(offered.iter().any(|found| found == word), "{line}: {offered:?}");
        }
    }
    assert!(!offered("convert --").contains(&"--plan".to_owned()));
}

#[test]
fn the_manual_page_is_printed() {
    let output = run_line("man");
    assert!(stdout(&output).contains("\n.TH imagecustomizer 1 "), "{}", stdout(&output));
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(SUCCESS)));
}

/// Checks a configuration with one user that has the password.
fn with_password(password: &str, flags: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.yaml");
    std::fs::write(&file, format!("os: {{users: [{{name: joe, password: {password}}}]}}")).unwrap();
    run_line(&format!("validate-config --config-file {} {flags}", file.display()))
}

const LOCKED: &str = "{type: locked}";
const HASHED: &str = "{type: hashed, value: '$6$hunter2'}";

#[test]
fn only_locked_accounts_pass_where_no_other_are_allowed() {
    let accepted = with_password(LOCKED, "--allowed-passwords locked");
    assert_eq!(accepted.status.code(), Some(SUCCESS), "{}", stderr(&accepted));
    let refused = with_password(HASHED, "--allowed-passwords locked");
    assert_failure("locked", &refused, "rule=password-type-allowed");
    assert!(!stderr(&refused).contains("hunter2"), "{}", stderr(&refused));
}

#[test]
fn customize_has_the_same_rule() {
    let directory = tempfile::tempdir().unwrap();
    let d = directory.path().display();
    let text = format!("os: {{users: [{{name: joe, password: {HASHED}}}]}}");
    std::fs::write(directory.path().join("c.yaml"), text).unwrap();
    let output = run_line(&format!(
        "--build-dir {d}/b --config-file {d}/c.yaml --image-file {d}/i --output-path {d}/o \
         --output-image-format raw --allowed-passwords locked"
    ));
    assert_failure("customize", &output, "rule=password-type-allowed");
}

#[test]
#[cfg(not(feature = "locked-passwords-only"))]
fn every_password_passes_unless_told_otherwise() {
    for flags in ["", "--allowed-passwords=", "--allowed-passwords any"] {
        let output = with_password(HASHED, flags);
        assert_eq!(output.status.code(), Some(SUCCESS), "{flags}: {}", stderr(&output));
    }
}

#[test]
#[cfg(feature = "locked-passwords-only")]
fn no_flag_lets_other_passwords_pass_than_locked_ones() {
    for flags in ["", "--allowed-passwords="] {
        assert_failure(flags, &with_password(HASHED, flags), "rule=password-type-allowed");
        assert_eq!(with_password(LOCKED, flags).status.code(), Some(SUCCESS), "{flags}");
    }
    let output = with_password(LOCKED, "--allowed-passwords any");
    assert_failure("any", &output, "`--allowed-passwords=any` is refused");
}

#[test]
fn all_names_of_an_error_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.yaml");
    std::fs::write(&file, "previewFeatures: [base-configs]\nbaseConfigs: [{path: none.yaml}]\n").unwrap();
    let output = run_line(&format!("validate-config --log-format json --config-file {}", file.display()));
    let record: serde_json::Value = serde_json::from_str(&stderr(&output)).unwrap();
    let names = ["Validation:InvalidImageConfig", "Validation:InvalidBaseConfigs"];
    assert_eq!((&record["name"], &record["names"]), (&names[0].into(), &serde_json::json!(names)));
}

#[test]
fn what_is_done_is_not_said_to_have_failed_when_nobody_can_be_told() {
    let scene = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagecustomizer"));
    command.env("IMAGECUSTOMIZER_TELEMETRY", "off").current_dir(scene.path());
    let output = command.args(["step", "new", "motd"]).stdout(full).output().unwrap();
    assert!(scene.path().join("motd/README.md").exists());
    assert_failure(
        "step new motd",
        &output,
        "the result could not be shown:\\ncannot write to standard output",
    );
}
