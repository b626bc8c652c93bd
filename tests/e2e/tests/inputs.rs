//! What a run reads is never what it writes to.

use std::fs;
use std::path::Path;

use e2e::{Outcome, Run, Scene, component, disk, scene};
use fixtures::{Distro, Format, Layout};

/// A configuration that names a file of every kind, with a base configuration, a lock and a policy.
fn scene_with_inputs() -> Outcome<Scene> {
    let scene = Scene::new()?;
    fs::copy(component::guest("calls")?, scene.join("own.wasm"))?;
    for name in ["artifact", "files/below", "source", "dir/below"] {
        scene.write(name, "an input\n")?;
    }
    scene.write("base.yaml", "os: { hostname: web-1 }\n")?;
    scene.write("policy.yaml", "requireSha256: false\n")?;
    scene.write("imagecustomizer.lock", "a lock\n")?;
    scene.write("config.yaml", CONFIG)?;
    Ok(scene)
}

const CONFIG: &str = "\
previewFeatures: [custom-steps, base-configs]
baseConfigs: [{ path: base.yaml }]
os:
  additionalFiles: [{ source: source, destination: /srv/source }]
  additionalDirs: [{ source: dir, destination: /srv/dir }]
steps:
- { name: own, component: own.wasm, settings: { calls: [] }, artifacts: { a: artifact, b: files } }
";

/// Each input, with the words that the message has for it.
const INPUTS: [(&str, &str); 9] = [
    ("own.wasm", "`steps[0].component`"),
    ("artifact", "`steps[0].artifacts.a`"),
    ("files/below", "`steps[0].artifacts.b`"),
    ("source", "`os.additionalFiles[0].source`"),
    ("dir/below", "`os.additionalDirs[0].source`"),
    ("imagecustomizer.lock", "`imagecustomizer.lock`"),
    ("policy.yaml", "`--policy`"),
    ("base.yaml", "`baseConfigs`"),
    ("config.yaml", "`--config-file`"),
];

fn customize(scene: &Scene, base: &Path, output: &Path) -> Run {
    let run = Run::customize(base, &scene.join("config.yaml"), &scene.join("build"), output, Format::Raw);
    run.argument("--policy").argument(scene.join("policy.yaml"))
}

#[test]
fn a_run_that_would_overwrite_what_it_reads_is_refused() -> Outcome {
    let scene = scene_with_inputs()?;
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let link = scene.join("link");
    for (input, words) in INPUTS {
        let path = scene.join(input);
        let before = disk::digest(&path)?;
        std::os::unix::fs::symlink(&path, &link)?;
        // The reference program's output may lie in a directory that it copies, and configurations rely on that.
        let is_below = input.ends_with("/below");
        let flags = ["--report", "--trace-steps", "--telemetry-log", "--output-image-file"];
        for flag in flags.into_iter().take(if is_below { 3 } else { 4 }) {
            for named in [&path, &link] {
                let output = if flag == "--output-image-file" { named } else { &scene.output(Format::Raw) };
                let mut run = customize(&scene, &base, output);
                if flag != "--output-image-file" {
                    run = run.argument(flag).argument(named);
                }
                let finished = run.finish()?;
                let said = &finished.stderr;
                assert_eq!(finished.code, Some(1), "{flag} {input}: {said}");
                assert!(
                    said.contains(&format!("`{flag}`")) && said.contains(words),
                    "{flag} {input}: {said}"
                );
                assert_eq!(disk::digest(&path)?, before, "{flag} {input}");
            }
        }
        fs::remove_file(&link)?;
    }
    assert_eq!(scene.listing("out")?, Vec::<String>::new());
    assert!(!scene.join("build").exists());
    Ok(())
}

#[test]
fn logs_that_name_an_input_do_not_let_the_run_begin() -> Outcome {
    let base = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    for flag in ["--log-file", "--timestamp-file"] {
        let scene = scene_with_inputs()?;
        let run = customize(&scene, &base, &scene.output(Format::Raw));
        let finished = run.argument(flag).argument(scene.join("source")).finish()?;
        assert_eq!(finished.code, Some(1), "{flag}: {}", finished.stderr);
        let words = format!("`{flag}` and `os.additionalFiles[0].source` name the same file");
        assert!(finished.stderr.contains(&words), "{flag}: {}", finished.stderr);
    }
    Ok(())
}

#[test]
fn what_the_configuration_says_is_written_is_compared_too() -> Outcome {
    let scene = scene_with_inputs()?;
    let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
    let base = scene.base(&raw, Format::Raw)?;
    let before = disk::digest(&base)?;
    let paths =
        "input: { image: { path: base.raw } }\noutput: { image: { path: out/new.raw, format: raw } }\n";
    scene.write("config.yaml", paths)?;
    let cases = [
        ("out/new.raw", "`--report` and `output.image.path` name the same file"),
        ("base.raw", "`--report` and `input.image.path` name the same file"),
    ];
    for (report, words) in cases {
        let run = Run::new(["customize", "--build-dir"]).argument(scene.join("build"));
        let run = run.argument("--config-file").argument(scene.join("config.yaml"));
        let finished = run.argument("--report").argument(scene.join(report)).finish()?;
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    assert_eq!(disk::digest(&base)?, before);
    // A base image that is also the output is replaced, as ever.
    scene.write("config.yaml", "{}\n")?;
    Run::customize(&base, &scene.join("config.yaml"), &scene.join("build"), &base, Format::Raw).succeed()?;
    Ok(())
}

#[test]
fn validation_and_trials_leave_what_they_read_alone() -> Outcome {
    let scene = scene_with_inputs()?;
    let refuse = |run: Run, input: &str, words: &str| -> Outcome {
        let before = disk::digest(&scene.join(input))?;
        let finished = run.argument(scene.join(input)).finish()?;
        assert_eq!(finished.code, Some(1), "{input}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{input}: {}", finished.stderr);
        assert_eq!(disk::digest(&scene.join(input))?, before, "{input}");
        Ok(())
    };
    let validate = Run::new(["validate-config", "--config-file"]).argument(scene.join("config.yaml"));
    refuse(validate.argument("--telemetry-log"), "own.wasm", "`steps[0].component`")?;
    let trial = || {
        let run = Run::new(["step", "run"]).argument(scene.join("own.wasm"));
        let artifact = format!("--artifact=a={}", scene.join("artifact").display());
        run.argument("--root").argument(scene.join("dir")).argument(artifact).argument("--trace")
    };
    refuse(trial(), "dir/below", "lies in `--root`")?;
    refuse(trial(), "artifact", "`--trace` and `--artifact` name the same file")
}
