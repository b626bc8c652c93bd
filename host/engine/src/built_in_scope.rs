//! What a built-in step may touch in this image: what its settings lead to, links of the image followed.

use plan::{ArtifactSource, BuiltIn, PlannedStep};
use rootfs::{Aim, ImagePath, ImagePathBuf, Kind, PathPattern, Tree, operations};
use sandbox::Scope;
use serde_json::Value;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of a table of users or of defaults that are looked at.
const LARGEST_TABLE: u64 = 16 << 20;

/// The scope of the step, as `tree` is before it runs.
pub(crate) fn of(built_in: BuiltIn, step: &PlannedStep, tree: &mut dyn Tree) -> Scope {
    let plan::Scope { read, mut write, nodes } = built_in.scope(&step.settings, &mut |path| text(tree, path));
    if built_in == BuiltIn::Directories {
        write.extend(places(step, tree));
    }
    let scope = Scope::new(read, write, nodes);
    let scope = if built_in.writes_secrets() { scope.with_secrets() } else { scope };
    scope.in_tree(tree)
}

/// A text file of the image.
fn text(tree: &mut dyn Tree, path: &str) -> Option<String> {
    let content = operations::read_file(tree, ImagePath::new(path), LARGEST_TABLE).ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

/// Where links of the image lead that lie in the way of the directories to be copied: those are followed.
fn places(step: &PlannedStep, tree: &mut dyn Tree) -> Vec<PathPattern> {
    let directories = step.settings.get("directories").and_then(Value::as_array);
    let mut found = Vec::new();
    for directory in directories.into_iter().flatten() {
        let text = |key| directory.get(key).and_then(Value::as_str);
        let (Some(artifact), Some(destination)) = (text("artifact"), text("destination")) else { continue };
        if let Some(ArtifactSource::Directory(source)) = step.artifacts.get(artifact)
            && let Ok(top) = tree.locate(&ImagePath::new("/").join(destination), Aim::Target)
        {
            look_below(tree, source, top.path, &mut found);
        }
    }
    found
}

/// Compares the names in a directory of the host with what they are in the image. What cannot be read is left to the step,
/// which says so.
fn look_below(tree: &mut dyn Tree, source: &Path, destination: ImagePathBuf, found: &mut Vec<PathPattern>) {
    let mut left = vec![(source.to_owned(), destination)];
    while let Some((from, to)) = left.pop() {
        let Ok(entries) = std::fs::read_dir(&from) else { continue };
        for entry in entries.flatten() {
            let place = to.join(entry.file_name().as_bytes());
            let Ok(location) = tree.locate(&place, Aim::Target) else { continue };
            let is_directory = location.object.as_ref().is_some_and(|object| object.kind == Kind::Directory);
            if location.path != place {
                let path = location.path.as_bytes();
                found.push(if is_directory { PathPattern::below(path) } else { PathPattern::of(path) });
            }
            // Where the image has nothing, it has no links either.
            if is_directory && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push((entry.path(), location.path));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use block::Window;
    use rootfs::{Ext4, Timestamp, UserTree};
    use sandbox::{Artifact, Artifacts, Limits, Sandbox, StepFacts, StepRun};
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Mutex};

    /// Files of the image, and a directory with input files.
    struct Ground {
        directory: tempfile::TempDir,
        sandbox: Sandbox,
    }

    impl Ground {
        #[expect(clippy::disallowed_methods, reason = "the image is made by mke2fs")]
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path().join("root");
            for name in ["etc", "usr/lib/systemd/system", "usr/share", "srv", "home/web"] {
                fs::create_dir_all(root.join(name)).unwrap();
            }
            symlink("usr/lib", root.join("lib")).unwrap();
            symlink("/srv", root.join("usr/share/linked")).unwrap();
            symlink("/srv/target", root.join("usr/share/file")).unwrap();
            for (name, text) in [
                ("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n"),
                ("etc/shadow", "root:*:1::::::\nweb:*:1::::::\n"),
                ("etc/group", "root:x:0:\nweb:x:1000:\n"),
                ("etc/gshadow", "root:*::\nweb:!::\n"),
                ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
                (
                    "usr/lib/systemd/system/a.service",
                    "[Install]\nWantedBy=multi-user.target\nAlias=%m.service\n",
                ),
            ] {
                fs::write(root.join(name), text).unwrap();
            }
            let tree = directory.path().join("tree");
            fs::create_dir_all(tree.join("linked/deep")).unwrap();
            fs::write(tree.join("linked/deep/x"), "x").unwrap();
            fs::write(tree.join("file"), "x").unwrap();
            let image = directory.path().join("image");
            fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
            let mut program = std::process::Command::new("mke2fs");
            program.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            let status =
                program.args(["-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d"]).arg(&root).arg(&image);
            assert!(status.status().unwrap().success());
            Self { directory, sandbox: Sandbox::new(None).unwrap() }
        }

        fn tree(&self) -> Box<dyn Tree> {
            let (image, copy) = (self.directory.path().join("image"), self.directory.path().join("copy"));
            fs::copy(image, &copy).unwrap();
            let file = fs::File::options().read(true).write(true).open(copy).unwrap();
            let window = Window::new(Arc::new(file), 0, 16 << 20).unwrap();
            let clock = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };
            let mut tree = UserTree::new(clock);
            tree.mount_root(Ext4::open(window, clock).unwrap(), "ext4").unwrap();
            Box::new(tree)
        }

        /// Calls that were denied, or the error with its hint.
        fn run(&self, step: &PlannedStep, scope: Option<Scope>) -> Result<u64, String> {
            let built_in = step.step.built_in().unwrap();
            let mut tree = self.tree();
            let scope = scope.unwrap_or_else(|| of(built_in, step, tree.as_mut()));
            let mut artifacts = Artifacts::default();
            for (name, source) in &step.artifacts {
                let artifact = match source {
                    ArtifactSource::File(path) => Artifact::open_file(path).unwrap(),
                    ArtifactSource::Directory(path) => Artifact::open_directory(path).unwrap(),
                    ArtifactSource::InlineBytes(secret) => Artifact::Inline(secret.expose()),
                };
                artifacts.insert(name, artifact);
            }
            let run = StepRun {
                settings: step.settings.to_string(),
                tree: Arc::new(Mutex::new(tree)),
                artifacts,
                facts: StepFacts { architecture: "x86_64".to_owned(), source_date_epoch: 1, seed: [0; 32] },
                limits: Limits::default(),
                scope,
                trace: None,
                touches: None,
            };
            let report = builtin::load(&self.sandbox, built_in).unwrap().run(run);
            report
                .map(|report| report.denied)
                .map_err(|error| format!("{error}\nhint: {}", error.hint_text().unwrap_or_default()))
        }

        fn steps(&self) -> Vec<PlannedStep> {
            let tree = ArtifactSource::Directory(self.directory.path().join("tree"));
            let file = ArtifactSource::File(self.directory.path().join("tree/file"));
            let planned = |step, settings, artifacts: &[(&str, &ArtifactSource)]| PlannedStep {
                step: plan::Step::BuiltIn(step),
                reason: String::new(),
                component: None,
                scope: None,
                limits: plan::Limits::default(),
                settings,
                artifacts: artifacts
                    .iter()
                    .map(|(name, source)| ((*name).to_owned(), (*source).clone()))
                    .collect::<BTreeMap<_, _>>(),
            };
            vec![
                planned(BuiltIn::Hostname, json!({ "name": "web-1" }), &[]),
                planned(BuiltIn::Groups, json!({ "groups": [{ "name": "people" }] }), &[]),
                planned(
                    BuiltIn::Users,
                    json!({ "users": [
                        { "name": "new", "sshKeys": [{ "line": "ssh-ed25519 AAAA" }] },
                        { "name": "web", "sshKeys": [{ "line": "ssh-ed25519 AAAA" }] },
                        { "name": "far", "homeDirectory": "/opt/people/far" },
                    ]}),
                    &[],
                ),
                planned(
                    BuiltIn::Directories,
                    json!({ "directories": [
                        { "artifact": "tree", "destination": "/usr/share" },
                        { "artifact": "tree", "destination": "/etc/ssl/private" },
                        { "artifact": "tree", "destination": "lib/new/deep" },
                    ]}),
                    &[("tree", &tree)],
                ),
                planned(
                    BuiltIn::Files,
                    json!({ "files": [
                        { "artifact": "file", "destination": "/lib/new/x" },
                        { "artifact": "file", "destination": "/usr/share/file" },
                        { "artifact": "file", "destination": "/root/.ssh/authorized_keys" },
                    ]}),
                    &[("file", &file)],
                ),
                planned(BuiltIn::Services, json!({ "enable": ["a"], "disable": [] }), &[]),
                planned(
                    BuiltIn::Modules,
                    json!({ "modules": [{ "name": "br_netfilter", "loadMode": "always", "options": { "a": "b" } }] }),
                    &[],
                ),
                planned(
                    BuiltIn::ReleaseFile,
                    json!({ "toolVersion": "1", "buildDate": "now", "imageUuid": "u" }),
                    &[],
                ),
                planned(
                    BuiltIn::History,
                    json!({ "timestamp": "now", "toolVersion": "1", "imageUuid": "u", "config": {} }),
                    &[],
                ),
            ]
        }
    }

    #[test]
    fn every_built_in_step_runs_inside_its_scope_and_is_refused_outside() {
        let ground = Ground::new();
        let steps = ground.steps();
        let tried: Vec<BuiltIn> = steps.iter().filter_map(|step| step.step.built_in()).collect();
        assert_eq!(tried, BuiltIn::ALL);
        for step in &steps {
            let name = step.step.name();
            assert_eq!(ground.run(step, None), Ok(0), "{name}");
            // The scope of a step that writes elsewhere. The person has no grant to change.
            let other = Scope::parse(None, &["/var/**"], false).unwrap().in_tree(ground.tree().as_mut());
            let refused = ground.run(step, Some(other)).expect_err(name);
            assert!(refused.contains("not granted") && !refused.contains("grant."), "{name}: {refused}");
            assert!(refused.contains("the configuration says of this step"), "{name}: {refused}");
        }
    }
}
