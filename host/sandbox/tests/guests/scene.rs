//! An image, a host file that must stay as it is, and the components built from `tests/guests`.
#![expect(clippy::disallowed_methods, reason = "tests run cargo and the standard tools")]

use block::Window;
use rootfs::{Ext4, ImagePath, Timestamp, Tree, UserTree};
use sandbox::{
    Artifacts, CodeCache, Error, ErrorKind, LoadedStep, RunReport, Sandbox, Scope, SharedTree, StepFacts,
    StepRun,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

pub(crate) use sandbox::Limits;

/// 2024-01-02T03:04:06Z.
pub(crate) const EPOCH: u64 = 1_704_164_646;
/// The name of every step here.
pub(crate) const STEP: &str = "trouble";
/// What the host's file holds.
const CANARY: &str = "the host's own\n";
/// What the image's `/etc/passwd` holds.
pub(crate) const PASSWD: &str = "root:x:0:0:of the image:/root:/bin/sh\n";

/// A working copy of an image, and the sandbox that runs steps on it.
pub(crate) struct Scene {
    directory: tempfile::TempDir,
    base: Vec<u8>,
    pub(crate) sandbox: Sandbox,
    pub(crate) tree: SharedTree,
}

/// How a step is run where a test says nothing else.
pub(crate) struct Run<'a> {
    pub(crate) guest: &'a str,
    pub(crate) settings: &'a str,
    pub(crate) limits: Limits,
    pub(crate) artifacts: Artifacts,
    pub(crate) scope: Scope,
}

impl<'a> Run<'a> {
    pub(crate) fn new(guest: &'a str, settings: &'a str) -> Self {
        Self {
            guest,
            settings,
            limits: Limits::default(),
            artifacts: Artifacts::default(),
            scope: everything(),
        }
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let canary = directory.path().join("canary");
        std::fs::write(&canary, CANARY).unwrap();
        let image = directory.path().join("base.img");
        make_image(&image, directory.path(), &canary);
        Self::in_directory(directory)
    }

