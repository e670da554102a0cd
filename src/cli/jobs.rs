//! `broadside jobs`: what runs by itself and what waits, when each had its turn, and what was given up. Changes nothing.

use std::process::ExitCode;

use serde::Serialize;

use super::instance;
use crate::{
    clock::{Moment, Zone},
    config::Config,
    jobs::{self, JobLine, QueueLine, Screen},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print one JSON object, for a program.
    #[arg(long)]
    json: bool,
}

/// What a program reads: moments in seconds since 1970.
#[derive(Serialize)]
struct Report<'a> {
    is_bad: bool,
    somebody_runs: bool,
    jobs: Vec<Job<'a>>,
    queues: Vec<Queue<'a>>,
    /// Automatic emails that could not be delivered lately; a hundred may be more.
    undelivered: usize,
}

#[derive(Serialize)]
struct Job<'a> {
    name: &'a str,
    what: &'a str,
    every_seconds: Option<u64>,
    last: Option<i64>,
    last_worked: Option<bool>,
    next: Option<i64>,
    broken_since: Option<i64>,
    last_error: Option<&'a str>,
}

#[derive(Serialize)]
struct Queue<'a> {
    name: &'a str,
    what: &'a str,
    waiting: i64,
    failing: i64,
    oldest: Option<i64>,
    given_up: i64,
    last_error: Option<&'a str>,
    means: &'a str,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let screen = jobs::screen(&site.db, site.now()).await?;
    site.db.close().await;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report(&screen))?);
    } else {
        print(&screen);
    }
    Ok(if screen.is_bad() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn report(screen: &Screen) -> Report<'_> {
    let seconds = |at: Option<Moment>| at.map(Moment::unix_seconds);
    let jobs = screen.jobs.iter().map(|line| Job {
        name: line.name,
        what: line.what,
        every_seconds: Some(line.every.as_secs()),
        last: seconds(line.last.map(|turn| turn.at())),
        last_worked: line.last.map(|turn| turn.worked),
        next: seconds(line.next),
        broken_since: seconds(line.trouble.as_ref().map(|one| one.since)),
        last_error: line.trouble.as_ref().map(|one| one.words.as_str()),
    });
    let tasks = screen.tasks.iter().map(|one| Job {
        name: one.job(),
        what: one.what(),
        every_seconds: None,
        last: None,
        last_worked: None,
        next: None,
        broken_since: seconds(Some(one.since)),
        last_error: Some(&one.words),
    });
    let queues = screen.queues.iter().map(|line| Queue {
        name: line.rules.name,
        what: line.rules.what,
        waiting: line.figures.waiting,
        failing: line.figures.failing,
        oldest: seconds(line.figures.oldest),
        given_up: line.figures.given_up,
        last_error: line.items.first().map(|item| item.last_error.as_str()),
        means: line.rules.means,
    });
    Report {
        is_bad: screen.is_bad(),
        somebody_runs: screen.somebody_runs,
        jobs: jobs.chain(tasks).collect(),
        queues: queues.collect(),
        undelivered: screen.undelivered,
    }
}

fn print(screen: &Screen) {
    let when = |at: Option<Moment>| at.map_or_else(|| "not known".to_owned(), |at| at.date_time(&Zone::UTC));
    println!("Jobs");
    for JobLine { name, what, last, next, trouble, .. } in &screen.jobs {
        let state = match (trouble, last) {
            (Some(_), _) => "BROKEN",
            (None, Some(turn)) if !turn.worked => "failed",
            (None, Some(_)) => "ok",
            (None, None) => "?",
        };
        println!(
            "  {state:<6} {name}: {what}. Last: {}; next: {}",
            when(last.map(|turn| turn.at())),
            when(*next)
        );
        if let Some(one) = trouble {
            println!(
                "         {}, since {}. On {}: {}",
                one.what(),
                when(Some(one.since)),
                one.place,
                one.words
            );
        }
    }
    for one in &screen.tasks {
        println!(
            "  BROKEN {}: {}, since {}. On {}: {}",
            one.job(),
            one.what(),
            when(Some(one.since)),
            one.place,
            one.words
        );
    }
    if !screen.somebody_runs {
        println!(
            "  No process has said within a quarter of an hour that it runs these: is serve or worker running?"
        );
    }
    println!("\nWhat waits");
    for QueueLine { rules, figures, items } in &screen.queues {
        let oldest = figures.oldest.map(|at| format!(", since {}", when(Some(at)))).unwrap_or_default();
        let state = match (figures.given_up, figures.failing) {
            (0, 0) => "ok",
            (0, _) => "failed",
            _ => "OVER",
        };
        println!(
            "  {state:<6} {}: {} waiting{oldest}; {} given up. {}",
            rules.name, figures.waiting, figures.given_up, rules.what
        );
        if let Some(item) = items.first() {
            println!("         The last, {}: {}", item.name, item.last_error);
            println!("         {}", rules.means);
        }
    }
    if screen.undelivered > 0 {
        println!("  failed automatic emails: {} could not be delivered lately", screen.undelivered);
    }
}
