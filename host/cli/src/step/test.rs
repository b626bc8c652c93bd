//! `step test`: golden tests.

use engine::{GoldenOptions, GoldenReport};

use super::{Bench, component, show, stale};
use crate::arguments::StepTest;
use crate::checks::{given, required};
use crate::failure::Failure;
use crate::run::failure;

pub(super) fn run(flags: StepTest, bench: &Bench) -> Result<(), Failure> {
    let directory = required("--directory", flags.directory)?;
    let named = given(flags.component.as_ref());
    let is_own = named.is_none();
    let component = component(&directory, named)?;
    if let Some(source) = is_own.then(|| stale::newer_source(&directory, &component)).flatten() {
        let (source, built) = (source.display(), component.display());
        tracing::warn!(
            "`{source}` was changed after `{built}` was built: `step build` comes before `step test`"
        );
    }
    let options = GoldenOptions { directory, component, cases: flags.tests, update: flags.update };
    let report = bench.workbench.test(&options).map_err(failure)?;
    show(flags.format, &report, text)?;
    match report.failed() {
        0 => Ok(()),
        failed => {
            let failure = Failure::new(format!("{failed} of {} failed", count(report.tests.len())));
            Err(failure.with_hint(Some("`step test --update` takes what happened for what is expected")))
        }
    }
}

fn text(report: &GoldenReport) -> String {
    let mut text = String::new();
    for test in &report.tests {
        let verdict = match (test.passed, test.updated.is_empty()) {
            (true, true) => "ok",
            (true, false) => "updated",
            (false, _) => "FAILED",
        };
        text.push_str(&format!("{verdict:<9}{}\n", test.name));
        for difference in &test.differences {
            text.push_str(&format!("  {}: `-` was expected, `+` happened\n", difference.file));
            difference.lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
        }
        test.updated.iter().for_each(|file| text.push_str(&format!("  {file}\n")));
        if let Some(grant) = &test.missing_grant {
            text.push_str(&match &test.grant_file {
                Some(file) => format!("  `{}` is not enough; the step needs this in it:\n", file.display()),
                None => "  there is no `grant.json`, so nothing is granted; the step needs this in `tests/grant.json`:\n"
                    .to_owned(),
            });
            text.push_str(&format!("    {}\n", serde_json::to_string(grant).unwrap_or_default()));
        }
    }
    let failed = report.failed();
    let end = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    text + &format!("{}{end}\n", count(report.tests.len()))
}

fn count(tests: usize) -> String {
    if tests == 1 { "1 test".to_owned() } else { format!("{tests} tests") }
}
