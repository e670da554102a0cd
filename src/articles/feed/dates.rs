//! Dates as feeds write them.
//!
//! The rule: what cannot be read with certainty is not read. A date comes in parts that are told by their shape (a time has
//! colons, a year four figures, a zone a sign or a name); words that are neither month nor zone are taken for days of the week.

use jiff::{Timestamp, civil, tz};

use crate::clock::Moment;

/// No date is longer.
const LONGEST: usize = 80;
const FIRST_YEAR: i16 = 1600;
const LAST_YEAR: i16 = 9000;

/// Months by how their names begin, in the languages that feeds name them in. The longest beginning that fits counts.
const MONTHS: &[(i8, &[&str])] = &[
    (1, &["jan", "jän", "ene", "gen", "sty", "led", "янв", "січ", "oca", "ιαν", "ιανουάρ", "tam", "1月"]),
    (2, &["feb", "fev", "fév", "lut", "úno", "фев", "лют", "şub", "φεβ", "hel", "febr"]),
    (3, &["mar", "mär", "mrz", "maa", "bře", "мар", "бер", "μάρ", "μαρ", "már", "mrt"]),
    (4, &["apr", "avr", "abr", "kwi", "dub", "апр", "кві", "nis", "απρ", "huh", "ápr"]),
    (5, &["may", "mai", "mag", "mei", "maj", "kvě", "май", "мая", "тра", "μάι", "μαϊ", "tou", "máj"]),
    (6, &["jun", "juin", "giu", "cze", "červen", "июн", "чер", "haz", "ιούν", "ιουν", "kes", "jún"]),
    (7, &["jul", "juil", "lug", "lip", "červenec", "июл", "tem", "ιούλ", "ιουλ", "hei", "júl"]),
    (8, &["aug", "août", "aou", "ago", "sie", "srp", "авг", "сер", "ağu", "αύγ", "αυγ", "elo"]),
    (9, &["sep", "set", "wrz", "zář", "сен", "вер", "eyl", "σεπ", "syy", "szept"]),
    (10, &["oct", "okt", "out", "ott", "paź", "říj", "окт", "жов", "eki", "οκτ", "lok"]),
    (11, &["nov", "lis", "noy", "ноя", "kas", "νοέ", "νοε"]),
    (12, &["dec", "dez", "dic", "déc", "gru", "pro", "дек", "гру", "ara", "δεκ", "jou", "des"]),
];

