//! One component for many kinds of trouble: its settings say which.
#![allow(unsafe_code, reason = "some trouble can only be made without the compiler's protection")]

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;
use step_sdk::component::bindings::customizer::step::{log, rootfs};
use step_sdk::{Failure, FailureCode, Host, Result, Step};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    behaviour: Behaviour,
}

/// What it does. Each has a row in the README and a host test.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Behaviour {
    Loop,
    LoopOverHostCalls,
    LoopOverClock,
    SleepAnHour,
    SleepForever,
    Allocate,
    AllocateAtOnce,
    AllocateAndRecover,
    RecurseRust,
    RecursePlain,
    LogFlood,
    EmptyLogFlood,
    LogFields,
    StdoutFlood,
    StderrFlood,
    SilentFlood,
    Panic,
    Fail,
    FailAtLength,
    Exit,
    ExitAsIfWell,
    WildPointer,
    OpenFlood,
    LeaveOpen,
    PollableFlood,
    HugeCall,
    WriteFlood,
    HandleWriteFlood,
    RandomFlood,
    HugeRandom,
    BlockOnStdin,
    CreateFiles,
}

struct Misbehave;

impl Step for Misbehave {
    type Settings = Settings;
    const NAME: &'static str = "misbehave";
    const SUMMARY: &'static str = "Does what a step must not do";
    const SETTINGS_SCHEMA: &'static str = r#"{"type": "object"}"#;

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        match settings.behaviour {
            Behaviour::Loop => spin(),
            Behaviour::LoopOverHostCalls => loop {
                black_box(host.stat("/etc/passwd")?);
            },
            Behaviour::LoopOverClock => loop {
                black_box(std::time::Instant::now());
            },
            Behaviour::SleepAnHour => std::thread::sleep(Duration::from_secs(3600)),
            Behaviour::SleepForever => loop {
                std::thread::sleep(Duration::MAX);
            },
            Behaviour::Allocate => allocate(),
            Behaviour::AllocateAtOnce => {
                black_box(vec![1_u8; 1 << 30]);
            }
            Behaviour::AllocateAndRecover => allocate_and_recover(),
            Behaviour::RecurseRust => {
                black_box(descend([0; 16]));
            }
            Behaviour::RecursePlain => {
                black_box(descend_plainly(black_box(1)));
            }
            Behaviour::LogFlood => loop {
                log::write(log::Level::Info, &"flood ".repeat(100), &[]);
            },
            Behaviour::EmptyLogFlood => loop {
                log::write(log::Level::Trace, "", &[]);
            },
            Behaviour::LogFields => {
                let fields = vec![("name".to_owned(), "\u{1}".repeat(16_000)); 1500];
                log::write(log::Level::Trace, "many", &fields);
            }
            Behaviour::StdoutFlood => loop {
                println!("{}", "flood ".repeat(100));
            },
            Behaviour::StderrFlood => loop {
                eprintln!("{}", "flood ".repeat(100));
            },
            Behaviour::SilentFlood => loop {
                let _ = std::io::stdout().write_all(b"flood\n");
                let _ = std::io::stdout().flush();
            },
            Behaviour::Panic => panic!("on purpose"),
            Behaviour::Fail => {
                return Err(Failure::new(
                    FailureCode::InvalidArgument,
                    "the step does not like \x1b[31mthis",
                ));
            }
            Behaviour::FailAtLength => return Err(Failure::other("x".repeat(8 << 20))),
            Behaviour::Exit => std::process::exit(3),
            Behaviour::ExitAsIfWell => std::process::exit(0),
            Behaviour::WildPointer => wild_pointer(),
            Behaviour::OpenFlood => open_flood(),
            Behaviour::LeaveOpen => leave_open(),
            Behaviour::PollableFlood => pollable_flood(),
            Behaviour::HugeCall => {
                // One call carries more than the limit, though the memory has room for it.
                host.write("/tmp/huge", &vec![1; 64 << 20], &Default::default())?;
            }
            Behaviour::WriteFlood => loop {
                host.write("/tmp/flood", &[1; 1 << 16], &Default::default())?;
            },
            Behaviour::HandleWriteFlood => {
                let file = create("/tmp/flood")?;
                loop {
                    file.write_at(0, &[1; 1 << 16]).map_err(theirs)?;
                }
            }
            Behaviour::RandomFlood => loop {
                host.random(&mut [0; 4096]);
            },
            Behaviour::HugeRandom => huge_random(),
            Behaviour::BlockOnStdin => {
                let mut text = String::new();
                let read = std::io::stdin()
                    .read_line(&mut text)
                    .map_err(|error| Failure::other(error.to_string()))?;
                return Err(Failure::other(format!("read {read} bytes from standard input")));
            }
            Behaviour::CreateFiles => {
                for number in 0.. {
                    host.write(&format!("/tmp/{number}"), b"", &Default::default())?;
                }
            }
        }
        Ok(())
    }
}

