//! `step inspect`: what a component is, and what it would need.

use engine::{ImportReport, InspectionReport};

use super::{Bench, show};
use crate::arguments::StepInspect;
use crate::checks::required;
use crate::failure::Failure;
use crate::registry::Located;
use crate::run::failure;

pub(super) fn run(flags: &StepInspect, bench: &Bench) -> Result<(), Failure> {
    let component = required("FILE", flags.component.clone())?;
    let located = Located::find(&component, &bench.cancel)?;
    let found = bench.workbench.inspect(&located.path).map_err(failure)?;
    show(flags.format, &found, text)
}

fn text(found: &InspectionReport) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{name:<12}{}\n", value.replace('\n', " ")));
        }
    };
    line("name", found.name.clone());
    line("version", found.version.clone());
    line("summary", found.summary.clone());
    line("contract", found.contract.map(|version| format!("customizer:step@{version}")));
    line("sha256", Some(found.sha256.clone()));
    line("size", Some(format!("{} bytes, {} of native code", found.size, found.native_size)));
    line("memory", found.initial_memory.map(|bytes| format!("{bytes} bytes at the start")));
    line("unusable", found.unusable.clone());
    text.push_str(&format!("\nneeds       {}\n", needs(found)));
    text.push_str("\nimports\n");
    found.imports.iter().for_each(|import| text.push_str(&import_lines(import)));
    text.push_str(&format!("\nexports\n  {}\n", found.exports.join("\n  ")));
    if let Some(schema) = &found.settings_schema {
        text.push_str(&format!("\nsettings\n{schema:#}\n"));
    }
    text
}

/// What a configuration has to grant, in its words.
fn needs(found: &InspectionReport) -> String {
    let word = |need: &str| match need {
        "write" => "`grant: { write: […] }`".to_owned(),
        later @ ("commands" | "packages") => {
            format!("`grant: {{ {later}: true }}`, which this version cannot serve yet")
        }
        other => format!("`grant: {{ {other}: true }}`"),
    };
    match found.needs.is_empty() {
        true => "nothing: it changes nothing in the image".to_owned(),
        false => found.needs.iter().map(|need| word(need)).collect::<Vec<_>>().join(", "),
    }
}

fn import_lines(import: &ImportReport) -> String {
    let refused = import.refused.as_ref().map(|reason| format!("   REFUSED: {reason}")).unwrap_or_default();
    let mut lines = format!("  {}{refused}\n", import.name);
    for functions in import.functions.chunks(FUNCTIONS_IN_LINE) {
        lines.push_str(&format!("    {}\n", functions.join(", ")));
    }
    lines
}

const FUNCTIONS_IN_LINE: usize = 6;
