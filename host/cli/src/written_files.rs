//! Files that a run writes besides its output must not be the files that it reads, nor the output, nor each other.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::arguments::{Command, CommandLine, StepCommand};

/// A path on the command line: the flag that gives it, and whether a report or log goes there.
pub(crate) struct Named<'a> {
    pub(crate) flag: &'static str,
    pub(crate) path: &'a Path,
    pub(crate) is_side_file: bool,
}

/// Refuses a side file that is also named by another flag, through whatever links.
pub(crate) fn check(files: &[Named<'_>]) -> Result<(), String> {
    let identified: Vec<(&Named<'_>, Identity)> =
        files.iter().map(|file| (file, Identity::of(file.path))).collect();
    for (index, (first, identity)) in identified.iter().enumerate() {
        for (second, _) in identified.iter().skip(index + 1).filter(|(_, other)| other == identity) {
            if first.is_side_file || second.is_side_file {
                let (one, other) = (first.flag, second.flag);
                let text = format!("`{one}` and `{other}` name the same file `{}`", first.path.display());
                return Err(format!("{text}; give each a file of its own"));
            }
        }
    }
    Ok(())
}

/// The files that a command line names.
pub(crate) fn named<'a>(line: &'a CommandLine) -> Vec<Named<'a>> {
    let mut files = Vec::new();
    let mut add = |flag, path: Option<&'a PathBuf>, is_side_file| {
        let path = path.filter(|path| !path.as_os_str().is_empty());
        files.extend(path.map(|path| Named { flag, path, is_side_file }));
    };
    add("--log-file", line.global.log_file.as_ref(), true);
    add("--timestamp-file", line.global.timestamp_file.as_ref(), true);
    add("--telemetry-log", line.global.telemetry_log.as_ref(), true);
    match &line.command {
        Command::Customize(flags) => {
            add("--report", flags.report.as_ref(), true);
            add("--trace-steps", flags.trace_steps.as_ref(), true);
            add("--config-file", Some(&flags.config_file), false);
            add("--image-file", flags.image_file.as_ref(), false);
            add("--output-image-file", flags.output_image_file.as_ref(), false);
        }
        Command::Convert(flags) => {
            add("--image-file", Some(&flags.image_file), false);
            add("--output-image-file", Some(&flags.output_image_file), false);
        }
        Command::ValidateConfig(flags) => add("--config-file", Some(&flags.config_file), false),
        Command::Step(flags) => match &flags.command {
            StepCommand::Run(flags) => {
                add("--trace", flags.trace.as_ref(), true);
                add("FILE", Some(&flags.component), false);
                add("--image", flags.image.as_ref(), false);
            }
            StepCommand::Push(flags) => add("FILE", Some(&flags.component), false),
            StepCommand::Pull(flags) => add("--output", flags.output.as_ref(), false),
            _ => {}
        },
        _ => {}
    }
    files
}

/// What tells files apart: the inode of one that exists, else the place where it would be made.
#[derive(Eq, PartialEq)]
enum Identity {
    Inode { device: u64, inode: u64 },
    Place(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        if let Ok(metadata) = fs::metadata(path) {
            return Self::Inode { device: metadata.dev(), inode: metadata.ino() };
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let place = match (absolute.parent().map(fs::canonicalize), absolute.file_name()) {
            (Some(Ok(parent)), Some(name)) => parent.join(name),
            _ => absolute,
        };
        Self::Place(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_file_is_no_other_file() {
        let scene = tempfile::tempdir().unwrap();
        let path = |name: &str| scene.path().join(name);
        fs::write(path("in.raw"), "x").unwrap();
        std::os::unix::fs::symlink("in.raw", path("link")).unwrap();
        std::os::unix::fs::symlink(".", path("here")).unwrap();
        let cases = [
            ("in.raw", "report", true),
            ("in.raw", "in.raw", false),
            ("in.raw", "link", false),
            ("new", "here/new", false),
            ("new", "./new", false),
        ];
        for (one, other, fine) in cases {
            let (one, other) = (path(one), path(other));
            let files = [
                Named { flag: "--image-file", path: &one, is_side_file: false },
                Named { flag: "--report", path: &other, is_side_file: true },
            ];
            assert_eq!(check(&files).is_ok(), fine, "{} {}", one.display(), other.display());
        }
        let input = path("in.raw");
        let same = |flag| Named { flag, path: &input, is_side_file: false };
        assert!(check(&[same("--image-file"), same("--output-image-file")]).is_ok());
    }
}
