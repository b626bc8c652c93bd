//! Why a unit cannot be used. Callers tell some causes apart.

use step_sdk::{Failure, FailureCode};

/// Why a unit cannot be used.
#[derive(Debug)]
pub(crate) enum Problem {
    /// There is no such unit.
    Missing(String),
    /// The name is a link to a unit that does not exist.
    Dangling(String),
    /// A link that is not followed: one below `/etc` or `/run` where the call follows none, one to a unit of the same name
    /// elsewhere, or one of a chain without end.
    Linked(String),
    /// Anything else.
    Failed(Failure),
}

impl Problem {
    /// A cause that nobody tells apart.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Failed(Failure::other(message))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Missing(unit) => {
                Self::new(FailureCode::NotFound, format!("unit `{unit}` does not exist in the image"))
            }
            Problem::Dangling(unit) => Self::new(
                FailureCode::NotFound,
                format!("unit `{unit}` is a link to a unit that does not exist"),
            ),
            Problem::Linked(unit) => Self::other(format!(
                "unit `{unit}` is a link that is not followed; name the unit it stands for"
            )),
            Problem::Failed(failure) => failure,
        }
    }
}
