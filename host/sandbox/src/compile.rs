//! Compiling a component, with an end: whatever it holds, the host goes on.
//!
//! Two bounds stand in front of the compiler. [`proportion`] refuses what no compiler of programs makes: it reads the
//! component once, without validating it. What passes is compiled on a thread of its own, and the host waits for it for
//! a limited time. The compiler cannot be interrupted: what takes longer goes on until it is done or the process ends, and
//! other components wait behind it. A run that meets such a component fails, and its process ends.

use crate::error::{Error, ErrorKind, Result};
use crate::instances::Instances;
use crate::limits::Limit;
use crate::sandbox::{Interrupter, invalid};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use wasmparser::{Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;

/// How long a component may take to be compiled, unless something else is said. The largest language runtimes take
/// about 15 seconds of processor time.
pub(crate) const TIME: Duration = Duration::from_secs(120);

/// Bytes of code of one function. The largest one in the language runtimes that were looked at, the loop of Python's
/// interpreter, has 417 KiB. The compiler takes about 600 bytes of memory and 5 microseconds for each byte.
const LARGEST_FUNCTION: usize = 1 << 20;

/// From this size on a function counts as a large one, bytes. Functions are compiled at the same time, as many as there
/// are processors.
const LARGE_FUNCTION: usize = 128 << 10;

/// Bytes of code in all large functions together; Python has 610 KiB.
const LARGE_FUNCTIONS: usize = 4 << 20;

/// Functions in all modules of a component together; Python has 14,000.
const MOST_FUNCTIONS: u64 = 500_000;

/// Modules and components inside each other; JavaScript has 3.
const DEEPEST_NESTING: usize = 8;

/// Instances that a component makes of the modules and components in it, those that they make included. The compiler works
/// on each of them by itself, and a few components inside each other can make billions.
const MOST_INSTANCES: u64 = 10_000;

/// How often a waiting host looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Compiles `wasm` within `limit`.
pub(crate) fn compile(
    name: &str,
    engine: &Engine,
    wasm: &[u8],
    limit: Duration,
    interrupter: &Interrupter,
) -> Result<Component> {
    proportion(wasm).map_err(|reason| Error::new(ErrorKind::InvalidComponent, name, reason))?;
    let (give, take) = channel();
    let (engine, wasm) = (engine.clone(), wasm.to_vec());
    let host = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Host, name, error.to_string());
    std::thread::Builder::new()
        .name("step-compiler".to_owned())
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = give.send(Component::from_binary(&engine, &wasm));
        })
        .map_err(|error| host(&error))?;
    let start = Instant::now();
    loop {
        match take.recv_timeout(LOOK) {
            Ok(compiled) => return compiled.map_err(|error| invalid(name, error)),
            Err(RecvTimeoutError::Disconnected) => return Err(host(&"the compiler panicked")),
            Err(RecvTimeoutError::Timeout) if interrupter.is_cancelled() => {
                return Err(Error::new(ErrorKind::Cancelled, name, ""));
            }
            Err(RecvTimeoutError::Timeout) if start.elapsed() >= limit => {
                let message = format!("at most {} s", limit.as_secs_f64());
                return Err(Error::new(ErrorKind::LimitExceeded(Limit::Compiling), name, message).hint(
                    "a step of an ordinary size compiles within seconds; this one may not be meant well",
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Refuses a component whose parts are out of all proportion. What cannot be read passes: the compiler says why.
fn proportion(wasm: &[u8]) -> std::result::Result<(), String> {
    let (mut functions, mut depth, mut large) = (0_u64, 0_usize, 0_usize);
    let mut instances = Instances::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Ok(payload) = &payload
            && instances.count(payload) > MOST_INSTANCES
        {
            return Err(format!("it makes more than the {MOST_INSTANCES} instances accepted"));
        }
        match payload {
            Ok(Payload::CodeSectionStart { count, .. }) => functions += u64::from(count),
            Ok(Payload::CodeSectionEntry(body)) => {
                let bytes = body.range().end.saturating_sub(body.range().start);
                if bytes > LARGEST_FUNCTION {
                    let text = format!("one of its functions has {bytes} bytes of code");
                    return Err(format!("{text}, more than the {LARGEST_FUNCTION} accepted"));
                }
                large = large.saturating_add(if bytes > LARGE_FUNCTION { bytes } else { 0 });
                if large > LARGE_FUNCTIONS {
                    let text = format!("its functions of more than {LARGE_FUNCTION} bytes have together");
                    return Err(format!("{text} more than the {LARGE_FUNCTIONS} bytes accepted"));
                }
            }
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Err(_) => return Ok(()),
            _ => {}
        }
        if functions > MOST_FUNCTIONS {
            return Err(format!("it has more than the {MOST_FUNCTIONS} functions accepted"));
        }
        if depth > DEEPEST_NESTING {
            return Err(format!("its parts are nested more than the {DEEPEST_NESTING} deep accepted"));
        }
    }
    Ok(())
}
