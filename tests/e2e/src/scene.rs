//! One test's place to work: a directory with the configuration, the build directory and the output.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use fixtures::{Distro, Format, Layout, Recipe};
use tempfile::TempDir;

use crate::product::Run;
use crate::{Outcome, failed};

/// Where made images are kept between runs: what `cargo xtask` says, else beside the test program.
///
/// # Errors
/// The test program does not lie in a target directory.
pub fn fixture_cache() -> Outcome<PathBuf> {
    match env::var_os("IMAGECUSTOMIZER_FIXTURES") {
        Some(directory) => Ok(directory.into()),
        None => Ok(target_directory()?.join("fixtures")),
    }
}

/// The directory cargo builds into: that which holds `debug/deps/TEST`.
pub(crate) fn target_directory() -> Outcome<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or_else(|| failed("the test program lies nowhere"))?;
    Ok(target.to_path_buf())
}

/// A raw fixture image.
///
/// # Errors
/// It could not be made.
pub fn fixture(distro: Distro, layout: Layout) -> Outcome<PathBuf> {
    Ok(fixtures::image(Recipe { distro, layout }, &fixture_cache()?)?)
}

/// A temporary directory, removed with all it holds at the end of the test.
pub struct Scene {
    directory: TempDir,
}

impl Scene {
    /// An empty one.
    ///
    /// # Errors
    /// No temporary directory can be made.
    pub fn new() -> Outcome<Self> {
        let directory = tempfile::Builder::new().prefix("imagecustomizer-e2e-").tempdir()?;
        fs::create_dir(directory.path().join("out"))?;
        Ok(Self { directory })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file and the directories above it, and returns its path.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Outcome<PathBuf> {
        let path = self.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, content)?;
        Ok(path)
    }

    /// Copies `raw`, converted to `format`, into the scene; sparse, so it is cheap.
    ///
    /// # Errors
    /// It could not be converted or copied.
    pub fn base(&self, raw: &Path, format: Format) -> Outcome<PathBuf> {
        let source = fixtures::converted(raw, format)?;
        let path = self.join(&format!("base.{}", format.name()));
        let mut copy = fixtures::process::command("cp");
        fixtures::process::output(copy.args(["--sparse=always", "--reflink=auto"]).arg(source).arg(&path))?;
        Ok(path)
    }

    /// A run of `customize` with `config` (YAML text) on `base`, writing `out/image.FORMAT`.
    ///
    /// # Errors
    /// The configuration could not be written.
    pub fn customize(&self, base: &Path, config: &str, format: Format) -> Outcome<Run> {
        let config = self.write("config.yaml", config)?;
        Ok(Run::customize(base, &config, &self.join("build"), &self.output(format), format))
    }

    /// Where [`Scene::customize`] writes.
    pub fn output(&self, format: Format) -> PathBuf {
        self.join(&format!("out/image.{}", format.name()))
    }

    /// Names of everything in a directory of the scene, sorted.
    ///
    /// # Errors
    /// It could not be read.
    pub fn listing(&self, name: &str) -> Outcome<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.join(name))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}
