//! The line that tells a person that usage data is sent, before any is.

use crate::destination::Destination;

/// When it is shown, and what it announces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// Once, where the choice can be kept: nothing is sent on that run.
    NextRun,
    /// On every run of a container or a build service, where nothing can be kept: data is sent at the end of the run.
    ThisRun,
}

impl Notice {
    /// One line without its line end.
    pub fn text(self, destination: &Destination) -> String {
        let hosts = destination.hosts().join(", ");
        let (when, stop) = match self {
            Self::NextRun => ("From the next run on", "`imagecustomizer telemetry off` or DO_NOT_TRACK=1"),
            Self::ThisRun => ("At the end of this run", "`--disable-telemetry` or DO_NOT_TRACK=1"),
        };
        format!(
            "{when}, usage data is sent to {hosts}: no names, paths, texts or ids. \
             To see it: `imagecustomizer telemetry preview`. To stop it: {stop}."
        )
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn the_line_says_when_where_how_to_see_and_how_to_stop() {
        let collector = |name: &str| {
            (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| OsString::from("https://collector.example/token"))
        };
        let destination = crate::destination::resolve(&collector).unwrap().unwrap();
        let cases = [(Notice::NextRun, "From the next run on", "telemetry off"), {
            (Notice::ThisRun, "At the end of this run", "--disable-telemetry")
        }];
        for (notice, when, stop) in cases {
            let text = notice.text(&destination);
            for part in [when, stop, "collector.example:443", "telemetry preview", "DO_NOT_TRACK=1"] {
                assert!(text.contains(part), "{text}");
            }
            assert!(!text.contains('\n') && !text.contains("token"), "{text}");
        }
    }
}
