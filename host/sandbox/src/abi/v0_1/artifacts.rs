//! Interface `artifacts`: the input files that the image definition hands to a step.

use super::customizer::step::artifacts as wit;
use super::rootfs::{entries_out, metadata_out, report_out, tree_options_in};
use super::{Answer, Failure};
use crate::state::State;
use ::rootfs::{ImagePath, operations};

/// Bytes that one `read-at` gives at most.
const READ_LIMIT: u32 = 16 << 20;

impl wit::Host for State {
    fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        self.check_runs("artifacts")?;
        Ok(self.artifacts.names())
    }

    fn stat(&mut self, name: String, path: String) -> Answer<wit::Metadata> {
        self.check_runs("artifacts")?;
        self.host_call(|state| {
            Ok(state.artifacts.metadata(&name, &path).map(metadata_out).map_err(Failure::from))
        })
    }

    fn list_directory(&mut self, name: String, path: String) -> Answer<Vec<wit::Entry>> {
        self.check_runs("artifacts")?;
        self.host_call(|state| {
            Ok(state.artifacts.list(&name, &path).map_err(Failure::from).and_then(entries_out))
        })
    }

    fn read_at(&mut self, name: String, path: String, offset: u64, max: u32) -> Answer<Vec<u8>> {
        self.check_runs("artifacts")?;
        self.host_call(|state| {
            Ok(state.artifacts.read_at(&name, &path, offset, max.min(READ_LIMIT)).map_err(Failure::from))
        })
    }

    fn install(
        &mut self,
        name: String,
        path: String,
        destination: String,
        options: wit::TreeOptions,
    ) -> Answer<wit::TreeReport> {
        self.check_runs("artifacts")?;
        let report = self.host_call(|state| {
            state.fill_tree(|tree, artifacts| {
                let source = artifacts.source(&name, &path)?;
                operations::install(tree, &source, ImagePath::new(&destination), &tree_options_in(&options))
                    .map_err(Failure::from)
            })
        })?;
        Ok(report.map(report_out))
    }
}
