//! Components, in and out of registries.

use std::sync::Arc;

use crate::blob_cache::BlobCache;
use crate::component::{Component, check_component, component_layer};
use crate::credentials::CredentialFiles;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Environment, Http, SharedHttp};
use crate::manifest::{Descriptor, Manifest, media_type};
use crate::reference::Reference;
use crate::repository::{Access, FoundManifest, Pause, Repository};

/// Talks to registries. Making one costs nothing: certificates and credentials are read when they are needed.
pub struct Client {
    http: SharedHttp,
    files: CredentialFiles,
    pause: Pause,
    cache: Option<BlobCache>,
}

/// A component that was fetched.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The binary.
    pub component: Vec<u8>,
    /// The digest of its manifest, which names it for ever.
    pub digest: Digest,
}

impl Client {
    /// A client in these surroundings.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self {
            http: Arc::new(Http::new(environment)),
            files: CredentialFiles::of(environment),
            pause: Arc::new(std::thread::sleep),
            cache: None,
        }
    }

    /// Keeps what is fetched by digest, and takes it from there.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<BlobCache>) -> Self {
        self.cache = cache;
        self
    }

    #[cfg(test)]
    pub(crate) fn with_patience(mut self, patience: crate::http::Patience) -> Self {
        self.http = Arc::new(Http::new(&Environment::default()).with_patience(patience));
        self
    }

    #[cfg(test)]
    pub(crate) fn with_pause(mut self, pause: Pause) -> Self {
        self.pause = pause;
        self
    }

    /// The repository of `reference`, which is asked for nothing yet.
    #[must_use]
    pub fn repository(&self, reference: &Reference, access: Access) -> Repository {
        Repository::new(
            Arc::clone(&self.http),
            self.files.clone(),
            Arc::clone(&self.pause),
            reference,
            access,
        )
    }

    /// Fetches a component of at most `limit` bytes.
    ///
    /// # Errors
    /// It is not there, is no component, cannot be had, or is not what was asked for.
    pub fn pull(&self, reference: &Reference, limit: u64) -> Result<Pulled> {
        let repository = self.repository(reference, Access::Pull);
        let found = self.manifest(&repository, reference)?;
        let manifest = repository.guarded(Manifest::parse(&found.bytes, found.media_type.as_deref()))?;
        let layer = repository.guarded(component_layer(&manifest))?;
        let component = self.layer(&repository, layer, limit)?;
        check_component(&component)?;
        // Only now is it known to be worth keeping.
        if let Some(cache) = &self.cache {
            cache.store(&origin(reference, &found.digest), &found.bytes);
            cache.store(&layer.digest, &component);
        }
        Ok(Pulled { component, digest: found.digest })
    }

    /// A manifest that is named by its digest need not be asked for twice.
    fn manifest(&self, repository: &Repository, reference: &Reference) -> Result<FoundManifest> {
        let kept = |digest: &Digest| self.cache.as_ref()?.load_as(&origin(reference, digest), digest);
        match reference.digest.as_ref().and_then(|digest| Some((digest, kept(digest)?))) {
            Some((digest, bytes)) => Ok(FoundManifest { bytes, digest: digest.clone(), media_type: None }),
            None => repository.manifest(&reference.selector()?),
        }
    }

    fn layer(&self, repository: &Repository, layer: &Descriptor, limit: u64) -> Result<Vec<u8>> {
        let kept = self.cache.as_ref().and_then(|cache| cache.load(&layer.digest));
        if let Some(kept) = kept.filter(|kept| kept.len() as u64 == layer.size && layer.size <= limit) {
            return Ok(kept);
        }
        repository.small_blob(layer, limit)
    }

    /// Stores a component under the tag of `reference`, or under its digest alone; gives the digest of its manifest.
    ///
    /// # Errors
    /// The registry does not take it, or cannot be reached.
    pub fn push(&self, reference: &Reference, component: &Component<'_>) -> Result<Digest> {
        let artifact = component.artifact()?;
        let digest = Digest::of(&artifact.manifest);
        if let Some(named) = reference.digest.as_ref().filter(|named| **named != digest) {
            let message = format!("the component's digest in a registry is {digest}, not {named}");
            return Err(Error::new(ErrorKind::Reference, message)
                .hint_at("name a tag alone: the digest follows from the component"));
        }
        let repository = self.repository(reference, Access::Push);
        repository.store_blob(&artifact.layer_descriptor, component.binary)?;
        repository.store_blob(&artifact.config_descriptor, &artifact.config)?;
        let selector = reference.tag.clone().unwrap_or_else(|| digest.to_string());
        repository.store_manifest(&selector, media_type::MANIFEST, &artifact.manifest)
    }
}

/// What a manifest is kept by: where it was found belongs to it, as somebody may trust one repository and not another.
fn origin(reference: &Reference, digest: &Digest) -> Digest {
    let Reference { registry, repository, .. } = reference;
    Digest::of(format!("{registry}/{repository}@{digest}").as_bytes())
}

#[cfg(test)]
mod tests;
