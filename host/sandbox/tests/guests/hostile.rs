//! Components that no compiler makes: written as text, put together from bytes, or far too large. Each is stopped with the
//! message that stands in `tests/golden/hostile`; `UPDATE_GOLDEN=1` writes those anew.

use crate::scene::{Limits, STEP, Scene, component, everything, new_sandbox};
use crate::text::{ARTIFACTS, CONTEXT, DESCRIBE, FILES, LOG, Text, binary};
use crate::wasm::{COMPONENT, raw_section, with_module};
use sandbox::{Error, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How a case is tried, and what has to come of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// It is refused when it is loaded.
    Load,
    /// It ends with an error when it describes itself.
    Describe,
    /// It ends with an error when it runs.
    Run,
    /// It does as a step may: the host takes no harm.
    Harmless,
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    stage: Stage,
    make: fn() -> Vec<u8>,
    settings: fn() -> String,
}

const fn case(name: &'static str, stage: Stage, make: fn() -> Vec<u8>) -> Case {
    Case { name, stage, make, settings: empty }
}

fn empty() -> String {
    "{}".to_owned()
}

fn importing(imports: &str) -> Vec<u8> {
    Text { imports, ..Text::default() }.binary()
}

fn describing(describe: &str) -> Vec<u8> {
    Text { describe, ..Text::default() }.binary()
}

fn running(run: &str) -> Vec<u8> {
    Text { run, ..Text::default() }.binary()
}

fn logging(run: &str) -> Vec<u8> {
    Text { run, ..LOG }.binary()
}

/// With a file open as handle `$file`.
fn handling(then: &str) -> Vec<u8> {
    let run = format!(
        r#"(local $file i32)
    (i32.store offset=0 (i32.const 2048) (i32.const 0x6374652f)) (i32.store offset=4 (i32.const 2048) (i32.const 0x7361702f))
    (i32.store offset=8 (i32.const 2048) (i32.const 0x00647773))
    (call $open (i32.const 2048) (i32.const 11) (i32.const 2080))
    (local.set $file (i32.load (i32.const 2084)))
    {then} (i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128)"#
    );
    Text { run: &run, ..FILES }.binary()
}

/// A core module with one function of this body.
fn body(body: &str) -> Vec<u8> {
    let text = format!("(component (core module (func {body})))");
    binary(&text)
}

fn core(text: &str) -> Vec<u8> {
    with_module(Text::default().binary(), &binary(&format!("(module {text})")), 1)
}

/// Components inside each other, each of which makes `fan` instances of the one inside it.
fn bomb(depth: usize, fan: usize) -> Vec<u8> {
    let mut text = "(core module $m) (core instance (instantiate $m))".to_owned();
    for _ in 0..depth {
        text = format!("(component $c {text}) {}", "(instance (instantiate $c))".repeat(fan));
    }
    binary(&format!("(component {text})"))
}

fn nested(depth: usize) -> Vec<u8> {
    binary(&format!("{}{}", "(component ".repeat(depth), ")".repeat(depth)))
}

/// A type that names the one before it twice: its size doubles.
fn doubling_types(count: usize) -> Vec<u8> {
    let types: String =
        (1..count).map(|number| format!("(type $t{number} (tuple $t{0} $t{0}))", number - 1)).collect();
    binary(&format!(
        "(component (type $t0 (tuple u8 u8)) {types} (import \"f\" (func (param \"a\" $t{}))))",
        count - 1
    ))
}

fn deep_types(count: usize) -> Vec<u8> {
    let types: String =
        (1..count).map(|number| format!("(type $t{number} (list $t{}))", number - 1)).collect();
    binary(&format!(
        "(component (type $t0 (list u8)) {types} (import \"f\" (func (param \"a\" $t{}))))",
        count - 1
    ))
}

fn sections(count: usize, size: usize) -> Vec<u8> {
    let mut wasm = COMPONENT.to_vec();
    for _ in 0..count {
        let mut content = vec![1, b'x'];
        content.resize(size + 2, 0);
        raw_section(&mut wasm, 0, &content);
    }
    wasm
}

fn functions(count: usize) -> Vec<u8> {
    let module = format!("(module {})", "(func)".repeat(count));
    with_module(Text::default().binary(), &binary(&module), 0)
}

fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut wasm = Text::default().binary();
    change(&mut wasm);
    wasm
}

use Stage::{Describe, Harmless, Load, Run};

