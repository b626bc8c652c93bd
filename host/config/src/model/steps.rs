//! `steps`: components that are not built in, what they are given and what they may do.

use crate::decode::{AnyMapping, TextMap, choice, record};
use crate::model::bounds::{ByteCount, Seconds};
use crate::source::Located;

choice! {
    /// A step that comes with the program, as a place to stand before or behind.
    pub enum BuiltInStep ("built-in step", refused) {
        /// `os.hostname`.
        "hostname" => Hostname,
        /// `os.groups`.
        "groups" => Groups,
        /// `os.users`.
        "users" => Users,
        /// `os.additionalDirs`.
        "directories" => Directories,
        /// `os.additionalFiles`.
        "files" => Files,
        /// `os.services`.
        "services" => Services,
        /// `os.modules`.
        "modules" => Modules,
        /// Writes `/etc/image-customizer-release`.
        "release-file" => ReleaseFile,
        /// Writes the image's history.
        "history" => History,
    }
}

impl BuiltInStep {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 9] = [
        Self::Hostname,
        Self::Groups,
        Self::Users,
        Self::Directories,
        Self::Files,
        Self::Services,
        Self::Modules,
        Self::ReleaseFile,
        Self::History,
    ];
}

record! {
    /// A step of one's own: a WebAssembly component that changes the image. It runs behind everything in `os`, unless
    /// `after` or `before` says otherwise.
    pub struct Step {
        /// A name for messages, unlike that of any other step: lower-case words joined by `-`.
        "name" [required] name: Option<Located<String>>,
        /// The component: a path, or `oci:REGISTRY/REPOSITORY[:TAG]@sha256:DIGEST`.
        "component" [required, host_path] component: Option<Located<String>>,
        /// SHA-256 of the component, in hex digits; another component is refused.
        "sha256" sha256: Option<Located<String>>,
        /// What the component is told. It says itself which settings it takes.
        "settings" [digest] settings: AnyMapping,
        /// Files and folders that the component may read, by the names it knows them by.
        "artifacts" [host_path] artifacts: TextMap,
        /// Set for the history.
        "artifactHashes" [unadvertised, computed] artifact_hashes: TextMap,
        /// What the component may do.
        "grant" grant: Grant,
        /// What the component may use up.
        "limits" limits: StepLimits,
        /// The built-in step behind which this one runs.
        "after" after: Option<Located<BuiltInStep>>,
        /// The built-in step before which this one runs.
        "before" before: Option<Located<BuiltInStep>>,
    }
}

record! {
    /// What a component may do. Nothing is granted unless it is named, but for reading: without `read`, everything in
    /// the image may be read except for secrets.
    pub struct Grant {
        /// Patterns of what may be read; with it, nothing else can be. Secrets have to be named without `*` and `?` in
        /// the last part.
        "read" [present] read: Option<Vec<Located<String>>>,
        /// Patterns of what may be written, made and removed.
        "write" write: Vec<Located<String>>,
        /// Whether device nodes and pipes may be made, where `write` lets it.
        "nodes" nodes: Option<Located<bool>>,
        /// Whether programs of the image may be run.
        "commands" commands: Option<Located<bool>>,
        /// Whether packages may be installed and removed.
        "packages" packages: Option<Located<bool>>,
    }
}

record! {
    /// What a component may use up; going beyond ends the run.
    pub struct StepLimits {
        /// Memory; `256M` unless given.
        "memory" memory: Option<Located<ByteCount>>,
        /// Time on the clock; `10m` unless given.
        "time" time: Option<Located<Seconds>>,
        /// Messages and other output; `4M` unless given.
        "log" log: Option<Located<ByteCount>>,
        /// Files held open at once; 256 unless given.
        "openFiles" open_files: Option<Located<u64>>,
        /// Bytes written into the image; `1T` unless given.
        "written" written: Option<Located<ByteCount>>,
    }
}

impl Grant {
    /// Whether a field that is true or false is there and true.
    pub(crate) fn is_set(field: &Option<Located<bool>>) -> bool {
        field.as_ref().is_some_and(|given| given.value)
    }
}
