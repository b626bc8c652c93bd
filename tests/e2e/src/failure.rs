//! The one error of the tests: what went wrong, and on which line.

use std::fmt;
use std::panic::Location;

/// The result of a test, or of a part of one.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Any error, with the place in the test where it came up.
pub struct Failure {
    text: String,
    place: &'static Location<'static>,
}

/// Makes a [`Failure`] from words.
#[track_caller]
pub fn failed(text: impl Into<String>) -> Failure {
    Failure { text: text.into(), place: Location::caller() }
}

impl<E: std::error::Error> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        failed(error.to_string())
    }
}

// A test that returns an error prints it with `Debug`.
impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_line_of_the_question_mark() {
        let fails = || -> Outcome<u32> { Ok("x".parse::<u32>()?) };
        let text = format!("{:?}", fails().unwrap_err());
        assert!(text.contains("failure.rs"), "{text}");
    }
}