step_sdk::export_step!(Misbehave);

fn spin() {
    let mut round = 0_u64;
    loop {
        round = black_box(round.wrapping_add(1));
    }
}

fn allocate() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Asks for too much, gets along without it, and fails for another reason afterwards.
fn allocate_and_recover() {
    let mut wanted: Vec<u8> = Vec::new();
    assert!(wanted.try_reserve_exact(1 << 30).is_err(), "a GiB was granted");
    panic!("for another reason");
}

/// Its frames take memory of the component: they end at the bottom of its own stack there.
#[inline(never)]
#[expect(unconditional_recursion, reason = "that is the trouble")]
fn descend(mut frame: [u64; 16]) -> u64 {
    frame[0] = frame[0].wrapping_add(1);
    black_box(descend(black_box(frame))).wrapping_add(frame[0])
}

/// Its frames hold nothing in memory: they end with the stack that the host gives.
#[inline(never)]
fn descend_plainly(depth: u64) -> u64 {
    if depth == 0 { 0 } else { descend_plainly(depth.wrapping_add(2) | 1).wrapping_mul(3) ^ depth }
}

fn wild_pointer() {
    // SAFETY: none; the address lies far outside of the component's memory.
    unsafe { std::ptr::write_volatile(0xfff0_0000_usize as *mut u8, 1) };
}

fn open_flood() {
    let mut kept = Vec::new();
    while let Ok(file) = rootfs::open("/etc/passwd") {
        kept.push(file);
    }
}

/// Ends with a file open, which it wrote to.
fn leave_open() {
    let file = create("/tmp/left-open").unwrap_or_else(|failure| panic!("{failure}"));
    file.write_at(0, b"left").unwrap_or_else(|failure| panic!("{failure:?}"));
    std::mem::forget(file);
}

fn create(path: &str) -> Result<rootfs::File> {
    let options = rootfs::WriteOptions {
        existing: rootfs::Existing::Replace,
        mode: None,
        owner: None,
        replace_symlink: false,
        parents: false,
    };
    rootfs::create(path, options).map_err(theirs)
}

fn theirs(failure: step_sdk::component::WitFailure) -> Failure {
    Failure::other(failure.message)
}

/// Resources of WASI that are never given back.
fn pollable_flood() {
    loop {
        // SAFETY: matches the signature of the interface; the handle is never used.
        black_box(unsafe { subscribe_duration(0) });
    }
}

fn huge_random() {
    let mut buffer: Vec<u8> = Vec::with_capacity(8);
    // SAFETY: the host must end the component before it writes anything.
    unsafe { get_random_bytes(u64::MAX, buffer.as_mut_ptr()) };
}

#[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.6")]
unsafe extern "C" {
    #[link_name = "subscribe-duration"]
    fn subscribe_duration(nanoseconds: u64) -> i32;
}

#[link(wasm_import_module = "wasi:random/random@0.2.6")]
unsafe extern "C" {
    #[link_name = "get-random-bytes"]
    fn get_random_bytes(len: u64, answer: *mut u8);
}
