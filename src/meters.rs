//! What this process counts as it goes, for whoever watches it: messages, pages, turns of jobs.
//!
//! The rule: counting asks nobody and keeps nothing of people. A label holds words of ours alone, so there are as many lines as
//! the program has routes, jobs and outcomes, whatever strangers ask for.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

use crate::clock::Moment;

/// Shared by all clones of one.
#[derive(Clone, Debug)]
pub struct Meters {
    messages: Family<Message, Counter>,
    pages: Family<Page, Histogram>,
    answers: Family<Answer, Counter>,
    runs: Family<Turn, Seconds>,
    successes: Family<Turn, Seconds>,
    refused: Arc<Mutex<HashMap<&'static str, Refused>>>,
}

/// What strangers sent that was refused, and when the log last said so.
#[derive(Debug, Default)]
struct Refused {
    said: Option<Moment>,
    since: u64,
}

/// Anybody can send us what is refused: the log says it so often and no more.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// A gauge of seconds, or of moments in seconds since 1970.
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Message {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Page {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: &'static str,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Turn {
    /// Not `job`: Prometheus calls whoever it asks so, and would rename ours.
    name: &'static str,
}

/// Where the time that a page took is cut, in seconds: a reader feels a quarter, and goes away after some.
const CUTS: [f64; 9] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

impl Default for Meters {
    fn default() -> Self {
        let meters = Self {
            messages: Family::default(),
            pages: Family::new_with_constructor(|| Histogram::new(CUTS)),
            answers: Family::default(),
            runs: Family::default(),
            successes: Family::default(),
            refused: Arc::default(),
        };
        // Whoever asks how many there were since yesterday has to see that there were none.
        for kind in ["copy", "notice"] {
            for outcome in ["accepted", "failed"] {
                drop(meters.messages.get_or_create(&Message { kind, outcome }));
            }
        }
        meters
    }
}

impl Meters {
    /// What became of an attempt to send a copy (`copy`) or an automatic email (`notice`).
    pub fn message(&self, kind: &'static str, outcome: &'static str) {
        self.messages.get_or_create(&Message { kind, outcome }).inc();
    }

    /// A page was answered; its route as the table writes it.
    pub fn page(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        let method = match method {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            _ => "other",
        };
        self.pages.get_or_create(&Page { method, route }).observe(took.as_secs_f64());
        self.answers.get_or_create(&Answer { method, route, status: status.into() }).inc();
    }

    /// Something of a kind was refused that anybody can send: how many were since the log last said so, this one counted, if it may say so
    /// again.
    pub fn refused(&self, kind: &'static str, now: Moment) -> Option<u64> {
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.entry(kind).or_default();
        one.since += 1;
        if one.said.is_some_and(|said| now.since(said) < SAID_EVERY) {
            return None;
        }
        one.said = Some(now);
        Some(std::mem::take(&mut one.since))
    }

    /// A turn of a job came to its end.
    pub fn turn(&self, name: &'static str, worked: bool, now: Moment) {
        self.runs.get_or_create(&Turn { name }).set(seconds(now));
        if worked {
            self.successes.get_or_create(&Turn { name }).set(seconds(now));
        }
    }
}

/// Since 1970.
fn seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e6
}

/// The text that is handed out, in the form of OpenMetrics 1.0, which Prometheus and its like read.
#[derive(Debug, Default)]
pub struct Sheet(Registry);

impl Sheet {
    /// The media type of the text.
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Adds what was counted.
    pub fn counted(&mut self, meters: &Meters) {
        self.add("broadside_messages", "Attempts to send, by what became of them", meters.messages.clone());
        self.add("broadside_page_seconds", "How long pages took", meters.pages.clone());
        self.add("broadside_pages", "Pages, by status", meters.answers.clone());
        self.add("broadside_job_last_run_timestamp_seconds", "When a job last ended", meters.runs.clone());
        self.add(
            "broadside_job_last_success_timestamp_seconds",
            "When a job last ended well",
            meters.successes.clone(),
        );
    }

    /// Adds a number that is what it is now.
    pub fn now(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Seconds::default();
        gauge.set(value);
        self.add(name, help, gauge);
    }

    /// The same, a moment.
    pub fn moment(&mut self, name: &str, help: &str, moment: Moment) {
        self.now(name, help, seconds(moment));
    }

    /// Adds a number that only grows while the process lives.
    pub fn so_far(&mut self, name: &str, help: &str, value: f64) {
        let counter = Counter::<f64, AtomicU64>::default();
        counter.inc_by(value);
        self.add(name, help, counter);
    }

    /// Adds a number for each value of a label, or for each set of them.
    pub fn each<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        all: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        let family = Family::<Vec<(&'static str, String)>, Seconds>::default();
        for (values, number) in all {
            family.get_or_create(&labels.into_iter().zip(values).collect()).set(number);
        }
        self.add(name, help, family);
    }

    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }

    /// All of it.
    ///
    /// # Errors
    /// When it cannot be written, which a test would have found.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many forged events come, the log has a line a minute of each kind, with how many there were.
    #[test]
    fn what_anybody_can_send_fills_no_log() {
        let meters = Meters::default();
        let at = |second: i64| Moment::from_unix_seconds(1_800_000_000 + second);
        let said: Vec<u64> =
            (0..1_000).filter_map(|number| meters.refused("events", at(number / 10))).collect();
        assert_eq!(said, [1, 600], "a hundred seconds");
        assert_eq!(meters.refused("reports", at(100)), Some(1), "another kind");
        assert_eq!(meters.refused("events", at(1_000)), Some(400));
    }
}