/// Zones by name, in minutes ahead of UTC. Of names that mean several, the one that English feeds mean.
const ZONES: &[(&str, i32)] = &[
    ("utc", 0),
    ("et", -300),
    ("ct", -360),
    ("mt", -420),
    ("pt", -480),
    ("at", -240),
    ("gmt", 0),
    ("ut", 0),
    ("z", 0),
    ("wet", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("ast", -240),
    ("adt", -180),
    ("nst", -210),
    ("ndt", -150),
    ("brt", -180),
    ("art", -180),
    ("bst", 60),
    ("ist", 330),
    ("west", 60),
    ("cet", 60),
    ("met", 60),
    ("mez", 60),
    ("cest", 120),
    ("mest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("sast", 120),
    ("msk", 180),
    ("msd", 240),
    ("pkt", 300),
    ("hkt", 480),
    ("sgt", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("acst", 570),
    ("acdt", 630),
    ("aest", 600),
    ("aedt", 660),
    ("nzst", 720),
    ("nzt", 720),
    ("nzdt", 780),
    // The letters of the military, as RFC 822 has them; RFC 5322 has the sign of the longitude wrong there in old programs.
    ("a", 0),
    ("n", 0),
    ("y", 0),
    ("m", 0),
];

/// When that is, in UTC if it names no zone; `None` if it cannot be read.
pub fn read(written: &str) -> Option<Moment> {
    let written = written.trim();
    if written.is_empty() || written.len() > LONGEST {
        return None;
    }
    let lower = written.to_lowercase();
    // Korean programs write their own time, and say so by the letters alone.
    let home = if lower.contains(['년', '오']) { 540 } else { 0 };
    from_epoch(&lower).or_else(|| iso(&lower, home)).or_else(|| in_words(&lower, home))
}

/// Seconds, or milliseconds, since 1970.
fn from_epoch(written: &str) -> Option<Moment> {
    let number: i64 = written.bytes().all(|byte| byte.is_ascii_digit()).then(|| written.parse().ok())??;
    match written.len() {
        9 | 10 => Some(Moment::from_unix_seconds(number)),
        13 => Some(Moment::from_unix_seconds(number / 1000)),
        _ => None,
    }
}

/// What a date says, as it is gathered.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    /// Seconds of the day; 86,400 is its end.
    time: i64,
    afternoon: Option<bool>,
    /// Minutes ahead of UTC.
    zone: Option<i32>,
    /// The same, where it names none.
    home: i32,
}

impl Parts {
    fn moment(self) -> Option<Moment> {
        let (year, month, day) = (self.year?, self.month.unwrap_or(1), self.day.unwrap_or(1));
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return None;
        }
        let mut time = self.time;
        match self.afternoon {
            Some(true) if time < 43_200 => time += 43_200,
            Some(false) if (43_200..46_800).contains(&time) => time -= 43_200,
            _ => {}
        }
        let midnight = civil::Date::new(year, month, day).ok()?.to_zoned(tz::TimeZone::UTC).ok()?.timestamp();
        Some(Moment::from_unix_seconds(
            midnight.as_second() + time - i64::from(self.zone.unwrap_or(self.home)) * 60,
        ))
    }
}

/// ISO 8601 and its profiles (RFC 3339, W3C): the year first.
fn iso(written: &str, home: i32) -> Option<Moment> {
    let end = written
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/' | '.' | 'w')))
        .unwrap_or(written.len());
    let (date, rest) = written.split_at(end);
    let mut parts = Parts { home, ..Parts::default() };
    let fields: Vec<&str> = date.trim_end_matches(['-', '/', '.']).split(['-', '/', '.']).collect();
    let number =
        |field: &str| field.parse::<i16>().ok().filter(|_| field.bytes().all(|byte| byte.is_ascii_digit()));
    let small = |field: &str| number(field).and_then(|number| i8::try_from(number).ok());
    match fields.as_slice() {
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 && !month.is_empty() => {
            (parts.year, parts.month, parts.day) =
                (Some(number(year)?), Some(small(month)?), Some(small(day)?));
        }
        [year, week, day] if year.len() == 4 && week.starts_with('w') && day.len() == 1 => {
            return of_week(number(year)?, small(&week[1..])?, small(day)?, rest);
        }
        [year, day] if year.len() == 4 && day.len() == 3 => {
            let first = civil::Date::new(number(year)?, 1, 1).ok()?;
            let date =
                first.checked_add(jiff::Span::new().try_days(i64::from(number(day)?) - 1).ok()?).ok()?;
            (parts.year, parts.month, parts.day) = (Some(date.year()), Some(date.month()), Some(date.day()));
        }
        [year, month] if year.len() == 4 && month.len() <= 2 && rest.is_empty() => {
            (parts.year, parts.month) = (Some(number(year)?), Some(small(month)?));
        }
        [year] if year.len() == 4 && rest.is_empty() => parts.year = Some(number(year)?),
        [compact] if matches!(compact.len(), 8 | 14) && compact.bytes().all(|byte| byte.is_ascii_digit()) => {
            parts.year = Some(number(&compact[..4])?);
            (parts.month, parts.day) = (Some(small(&compact[4..6])?), Some(small(&compact[6..8])?));
            if compact.len() == 14 {
                parts.time = clock(&compact[8..])?;
            }
        }
        _ => return None,
    }
    after_date(parts, rest)
}

fn of_week(year: i16, week: i8, day: i8, rest: &str) -> Option<Moment> {
    let weekday = civil::Weekday::from_monday_one_offset(day).ok()?;
    let date = civil::ISOWeekDate::new(year, week, weekday).ok()?.date();
    let parts = Parts {
        year: Some(date.year()),
        month: Some(date.month()),
        day: Some(date.day()),
        ..Parts::default()
    };
    after_date(parts, rest)
}

/// The time and zone behind a date that began with its year.
fn after_date(mut parts: Parts, rest: &str) -> Option<Moment> {
    let rest = rest.trim_start_matches(['t', ' ', ',', '\u{a0}']);
    if rest.is_empty() {
        return parts.moment();
    }
    // A zone may stand at the time without a space.
    let end =
        rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
    let (time, rest) = rest.split_at(end);
    if !time.is_empty() {
        parts.time = clock(time.trim_end_matches(['.', ',']))?;
    }
    for word in rest.split([' ', '(', ')', '[', ']', ',']).filter(|word| !word.is_empty()) {
        word_of(word, &mut parts)?;
    }
    parts.moment()
}

/// `10:14`, `10:14:55.5`, `101455`: seconds of the day.
fn clock(written: &str) -> Option<i64> {
    let whole = written.split(['.', ',']).next()?;
    let fields: Vec<&str> = if whole.contains(':') {
        whole.split(':').collect()
    } else if matches!(whole.len(), 2 | 4 | 6) {
        (0..whole.len()).step_by(2).filter_map(|at| whole.get(at..at + 2)).collect()
    } else {
        return None;
    };
    let number = |at: usize| match fields.get(at) {
        Some(field) if field.len() <= 2 => field.trim().parse::<i64>().ok(),
        Some(_) => None,
        None => Some(0),
    };
    let (hour, minute, second) = (number(0)?, number(1)?, number(2)?);
    let is_in_order = hour < 24 && minute < 60 && second <= 60 || (hour, minute, second) == (24, 0, 0);
    (is_in_order && fields.len() <= 3).then_some(hour * 3600 + minute * 60 + second)
}

/// RFC 822 and 5322, what C programs write, and dates as people write them: told by their words.
fn in_words(written: &str, home: i32) -> Option<Moment> {
    let mut parts = Parts { home, ..Parts::default() };
    let mut numbers: Vec<(i16, usize)> = Vec::new();
    let (mut has_time, mut place) = (false, None);
    let cut =
        written.replace("년", " ").replace("월", " ").replace("일", " ").replace(['年', '月', '日'], " ");
    for word in cut.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']')) {
        let word = word.trim_end_matches('.');
        if word.is_empty() {
            continue;
        }
        if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) && !has_time {
            let end =
                word.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(word.len());
            parts.time = clock(&word[..end])?;
            has_time = true;
            if end < word.len() {
                word_of(&word[end..], &mut parts)?;
            }
            continue;
        }
        if word.contains('/') && word.starts_with(|c: char| c.is_alphabetic()) {
            place = Some(tz::TimeZone::get(word).ok()?);
            continue;
        }
        // `12-Jan-2004`, `12/Jan/2004`, `31.12.2003`, `12/31/2003`.
        let fields: Vec<&str> = word.split(['-', '/', '.']).filter(|field| !field.is_empty()).collect();
        if fields.len() == 3 && word.starts_with(|c: char| c.is_ascii_digit()) {
            joined(word, &fields, &mut parts)?;
            continue;
        }
        let figures = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let is_ordinal = matches!(&word[figures..], "" | "st" | "nd" | "rd" | "th" | "º" | "er");
        if figures > 0 && is_ordinal && figures <= 4 {
            numbers.push((word[..figures].parse().ok()?, figures));
        } else {
            word_of(word, &mut parts)?;
        }
    }
    // A year has four figures, or comes last.
    for (number, length) in numbers {
        if length >= 3 || parts.day.is_some() && parts.year.is_none() && parts.month.is_some() {
            parts.year = parts.year.or(Some(whole_year(number, length)));
        } else if parts.month.is_none() && parts.day.is_none() && parts.year.is_some() {
            parts.month = i8::try_from(number).ok();
        } else if parts.day.is_none() {
            parts.day = i8::try_from(number).ok();
        } else {
            return None;
        }
    }
    parts.month?;
    parts.day?;
    if let Some(place) = place {
        of_place(&place, &mut parts)?;
    }
    parts.moment()
}

