//! Steps written in WebAssembly's text format: what they do at the level of the ABI is in the hands of the test.

/// A step of which every part can be another; what is left alone behaves.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    /// Imports of the component, before everything else.
    pub(crate) imports: &'a str,
    /// Imports of the core module: `host` holds the lowered functions.
    pub(crate) core_imports: &'a str,
    /// The lowered functions: core functions, and what they are exported as to the core module.
    pub(crate) lowered: &'a str,
    pub(crate) host: &'a str,
    /// The body of `realloc`: old pointer, old size, alignment, new size → pointer.
    pub(crate) realloc: &'a str,
    /// The body of `describe`: → pointer to the description.
    pub(crate) describe: &'a str,
    /// The body of `run`: pointer and size of the settings → pointer to the result.
    pub(crate) run: &'a str,
    /// What is called after `describe` and `run`, if anything: the body.
    pub(crate) post: Option<&'a str>,
    /// Further parts of the core module.
    pub(crate) core: &'a str,
    /// Pages of 64 KiB.
    pub(crate) pages: u32,
    /// Further parts of the component.
    pub(crate) component: &'a str,
    /// Options of the two lifted functions.
    pub(crate) options: &'a str,
    /// The core instance whose `realloc` takes the settings.
    pub(crate) realloc_of: &'a str,
}

/// Gives what has not been given yet.
const BUMP: &str = "(local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

/// The description lies at 64, the result of `run` at 128.
pub(crate) const DESCRIBE: &str =
    "(call $describe-as (i32.const 1024) (i32.const 3) (i32.const 1056) (i32.const 17))";

/// It went well.
pub(crate) const WELL: &str = "(i32.store8 (i32.const 128) (i32.const 0)) (i32.const 128)";

impl Default for Text<'_> {
    fn default() -> Self {
        Self {
            imports: "",
            core_imports: "",
            lowered: "",
            host: "",
            realloc: BUMP,
            describe: DESCRIBE,
            run: WELL,
            post: None,
            core: "",
            pages: 2,
            component: "",
            options: "",
            realloc_of: "$libc",
        }
    }
}

/// The failure codes of the contract.
const CODES: &str = r#""not-found" "already-exists" "not-a-directory" "is-a-directory" "directory-not-empty" "symlink-loop"
    "invalid-path" "special-file" "foreign-mount" "no-space" "read-only" "too-large" "denied" "invalid-argument"
    "unsupported" "timed-out" "other""#;

impl Text<'_> {
    /// The component's text.
    pub(crate) fn text(&self) -> String {
        let Text {
            imports,
            core_imports,
            lowered,
            host,
            realloc,
            describe,
            run,
            core,
            pages,
            component,
            options,
            realloc_of,
            ..
        } = self;
        let (post, post_describe, post_run) = match self.post {
            None => (String::new(), "", ""),
            Some(body) => (
                format!(r#"(func (export "post") (param i32) {body})"#),
                r#"(post-return (core func $i "post"))"#,
                r#"(post-return (core func $i "post"))"#,
            ),
        };
        format!(
            r#"(component
  (import "customizer:step/failures@0.1.0" (instance $failures
    (type $code-t (enum {CODES}))
    (export "failure-code" (type $code (eq $code-t)))
    (type $failure-t (record (field "code" $code) (field "message" string)))
    (export "failure" (type (eq $failure-t)))))
  (alias export $failures "failure-code" (type $host-code))
  (alias export $failures "failure" (type $host-failure))
  {imports}
  (core module $libc
    (memory (export "mem") {pages})
    (global $top (mut i32) (i32.const 8192))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) {realloc})
    (data (i32.const 1024) "raw")
    (data (i32.const 1032) "1.0.0")
    (data (i32.const 1040) "A step of text")
    (data (i32.const 1056) "{{\"type\":\"object\"}}"))
  (core instance $libc (instantiate $libc))
  {lowered}
  (core module $m
    (import "libc" "mem" (memory $mem 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    {core_imports}
    (func $describe-as (param $name i32) (param $name-len i32) (param $schema i32) (param $schema-len i32) (result i32)
      (i32.store (i32.const 64) (local.get $name)) (i32.store (i32.const 68) (local.get $name-len))
      (i32.store (i32.const 72) (i32.const 1032)) (i32.store (i32.const 76) (i32.const 5))
      (i32.store (i32.const 80) (i32.const 1040)) (i32.store (i32.const 84) (i32.const 14))
      (i32.store (i32.const 88) (local.get $schema)) (i32.store (i32.const 92) (local.get $schema-len))
      (i32.store (i32.const 96) (i32.const 0)) (i32.store (i32.const 100) (i32.const 0))
      (i32.const 64))
    (func $fail-with (param $code i32) (param $message i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 128) (i32.const 1)) (i32.store8 (i32.const 132) (local.get $code))
      (i32.store (i32.const 136) (local.get $message)) (i32.store (i32.const 140) (local.get $len))
      (i32.const 128))
    {core}
    {post}
    (func (export "describe") (result i32) {describe})
    (func (export "run") (param i32 i32) (result i32) {run}))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance {host}))))
  (type $description-t (record (field "name" string) (field "version" string) (field "summary" string)
    (field "settings-schema" string) (field "annotations" (list (tuple string string)))))
  (func $describe (result $description-t)
    (canon lift (core func $i "describe") (memory $libc "mem") {options} {post_describe}))
  (func $run (param "settings" string) (result (result (error $host-failure)))
    (canon lift (core func $i "run") (memory $libc "mem") (realloc (func {realloc_of} "realloc")) {options} {post_run}))
  (component $shim
    (type $code (enum {CODES}))
    (import "code" (type $code-i (eq $code)))
    (type $failure (record (field "code" $code-i) (field "message" string)))
    (import "failure" (type $failure-i (eq $failure)))
    (type $description (record (field "name" string) (field "version" string) (field "summary" string)
      (field "settings-schema" string) (field "annotations" (list (tuple string string)))))
    (import "description" (type $description-i (eq $description)))
    (import "describe" (func $describe-i (result $description-i)))
    (import "run" (func $run-i (param "settings" string) (result (result (error $failure-i)))))
    (export "failure" (type $failure-i))
    (export $description-e "description" (type $description-i))
    (export "describe" (func $describe-i) (func (result $description-e)))
    (export "run" (func $run-i) (func (param "settings" string) (result (result (error $failure-i))))))
  (instance $step (instantiate $shim
    (with "code" (type $host-code)) (with "failure" (type $host-failure)) (with "description" (type $description-t))
    (with "describe" (func $describe)) (with "run" (func $run))))
  (export "customizer:step/step@0.1.0" (instance $step))
  {component})"#
        )
    }

    /// The component.
    pub(crate) fn binary(&self) -> Vec<u8> {
        binary(&self.text())
    }
}

