//! What a run tells telemetry of itself: filled while the run goes on, so that it can be read at any moment, after a
//! failure and from another thread too. Only closed sets of `telemetry` are in it.

mod apis;
mod error;

use crate::observer;
use image::InputFormat as Detected;
use plan::{Distribution, Family};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use telemetry::record::{Apis, Components, RunRecord};
use telemetry::registry::{
    BaseDistro, BaseSource, Command, DurationClass, ErrorType, InputFormat, Outcome, OutputFormat, Phase,
};

/// Shared between a run and whoever reports it.
#[derive(Clone, Debug)]
pub struct Usage {
    facts: Arc<Mutex<Facts>>,
}

#[derive(Clone, Copy, Debug)]
struct Facts {
    record: RunRecord,
    begun: Instant,
    /// The part of the run that goes on.
    phase: Option<(Phase, Instant)>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// As asked.
    Success,
    /// It failed for this reason.
    Failure(ErrorType),
    /// It was stopped from outside.
    Cancelled,
}

impl Default for Usage {
    fn default() -> Self {
        Self::of(Command::Other)
    }
}

impl Usage {
    /// Of a run that begins now.
    #[must_use]
    pub fn of(command: Command) -> Self {
        let facts = Facts { record: RunRecord::new(command), begun: Instant::now(), phase: None };
        Self { facts: Arc::new(Mutex::new(facts)) }
    }

    /// The record of the run, if it ends now, and how.
    #[must_use]
    pub fn record(&self, end: End) -> RunRecord {
        let Facts { mut record, begun, phase } = *self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((phase, since)) = phase {
            record.phases.set(phase, DurationClass::of(since.elapsed()));
        }
        record.duration = DurationClass::of(begun.elapsed());
        (record.outcome, record.error) = match end {
            End::Success => (Outcome::Success, ErrorType::None),
            End::Cancelled => (Outcome::Cancelled, ErrorType::None),
            End::Failure(error) => (error::outcome(error), error),
        };
        record
    }

    /// Tells where the output goes to, before the configuration is read.
    pub fn output(&self, format: config::output::ImageFormat) {
        self.change(|facts| facts.record.output = output_format(format));
    }

    /// Tells what a configuration asks for.
    pub fn config(&self, config: &config::ResolvedConfig) {
        let apis = config.features_used().iter().fold(Apis::NONE, |apis, used| apis::with(apis, &used.field));
        let output = config.output_format().map(|format| output_format(format.value));
        let source = config.input().map(|input| match input.value {
            config::ResolvedInput::File(_) => BaseSource::File,
            config::ResolvedInput::Oci { .. } => BaseSource::Oci,
            config::ResolvedInput::AzureLinux { .. } => BaseSource::Catalog,
        });
        self.change(|facts| {
            facts.record.apis = apis;
            facts.record.output = output.unwrap_or(facts.record.output);
            facts.record.source = source.unwrap_or(facts.record.source);
        });
    }

    /// Tells of which format the input image is. One that no configuration names is a file.
    pub fn input(&self, format: Detected) {
        let format = match format {
            Detected::Raw => InputFormat::Raw,
            Detected::Qcow2 => InputFormat::Qcow2,
            Detected::Vhdx => InputFormat::Vhdx,
            Detected::VhdDynamic => InputFormat::Vhd,
            Detected::VhdFixed => InputFormat::VhdFixed,
            _ => InputFormat::Other,
        };
        self.change(|facts| {
            facts.record.input = format;
            if facts.record.source == BaseSource::None {
                facts.record.source = BaseSource::File;
            }
        });
    }

    pub(crate) fn distribution(&self, distribution: &Distribution) {
        let distro = match (distribution.family, distribution.version.as_str()) {
            (Family::AzureLinux, "2.0") => BaseDistro::Azurelinux2,
            (Family::AzureLinux, "3.0") => BaseDistro::Azurelinux3,
            (Family::AzureLinux, "4.0") => BaseDistro::Azurelinux4,
            (Family::AzureLinux, _) => BaseDistro::Other,
            (Family::Acl, _) => BaseDistro::Acl,
            (Family::Fedora, _) => BaseDistro::Fedora,
            (Family::Ubuntu, _) => BaseDistro::Ubuntu,
            (Family::Debian, _) => BaseDistro::Debian,
        };
        self.change(|facts| facts.record.distro = distro);
    }

    /// Tells that a component that is not built in is about to be looked at: from here on it may influence all there is.
    pub(crate) fn foreign_component(&self) {
        self.change(|facts| facts.record.components = Components::Foreign);
    }

    /// Ends the part that goes on, and begins the next if there is one.
    pub(crate) fn phase(&self, next: Option<observer::Phase>) {
        let now = Instant::now();
        self.change(|facts| {
            if let Some((phase, since)) = facts.phase {
                facts.record.phases.set(phase, DurationClass::of(now.duration_since(since)));
            }
            facts.phase = next.map(|next| (phase(next), now));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn phase(phase: observer::Phase) -> Phase {
    match phase {
        observer::Phase::Validate => Phase::Validate,
        observer::Phase::Import => Phase::Import,
        observer::Phase::Inspect => Phase::Inspect,
        observer::Phase::Customize => Phase::Customize,
        observer::Phase::Seal => Phase::Seal,
        observer::Phase::Export => Phase::Export,
    }
}

fn output_format(format: config::output::ImageFormat) -> OutputFormat {
    use config::output::ImageFormat;
    match format {
        ImageFormat::Raw => OutputFormat::Raw,
        ImageFormat::Qcow2 => OutputFormat::Qcow2,
        ImageFormat::Vhd => OutputFormat::Vhd,
        ImageFormat::VhdFixed => OutputFormat::VhdFixed,
        ImageFormat::Vhdx => OutputFormat::Vhdx,
        ImageFormat::Iso => OutputFormat::Iso,
        ImageFormat::Cosi => OutputFormat::Cosi,
        ImageFormat::PxeDir => OutputFormat::PxeDir,
        ImageFormat::PxeTar => OutputFormat::PxeTar,
        ImageFormat::BaremetalImage => OutputFormat::BaremetalImage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_the_input_does_not_tell_where_it_came_from() {
        let usage = Usage::of(Command::Convert);
        usage.input(Detected::Qcow2);
        assert_eq!(usage.record(End::Success).source, BaseSource::File);
        for source in [BaseSource::Oci, BaseSource::Catalog] {
            usage.change(|facts| facts.record.source = source);
            usage.input(Detected::Qcow2);
            assert_eq!(usage.record(End::Success).source, source);
        }
    }

    #[test]
    fn a_record_tells_how_the_run_ended_and_in_which_part() {
        let usage = Usage::of(Command::Customize);
        usage.phase(Some(observer::Phase::Validate));
        usage.phase(Some(observer::Phase::Import));
        let record = usage.record(End::Failure(ErrorType::Space));
        assert_eq!((record.outcome, record.error), (Outcome::HostError, ErrorType::Space));
        assert_eq!(
            record.phases.iter().map(|(phase, _)| phase).collect::<Vec<_>>(),
            [Phase::Validate, Phase::Import]
        );
        assert_eq!(usage.record(End::Cancelled).outcome, Outcome::Cancelled);
        assert_eq!(usage.record(End::Success).error, ErrorType::None);
    }
}
