//! What is kept for how long: every table of the schema, on one screen.
//!
//! The rule: a table without a line here is a mistake, and a test says so. What is over goes some hundreds of rows at a
//! time, each in a transaction of its own and found by an index, so that nobody who wants to write waits for it, whatever has
//! gathered; killed at any moment, the next round goes on. What is still needed, by an audit, a proof, a bounce that comes
//! late or the memory that keeps the same thing from being done twice, is not over.

use std::time::Duration;

use crate::{
    attempts,
    db::{Gate, Result, Sql},
    delivery::forgetting as delivery,
    donations,
    site::Site,
    staff::{self, sessions},
    subscribers,
};

/// How long the rows of a table stay.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// For ever, and why.
    Kept(&'static str),
    /// It does not grow by itself, and why.
    Bounded(&'static str),
    /// What is over goes: a statement that is given a moment and how many rows at most, for each span after which it goes.
    Goes(&'static [(Sql, Duration)]),
}

use Rule::{Bounded, Goes, Kept};

const DAY: Duration = Duration::from_secs(86_400);
/// Long enough to ask somebody about it.
const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// The provider lists its events for 30 days; one that is forgotten before could come in again.
const PROVIDER_LISTS: Duration = Duration::from_secs(35 * 86_400);
/// What a server said of a copy: for as long as a reader may still ask why nothing came.
const SEASON: Duration = Duration::from_secs(180 * 86_400);
/// Until the books of a year are closed: where a gift came from, which letters went out, what came back.
const BOOKS: Duration = Duration::from_secs(500 * 86_400);

/// Every table, in the order of the migrations.
pub const RULES: &[(&str, Rule)] = &[
    ("staff", Bounded("a row for each person on the team")),
    ("staff_session", Goes(&[(staff::FORGET_SESSIONS, sessions::ABSOLUTE)])),
    ("used_token", Goes(&[(staff::FORGET_USED_TOKENS, MONTH)])),
    ("setting", Kept("who decided what: a row for each decision")),
    ("audit_log", Kept("who did what; its newest number also says how far the database has come")),
    ("list", Bounded("made by hand")),
    ("subscriber", Kept("until they are erased: people are not forgotten by a clock")),
    ("subscription", Bounded("a row for each reader and list")),
    ("consent_wording", Bounded("a row for each text")),
    ("consent_event", Kept("the proof of consent, which the law wants for as long as we mail, and after")),
    ("donor_state", Bounded("a row for each reader")),
    ("feed", Bounded("made by hand")),
    ("topic", Bounded("made by hand")),
    ("article", Kept("what the magazine has published")),
    ("article_topic", Kept("what the magazine has published")),
    ("digest", Bounded("made by hand")),
    ("edition", Kept("what the magazine has sent")),
    ("edition_revision", Kept("what was sent, and what it looked like before")),
    ("edition_article", Kept("what was sent")),
    ("variant", Kept("what was sent, to the letter: readers open it from their mail")),
    ("delivery", Kept("the ledger: audits recount it, and bounces find their copy by it, however late")),
    ("delivery_attempt", Goes(&[(delivery::ATTEMPTS, SEASON)])),
    ("delivery_tally", Bounded("a few rows for each edition")),
    ("worker", Goes(&[(delivery::WORKERS, MONTH)])),
    ("notice", Goes(&[(delivery::NOTICES, BOOKS)])),
    ("suppression", Kept("who is never mailed again: a hash, which outlives the reader")),
    ("donor", Kept("the books")),
    ("recurring_donation", Kept("the books")),
    ("donation", Kept("the books; of those who did not pay neither name nor address")),
    (
        "provider_event",
        Goes(&[
            // Of one that cannot be read the text goes first; the row stays until staff put it away, as does one given up.
            (donations::BLANK_EVENTS, MONTH),
            (donations::FORGET_IGNORED, PROVIDER_LISTS),
            (donations::FORGET_DONE, BOOKS),
        ]),
    ),
    ("provider_call", Goes(&[(donations::FORGET_CALLS, BOOKS)])),
    ("ledger_entry", Kept("the books")),
    ("receipt", Kept("the books")),
    ("sync_cursor", Bounded("a row for each list that is read")),
    ("bounce", Goes(&[(delivery::BOUNCES, BOOKS)])),
    ("bounce_cursor", Bounded("one row")),
    ("bounce_mass", Bounded("a row for each edition")),
    ("bounce_letter", Bounded("until somebody has read it, and two hundred at most")),
    ("dkim_key", Bounded("made by hand")),
    ("dns_check", Goes(&[(delivery::DNS_CHECKS, MONTH)])),
    ("domain_pace", Goes(&[(delivery::PACES, DAY)])),
    ("relay_window", Goes(&[(delivery::RELAY_WINDOWS, MONTH)])),
    ("relay_history", Bounded("a row for each mail service")),
    ("relay_trouble", Goes(&[(delivery::RELAY_TROUBLES, DAY)])),
    ("origin", Bounded("one row")),
    ("recipient_domain", Bounded("a row for each domain that readers have their mail at")),
    ("one_time_link", Bounded("the newest link of a kind for each person on the team")),
    ("confirmation_mail", Goes(&[(subscribers::FORGET_CONFIRMATION_MAILS, subscribers::WEEK)])),
    ("numbered_link", Bounded("three rows")),
    (
        "settled_epoch",
        Kept("files of a state that was lost may turn up at any time: a row for each restored backup"),
    ),
    (
        "worker_position",
        Kept("a file of that process may turn up at any time: a row for each start that sent something"),
    ),
    ("attempt", Goes(&[(attempts::FORGET_ENDED, Duration::ZERO)])),
    ("job_trouble", Bounded("a row for each job")),
];

/// Rows that go in one transaction.
pub const AT_ONCE: i64 = 500;

/// Deletes what is over; returns how many rows that were. What cannot be deleted of one table does not keep the others.
///
/// # Errors
/// When the database fails.
pub async fn tidy(site: &Site) -> Result<u64> {
    let (mut gone, mut failed) = (0, None);
    for (table, rule) in RULES {
        let Goes(spans) = rule else { continue };
        for (statement, span) in *spans {
            match forget(site, *statement, *span).await {
                Ok(rows) => gone += rows,
                Err(error) => {
                    tracing::error!(table, %error, "what is over could not be deleted");
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or(Ok(gone), Err)
}

async fn forget(site: &Site, statement: Sql, span: Duration) -> Result<u64> {
    let before = site.now().minus(span);
    let mut gone = 0;
    loop {
        let mut tx = site.db.begin().await?;
        tx.close(Gate::Past).await?;
        let rows = tx.exec(statement, (before, AT_ONCE)).await?;
        tx.commit().await?;
        if rows == 0 {
            return Ok(gone);
        }
        gone += rows;
    }
}
