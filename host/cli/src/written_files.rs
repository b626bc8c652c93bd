//! Files that a run writes besides its output must not be the files that it reads, nor the output, nor each other.

use std::path::Path;

use engine::{FileIdentity, WrittenFile, is_below};

use crate::arguments::{Command, CommandLine, StepCommand};

/// A path on the command line: the flag that gives it, and whether a report or log goes there.
pub(crate) struct Named<'a> {
    pub(crate) flag: &'static str,
    pub(crate) path: &'a Path,
    pub(crate) is_side_file: bool,
}

/// Refuses a side file that is also named by another flag, through whatever links, or lies in a directory that is.
pub(crate) fn check(files: &[Named<'_>]) -> Result<(), String> {
    let side_files = || files.iter().filter(|file| file.is_side_file);
    for directory in files.iter().filter(|file| !file.is_side_file) {
        if let Some(file) = side_files().find(|file| is_below(file.path, directory.path)) {
            let (flag, path) = (file.flag, file.path.display());
            let (other, directory) = (directory.flag, directory.path.display());
            let text = format!("`{flag}` names `{path}`, which lies in `{other}`, `{directory}`");
            return Err(format!("{text}; name a file elsewhere"));
        }
    }
    let identified: Vec<(&Named<'_>, FileIdentity)> =
        files.iter().map(|file| (file, FileIdentity::of(file.path))).collect();
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
    let mut add = |flag, path: Option<&'a Path>, is_side_file| {
        let path = path.filter(|path| !path.as_os_str().is_empty());
        files.extend(path.map(|path| Named { flag, path, is_side_file }));
    };
    add("--log-file", line.global.log_file.as_deref(), true);
    add("--timestamp-file", line.global.timestamp_file.as_deref(), true);
    add("--telemetry-log", line.global.telemetry_log.as_deref(), true);
    match &line.command {
        Command::Customize(flags) => {
            add("--report", flags.report.as_deref(), true);
            add("--trace-steps", flags.trace_steps.as_deref(), true);
            add("--config-file", Some(&flags.config_file), false);
            add("--image-file", flags.image_file.as_deref(), false);
            add("--output-image-file", flags.output_image_file.as_deref(), false);
        }
        Command::Convert(flags) => {
            add("--image-file", Some(&flags.image_file), false);
            add("--output-image-file", Some(&flags.output_image_file), false);
        }
        Command::ValidateConfig(flags) => add("--config-file", Some(&flags.config_file), false),
        Command::Step(flags) => match &flags.command {
            StepCommand::Run(flags) => {
                add("--trace", flags.trace.as_deref(), true);
                add("FILE", Some(&flags.component), false);
                add("--image", flags.image.as_deref(), false);
                add("--root", flags.root.as_deref(), false);
                add("--settings", Some(Path::new(&flags.settings)), false);
                for artifact in &flags.artifact {
                    add("--artifact", artifact.split_once('=').map(|(_, path)| Path::new(path)), false);
                }
            }
            StepCommand::Push(flags) => add("FILE", Some(&flags.component), false),
            StepCommand::Pull(flags) => add("--output", flags.output.as_deref(), false),
            _ => {}
        },
        _ => {}
    }
    files
}

/// What a run writes besides its output, for the engine to compare with what a configuration names.
pub(crate) fn written(line: &CommandLine) -> Vec<WrittenFile> {
    let side_files = named(line).into_iter().filter(|file| file.is_side_file);
    side_files.map(|Named { flag, path, .. }| WrittenFile { flag, path: path.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        fs::create_dir(path("root")).unwrap();
        for (name, fine) in [("root/file", false), ("here/root/new", false), ("root-2", true)] {
            let (root, trace) = (path("root"), path(name));
            let files = [
                Named { flag: "--trace", path: &trace, is_side_file: true },
                Named { flag: "--root", path: &root, is_side_file: false },
            ];
            assert_eq!(check(&files).is_ok(), fine, "{name}");
        }
        let input = path("in.raw");
        let same = |flag| Named { flag, path: &input, is_side_file: false };
        assert!(check(&[same("--image-file"), same("--output-image-file")]).is_ok());
    }
}
