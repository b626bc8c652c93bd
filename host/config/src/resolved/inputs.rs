//! The files and folders of this machine that a configuration is read from, and that it names as its inputs.

use std::path::PathBuf;

use super::{
    ComponentPlace, ConfigFile, FileSource, FileToPlace, PasswordSource, ResolvedConfig, ResolvedInput,
};
use crate::source::Located;

/// A file or folder that a run reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// What names it: a flag, or a field as in messages.
    pub name: String,
    /// Where it is, absolute.
    pub path: PathBuf,
}

impl InputFile {
    fn new(name: impl Into<String>, path: PathBuf) -> Self {
        Self { name: name.into(), path }
    }
}

impl ResolvedConfig {
    /// What a run reads besides the base image: the files of the chain, and all that they name. Nothing is looked at.
    pub fn input_files(&self) -> Vec<InputFile> {
        let mut inputs = Vec::new();
        for (index, file) in self.files().iter().enumerate() {
            let name = if index + 1 == self.files().len() { "--config-file" } else { "baseConfigs" };
            inputs.push(InputFile::new(name, file.path.clone()));
            add_files(file, &mut inputs);
            add_packages_and_users(file, &mut inputs);
            add_steps(file, &mut inputs);
        }
        for (section, live) in [("iso", self.iso()), ("pxe", self.pxe())] {
            add_placed(&format!("{section}.additionalFiles"), &live.additional_files, &mut inputs);
        }
        inputs
    }

    /// The base image, if it is a file.
    pub fn input_image(&self) -> Option<InputFile> {
        let Located { value: ResolvedInput::File(path), at } = self.input()? else { return None };
        Some(InputFile::new(if at.is_known() { "input.image.path" } else { "--image-file" }, path))
    }
}

fn add_placed(name: &str, files: &[FileToPlace<'_>], inputs: &mut Vec<InputFile>) {
    for (index, file) in files.iter().enumerate() {
        if let FileSource::Path(path) = &file.source {
            inputs.push(InputFile::new(format!("{name}[{index}].source"), path.clone()));
        }
    }
}

fn add_files(file: &ConfigFile, inputs: &mut Vec<InputFile>) {
    add_placed("os.additionalFiles", &file.additional_files(), inputs);
    for (index, item) in file.additional_dirs().into_iter().enumerate() {
        inputs.push(InputFile::new(format!("os.additionalDirs[{index}].source"), item.source));
    }
    let lists = [
        ("postCustomization", file.post_customization()),
        ("finalizeCustomization", file.finalize_customization()),
    ];
    for (name, scripts) in lists {
        for (index, script) in scripts.into_iter().enumerate() {
            if let FileSource::Path(path) = script.body {
                inputs.push(InputFile::new(format!("scripts.{name}[{index}].path"), path));
            }
        }
    }
}

fn add_packages_and_users(file: &ConfigFile, inputs: &mut Vec<InputFile>) {
    let Some(os) = file.os() else { return };
    let packages = &os.packages;
    let lists = [
        ("installLists", &packages.install_lists),
        ("removeLists", &packages.remove_lists),
        ("updateLists", &packages.update_lists),
    ];
    for (name, list) in lists {
        for (index, path) in list.iter().enumerate() {
            inputs.push(InputFile::new(format!("os.packages.{name}[{index}]"), file.resolve(path)));
        }
    }
    for (index, user) in os.users.iter().enumerate() {
        for (key, path) in file.ssh_public_key_paths(user).into_iter().enumerate() {
            inputs.push(InputFile::new(format!("os.users[{index}].sshPublicKeyPaths[{key}]"), path.value));
        }
        if let Some(PasswordSource::PlainTextFile(path) | PasswordSource::HashedFile(path)) =
            file.password(user)
        {
            inputs.push(InputFile::new(format!("os.users[{index}].password.value"), path));
        }
    }
}

fn add_steps(file: &ConfigFile, inputs: &mut Vec<InputFile>) {
    for step in file.custom_steps() {
        let index = step.index;
        if let ComponentPlace::File(path) = step.component() {
            inputs.push(InputFile::new(format!("steps[{index}].component"), path));
        }
        for (name, path) in step.artifacts() {
            inputs.push(InputFile::new(format!("steps[{index}].artifacts.{name}"), path.value));
        }
    }
}