/// RFC 5322 section 4.3: years of two figures, and of three.
fn whole_year(number: i16, length: usize) -> i16 {
    match length {
        0..=2 if number < 50 => number + 2000,
        0..=3 => number + 1900,
        _ => number,
    }
}

/// A date joined by signs, its day or month first.
fn joined(word: &str, fields: &[&str], parts: &mut Parts) -> Option<()> {
    let [first, second, third] = fields else { return None };
    let number = |field: &str| field.parse::<i16>().ok();
    let small = |field: &str| number(field).and_then(|number| i8::try_from(number).ok());
    if first.len() == 4 {
        parts.year = number(first);
        parts.month = small(second).or_else(|| month(second));
        parts.day = small(third);
        return parts.month.and(parts.day).map(|_| ());
    }
    parts.year = Some(whole_year(number(third)?, third.len()));
    if let Some(named) = month(second) {
        (parts.day, parts.month) = (small(first), Some(named));
        return Some(());
    }
    if third.len() < 4 {
        // Nobody knows which of the three is the year.
        return None;
    }
    let (first, second) = (small(first)?, small(second)?);
    // With dots the day comes first; with slashes America's month does, unless that cannot be one.
    let day_first = word.contains('.') || first > 12;
    (parts.day, parts.month) =
        if day_first { (Some(first), Some(second)) } else { (Some(second), Some(first)) };
    Some(())
}

