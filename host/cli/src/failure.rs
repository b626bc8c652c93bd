//! A failed run, put into words: what failed, why, where, and what the person can do.

use std::error::Error;
use std::time::SystemTime;

use serde_json::{Value, json};
use telemetry::registry::ErrorType;

use crate::log::{Level, Log, Record};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What failed, outermost first.
    chain: Vec<String>,
    /// The stable names, outermost first.
    names: Vec<String>,
    hint: Option<String>,
    /// What is wrong with the configuration, if that is the cause.
    findings: Vec<Finding>,
    /// The findings with the lines of the files they are about, and their hints.
    excerpts: Option<Box<str>>,
    /// What telemetry calls it.
    reported: ErrorType,
    /// What the person wanted is done, and only its result cannot be shown.
    is_done: bool,
    /// A file that this run was to write holds something else.
    leaves_files: bool,
}

/// One thing that is wrong with a configuration file.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The stable name of the rule that was broken.
    pub(crate) rule: String,
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    /// Counted from 1.
    pub(crate) line: Option<u64>,
    /// Counted from 1.
    pub(crate) column: Option<u64>,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure that has no cause but itself: the command line asks for what cannot be.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::of(vec![message.into()])
    }

    fn of(chain: Vec<String>) -> Self {
        let (names, findings) = (Vec::new(), Vec::new());
        Self {
            chain,
            names,
            hint: None,
            findings,
            excerpts: None,
            reported: ErrorType::Usage,
            is_done: false,
            leaves_files: false,
        }
    }

    /// A mistake of this program.
    pub(crate) fn internal() -> Self {
        Self::new("internal error").reported_as(ErrorType::Internal)
    }

    /// A flag that is understood but not built yet.
    pub(crate) fn not_supported(what: &str) -> Self {
        Self::new(format!("`{what}` is not supported yet")).reported_as(ErrorType::NotSupported)
    }

    /// `message`, and below it the error and its causes.
    pub(crate) fn because(message: impl Into<String>, error: &dyn Error) -> Self {
        let mut failure = Self::new(message);
        failure.chain.extend(causes(error));
        failure
    }

    /// The error and its causes.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        Self::of(causes(error))
    }

    /// Says that the result cannot be shown, and not that there is none.
    pub(crate) fn after_the_work(mut self) -> Self {
        self.is_done = true;
        self
    }

    /// What telemetry calls it, unless it is the command line's fault.
    pub(crate) fn reported_as(mut self, reported: ErrorType) -> Self {
        self.reported = reported;
        self
    }

    /// What telemetry calls it.
    pub(crate) fn reported(&self) -> ErrorType {
        self.reported
    }

    pub(crate) fn with_name(mut self, name: Option<impl Into<String>>) -> Self {
        self.names = name.into_iter().map(Into::into).collect();
        self
    }

    /// Takes the place of [`Self::with_name`] where more is known; no names change nothing.
    pub(crate) fn with_names(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if !names.is_empty() {
            self.names = names;
        }
        self
    }

    pub(crate) fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Says that the run must not write to the files that it was to write.
    pub(crate) fn leaving_files(mut self) -> Self {
        self.leaves_files = true;
        self
    }

    /// Whether the run must not write to the files that it was to write.
    pub(crate) fn leaves_files(&self) -> bool {
        self.leaves_files
    }

    /// Adds what was found in the configuration; `excerpts` shows all of it to a person.
    pub(crate) fn with_findings(mut self, findings: Vec<Finding>, excerpts: String) -> Self {
        self.findings = findings;
        self.excerpts = Some(excerpts.into_boxed_str());
        self
    }

    /// The last record of the run. `phrase` says what the person wanted, and that it failed.
    pub(crate) fn log(&self, phrase: &str, log: &Log) {
        let phrase = if self.is_done { "the result could not be shown" } else { phrase };
        log.write(&Record {
            level: Level::Fatal,
            message: self.message(phrase),
            for_people: Some(self.text(phrase)),
            fields: self.fields(),
            time: SystemTime::now(),
            elapsed: log.elapsed(),
        });
    }

    /// The chain from the outermost text to the innermost, then each finding on a line.
    fn message(&self, phrase: &str) -> String {
        let findings: Vec<String> = self.findings.iter().map(Finding::to_line).collect();
        self.chain_and(phrase, &findings.join("\n"))
    }

    /// As [`Self::message`], with excerpts of the configuration and with the hint.
    fn text(&self, phrase: &str) -> String {
        let text = self.chain_and(phrase, self.excerpts.as_deref().unwrap_or_default());
        match &self.hint {
            Some(hint) => format!("{text}\nhint: {hint}"),
            None => text,
        }
    }

    fn chain_and(&self, phrase: &str, innermost: &str) -> String {
        let innermost = (!innermost.is_empty()).then_some(innermost);
        let texts = std::iter::once(phrase).chain(self.chain.iter().map(String::as_str)).chain(innermost);
        texts.collect::<Vec<_>>().join(":\n")
    }

    /// What programs want to know apart from the message; of several findings, the first has the fields.
    fn fields(&self) -> Vec<(String, Value)> {
        let first = self.findings.first();
        let hint = self.hint.clone().or_else(|| first?.hint.clone());
        let several = self.findings.len() > 1;
        let fields = [
            ("name", self.names.first().cloned().map(Value::from)),
            ("names", (self.names.len() > 1).then(|| self.names.clone().into())),
            ("rule", first.map(|finding| finding.rule.clone().into())),
            ("file", first.and_then(|finding| finding.file.clone()).map(Value::from)),
            ("line", first.and_then(|finding| finding.line).map(Value::from)),
            ("column", first.and_then(|finding| finding.column).map(Value::from)),
            ("hint", hint.map(Value::from)),
            ("findings", several.then(|| self.findings.iter().map(Finding::to_json).collect())),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

impl Finding {
    /// `file:line:column: message`, as far as known.
    fn to_line(&self) -> String {
        let numbers = [self.line, self.column].into_iter().flatten().map(|number| number.to_string());
        let place: Vec<String> = self.file.iter().cloned().chain(numbers).collect();
        if place.is_empty() { self.message.clone() } else { format!("{}: {}", place.join(":"), self.message) }
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
        })
    }
}

