//! Components from registries, as far as the engine goes: whoever fetches them is a stand-in here.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use config::OciComponent;
use imagecustomizer_engine::{
    Cancellation, ComponentSource, FetchError, StepOptions, Usage, ValidateOptions, validate_config,
};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Holds one component, and remembers what it was asked for.
#[derive(Debug, Default)]
struct Registry {
    component: Option<Vec<u8>>,
    asked: Mutex<Vec<String>>,
}

impl ComponentSource for Registry {
    fn fetch(&self, component: &OciComponent, limit: u64) -> Result<Vec<u8>, FetchError> {
        assert_eq!(limit, 128 << 20);
        self.asked.lock().unwrap().push(component.to_string());
        let missing =
            || FetchError { message: "no such manifest".to_owned(), hint: Some("push it".to_owned()) };
        self.component.clone().ok_or_else(missing)
    }
}

/// Validates a configuration of two steps with one component; gives rule, message and hint of the first problem.
fn validate(registry: Option<Arc<Registry>>, more: &str) -> Option<(String, String, Option<String>)> {
    let scene = tempfile::tempdir().unwrap();
    let file = scene.path().join("config.yaml");
    let component = format!("component: 'oci:example.com:5000/steps/calls:1@sha256:{}'", "ab".repeat(32));
    let step = |name: &str| format!("- {{ name: {name}, {component}, settings: {{ calls: [] }}{more} }}\n");
    let text = format!("previewFeatures: [custom-steps]\nsteps:\n{}{}", step("a"), step("b"));
    std::fs::write(&file, text).unwrap();
    let result = validate_config(&ValidateOptions {
        config_file: file,
        files: true,
        passwords: config::PasswordPolicy::Any,
        steps: StepOptions { source: registry.map(|registry| registry as _), ..StepOptions::default() },
        code_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-cache")),
        cancel: Cancellation::default(),
        usage: Usage::default(),
        written: Vec::new(),
    });
    let error = result.err()?;
    let problem = error.diagnostics().unwrap().iter().next().unwrap().clone();
    Some((problem.rule.id().to_owned(), problem.message, problem.hint))
}

fn guest() -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests");
    std::fs::read(fixtures::guest("calls", &target).unwrap()).unwrap()
}

#[test]
fn a_component_is_fetched_once_and_checked_like_any() {
    let registry = Arc::new(Registry { component: Some(guest()), ..Registry::default() });
    assert_eq!(validate(Some(Arc::clone(&registry)), ""), None);
    let expected = format!("example.com:5000/steps/calls:1@sha256:{}", "ab".repeat(32));
    assert_eq!(*registry.asked.lock().unwrap(), [expected]);
    let digest: String = Sha256::digest(guest()).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(validate(Some(Arc::clone(&registry)), &format!(", sha256: '{digest}'")), None);
    let (rule, ..) = validate(Some(registry), &format!(", sha256: '{}'", "0".repeat(64))).unwrap();
    assert_eq!(rule, "step-component-sha256");
}

#[test]
fn what_cannot_be_fetched_is_said_where_it_is_named() {
    let (rule, message, hint) = validate(Some(Arc::default()), "").unwrap();
    assert_eq!((rule.as_str(), hint.as_deref()), ("step-component-fetch", Some("push it")));
    assert!(message.ends_with("cannot be fetched: no such manifest"), "{message}");
    let too_large = Registry { component: Some(vec![0; (128 << 20) + 1]), ..Registry::default() };
    let (rule, message, _) = validate(Some(Arc::new(too_large)), "").unwrap();
    assert_eq!(rule, "step-component-fetch");
    assert!(message.ends_with("it is larger than 128 MiB"), "{message}");
    let (rule, ..) = validate(None, "").unwrap();
    assert_eq!(rule, "unsupported");
}
