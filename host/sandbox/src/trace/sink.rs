//! Where traces go.

use super::line::{Answer, Begin, Call, End, LONGEST_LINE};
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes the trace of one run after the other; clones write to the same place. Runs that go on at the same time need
/// a sink each, as their lines would mix.
#[derive(Clone)]
pub struct TraceSink(Arc<Mutex<Writer>>);

struct Writer {
    out: BufWriter<Box<dyn Write + Send>>,
    /// After the first failure nothing more is written.
    failed: Option<io::Error>,
}

impl TraceSink {
    /// A sink in front of `out`, which should be a file that only its owner can read: a trace holds what the step read
    /// in the image.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Writer { out: BufWriter::new(Box::new(out)), failed: None })))
    }

    /// Writes back what is held in memory.
    ///
    /// # Errors
    /// The first one since the sink was made, or since the last call of this.
    pub fn finish(&self) -> io::Result<()> {
        let mut writer = self.writer();
        writer.attempt(|out| out.flush());
        writer.failed.take().map_or(Ok(()), Err)
    }

    pub(crate) fn begin(&self, begin: &Begin) {
        self.writer().line(begin);
    }

    pub(crate) fn call(&self, mut call: Call) {
        match serde_json::to_vec(&call) {
            Ok(line) if line.len() as u64 >= LONGEST_LINE => {
                // Arguments are short: long ones are digests.
                call.answer = Answer::LeftOut(line.len() as u64);
                self.writer().line(&call);
            }
            Ok(line) => self.writer().bytes(line),
            Err(error) => self.writer().attempt(|_| Err(error.into())),
        }
    }

    /// What was written of this run survives the end of the program from here on.
    pub(crate) fn end(&self, end: &End) {
        let mut writer = self.writer();
        writer.line(end);
        writer.attempt(|out| out.flush());
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn line(&mut self, line: &impl Serialize) {
        match serde_json::to_vec(line) {
            Ok(line) if line.len() as u64 >= LONGEST_LINE => {
                let text = format!("a line of the trace would have {} bytes", line.len());
                self.attempt(|_| Err(io::Error::new(io::ErrorKind::FileTooLarge, text)));
            }
            Ok(line) => self.bytes(line),
            Err(error) => self.attempt(|_| Err(error.into())),
        }
    }

    fn bytes(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        self.attempt(|out| out.write_all(&line));
    }

    fn attempt(&mut self, act: impl FnOnce(&mut BufWriter<Box<dyn Write + Send>>) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = act(&mut self.out).err();
        }
    }
}

impl fmt::Debug for TraceSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceSink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::line::Time;
    use serde_json::{Value, json};

    /// Takes a few bytes, then is full.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let taken = data.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Keeps what it is given.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(data);
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn call(result: Value) -> Call {
        Call {
            call: "rootfs.read".into(),
            arguments: json!({ "path": "/a" }),
            answer: Answer::Result(result),
            time: Time::default(),
        }
    }

    #[test]
    fn a_full_disk_is_told_once_at_the_end() {
        let sink = TraceSink::new(Small(100));
        for _ in 0..1000 {
            sink.clone().call(call(Value::Null));
        }
        assert_eq!(sink.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn an_answer_that_no_reader_would_take_is_left_out() {
        let kept = Kept::default();
        let sink = TraceSink::new(kept.clone());
        sink.call(call("x".repeat(40 << 20).into()));
        sink.finish().unwrap();
        let line = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(line.len() < 200 && line.contains("\"left-out\":41943"), "{line}");
    }
}
