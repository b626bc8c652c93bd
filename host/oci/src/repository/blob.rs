//! Fetching contents: redirects are followed, and what comes is compared with what was promised.

use std::io::Write;

use super::Repository;
use crate::digest::Digesting;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Answer, Method, Request, Url};
use crate::manifest::Descriptor;

/// Registries lead to a store once, seldom twice.
const MOST_REDIRECTS: usize = 5;

impl Repository {
    /// Writes a content into `sink`. What was written counts only when this succeeds: the digest is known at the end.
    ///
    /// # Errors
    /// It is not there, is larger than `limit` bytes, cannot be had, or is another one.
    pub fn blob(&self, descriptor: &Descriptor, limit: u64, sink: &mut dyn Write) -> Result<()> {
        self.guarded(self.fetch_blob(descriptor, limit, sink))
    }

    /// A content in memory, which can be fetched once more when it was cut short.
    pub(crate) fn small_blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>> {
        self.guarded(self.until_it_passes(|| {
            let mut bytes = Vec::new();
            self.fetch_blob(descriptor, limit, &mut bytes).map(|()| bytes)
        }))
    }

    fn fetch_blob(&self, descriptor: &Descriptor, limit: u64, sink: &mut dyn Write) -> Result<()> {
        let Descriptor { digest, size, .. } = descriptor;
        if *size > limit {
            let message = format!("it has {size} bytes, and {limit} are taken at most");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let (url, answer) = self.follow(&self.url(&format!("blobs/{digest}"))?, *size)?;
        if answer.status() != 200 {
            return Err(self.refusal(
                &url,
                answer,
                &format!("content {digest} in `{}`", self.reference.repository),
            ));
        }
        let mut digesting = Digesting::new(sink);
        // One byte more than was promised is as wrong as a million.
        answer.copy(*size, &mut digesting).map_err(|cause| self.explain(&url, cause))?;
        match digesting.finish() {
            (found, count) if count == *size && found == *digest => Ok(()),
            (_, count) if count > *size => Err(mismatch(format!(
                "the content {digest} has more than the {size} bytes that it should have"
            ))),
            (_, count) if count < *size => {
                Err(mismatch(format!("the content {digest} has {count} bytes instead of {size}")))
            }
            (found, _) => Err(mismatch(format!(
                "the content has the digest {found}, not {digest}, which was asked for"
            ))),
        }
    }

    /// Asks for `url`, and for where the answer leads. Once that was out of the registry, nothing is shown any more: who leads
    /// back may be somebody else, and chooses the address.
    fn follow(&self, home: &Url, wanted: u64) -> Result<(Url, Answer)> {
        let (mut url, mut has_left) = (home.clone(), false);
        let request = Request { method: Method::Get, accept: "", wanted };
        for _ in 0..=MOST_REDIRECTS {
            has_left = has_left || !home.is_same_place(&url);
            let answer = if has_left { self.send(&url, request, None)? } else { self.ask(&url, request)? };
            if !matches!(answer.status(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, answer));
            }
            url = led_to(&url, &answer)?;
        }
        Err(Error::protocol(format!("`{}` leads elsewhere more than {MOST_REDIRECTS} times", url.place())))
    }
}

/// Where an answer leads.
pub(super) fn led_to(from: &Url, answer: &Answer) -> Result<Url> {
    let next = answer.header("location").and_then(|location| from.join(location));
    let next = next.ok_or_else(|| Error::protocol(format!("`{}` leads to no address", from.place())))?;
    if from.may_lead_to(&next) {
        return Ok(next);
    }
    Err(Error::protocol(format!("`{}` leads to `{}`, which is not as safe", from.place(), next.place())))
}

fn mismatch(message: String) -> Error {
    Error::new(ErrorKind::DigestMismatch, message)
        .hint_at("the registry, or somebody on the way, gives something else than what was stored")
}
