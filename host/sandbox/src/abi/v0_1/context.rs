//! Interface `context`: the facts of a run.

use super::customizer::step::context::Host;
use crate::state::State;

impl Host for State {
    fn step_name(&mut self) -> wasmtime::Result<String> {
        self.check_runs("context")?;
        Ok(self.step.clone())
    }

    fn architecture(&mut self) -> wasmtime::Result<String> {
        self.check_runs("context")?;
        Ok(self.facts.architecture.clone())
    }

    fn source_date_epoch(&mut self) -> wasmtime::Result<u64> {
        self.check_runs("context")?;
        Ok(self.facts.source_date_epoch)
    }
}
