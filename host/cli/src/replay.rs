//! `replay`: a step against a trace of it.

use ::telemetry::registry::ErrorType;

use crate::arguments::Replay;
use crate::checks::{given, required};
use crate::environment;
use crate::failure::Failure;
use crate::run::failure;
use crate::step::artifact;

/// Runs the step, and fails when it does not do what it did before.
pub(crate) fn replay(flags: Replay, cancel: engine::Cancellation) -> Result<(), Failure> {
    let options = engine::ReplayOptions {
        trace: required("TRACE", flags.trace)?,
        component: given(flags.component.as_ref()),
        artifacts: flags.artifact.iter().map(|text| artifact(text)).collect::<Result<_, _>>()?,
        step: flags.step.filter(|step| !step.is_empty()),
        code_cache: environment::code_cache(),
        cancel,
    };
    let engine::Replay { step, calls, same_component, whole, difference } =
        engine::replay(&options).map_err(failure)?;
    if let Some(difference) = difference {
        let text = format!("step `{step}` does not do what is recorded: {difference}");
        let other = "the component is another one than that of the trace";
        let failure = Failure::new(text).reported_as(ErrorType::StepFailed);
        return Err(failure.with_hint((!same_component).then_some(other)));
    }
    let note = if same_component { "" } else { ", by another component than the recorded one" };
    if !whole {
        tracing::warn!(
            "the trace ends before the run of step `{step}` did: what came after is compared with nothing"
        );
    }
    tracing::info!("step `{step}` made the {calls} recorded calls{note}");
    Ok(())
}
