//! Rules of the configuration of `inject-files`.

use super::{Checker, PasswordPolicy, given};
use crate::diagnostic::Diagnostic;
use crate::inject::InjectConfig;
use crate::model::preview::PreviewFeature;
use crate::rule::Rule;

pub(crate) fn check_inject_config(config: &InjectConfig) -> Vec<Diagnostic> {
    let mut checker = Checker { problems: Vec::new(), passwords: PasswordPolicy::Any };
    if !config.preview_features.iter().any(|feature| feature.value == PreviewFeature::InjectFiles) {
        let message = "injecting files needs the preview feature `inject-files`";
        let hint = "add `inject-files` to `previewFeatures` of this file";
        checker.fail_hint(Rule::InjectPreview, "previewFeatures", config.at, message, hint);
    }
    for (index, file) in config.inject_files.iter().enumerate() {
        let field = format!("injectFiles[{index}]");
        let id = &file.partition.id;
        if given(id).is_none() {
            let at = id.as_ref().map_or(file.at, |id| id.at);
            let field = format!("{field}.partition.id");
            checker.fail(Rule::InjectPartition, &field, at, format!("`{field}` is required"));
        }
        checker.required(Rule::InjectSource, &format!("{field}.source"), &file.source, file.at);
        checker.required(
            Rule::InjectDestination,
            &format!("{field}.destination"),
            &file.destination,
            file.at,
        );
    }
    checker.problems
}
