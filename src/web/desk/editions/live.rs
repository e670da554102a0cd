//! How fast an edition goes out, and what holds it back: a few sentences beside the figures.

use std::time::{Duration, Instant};

use crate::{
    clock::{self, Moment, Zone},
    delivery::{self, Progress},
    editions::EditionState,
    publishing::Edition,
    relays,
    web::{
        App, WebError,
        words::{copies, grouped},
    },
};

/// How many domains are named.
const DOMAINS: i64 = 3;
const SLOWED: usize = 3;

/// How fast copies come to an end, as one viewer's stream has seen it.
#[derive(Debug, Default)]
pub(super) struct Speed {
    first: Option<(Instant, i64)>,
    last: Option<(Instant, i64)>,
}

impl Speed {
    /// So many were done at this moment.
    pub(super) fn saw(&mut self, done: i64) {
        let seen = (clock::instant(), done);
        self.first.get_or_insert(seen);
        self.last = Some(seen);
    }

    /// Copies a minute; `None` while nothing moved, or nothing was seen yet.
    pub(super) fn per_minute(&self) -> Option<f64> {
        let ((began, before), (now, done)) = self.first.zip(self.last)?;
        let seconds = now.duration_since(began).as_secs_f64();
        (done > before && seconds > 0.0).then(|| (done - before) as f64 * 60.0 / seconds)
    }
}