/// A component or core module of its text.
#[track_caller]
pub(crate) fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The import of the log, and its lowered function as `$log`: level, message, its size, fields, their number.
pub(crate) const LOG: Text<'static> = Text {
    imports: r#"(import "customizer:step/log@0.1.0" (instance $log-i
        (type $level-t (enum "trace" "debug" "info" "warn" "error"))
        (export "level" (type $level (eq $level-t)))
        (export "write" (func (param "level" $level) (param "message" string)
            (param "fields" (list (tuple string string)))))))"#,
    lowered: r#"(core func $log (canon lower (func $log-i "write") (memory $libc "mem")))"#,
    host: r#"(export "log" (func $log))"#,
    core_imports: r#"(import "host" "log" (func $log (param i32 i32 i32 i32 i32)))"#,
    realloc: BUMP,
    describe: DESCRIBE,
    run: WELL,
    post: None,
    core: "",
    pages: 2,
    component: "",
    options: "",
    realloc_of: "$libc",
};

/// The import of open files: `$open` (path, its size, where the answer goes), `$set-size` (handle, size, answer) and `$drop`.
pub(crate) const FILES: Text<'static> = Text {
    imports: r#"(import "customizer:step/rootfs@0.1.0" (instance $rootfs
        (alias outer 1 $host-failure (type $f))
        (export "failure" (type $failure (eq $f)))
        (export "file" (type $file (sub resource)))
        (type $borrowed (borrow $file))
        (type $owned (own $file))
        (export "open" (func (param "path" string) (result (result $owned (error $failure)))))
        (export "[method]file.set-size" (func (param "self" $borrowed) (param "size" u64)
            (result (result (error $failure)))))))
    (alias export $rootfs "file" (type $file))"#,
    lowered: r#"(core func $open (canon lower (func $rootfs "open") (memory $libc "mem") (realloc (func $libc "realloc"))))
    (core func $set-size (canon lower (func $rootfs "[method]file.set-size") (memory $libc "mem")
        (realloc (func $libc "realloc"))))
    (core func $drop (canon resource.drop $file))"#,
    host: r#"(export "open" (func $open)) (export "set-size" (func $set-size)) (export "drop" (func $drop))"#,
    core_imports: r#"(import "host" "open" (func $open (param i32 i32 i32)))
    (import "host" "set-size" (func $set-size (param i32 i64 i32)))
    (import "host" "drop" (func $drop (param i32)))"#,
    ..LOG
};

/// The import of the present, as `$now`.
pub(crate) const CONTEXT: Text<'static> = Text {
    imports: r#"(import "customizer:step/context@0.1.0" (instance $context
        (export "source-date-epoch" (func (result u64)))))"#,
    lowered: r#"(core func $now (canon lower (func $context "source-date-epoch")))"#,
    host: r#"(export "now" (func $now))"#,
    core_imports: r#"(import "host" "now" (func $now (result i64)))"#,
    ..LOG
};

/// The import of the artifacts' names, as `$names`: where the answer goes.
pub(crate) const ARTIFACTS: Text<'static> = Text {
    imports: r#"(import "customizer:step/artifacts@0.1.0" (instance $artifacts
        (export "names" (func (result (list string))))))"#,
    lowered: r#"(core func $names (canon lower (func $artifacts "names") (memory $libc "mem")
        (realloc (func $libc "realloc"))))"#,
    host: r#"(export "names" (func $names))"#,
    core_imports: r#"(import "host" "names" (func $names (param i32)))"#,
    ..LOG
};
