//! The time. Nothing else in the house may ask for it: a clock comes in by parameter, and tests move it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How far the clocks of two machines may be apart. What is later than now by more was written by a clock that was set back since.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);

/// From here on it is told that the clock of a machine and that of the database differ.
pub const CLOCKS_APART: Duration = Duration::from_secs(5);

/// And only below it that they agree again, so that what is near the limit is not told again and again.
const CLOCKS_AGREE: Duration = Duration::from_secs(4);

/// A moment in UTC, in microseconds since 1970: what every time column holds.
///
/// Whole numbers compare the same way on both database engines; text times do not.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx_macros::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// The moment that many seconds after 1970 began, in UTC.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// The moment that a text in the form of RFC 3339 names.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }

    /// Whole seconds since 1970 began, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Later by `span`.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// Earlier by `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a `jiff` timestamp, for calendars and formats; moments outside jiff's range become its nearest end.
    #[must_use]
    pub fn timestamp(self) -> jiff::Timestamp {
        let nearest_end = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(nearest_end)
    }

    /// The year of our era that it falls into, in UTC.
    #[must_use]
    pub fn year(self) -> i16 {
        self.in_zone(&Zone::UTC).year()
    }

    /// The hour of the day, 0 to 23.
    #[must_use]
    pub fn hour(self, zone: &Zone) -> i8 {
        self.in_zone(zone).hour()
    }

    /// The day as browsers write one, such as "2026-03-03".
    #[must_use]
    pub fn day(self, zone: &Zone) -> String {
        self.in_zone(zone).date().to_string()
    }

    /// A date for people, such as "3 March 2026".
    #[must_use]
    pub fn date(self, zone: &Zone) -> String {
        self.in_zone(zone).strftime("%-d %B %Y").to_string()
    }

    /// A date and time for people, such as "3 March 2026, 14:05 AEDT".
    #[must_use]
    pub fn date_time(self, zone: &Zone) -> String {
        self.in_zone(zone).strftime("%-d %B %Y, %H:%M %Z").to_string()
    }

    /// The day and minute as browsers write them in a field, such as "2026-03-03T14:05".
    #[must_use]
    pub fn local(self, zone: &Zone) -> String {
        self.in_zone(zone).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// A time for people, such as "14:05 AEDT".
    #[must_use]
    pub fn time(self, zone: &Zone) -> String {
        self.in_zone(zone).strftime("%H:%M %Z").to_string()
    }

    fn in_zone(self, zone: &Zone) -> jiff::Zoned {
        self.timestamp().to_zoned(zone.0.clone())
    }

    /// The `Date` header's form (RFC 5322 section 3.3), always in UTC.
    #[must_use]
    pub fn rfc5322(self) -> String {
        self.timestamp().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// The form of dates in HTTP's headers (RFC 9110 section 5.6.7).
    #[must_use]
    pub fn http_date(self) -> String {
        self.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The moment that such a date names.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok().map(Self::from)
    }
}

impl From<jiff::Timestamp> for Moment {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// A time zone of the tz database, such as Australia/Sydney: where the magazine's people read the clock.
///
/// The database is part of the program; a newer one on the machine takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of a name of the tz database, in whatever case; none if there is no such zone.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        zone.iana_name().is_some().then_some(Self(zone))
    }

    /// Its name in the tz database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The names to choose from, in their order: those of places, and UTC.
    #[must_use]
    pub fn names() -> Vec<String> {
        const REGIONS: [&str; 10] = [
            "Africa/",
            "America/",
            "Antarctica/",
            "Arctic/",
            "Asia/",
            "Atlantic/",
            "Australia/",
            "Europe/",
            "Indian/",
            "Pacific/",
        ];
        let names = jiff::tz::db().available().map(|name| name.as_str().to_owned());
        let places = names.filter(|name| REGIONS.iter().any(|region| name.starts_with(region)));
        let mut names: Vec<String> = places.chain(["UTC".to_owned()]).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The first moment of a day there, and of the next one.
    #[must_use]
    pub fn day(&self, date: jiff::civil::Date) -> Option<(Moment, Moment)> {
        let begins = |date: jiff::civil::Date| {
            date.to_zoned(self.0.clone()).ok().map(|zoned| zoned.timestamp().into())
        };
        Some((begins(date)?, begins(date.tomorrow().ok()?)?))
    }

    /// The day that it is there at a moment.
    #[must_use]
    pub fn date_of(&self, moment: Moment) -> jiff::civil::Date {
        moment.timestamp().to_zoned(self.0.clone()).date()
    }

    /// The first moment of the day that comes so many days after that of a moment.
    #[must_use]
    pub fn days_after(&self, moment: Moment, days: i32) -> Moment {
        let then =
            self.date_of(moment).checked_add(jiff::Span::new().days(days)).ok().and_then(|day| self.day(day));
        then.map_or(moment, |(begins, _)| begins)
    }

    /// The same time of day a month later, or on the last day of that month where it is shorter.
    #[must_use]
    pub fn month_after(&self, moment: Moment) -> Moment {
        self.months_after(moment, 1)
    }

    /// The same so many months later, or earlier below zero; at most a thousand years.
    #[must_use]
    pub fn months_after(&self, moment: Moment, months: i64) -> Moment {
        let span = jiff::Span::new().months(months.clamp(-12_000, 12_000));
        let then = moment.timestamp().to_zoned(self.0.clone()).checked_add(span);
        then.map_or(moment, |then| then.timestamp().into())
    }

    /// When the clocks of the zone show `civil`: never in the hour that is left out in spring, twice in the one that is repeated
    /// in autumn, and never beyond the years of the calendar.
    #[must_use]
    pub fn moments(&self, civil: jiff::civil::DateTime) -> Moments {
        let ambiguous = self.0.to_ambiguous_timestamp(civil);
        let is_gap = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
        match (ambiguous.earlier(), ambiguous.later()) {
            (Ok(first), Ok(second)) if !is_gap && first == second => Moments::Once(first.into()),
            (Ok(first), Ok(second)) if !is_gap => Moments::Twice(first.into(), second.into()),
            _ => Moments::Never,
        }
    }
}

/// The moments at which clocks show a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    /// The clocks go forward past it.
    Never,
    /// As nearly always.
    Once(Moment),
    /// Before the clocks go back, and after.
    Twice(Moment, Moment),
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Where the time comes from: the system, the database that several machines share, or a test that moves it by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's own clock.
    System,
    /// That of a database's server, which decides for all machines that work on it.
    OfTheServer(Arc<ServerClock>),
    /// A clock that stands still until a test moves it.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `moment` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(moment: Moment) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(moment.0)))
    }

    /// The clock of a server on a machine that has one of its `own`, which counts until the server has told its time once
    /// ([`Clock::heard`]).
    #[must_use]
    pub fn of_the_server(own: Self) -> Self {
        let began = instant();
        let at_beginning = AtomicI64::new(own.now().0);
        Self::OfTheServer(Arc::new(ServerClock { own, began, at_beginning, is_told: AtomicBool::new(false) }))
    }

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> Moment {
        match self {
            Self::System => jiff::Timestamp::now().into(),
            Self::OfTheServer(clock) => clock.now(),
            Self::Manual(at) => Moment(at.load(Ordering::SeqCst)),
        }
    }

    /// What the slower of the clocks shows that are known: this one, and the machine's own where another decides.
    #[must_use]
    pub fn slowest(&self) -> Moment {
        match self {
            Self::OfTheServer(clock) => clock.now().min(clock.own.now()),
            Self::System | Self::Manual(_) => self.now(),
        }
    }

    /// Whether a test moves it.
    #[must_use]
    pub const fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    /// A server told its time, which was `asked` for then, and answered just now. Other clocks than its own do not listen.
    pub fn heard(&self, theirs: Moment, asked: Instant) {
        if let Self::OfTheServer(clock) = self {
            clock.heard(theirs, asked);
        }
    }

    /// By how much the machine's own clock is ahead of the server's; behind it where that is less than nothing. None where no
    /// server's clock counts.
    #[must_use]
    pub fn own_is_ahead(&self) -> Option<Ahead> {
        match self {
            Self::OfTheServer(clock) => Some(Ahead(clock.own.now().0.saturating_sub(clock.now().0))),
            Self::System | Self::Manual(_) => None,
        }
    }

    /// What the server's clock showed when this process began, as far as is known now: another moment than before, once somebody set
    /// the server's clock or another server took over. None where no server's clock counts.
    #[must_use]
    pub fn server_began(&self) -> Option<Moment> {
        match self {
            Self::OfTheServer(clock) => Some(Moment(clock.at_beginning.load(Ordering::Relaxed))),
            Self::System | Self::Manual(_) => None,
        }
    }

    /// Moves a manual clock forward; no other moves.
    pub fn advance(&self, span: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(micros(span), Ordering::SeqCst);
        }
    }
}

