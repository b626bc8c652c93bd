//! A report as keys and values, and back: what each span and metric carries, in the registry's order.

use crate::closed_set::{ClosedSet, Shape};
use crate::payload::Refused;
use crate::record::{Apis, Detail, Environment, Phases, Report};
use crate::registry::{
    Api, BaseDistro, BaseSource, Command, DurationClass, ErrorType, InputFormat, Outcome, OutputFormat,
    PHASE_SPAN, Phase, RUN_SPAN, SchemaVersion, ServiceName,
};
use crate::schema::VERSION;

/// A key and a value of the registry.
pub(crate) type Pair = (&'static str, &'static str);

/// The name of the scope that spans and metrics stand in.
pub(crate) const SCOPE: &str = "imagecustomizer";

fn pair<T: ClosedSet>(value: T) -> Pair {
    (T::ATTRIBUTE.key, value.value())
}

/// A span before it has ids. Times are milliseconds from the full hour.
pub(crate) struct Outline {
    pub(crate) name: &'static str,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Whether it stands for something that succeeded; `None` where that is not known.
    pub(crate) success: Option<bool>,
}

impl Environment {
    /// What the resource carries.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let Self { version, install, os, env, arch, ci } = *self;
        vec![
            pair(ServiceName::Imagecustomizer),
            pair(version),
            pair(VERSION),
            pair(install),
            pair(os),
            pair(env),
            pair(arch),
            pair(ci),
        ]
    }
}

impl Report {
    /// The span of the run, then those of its parts, each with the length that stands for its class.
    pub(crate) fn spans(&self) -> Vec<Outline> {
        let Self { command, outcome, error, input, output, source, distro, detail } = *self;
        let mut pairs = vec![
            pair(command),
            pair(outcome),
            pair(error),
            pair(input),
            pair(output),
            pair(source),
            pair(distro),
        ];
        let (length, phases) = match detail {
            Detail::Full { duration, phases, .. } => {
                pairs.push(pair(duration));
                (duration.length_ms(), phases)
            }
            Detail::Minimal { duration } => {
                pairs.push(pair(duration));
                (duration.length_ms(), Phases::NONE)
            }
        };
        let success = Some(outcome == Outcome::Success);
        let mut spans = vec![Outline { name: RUN_SPAN.name, pairs, start: 0, end: length, success }];
        let mut start = 0;
        for (phase, duration) in phases.iter() {
            let end = start + duration.length_ms();
            let pairs = vec![pair(phase), pair(duration)];
            spans.push(Outline { name: PHASE_SPAN.name, pairs, start, end, success: None });
            start = end;
        }
        spans
    }

    /// What the counter of runs carries.
    pub(crate) fn runs(&self) -> Vec<Pair> {
        vec![pair(self.command), pair(self.outcome), pair(self.error)]
    }

    /// The class that the histogram of durations records, and what it carries.
    pub(crate) fn duration(&self) -> Option<(DurationClass, Vec<Pair>)> {
        match self.detail {
            Detail::Full { duration, .. } => {
                Some((duration, vec![pair(self.command), pair(self.output), pair(duration)]))
            }
            Detail::Minimal { .. } => None,
        }
    }

    /// What the counter of used parts of the configuration language carries, once for each.
    pub(crate) fn apis(&self) -> Vec<Vec<Pair>> {
        match self.detail {
            Detail::Full { apis, .. } => apis.iter().map(|api| vec![pair(api)]).collect(),
            Detail::Minimal { .. } => Vec::new(),
        }
    }
}

/// Keys and values that are about to be sent, to be taken out one by one.
pub(crate) struct Values<'a>(pub(crate) Vec<(&'a str, &'a str)>);

