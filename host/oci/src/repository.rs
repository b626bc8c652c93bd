//! A repository of a registry, and what may be done there.

mod authorization;
mod blob;
mod retry;
mod upload;

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::CredentialFiles;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Answer, Cause, Method, Request, SharedHttp, Url, is_no_tls, read_bounded};
use crate::manifest::{json, media_type};
use crate::reference::Reference;
use crate::shown::Secrets;

/// The largest manifest that registries have to take.
const LARGEST_MANIFEST: u64 = 4 << 20;
/// An error says what is wrong in a few words.
const LARGEST_ERROR: u64 = 16 << 10;
/// All kinds of manifests, so that a wrong one can be told from none.
const MANIFESTS: [&str; 4] =
    [media_type::MANIFEST, media_type::INDEX, media_type::DOCKER_MANIFEST, media_type::DOCKER_LIST];

/// What is going to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Fetching.
    Pull,
    /// Fetching and storing.
    Push,
}

impl Access {
    /// As token servers call it.
    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// A manifest as it was found.
#[derive(Clone, Debug)]
pub struct FoundManifest {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// The media type that it came with.
    pub media_type: Option<String>,
}

/// A way to wait; tests do not.
pub(crate) type Pause = Arc<dyn Fn(Duration) + Send + Sync>;

/// A repository, not asked for anything yet.
pub struct Repository {
    http: SharedHttp,
    files: CredentialFiles,
    pause: Pause,
    reference: Reference,
    access: Access,
    /// Whether the registry speaks TLS; found out before the first request.
    secure: OnceCell<bool>,
    /// The header's value that the registry took last.
    authorization: RefCell<Option<String>>,
    secrets: RefCell<Secrets>,
}

impl Repository {
    pub(crate) fn new(
        http: SharedHttp,
        files: CredentialFiles,
        pause: Pause,
        reference: &Reference,
        access: Access,
    ) -> Self {
        let reference = reference.clone();
        let (secure, authorization, secrets) = (OnceCell::new(), RefCell::default(), RefCell::default());
        Self { http, files, pause, reference, access, secure, authorization, secrets }
    }