/// A server's clock, as far as it can be known without asking: what it said last, and the time since then by this machine's clock
/// that only ever goes forward. So nobody can move it who sets the machine's own clock.
#[derive(Debug)]
pub struct ServerClock {
    own: Clock,
    began: Instant,
    /// What the server's clock showed then.
    at_beginning: AtomicI64,
    /// It was said that the two differ.
    is_told: AtomicBool,
}

impl ServerClock {
    fn now(&self) -> Moment {
        Moment(self.at_beginning.load(Ordering::Relaxed)).plus(self.began.elapsed())
    }

    /// The answer was made at some time between the question and now. What was known before stays if it fits, so that a slow
    /// answer moves nothing.
    fn heard(&self, theirs: Moment, asked: Instant) {
        let least = theirs.minus(self.began.elapsed());
        let before = self.began.saturating_duration_since(asked);
        let most = theirs.plus(before).minus(asked.saturating_duration_since(self.began)).max(least);
        let fits = |known: i64| Some(known.clamp(least.0, most.0));
        // It always gives one.
        let _ = self.at_beginning.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        let ahead = Ahead(self.own.now().0.saturating_sub(self.now().0));
        let was_told = self.is_told.load(Ordering::Relaxed);
        let is_apart = ahead.is_by(if was_told { CLOCKS_AGREE } else { CLOCKS_APART });
        if is_apart != was_told && self.is_told.swap(is_apart, Ordering::Relaxed) == was_told {
            if is_apart {
                tracing::warn!(
                    "{}. The database's time counts here, too",
                    ahead.of_the_database("this machine's clock")
                );
            } else {
                tracing::info!("this machine's clock and that of the database agree again");
            }
        }
    }
}

