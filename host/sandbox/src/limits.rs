//! What a step may use up (invariant I-4), and the part of it that wasmtime asks about.

use std::fmt;
use std::time::Duration;
use wasmtime::ResourceLimiter;

/// The limits of one run of a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of linear memory, over all memories of the component.
    pub memory: usize,
    /// Wall time from the start of the step to its end.
    pub time: Duration,
    /// Bytes of log messages. Standard output and standard error may hold as much each, at most 1 MiB.
    pub log: u64,
    /// Files held open at once.
    pub open_files: usize,
    /// Bytes that one call may carry in either direction.
    pub call: usize,
    /// Bytes written into the image.
    pub written: u64,
}

/// Which limit was exceeded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::time`].
    Time,
    /// 1 MiB of WebAssembly stack, the same for every step.
    Stack,
    /// [`Limits::log`].
    Log,
    /// [`Limits::open_files`].
    OpenFiles,
    /// [`Limits::call`].
    Call,
    /// [`Limits::written`].
    Written,
    /// The time to compile a component: see [`crate::Sandbox::with_compile_time`].
    Compiling,
}

/// Bytes of stack: every engine is made with it, as compiled code does not depend on it.
pub(crate) const STACK: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            time: Duration::from_secs(600),
            log: 4 << 20,
            open_files: 256,
            call: 32 << 20,
            written: 1 << 40,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory limit",
            Self::Time => "time limit",
            Self::Stack => "stack limit",
            Self::Log => "log limit",
            Self::OpenFiles => "limit of open files",
            Self::Call => "limit of bytes in one call",
            Self::Written => "limit of bytes written",
            Self::Compiling => "time limit of compiling",
        })
    }
}

/// A limit that a host call ran into: the error of the trap that ends the step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exceeded {
    pub(crate) limit: Limit,
    /// In the limit's own unit; milliseconds for [`Limit::Time`].
    pub(crate) maximum: u64,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} exceeded", self.limit, self.maximum)
    }
}

impl std::error::Error for Exceeded {}

/// Answers wasmtime's questions about growth, and remembers a refusal for the message.
pub(crate) struct Growth {
    memory: usize,
    used: usize,
    refused: bool,
}

/// Elements in one table.
const TABLE_ELEMENTS: usize = 100_000;

impl Growth {
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, used: 0, refused: false }
    }

    /// Whether memory was asked for that the limit refused.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            // Fails by the memory's own limit whatever is said here; nothing of it is used.
            return Ok(false);
        }
        let used = self.used.saturating_sub(current).saturating_add(desired);
        let granted = used <= self.memory;
        if granted {
            self.used = used;
        }
        self.refused |= !granted;
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        64
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_add_up_to_the_limit_and_no_further() {
        let mut growth = Growth::new(100);
        assert!(growth.memory_growing(0, 60, None).unwrap());
        assert!(growth.memory_growing(0, 40, None).unwrap());
        assert!(!growth.refused());
        assert!(!growth.memory_growing(40, 41, None).unwrap());
        assert!(growth.refused());
    }

    #[test]
    fn what_fails_by_the_memorys_own_maximum_counts_for_nothing() {
        let mut growth = Growth::new(100);
        for _ in 0..10 {
            assert!(!growth.memory_growing(0, 60, Some(50)).unwrap());
        }
        assert!(!growth.refused());
        assert!(growth.memory_growing(0, 100, None).unwrap());
    }
}
