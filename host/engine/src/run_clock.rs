//! The one instant and the one seed of a run: all times and random numbers in the result come from here.

use crate::error::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

/// Time and randomness of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunClock {
    /// Seconds since 1970.
    epoch: u64,
    seed: [u8; 32],
}

impl RunClock {
    /// With `source_date_epoch` (seconds since 1970), time and seed are decided by it and `identity`, which stands for
    /// what is asked for: equal runs then give equal bytes. Without, they are the present and the system's randomness.
    pub(crate) fn new(source_date_epoch: Option<u64>, identity: &[u8]) -> Result<Self> {
        if let Some(epoch) = source_date_epoch {
            let seed = Sha256::new()
                .chain_update(b"imagecustomizer seed 1")
                .chain_update(epoch.to_le_bytes())
                .chain_update(identity)
                .finalize();
            return Ok(Self { epoch, seed: seed.into() });
        }
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut seed = [0; 32];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Error::new(ErrorKind::Internal, "get random numbers").caused_by(error))?;
        Ok(Self { epoch, seed })
    }

    /// Seconds since 1970 that stand for "now".
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// 32 bytes for one purpose, different for every `purpose`.
    pub(crate) fn seed(&self, purpose: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.seed).chain_update(purpose.as_bytes()).finalize().into()
    }

    /// A name for the result: 16 random bytes as 8-4-4-4-12 lower-case hex digits, without version and variant bits
    /// (as the reference program makes them). `base` tells one base image from another.
    pub(crate) fn image_uuid(&self, base: &str) -> String {
        let seed = self.seed(&format!("image-uuid {base}"));
        let hex = sandbox::hex(&seed);
        let part = |range| hex.get(range).unwrap_or_default();
        [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
    }

    /// The instant as `YYYY-MM-DDThh:mm:ssZ`, in UTC.
    pub(crate) fn date(&self) -> String {
        let (days, seconds) = (self.epoch / 86_400, self.epoch % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that the leap day ends a year; 400 years have 146,097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_utc() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (epoch, date) in cases {
            assert_eq!(RunClock::new(Some(epoch), b"").unwrap().date(), date);
        }
    }

    #[test]
    fn equal_runs_are_equal_and_others_are_not() {
        let uuid = |epoch, identity: &[u8]| RunClock::new(epoch, identity).unwrap().image_uuid("base");
        assert_eq!(uuid(Some(1), b"a"), uuid(Some(1), b"a"));
        assert_ne!(uuid(Some(1), b"a"), uuid(Some(2), b"a"));
        assert_ne!(uuid(Some(1), b"a"), uuid(Some(1), b"b"));
        assert_ne!(uuid(None, b"a"), uuid(None, b"a"));
        assert_eq!(uuid(None, b"").split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
