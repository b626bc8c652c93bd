//! The levels of the log, as the reference program names them.

/// How severe a record is; the most severe comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing is logged at this level; as a threshold it silences everything.
    Panic,
    /// The run failed: the last record.
    Fatal,
    /// What was asked did not happen.
    Error,
    /// It may hurt later.
    Warning,
    /// A step began or ended.
    Info,
    /// Our actions.
    Debug,
    /// Command lines and the like.
    Trace,
}

impl Level {
    /// The level that `--log-level` calls `word`; the empty text means the default.
    pub(crate) fn from_flag(word: &str) -> Self {
        match word {
            "panic" => Self::Panic,
            "fatal" => Self::Fatal,
            "error" => Self::Error,
            "warn" => Self::Warning,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => Self::Info,
        }
    }

    /// The level's name in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// Four letters, for the short form.
    pub(super) fn short_name(self) -> &'static str {
        match self {
            Self::Panic => "PANI",
            Self::Fatal => "FATA",
            Self::Error => "ERRO",
            Self::Warning => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBU",
            Self::Trace => "TRAC",
        }
    }

    /// Parameter of the terminal's colour sequence (ECMA-48, "select graphic rendition").
    pub(super) fn color(self) -> u8 {
        match self {
            Self::Panic | Self::Fatal | Self::Error => 31,
            Self::Warning => 33,
            Self::Info => 36,
            Self::Debug | Self::Trace => 37,
        }
    }

    /// The filter that lets through what a threshold of this level shows.
    pub(super) fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Panic | Self::Fatal => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warning => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}
