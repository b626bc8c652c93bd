//! Ending a step from outside, and steps beside each other.

use crate::scene::{Limits, STEP, Scene, assert_error, behaviour, component, new_sandbox};
use sandbox::{ErrorKind, Limit};
use std::time::{Duration, Instant};

#[test]
fn a_looping_step_is_cancelled_from_another_thread() {
    let scene = Scene::new();
    let step = scene.load("misbehave");
    let interrupter = scene.sandbox.interrupter();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            interrupter.cancel();
        });
        let result = scene.run_loaded(&step, &behaviour("loop"), Limits::default(), Default::default());
        assert_error(result, &ErrorKind::Cancelled, &["cancelled"]);
    });
    assert!(start.elapsed() < Duration::from_secs(60));
    let after = scene.run_loaded(&step, &behaviour("loop"), Limits::default(), Default::default());
    assert_error(after, &ErrorKind::Cancelled, &["cancelled"]);
    scene.host_is_untouched();
}

#[test]
fn a_step_in_an_endless_row_of_host_calls_is_cancelled() {
    let scene = Scene::new();
    let step = scene.load("misbehave");
    let interrupter = scene.sandbox.interrupter();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            interrupter.cancel();
        });
        let result = scene.run_loaded(
            &step,
            &behaviour("loop-over-host-calls"),
            Limits::default(),
            Default::default(),
        );
        assert_error(result, &ErrorKind::Cancelled, &["cancelled"]);
    });
}

#[test]
fn the_time_limit_of_one_step_does_not_end_another_in_the_same_sandbox() {
    let scene = Scene::new();
    let step = scene.load("misbehave");
    let within = |milliseconds| Limits { time: Duration::from_millis(milliseconds), ..Limits::default() };
    std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            let start = Instant::now();
            let result = scene.run_loaded(&step, &behaviour("loop"), within(1500), Default::default());
            (result, start.elapsed())
        });
        std::thread::sleep(Duration::from_millis(200));
        let short = scene.run_loaded(&step, &behaviour("loop"), within(200), Default::default());
        assert_error(short, &ErrorKind::LimitExceeded(Limit::Time), &["0.2 s"]);
        let (result, elapsed) = long.join().unwrap();
        assert_error(result, &ErrorKind::LimitExceeded(Limit::Time), &["1.5 s"]);
        assert!(elapsed >= Duration::from_millis(1500), "it ended after {elapsed:?}");
    });
}

#[test]
fn a_step_can_be_loaded_in_one_thread_and_run_in_another() {
    let sandbox = new_sandbox();
    let step = sandbox.load(STEP, &component("calls")).unwrap();
    std::thread::scope(|scope| scope.spawn(|| step.describe().unwrap()).join().unwrap());
}