/// The texts of an error and its causes. A text that only repeats the end of the one before is left out:
/// some errors print their cause themselves.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| texts.len() < MAX_CAUSES) {
        let text = error.to_string();
        if !text.is_empty() && !texts.last().is_some_and(|before| before.ends_with(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts
}

/// Deeper chains exist by mistake only.
const MAX_CAUSES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layered(&'static str, Option<Box<Layered>>);

    impl std::fmt::Display for Layered {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
        }
    }

    fn layered(texts: &[&'static str]) -> Layered {
        let (first, rest) = texts.split_first().unwrap();
        Layered(first, (!rest.is_empty()).then(|| Box::new(layered(rest))))
    }

    fn finding(line: u64, message: &str) -> Finding {
        Finding {
            rule: "unknown-field".into(),
            message: message.into(),
            file: Some("c.yaml".into()),
            line: Some(line),
            column: Some(3),
            hint: Some("remove it".into()),
        }
    }

    #[test]
    fn the_chain_reads_from_the_outside_in() {
        let failure = Failure::from_error(&layered(&["cannot open `a`", "no such file"]));
        assert_eq!(
            failure.message("image conversion failed"),
            "image conversion failed:\ncannot open `a`:\nno such file"
        );
    }

    #[test]
    fn a_cause_that_was_already_printed_is_not_repeated() {
        let failure =
            Failure::from_error(&layered(&["cannot open `a`: no such file", "no such file", "", "errno 2"]));
        assert_eq!(failure.chain, ["cannot open `a`: no such file", "errno 2"]);
    }

    #[test]
    fn the_hint_has_its_own_line() {
        let failure = Failure::new("`a` is missing").with_hint(Some("give `--a`"));
        assert_eq!(failure.text("failed"), "failed:\n`a` is missing\nhint: give `--a`");
        assert_eq!(failure.message("failed"), "failed:\n`a` is missing");
        assert_eq!(failure.fields(), [("hint".to_owned(), Value::from("give `--a`"))]);
    }

    #[test]
    fn findings_are_shown_with_excerpts_or_in_one_line_each() {
        let excerpts = "unknown field `osx`\n  --> c.yaml:1:3\n1 | osx: {}\n  | ^^^\nhint: remove it";
        let failure = Failure::new("invalid image config").with_name(Some("Validation:InvalidImageConfig"));
        let failure = failure.with_findings(vec![finding(1, "unknown field `osx`")], excerpts.into());
        assert_eq!(failure.text("failed"), format!("failed:\ninvalid image config:\n{excerpts}"));
        assert_eq!(
            failure.message("failed"),
            "failed:\ninvalid image config:\nc.yaml:1:3: unknown field `osx`"
        );
        let fields = Value::Object(failure.fields().into_iter().collect());
        let expected = json!({
            "name": "Validation:InvalidImageConfig",
            "rule": "unknown-field",
            "file": "c.yaml",
            "line": 1,
            "column": 3,
            "hint": "remove it",
        });
        assert_eq!(fields, expected);
    }

    #[test]
    fn several_findings_are_all_in_the_fields() {
        let findings = vec![finding(1, "a"), finding(2, "b")];
        let failure = Failure::new("invalid").with_findings(findings, String::new());
        let failure = failure.with_names(["Validation:InvalidImageConfig", "Validation:InvalidBaseConfigs"]);
        assert!(failure.message("failed").ends_with("c.yaml:1:3: a\nc.yaml:2:3: b"));
        let fields = Value::Object(failure.fields().into_iter().collect());
        assert_eq!(fields["findings"][1]["line"], 2);
        assert_eq!(
            fields["names"],
            json!(["Validation:InvalidImageConfig", "Validation:InvalidBaseConfigs"])
        );
        assert_eq!(fields["line"], 1);
    }
}
