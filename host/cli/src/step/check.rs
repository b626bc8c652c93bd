//! `step check`: whether a component keeps to the rules.

use engine::{CheckOptions, CheckReport, Verdict};

use super::{Bench, settings, show};
use crate::arguments::StepCheck;
use crate::checks::required;
use crate::failure::Failure;
use crate::registry::Located;
use crate::run::failure;

pub(super) fn run(flags: &StepCheck, bench: &Bench) -> Result<(), Failure> {
    let component = required("FILE", flags.component.clone())?;
    let located = Located::find(&component, &bench.cancel)?;
    let settings = flags.settings.as_deref().map(settings).transpose()?;
    let report = bench
        .workbench
        .check(&CheckOptions { component: located.path.clone(), settings })
        .map_err(failure)?;
    show(flags.format, &report, text)?;
    match report.failed() {
        0 => Ok(()),
        1 => Err(Failure::new("1 rule is not kept")),
        failed => Err(Failure::new(format!("{failed} rules are not kept"))),
    }
}

fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    for checked in &report.checks {
        let verdict = match checked.verdict {
            Verdict::Passed => "ok",
            Verdict::Warned => "warning",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        };
        text.push_str(&format!("{verdict:<9}{}\n", checked.rule));
        checked.detail.lines().for_each(|line| text.push_str(&format!("           {line}\n")));
    }
    text
}