impl Values<'_> {
    /// Takes an attribute out; its value has to be one of the registry's.
    pub(crate) fn take<T: ClosedSet>(&mut self) -> Result<T, Refused> {
        let position = self.0.iter().position(|(key, _)| *key == T::ATTRIBUTE.key);
        let (_, value) = self.0.swap_remove(position.ok_or(Refused::because("an attribute is missing"))?);
        T::named(value).ok_or(Refused::because("a value is not in the registry"))
    }

    /// Nothing may be left, be it unknown or there twice.
    pub(crate) fn end(self) -> Result<(), Refused> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Refused::because("an attribute is not in the registry, or stands there twice")),
        }
    }

    pub(crate) fn environment(&mut self) -> Result<Environment, Refused> {
        let _: ServiceName = self.take()?;
        let _: SchemaVersion = self.take()?;
        Ok(Environment {
            version: self.take()?,
            install: self.take()?,
            os: self.take()?,
            env: self.take()?,
            arch: self.take()?,
            ci: self.take()?,
        })
    }

    /// What the span of a run carries.
    pub(crate) fn run(&mut self, shape: Shape) -> Result<Report, Refused> {
        let report = Report {
            command: self.take()?,
            outcome: self.take()?,
            error: self.take()?,
            input: self.take()?,
            output: self.take()?,
            source: self.take()?,
            distro: self.take()?,
            detail: match shape {
                Shape::Full => {
                    Detail::Full { duration: self.take()?, phases: Phases::NONE, apis: Apis::NONE }
                }
                Shape::Minimal => Detail::Minimal { duration: self.take()? },
            },
        };
        match report.keeps_guest_rules() {
            true => Ok(report),
            false => Err(Refused::because("a run with a step that is not built in says too much")),
        }
    }

    pub(crate) fn phase(&mut self) -> Result<(Phase, DurationClass), Refused> {
        Ok((self.take()?, self.take()?))
    }

    /// What the counter of runs carries; the rest of the report is made up.
    pub(crate) fn runs(&mut self, shape: Shape) -> Result<Report, Refused> {
        let report = Report {
            command: self.take()?,
            outcome: self.take()?,
            error: self.take()?,
            input: InputFormat::None,
            output: OutputFormat::None,
            source: BaseSource::None,
            distro: BaseDistro::Unknown,
            detail: match shape {
                Shape::Full => {
                    Detail::Full { duration: DurationClass::Lt1s, phases: Phases::NONE, apis: Apis::NONE }
                }
                Shape::Minimal => Detail::Minimal { duration: crate::registry::CoarseDurationClass::Lt16s },
            },
        };
        match report.keeps_guest_rules() {
            true => Ok(report),
            false => Err(Refused::because("a run with a step that is not built in says too much")),
        }
    }

    pub(crate) fn duration(&mut self) -> Result<(Command, OutputFormat, DurationClass), Refused> {
        Ok((self.take()?, self.take()?, self.take()?))
    }

    pub(crate) fn api(&mut self) -> Result<Api, Refused> {
        self.take()
    }
}

impl Report {
    /// Whether a minimal report holds only what [`crate::record::RunRecord::report`] leaves in one.
    fn keeps_guest_rules(&self) -> bool {
        match (self.detail, self.outcome, self.error) {
            (Detail::Full { .. }, ..) | (Detail::Minimal { .. }, Outcome::Success, ErrorType::None) => true,
            (Detail::Minimal { .. }, Outcome::GuestError, ErrorType::GuestError) => {
                self.input == InputFormat::None && self.distro == BaseDistro::Unknown
            }
            (Detail::Minimal { .. }, ..) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed_set::Signal;
    use crate::registry::{API_CALLS_METRIC, RESOURCE, RUN_DURATION_METRIC, RUNS_METRIC};
    use crate::samples;

    fn keys(pairs: &[Pair]) -> Vec<&'static str> {
        pairs.iter().map(|(key, _)| *key).collect()
    }

    fn listed(signal: &Signal, shape: Shape) -> Vec<&'static str> {
        signal.attributes(shape).map(|attribute| attribute.key).collect()
    }

    #[test]
    fn everything_carries_what_the_registry_lists_in_its_order() {
        assert_eq!(keys(&samples::ENVIRONMENT.pairs()), listed(&RESOURCE, Shape::Full));
        for (report, shape) in [(samples::full(), Shape::Full), (samples::minimal(), Shape::Minimal)] {
            let spans = report.spans();
            let (run, phases) = spans.split_first().unwrap();
            assert_eq!((run.name, keys(&run.pairs)), (RUN_SPAN.name, listed(&RUN_SPAN, shape)));
            assert_eq!(phases.is_empty(), !PHASE_SPAN.occurs.with(shape));
            for phase in phases {
                assert_eq!((phase.name, keys(&phase.pairs)), (PHASE_SPAN.name, listed(&PHASE_SPAN, shape)));
            }
            assert_eq!(keys(&report.runs()), listed(&RUNS_METRIC, shape));
            assert_eq!(report.duration().is_some(), RUN_DURATION_METRIC.occurs.with(shape));
            if let Some((_, pairs)) = report.duration() {
                assert_eq!(keys(&pairs), listed(&RUN_DURATION_METRIC, shape));
            }
            assert_eq!(report.apis().is_empty(), !API_CALLS_METRIC.occurs.with(shape));
            for pairs in report.apis() {
                assert_eq!(keys(&pairs), listed(&API_CALLS_METRIC, shape));
            }
        }
    }

    #[test]
    fn spans_follow_one_another_from_the_full_hour() {
        let spans: Vec<_> = samples::full().spans().iter().map(|span| (span.start, span.end)).collect();
        assert_eq!(spans, [(0, 32_000), (0, 500), (500, 2_500), (2_500, 10_500), (10_500, 12_500)]);
        let spans: Vec<_> = samples::minimal().spans().iter().map(|span| (span.start, span.end)).collect();
        assert_eq!(spans, [(0, 32_000)]);
    }
}
