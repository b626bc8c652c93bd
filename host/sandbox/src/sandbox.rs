//! The sandbox itself: one engine with its settings, the closed linker and the code cache.

use crate::abi::Contract;
use crate::code_cache::CodeCache;
use crate::compile;
use crate::compiled;
use crate::error::{Error, ErrorKind, Result};
use crate::imports;
use crate::limits::STACK;
use crate::linker;
use crate::state::State;
use crate::step::{LoadedStep, Origin};
use crate::trace::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

/// Compiles and runs components.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<State>,
    cache: Option<CodeCache>,
    cancelled: Arc<AtomicBool>,
    compile_time: Duration,
    /// By the digest of the binary: a step and its inspection, or two steps, may share a component.
    compiled: Mutex<BTreeMap<[u8; 32], Component>>,
}

/// Ends what runs in a sandbox, from any thread.
#[derive(Clone)]
pub struct Interrupter {
    engine: Engine,
    cancelled: Arc<AtomicBool>,
}

impl Interrupter {
    /// Ends the running step, and every later one, with [`ErrorKind::Cancelled`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.engine.increment_epoch();
    }

    pub(crate) fn increment_epoch(&self) {
        self.engine.increment_epoch();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// Bytes of a component that are accepted: 128 MiB, several times the largest language runtime seen.
const MAX_COMPONENT: usize = 128 << 20;

impl Sandbox {
    /// A sandbox that keeps compiled code in `cache`, if given.
    ///
    /// # Errors
    /// [`ErrorKind::Host`] when this machine cannot run WebAssembly.
    pub fn new(cache: Option<CodeCache>) -> Result<Self> {
        let host = |error| {
            Error::new(ErrorKind::Host, "-", "the WebAssembly engine does not start").caused_by(error)
        };
        let engine = Engine::new(&settings()).map_err(host)?;
        let linker = linker::make(&engine).map_err(host)?;
        Ok(Self {
            engine,
            linker,
            cache,
            cancelled: Arc::default(),
            compile_time: compile::TIME,
            compiled: Mutex::default(),
        })
    }

    /// With another limit to the time that a component may take to be compiled: two minutes unless given.
    #[must_use]
    pub fn with_compile_time(self, compile_time: Duration) -> Self {
        Self { compile_time, ..self }
    }

    /// A handle to end what runs here.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { engine: self.engine.clone(), cancelled: Arc::clone(&self.cancelled) }
    }

    /// Prepares the component `wasm` (binary format) to run as the step `name`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidComponent`], [`ErrorKind::RefusedImports`] with all that is refused,
    /// [`ErrorKind::ContractMismatch`]; [`ErrorKind::LimitExceeded`] and [`ErrorKind::Cancelled`] when compiling it takes
    /// too long.
    pub fn load(&self, name: &str, wasm: &[u8]) -> Result<LoadedStep> {
        let digest = digest(name, wasm)?;
        let component = self.component(name, wasm, &digest)?;
        self.link(name, &component, Origin::Digest(digest))
    }

    /// As [`Sandbox::load`], from code that [`Sandbox::precompile`] of the same build made of `wasm` and that was
    /// compiled into this program. `None` when it does not fit this machine or these settings: load the component itself then.
    #[must_use]
    pub fn load_embedded(
        &self,
        name: &str,
        code: &'static [u8],
        wasm: &'static [u8],
    ) -> Option<Result<LoadedStep>> {
        match compiled::load(&self.engine, code) {
            Ok(component) => Some(self.link(name, &component, Origin::Binary(wasm))),
            Err(error) => {
                tracing::debug!("the embedded code of step `{name}` is not used: {error:#}");
                None
            }
        }
    }

    /// Compiles the component `wasm` for any processor of this machine's architecture; the result is native code for
    /// [`Sandbox::load_embedded`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidComponent`]; [`ErrorKind::Host`] where wasmtime has no compiler for the architecture.
    pub fn precompile(name: &str, wasm: &[u8]) -> Result<Vec<u8>> {
        let mut settings = settings();
        let engine = settings
            .target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
            .and_then(|settings| Engine::new(settings))
            .map_err(|error| {
                Error::new(ErrorKind::Host, name, "it cannot be compiled here").caused_by(error)
            })?;
        engine.precompile_component(wasm).map_err(|error| invalid(name, error))
    }

    pub(crate) fn link(&self, name: &str, component: &Component, origin: Origin) -> Result<LoadedStep> {
        imports::check(name, &imports::list(&self.engine, component))?;
        let contract = Contract::of(&self.engine, component)
            .map_err(|error| mismatch(name, wasmtime::Error::msg(error.to_string())))?;
        let pre = self.linker.instantiate_pre(component).map_err(|error| mismatch(name, error))?;
        LoadedStep::new(name, contract, pre, origin, self.interrupter())
    }

    /// The component, compiled.
    pub(crate) fn component(&self, name: &str, wasm: &[u8], digest: &[u8; 32]) -> Result<Component> {
        let known = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = known().get(digest) {
            return Ok(component.clone());
        }
        let component = self.cached(name, wasm, digest)?;
        known().insert(*digest, component.clone());
        Ok(component)
    }

    /// The component from the cache, or from the compiler.
    fn cached(&self, name: &str, wasm: &[u8], digest: &[u8; 32]) -> Result<Component> {
        let compile = || compile::compile(name, &self.engine, wasm, self.compile_time, &self.interrupter());
        let Some(cache) = &self.cache else { return compile() };
        let key = self.cache_key(digest);
        if let Some(code) = cache.load(&key) {
            match compiled::load(&self.engine, &code) {
                Ok(component) => return Ok(component),
                Err(error) => tracing::debug!("compiled code `{key}` is not used: {error:#}"),
            }
        }
        let component = compile()?;
        match component.serialize() {
            Ok(code) => cache.store(&key, &code),
            Err(error) => tracing::debug!("compiled code of step `{name}` is not kept: {error:#}"),
        }
        Ok(component)
    }

    /// The component's digest, and what decides whether compiled code fits this engine.
    fn cache_key(&self, digest: &[u8; 32]) -> String {
        let mut hasher = Sha256Hasher(Sha256::new());
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = hasher.0.finalize();
        let short = compatibility.get(..8).unwrap_or_default();
        format!("{}-{}.cwasm", hex(digest), hex(short))
    }
}