/// By how many microseconds one clock is ahead of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead(pub i64);

impl Ahead {
    /// Whether somebody should see to it.
    #[must_use]
    pub fn is_apart(self) -> bool {
        self.is_by(CLOCKS_APART)
    }

    fn is_by(self, span: Duration) -> bool {
        u128::from(self.0.unsigned_abs()) >= span.as_micros()
    }

    /// That some machine's clock and the database server's differ, and what to do: nobody can know which of them is wrong.
    #[must_use]
    pub fn of_the_database(self, whose: &str) -> String {
        format!(
            "{whose} and the database server's differ by {}; one of them is wrong: on both, timedatectl set-ntp true",
            self.span()
        )
    }

    fn span(self) -> String {
        lasting(Duration::from_micros(self.0.unsigned_abs()))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// How long something lasts, for people, such as "3 days".
#[must_use]
pub fn lasting(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} seconds"),
        seconds @ 120..=7_199 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// For people, such as "3 days ahead of".
impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.0 > 0 { "ahead of" } else { "behind" };
        write!(f, "{} {way}", self.span())
    }
}

/// The moment on the clock that only ever goes forward: for waits inside one process, never for anything that is stored.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
pub fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// Measures how long something took, whatever the clock on the wall does meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        Self(instant())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The moment so long after the start, for a timer.
    #[must_use]
    pub fn after(self, span: Duration) -> std::time::Instant {
        self.0 + span
    }
}

