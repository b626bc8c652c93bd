//! Makes the plan: which steps run in which order, and what each is given. The order is the reference program's.

mod accounts;
mod content;
mod custom;

use crate::error::Result;
use crate::facts::{ImageFacts, InputFact, OutputFact, RunFacts};
use crate::plan::{ArtifactSource, BackEnd, BuiltIn, Limits, Plan, PlannedStep, Seal, Step};
use config::ResolvedConfig;
use config::os::{LoadMode, Module};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the plan of a run.
///
/// # Errors
/// When the image's distribution is not supported, or not without a preview feature that the configuration lacks.
pub fn make(
    config: &ResolvedConfig,
    run: &RunFacts,
    input: InputFact,
    image: ImageFacts,
    output: OutputFact,
) -> Result<Plan> {
    let features: BTreeSet<String> =
        config.preview_features().iter().map(|feature| feature.word().to_owned()).collect();
    image.distribution.check_previews(&features)?;
    Ok(Plan { input, back_end: BACK_END, steps: steps(config, run), seal: seal(&image), image, output })
}

const BACK_END: BackEnd = BackEnd {
    name: "user-space",
    reason: "no step runs a program of the image, and every file system to be written is ext4 or FAT",
};

fn seal(image: &ImageFacts) -> Vec<Seal> {
    image
        .file_systems
        .iter()
        .filter_map(|file_system| {
            let check = match file_system.kind.as_str() {
                "ext2" | "ext3" | "ext4" => "e2fsck -fn",
                "vfat" => "fsck.fat -n",
                _ => return None,
            };
            Some(Seal { file_system: file_system.clone(), trim: true, check })
        })
        .collect()
}

/// One file of the configuration chain with its place in it.
#[derive(Clone, Copy)]
struct File<'a> {
    file: &'a config::ConfigFile,
    index: usize,
    only: bool,
}

impl File<'_> {
    /// How the plan names a field of this file.
    fn field(&self, field: &str) -> String {
        if self.only { format!("`{field}`") } else { format!("`{field}` in `{}`", self.file.path.display()) }
    }

    /// A name for artifacts that no other file of the chain uses.
    fn artifact(&self, name: &str) -> String {
        format!("{}/{name}", self.index)
    }
}

fn steps(config: &ResolvedConfig, run: &RunFacts) -> Vec<PlannedStep> {
    custom::insert(config, run, built_in(config, run))
}

fn built_in(config: &ResolvedConfig, run: &RunFacts) -> Vec<PlannedStep> {
    let chain = config.files();
    let files: Vec<File<'_>> =
        chain.iter().enumerate().map(|(index, file)| File { file, index, only: chain.len() == 1 }).collect();
    let mut steps = Vec::new();
    if let Some(hostname) = config.hostname() {
        steps.push(step(BuiltIn::Hostname, "`os.hostname`".to_owned(), json!({ "name": hostname.value })));
    }
    for file in &files {
        steps.extend(accounts::groups(*file));
        steps.extend(accounts::users(*file));
    }
    steps.extend(files.iter().filter_map(|file| content::directories(*file)));
    steps.extend(files.iter().filter_map(|file| content::files(*file)));
    steps.extend(files.iter().filter_map(|file| services(*file)));
    steps.extend(files.iter().filter_map(|file| modules(*file)));
    steps.push(release_file(run));
    if config.keeps_history() {
        steps.push(history(run));
    }
    steps
}

fn step(step: BuiltIn, reason: String, settings: Value) -> PlannedStep {
    PlannedStep {
        step: Step::BuiltIn(step),
        reason,
        component: None,
        scope: None,
        limits: Limits::default(),
        settings,
        artifacts: BTreeMap::new(),
    }
}

fn step_with(
    which: BuiltIn,
    reason: String,
    settings: Value,
    artifacts: BTreeMap<String, ArtifactSource>,
) -> PlannedStep {
    PlannedStep { artifacts, ..step(which, reason, settings) }
}

fn services(file: File<'_>) -> Option<PlannedStep> {
    let services = &file.file.os()?.services;
    if services.enable.is_empty() && services.disable.is_empty() {
        return None;
    }
    let names =
        |list: &[config::Located<String>]| list.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
    let settings = json!({ "enable": names(&services.enable), "disable": names(&services.disable) });
    Some(step(BuiltIn::Services, file.field("os.services"), settings))
}

fn modules(file: File<'_>) -> Option<PlannedStep> {
    let modules = &file.file.os()?.modules;
    if modules.is_empty() {
        return None;
    }
    let settings = json!({ "modules": modules.iter().map(module).collect::<Vec<_>>() });
    Some(step(BuiltIn::Modules, file.field("os.modules"), settings))
}

fn module(module: &Module) -> Value {
    let mode = match module.load_mode.as_ref().map(|mode| mode.value) {
        Some(LoadMode::Always) => "always",
        Some(LoadMode::Auto) => "auto",
        Some(LoadMode::Disable) => "disable",
        Some(LoadMode::Inherit) | None => "inherit",
    };
    let options: serde_json::Map<String, Value> = module
        .options
        .iter()
        .map(|(key, value)| (key.value.clone(), Value::from(value.value.clone())))
        .collect();
    json!({ "name": content::text(module.name.as_ref()), "loadMode": mode, "options": options })
}

fn release_file(run: &RunFacts) -> PlannedStep {
    let settings = json!({
        "toolVersion": run.tool_version,
        "buildDate": run.build_date,
        "imageUuid": run.image_uuid,
    });
    step(BuiltIn::ReleaseFile, "every run".to_owned(), settings)
}

fn history(run: &RunFacts) -> PlannedStep {
    let settings = json!({
        "timestamp": run.build_date,
        "toolVersion": run.tool_version,
        "imageUuid": run.image_uuid,
        "config": run.history_config,
    });
    step(BuiltIn::History, "every run, unless `os.imageHistory` is `none`".to_owned(), settings)
}