/// What a WebAssembly binary begins with.
const MAGIC: &[u8] = b"\0asm";

/// What every step is, for hints.
const A_STEP_IS: &str =
    "a step is a WebAssembly component (not a core module) of WASI 0.2 without async functions";

/// The digest of a component, unless a look at it shows that it is none, or too large.
pub(crate) fn digest(name: &str, wasm: &[u8]) -> Result<[u8; 32]> {
    if !wasm.starts_with(MAGIC) {
        let text = if wasm.is_empty() { "it is empty" } else { "it is not WebAssembly in its binary format" };
        return Err(Error::new(ErrorKind::InvalidComponent, name, text).hint(A_STEP_IS));
    }
    if wasm.len() > MAX_COMPONENT {
        let message = format!("{} bytes are more than the {MAX_COMPONENT} accepted", wasm.len());
        return Err(Error::new(ErrorKind::InvalidComponent, name, message));
    }
    Ok(Sha256::digest(wasm).into())
}

pub(crate) fn invalid(name: &str, error: wasmtime::Error) -> Error {
    let message = format!("{:#}", error.root_cause());
    Error::new(ErrorKind::InvalidComponent, name, message).caused_by(error).hint(A_STEP_IS)
}

pub(crate) fn mismatch(name: &str, error: wasmtime::Error) -> Error {
    let message = format!("{:#}", error.root_cause());
    Error::new(ErrorKind::ContractMismatch, name, message)
        .caused_by(error)
        .hint(format!("build it against `customizer:step@{}`", crate::CONTRACT_VERSION))
}

/// Lets a hash be taken with a digest that is the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// The engine's settings; every change makes compiled code anew.
fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        // Calls between the parts of one component pass a module that wasmtime makes and that reaches both memories.
        // Without this, a component of several parts (those in JavaScript and Python) ends the compiler with a panic.
        .wasm_multi_memory(true)
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    config
}
