//! Components in registries: for the steps of a configuration, and for the commands that authors have.
//!
//! Nothing is read or asked before a component is wanted. A fetch happens on a thread of its own, so that a signal ends the
//! run whatever the network does; the thread goes with the process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ::telemetry::registry::ErrorType;
use engine::{Cancellation, ComponentSource, FetchError};
use oci::{BlobCache, Client, Component, Digest, Environment, ErrorKind, Pulled, Reference};
use tempfile::TempDir;

use crate::environment;
use crate::failure::Failure;

/// How soon a signal is seen.
const GLANCE: Duration = Duration::from_millis(50);

/// What a component may have at most, in bytes: the sandbox takes no more.
pub(crate) const LARGEST: u64 = 128 << 20;

/// What a reference begins with where a file could stand as well.
const MARK: &str = "oci:";

/// All registries, as somebody who may be stopped asks them.
pub(crate) struct Registries {
    client: Arc<Client>,
    cancel: Cancellation,
}

/// Why there is no answer.
pub(crate) enum Unanswered {
    /// The person does not want to wait.
    Cancelled,
    /// No thread could be started, or it is gone.
    NoThread,
    Failed(oci::Error),
}

impl Registries {
    pub(crate) fn new(cancel: &Cancellation) -> Self {
        let cache = environment::code_cache().map(|directory| BlobCache::at(directory.join("oci")));
        let client = Client::new(&Environment::of_process()).with_cache(cache);
        Self { client: Arc::new(client), cancel: cancel.clone() }
    }

    /// Fetches a component of at most `limit` bytes.
    pub(crate) fn pull(&self, reference: &Reference, limit: u64) -> Result<Pulled, Unanswered> {
        tracing::debug!("fetching the component `{reference}`");
        let wanted = reference.clone();
        let pulled = self.ask(move |client| client.pull(&wanted, limit))?;
        let (count, digest) = (pulled.component.len(), &pulled.digest);
        tracing::debug!("the component `{reference}` is {digest}, {count} bytes");
        Ok(pulled)
    }

    /// Stores a component.
    pub(crate) fn push(
        &self,
        reference: &Reference,
        component: OwnedComponent,
    ) -> Result<Digest, Unanswered> {
        let place = reference.clone();
        self.ask(move |client| client.push(&place, &component.as_component()))
    }

    /// Lets a thread work, and waits for it or for a signal.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client) -> oci::Result<T> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let client = Arc::clone(&self.client);
        let (sender, answers) = mpsc::channel();
        let thread = thread::Builder::new().name("registry".to_owned());
        // Nobody may listen any more.
        let spawned = thread.spawn(move || drop(sender.send(work(&client))));
        spawned.map_err(|_| Unanswered::NoThread)?;
        loop {
            if self.cancel.is_requested() {
                return Err(Unanswered::Cancelled);
            }
            match answers.recv_timeout(GLANCE) {
                Ok(answer) => return answer.map_err(Unanswered::Failed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Unanswered::NoThread),
            }
        }
    }
}

/// A component to push that a thread can have.
pub(crate) struct OwnedComponent {
    pub(crate) binary: Vec<u8>,
    /// Says the rest; its own binary is empty.
    pub(crate) described: Component<'static>,
}

impl OwnedComponent {
    fn as_component(&self) -> Component<'_> {
        Component { binary: &self.binary, ..self.described.clone() }
    }
}

impl Unanswered {
    /// In words for the last record of a command; `what` was tried.
    pub(crate) fn into_failure(self, what: String) -> Failure {
        match self {
            Self::Cancelled => Failure::new("the run was cancelled"),
            Self::NoThread => Failure::internal(),
            Self::Failed(error) => {
                let reported = match error.kind() {
                    ErrorKind::Unauthorized | ErrorKind::Denied | ErrorKind::Credentials => ErrorType::Auth,
                    _ => ErrorType::Download,
                };
                Failure::because(what, &error).with_hint(error.hint()).reported_as(reported)
            }
        }
    }
}

impl fmt::Debug for Registries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registries").finish_non_exhaustive()
    }
}

impl ComponentSource for Registries {
    fn fetch(&self, component: &config::OciComponent, limit: u64) -> Result<Vec<u8>, FetchError> {
        let said = |error: &oci::Error| FetchError {
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        };
        let reference: Reference = format!("{MARK}{component}").parse().map_err(|error| said(&error))?;
        match self.pull(&reference, limit) {
            Ok(pulled) => Ok(pulled.component),
            Err(Unanswered::Failed(error)) => Err(said(&error)),
            // The engine sees that itself, and says it in its own way.
            Err(Unanswered::Cancelled) => {
                Err(FetchError { message: "the run was cancelled".to_owned(), hint: None })
            }
            Err(Unanswered::NoThread) => {
                Err(FetchError { message: "no thread could be started".to_owned(), hint: None })
            }
        }
    }
}

/// A reference on the command line.
pub(crate) fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|error: oci::Error| Failure::from_error(&error).with_hint(error.hint()))
}

/// What lies at `reference`, if the policies let components come from there; to `act` is what the person wants.
pub(crate) fn fetch(reference: &Reference, cancel: &Cancellation, act: &str) -> Result<Pulled, Failure> {
    let place = format!("{}/{}", reference.registry, reference.repository);
    engine::check_registry(environment::policy().as_deref(), &place).map_err(crate::run::failure)?;
    let pulled = Registries::new(cancel).pull(reference, LARGEST);
    pulled.map_err(|error| error.into_failure(format!("cannot {act} `{reference}`")))
}

/// The name of what lies in a repository: its last part.
pub(crate) fn name(reference: &Reference) -> &str {
    reference.repository.rsplit('/').next().unwrap_or(&reference.repository)
}

/// A component on the command line: a file, or one that was fetched and vanishes with this.
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    _directory: Option<TempDir>,
}

impl Located {
    /// The file, or with `oci:` in front the component of that reference.
    pub(crate) fn find(component: &Path, cancel: &Cancellation) -> Result<Self, Failure> {
        let Some(text) = component.to_str().filter(|text| text.starts_with(MARK)) else {
            return Ok(Self { path: component.to_owned(), _directory: None });
        };
        let reference = reference(text)?;
        let pulled = fetch(&reference, cancel, "fetch")?;
        let cannot = |error: &std::io::Error| {
            let failure = Failure::because("cannot write what was fetched into a scratch file", error);
            failure.with_hint(Some("`TMPDIR` says where it is made"))
        };
        let directory = tempfile::Builder::new().prefix("imagecustomizer-oci-").tempdir();
        let directory = directory.map_err(|error| cannot(&error))?;
        let path = directory.path().join(format!("{}.wasm", name(&reference)));
        std::fs::write(&path, pulled.component).map_err(|error| cannot(&error))?;
        Ok(Self { path, _directory: Some(directory) })
    }
}
