//! Components that are meant to keep the compiler busy.

use crate::scene::{STEP, assert_error, component, new_sandbox};
use crate::wasm::{COMPONENT, MODULE, raw_section};
use sandbox::{ErrorKind, Limit, Sandbox};
use std::time::{Duration, Instant};

const INVALID: ErrorKind = ErrorKind::InvalidComponent;

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A component that holds `module`.
fn around(module: &[u8]) -> Vec<u8> {
    let mut component = COMPONENT.to_vec();
    raw_section(&mut component, 1, module);
    component
}

/// A module of `count` functions of the type `i32 -> i32`, each with `locals` more locals and the code `body`.
fn functions(count: usize, locals: usize, body: &[u8]) -> Vec<u8> {
    let mut code = vec![1];
    code.extend(number(locals));
    code.push(0x7f);
    code.extend_from_slice(body);
    code.push(0x0b);
    let mut module = MODULE.to_vec();
    raw_section(&mut module, 1, &[1, 0x60, 1, 0x7f, 1, 0x7f]);
    raw_section(&mut module, 3, &[number(count), vec![0; count]].concat());
    let one = [number(code.len()), code].concat();
    let mut all = number(count);
    for _ in 0..count {
        all.extend_from_slice(&one);
    }
    raw_section(&mut module, 10, &all);
    module
}

/// About `bytes` of code in the shape of `name`.
fn body(name: &str, bytes: usize) -> Vec<u8> {
    let mut body = Vec::new();
    match name {
        // local.get 0, i32.const 1, i32.add, local.set 0
        "straight" => {
            while body.len() < bytes {
                body.extend([0x20, 0, 0x41, 1, 0x6a, 0x21, 0]);
            }
        }
        // local.get 0, call 0, local.set 0
        "calls" => {
            while body.len() < bytes {
                body.extend([0x20, 0, 0x10, 0, 0x21, 0]);
            }
        }
        // 1,000 blocks inside each other, each left by a condition to one far out
        "blocks" => {
            while body.len() < bytes {
                body.extend([0x02, 0x40].repeat(1000));
                for depth in 0..1000_usize {
                    body.extend([0x20, 0, 0x0d]);
                    body.extend(number((depth * 7919) % (1000 - depth)));
                    body.push(0x0b);
                }
            }
        }
        // Every local is read and written in an endless number of loops.
        "locals" => {
            let mut local = 1;
            while body.len() < bytes {
                body.extend([0x03, 0x40, 0x20]);
                body.extend(number(local));
                body.extend([0x20, 0, 0x6a, 0x22]);
                local = (local * 31 + 7) % 2000 + 1;
                body.extend(number(local));
                body.extend([0x0d, 0, 0x0b]);
            }
        }
        // Tables of jumps to 200 places.
        "jumps" => {
            while body.len() < bytes {
                body.extend([0x02, 0x40].repeat(200));
                body.extend([0x20, 0, 0x0e]);
                body.extend(number(2000));
                for target in 0..=2000_usize {
                    body.extend(number((target * 7919) % 200));
                }
                for _ in 0..200 {
                    body.extend([0x20, 0, 0x41, 3, 0x6c, 0x21, 0, 0x0b]);
                }
            }
        }
        _ => panic!("no shape {name}"),
    }
    body.extend([0x20, 0]);
    body
}

#[test]
fn one_function_out_of_all_proportion_is_refused_before_it_is_compiled() {
    let start = Instant::now();
    let wasm = around(&functions(1, 1, &body("straight", 2 << 20)));
    let words = ["one of its functions has", "more than the 1048576 accepted"];
    assert_error(new_sandbox().load(STEP, &wasm).map(drop), &INVALID, &words);
    let many = around(&functions(20, 1, &body("straight", 256 << 10)));
    let words = ["functions of more than 131072 bytes", "more than the 4194304 bytes accepted"];
    assert_error(new_sandbox().load(STEP, &many).map(drop), &INVALID, &words);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn more_functions_than_any_program_has_are_refused_before_they_are_compiled() {
    let wasm = around(&functions(500_001, 0, &[0x20, 0]));
    assert_error(new_sandbox().load(STEP, &wasm).map(drop), &INVALID, &["more than the 500000 functions"]);
    // Over several modules, too.
    let half = functions(260_000, 0, &[0x20, 0]);
    let mut both = around(&half);
    raw_section(&mut both, 1, &half);
    assert_error(new_sandbox().load(STEP, &both).map(drop), &INVALID, &["more than the 500000 functions"]);
}

#[test]
fn components_inside_each_other_are_refused_from_a_depth_on() {
    let mut nested = COMPONENT.to_vec();
    for _ in 0..9 {
        let mut outer = COMPONENT.to_vec();
        raw_section(&mut outer, 4, &nested);
        nested = outer;
    }
    assert_error(new_sandbox().load(STEP, &nested).map(drop), &INVALID, &["nested more than the 8 deep"]);
    for _ in 0..10_000 {
        let mut outer = COMPONENT.to_vec();
        raw_section(&mut outer, 4, &nested);
        nested = outer;
    }
    assert_error(new_sandbox().load(STEP, &nested).map(drop), &INVALID, &["nested more than the 8 deep"]);
}

#[test]
fn compiling_ends_with_its_time_limit_and_can_be_cancelled() {
    let limit = Duration::from_millis(100);
    let sandbox = Sandbox::new(None).unwrap().with_compile_time(limit);
    // Seconds of work, not minutes: it goes on behind the limit, and other tests may share the process.
    let wasm = around(&functions(6, 1, &body("straight", 120 << 10)));
    let kind = ErrorKind::LimitExceeded(Limit::Compiling);
    let start = Instant::now();
    assert_error(sandbox.load(STEP, &wasm).map(drop), &kind, &["time limit of compiling", "at most 0.1 s"]);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    sandbox.interrupter().cancel();
    assert_error(sandbox.load(STEP, &wasm).map(drop), &ErrorKind::Cancelled, &[]);
    // What was compiled before is there at once.
    new_sandbox().load(STEP, &component("calls")).unwrap();
    new_sandbox().with_compile_time(Duration::ZERO).load(STEP, &component("calls")).unwrap();
}

#[test]
#[ignore = "measures"]
fn shapes_of_functions() {
    let sandbox = Sandbox::new(None).unwrap().with_compile_time(Duration::from_secs(600));
    for name in ["straight", "calls", "blocks", "locals", "jumps"] {
        for size in [16 << 10, 64 << 10, 256 << 10, 1 << 20] {
            let locals = if name == "locals" { 2000 } else { 1 };
            let wasm = around(&functions(1, locals, &body(name, size - 16000)));
            let start = Instant::now();
            let error = sandbox.load(STEP, &wasm).map(drop).unwrap_err();
            println!("{name} {} KiB: {:?} {}", wasm.len() >> 10, start.elapsed(), memory());
            assert_eq!(*error.kind(), ErrorKind::ContractMismatch, "{error}");
        }
    }
    let many = around(&functions(100_000, 1, &body("straight", 20)));
    let start = Instant::now();
    let _ = sandbox.load(STEP, &many);
    println!("100,000 functions: {:?} {}", start.elapsed(), memory());
}

/// The most memory that this process ever had.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
