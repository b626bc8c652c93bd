//! The head of an answer, and its body as far as somebody wants it.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::Response;

use super::Cause;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// How long the body of an answer may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// For a small document as a whole; what follows comes on top for large ones.
    pub(crate) least: Duration,
    /// Bytes a second that a body has to come with at least.
    pub(crate) slowest: u64,
}

impl Patience {
    pub(super) const USUAL: Self = Self { least: Duration::from_secs(60), slowest: 64 << 10 };

    /// For a body of `size` bytes.
    pub(super) fn for_bytes(self, size: u64) -> Duration {
        self.least.saturating_add(Duration::from_secs(size.checked_div(self.slowest).unwrap_or_default()))
    }
}

/// An answer whose body was not read yet.
pub(crate) struct Answer {
    response: Response<Body>,
    patience: Patience,
}

impl Answer {
    pub(super) fn new(response: Response<Body>, patience: Patience) -> Self {
        Self { response, patience }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The first value of a header, where it is plain text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// All values of a header that are plain text.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let values = self.response.headers().get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    }

    /// Copies the body into `sink`, at most `limit` bytes and one more, which tells that there would be more.
    pub(crate) fn copy(self, limit: u64, sink: &mut dyn Write) -> Result<u64, Cause> {
        let body = self.response.into_body().into_reader().take(limit.saturating_add(1));
        let end = Instant::now().checked_add(self.patience.for_bytes(limit));
        copy(body, end, sink)
    }
}

fn copy(mut body: impl Read, end: Option<Instant>, sink: &mut dyn Write) -> Result<u64, Cause> {
    let mut chunk = vec![0; CHUNK];
    let mut count = 0_u64;
    loop {
        // A single read ends with the time of the request.
        if end.is_some_and(|end| Instant::now() > end) {
            return Err(Cause::TooSlow);
        }
        match body.read(&mut chunk) {
            Ok(0) => return Ok(count),
            Ok(read) => {
                sink.write_all(chunk.get(..read).unwrap_or_default()).map_err(Cause::Sink)?;
                count = count.saturating_add(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Cause::of_body(error)),
        }
    }
}

/// The body, if it has at most `limit` bytes.
pub(crate) fn read_bounded(answer: Answer, limit: u64) -> Result<Vec<u8>, Cause> {
    let mut bytes = Vec::new();
    let count = answer.copy(limit, &mut bytes)?;
    if count > limit { Err(Cause::TooLarge(limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, without end.
    struct Drip;

    impl Read for Drip {
        fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(1));
            chunk[0] = b'x';
            Ok(1)
        }
    }

    #[test]
    fn a_body_that_drips_is_given_up() {
        let end = Instant::now() + Duration::from_millis(50);
        assert!(matches!(copy(Drip, Some(end), &mut io::sink()), Err(Cause::TooSlow)));
    }
}
