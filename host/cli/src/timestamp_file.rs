//! `--timestamp-file`: when the run started and ended, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::log::time::rfc3339_nanoseconds;

/// The only step that is recorded, and the root of all.
const ROOT_NAME: &str = "imagecustomizer";
const ROOT_ID: i64 = 0;
/// The parent of a step that has none.
const NONE: i64 = -1;
/// How long a step took that has not ended.
const NOT_ENDED: f64 = -1.0;

/// The file, with the start of the run written to it.
pub(crate) struct TimestampFile {
    file: File,
    started: SystemTime,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    event_type: u8,
    #[serde(rename = "ID")]
    id: i64,
    name: &'a str,
    start_time: String,
    end_time: Option<String>,
    elapsed_seconds: f64,
    #[serde(rename = "ParentID")]
    parent_id: i64,
}

impl TimestampFile {
    /// Empties or makes the file at `path`, and records the start.
    ///
    /// # Errors
    /// The file could not be made or written.
    pub(crate) fn start(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o664).open(path)?;
        let mut timestamps = Self { file, started: SystemTime::now() };
        let line = start_line(timestamps.started)?;
        timestamps.file.write_all(line.as_bytes())?;
        Ok(timestamps)
    }

    /// Records the end.
    ///
    /// # Errors
    /// The file could not be written.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        let line = stop_line(self.started, SystemTime::now())?;
        self.file.write_all(line.as_bytes())
    }
}

fn start_line(started: SystemTime) -> io::Result<String> {
    line(&Event { elapsed_seconds: NOT_ENDED, ..event(0, started) })
}

fn stop_line(started: SystemTime, ended: SystemTime) -> io::Result<String> {
    let elapsed = ended.duration_since(started).unwrap_or(Duration::ZERO);
    line(&Event {
        end_time: Some(rfc3339_nanoseconds(ended)),
        elapsed_seconds: elapsed.as_secs_f64(),
        ..event(1, started)
    })
}

fn event(event_type: u8, started: SystemTime) -> Event<'static> {
    Event {
        event_type,
        id: ROOT_ID,
        name: ROOT_NAME,
        start_time: rfc3339_nanoseconds(started),
        end_time: None,
        elapsed_seconds: 0.0,
        parent_id: NONE,
    }
}

fn line(event: &Event<'_>) -> io::Result<String> {
    Ok(format!("{}\n", serde_json::to_string(event)?))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn start_and_stop_are_one_line_each() {
        let started = UNIX_EPOCH + Duration::from_secs(1_795_338_441);
        assert_eq!(
            start_line(started).unwrap(),
            "{\"EventType\":0,\"ID\":0,\"Name\":\"imagecustomizer\",\"StartTime\":\"2026-11-22T09:07:21.000000000Z\",\
             \"EndTime\":null,\"ElapsedSeconds\":-1.0,\"ParentID\":-1}\n"
        );
        assert_eq!(
            stop_line(started, started + Duration::from_millis(2500)).unwrap(),
            "{\"EventType\":1,\"ID\":0,\"Name\":\"imagecustomizer\",\"StartTime\":\"2026-11-22T09:07:21.000000000Z\",\
             \"EndTime\":\"2026-11-22T09:07:23.500000000Z\",\"ElapsedSeconds\":2.5,\"ParentID\":-1}\n"
        );
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_negative_time() {
        let started = UNIX_EPOCH + Duration::from_secs(10);
        assert!(stop_line(started, UNIX_EPOCH).unwrap().contains("\"ElapsedSeconds\":0.0"));
    }
}
