//! Times as RFC 3339 text, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;
/// RFC 3339 has four digits for the year.
const LAST_YEAR: u64 = 9999;

/// `2026-11-22T09:07:21Z`. A time before 1970 is shown as 1970.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    format!("{}Z", to_seconds(time))
}

/// As [`rfc3339`], with nine digits of a second.
pub(crate) fn rfc3339_nanoseconds(time: SystemTime) -> String {
    let nanoseconds = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.subsec_nanos());
    format!("{}.{nanoseconds:09}Z", to_seconds(time))
}

/// Date and time down to the second, without a zone.
fn to_seconds(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let (year, month, day) = date(seconds / SECONDS_PER_DAY);
    let second_of_day = seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of the `days`-th day since 1 January 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let (mut year, mut rest) = (1970, days);
    while year < LAST_YEAR && rest >= days_of_year(year) {
        rest = rest.saturating_sub(days_of_year(year));
        year += 1;
    }
    let february = days_of_year(year).saturating_sub(337);
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest.min(30) + 1)
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (1_795_338_441, "2026-11-22T09:07:21Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_clock_before_1970_or_far_off_still_gives_a_time() {
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
        assert!(rfc3339(UNIX_EPOCH + Duration::from_secs(1 << 60)).starts_with("9999-"));
    }

    #[test]
    fn nanoseconds_have_nine_digits() {
        let time = UNIX_EPOCH + Duration::from_nanos(1_000_000_042);
        assert_eq!(rfc3339_nanoseconds(time), "1970-01-01T00:00:01.000000042Z");
    }
}
