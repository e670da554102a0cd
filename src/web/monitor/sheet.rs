//! Everything that is handed out, by name. What is added here belongs into the dashboard or an alert, or nobody looks at it.

use std::fmt;

use super::{Figures, Watched, process};
use crate::{clock::Ahead, door, jobs, meters::Sheet};

/// The text of `/metrics`.
pub(super) fn write(watched: &Watched, figures: Option<&Figures>) -> Result<String, fmt::Error> {
    let mut sheet = Sheet::default();
    of_the_process(&mut sheet, watched);
    of_the_engine(&mut sheet, watched);
    sheet.counted(&watched.meters);
    if let Some(figures) = figures {
        of_the_database(&mut sheet, watched, figures);
    }
    sheet.text()
}

fn of_the_process(sheet: &mut Sheet, watched: &Watched) {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    sheet.each("broadside_build_info", "The program", ["version"], [([version], 1.0)]);
    sheet.moment("process_start_time_seconds", "When the process began", watched.began);
    if let Some(seconds) = process::cpu_seconds() {
        sheet.so_far("process_cpu_seconds", "Processor time used", seconds);
    }
    if let Some(bytes) = process::resident_bytes() {
        sheet.now("process_resident_memory_bytes", "Memory held", bytes);
    }
    if let Some(open) = door::open_descriptors() {
        sheet.now("process_open_fds", "Open files and sockets", open as f64);
    }
    if let Some(most) = door::most_descriptors() {
        sheet.now("process_max_fds", "Files and sockets that may be open", most as f64);
    }
    let (open, most) = watched.headcount.now();
    sheet.now("broadside_connections", "Connections to the public site", open as f64);
    sheet.now("broadside_connections_limit", "Connections to the public site that may be open", most as f64);
    let (shown_out, refused) = (watched.headcount.shown_out(), watched.headcount.refused());
    sheet.so_far("broadside_connections_shown_out", "Connections closed to make room", shown_out as f64);
    sheet.so_far(
        "broadside_connections_refused",
        "Connections not taken, one network having too many",
        refused as f64,
    );
    let pools = watched.site.db.pools();
    let pool = |number: fn(&crate::db::PoolLook) -> usize| {
        pools.iter().map(move |pool| ([pool.name.to_owned()], number(pool) as f64)).collect::<Vec<_>>()
    };
    sheet.each(
        "broadside_database_connections",
        "Open database connections",
        ["pool"],
        pool(|pool| pool.open),
    );
    sheet.each(
        "broadside_database_connections_idle",
        "Those that nobody uses",
        ["pool"],
        pool(|pool| pool.idle),
    );
    sheet.each(
        "broadside_database_connections_limit",
        "How many there may be",
        ["pool"],
        pool(|pool| pool.most),
    );
    let ahead = watched.site.clock.own_is_ahead().map_or(0.0, Ahead::seconds);
    sheet.now("broadside_clock_ahead_seconds", "This machine's clock against the database's", ahead);
    let away = watched.site.db.away().is_some();
    sheet.now("broadside_database_away", "1 while the database cannot be reached", f64::from(u8::from(away)));
}

fn of_the_engine(sheet: &mut Sheet, watched: &Watched) {
    let look = watched.vitals.look();
    sheet.now(
        "broadside_engine_lives",
        "Workers that this process was, one after the other",
        look.lives as f64,
    );
    sheet.now(
        "broadside_engine_silent_seconds",
        "Since the engine last looked for work, and could",
        look.silent_for.as_secs_f64(),
    );
    sheet.now("broadside_queue_messages", "Messages that wait in memory", look.queued as f64);
    sheet.now(
        "broadside_messages_in_hand",
        "Messages claimed by this process, without a result",
        look.in_hand as f64,
    );
    let open = look.relays.into_iter().map(|one| ([one.relay], one.open as f64));
    sheet.each("broadside_smtp_conversations", "Open conversations with a mail service", ["relay"], open);
}

fn of_the_database(sheet: &mut Sheet, watched: &Watched, figures: &Figures) {
    let by_state = |all: &[(String, i64)]| {
        all.iter().map(|(state, count)| ([state.clone()], *count as f64)).collect::<Vec<_>>()
    };
    let sending = &figures.sending;
    // A state that has none left is none, and not unknown.
    let open = sending.copies.iter().map(|(state, _)| {
        let count = sending.open_copies.iter().find(|(open, _)| open == state).map_or(0, |(_, count)| *count);
        ([state.clone()], count as f64)
    });
    sheet.each("broadside_copies", "Copies of all editions", ["state"], by_state(&sending.copies));
    sheet.each("broadside_open_copies", "Copies of editions that are not over", ["state"], open);
    sheet.each("broadside_editions", "Editions", ["state"], by_state(&sending.editions));
    sheet.now("broadside_notices_waiting", "Automatic emails that wait", sending.notices_waiting as f64);
    let left = figures.limits.iter().map(|one| ([one.relay.clone(), one.span.to_owned()], one.left as f64));
    sheet.each("broadside_relay_limit_left", "Messages that a limit leaves", ["relay", "span"], left);
    let troubled = watched.relays.iter().map(|relay| {
        let name = relay.name();
        let count = figures.relay_troubles.iter().filter(|trouble| trouble.relay == name).count();
        ([name], count as f64)
    });
    sheet.each("broadside_relay_trouble", "Workers that cannot use a mail service", ["relay"], troubled);
    sheet.now(
        "broadside_payment_events_waiting",
        "News of the payment service not worked on",
        figures.news.waiting as f64,
    );
    sheet.now(
        "broadside_payment_events_given_up",
        "News that could not be applied",
        figures.news.given_up as f64,
    );
    if let Some(newest) = figures.news.newest_webhook {
        sheet.moment(
            "broadside_payment_webhook_timestamp_seconds",
            "When the payment service last called",
            newest,
        );
    }
    let jobs = jobs::names().map(|name| {
        let count = figures.job_troubles.iter().filter(|trouble| trouble.job() == name).count();
        ([name.to_owned()], count as f64)
    });
    sheet.each(
        "broadside_job_trouble",
        "1 while something that runs by itself does not work",
        ["name"],
        jobs,
    );
}
