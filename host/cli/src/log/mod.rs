//! The log: records of all crates, on standard error and in the log file.
//!
//! Records reach it as `tracing` events or, for the last record of a failed run, by [`Log::write`]. Nothing
//! is logged to standard output.

pub(crate) mod escape;
mod layer;
mod level;
mod record;
pub(crate) mod time;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tracing_subscriber::layer::SubscriberExt;

pub(crate) use level::Level;
pub(crate) use record::Record;
use record::Style;

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    /// The empty text means the default.
    pub(crate) fn from_flag(word: &str) -> Self {
        if word == "json" { Self::Json } else { Self::Text }
    }
}

/// `--log-color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Always,
    Auto,
    Never,
}

impl Color {
    /// The empty text means the default.
    pub(crate) fn from_flag(word: &str) -> Self {
        match word {
            "always" => Self::Always,
            "never" => Self::Never,
            _ => Self::Auto,
        }
    }
}

/// What the flags ask for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) level: Level,
    pub(crate) format: Format,
    pub(crate) color: Color,
    pub(crate) file: Option<PathBuf>,
}

/// What standard error is.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    /// A terminal that moves its cursor.
    is_terminal: bool,
    /// `NO_COLOR` is set and not empty.
    no_color: bool,
}

impl Terminal {
    fn of_stderr() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            is_terminal: io::stderr().is_terminal() && set("TERM").is_none_or(|term| term != "dumb"),
            no_color: set("NO_COLOR").is_some(),
        }
    }
}

impl Settings {
    /// Whether the flags exclude each other.
    pub(crate) fn contradict(&self) -> bool {
        self.format == Format::Json && self.color == Color::Always
    }

    fn stderr_style(&self, terminal: Terminal) -> Style {
        match (self.format, self.color) {
            (Format::Json, _) => Style::Json,
            (Format::Text, Color::Always) => Style::Short { color: true },
            (Format::Text, Color::Auto) if terminal.is_terminal => Style::Short { color: !terminal.no_color },
            (Format::Text, _) => Style::Logfmt,
        }
    }

    fn file_style(&self) -> Style {
        match (self.format, self.color) {
            (Format::Json, _) => Style::Json,
            (Format::Text, Color::Always) => Style::Short { color: true },
            (Format::Text, _) => Style::Logfmt,
        }
    }

    /// The status line is for a person who watches, and would tear other forms apart.
    fn shows_status(&self, terminal: Terminal) -> bool {
        let short = matches!(self.stderr_style(terminal), Style::Short { .. });
        terminal.is_terminal && self.level == Level::Info && short
    }
}

/// Where records go. Clones share the outputs.
#[derive(Clone)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    started: Instant,
    /// The least severe level that any output shows.
    threshold: Level,
    shows_status: bool,
    outputs: Mutex<Outputs>,
}

struct Outputs {
    stderr: Output,
    file: Option<Output>,
    /// The line shown below the records, without its line end.
    status: Option<String>,
}

struct Output {
    threshold: Level,
    style: Style,
    writer: Box<dyn Write + Send>,
}

impl Log {
    /// Opens the log file, and makes this the log of all crates.
    ///
    /// # Errors
    /// The log file could not be made.
    pub(crate) fn start(settings: &Settings) -> io::Result<Self> {
        let terminal = Terminal::of_stderr();
        let file = settings.file.as_deref().map(create_with_parents).transpose()?;
        let stderr = Output {
            threshold: settings.level,
            style: settings.stderr_style(terminal),
            writer: Box::new(io::stderr()),
        };
        let file = file.map(|file| Output {
            threshold: Level::Debug,
            style: settings.file_style(),
            writer: Box::new(file),
        });
        let log = Self::new(stderr, file, settings.shows_status(terminal));
        let subscriber = tracing_subscriber::registry().with(layer::LogLayer { log: log.clone() });
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        Ok(log)
    }

    fn new(stderr: Output, file: Option<Output>, shows_status: bool) -> Self {
        let threshold = stderr.threshold.max(file.as_ref().map_or(Level::Panic, |file| file.threshold));
        let outputs = Mutex::new(Outputs { stderr, file, status: None });
        Self { shared: Arc::new(Shared { started: Instant::now(), threshold, shows_status, outputs }) }
    }

    /// Since the log was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// Whether a status line would be seen.
    pub(crate) fn shows_status(&self) -> bool {
        self.shared.shows_status
    }

    /// Whether a person who watches standard error sees records of that level.
    pub(crate) fn shows_on_stderr(&self, level: Level) -> bool {
        level <= self.outputs().stderr.threshold
    }

    fn threshold(&self) -> Level {
        self.shared.threshold
    }

    /// Writes the record to each output that shows its level.
    pub(crate) fn write(&self, record: &Record) {
        // Standard error that cannot be written to is no reason to stop a run, and there is nowhere to say so.
        let _ = self.try_write(record);
    }

    /// Writes a text that a person has to be told.
    ///
    /// # Errors
    /// Standard error did not take it.
    pub(crate) fn tell(&self, level: Level, message: &str) -> io::Result<()> {
        self.try_write(&Record {
            level,
            message: message.to_owned(),
            for_people: None,
            fields: Vec::new(),
            time: SystemTime::now(),
            elapsed: self.elapsed(),
        })
    }

    /// As [`Self::write`]; fails when standard error does.
    fn try_write(&self, record: &Record) -> io::Result<()> {
        let mut outputs = self.outputs();
        let Outputs { stderr, file, status } = &mut *outputs;
        let mut written = Ok(());
        if record.level <= stderr.threshold {
            let line = record.to_line(stderr.style);
            let text = match status {
                Some(status) => format!("{ERASE_LINE}{line}{status}"),
                None => line,
            };
            written = stderr.writer.write_all(text.as_bytes());
        }
        let failed = file.as_mut().and_then(|file| {
            let shown = record.level <= file.threshold;
            shown.then(|| file.writer.write_all(record.to_line(file.style).as_bytes()).err()).flatten()
        });
        if let Some(error) = failed {
            *file = None;
            drop(outputs);
            tracing::warn!("cannot write to the log file, it ends here: {error}");
        }
        written
    }

