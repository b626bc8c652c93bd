//! Every limit, and every way of ending badly: the error names step and limit, and the next step finds all in order.

use crate::scene::{Limits, Run, STEP, Scene, assert_error, behaviour, component};
use crate::wasm::{endless_start_module, memory_module, table_module, with_module};
use sandbox::{ErrorKind, Limit};
use std::time::{Duration, Instant};

/// Runs one behaviour of `misbehave` and checks how it ends, and that it ends soon.
#[track_caller]
fn check(name: &str, limits: Limits, kind: &ErrorKind, words: &[&str]) {
    let scene = Scene::new();
    let step = scene.load("misbehave");
    let start = Instant::now();
    let result = scene.run_loaded(&step, &behaviour(name), limits, Default::default());
    assert_error(result, kind, words);
    assert!(start.elapsed() < Duration::from_secs(60), "it took {:?}", start.elapsed());
    scene.all_is_well();
}

fn half_a_second() -> Limits {
    Limits { time: Duration::from_millis(500), ..Limits::default() }
}

const TIME: ErrorKind = ErrorKind::LimitExceeded(Limit::Time);
const MEMORY: ErrorKind = ErrorKind::LimitExceeded(Limit::Memory);
const LOG: ErrorKind = ErrorKind::LimitExceeded(Limit::Log);

#[test]
fn an_endless_loop_ends_with_the_time_limit() {
    check("loop", half_a_second(), &TIME, &["time limit", "0.5 s"]);
}

#[test]
fn an_endless_loop_of_host_calls_ends_with_the_time_limit() {
    check("loop-over-host-calls", half_a_second(), &TIME, &["time limit", "0.5 s"]);
}

#[test]
fn an_endless_loop_around_the_clock_ends_with_the_time_limit() {
    check("loop-over-clock", half_a_second(), &TIME, &["time limit", "0.5 s"]);
}

#[test]
fn an_hour_of_sleep_passes_at_once() {
    let scene = Scene::new();
    let report =
        scene.run(Run { limits: half_a_second(), ..Run::new("misbehave", &behaviour("sleep-an-hour")) });
    assert!(report.unwrap().elapsed < Duration::from_secs(60));
    scene.all_is_well();
}

#[test]
fn sleep_without_end_ends_with_the_time_limit() {
    check("sleep-forever", half_a_second(), &TIME, &["time limit"]);
}

#[test]
fn waiting_for_input_ends_at_once_with_none() {
    check("block-on-stdin", Limits::default(), &ErrorKind::StepFailed, &["read 0 bytes from standard input"]);
}

#[test]
fn memory_piece_by_piece_ends_with_the_memory_limit() {
    let limits = Limits { memory: 32 << 20, ..Limits::default() };
    check("allocate", limits, &MEMORY, &["memory limit", "33554432 bytes"]);
}

#[test]
fn memory_all_at_once_ends_with_the_memory_limit() {
    check("allocate-at-once", Limits::default(), &MEMORY, &["memory limit", "268435456 bytes"]);
}

#[test]
fn a_refused_request_that_was_got_over_is_not_blamed_for_a_later_panic() {
    check(
        "allocate-and-recover",
        Limits::default(),
        &ErrorKind::Trapped,
        &["panicked at", "for another reason"],
    );
}

#[test]
fn a_component_that_starts_too_large_ends_with_the_memory_limit() {
    let scene = Scene::new();
    assert_error(scene.run(Run::new("large-memory", "{}")), &MEMORY, &["memory limit"]);
    assert_error(scene.load("large-memory").describe(), &MEMORY, &["memory limit"]);
    scene.all_is_well();
}

#[test]
fn recursion_in_rust_ends_with_a_trap_that_hints_at_the_stack() {
    let scene = Scene::new();
    let error = scene.run(Run::new("misbehave", &behaviour("recurse-rust"))).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Trapped, "{error}");
    assert!(error.hint_text().unwrap().contains("stack overflow"), "{error}");
    assert_eq!(error.step(), STEP);
    scene.all_is_well();
}

#[test]
fn recursion_in_plain_frames_ends_with_the_stack_limit() {
    let kind = ErrorKind::LimitExceeded(Limit::Stack);
    check("recurse-plain", Limits::default(), &kind, &["stack limit", "1048576 bytes"]);
}

#[test]
fn a_flood_of_log_messages_ends_with_the_log_limit() {
    check("log-flood", Limits::default(), &LOG, &["log limit", "4194304 bytes"]);
}

