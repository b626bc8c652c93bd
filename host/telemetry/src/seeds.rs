//! What a payload holds beside the record: the hour in which the run started, and ids out of nothing but chance.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::registry::{CoarseDurationClass, Phase};

/// The hour and the chance that go into one payload. The same seeds and the same record give the same payload.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    pub(crate) hour: Hour,
    pub(crate) ids: Ids,
    pub(crate) lot: Lot,
}

impl Seeds {
    /// Draws seeds for a run that started then.
    ///
    /// The start, and not the end, tells the hour: a component could delay the end into the next one.
    ///
    /// # Errors
    /// The system gives no random bytes. Then nothing can be sent.
    pub fn draw(started: SystemTime) -> Result<Self, NoRandomness> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self::from_bytes(started, &bytes))
    }

    /// The seeds that these bytes make. For tests: what is sent has ids that nobody chose.
    #[must_use]
    pub fn from_bytes(started: SystemTime, bytes: &[u8; BYTES]) -> Self {
        let mut source = bytes.iter().copied();
        let mut next = || source.next().unwrap_or_default();
        let lot = Lot([next(), next()]);
        let trace = std::array::from_fn(|_| next());
        let spans = std::array::from_fn(|_| std::array::from_fn(|_| next()));
        Self { hour: Hour::of(started), ids: Ids { trace, spans }.without_zero(), lot }
    }
}

/// Spans that a trace can have: the run and each of its parts.
pub(crate) const SPANS: usize = 1 + Phase::ALL.len();
/// Random bytes that go into one payload.
pub const BYTES: usize = 2 + 16 + 8 * SPANS;

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl std::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the system gives no random bytes")
    }
}

impl std::error::Error for NoRandomness {}

/// A full hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hour(u64);

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

impl Hour {
    /// The hour that holds a time; the first of 1970 for a clock that is before it.
    fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Nanoseconds since 1970 in 63 bits reach into the year 2262. OTLP has one bit more, but a clock that far off is as
        // wrong as one before 1970.
        let seconds = seconds.min(i64::MAX as u64 / 1_000_000_000);
        Self(seconds / HOUR.as_secs())
    }

    pub(crate) fn start(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds())
    }

    const fn seconds(self) -> u64 {
        self.0.saturating_mul(HOUR.as_secs())
    }

    /// So many milliseconds into the hour, as RFC 3339 writes it.
    pub(crate) fn utc(self, milliseconds: u64) -> String {
        let seconds = self.seconds() + milliseconds / 1000;
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let rest = milliseconds % 1000;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z")
    }

    /// Nanoseconds since 1970 at so many milliseconds into the hour.
    pub(crate) const fn nanoseconds(self, milliseconds: u64) -> u64 {
        self.seconds().saturating_mul(1000).saturating_add(milliseconds).saturating_mul(1_000_000)
    }
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        u64::from((year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let mut month = 1;
    loop {
        let length = match month {
            2 => 28 + leap(year),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if days < length {
            return (year, month, days + 1);
        }
        days -= length;
        month += 1;
    }
}

/// Ids of a trace and its spans: the run first, then the parts that were entered in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace: [u8; 16],
    pub(crate) spans: [[u8; 8]; SPANS],
}

impl Ids {
    /// An id of zeros means that there is none.
    fn without_zero(mut self) -> Self {
        let trace = std::iter::once(self.trace.as_mut_slice());
        for id in trace.chain(self.spans.iter_mut().map(<[u8; 8]>::as_mut_slice)) {
            if let (true, Some(last)) = (id.iter().all(|byte| *byte == 0), id.last_mut()) {
                *last = 1;
            }
        }
        self
    }

    /// Of the run's span, which all others belong to.
    pub(crate) const fn run(&self) -> [u8; 8] {
        let [run, ..] = self.spans;
        run
    }
}

/// Two random bytes that decide whether a run's coarse class is sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lot(pub(crate) [u8; 2]);

/// Of 256: how often the class is sent as it is. Otherwise each of the four is, equally often.
pub(crate) const KEPT_OF_256: u8 = 189;

impl Lot {
    /// The class that is sent. Nobody can tell from one report which class the run had; the shares among many can be
    /// told, because the odds are known.
    pub(crate) fn respond(self, class: CoarseDurationClass) -> CoarseDurationClass {
        let Self([keep, pick]) = self;
        if keep < KEPT_OF_256 {
            return class;
        }
        // Four divides 256, so each is equally likely.
        let classes = CoarseDurationClass::ALL;
        classes.get(usize::from(pick) % classes.len()).copied().unwrap_or(class)
    }
}

const _: () = assert!(256 % CoarseDurationClass::ALL.len() == 0);