    /// Shows `text` below the records in place of what stood there; `None` removes it.
    pub(crate) fn set_status(&self, text: Option<&str>) {
        if !self.shared.shows_status {
            return;
        }
        let mut outputs = self.outputs();
        let status = text.map(escape::escape_line);
        if status != outputs.status {
            let shown = format!("{ERASE_LINE}{}", status.as_deref().unwrap_or_default());
            let _ = outputs.stderr.writer.write_all(shown.as_bytes());
            let _ = outputs.stderr.writer.flush();
            outputs.status = status;
        }
    }

    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        // A panic while a line was written leaves at worst half a line.
        self.shared.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// To the first column, then erase to the end of the line (ECMA-48).
const ERASE_LINE: &str = "\r\x1b[K";

/// Makes the directories above `path` and an empty file at it.
fn create_with_parents(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes written by a log under test.
    pub(super) type Buffer = Arc<Mutex<Vec<u8>>>;

    struct BufferWriter(Buffer);

    impl Write for BufferWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct FullDisk;

    impl Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output(threshold: Level, style: Style) -> (Output, Buffer) {
        let buffer = Buffer::default();
        (Output { threshold, style, writer: Box::new(BufferWriter(Arc::clone(&buffer))) }, buffer)
    }

    pub(super) fn log_into(threshold: Level) -> (Log, Buffer) {
        let (output, buffer) = output(threshold, Style::Logfmt);
        (Log::new(output, None, false), buffer)
    }

    pub(super) fn captured(buffer: &Buffer) -> String {
        String::from_utf8(buffer.lock().unwrap().clone()).unwrap()
    }

    fn record(level: Level, message: &str) -> Record {
        Record {
            level,
            message: message.into(),
            for_people: None,
            fields: Vec::new(),
            time: SystemTime::UNIX_EPOCH,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn the_file_gets_debug_and_above_whatever_standard_error_shows() {
        let (stderr, stderr_text) = output(Level::Fatal, Style::Logfmt);
        let (file, file_text) = output(Level::Debug, Style::Json);
        let log = Log::new(stderr, Some(file), false);
        for level in [Level::Fatal, Level::Info, Level::Debug, Level::Trace] {
            log.write(&record(level, "m"));
        }
        assert_eq!(captured(&stderr_text).lines().count(), 1);
        assert_eq!(captured(&file_text).lines().count(), 3);
    }

    #[test]
    fn a_full_disk_ends_the_file_and_not_the_run() {
        let (stderr, stderr_text) = output(Level::Info, Style::Logfmt);
        let file = Output { threshold: Level::Debug, style: Style::Logfmt, writer: Box::new(FullDisk) };
        let log = Log::new(stderr, Some(file), false);
        log.write(&record(Level::Info, "one"));
        log.write(&record(Level::Info, "two"));
        assert_eq!(captured(&stderr_text).lines().count(), 2);
        assert!(log.outputs().file.is_none());
    }

    #[test]
    fn who_tells_a_person_learns_that_standard_error_takes_nothing() {
        let (taking, text) = log_into(Level::Info);
        assert!(taking.tell(Level::Info, "one").is_ok());
        assert!(captured(&text).contains("one"));
        let full = Output { threshold: Level::Info, style: Style::Logfmt, writer: Box::new(FullDisk) };
        let error = Log::new(full, None, false).tell(Level::Info, "one").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn the_status_line_stays_below_the_records() {
        let (stderr, text) = output(Level::Info, Style::Short { color: false });
        let log = Log::new(stderr, None, true);
        log.set_status(Some("writing\n"));
        log.write(&record(Level::Info, "m"));
        log.set_status(None);
        let record = format!("INFO[0000] {:<44}\n", "m");
        let expected = format!("{ERASE_LINE}writing\\n{ERASE_LINE}{record}writing\\n{ERASE_LINE}");
        assert_eq!(captured(&text), expected);
    }

    #[test]
    fn no_status_line_is_written_where_none_is_shown() {
        let (log, text) = log_into(Level::Info);
        log.set_status(Some("writing"));
        assert_eq!(captured(&text), "");
    }

    #[test]
    fn flags_and_terminal_decide_the_form() {
        use Color::{Always, Auto, Never};
        let (short, bare) = (Style::Short { color: true }, Style::Short { color: false });
        let cases = [
            (Format::Text, Auto, true, false, short, Style::Logfmt, true),
            (Format::Text, Auto, true, true, bare, Style::Logfmt, true),
            (Format::Text, Auto, false, false, Style::Logfmt, Style::Logfmt, false),
            (Format::Text, Always, false, true, short, short, false),
            (Format::Text, Never, true, false, Style::Logfmt, Style::Logfmt, false),
            (Format::Json, Auto, true, false, Style::Json, Style::Json, false),
            (Format::Json, Never, true, false, Style::Json, Style::Json, false),
        ];
        for (format, color, is_terminal, no_color, stderr, file, status) in cases {
            let settings = Settings { level: Level::Info, format, color, file: None };
            let terminal = Terminal { is_terminal, no_color };
            assert_eq!(settings.stderr_style(terminal), stderr, "{settings:?} {terminal:?}");
            assert_eq!(settings.file_style(), file, "{settings:?} {terminal:?}");
            assert_eq!(settings.shows_status(terminal), status, "{settings:?} {terminal:?}");
        }
    }
}
