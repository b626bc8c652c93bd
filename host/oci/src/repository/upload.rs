//! Storing contents and manifests.

use super::blob::led_to;
use super::{Repository, check_digest};
use crate::digest::Digest;
use crate::error::Result;
use crate::http::{Method, Request};
use crate::manifest::Descriptor;

impl Repository {
    /// Stores a content, unless it is there.
    ///
    /// # Errors
    /// The registry does not take it, or cannot be reached.
    pub fn store_blob(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<()> {
        self.guarded(self.upload_blob(descriptor, bytes))
    }

    fn upload_blob(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<()> {
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let there = self.ask(&url, asked(Method::Head))?;
        if there.status() == 200 {
            return Ok(());
        }
        let url = self.url("blobs/uploads/")?;
        let begun = self.ask(&url, asked(Method::Post(&[], OCTETS)))?;
        if begun.status() != 202 {
            return Err(self.refusal(&url, begun, &format!("place for `{}`", self.reference)));
        }
        let place = led_to(&url, &begun)?.with_query("digest", &descriptor.digest.to_string());
        let stored = self.ask(&place, asked(Method::Put(bytes, OCTETS)))?;
        match stored.status() {
            201 | 204 => Ok(()),
            _ => Err(self.refusal(&place, stored, &format!("upload for `{}` any more", self.reference))),
        }
    }

    /// Stores a manifest under a tag or its digest.
    ///
    /// # Errors
    /// The registry does not take it, stores another one, or cannot be reached.
    pub fn store_manifest(&self, selector: &str, media_type: &str, bytes: &[u8]) -> Result<Digest> {
        self.guarded(self.upload_manifest(selector, media_type, bytes))
    }

    fn upload_manifest(&self, selector: &str, media_type: &str, bytes: &[u8]) -> Result<Digest> {
        let url = self.url(&format!("manifests/{selector}"))?;
        let stored = self.ask(&url, asked(Method::Put(bytes, media_type)))?;
        if stored.status() != 201 {
            return Err(self.refusal(&url, stored, &format!("place for `{}`", self.reference)));
        }
        let digest = Digest::of(bytes);
        check_digest(&digest, selector, stored.header("docker-content-digest"))?;
        Ok(digest)
    }
}

/// Only an error has a body that is read.
fn asked(method: Method<'_>) -> Request<'_> {
    Request { method, accept: "", wanted: 0 }
}

const OCTETS: &str = "application/octet-stream";
