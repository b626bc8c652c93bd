//! The same step in five languages, in a configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use e2e::{Disk, Outcome, Run, Scene, disk, failed, scene};
use fixtures::{Distro, Format, Layout};

/// As `step new --language` calls them.
const LANGUAGES: [&str; 5] = ["rust", "js", "python", "c", "go"];

/// Where `cargo xtask languages` puts the components: beside the program's directory.
fn component(language: &str) -> Outcome<PathBuf> {
    let program = e2e::product::program()?;
    let target = program.ancestors().nth(2).ok_or_else(|| failed("the program lies nowhere"))?;
    let path = target.join("languages").join(language).with_extension("wasm");
    match path.is_file() {
        true => Ok(path),
        false => Err(failed(format!("no `{}`; `cargo xtask languages` makes it", path.display()))),
    }
}

/// Needs what takes minutes to build.
mod whole_system {
    use super::*;

    #[test]
    fn the_same_step_in_five_languages_gives_the_same_tree() -> Outcome {
        let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
        let before = Disk::open(&raw, Format::Raw)?.manifest()?;
        let mut first: Option<BTreeMap<String, String>> = None;
        for language in LANGUAGES {
            let scene = Scene::new()?;
            std::fs::copy(component(language)?, scene.join("step.wasm"))?;
            let config = "previewFeatures: [custom-steps]\nsteps:\n- name: front-door\n  component: step.wasm\n  \
                          settings: { text: \"gr\u{fc}\u{df} dich\" }\n  grant: { write: [/etc/front-door] }\n";
            let run = scene.customize(&raw, config, Format::Raw)?.succeed()?;
            assert!(run.stderr.contains("wrote the greeting"), "{language}: {}", run.stderr);

            let after = Disk::open(&scene.output(Format::Raw), Format::Raw)?;
            after.check()?;
            let root = after.tree("root")?;
            assert_eq!(root.text("/etc/front-door")?, "gr\u{fc}\u{df} dich\n", "{language}");
            assert_eq!(root.owner("/etc/front-door")?, "100644 0:0", "{language}");
            let mut tree = after.manifest()?;
            let changed: Vec<_> = disk::differences(&before, &tree).into_keys().collect();
            let history = "root:/usr/share/image-customizer/history.json";
            for path in ["root:/etc/front-door", history] {
                assert!(changed.iter().any(|changed| changed == path), "{language}: {changed:?}");
            }
            // They hold the component's digest, and an identifier that follows from it.
            for path in [history, "root:/etc/image-customizer-release"] {
                assert!(tree.remove(path).is_some(), "{language}: no {path}");
            }
            let first = first.get_or_insert_with(|| tree.clone());
            assert_eq!(disk::differences(first, &tree), BTreeMap::new(), "{language}");
        }
        Ok(())
    }

    #[test]
    fn the_project_of_every_language_passes_its_own_test_and_the_rules() -> Outcome {
        for language in LANGUAGES {
            let (built, scene) = (component(language)?, Scene::new()?);
            let project = scene.join("project");
            let step = |words: &[&str]| {
                let step = Run::new(["step"]).argument("--log-level").argument("warn");
                words.iter().fold(step, |run, word| run.argument(*word))
            };
            step(&["new", "front-door", "--language", language, "--directory"])
                .argument(&project)
                .succeed()?;
            let file = project.join("step.wasm");
            std::fs::copy(built, &file)?;
            let tested = step(&["test", "--directory"]).argument(&project).succeed()?;
            assert_eq!(tested.stdout, "ok       greeting\n1 test\n", "{language}");
            let checked = step(&["check"]).argument(&file).succeed()?;
            assert!(checked.stdout.contains("greeting: it makes the same calls in every run"), "{language}");
            assert!(
                checked.stdout.lines().all(|line| line.starts_with("ok ")),
                "{language}: {}",
                checked.stdout
            );
        }
        Ok(())
    }
}
