//! `--report`: made before the run, so that a path that cannot be written is known then; filled after it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use telemetry::registry::ErrorType;

use crate::failure::Failure;
use crate::whole_file::{self, Existing, WholeFile};

/// Where the report goes.
pub(crate) struct ReportFile {
    path: PathBuf,
    target: Target,
}

enum Target {
    /// It appears at its path when it is whole.
    Whole(WholeFile),
    /// A pipe or a device, such as `/dev/stdout`, is written to.
    Special(File),
}

impl ReportFile {
    /// Makes the directories above `path`, and a hidden file beside it.
    pub(crate) fn prepare(path: PathBuf) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(Failure::new(format!("the report `{}` is a directory", path.display())));
        }
        let text = format!("cannot make the report `{}`", path.display());
        let target = Target::prepare(&path)
            .map_err(|error| Failure::because(text, &error).reported_as(ErrorType::OutputWrite))?;
        Ok(Self { path, target })
    }

    /// Writes the report and gives the file its name.
    pub(crate) fn write(self, report: &impl Serialize) -> Result<(), Failure> {
        let text = format!("cannot write the report `{}`", self.path.display());
        self.target
            .write(report)
            .map_err(|error| Failure::because(text, &error).reported_as(ErrorType::OutputWrite))
    }
}

impl Target {
    fn prepare(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return File::options().write(true).open(path).map(Self::Special);
        }
        fs::create_dir_all(whole_file::directory(path))?;
        WholeFile::begin(path).map(Self::Whole)
    }

    fn write(self, report: &impl Serialize) -> io::Result<()> {
        match self {
            Self::Whole(mut file) => {
                write_json(&mut file, report)?;
                file.finish(Existing::Replace)
            }
            Self::Special(mut file) => write_json(&mut file, report),
        }
    }
}

fn write_json(mut writer: impl Write, report: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, report)?;
    writer.write_all(b"\n")
}