/// A word that is no number: a zone, a month, half a day, or the day of the week, which says nothing new.
fn word_of(word: &str, parts: &mut Parts) -> Option<()> {
    if matches!(word, "am" | "a.m" | "오전" | "上午" | "午前") {
        parts.afternoon = Some(false);
        return Some(());
    }
    if matches!(word, "pm" | "p.m" | "오후" | "下午" | "午後") {
        parts.afternoon = Some(true);
        return Some(());
    }
    if let Some(half) = word.strip_prefix("am").or_else(|| word.strip_prefix("pm"))
        && half.starts_with(['+', '-'])
    {
        parts.afternoon = Some(word.starts_with('p'));
        return word_of(half, parts);
    }
    if let Some(minutes) = zone(word) {
        // `GMT+0100` in two words, `+0100 (CET)`: the figures count.
        if parts.zone.is_none() || word.starts_with(['+', '-']) {
            parts.zone = Some(minutes);
        }
        return Some(());
    }
    if parts.month.is_none()
        && let Some(number) = month(word)
    {
        parts.month = Some(number);
        return Some(());
    }
    // What has letters alone is a day of the week, or "of" and "at"; anything else was not understood.
    word.chars()
        .all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '.' | '\u{ad}') || !c.is_ascii())
        .then_some(())
}

