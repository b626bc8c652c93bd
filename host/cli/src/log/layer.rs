//! Turns the events of all crates into records.

use std::fmt::Debug;
use std::time::SystemTime;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{Level, Log, Record};

/// Hands events to the log.
pub(super) struct LogLayer {
    pub(super) log: Log,
}

/// The values of a span, kept with it; its events show them too.
struct SpanFields(Vec<(String, Value)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let threshold = if is_ours(metadata.target()) { self.log.threshold() } else { Level::Warning };
        let threshold = if self.log.threshold() == Level::Trace { Level::Trace } else { threshold };
        metadata.is_span() || *metadata.level() <= threshold.filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Spans carry fields for events of any level, so none may be filtered out as a whole.
        None
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(SpanFields(fields.values));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(SpanFields(values)) = span.extensions().get::<SpanFields>() {
                fields.add_missing(values);
            }
        }
        self.log.write(&Record {
            level: Level::from(event.metadata().level()),
            message: fields.message,
            for_people: None,
            fields: fields.values,
            time: SystemTime::now(),
            elapsed: self.log.elapsed(),
        });
    }
}

/// Libraries speak up for warnings only: their debug records are about themselves.
fn is_ours(target: &str) -> bool {
    target.starts_with("imagecustomizer") || target.starts_with("step")
}

#[derive(Default)]
struct Fields {
    message: String,
    values: Vec<(String, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else {
            self.values.push((field.name().to_owned(), value));
        }
    }

    fn add_missing(&mut self, values: &[(String, Value)]) {
        for (name, value) in values {
            if !self.values.iter().any(|(known, _)| known == name) {
                self.values.push((name.clone(), value.clone()));
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::super::tests::{captured, log_into};
    use super::*;

    fn lines_of(threshold: Level, action: impl FnOnce()) -> Vec<String> {
        let (log, buffer) = log_into(threshold);
        let subscriber = tracing_subscriber::registry().with(LogLayer { log });
        tracing::subscriber::with_default(subscriber, action);
        captured(&buffer).lines().map(|line| line.split_once("level=").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn events_carry_their_fields_and_those_of_their_spans() {
        let lines = lines_of(Level::Info, || {
            let _outer = tracing::info_span!("run", step = "users", depth = 1).entered();
            let _inner = tracing::debug_span!("inner", depth = 2).entered();
            tracing::warn!(count = 3, name = %"a b", "written {}", "twice");
        });
        assert_eq!(lines, [r#"warning msg="written twice" count=3 name="a b" depth=2 step=users"#]);
    }

    #[test]
    fn the_threshold_hides_what_lies_below() {
        let write_all = || {
            tracing::error!("e");
            tracing::info!("i");
            tracing::debug!("d");
            tracing::trace!("t");
        };
        for (threshold, count) in [
            (Level::Panic, 0),
            (Level::Fatal, 0),
            (Level::Error, 1),
            (Level::Info, 2),
            (Level::Debug, 3),
            (Level::Trace, 4),
        ] {
            assert_eq!(lines_of(threshold, write_all).len(), count, "{threshold:?}");
        }
    }

    #[test]
    fn libraries_are_heard_from_warnings_up_unless_all_is_asked_for() {
        let write_all = || {
            tracing::warn!(target: "wasmtime::runtime", "w");
            tracing::info!(target: "wasmtime::runtime", "i");
        };
        assert_eq!(lines_of(Level::Debug, write_all), [r#"warning msg="w""#]);
        assert_eq!(lines_of(Level::Trace, write_all).len(), 2);
    }
}
