//! The registry for people, and as a JSON Schema for programs. What is written here is made from the same constants as
//! the gate.

mod json;

use std::fmt::Write as _;

pub use json::json;

use crate::bound::{guest_bits, guest_bits_without_lot};
use crate::closed_set::{Attribute, Category, Occurs, Shape, Signal};
use crate::registry::{
    API_CALLS_METRIC, CoarseDurationClass, DurationClass, ErrorType, Outcome, PHASE_SPAN, RESOURCE,
    RUN_DURATION_METRIC, RUN_SPAN, RUNS_METRIC, SchemaVersion,
};

/// The version of the registry, which grows with what can be said: the last of the list.
pub const VERSION: SchemaVersion = {
    let mut last = SchemaVersion::V1;
    let mut versions = SchemaVersion::ALL;
    while let [version, rest @ ..] = versions {
        (last, versions) = (*version, rest);
    }
    last
};

/// [`VERSION`] as a number, to be compared.
pub(crate) fn version() -> u32 {
    // An unreadable one would be a mistake in the registry; people are then told on every run.
    VERSION.as_str().parse().unwrap_or(u32::MAX)
}

/// All that is sent, in the order in which it is shown, with the word for what it is.
const SIGNALS: [(&str, Signal); 6] = [
    ("resource", RESOURCE),
    ("span", RUN_SPAN),
    ("span", PHASE_SPAN),
    ("counter", RUNS_METRIC),
    ("histogram", RUN_DURATION_METRIC),
    ("counter", API_CALLS_METRIC),
];

/// Every attribute of the registry, once, in the order in which signals first carry it.
fn attributes() -> Vec<Attribute> {
    let mut attributes: Vec<Attribute> = Vec::new();
    for (_, attribute) in SIGNALS.iter().flat_map(|(_, signal)| signal.attributes) {
        if attributes.iter().all(|known| known.key != attribute.key) {
            attributes.push(*attribute);
        }
    }
    attributes
}

/// The whole registry, for a terminal.
#[must_use]
pub fn text() -> String {
    let mut text = format!(
        "telemetry, version {} of the list: whatever is sent is made of these words\n",
        VERSION.as_str()
    );
    for attribute in attributes() {
        let guest = if attribute.guest { ", within reach of steps that are not built in" } else { "" };
        let category = category(attribute.category);
        let _ = write!(text, "\n{} ({category}{guest})\n  {}\n", attribute.key, attribute.brief);
        let width = attribute.values.iter().map(|value| value.len()).max().unwrap_or(0);
        for (value, meaning) in attribute.values.iter().zip(attribute.meanings) {
            let _ = writeln!(text, "    {value:width$}  {meaning}");
        }
    }
    text.push_str("\nwhat carries them\n");
    for (kind, signal) in SIGNALS {
        let _ = write!(text, "\n{kind} {}{}{}\n", signal.name, unit(&signal), when(signal.occurs));
        let _ = writeln!(text, "  {}", signal.brief);
        for (occurs, attribute) in signal.attributes {
            let _ = writeln!(text, "    {}{}", attribute.key, when(*occurs));
        }
    }
    let _ = write!(text, "\n{}\n", bound());
    text
}

/// What a step that is not built in can say, in one sentence.
fn bound() -> String {
    format!(
        "a step that is not built in can say {:.2} bits a run through all of this, whatever it does \
         ({:.2} if no class were drawn by lot)",
        guest_bits(),
        guest_bits_without_lot(),
    )
}

/// The part of `docs/telemetry.md` that is made from the registry.
#[must_use]
pub fn markdown() -> String {
    let mut page = format!("Version {} of the list.\n\n", VERSION.as_str());
    page.push_str("| Key | What it says | Category | The words |\n| --- | --- | --- | --- |\n");
    for attribute in attributes() {
        let words: Vec<_> = attribute.values.iter().map(|value| format!("`{value}`")).collect();
        let guest = if attribute.guest { " ¹" } else { "" };
        let category = category(attribute.category);
        let words = words.join(", ");
        let _ = writeln!(page, "| `{}`{guest} | {} | {category} | {words} |", attribute.key, attribute.brief);
    }
    let classes: Vec<_> =
        CoarseDurationClass::GUEST.iter().map(|class| format!("`{}`", class.as_str())).collect();
    let ends: Vec<_> = Outcome::GUEST
        .iter()
        .zip(ErrorType::GUEST)
        .map(|(outcome, error)| format!("`{}` with the error `{}`", outcome.as_str(), error.as_str()))
        .collect();
    let _ = writeln!(
        page,
        "\n¹ Within reach of a step that is not built in, and then cut down: to {}; and to {}. So {}.",
        ends.join(" or "),
        classes.join(", "),
        bound()
    );
    page.push_str("\nThese words travel in spans and metrics:\n\n");
    page.push_str("| | Name | What it is | What it carries |\n| --- | --- | --- | --- |\n");
    for (kind, signal) in SIGNALS {
        let carried: Vec<_> =
            signal.attributes.iter().map(|(occurs, one)| format!("`{}`{}", one.key, when(*occurs))).collect();
        let carried = carried.join(", ");
        let _ = writeln!(
            page,
            "| {kind} | `{}`{} | {}{} | {carried} |",
            signal.name,
            unit(&signal),
            signal.brief,
            when(signal.occurs)
        );
    }
    page.push_str("\nNumbers are made from the words: ");
    let lengths: Vec<_> = DurationClass::ALL
        .iter()
        .map(|class| format!("`{}` {} s", class.as_str(), class.length_seconds()))
        .collect();
    let _ = writeln!(
        page,
        "a counter counts 1; a duration is the length that stands for its class ({}); a time is the full hour in which \
         the run began, and for parts of the run the lengths of those before. Ids are random.",
        lengths.join(", ")
    );
    page
}

fn category(category: Category) -> &'static str {
    match category {
        Category::Usage => "usage",
        Category::Environment => "environment",
        Category::Performance => "performance",
    }
}

fn unit(signal: &Signal) -> String {
    if signal.unit.is_empty() { String::new() } else { format!(" in {}", signal.unit) }
}

fn when(occurs: Occurs) -> &'static str {
    match (occurs.with(Shape::Full), occurs.with(Shape::Minimal)) {
        (true, true) => "",
        (true, false) => " (only where every step is built in)",
        (false, _) => " (only with a step that is not built in)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        let versions: Vec<String> = (1..=SchemaVersion::ALL.len()).map(|number| number.to_string()).collect();
        let known: Vec<_> = SchemaVersion::ALL.iter().map(|version| version.as_str()).collect();
        assert_eq!(known, versions);
        assert_eq!(version() as usize, versions.len());
    }
}
