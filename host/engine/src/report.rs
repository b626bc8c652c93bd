//! What a run did, as a value for machines.

use crate::observer::Phase;
use plan::{Distribution, InputFact, OutputFact, Step};
use sandbox::RunReport;
use serde::Serialize;
use std::time::Duration;

/// The report of a successful run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of this program.
    pub tool_version: String,
    /// Identifies the result; also in `/etc/image-customizer-release`.
    pub image_uuid: String,
    /// The input image.
    pub input: InputFact,
    /// The operating system in it.
    pub distribution: Distribution,
    /// The output image.
    pub output: OutputFact,
    /// Steps in the order in which they ran.
    pub steps: Vec<StepReport>,
    /// Phases in their order.
    pub phases: Vec<PhaseReport>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Which step; shown as its name.
    pub step: Step,
    /// The component's digest in lower-case hex, if it does not come with this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_sha256: Option<String>,
    /// Milliseconds from its start to its end.
    pub elapsed_ms: f64,
    /// The part of it that the host spent on the image, on behalf of the component.
    pub in_host_ms: f64,
    /// Milliseconds to make the component ready: zero when it had been used before in the run.
    pub load_ms: f64,
    /// Calls of the component into the host.
    pub host_calls: u64,
    /// Bytes written into the image.
    pub bytes_written: u64,
    /// Calls that what the step is granted did not cover.
    pub denied_calls: u64,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReport {
    /// Which.
    pub phase: Phase,
    /// Milliseconds.
    pub elapsed_ms: f64,
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl StepReport {
    pub(crate) fn new(step: Step, component_sha256: Option<String>, load: Duration, run: RunReport) -> Self {
        Self {
            step,
            component_sha256,
            elapsed_ms: milliseconds(run.elapsed),
            in_host_ms: milliseconds(run.in_host),
            load_ms: milliseconds(load),
            host_calls: run.host_calls,
            bytes_written: run.written,
            denied_calls: run.denied,
        }
    }
}
