//! Dates and times as FAT keeps them: since 1980, in steps of two seconds, taken as UTC.

use crate::tree::Timestamp;

const DAY: i64 = 86_400;
/// Days from 1970-01-01 to 1980-01-01.
const FIRST_DAY: i64 = 3652;
/// Days from 1970-01-01 to 2107-12-31, the last that can be stored.
const LAST_DAY: i64 = 50_402;

/// Date, time of day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    pub(super) date: u16,
    pub(super) time: u16,
}

/// The nearest that can be stored, rounded down.
pub(super) fn stamp(time: Timestamp) -> Stamp {
    let day = time.seconds.div_euclid(DAY);
    let (day, second) = match day {
        ..FIRST_DAY => (FIRST_DAY, 0),
        FIRST_DAY..=LAST_DAY => (day, time.seconds.rem_euclid(DAY)),
        _ => (LAST_DAY, DAY - 2),
    };
    let (year, month, day) = civil(day);
    let date = (year - 1980) << 9 | month << 5 | day;
    let time = ((second / 3600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2);
    Stamp { date: u16::try_from(date).unwrap_or_default(), time: u16::try_from(time).unwrap_or_default() }
}

/// A stamp that is no date (all zero, month 15) is taken as the nearest one.
pub(super) fn timestamp(stamp: Stamp) -> Timestamp {
    let (date, time) = (i64::from(stamp.date), i64::from(stamp.time));
    let day = days(1980 + (date >> 9), (date >> 5 & 15).clamp(1, 12), (date & 31).max(1));
    let second = (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2;
    Timestamp { seconds: day * DAY + second, nanoseconds: 0 }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. The year is taken to begin in March, so that the leap
/// day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01, within the range above.
fn civil(day: i64) -> (i64, i64, i64) {
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (2..=12).take_while(|month| days(year, *month, 1) <= day).last().unwrap_or(1);
    (year, month, day - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were_to_two_seconds() {
        let cases = [
            (315_532_800, 0x0021, 0x0000),
            (1_704_164_646, 0x5822, 0x1883),
            (1_709_164_799, 0x585C, 0xBF7D),
            (4_354_819_198, 0xFF9F, 0xBF7D),
        ];
        for (seconds, date, time) in cases {
            let stored = stamp(Timestamp { seconds, nanoseconds: 0 });
            assert_eq!(stored, Stamp { date, time }, "{seconds}");
            assert_eq!(timestamp(stored).seconds, seconds & !1);
        }
        for day in FIRST_DAY..=LAST_DAY {
            let time = Timestamp { seconds: day * DAY + 4242, nanoseconds: 0 };
            assert_eq!(timestamp(stamp(time)), time);
        }
    }

    #[test]
    fn times_out_of_range_become_the_nearest() {
        for (seconds, date) in [(0, 0x0021), (i64::MIN, 0x0021), (i64::MAX, 0xFF9F)] {
            assert_eq!(stamp(Timestamp { seconds, nanoseconds: 0 }).date, date);
        }
        timestamp(Stamp { date: u16::MAX, time: u16::MAX });
        timestamp(Stamp { date: 0, time: 0 });
    }
}
