//! Asking again: few times, after short waits, and only what may be asked twice.

use std::time::Duration;

use super::Repository;
use crate::error::{Error, Result};
use crate::http::{Answer, Request, Url};

/// Requests that are sent at most.
const ATTEMPTS: u32 = 3;
/// The wait after the first failure; each further one takes twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// However long a registry asks us to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Repository {
    /// Sends a request, and once more where that may help.
    pub(super) fn send(
        &self,
        url: &Url,
        request: Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Answer> {
        let attempts = if request.method.may_be_repeated() { ATTEMPTS } else { 1 };
        let mut attempt = 1;
        loop {
            let sent = self.http.send(url, request, authorization);
            let wait = match &sent {
                Ok(answer) if is_busy(answer.status()) => wait(attempt, answer.header("retry-after")),
                Err(cause) if cause.may_pass() => wait(attempt, None),
                _ => None,
            };
            match wait.filter(|_| attempt < attempts) {
                Some(wait) => (self.pause)(wait),
                None => return sent.map_err(|cause| self.explain(url, cause)),
            }
            attempt += 1;
        }
    }

    /// Fetches, and once more where what came was cut short.
    pub(super) fn until_it_passes<T>(&self, mut fetch: impl FnMut() -> Result<T>) -> Result<T> {
        let mut attempt = 1;
        loop {
            let fetched = fetch();
            let again = attempt < ATTEMPTS && fetched.as_ref().is_err_and(Error::may_pass);
            match wait(attempt, None).filter(|_| again) {
                Some(wait) => (self.pause)(wait),
                None => return fetched,
            }
            attempt += 1;
        }
    }
}

/// Statuses of a server that may answer soon.
fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// `Retry-After` in seconds, where it is that; a date is taken for no wish.
fn wait(attempt: u32, retry_after: Option<&str>) -> Option<Duration> {
    let wished = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let own = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    Some(wished.unwrap_or(own).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_have_an_end() {
        for (attempt, header, expected) in [
            (1, None, 300),
            (2, None, 600),
            (1, Some("2"), 2000),
            (1, Some("0"), 0),
            (1, Some("99999999"), 10_000),
            (1, Some("-1"), 300),
            (1, Some("Fri, 31 Dec 1999 23:59:59 GMT"), 300),
            (40, None, 10_000),
        ] {
            assert_eq!(wait(attempt, header), Some(Duration::from_millis(expected)), "{attempt} {header:?}");
        }
    }
}