/// All of them. The table in `tests/guests/README.md` says what each tries.
pub(crate) const CASES: &[Case] = &[
    // What it imports.
    case("import-function", Load, || importing(r#"(import "evil" (func))"#)),
    case("import-module", Load, || importing(r#"(import "evil" (core module))"#)),
    case("import-component", Load, || importing(r#"(import "evil" (component))"#)),
    case("import-resource", Load, || importing(r#"(import "evil" (type (sub resource)))"#)),
    case("import-empty-instance", Load, || importing(r#"(import "evil" (instance))"#)),
    case("import-url", Load, || importing(r#"(import "url=<https://example.com/evil>" (instance))"#)),
    case("import-shell", Load, || {
        importing(r#"(import "host:shell/run@1.0.0" (instance (export "run" (func (param "line" string)))))"#)
    }),
    case("import-thousand", Load, || {
        let imports: String =
            (0..1000).map(|number| format!(r#"(import "evil:thing/i{number}@1.0.0" (instance))"#)).collect();
        importing(&imports)
    }),
    case("import-long-name", Load, || {
        importing(&format!(r#"(import "evil:{}/run" (instance))"#, "a".repeat(50_000)))
    }),
    case("import-linked-name-as-function", Load, || importing(r#"(import "wasi:cli/exit@0.2.6" (func))"#)),
    case("import-log-of-another-type", Load, || {
        importing(
            r#"(import "customizer:step/log@0.1.0" (instance (export "write" (func (param "all" u64)))))"#,
        )
    }),
    case("import-more-of-the-contract", Load, || {
        importing(r#"(import "customizer:step/rootfs@0.1.0" (instance (export "escape" (func))))"#)
    }),
    case("import-async", Load, || importing(r#"(import "evil" (func async))"#)),
    // What it exports.
    case("export-nothing-but-noise", Load, || {
        binary(r#"(component (core module $m) (export "customizer:step/else@0.1.0" (core module $m)))"#)
    }),
    case("export-step-as-module", Load, || {
        binary(r#"(component (core module $m) (export "customizer:step/step@0.1.0" (core module $m)))"#)
    }),
    case("export-step-as-component", Load, || {
        binary(r#"(component (component $c) (export "customizer:step/step@0.1.0" (component $c)))"#)
    }),
    case("export-step-without-functions", Load, || {
        binary(r#"(component (instance $i) (export "customizer:step/step@0.1.0" (instance $i)))"#)
    }),
    case("export-two-steps", Harmless, || {
        Text { component: r#"(export "customizer:step/step@0.1.7" (instance $step))"#, ..Text::default() }
            .binary()
    }),
    case("export-command-too", Harmless, || {
        Text { component: r#"(export "wasi:cli/run@0.2.0" (instance $step))"#, ..Text::default() }.binary()
    }),
    // How it is made.
    case("nested-components", Load, || nested(50)),
    case("instance-bomb", Load, || bomb(5, 100)),
    case("small-instance-bomb", Load, || bomb(2, 100)),
    case("doubling-types", Load, || doubling_types(64)),
    case("deep-types", Load, || deep_types(5000)),
    case("custom-section-of-100-mib", Load, || sections(1, 100 << 20)),
    case("million-sections", Load, || sections(1_000_000, 0)),
    case("hundred-thousand-functions", Harmless, || functions(100_000)),
    case("million-functions", Load, || functions(1_000_000)),
    case("huge-function", Load, || body(&"(drop (i32.const 1))".repeat(600_000))),
    case("deep-blocks", Load, || body(&format!("{}{}", "(block ".repeat(20_000), ")".repeat(20_000)))),
    case("many-locals", Load, || body(&format!("(local {})", "i64 ".repeat(60_000)))),
    case("huge-branch-table", Load, || {
        body(&format!("(block (br_table {} (i32.const 0)))", "0 ".repeat(900_000)))
    }),
    case("memory-of-64-bits", Load, || core("(memory i64 1)")),
    case("shared-memory", Load, || core("(memory 1 1 shared)")),
    case("two-memories", Harmless, || core("(memory 1) (memory 1)")),
    case("garbage-collection", Load, || core("(type (struct (field i32)))")),
    case("exceptions", Load, || core("(tag)")),
    case("asynchronous-step", Load, || {
        binary(
            r#"(component (core module $m (func (export "f") (result i32) i32.const 0) (func (export "c") (param i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func (export "f") async (canon lift (core func $i "f") async (callback (func $i "c")))))"#,
        )
    }),
    case("torn-off", Load, || damaged(|wasm| wasm.truncate(wasm.len() - 40))),
    case("section-beyond-the-end", Load, || damaged(|wasm| wasm.extend([1, 0xff, 0xff, 0xff, 0x0f]))),
    case("endless-number", Load, || {
        damaged(|wasm| wasm.extend([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]))
    }),
    case("unknown-section", Load, || damaged(|wasm| wasm.extend([0x7f, 0]))),
    case("version-of-tomorrow", Load, || damaged(|wasm| wasm[4] = 0x7f)),
    case("module-with-the-layer-of-components", Load, || damaged(|wasm| wasm[6] = 0)),
    case("two-components-in-a-row", Load, || damaged(|wasm| wasm.extend(COMPONENT))),
    // How it starts.
    case("start-traps", Run, || core("(func $f unreachable) (start $f)")),
    case("start-recurses", Run, || core("(func $f (call $f)) (start $f)")),
    case("data-outside", Run, || core(r#"(memory 1) (data (i32.const 65535) "xx")"#)),
    case("elements-outside", Run, || core("(table 1 funcref) (func $f) (elem (i32.const 1) $f)")),
    // How it describes itself.
    case("describe-traps", Describe, || describing("unreachable")),
    case("describe-points-outside", Describe, || describing("(i32.const 0x7ffffff0)")),
    case("describe-is-not-aligned", Describe, || describing(&format!("{DESCRIBE} drop (i32.const 65)"))),
    case("describe-opens-a-file", Describe, || {
        let describe = format!("(call $open (i32.const 1024) (i32.const 3) (i32.const 2048)) {DESCRIBE}");
        Text { describe: &describe, ..FILES }.binary()
    }),
    case("describe-asks-for-facts", Describe, || {
        let describe = format!("(drop (call $now)) {DESCRIBE}");
        Text { describe: &describe, ..CONTEXT }.binary()
    }),
    case("describe-lists-artifacts", Describe, || {
        let describe = format!("(call $names (i32.const 2048)) {DESCRIBE}");
        Text { describe: &describe, ..ARTIFACTS }.binary()
    }),
    case("name-points-outside", Describe, || {
        describing("(call $describe-as (i32.const 0x70000000) (i32.const 3) (i32.const 1056) (i32.const 17))")
    }),
    case("name-without-end", Describe, || {
        describing("(call $describe-as (i32.const 1024) (i32.const -1) (i32.const 1056) (i32.const 17))")
    }),
    case("name-not-utf-8", Describe, || {
        describing(
            "(i32.store (i32.const 2048) (i32.const 0xfffefdfc)) (call $describe-as (i32.const 2048) (i32.const 4) (i32.const 1056) (i32.const 17))",
        )
    }),
    case("name-with-escapes", Describe, || {
        describing(
            "(i32.store (i32.const 2048) (i32.const 0x4a325b1b)) (call $describe-as (i32.const 2048) (i32.const 4) (i32.const 1056) (i32.const 17))",
        )
    }),
    case("name-of-a-mebibyte", Describe, || {
        Text {
        pages: 40,
        describe: "(memory.fill (i32.const 0x10000) (i32.const 97) (i32.const 0x100000)) (call $describe-as (i32.const 0x10000) (i32.const 0x100000) (i32.const 1056) (i32.const 17))",
        ..Text::default()
    }.binary()
    }),
    case("schema-of-48-mib", Describe, || {
        Text {
        pages: 800,
        describe: "(memory.fill (i32.const 0x10000) (i32.const 91) (i32.const 0x3000000)) (call $describe-as (i32.const 1024) (i32.const 3) (i32.const 0x10000) (i32.const 0x3000000))",
        ..Text::default()
    }.binary()
    }),
    case("schema-of-8-mib", Describe, || {
        Text {
        pages: 200,
        describe: "(memory.fill (i32.const 0x10000) (i32.const 91) (i32.const 0x800000)) (call $describe-as (i32.const 1024) (i32.const 3) (i32.const 0x10000) (i32.const 0x800000))",
        ..Text::default()
    }.binary()
    }),
    case("annotations-without-end", Describe, || {
        describing(&format!(
            "{DESCRIBE} drop (i32.store (i32.const 96) (i32.const 1024)) (i32.store (i32.const 100) (i32.const 0x0fffffff)) (i32.const 64)"
        ))
    }),
    case("million-annotations", Describe, || {
        Text {
        pages: 600,
        describe: "(drop (call $describe-as (i32.const 1024) (i32.const 3) (i32.const 1056) (i32.const 17)))
            (i32.store (i32.const 96) (i32.const 0x10000)) (i32.store (i32.const 100) (i32.const 2000000)) (i32.const 64)",
        ..Text::default()
    }.binary()
    }),
    // What it gives back.
    case("result-points-outside", Run, || running("(i32.const 0x7ffffff0)")),
    case("result-is-not-aligned", Run, || running("(i32.const 129)")),
    case("result-of-no-kind", Run, || running("(i32.store8 (i32.const 128) (i32.const 7)) (i32.const 128)")),
    case("failure-of-no-code", Run, || {
        running("(call $fail-with (i32.const 200) (i32.const 1024) (i32.const 3))")
    }),
    case("failure-not-utf-8", Run, || {
        running(
            "(i32.store (i32.const 2048) (i32.const 0xfffefdfc)) (call $fail-with (i32.const 0) (i32.const 2048) (i32.const 4))",
        )
    }),
    case("failure-points-outside", Run, || {
        running("(call $fail-with (i32.const 0) (i32.const 0x70000000) (i32.const 4))")
    }),
    case("failure-without-end", Run, || {
        running("(call $fail-with (i32.const 0) (i32.const 0) (i32.const -1))")
    }),
    case("failure-with-escapes", Run, || {
        running(
            "(i32.store (i32.const 2048) (i32.const 0x4a325b1b)) (i32.store (i32.const 2052) (i32.const 0x0d0a780a)) (call $fail-with (i32.const 12) (i32.const 2048) (i32.const 8))",
        )
    }),
    case("post-return-traps", Run, || Text { post: Some("unreachable"), ..Text::default() }.binary()),
    case("post-return-loops", Run, || {
        Text { post: Some("(loop (br 0))"), describe: DESCRIBE, ..Text::default() }.binary()
    }),
    // How it takes what it is given.
    case("realloc-points-outside", Run, || {
        Text { realloc: "(i32.const 0x7ffffff0)", ..Text::default() }.binary()
    }),
    case("realloc-wraps-around", Run, || Text { realloc: "(i32.const -1)", ..Text::default() }.binary()),
    case("realloc-traps", Run, || Text { realloc: "unreachable", ..Text::default() }.binary()),
    case("realloc-recurses", Run, || {
        Text {
            realloc: "(call 0 (local.get 0) (local.get 1) (local.get 2) (local.get 3))",
            ..Text::default()
        }
        .binary()
    }),
    case("realloc-loops", Run, || Text { realloc: "(loop (br 0)) unreachable", ..Text::default() }.binary()),
    case("realloc-calls-the-host", Run, || {
        Text {
        core: r#"(func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (call $log (i32.const 0) (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 0)) (i32.const 4096))"#,
        realloc_of: "$i",
        ..LOG
    }.binary()
    }),
    Case {
        name: "settings-of-40-mib",
        stage: Run,
        make: || Text::default().binary(),
        settings: || " ".repeat(40 << 20),
    },
    Case {
        name: "settings-larger-than-its-memory",
        stage: Run,
        make: || Text::default().binary(),
        settings: || " ".repeat(1 << 20),
    },
    // What it hands to the host.
    case("message-not-utf-8", Run, || {
        logging(
            "(i32.store (i32.const 2048) (i32.const 0xfffefdfc)) (call $log (i32.const 2) (i32.const 2048) (i32.const 4) (i32.const 0) (i32.const 0)) unreachable",
        )
    }),
    case("message-points-outside", Run, || {
        logging(
            "(call $log (i32.const 2) (i32.const 0x70000000) (i32.const 4) (i32.const 0) (i32.const 0)) unreachable",
        )
    }),
    case("message-without-end", Run, || {
        logging(
            "(call $log (i32.const 2) (i32.const 1) (i32.const -1) (i32.const 0) (i32.const 0)) unreachable",
        )
    }),
    case("level-of-no-name", Run, || {
        logging(
            "(call $log (i32.const 9) (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 0)) unreachable",
        )
    }),
    case("fields-without-end", Run, || {
        logging(
            "(call $log (i32.const 2) (i32.const 1024) (i32.const 3) (i32.const 4096) (i32.const 0x0fffffff)) unreachable",
        )
    }),
    case("million-fields", Run, || {
        Text {
        pages: 600,
        run: "(call $log (i32.const 2) (i32.const 1024) (i32.const 3) (i32.const 0x10000) (i32.const 2000000)) unreachable",
        ..LOG
    }.binary()
    }),
    case("fields-are-not-aligned", Run, || {
        logging(
            "(call $log (i32.const 2) (i32.const 1024) (i32.const 3) (i32.const 4097) (i32.const 1)) unreachable",
        )
    }),
    case("handle-of-nothing", Run, || {
        handling("(call $set-size (i32.const 77) (i64.const 0) (i32.const 2080)) unreachable")
    }),
    case("handle-guessed", Run, || {
        handling(
            "(call $set-size (i32.add (local.get $file) (i32.const 1)) (i64.const 0) (i32.const 2080)) unreachable",
        )
    }),
    case("handle-used-after-drop", Run, || {
        handling(
            "(call $drop (local.get $file)) (call $set-size (local.get $file) (i64.const 0) (i32.const 2080)) unreachable",
        )
    }),
    case("handle-dropped-twice", Run, || {
        handling("(call $drop (local.get $file)) (call $drop (local.get $file)) unreachable")
    }),
    case("handle-left-open", Harmless, || handling("")),
    case("answer-points-outside", Run, || {
        handling("(call $open (i32.const 2048) (i32.const 11) (i32.const 0x7ffffff0)) unreachable")
    }),
    case("text-of-another-encoding", Run, || {
        Text {
        options: "string-encoding=utf16",
        run: "(i32.store (i32.const 2048) (i32.const 0xd800d800)) (call $fail-with (i32.const 0) (i32.const 2048) (i32.const 2))",
        ..Text::default()
    }.binary()
    }),
];

/// What a person reads: the message and the hint. Addresses depend on the compiler.
fn shown(result: Result<(), Error>) -> String {
    match result {
        Ok(()) => "it did as a step may\n".to_owned(),
        Err(error) => {
            let hint = error.hint_text().map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
            let text = error.to_string();
            let cut = if text.len() > 600 {
                format!("{}…", &text[..text.floor_char_boundary(600)])
            } else {
                text
            };
            format!("{}\n{hint}", cut.replace('\n', "\n    "))
        }
    }
}

fn attempt(scene: &Scene, case: &Case) -> Result<(), Error> {
    let wasm = (case.make)();
    let step = scene.sandbox.load(STEP, &wasm)?;
    if case.stage == Describe {
        return step.describe().map(drop);
    }
    let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
    scene.run_loaded(&step, &(case.settings)(), limits, Default::default()).map(drop)
}

fn check(stages: &[Stage], golden: &str) {
    let scene = Scene::new();
    let mut text = String::new();
    for case in CASES.iter().filter(|case| stages.contains(&case.stage)) {
        let start = Instant::now();
        let result = attempt(&scene, case);
        assert!(start.elapsed() < Duration::from_secs(60), "{} took {:?}", case.name, start.elapsed());
        assert_eq!(result.is_ok(), case.stage == Harmless, "{}: {}", case.name, shown(result));
        if let Err(error) = &result {
            let text = error.to_string();
            assert!(!matches!(error.kind(), ErrorKind::Host), "{}: {text}", case.name);
            assert!(text.contains(STEP), "{}: {text}", case.name);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{}: {text:?}", case.name);
            if case.stage == Load {
                assert!(scene.sandbox.load(STEP, &(case.make)()).is_err(), "{}", case.name);
            }
        }
        text.push_str(&format!("{}\n  {}", case.name, shown(result)));
    }
    scene.all_is_well();
    same_as_golden(golden, &text);
}

pub(crate) fn same_as_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/hostile").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (found, expected) in text.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{}", path.display());
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{}", path.display());
}

#[test]
fn what_no_compiler_makes_is_refused_with_its_reason() {
    check(&[Load], "loading.txt");
}

#[test]
fn what_describes_itself_badly_ends_with_its_reason() {
    check(&[Describe], "describing.txt");
}

#[test]
fn what_runs_badly_ends_with_its_reason() {
    check(&[Run], "running.txt");
}

#[test]
fn what_is_only_odd_does_no_harm() {
    check(&[Harmless], "harmless.txt");
}

#[test]
fn the_step_of_text_is_a_step() {
    let scene = Scene::new();
    let step = new_sandbox().load(STEP, &Text::default().binary()).unwrap();
    let description = step.describe().unwrap();
    assert_eq!(
        (description.name.as_str(), description.settings_schema.as_str()),
        ("raw", r#"{"type":"object"}"#)
    );
    scene.run_loaded(&step, "{}", Limits::default(), Default::default()).unwrap();
    let _ = (component as fn(&str) -> Vec<u8>, everything as fn() -> sandbox::Scope);
}