    /// On a copy of an image that another scene made.
    pub(crate) fn from(base: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("canary"), CANARY).unwrap();
        std::fs::write(directory.path().join("base.img"), base).unwrap();
        Self::in_directory(directory)
    }

    fn in_directory(directory: tempfile::TempDir) -> Self {
        let work = directory.path().join("work.img");
        let base = std::fs::read(directory.path().join("base.img")).unwrap();
        std::fs::write(&work, &base).unwrap();
        let tree = Arc::new(Mutex::new(open(&work)));
        Self { directory, base, sandbox: new_sandbox(), tree }
    }

    pub(crate) fn canary(&self) -> PathBuf {
        self.directory.path().join("canary")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn load(&self, guest: &str) -> LoadedStep {
        self.sandbox.load(STEP, &component(guest)).unwrap()
    }

    pub(crate) fn run(&self, run: Run<'_>) -> Result<RunReport, Error> {
        let Run { guest, settings, limits, artifacts, scope } = run;
        self.run_scoped(&self.load(guest), settings, limits, artifacts, scope)
    }

    pub(crate) fn run_loaded(
        &self,
        step: &LoadedStep,
        settings: &str,
        limits: Limits,
        artifacts: Artifacts,
    ) -> Result<RunReport, Error> {
        self.run_scoped(step, settings, limits, artifacts, everything())
    }

    pub(crate) fn run_scoped(
        &self,
        step: &LoadedStep,
        settings: &str,
        limits: Limits,
        artifacts: Artifacts,
        scope: Scope,
    ) -> Result<RunReport, Error> {
        step.run(StepRun {
            settings: settings.to_owned(),
            tree: Arc::clone(&self.tree),
            artifacts,
            facts: facts(),
            limits,
            scope,
            trace: None,
            touches: None,
        })
    }

    /// Lets `calls` make the given calls; its answers, a line for each call.
    pub(crate) fn call(&self, calls: &[Call], artifacts: Artifacts) -> Vec<String> {
        let settings = settings(calls);
        self.run(Run { artifacts, ..Run::new("calls", &settings) }).unwrap();
        self.read("/answers").lines().map(str::to_owned).collect()
    }

    /// A file of the image.
    pub(crate) fn read(&self, path: &str) -> String {
        let mut tree = self.tree.lock().unwrap();
        let content = rootfs::operations::read_file(tree.as_mut(), ImagePath::new(path), 1 << 24).unwrap();
        String::from_utf8(content).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.tree.lock().unwrap().metadata(ImagePath::new(path), rootfs::Follow::No).is_ok()
    }

    /// The working copy as it is after everything was written back.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.tree.lock().unwrap().flush().unwrap();
        std::fs::read(self.directory.path().join("work.img")).unwrap()
    }

    /// The step after a bad one must find the tree in order, the host its files, and the checker no fault.
    pub(crate) fn all_is_well(&self) {
        let answers = self.call(&[call("read", &["/etc/passwd"])], Artifacts::default());
        assert_eq!(answers, [format!("ok {} bytes {PASSWD:?}", PASSWD.len())]);
        self.host_is_untouched();
    }

    /// The host's file and the input image are as they were, and the working copy is sound.
    pub(crate) fn host_is_untouched(&self) {
        assert_eq!(std::fs::read_to_string(self.canary()).unwrap(), CANARY);
        let mut names: Vec<_> =
            std::fs::read_dir(self.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != "artifacts");
        names.sort();
        assert_eq!(names, ["base.img", "canary", "work.img"]);
        assert!(
            std::fs::read(self.directory.path().join("base.img")).unwrap() == self.base,
            "the input changed"
        );
        self.tree.lock().unwrap().flush().unwrap();
        let work = self.directory.path().join("work.img");
        tool(system("e2fsck").args(["-f", "-n"]).arg(work));
    }
}

/// A call for the guest `calls`: its name and parameters as JSON.
#[derive(Clone)]
pub(crate) struct Call(String);

pub(crate) fn call(name: &str, parameters: &[&str]) -> Call {
    call_with(name, parameters, &[])
}

impl Call {
    /// With further parameters, as JSON, behind those it has.
    pub(crate) fn with(self, parameters: &str) -> Self {
        let (name, first) = self.0.trim_matches(['{', '}']).split_once(':').unwrap();
        Self(format!("{{{name}:[{first},{parameters}]}}"))
    }
}

/// As [`call`], with numbers behind the text.
pub(crate) fn call_with(name: &str, text: &[&str], numbers: &[u64]) -> Call {
    let text = text.iter().map(|text| serde_json::to_string(text).unwrap());
    let parameters: Vec<String> = text.chain(numbers.iter().map(u64::to_string)).collect();
    Call(match parameters.as_slice() {
        [] => format!("{name:?}"),
        [one] => format!("{{{name:?}:{one}}}"),
        many => format!("{{{name:?}:[{}]}}", many.join(",")),
    })
}

