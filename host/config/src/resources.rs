//! The files that a configuration names: whether they are there, and of the right kind.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::os::User;
use crate::model::output::ImageFormat;
use crate::resolved::{
    ComponentPlace, ConfigFile, DirToPlace, FileSource, FileToPlace, PasswordSource, ResolvedConfig,
    ResolvedInput, ScriptToRun,
};
use crate::rule::Rule;
use crate::source::{Located, Span};

/// What to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Files and folders of this machine.
    pub files: bool,
    /// Images in registries.
    pub oci: bool,
}

impl Resources {
    /// Files and folders alone.
    pub const FILES: Self = Self { files: true, oci: false };
}

impl ResolvedConfig {
    /// Looks at what the configuration names, in the order of the reference program.
    ///
    /// # Errors
    /// What is missing or of the wrong kind. Registries are not looked at yet: asking for one that
    /// the configuration names is an error of kind [`crate::Kind::Unsupported`].
    pub fn validate_resources(&self, what: Resources) -> Result<(), Diagnostics> {
        let mut problems = Vec::new();
        if what.oci {
            self.check_registry(&mut problems);
        }
        if what.files {
            for source in &self.options().overrides.rpm_sources {
                check_rpm_source(source, &mut problems);
            }
            self.check_input(&mut problems);
            for file in self.iso().additional_files.iter().chain(&self.pxe().additional_files) {
                check_file_source(file, &mut problems);
            }
            for file in self.files() {
                check_config_file(file, &mut problems);
            }
            for file in self.files() {
                check_scripts(file, &mut problems);
            }
            self.check_output(&mut problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(self.fail(problems)) }
    }

    fn check_registry(&self, problems: &mut Vec<Diagnostic>) {
        if let Some(input) = self.input()
            && !matches!(input.value, ResolvedInput::File(_))
        {
            let message = "images in registries are not supported yet";
            problems.push(
                Diagnostic::new(Rule::Unsupported, "input.image", input.at, message)
                    .hint("download the image, and name the file in `input.image.path`"),
            );
        }
    }

    fn check_input(&self, problems: &mut Vec<Diagnostic>) {
        let Some(Located { value: ResolvedInput::File(path), at }) = self.input() else { return };
        let unreadable = if at.is_known() { Rule::InputFileConfig } else { Rule::InputFileOption };
        match look(&path) {
            Err(reason) => problems.push(problem(unreadable, "base image", &path, &reason, at)),
            Ok(metadata) if metadata.is_dir() => {
                problems.push(problem(Rule::InputFileNotFile, "base image", &path, "it is a folder", at));
            }
            Ok(_) => {}
        }
    }

    fn check_output(&self, problems: &mut Vec<Diagnostic>) {
        let to_folder = self.output_format().is_some_and(|format| format.value == ImageFormat::PxeDir);
        if let Some(Located { value: path, at }) = self.output_path() {
            let unusable = if at.is_known() { Rule::OutputFileConfig } else { Rule::OutputFileOption };
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && !to_folder => {
                    problems.push(problem(Rule::OutputIsFolder, "output file", &path, "it is a folder", at));
                }
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    problems.push(problem(unusable, "output file", &path, &reason(&error), at));
                }
                _ => {}
            }
        }
        if let Some(Located { value: path, at }) = self.selinux_policy_path() {
            let what = "folder for the SELinux policy";
            let (unusable, is_file) = match at.is_known() {
                true => (Rule::SelinuxPolicyConfig, Rule::SelinuxPolicyIsFileConfig),
                false => (Rule::SelinuxPolicyOption, Rule::SelinuxPolicyIsFileOption),
            };
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    problems.push(problem(is_file, what, &path, "it is a file", at));
                }
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    problems.push(problem(unusable, what, &path, &reason(&error), at));
                }
                _ => {}
            }
        }
    }
}

fn problem(rule: Rule, what: &str, path: &Path, reason: &str, at: Span) -> Diagnostic {
    Diagnostic::new(rule, "", at, format!("the {what} `{}` cannot be used: {reason}", path.display()))
}

fn look(path: &Path) -> Result<Metadata, String> {
    fs::metadata(path).map_err(|error| reason(&error))
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "access is denied".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is a file".to_owned(),
        _ => error.to_string(),
    }
}

/// A source of packages is a folder, or a file that describes repositories.
fn check_rpm_source(path: &Path, problems: &mut Vec<Diagnostic>) {
    let at = Span::default();
    match look(path) {
        Err(reason) => problems.push(problem(Rule::RpmSourceMissing, "package source", path, &reason, at)),
        Ok(metadata) if !metadata.is_dir() && path.extension().is_none_or(|end| end != "repo") => {
            let reason = "it is neither a folder nor a `.repo` file";
            problems.push(problem(Rule::RpmSourceKind, "package source", path, reason, at));
        }
        Ok(_) => {}
    }
}

