//! What a step asks of the host, line by line: written while it runs, and read back to run it again without the image.
//!
//! A trace is text: one JSON object a line. Each run of a step is a section: a [`Begin`](line::Begin) line with all that
//! the run depends on, a [`Call`](line::Call) line for each call in its order, an [`End`](line::End) line. Arguments
//! that are contents stand there as their digest. Results that are contents stand there in full, so that a
//! [replay](crate::LoadedStep::replay) can give them again. Of secrets, and of what artifacts hold, nothing stands there.
//!
//! Tracing sits in front of the contract's interfaces: a traced run is linked with [`Traced`] instead of the state
//! itself. A run without a trace pays nothing for it.

mod line;
mod reader;
mod replay;
mod sink;
mod tracer;
mod value;
mod wasi;

pub use line::{hex, sha256};
pub use reader::{Trace, TraceError, TracedRun};
pub use replay::{Difference, Replayed, compare};
pub use sink::TraceSink;

pub(crate) use line::{Begin, FORMAT, Limited, Outcome};
pub(crate) use replay::Replay;
pub(crate) use tracer::{Traced, Tracer, Tracing, traced};
pub(crate) use value::{
    Content, Handle, Recorded, Refusal, Secrecy, Traceable, bytes, digest, field, insert, mode, mode_back,
    names, record, text,
};
pub(crate) use wasi::add_to_linker as add_wasi;