pub(crate) fn settings(calls: &[Call]) -> String {
    let calls: Vec<&str> = calls.iter().map(|call| call.0.as_str()).collect();
    format!(r#"{{"calls":[{}]}}"#, calls.join(","))
}

/// Settings of the guest `misbehave`.
pub(crate) fn behaviour(name: &str) -> String {
    format!(r#"{{"behaviour":{name:?}}}"#)
}

pub(crate) fn facts() -> StepFacts {
    StepFacts { architecture: "x86_64".to_owned(), source_date_epoch: EPOCH, seed: [7; 32] }
}

/// All files, secrets and device nodes left out.
pub(crate) fn everything() -> Scope {
    scope(None, &["/**"])
}

pub(crate) fn scope(read: Option<&[&str]>, write: &[&str]) -> Scope {
    Scope::parse(read, write, false).unwrap()
}

/// What the error is, and that it names the step and all of `words`.
#[track_caller]
pub(crate) fn assert_error<T>(result: Result<T, Error>, kind: &ErrorKind, words: &[&str]) {
    let error = result.err().expect("it went well");
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert_eq!(error.step(), STEP);
    for word in words.iter().chain(&["`trouble`"]) {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

/// A sandbox that shares compiled code with the other tests.
pub(crate) fn new_sandbox() -> Sandbox {
    Sandbox::new(Some(CodeCache::open(&target().join("code")).unwrap())).unwrap()
}

/// A component built from `tests/guests`.
pub(crate) fn component(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let path = BUILT.get_or_init(build).join(format!("{}.wasm", name.replace('-', "_")));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests")
}

/// Where the guests are built: beside what cargo builds for the workspace.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests")
}

/// Builds all guests; what is up to date costs cargo a moment only, and its own lock keeps other tests waiting.
fn build() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // Flags for the host's compiler, and what cargo tells about the crate under test.
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_ENCODED_", "RUSTFLAGS"]
            .iter()
            .any(|p| text.starts_with(p))
        {
            cargo.env_remove(&name);
        }
    }
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", "wasm32-wasip2", "--target-dir"]);
    tool(cargo.arg(target()).current_dir(guests()));
    target().join("wasm32-wasip2/release")
}

/// An ext4 image with an ordinary tree and every trap that a path can lead into.
fn make_image(image: &Path, directory: &Path, canary: &Path) {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let root = directory.join("root");
    for name in ["etc", "tmp", "dev", "proc", "names", "usr/lib"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), PASSWD).unwrap();
    std::fs::write(root.join("etc/hostname"), "image\n").unwrap();
    std::fs::write(root.join("names").join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "bytes").unwrap();
    File::create(root.join("large")).unwrap().set_len(20 << 20).unwrap();
    let links: [(&Path, &str); 7] = [
        (canary, "to-host"),
        (directory, "to-host-directory"),
        (Path::new("../../../../../../.."), "up"),
        (Path::new("/etc"), "absolute"),
        (Path::new("round"), "round"),
        (Path::new("/proc/self/environ"), "to-environment"),
        (Path::new("/dev/disk"), "to-disk"),
    ];
    for (target, name) in links {
        symlink(target, root.join(name)).unwrap();
    }
    File::create(image).unwrap().set_len(32 << 20).unwrap();
    tool(
        system("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-U", "6e9a4c3e-0b1c-4f7a-9a51-2f6f3c1a7b10", "-d"])
            .arg(&root)
            .args(["-E", "hash_seed=2f6f3c1a-7b10-4c3e-9a51-6e9a0b1c4f7a,root_owner=0:0"])
            .env("E2FSPROGS_FAKE_TIME", "1700000000")
            .arg(image),
    );
    std::fs::remove_dir_all(&root).unwrap();
    // The numbers are those of the host's first disk and of its null device.
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "cd dev\nmknod disk b 8 0\nmknod null c 1 3\nmknod pipe p\n").unwrap();
    tool(system("debugfs").arg("-w").arg("-f").arg(script.path()).arg(image));
}

pub(crate) fn open(image: &Path) -> Box<dyn Tree> {
    let clock = Timestamp { seconds: EPOCH as i64, nanoseconds: 0 };
    let file = File::options().read(true).write(true).open(image).unwrap();
    let len = file.metadata().unwrap().len();
    let mut tree = UserTree::new(clock);
    let window = Window::new(Arc::new(file), 0, len).unwrap();
    tree.mount_root(Ext4::open(window, clock).unwrap(), "ext4").unwrap();
    Box::new(tree)
}

/// A tool of the system; ordinary users often lack the directory it lies in.
pub(crate) fn system(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command
}

#[track_caller]
pub(crate) fn tool(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
}