    /// The failure without secrets that the registry may have given back.
    pub(crate) fn guarded<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.reworded(|text| self.secrets.borrow().hidden(text)))
    }

    /// The manifest with this tag or digest; a digest is compared.
    ///
    /// # Errors
    /// It is not there, cannot be had, or is another one.
    pub fn manifest(&self, selector: &str) -> Result<FoundManifest> {
        self.guarded(self.until_it_passes(|| self.fetch_manifest(selector)))
    }

    fn fetch_manifest(&self, selector: &str) -> Result<FoundManifest> {
        let url = self.url(&format!("manifests/{selector}"))?;
        let accept = MANIFESTS.join(", ");
        let request = Request { method: Method::Get, accept: &accept, wanted: LARGEST_MANIFEST };
        let answer = self.ask(&url, request)?;
        if answer.status() != 200 {
            return Err(self.refusal(&url, answer, &format!("`{}`", self.reference)));
        }
        let media_type = answer.header("content-type").map(str::to_owned);
        let said = answer.header("docker-content-digest").map(str::to_owned);
        let bytes = read_bounded(answer, LARGEST_MANIFEST).map_err(|cause| self.explain(&url, cause))?;
        let digest = Digest::of(&bytes);
        check_digest(&digest, selector, said.as_deref())?;
        Ok(FoundManifest { bytes, digest, media_type })
    }

    /// An address below the repository's own.
    fn url(&self, path: &str) -> Result<Url> {
        let path = format!("/v2/{}/{path}", self.reference.repository);
        Ok(Url::of(&self.reference.registry, self.is_secure()?, &path))
    }

    /// Beyond this machine there is TLS. On it, a registry may do without: one that does not understand TLS is asked in
    /// the open.
    fn is_secure(&self) -> Result<bool> {
        if let Some(secure) = self.secure.get() {
            return Ok(*secure);
        }
        let secure = !self.reference.registry.is_loopback() || self.speaks_tls()?;
        Ok(*self.secure.get_or_init(|| secure))
    }

    fn speaks_tls(&self) -> Result<bool> {
        let url = Url::of(&self.reference.registry, true, "/v2/");
        let request = Request { method: Method::Get, accept: "", wanted: 0 };
        match self.http.send(&url, request, None) {
            Ok(_) => Ok(true),
            Err(cause) if is_no_tls(&cause) => Ok(false),
            Err(cause) => Err(self.explain(&url, cause)),
        }
    }

    fn explain(&self, url: &Url, cause: Cause) -> Error {
        cause.explain(&url.place(), url.host())
    }

    /// What an answer means that is not the one that was hoped for. `what` was asked for.
    fn refusal(&self, url: &Url, answer: Answer, what: &str) -> Error {
        let (status, place) = (answer.status(), url.place());
        // What cannot be read says nothing.
        let body = read_bounded(answer, LARGEST_ERROR).unwrap_or_default();
        let said = self.secrets.borrow().shown(&registry_error(&body).unwrap_or_default());
        let because = if said.is_empty() { String::new() } else { format!(": {said}") };
        match status {
            401 if self.is_elsewhere(url) => self.unauthorized_elsewhere(&place, &because),
            401 => self.unauthorized(&because),
            403 => Error::new(ErrorKind::Denied, format!("`{place}` refuses this{because}"))
                .hint_at("ask whoever runs the registry for the right to do it"),
            404 => Error::new(ErrorKind::NotFound, format!("there is no {what}{because}"))
                .hint_at("correct the reference, or push it with `imagecustomizer step push`"),
            300..=399 => {
                Error::protocol(format!("`{place}` leads elsewhere ({status}), where nobody follows"))
            }
            _ => Error::new(ErrorKind::Registry, format!("`{place}` answers with status {status}{because}")),
        }
    }

    fn is_elsewhere(&self, url: &Url) -> bool {
        !self.url("").is_ok_and(|home| home.is_same_place(url))
    }

    /// Nothing that somebody could log in with would be sent there.
    fn unauthorized_elsewhere(&self, place: &str, because: &str) -> Error {
        let registry = &self.reference.registry;
        let message = format!("`{place}`, where `{registry}` leads, does not let us in{because}");
        Error::new(ErrorKind::Unauthorized, message)
            .hint_at("try once more, or ask whoever runs the registry: its credentials are sent nowhere else")
    }

    fn unauthorized(&self, because: &str) -> Error {
        let registry = &self.reference.registry;
        let message = format!("`{registry}` does not let us in{because}");
        let hint = format!(
            "log in with `docker login {registry}`; credentials are looked for in {}",
            self.files.places()
        );
        Error::new(ErrorKind::Unauthorized, message).hint_at(hint)
    }
}

/// What was fetched is what was asked for, and what the registry says it is.
fn check_digest(found: &Digest, selector: &str, said: Option<&str>) -> Result<()> {
    let wanted = selector.starts_with("sha256:").then_some(selector);
    // A registry may keep other digests beside ours, which decides.
    let said = said.filter(|said| said.starts_with("sha256:"));
    for (wanted, whose) in [(wanted, "asked for"), (said, "announced by the registry")] {
        if let Some(wanted) = wanted.filter(|wanted| **wanted != found.to_string()) {
            let message = format!(
                "the manifest has the digest {found}, not {}, which was {whose}",
                crate::shown::shown(wanted)
            );
            return Err(Error::new(ErrorKind::DigestMismatch, message)
                .hint_at("the registry, or somebody on the way, gives something else than what was stored"));
        }
    }
    Ok(())
}

/// The first error in the body of an answer, as the specification has it.
fn registry_error(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<Details>,
    }
    #[derive(serde::Deserialize)]
    struct Details {
        code: Option<String>,
        message: Option<String>,
    }
    let errors: Errors = json(body).ok()?;
    let Details { code, message } = errors.errors.into_iter().next()?;
    Some([code, message].into_iter().flatten().collect::<Vec<_>>().join(": "))
}