/// The sentences, the most important first; empty once nothing is left to say.
pub(super) async fn notes(
    app: &App,
    zone: &Zone,
    edition: &Edition,
    progress: Progress,
    per_minute: Option<f64>,
) -> Result<Vec<String>, WebError> {
    if edition.state != EditionState::Sending || progress.open == 0 {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    let forecast = forecast(app, zone, progress.open).await?;
    let waiting = delivery::waiting_lanes(&app.site, edition.id, DOMAINS).await?;
    let wait = waiting.first().map_or(0, |one| one.of_all);
    if let Some(per_minute) = per_minute {
        // How long the rest takes is then not a matter of speed.
        notes.push(speed(progress.open, per_minute, forecast.is_none() && wait == 0));
    }
    notes.extend(troubles(app, zone).await?);
    notes.extend(used_up(app, zone).await?);
    notes.extend(forecast);
    notes.extend(who_waits(app, zone, edition, &waiting).await?);
    // Told at the same moment or not, the parts are no more than the whole.
    let others = progress.open - wait;
    if wait > 0 && others > 0 {
        notes.push(if others == 1 {
            "The other copy is on its way or next in line.".to_owned()
        } else {
            format!("The other {} are on their way or next in line.", copies(others))
        });
    }
    Ok(notes)
}

/// Which mail services cannot be used, and why.
pub(in crate::web::desk) async fn troubles(app: &App, zone: &Zone) -> Result<Vec<String>, WebError> {
    let now = app.site.now();
    let troubles = relays::troubles(&app.site.db).await?;
    Ok(troubles.iter().map(|trouble| in_trouble(trouble, now, zone)).collect())
}

fn in_trouble(trouble: &relays::Trouble, now: Moment, zone: &Zone) -> String {
    let relays::Trouble { relay, since, words, .. } = trouble;
    let (since, words) = (on_the_clock(*since, now, zone), words.trim_end_matches('.'));
    match trouble.next_try_at {
        Some(next) if next > now => format!(
            "The mail service {relay} refuses our sign-in since {since}: {words}. Nothing is lost; next try {}.",
            on_the_clock(next, now, zone)
        ),
        Some(_) => format!(
            "The mail service {relay} refuses our sign-in since {since}: {words}. Nothing is lost; it is tried again now."
        ),
        None => format!(
            "The mail service {relay} cannot be used since {since}: {words}. Nothing is lost; it is tried again and again."
        ),
    }
}

/// Which mail services were given all that may be sent by them for now.
pub(in crate::web::desk) async fn used_up(app: &App, zone: &Zone) -> Result<Vec<String>, WebError> {
    let now = app.site.now();
    let all = relays::used_up(&app.site, &app.relays).await?;
    let others = app.relays.len() - all.len();
    Ok(all.iter().map(|one| limit_reached(one, others, now, zone)).collect())
}

fn limit_reached(one: &relays::RelayUsedUp, others: usize, now: Moment, zone: &Zone) -> String {
    let span = if one.of_day { "day" } else { "hour" };
    let until = on_the_clock(one.until, now, zone);
    let limit = grouped(one.limit);
    let relay = &one.relay;
    match others {
        0 => format!(
            "Limit reached until {until}: {relay} may be given {limit} in {}. The rest goes out from then on.",
            if one.of_day { "a day" } else { "an hour" }
        ),
        1 => format!(
            "{relay}: limit of the {span}, {limit}, reached until {until}. The other mail service goes on."
        ),
        _ => format!(
            "{relay}: limit of the {span}, {limit}, reached until {until}. The other mail services go on."
        ),
    }
}

/// The time, and the day where it is another.
fn on_the_clock(at: Moment, now: Moment, zone: &Zone) -> String {
    if at.date(zone) == now.date(zone) { at.time(zone) } else { at.date_time(zone) }
}

/// For whom copies wait, those for whom the most wait first, and how many others wait.
async fn who_waits(
    app: &App,
    zone: &Zone,
    edition: &Edition,
    all: &[delivery::WaitingLane],
) -> Result<Vec<String>, WebError> {
    let (now, mut slowed) = (app.site.now(), delivery::slowed(&app.site).await?);
    let refusing = delivery::refusing(&app.site).await?;
    let mut notes = Vec::new();
    for waiting in all {
        if !waiting.in_lane {
            notes.push(for_another_try(waiting, now, zone));
            continue;
        }
        let at = slowed.iter().position(|slowed| slowed.domain_key == waiting.domain_key);
        let slowed = at.map(|at| slowed.remove(at));
        let of = |one: &&delivery::Refusing| {
            (one.edition_id, &one.domain_key) == (edition.id, &waiting.domain_key)
        };
        notes.push(for_a_domain(waiting, slowed.as_ref(), refusing.iter().find(of), now, zone));
    }
    let named: i64 = all.iter().map(|waiting| waiting.copies).sum();
    let others = all.first().map_or(0, |waiting| waiting.of_all) - named;
    if others > 0 {
        let wait = if others == 1 { "waits" } else { "wait" };
        notes.push(format!("{} more {wait} for other domains.", copies(others)));
    }
    notes.extend(slowed.iter().take(SLOWED).map(|slowed| patience(slowed, now, zone)));
    Ok(notes)
}

/// What is said if the limits of the mail services hold any copy back until another day.
pub(super) async fn forecast(app: &App, zone: &Zone, readers: i64) -> Result<Option<String>, WebError> {
    let last = relays::forecast(&app.site, &app.relays, readers).await?;
    Ok(last.map(|last| {
        format!("What may be sent in a day is limited: the last reader will have it on {}.", last.date(zone))
    }))
}

fn speed(open: i64, per_minute: f64, to_its_end: bool) -> String {
    let rate = if per_minute < 1.0 {
        "Less than one copy a minute".to_owned()
    } else {
        let step = match per_minute {
            ..100.0 => 1.0,
            ..1_000.0 => 10.0,
            _ => 100.0,
        };
        format!("About {} a minute", copies(((per_minute / step).round() * step) as i64))
    };
    if !to_its_end {
        return rate + ".";
    }
    let minutes = (open as f64 / per_minute).ceil();
    let left = match minutes {
        ..=1.0 => "less than a minute left".to_owned(),
        ..=120.0 => format!("about {minutes:.0} minutes left"),
        ..=2_880.0 => format!("about {:.0} hours left", minutes / 60.0),
        _ => format!("about {:.0} days left", minutes / 1_440.0),
    };
    format!("{rate}, {left}.")
}

fn for_another_try(waiting: &delivery::WaitingLane, now: Moment, zone: &Zone) -> String {
    let delivery::WaitingLane { domain_key, copies: number, next_at, .. } = waiting;
    let wait = if *number == 1 { "waits" } else { "wait" };
    let next = if next_at.date(zone) == now.date(zone) {
        format!("at {}", next_at.time(zone))
    } else {
        format!("on {}", next_at.date_time(zone))
    };
    format!("{} to {domain_key} {wait} for another try, the next {next}.", copies(*number))
}

fn for_a_domain(
    waiting: &delivery::WaitingLane,
    slowed: Option<&delivery::Slowed>,
    refusing: Option<&delivery::Refusing>,
    now: Moment,
    zone: &Zone,
) -> String {
    let delivery::WaitingLane { domain_key, copies: number, .. } = waiting;
    let wait = if *number == 1 { "waits" } else { "wait" };
    let number = copies(*number);
    let Some(slowed) = slowed else {
        return format!("{number} {wait} for {domain_key}.");
    };
    let end = refusing.map_or_else(String::new, |refusing| {
        format!(" What it has not taken by {} is given up.", refusing.given_up_at().date_time(zone))
    });
    format!("{} {number} {wait} for it.{end}", patience(slowed, now, zone))
}

/// From here on it is said since when, and with which words.
const A_WHILE: Duration = Duration::from_secs(3_600);

fn patience(slowed: &delivery::Slowed, now: Moment, zone: &Zone) -> String {
    let domain = &slowed.domain_key;
    let seconds = slowed.gap_us / 1_000_000;
    if !slowed.refusing {
        return match seconds {
            0 => format!("{domain} asks for patience and is given its copies more slowly."),
            1 => format!("{domain} asks for patience and gets one copy a second."),
            _ => format!("{domain} asks for patience and gets one copy in {seconds} seconds."),
        };
    }
    let every = match seconds {
        ..=1 => "every second".to_owned(),
        2..=119 => format!("every {seconds} seconds"),
        _ => format!("every {} minutes", seconds / 60),
    };
    match slowed.refused_since.filter(|since| now.since(*since) >= A_WHILE) {
        Some(since) => format!(
            "{domain} has taken nothing since {}, and says: {}. It is tried {every}.",
            since.date_time(zone),
            slowed.words.trim_end_matches('.')
        ),
        None => format!("{domain} asks for patience and takes nothing just now; it is tried {every}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_said_in_plain_words() {
        assert_eq!(speed(50, 840.0, true), "About 840 copies a minute, less than a minute left.");
        assert_eq!(speed(30_000, 18_098.0, true), "About 18,100 copies a minute, about 2 minutes left.");
        assert_eq!(speed(10_000, 840.4, true), "About 840 copies a minute, about 12 minutes left.");
        assert_eq!(speed(1_000, 1.0, true), "About 1 copy a minute, about 17 hours left.");
        assert_eq!(speed(60, 0.5, true), "Less than one copy a minute, about 120 minutes left.");
        assert_eq!(speed(10_000, 2.0, true), "About 2 copies a minute, about 3 days left.");
        assert_eq!(speed(10_000, 2.0, false), "About 2 copies a minute.");
    }

    #[test]
    fn a_speed_needs_two_looks() {
        let mut speed = Speed::default();
        assert_eq!(speed.per_minute(), None);
        speed.saw(10);
        assert_eq!(speed.per_minute(), None);
        speed.saw(10);
        assert_eq!(speed.per_minute(), None, "nothing moved");
        speed.saw(20);
        assert!(speed.per_minute().is_some());
    }
}
