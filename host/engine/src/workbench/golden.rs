//! Golden tests: a tree and settings go in; what becomes of the tree, and what the step says, is compared with files.

use super::diff::line_changes;
use super::ground::{self, Ground, Modes};
use super::trial::{Given, Stage};
use super::{Candidate, Grant, LONGEST_TEXT, Workbench, artifacts};
use crate::error::{Error, ErrorKind, Result};
use crate::regular_file;
use rootfs::Timestamp;
use sandbox::{Scope, StepFacts};
use serde::Serialize;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};

/// Which tests are run, and how.
#[derive(Clone, Debug)]
pub struct GoldenOptions {
    /// The project: its tests lie in `tests/`.
    pub directory: PathBuf,
    /// The component.
    pub component: PathBuf,
    /// The names of the tests; none: all.
    pub cases: Vec<String>,
    /// Whether what happens becomes what is expected.
    pub update: bool,
}

/// What came of all of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GoldenReport {
    /// The name that the component gives itself.
    pub step: String,
    /// In the order of their names.
    pub tests: Vec<CaseReport>,
}

/// What came of one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseReport {
    /// The name of its directory.
    pub name: String,
    /// Whether all was as expected, or is from now on.
    pub passed: bool,
    /// Files that were written anew.
    pub updated: Vec<String>,
    /// What was not as expected.
    pub differences: Vec<Difference>,
    /// What the step needs, where something was denied and there is no `grant.json`, or not what was expected happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_grant: Option<Grant>,
    /// The `grant.json` that denied it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_file: Option<PathBuf>,
}

/// One file that does not hold what happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Its name.
    pub file: String,
    /// Lines that are only in the file (`-`), and lines that only happened (`+`).
    pub lines: Vec<String>,
}

/// The present in every test, 2020-01-01: a result that holds it is the same tomorrow.
const EPOCH: u64 = 1_577_836_800;
/// The architecture of the image that a test stands for.
const ARCHITECTURE: &str = "x86_64";
/// What makes a directory in `tests/` a test.
const SETTINGS: &str = "settings.json";
const DIFF: &str = "expected.diff";
const LOG: &str = "expected.log";

impl GoldenReport {
    /// How many did not pass.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed).count()
    }
}

impl Workbench {
    /// Runs golden tests, each on a tree of its own.
    ///
    /// # Errors
    /// When there are none, or one cannot be run at all. A step that fails in a test is not an error: that may be what is
    /// expected.
    pub fn test(&self, options: &GoldenOptions) -> Result<GoldenReport> {
        let cases = Case::of_project(&options.directory, &options.cases)?;
        if cases.is_empty() {
            let error = Error::saying(ErrorKind::Artifact, "there are no tests in")
                .at(options.directory.join("tests"));
            return Err(error.hint_at("a test is a directory in `tests/` with `settings.json` and `input/`"));
        }
        let candidate = self.candidate(&options.component)?;
        let mut tests = Vec::new();
        for case in &cases {
            self.check_cancelled()?;
            tests.push(self.test_one(&candidate, case, options.update)?);
        }
        Ok(GoldenReport { step: candidate.description.name, tests })
    }

    fn test_one(&self, candidate: &Candidate, case: &Case, update: bool) -> Result<CaseReport> {
        let Played { diff, log, denied } = self.play(candidate, case)?;
        let mut report = CaseReport {
            name: case.name.clone(),
            passed: true,
            updated: Vec::new(),
            differences: Vec::new(),
            missing_grant: None,
            grant_file: None,
        };
        for (name, actual) in [(DIFF, diff), (LOG, log)] {
            let path = case.directory.join(name);
            let expected = read(&path)?;
            if expected.as_deref().unwrap_or_default() == actual && (expected.is_some() || actual.is_empty())
            {
                continue;
            }
            if update {
                std::fs::write(&path, actual).map_err(|error| {
                    Error::new(ErrorKind::OutputImage, "write").at(&path).caused_by(error)
                })?;
                report.updated.push(name.to_owned());
            } else {
                report.passed = false;
                let lines = line_changes(expected.as_deref().unwrap_or_default(), &actual);
                report.differences.push(Difference { file: name.to_owned(), lines });
            }
        }
        if denied > 0 {
            report.grant_file = case.own_grant()?.map(|(path, _)| path);
            // A test may be there to show what a grant denies.
            let is_as_expected = report.passed && report.updated.is_empty();
            if report.grant_file.is_none() || !is_as_expected {
                report.missing_grant = Some(self.learn(candidate, case)?);
            }
        }
        Ok(report)
    }

