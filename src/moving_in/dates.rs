//! Moments as other programs write them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::clock::Moment;

/// Whether a cell that is to hold a date says that there is none.
pub(super) fn is_none(cell: &str) -> bool {
    let cell = cell.trim();
    cell.starts_with("0000-00-00")
        || matches!(
            cell.to_ascii_lowercase().as_str(),
            "" | "null"
                | "\\n"
                | "none"
                | "nil"
                | "-"
                | "n/a"
                | "na"
                | "never"
                | "0"
                | "false"
                | "no"
                | "nan"
        )
}

/// The moment that a cell names; none where it cannot be told, as where day and month may be one another.
pub(super) fn moment(cell: &str) -> Option<Moment> {
    let cell = cell.trim();
    if is_none(cell) {
        return None;
    }
    if let Ok(timestamp) = cell.parse::<Timestamp>() {
        return sensible(timestamp);
    }
    let spelled = cell.replace(" UTC", "Z");
    if let Ok(timestamp) = spelled.parse::<Timestamp>() {
        return sensible(timestamp);
    }
    if let Ok(time) = spelled.parse::<DateTime>() {
        return of_utc(time);
    }
    if let Ok(date) = cell.parse::<jiff::civil::Date>() {
        return of_utc(date.to_datetime(jiff::civil::Time::midnight()));
    }
    if cell.len() >= 9 && cell.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = cell.parse().ok()?;
        let seconds = if cell.len() >= 12 { number / 1_000 } else { number };
        return sensible(Timestamp::from_second(seconds).ok()?);
    }
    FORMS.iter().find_map(|form| in_words(form, cell)).or_else(|| in_figures(cell))
}

/// With the name of the month: nothing else can be meant.
const FORMS: &[&str] = &[
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%a %b %d %Y",
];

fn in_words(form: &str, cell: &str) -> Option<Moment> {
    let read = jiff::fmt::strtime::parse(form, cell).ok()?;
    let time = read
        .to_datetime()
        .or_else(|_| read.to_date().map(|date| date.to_datetime(jiff::civil::Time::midnight())));
    of_utc(time.ok()?)
}

/// Figures alone: `12-04-2022 09:30`, `31.12.2020`, `12/31/2020`. With hyphens and full stops the day comes first; with strokes only a
/// number above twelve tells.
fn in_figures(cell: &str) -> Option<Moment> {
    let (date, time) = cell.split_once([' ', 'T']).map_or((cell, ""), |(date, time)| (date, time));
    let sign = date.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<i16> = date.split(sign).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [first, second, third] = *parts.as_slice() else { return None };
    let (year, month, day) = match sign {
        _ if first > 31 => (first, second, third),
        '-' | '.' => (third, second, first),
        '/' if first > 12 => (third, second, first),
        '/' if second > 12 => (third, first, second),
        '/' if first == second => (third, first, second),
        _ => return None,
    };
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let mut clock = time.split(':').map(|part| part.trim().parse::<i8>().ok());
    let (hour, minute, second) = (clock.next(), clock.next(), clock.next());
    let at = |part: Option<Option<i8>>| part.flatten().unwrap_or(0);
    let time = jiff::civil::Time::new(at(hour), at(minute), at(second), 0).unwrap_or_default();
    of_utc(date.to_datetime(time))
}

fn of_utc(time: DateTime) -> Option<Moment> {
    sensible(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Nothing from before there were computers.
fn sensible(timestamp: Timestamp) -> Option<Moment> {
    (timestamp.as_second() >= 0).then(|| timestamp.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_programs_write_them() {
        for (cell, told) in [
            ("2023-01-01T00:00:00.000Z", "2023-01-01T00:00:00Z"),
            ("2022-02-02 02:02:02", "2022-02-02T02:02:02Z"),
            ("2022-02-02 02:02:02+00", "2022-02-02T02:02:02Z"),
            ("2022-02-02 02:02:02.123+00:00", "2022-02-02T02:02:02Z"),
            ("2022-02-02 02:02:02 UTC", "2022-02-02T02:02:02Z"),
            ("2024-02-02", "2024-02-02T00:00:00Z"),
            ("12-04-2022 09:30", "2022-04-12T09:30:00Z"),
            ("31.12.2020", "2020-12-31T00:00:00Z"),
            ("12/31/2020", "2020-12-31T00:00:00Z"),
            ("31/12/2020 10:05", "2020-12-31T10:05:00Z"),
            ("Jan 2, 2024", "2024-01-02T00:00:00Z"),
            ("2 January 2024", "2024-01-02T00:00:00Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment(cell).map(|at| at.to_string()).as_deref(), Some(told), "{cell}");
        }
        for cell in ["", "NULL", "0000-00-00 00:00:00", "04/05/2020", "yesterday", "-", "99/99/9999"] {
            assert_eq!(moment(cell), None, "{cell}");
        }
        assert!(is_none("0000-00-00 00:00:00") && is_none(" null ") && !is_none("04/05/2020"));
    }
}
