//! How fast an edition goes out, and what holds it back: a few sentences beside the figures.

use std::time::Instant;

use super::{
    super::{App, WebError},
    editions::copies,
};
use crate::{
    clock::{self, Moment, Zone},
    delivery::{
        editions::{EditionState, Progress},
        pace, relays,
    },
    digests::Edition,
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
    let db = &app.site.db;
    let mut notes = Vec::new();
    let forecast = forecast(app, zone, progress.open).await?;
    if let Some(per_minute) = per_minute {
        // How long the rest takes is then not a matter of speed.
        notes.push(speed(progress.open, per_minute, forecast.is_none()));
    }
    for trouble in relays::troubles(db).await? {
        notes.push(format!(
            "The mail service {} cannot be used since {}: {}. Nothing is lost; it is tried again and again.",
            trouble.relay,
            trouble.since.date_time(zone),
            trouble.words.trim_end_matches('.')
        ));
    }
    notes.extend(forecast);
    let mut slowed = pace::slowed(&app.site).await?;
    for domain in pace::waiting(db, edition.id, DOMAINS).await? {
        let at = slowed.iter().position(|slowed| slowed.domain_key == domain.domain_key);
        let slowed = at.map(|at| slowed.remove(at));
        notes.push(waiting(&domain, slowed.as_ref(), app.site.now(), zone));
    }
    notes.extend(slowed.iter().take(SLOWED).map(patience));
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

fn waiting(domain: &pace::Waiting, slowed: Option<&pace::Slowed>, now: Moment, zone: &Zone) -> String {
    let pace::Waiting { domain_key, copies: number, next_at } = domain;
    let verb = if *number == 1 { "waits" } else { "wait" };
    let patience = slowed.map(|slowed| patience(slowed) + " ").unwrap_or_default();
    let next = if *next_at <= now {
        "at once".to_owned()
    } else if next_at.date(zone) == now.date(zone) {
        format!("at {}", next_at.time(zone))
    } else {
        format!("on {}", next_at.date_time(zone))
    };
    format!("{patience}{} to {domain_key} {verb} for another try, the next {next}.", copies(*number))
}

fn patience(slowed: &pace::Slowed) -> String {
    let domain = &slowed.domain_key;
    match (slowed.refusing, slowed.gap_us / 1_000_000) {
        (true, 0 | 1) => {
            format!("{domain} asks for patience and takes nothing just now; it is tried every second.")
        }
        (true, seconds) => {
            format!(
                "{domain} asks for patience and takes nothing just now; it is tried every {seconds} seconds."
            )
        }
        (false, 0) => format!("{domain} asks for patience and is given its copies more slowly."),
        (false, 1) => format!("{domain} asks for patience and gets one copy a second."),
        (false, seconds) => format!("{domain} asks for patience and gets one copy in {seconds} seconds."),
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