#[test]
fn a_flood_of_empty_messages_ends_with_the_log_limit() {
    check("empty-log-flood", Limits::default(), &LOG, &["log limit"]);
}

#[test]
fn a_flood_of_standard_output_ends_with_the_log_limit() {
    check("stdout-flood", Limits::default(), &LOG, &["log limit"]);
    let little = Limits { log: 1 << 16, ..Limits::default() };
    check("stdout-flood", little, &LOG, &["log limit", "65536 bytes"]);
}

#[test]
fn a_flood_of_standard_error_ends_with_the_log_limit() {
    check("stderr-flood", Limits::default(), &LOG, &["log limit"]);
}

#[test]
fn a_flood_of_output_that_ignores_errors_ends_with_a_limit() {
    check("silent-flood", half_a_second(), &TIME, &["time limit"]);
}

#[test]
fn a_panic_is_shown_with_its_place() {
    check(
        "panic",
        Limits::default(),
        &ErrorKind::Trapped,
        &["panicked at", "misbehave/src/lib.rs:", "on purpose"],
    );
}

#[test]
fn a_panic_leaves_the_functions_that_led_to_it() {
    let scene = Scene::new();
    let error = scene.run(Run::new("misbehave", &behaviour("panic"))).unwrap_err();
    let functions: Vec<&str> = error.backtrace().iter().map(|frame| frame.function.as_str()).collect();
    let expected = ["<misbehave::Misbehave as step_sdk::Step>::run", "customizer:step/step@0.1.0#run"];
    assert_eq!(functions, expected, "{error}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.starts_with("inside of the step, innermost first:\n  0: <misbehave::"), "{cause}");
}

#[test]
fn a_failure_is_shown_with_its_message_and_without_control_characters() {
    let scene = Scene::new();
    let error = scene.run(Run::new("misbehave", &behaviour("fail"))).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::StepFailed);
    let text = error.to_string();
    assert!(text.contains("step `trouble` failed: the step does not like"), "{text}");
    assert!(!text.contains('\x1b'), "{text:?}");
    scene.all_is_well();
}

#[test]
fn a_failure_of_8_mib_is_cut() {
    let scene = Scene::new();
    let error = scene.run(Run::new("misbehave", &behaviour("fail-at-length"))).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::StepFailed);
    assert!(error.to_string().len() < 70_000, "{} bytes", error.to_string().len());
    scene.all_is_well();
}

#[test]
fn exit_is_a_failure_whatever_its_code() {
    check("exit", Limits::default(), &ErrorKind::Exited, &["called `exit`"]);
    check("exit-as-if-well", Limits::default(), &ErrorKind::Exited, &["called `exit`"]);
}

#[test]
fn a_wild_pointer_ends_the_step_alone() {
    check("wild-pointer", Limits::default(), &ErrorKind::Trapped, &["crashed"]);
}

#[test]
fn a_flood_of_open_files_ends_with_their_limit() {
    let kind = ErrorKind::LimitExceeded(Limit::OpenFiles);
    check("open-flood", Limits::default(), &kind, &["limit of open files", "256 files"]);
}

#[test]
fn a_file_left_open_is_closed_by_the_host() {
    let scene = Scene::new();
    let step = scene.load("misbehave");
    // More runs than files may be open at once: none of them may stay open.
    for _ in 0..300 {
        let limits = Limits { open_files: 1, ..Limits::default() };
        scene.run_loaded(&step, &behaviour("leave-open"), limits, Default::default()).unwrap();
    }
    assert_eq!(scene.read("/tmp/left-open"), "left");
    let first = scene.tree.lock().unwrap().open(rootfs::ImagePath::new("/etc/passwd")).unwrap();
    assert_eq!(first, rootfs::FileId(0));
    scene.tree.lock().unwrap().close(first).unwrap();
    scene.all_is_well();
}

#[test]
fn a_flood_of_other_handles_ends_with_a_limit() {
    check("pollable-flood", Limits::default(), &ErrorKind::LimitExceeded(Limit::OpenFiles), &["512 handles"]);
}

#[test]
fn a_call_that_carries_too_much_ends_with_the_limit_of_one_call() {
    let kind = ErrorKind::LimitExceeded(Limit::Call);
    check("huge-call", Limits::default(), &kind, &["bytes in one call", "33554432 bytes"]);
}

