//! `telemetry status`: what happens, why, and where to.

use ::telemetry::schema;
use ::telemetry::standing::Standing;
use serde_json::{Value, json};

use crate::arguments::Form;
use crate::failure::Failure;
use crate::log::escape::{escape_json, escape_line};
use crate::run::print;

pub(super) fn print_status(standing: &Standing, format: Form) -> Result<(), Failure> {
    match format {
        Form::Text => print(&text(standing)),
        Form::Json => {
            let json = serde_json::to_string_pretty(&json(standing));
            let json = json.map_err(|error| Failure::because("cannot write the status", &error))?;
            print(&format!("{}\n", escape_json(&json)))
        }
    }
}

/// One line for each thing to know, with its name in front.
fn text(standing: &Standing) -> String {
    let lines = [
        ("telemetry", standing.verdict.to_string()),
        ("destination", destination(standing)),
        ("choice", choice(standing)),
        ("last send", last(standing).unwrap_or("none").to_owned()),
        ("schema", schema::VERSION.as_str().to_owned()),
    ];
    lines.iter().map(|(name, value)| format!("{name:<12} {}\n", escape_line(value))).collect()
}

fn destination(standing: &Standing) -> String {
    match &standing.destination {
        Ok(Some(destination)) => {
            format!("{}, from {}", destination.hosts().join(" and "), destination.source().as_str())
        }
        Ok(None) => "none".into(),
        Err(error) => error.to_string(),
    }
}

fn choice(standing: &Standing) -> String {
    let Some(file) = &standing.state_file else { return "none; there is no place to keep one".into() };
    let path = file.path();
    match &standing.state {
        Ok(state) => format!("{} (`{}`)", state.choice.as_str(), path.display()),
        Err(error) => match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        },
    }
}

fn last(standing: &Standing) -> Option<&str> {
    standing.state.as_ref().ok()?.last.as_deref()
}

fn json(standing: &Standing) -> Value {
    let destination = standing.destination.as_ref().ok().and_then(Option::as_ref);
    let state = standing.state.as_ref();
    json!({
        "sends": standing.verdict.sends(),
        "rule": standing.verdict.name(),
        "reason": standing.verdict.to_string(),
        "destination": destination.map(|destination| json!({
            "hosts": destination.hosts(),
            "source": destination.source().as_str(),
        })),
        "destinationError": standing.destination.as_ref().err().map(ToString::to_string),
        "stateFile": standing.state_file.as_ref().map(|file| file.path().display().to_string()),
        "stateError": state.err().map(ToString::to_string),
        "choice": state.ok().map(|state| state.choice.as_str()),
        "noticeShown": state.ok().map(|state| state.notice > 0),
        "lastSend": last(standing),
        "schemaVersion": schema::VERSION.as_str(),
    })
}