/// What work costs this thread, without what others of a busy machine take meanwhile. Only Linux tells; elsewhere they count.
#[cfg(test)]
pub fn worked<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    fn processor() -> Option<Duration> {
        // The kernel adds up when it changes threads.
        std::thread::yield_now();
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
    let (before, watch) = (processor(), Stopwatch::start());
    let done = work();
    let took = before.zip(processor()).map(|(before, after)| after.saturating_sub(before));
    (done, took.unwrap_or_else(|| watch.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(Moment::from_unix_seconds(1_000));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(61));
        assert_eq!(clock.now(), Moment::from_unix_seconds(1_061));
    }

    /// A server's clock decides, whatever the machine's own says and whatever is done to it, and a slow answer moves nothing.
    #[test]
    fn the_clock_of_a_server_is_followed_and_not_the_machines_own() {
        const DAY: Duration = Duration::from_secs(86_400);
        let theirs = Moment::from_unix_seconds(1_800_000_000);
        let own = Clock::manual(theirs.plus(DAY * 2));
        let clock = Clock::of_the_server(own.clone());
        assert!(clock.now() >= own.now(), "until it is heard there is only one");
        clock.heard(theirs, instant());
        let about = |moment: Moment| clock.now().0.abs_diff(moment.0) < 60_000_000;
        assert!(about(theirs), "{}", clock.now());
        let ahead = clock.own_is_ahead().expect("it is known").to_string();
        assert!(["47 hours ahead of", "2 days ahead of"].contains(&&*ahead), "{ahead}");
        own.advance(DAY);
        assert!(about(theirs), "somebody set the machine's clock: {}", clock.now());
        assert!(clock.own_is_ahead().is_some_and(Ahead::is_apart));

        let before = clock.now();
        clock.heard(before.minus(Duration::from_millis(1)), instant() - Duration::from_secs(30));
        assert!(clock.now() >= before, "it may have been said half a minute ago");
        clock.heard(theirs.minus(DAY), instant());
        assert!(about(theirs.minus(DAY)), "another server took over");
        let began = clock.server_began().expect("it is known");
        clock.heard(theirs, instant());
        let later = clock.server_began().expect("it is known");
        assert!(later.since(began) > DAY - Duration::from_secs(60), "a step can be seen");
        assert_eq!((Clock::System.own_is_ahead(), Clock::System.server_began()), (None, None));
    }

    #[test]
    fn moments_are_written_as_people_and_standards_expect() {
        let moment = Moment::from_unix_seconds(1_772_546_705);
        assert_eq!(moment.date(&Zone::UTC), "3 March 2026");
        assert_eq!(moment.rfc5322(), "Tue, 03 Mar 2026 14:05:05 +0000");
        assert_eq!(moment.to_string(), "2026-03-03T14:05:05Z");
        let sydney = Zone::named("australia/sydney").expect("a zone of the database");
        assert_eq!(moment.date_time(&Zone::UTC), "3 March 2026, 14:05 UTC");
        assert_eq!(moment.date_time(&sydney), "4 March 2026, 01:05 AEDT");
        assert_eq!(sydney.name(), "Australia/Sydney");
    }

    /// TRUST F20: the hour that comes twice is two moments, and the hour that is left out is none.
    #[test]
    fn a_zone_knows_when_its_clocks_change() {
        let sydney = Zone::named("Australia/Sydney").expect("a zone of the database");
        let moments = |civil: &str| sydney.moments(civil.parse().expect("a civil time"));
        let at = |text: &str| Moment::from(text.parse::<jiff::Timestamp>().expect("a moment"));
        assert_eq!(moments("2026-04-05T01:30:00"), Moments::Once(at("2026-04-04T14:30:00Z")));
        let twice = Moments::Twice(at("2026-04-04T15:30:00Z"), at("2026-04-04T16:30:00Z"));
        assert_eq!(moments("2026-04-05T02:30:00"), twice);
        assert_eq!(moments("2026-04-05T03:30:00"), Moments::Once(at("2026-04-04T17:30:00Z")));
        assert_eq!(moments("2026-10-04T02:30:00"), Moments::Never);
        assert_eq!(moments("2026-10-04T03:30:00"), Moments::Once(at("2026-10-03T16:30:00Z")));
        assert_eq!(
            moments("2038-01-19T14:14:08"),
            Moments::Once(at("2038-01-19T03:14:08Z")),
            "beyond 32 bits"
        );
    }

    #[test]
    fn a_zone_is_chosen_by_its_place() {
        let names = Zone::names();
        for name in ["Australia/Sydney", "Europe/Berlin", "America/New_York", "UTC"] {
            assert!(names.iter().any(|one| one == name), "{name}");
            assert_eq!(Zone::named(name).map(|zone| zone.name().to_owned()).as_deref(), Some(name));
        }
        assert!(names.iter().all(|name| Zone::named(name).is_some()));
        assert_eq!(Zone::named("Mars/Olympus"), None);
        assert_eq!(Zone::named(""), None);
    }
}