fn check_config_file(file: &ConfigFile, problems: &mut Vec<Diagnostic>) {
    for item in file.additional_files() {
        check_file_source(&item, problems);
    }
    for item in file.additional_dirs() {
        check_dir_source(&item, problems);
    }
    for step in file.custom_steps() {
        if let ComponentPlace::File(path) = step.component() {
            let rules = (Rule::StepComponentFile, Rule::StepComponentFile);
            let at = step.item.component.as_ref().map_or(step.item.at, |component| component.at);
            check_regular(&path, "component", rules, at, problems);
        }
        for (name, path) in step.artifacts() {
            let reason = match look(&path.value) {
                Ok(metadata) if metadata.is_file() || metadata.is_dir() => continue,
                Ok(_) => "it is neither a regular file nor a folder".to_owned(),
                Err(reason) => reason,
            };
            let what = format!("artifact `{name}`");
            problems.push(problem(Rule::StepArtifactMissing, &what, &path.value, &reason, path.at));
        }
    }
    for user in file.os().map(|os| os.users.as_slice()).unwrap_or_default() {
        check_user(file, user, problems);
    }
}

fn check_file_source(item: &FileToPlace<'_>, problems: &mut Vec<Diagnostic>) {
    let FileSource::Path(path) = &item.source else { return };
    match look(path) {
        Err(reason) => problems.push(problem(Rule::AdditionalFileMissing, "file", path, &reason, item.at)),
        Ok(metadata) if !metadata.is_file() => {
            let reason = "it is not a regular file";
            problems.push(problem(Rule::AdditionalFileNotFile, "file", path, reason, item.at));
        }
        Ok(_) => {}
    }
}

fn check_dir_source(item: &DirToPlace<'_>, problems: &mut Vec<Diagnostic>) {
    let (path, at) = (&item.source, item.item.at);
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            problems.push(problem(Rule::AdditionalDirMissing, "folder", path, &reason(&error), at));
        }
        Err(error) => {
            problems.push(problem(Rule::AdditionalDirUnreadable, "folder", path, &reason(&error), at));
        }
        Ok(metadata) if !metadata.is_dir() => {
            problems.push(problem(Rule::AdditionalDirNotDir, "folder", path, "it is not a folder", at));
        }
        Ok(_) => {}
    }
}

fn check_user(file: &ConfigFile, user: &User, problems: &mut Vec<Diagnostic>) {
    for key in file.ssh_public_key_paths(user) {
        let rules = (Rule::PublicKeyMissing, Rule::PublicKeyNotFile);
        check_regular(&key.value, "public key file", rules, key.at, problems);
    }
    let path = match file.password(user) {
        Some(PasswordSource::PlainTextFile(path) | PasswordSource::HashedFile(path)) => path,
        _ => return,
    };
    let at = user.password.as_ref().map_or(user.at, |password| password.at);
    let rules = (Rule::PasswordFileMissing, Rule::PasswordFileNotFile);
    check_regular(&path, "password file", rules, at, problems);
}

/// A regular file must be there. The rules: for one that is not, and for something else.
fn check_regular(path: &Path, what: &str, rules: (Rule, Rule), at: Span, problems: &mut Vec<Diagnostic>) {
    match look(path) {
        Err(reason) => problems.push(problem(rules.0, what, path, &reason, at)),
        Ok(metadata) if !metadata.is_file() => {
            problems.push(problem(rules.1, what, path, "it is not a regular file", at));
        }
        Ok(_) => {}
    }
}

fn check_scripts(file: &ConfigFile, problems: &mut Vec<Diagnostic>) {
    for script in file.post_customization() {
        let rules = (Rule::PostScriptUnreadable, Rule::PostScriptNotFile);
        check_script(&script, rules, problems);
    }
    for script in file.finalize_customization() {
        let rules = (Rule::FinalizeScriptUnreadable, Rule::FinalizeScriptNotFile);
        check_script(&script, rules, problems);
    }
}

fn check_script(script: &ScriptToRun<'_>, rules: (Rule, Rule), problems: &mut Vec<Diagnostic>) {
    let FileSource::Path(path) = &script.body else { return };
    let before = problems.len();
    check_regular(path, "script", rules, script.item.at, problems);
    if problems.len() > before {
        return;
    }
    if let Err(error) = File::open(path) {
        problems.push(problem(rules.0, "script", path, &reason(&error), script.item.at));
    }
}
