//! A panic is a bug of this program: it is reported in one line, and ends the run like a failure.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use crate::log::escape::escape_line;

/// Replaces the standard report of a panic, which is meant for developers, by a short one.
pub(crate) fn report_panics() {
    panic::set_hook(Box::new(|info| {
        let _ = writeln!(std::io::stderr(), "{}", report(info));
    }));
}

/// Runs `action`; `None` when it panicked.
pub(crate) fn catch<T>(action: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves half done is not used again: the process ends.
    panic::catch_unwind(AssertUnwindSafe(action)).ok()
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let reason = info.payload_as_str().unwrap_or("no reason given");
    let place = info.location().map(|location| format!(" at {}:{}", location.file(), location.line()));
    let text = format!("panicked{}: {reason}", place.unwrap_or_default());
    format!("imagecustomizer: bug: {}; please report it with the log of this run", escape_line(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_action_and_nothing_else() {
        assert_eq!(catch(|| 1), Some(1));
        assert_eq!(catch(|| -> i32 { panic!("on purpose") }), None);
    }
}
