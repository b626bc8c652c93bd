//! Interface `log`: one way into the user's log, within the log limit.

use super::customizer::step::log::{Host, Level};
use crate::state::{LogLevel, State};

impl Host for State {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.log(level, &message, &fields)
    }
}