    /// What becomes of a test's tree, and what is said.
    fn play(&self, candidate: &Candidate, case: &Case) -> Result<Played> {
        let settings = case.settings()?;
        let misfits = candidate.misfits(&settings);
        if !misfits.is_empty() {
            let lines = misfits.iter().map(|misfit| format!("refused: {misfit}\n"));
            return Ok(Played { diff: String::new(), log: lines.collect(), denied: 0 });
        }
        let mut stage = self.stage(case)?;
        let ran = stage.run(candidate, case.given(&settings)?, &self.scratch.join("trace.jsonl"))?;
        let mut log: String = ran.log.iter().map(|line| format!("{line}\n")).collect();
        if let Err(error) = &ran.result {
            log.push_str(&format!("failed: {}\n", super::diff::printable(&error.to_string())));
        }
        let denied = ran.report().map_or(0, |report| report.denied);
        Ok(Played { diff: stage.changes()?.to_string(), log, denied })
    }

    /// The smallest grant that the step needs in a test.
    fn learn(&self, candidate: &Candidate, case: &Case) -> Result<Grant> {
        let settings = case.settings()?;
        let given = Given { scope: Scope::unrestricted(), ..case.given(&settings)? };
        Ok(self.stage(case)?.run(candidate, given, &self.scratch.join("learn.jsonl"))?.grant)
    }

    /// The tree of a test.
    pub(super) fn stage(&self, case: &Case) -> Result<Stage> {
        let clock = Timestamp { seconds: i64::try_from(EPOCH).unwrap_or_default(), nanoseconds: 0 };
        let mut tree = ground::prepare(&case.ground(), Modes::Plain, clock, &self.scratch)?.tree;
        ground::apply_manifest(&mut tree, &case.directory.join("input.manifest"))?;
        Stage::new(tree, clock)
    }
}

/// What came of a test's run.
struct Played {
    diff: String,
    log: String,
    /// Calls that were denied.
    denied: u64,
}

/// One test of a project.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    directory: PathBuf,
    /// In place of those that the directory holds.
    settings: Option<Value>,
}

impl Case {
    /// The tests of a project, sorted; those of the `names` if some are given.
    pub(super) fn of_project(project: &Path, names: &[String]) -> Result<Vec<Self>> {
        let tests = project.join("tests");
        let failed = |error| Error::new(ErrorKind::Artifact, "list").at(&tests).caused_by(error);
        let mut found = Vec::new();
        let entries = match std::fs::read_dir(&tests) {
            Ok(entries) => Some(entries),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(failed)?;
            let (name, directory) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            if directory.join(SETTINGS).exists() {
                found.push(Self { name, directory, settings: None });
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some(name) = names.iter().find(|name| !found.iter().any(|case| case.name == **name)) {
            let message = format!("there is no test `{}` in", name.escape_debug());
            return Err(Error::saying(ErrorKind::Artifact, message).at(tests));
        }
        found.retain(|case| names.is_empty() || names.contains(&case.name));
        Ok(found)
    }

    /// Settings alone, on an empty tree.
    pub(super) fn of_settings(name: &str, settings: Value) -> Self {
        Self { name: name.to_owned(), directory: PathBuf::from("/nonexistent"), settings: Some(settings) }
    }

    pub(super) fn settings(&self) -> Result<Value> {
        if let Some(settings) = &self.settings {
            return Ok(settings.clone());
        }
        let path = self.directory.join(SETTINGS);
        let failed = || Error::new(ErrorKind::Artifact, "use the settings").at(&path);
        let text = regular_file::read_text(&path, LONGEST_TEXT).map_err(|error| failed().caused_by(error))?;
        serde_json::from_str(&text).map_err(|error| failed().caused_by(error))
    }

    /// What a run of the test is given.
    pub(super) fn given<'a>(&self, settings: &'a Value) -> Result<Given<'a>> {
        let facts =
            StepFacts { architecture: ARCHITECTURE.to_owned(), source_date_epoch: EPOCH, seed: [0; 32] };
        let artifacts = artifacts::open(&artifacts::in_directory(&self.directory.join("artifacts"))?)?;
        Ok(Given { settings, artifacts, facts, scope: self.grant()?.scope()? })
    }

    fn ground(&self) -> Ground {
        let input = self.directory.join("input");
        // Version control keeps no empty directory.
        if self.settings.is_none() && input.is_dir() { Ground::Directory(input) } else { Ground::Empty }
    }

    /// What the step is granted: without a word about it nothing, as in a configuration. Settings alone are there to look
    /// at all that a component does.
    fn grant(&self) -> Result<Grant> {
        if self.settings.is_some() {
            return Ok(Grant::all_but_secrets());
        }
        Ok(self.own_grant()?.map(|(_, grant)| grant).unwrap_or_default())
    }

    /// The test's own grant, else that of all tests of the project; with its file.
    fn own_grant(&self) -> Result<Option<(PathBuf, Grant)>> {
        let of_all = self.directory.parent().map(|tests| tests.join("grant.json"));
        for path in [Some(self.directory.join("grant.json")), of_all].into_iter().flatten() {
            if let Some(grant) = Grant::read_file(&path)? {
                return Ok(Some((path, grant)));
            }
        }
        Ok(None)
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match regular_file::read_text(path, LONGEST_TEXT) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(ErrorKind::Artifact, "read").at(path).caused_by(error)),
    }
}
