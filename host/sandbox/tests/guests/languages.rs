//! The same step in five languages, built from the projects that `imagecustomizer step new` writes: `cargo xtask languages`
//! does that, and these tests run what it made.

use crate::scene::{EPOCH, Limits, STEP, Scene, call_with};
use rootfs::Scope;
use sandbox::{Artifact, Artifacts, LoadedStep};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// As the folders of `examples/steps` are called.
pub(crate) const LANGUAGES: [&str; 5] = ["rust", "js", "python", "c", "go"];

/// What `cargo xtask languages` calls the step; the file that it writes has the same name.
const FILE: &str = "/etc/front-door";

/// A component that `cargo xtask languages` made; `IMAGECUSTOMIZER_LANGUAGES` says where, if not in the target directory.
pub(crate) fn component(language: &str) -> Vec<u8> {
    let built = std::env::var_os("IMAGECUSTOMIZER_LANGUAGES")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("languages"), PathBuf::from);
    let path = built.join(language).with_extension("wasm");
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask languages` makes it", path.display()))
}

fn greet(scene: &Scene, step: &LoadedStep, text: &str) -> Result<u64, String> {
    let settings = format!(r#"{{"text":{}}}"#, serde_json::to_string(text).unwrap());
    let report = scene.run_loaded(step, &settings, Limits::default(), Artifacts::default());
    report.map(|report| report.host_calls).map_err(|error| error.to_string())
}

/// What the program of `tests/kits` in this language was answered.
fn answers(language: &str) -> String {
    let scene = Scene::new();
    let tree = scene.directory().join("artifacts");
    fs::create_dir_all(tree.join("sub")).unwrap();
    fs::write(tree.join("sub/file"), "content").unwrap();
    for path in ["sub/file", "sub", ""] {
        File::open(tree.join(path)).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(EPOCH)).unwrap();
        fs::set_permissions(tree.join(path), Permissions::from_mode(0o755)).unwrap();
    }
    let mut artifacts = Artifacts::default();
    artifacts.insert("tree", Artifact::open_directory(&tree).unwrap());
    let step = scene.sandbox.load(STEP, &component(&format!("kit-{language}"))).unwrap();
    let all = Scope::parse(None, &["/**"], true).unwrap();
    scene.run_scoped(&step, "{}", Limits::default(), artifacts, all).unwrap();
    let answers = scene.read("/answers");
    scene.host_is_untouched();
    answers
}

/// Needs what takes minutes to build.
mod whole_system {
    use super::*;

    #[test]
    fn the_kits_of_all_languages_understand_every_answer_alike() {
        let answers = ["rust", "c", "go"].map(answers);
        assert_eq!(answers[0], include_str!("../../../../tests/kits/answers.txt"));
        assert_eq!(answers[1], answers[0], "C");
        assert_eq!(answers[2], answers[0], "Go");
    }

    #[test]
    fn the_same_step_in_five_languages_leaves_the_same_image() {
        let base = Scene::new().bytes();
        let mut first: Option<Vec<u8>> = None;
        for language in LANGUAGES {
            let scene = Scene::from(&base);
            let step = scene.sandbox.load(STEP, &component(language)).unwrap();
            let description = step.describe().unwrap();
            assert_eq!(
                (description.name.as_str(), description.version.as_str()),
                ("front-door", "0.1.0"),
                "{language}"
            );
            for (text, file, calls) in [
                ("gr\u{fc}\u{df} \"dich\" \\ \u{1f30d}\t\n\n", "gr\u{fc}\u{df} \"dich\" \\ \u{1f30d}\t\n", 3),
                ("hello", "hello\n", 3),
                // A second run looks, and changes nothing.
                ("hello", "hello\n", 1),
            ] {
                assert_eq!(greet(&scene, &step, text), Ok(calls), "{language}");
                assert_eq!(scene.read(FILE), file, "{language}");
            }
            let image = scene.bytes();
            assert!(first.get_or_insert_with(|| image.clone()) == &image, "{language} leaves another image");
            scene.host_is_untouched();
        }
    }

    #[test]
    fn a_failure_of_the_host_ends_the_step_in_every_language_with_the_same_words() {
        let base = {
            let scene = Scene::new();
            scene.call(&[call_with("make-directory", &[FILE], &[0o755])], Artifacts::default());
            scene.bytes()
        };
        let mut first: Option<String> = None;
        for language in LANGUAGES {
            let scene = Scene::from(&base);
            let step = scene.sandbox.load(STEP, &component(language)).unwrap();
            let error = greet(&scene, &step, "hello").unwrap_err();
            assert!(error.contains(FILE), "{language}: {error}");
            assert_eq!(first.get_or_insert_with(|| error.clone()), &error, "{language}");
        }
    }
}
