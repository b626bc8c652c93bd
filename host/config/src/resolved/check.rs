//! Rules that relate the whole configuration to the command line.

use super::{ConfigFile, EffectivePackages, ResolvedConfig};
use crate::decode::{UsedField, Value as _};
use crate::diagnostic::Diagnostic;
use crate::model::output::ImageFormat;
use crate::model::preview::PreviewFeature;
use crate::options::Mode;
use crate::rule::Rule;
use crate::source::Span;
use crate::validate::steps;

impl ResolvedConfig {
    /// The rules that relate the files to each other and to the command line, up to the place where the
    /// package lists are read.
    pub(crate) fn check_files(&self) -> Vec<Diagnostic> {
        let mut problems = self.check_option_features();
        problems.extend(self.check_storage_once());
        problems
            .extend(steps::repeated(self.files.iter().flat_map(|file| file.config.steps.iter().enumerate())));
        let wants_input = self.options.mode == Mode::Customize && !self.options.tolerates_missing();
        if wants_input && self.input().is_none() {
            let hint = "set `input.image.path`, or give `--image-file`";
            let message = "no base image is named";
            problems.push(Diagnostic::new(Rule::InputRequired, "", Span::default(), message).hint(hint));
        }
        problems
    }

    /// The rules behind that place.
    pub(crate) fn check_options(&self) -> Vec<Diagnostic> {
        let mut problems = self.check_missing();
        if self.options.mode == Mode::Create {
            problems.extend(self.check_create());
        }
        if problems.is_empty() {
            problems.extend(self.check_package_manager());
        }
        problems
    }

    /// Only one file of a chain may say anything about storage.
    fn check_storage_once(&self) -> Option<Diagnostic> {
        let mut owners = self.files.iter().filter_map(|file| {
            let mut used = Vec::new();
            file.config.storage.used("storage", &mut used);
            used.into_iter().next()
        });
        owners.next()?;
        let second = owners.next()?;
        let message = "`storage` is set in more than one file of the chain";
        let problem = Diagnostic::new(Rule::StorageOneFile, second.field, second.at, message);
        Some(problem.hint("keep it in one file"))
    }

    fn check_option_features(&self) -> Vec<Diagnostic> {
        let features = self.preview_features();
        let overrides = &self.options.overrides;
        let is_set = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.is_empty());
        let gates = [
            (
                is_set(&overrides.package_snapshot_time),
                "--package-snapshot-time",
                PreviewFeature::PackageSnapshotTime,
                Rule::OptionSnapshotTimePreview,
            ),
            (is_set(&overrides.image), "--image", PreviewFeature::InputImageOci, Rule::OptionImagePreview),
            (
                overrides.tools_dir.is_some(),
                "--tools-dir",
                PreviewFeature::ToolsDir,
                Rule::OptionToolsDirPreview,
            ),
            (self.options.mode == Mode::Create, "create", PreviewFeature::Create, Rule::CreatePreview),
        ];
        let used = gates.into_iter().filter(|(used, _, feature, _)| *used && !features.contains(feature));
        used.map(|(_, what, feature, rule)| {
            let message = format!("`{what}` needs the preview feature `{feature}`");
            Diagnostic::new(rule, "", Span::default(), message)
                .hint(format!("add `{feature}` to `previewFeatures` of the configuration"))
        })
        .collect()
    }

    /// What a complete run needs besides a base image.
    fn check_missing(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut fail = |rule, message: &str, hint: &str| {
            problems.push(Diagnostic::new(rule, "", Span::default(), message).hint(hint));
        };
        if self.options.tolerates_missing() {
            return problems;
        }
        if self.wants_packages() && self.lacks_package_sources() {
            let message = "packages are asked for, but there is no source to take them from";
            fail(Rule::PackageSources, message, "give `--rpm-source`");
        }
        if self.output_format().is_none() {
            let hint = "set `output.image.format`, or give `--output-image-format`";
            fail(Rule::OutputFormatRequired, "no output format is named", hint);
        }
        if self.output_path().is_none() {
            let hint = "set `output.image.path`, or give `--output-image-file`";
            fail(Rule::OutputPathRequired, "no output file is named", hint);
        }
        problems
    }

    fn wants_packages(&self) -> bool {
        self.files.iter().any(|file| {
            let updates = file.os().and_then(|os| os.packages.update_existing_packages);
            let EffectivePackages { install, update, .. } = &file.packages;
            !install.is_empty() || !update.is_empty() || updates.is_some_and(|updates| updates.value)
        })
    }

    fn lacks_package_sources(&self) -> bool {
        let overrides = &self.options.overrides;
        overrides.rpm_sources.is_empty() && overrides.disable_base_image_rpm_repos
    }

    /// An image made from packages has a disk, a source of packages, and nothing that starts from an
    /// image.
    fn check_create(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.options.overrides.rpm_sources.is_empty() {
            let message = "`create` needs a source of packages";
            problems.push(Diagnostic::new(Rule::PackageSources, "", Span::default(), message));
        }
        if self.files.iter().all(|file| file.config.storage.disks.is_empty()) {
            let message = "`create` needs `storage.disks`";
            problems.push(Diagnostic::new(Rule::CreateDisks, "storage.disks", Span::default(), message));
        }
        problems.extend(self.files.iter().filter_map(excluded_from_create));
        problems
    }

    /// Live images and COSI need the package manager's database.
    fn check_package_manager(&self) -> Option<Diagnostic> {
        let removes = self.removes_package_manager().filter(|removes| removes.value)?;
        let format = self.output_format()?;
        let refused = matches!(
            format.value,
            ImageFormat::Iso
                | ImageFormat::PxeDir
                | ImageFormat::PxeTar
                | ImageFormat::Cosi
                | ImageFormat::BaremetalImage
        );
        refused.then(|| {
            let message = format!("the package manager cannot be removed from an image of format `{format}`");
            let field = "os.packages.removePackageManager";
            Diagnostic::new(Rule::RemovePackageManagerFormat, field, removes.at, message)
        })
    }
}

/// The first field of a file that has no meaning without a base image.
fn excluded_from_create(file: &ConfigFile) -> Option<Diagnostic> {
    const FIELDS: [&str; 8] = [
        "storage.resetPartitionsUuidsType",
        "storage.verity",
        "os.uki",
        "os.selinux",
        "os.additionalFiles",
        "os.additionalDirs",
        "os.modules",
        "os.overlays",
    ];
    let mut used: Vec<UsedField> = Vec::new();
    file.config.used("", &mut used);
    let is_below = |field: &str, section: &&&str| {
        field.strip_prefix(**section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    used.into_iter().find_map(|used| {
        let section = FIELDS.iter().find(|section| is_below(&used.field, section))?;
        let message = format!("`{section}` cannot be set for `create`");
        Some(Diagnostic::new(Rule::CreateField, used.field, used.at, message))
    })
}