fn of_place(zone: &tz::TimeZone, parts: &mut Parts) -> Option<()> {
    let at = civil::Date::new(parts.year?, parts.month.unwrap_or(1), parts.day.unwrap_or(1)).ok()?;
    let midnight = at.to_zoned(tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let about = Timestamp::from_second(midnight + parts.time).ok()?;
    let offset = zone.to_offset(about).seconds();
    // A second look, at what that makes of it.
    let there = Timestamp::from_second(midnight + parts.time - i64::from(offset)).ok()?;
    parts.zone = Some(zone.to_offset(there).seconds() / 60);
    Some(())
}

/// `+0100`, `-05:00`, `+1`, `GMT+1`, `EST`.
fn zone(word: &str) -> Option<i32> {
    if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| *name == word) {
        return Some(*minutes);
    }
    let figures = ["gmt", "utc", "ut", "z"].iter().find_map(|name| word.strip_prefix(name)).unwrap_or(word);
    let (sign, figures) = match figures.as_bytes().first()? {
        b'+' => (1, &figures[1..]),
        b'-' => (-1, &figures[1..]),
        _ => return None,
    };
    // `--0400` and `+-02:00` are written by programs that put the sign twice.
    let (sign, figures) = match figures.strip_prefix(['-', '+']) {
        Some(rest) if figures.starts_with('-') => (-1, rest),
        Some(rest) => (sign, rest),
        None => (sign, figures),
    };
    let bare: String = figures.chars().filter(|c| *c != ':').collect();
    if bare.is_empty() || bare.len() > 6 || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match bare.len() {
        1 | 2 => (bare.parse::<i32>().ok()?, 0),
        3 => (bare[..1].parse().ok()?, bare[1..].parse().ok()?),
        _ => (bare[..2].parse().ok()?, bare[2..4].parse().ok()?),
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn month(word: &str) -> Option<i8> {
    let fitting = MONTHS.iter().flat_map(|(number, names)| names.iter().map(move |name| (*number, *name)));
    let fitting = fitting.filter(|(_, name)| word.starts_with(name));
    fitting.max_by_key(|(_, name)| name.len()).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_forms_are_read() {
        for (written, seconds) in [
            ("Tue, 03 Mar 2026 14:05:05 GMT", 1_772_546_705),
            ("Tue, 3 Mar 2026 14:05 GMT", 1_772_546_700),
            ("3 Mar 26 14:05 +0100", 1_772_543_100),
            ("Tue, 03 Mar 2026 14:05:05", 1_772_546_705),
            ("Tue, 03 Mar 2026 14:05:05 PST", 1_772_575_505),
            ("Tue, 03 Mar 2026 14:05:05 EDT", 1_772_561_105),
            ("Tue, 03 Mar 2026 14:05:05 GMT+0100", 1_772_543_105),
            ("Tue, 03 Mar 2026 14:05:05 +0100 (CET)", 1_772_543_105),
            ("Tue, 03 Mar 2026 14:05:05 Europe/Berlin", 1_772_543_105),
            ("Tue, 03-Mar-2026 14:05:05 GMT", 1_772_546_705),
            ("Tue, 03 Mar 2026 24:00:00 GMT", 1_772_582_400),
            ("2026-03-03T24:00:00Z", 1_772_582_400),
            ("Tue Mar  3 14:05:05 2026", 1_772_546_705),
            ("Tue Mar  3 14:05:05 EST 2026", 1_772_564_705),
            ("2026-03-03T14:05:05Z", 1_772_546_705),
            ("2026-03-03T14:05:05.123+01:00", 1_772_543_105),
            ("2026-03-03 14:05:05", 1_772_546_705),
            ("2026-03-03 14:05:05 +0100", 1_772_543_105),
            ("2026-03-03T14:05+01", 1_772_543_100),
            ("2026-03-03", 1_772_496_000),
            ("2026-03", 1_772_323_200),
            ("2026", 1_767_225_600),
            ("20260303T140505Z", 1_772_546_705),
            ("20260303", 1_772_496_000),
            ("2026-062", 1_772_496_000),
            ("2026-W10-2", 1_772_496_000),
            ("2026/03/03 14:05", 1_772_546_700),
            ("Di, 03 Mär 2026 14:05:05 +0100", 1_772_543_105),
            ("Dienstag, 3. März 2026 14:05:05", 1_772_546_705),
            ("mar., 03 mars 2026 14:05:05 +0100", 1_772_543_105),
            ("martes, 3 de marzo de 2026", 1_772_496_000),
            ("Вт, 03 мар 2026 14:05:05 +0000", 1_772_546_705),
            ("2026年3月3日", 1_772_496_000),
            ("March 3rd, 2026 2:05 pm", 1_772_546_700),
            ("Tuesday, March 03, 2026 12:05:05 AM", 1_772_496_305),
            ("31.12.2025", 1_767_139_200),
            ("12/31/2025", 1_767_139_200),
            ("1772546705", 1_772_546_705),
            ("1772546705000", 1_772_546_705),
            ("Fri, 31 Dec 99 23:59:60 GMT", 946_684_800),
            ("Tue, 03 Mar 1846 00:00:00 GMT", -3_907_785_600),
        ] {
            assert_eq!(read(written), Some(Moment::from_unix_seconds(seconds)), "{written}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_read() {
        for written in [
            "",
            "yesterday",
            "soon",
            "0001-01-01T00:00:00Z",
            "0000-00-00 00:00:00",
            "2026-13-45",
            "Tue, 99 Mar 2026 14:05:05 XYZ+",
            "2026-03-03T25:00:00Z",
            "30 Feb 2026",
            "03-12-31",
            "12",
            "Tue, 03 Mar",
            "-1",
            "99999999999999999999",
            "2026-03-03Tfoo9",
        ] {
            assert_eq!(read(written), None, "{written}");
        }
    }
}