#[test]
fn a_flood_of_writes_ends_with_the_limit_of_bytes_written() {
    let kind = ErrorKind::LimitExceeded(Limit::Written);
    let limits = || Limits { written: 10 << 20, ..Limits::default() };
    check("write-flood", limits(), &kind, &["bytes written", "10485760 bytes"]);
    check("handle-write-flood", limits(), &kind, &["bytes written", "10485760 bytes"]);
}

#[test]
fn a_copy_ends_with_the_limit_of_bytes_written_and_not_after_it() {
    let scene = Scene::new();
    let path = rootfs::ImagePath::new::<str>;
    scene.tree.lock().unwrap().write(path("/full"), &vec![1; 6 << 20], &Default::default()).unwrap();
    let calls = crate::scene::settings(&[
        crate::scene::call("copy-tree", &["/full", "/one"]),
        crate::scene::call("copy-tree", &["/full", "/two"]),
    ]);
    let limits = Limits { written: 8 << 20, ..Limits::default() };
    let result = scene.run(Run { limits, ..Run::new("calls", &calls) });
    assert_error(result, &ErrorKind::LimitExceeded(Limit::Written), &["bytes written", "8388608 bytes"]);
    assert!(scene.exists("/one") && !scene.exists("/two"));
    scene.all_is_well();
}

#[test]
fn a_copy_without_end_ends_with_the_time_limit() {
    let scene = Scene::new();
    let copies = crate::scene::settings(&[crate::scene::call("copy-tree", &["/large", "/copy"])]);
    let settings = format!(r#"{},"rounds":1000000}}"#, copies.strip_suffix('}').unwrap());
    let result = scene.run(Run { limits: half_a_second(), ..Run::new("calls", &settings) });
    assert_error(result, &TIME, &["time limit", "0.5 s"]);
    scene.all_is_well();
}

#[test]
fn a_flood_of_new_files_ends_with_the_images_space_or_the_time_limit() {
    let scene = Scene::new();
    let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
    let error = scene.run(Run { limits, ..Run::new("misbehave", &behaviour("create-files")) }).unwrap_err();
    let text = error.to_string();
    assert!(*error.kind() == TIME || text.contains("no space left") && text.contains("/tmp/"), "{text}");
    scene.host_is_untouched();
}

#[test]
fn a_flood_of_randomness_ends_with_the_time_limit() {
    check("random-flood", half_a_second(), &TIME, &["time limit"]);
}

#[test]
fn a_huge_request_for_randomness_ends_the_step() {
    check("huge-random", Limits::default(), &ErrorKind::Trapped, &["18446744073709551615 random bytes"]);
}

#[test]
fn memories_beyond_the_limit_cannot_be_added_up() {
    let scene = Scene::new();
    let cases = [("one of 300 MiB", memory_module(4800), 1), ("five of 60 MiB", memory_module(960), 5)];
    for (what, module, instances) in cases {
        let step = scene.sandbox.load(STEP, &with_module(component("calls"), &module, instances)).unwrap();
        let error =
            scene.run_loaded(&step, r#"{"calls":[]}"#, Limits::default(), Default::default()).unwrap_err();
        assert_eq!(*error.kind(), MEMORY, "{what}: {error}");
    }
    scene.all_is_well();
}

#[test]
fn more_memories_tables_and_instances_than_a_step_needs_are_refused() {
    let scene = Scene::new();
    let cases = [
        ("20 memories", memory_module(1), 20),
        ("20 empty memories", memory_module(0), 20),
        ("70 tables", table_module(1), 70),
        ("a table of ten million", table_module(10_000_000), 1),
        ("900 instances", crate::wasm::MODULE.to_vec(), 900),
    ];
    for (what, module, instances) in cases {
        let step = scene.sandbox.load(STEP, &with_module(component("calls"), &module, instances)).unwrap();
        let error =
            scene.run_loaded(&step, r#"{"calls":[]}"#, Limits::default(), Default::default()).unwrap_err();
        println!("{what}: {error}");
        assert!(matches!(error.kind(), ErrorKind::Trapped | ErrorKind::LimitExceeded(_)), "{what}: {error}");
        assert!(error.to_string().contains("`trouble`"), "{what}: {error}");
    }
    scene.all_is_well();
}

#[test]
fn a_start_function_without_end_ends_with_the_time_limit() {
    let scene = Scene::new();
    let wasm = with_module(component("calls"), &endless_start_module(), 1);
    let step = scene.sandbox.load(STEP, &wasm).unwrap();
    let result = scene.run_loaded(&step, r#"{"calls":[]}"#, half_a_second(), Default::default());
    assert_error(result, &TIME, &["time limit"]);
    scene.all_is_well();
}
