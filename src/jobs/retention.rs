//! What is kept for how long: every table of the schema, on one screen.
//!
//! The rule: a table without a line here is a mistake, and a test says so. What is over goes some hundreds of rows at a
//! time, each in a transaction of its own and found by an index, so that nobody who wants to write waits for it, whatever has
//! gathered; killed at any moment, the next round goes on. What is still needed, by an audit, a proof, a bounce that comes
//! late or the memory that keeps the same thing from being done twice, is not over.
//!
//! What is deleted does not come back, and one clock says what is over: one that has jumped is not believed for a day.

use std::{fmt, time::Duration};

use super::store;
use crate::{
    articles::{BIN_LASTS, COPY_LASTS, forgetting as articles},
    attempts, audit_log, bounces,
    bulk::forgetting as bulk,
    clock::{Moment, Stopwatch},
    db::{Gate, Result, Sql},
    deliverability,
    delivery::forgetting as delivery,
    doctor, donations,
    donations::adopt,
    dossier, queue, relays,
    settings::Settings,
    site::Site,
    staff,
    subscribers::forgetting as subscribers,
};

/// How long the rows of a table stay.
#[derive(Clone, Copy, Debug)]
pub enum Retention {
    /// For ever, and why.
    Kept(&'static str),
    /// It does not grow by itself, and why.
    Bounded(&'static str),
    /// What is over goes: a statement that is given a moment and how many rows at most, for each span after which it goes.
    Goes(&'static [(Sql, Duration)]),
}

use Retention::{Bounded, Goes, Kept};

/// Where the last round of forgetting is written down.
const TIDIED: &str = "tidied";

const DAY: Duration = Duration::from_secs(86_400);
/// Long enough to ask somebody about it.
const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// The provider lists its events for 30 days; one that is forgotten before could come in again.
const PROVIDER_LISTS: Duration = Duration::from_secs(35 * 86_400);
/// What a server said of a copy: for as long as a reader may still ask why nothing came. Why somebody left: twice as long as it is
/// counted.
const SEASON: Duration = Duration::from_secs(180 * 86_400);
/// Until the books of a year are closed: where a gift came from, which letters went out, what came back.
const BOOKS: Duration = Duration::from_secs(500 * 86_400);

/// Every table, in the order of the migrations.
pub const RETENTION: &[(&str, Retention)] = &[
    ("staff", Bounded("a row for each person on the team")),
    (
        "staff_session",
        Goes(&[
            (staff::FORGET_SESSIONS, staff::SESSION_LASTS),
            (staff::FORGET_FUTURE_SESSIONS, Duration::ZERO),
        ]),
    ),
    ("used_token", Goes(&[(staff::FORGET_USED_TOKENS, MONTH)])),
    ("setting", Kept("who decided what: a row for each decision")),
    ("audit_log", Kept("who did what; its newest number also says how far the database has come")),
    ("list", Bounded("made by hand")),
    // Who is known is kept until they are erased: only an address that nobody confirmed is forgotten by a clock.
    (
        "subscriber",
        Goes(&[
            (subscribers::ASKINGS, subscribers::ASKING_LASTS),
            (subscribers::UNCONFIRMED, subscribers::ASKING_LASTS),
        ]),
    ),
    ("subscription", Bounded("a row for each reader and list")),
    ("reader_topic", Bounded("made by hand")),
    ("list_topic", Bounded("made by hand")),
    ("list_segment", Bounded("made by hand")),
    ("subscription_topic", Bounded("a few rows for each reader and list")),
    ("consent_wording", Bounded("a row for each text")),
    ("consent_event", Kept("the proof of consent, which the law wants for as long as we mail, and after")),
    ("donor_state", Bounded("a row for each reader")),
    ("feed", Goes(&[(articles::FEEDS_GO, BIN_LASTS)])),
    ("feed_read", Goes(&[(articles::READS_GO, SEASON)])),
    ("topic", Bounded("made by hand")),
    // Its names stay, so that neither its feed nor its address brings it back.
    ("article", Goes(&[(articles::EMPTY, BIN_LASTS)])),
    ("article_topic", Kept("what the magazine has published")),
    ("author", Bounded("a row for each who writes")),
    ("article_author", Kept("what the magazine has published")),
    ("picture", Kept("what articles and mails show")),
    ("picture_size", Kept("what articles and mails show")),
    ("gift_article", Kept("a row for each gift that was asked for under an article")),
    // A hundred for each article; those of one that was deleted go when it does.
    ("article_revision", Goes(&[(articles::REVISIONS_GO, BIN_LASTS)])),
    ("archive_part", Goes(&[(articles::ARCHIVE_PARTS, articles::ARCHIVES_KEPT)])),
    ("archive", Goes(&[(articles::ARCHIVES, articles::ARCHIVES_KEPT)])),
    ("archive_left", Goes(&[(articles::ARCHIVE_LEFT, MONTH)])),
    ("article_sitting", Goes(&[(articles::FORGET_SITTINGS, COPY_LASTS)])),
    ("digest", Bounded("made by hand")),
    ("edition", Kept("what the magazine has sent")),
    ("edition_revision", Kept("what was sent, and what it looked like before")),
    ("edition_article", Kept("what was sent")),
    ("edition_block", Kept("what was sent")),
    ("edition_approval", Kept("who answers for what was sent")),
    ("test_address", Bounded("ten at most")),
    ("edition_topic", Kept("what was sent, and to whom")),
    ("edition_segment", Kept("what was sent, and to whom")),
    ("segment", Bounded("made by hand")),
    ("segment_version", Bounded("saved by hand")),
    ("variant", Kept("what was sent, to the letter: readers open it from their mail")),
    ("variant_part", Kept("what was sent, and to whom")),
    ("delivery", Kept("the ledger: audits recount it, and bounces find their copy by it, however late")),
    ("delivery_attempt", Goes(&[(delivery::ATTEMPTS, SEASON)])),
    ("delivery_tally", Bounded("a few rows for each edition")),
    ("worker", Goes(&[(delivery::WORKERS, MONTH)])),
    ("notice", Goes(&[(delivery::NOTICES, BOOKS), (delivery::ASKING, subscribers::ASKING_LASTS)])),
    ("suppression", Kept("who is never mailed again: a hash, which outlives the reader")),
    ("suppression_key", Bounded("one row")),
    ("donor", Kept("the books")),
    ("recurring_donation", Kept("the books")),
    ("donor_word", Kept("by what supporters are found; they go with the supporter")),
    ("donation_note", Kept("what the team noted about a gift; it goes with the supporter")),
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
    ("provider_account", Bounded("a row for each account that a key of ours belonged to")),
    ("comparison", Bounded("one row at most")),
    ("adoption", Bounded("a row each time that somebody takes over what another program left")),
    ("old_bundle", Bounded("what another program gave for, by product")),
    // What it was stays, to be told from what is ours; whose it was goes once it is decided, and when nobody decides.
    ("old_object", Goes(&[(donations::BLANK_OLD, adopt::LASTS)])),
    ("subscription_change", Goes(&[(donations::FORGET_CHANGES, SEASON)])),
    ("renewal_trouble", Goes(&[(donations::FORGET_TROUBLE, SEASON)])),
    ("ledger_entry", Kept("the books")),
    ("refund", Kept("the books")),
    ("dispute", Kept("the books")),
    ("fraud_warning", Kept("the books")),
    ("payout", Kept("the books")),
    ("movement", Kept("the books")),
    ("refund_request", Kept("the books: who sent a gift back, and why")),
    ("reconciliation", Bounded("one row")),
    ("closed_month", Kept("the books: twelve rows a year")),
    ("gift_day", Kept("the books: a few rows a day")),
    ("receipt", Kept("the books")),
    ("sync_cursor", Bounded("a row for each list that is read, and one for the last round of forgetting")),
    ("bounce", Goes(&[(bounces::FORGET, BOOKS)])),
    ("bounce_cursor", Bounded("one row")),
    ("bounce_mass", Bounded("a row for each edition")),
    ("edition_domain", Kept("a row for each edition and domain, far fewer than the copies, which stay")),
    ("bounce_letter", Bounded("until somebody has read it, and two hundred at most")),
    ("dkim_key", Bounded("made by hand")),
    ("dns_check", Goes(&[(deliverability::FORGET_OTHERS, MONTH)])),
    ("domain_pace", Goes(&[(delivery::PACES, DAY)])),
    ("refusal_told", Bounded("a few rows for each edition")),
    ("relay_window", Goes(&[(relays::forgetting::WINDOWS, MONTH)])),
    ("relay_history", Bounded("a row for each mail service")),
    ("relay_trouble", Goes(&[(relays::forgetting::TROUBLES, DAY)])),
    ("origin", Bounded("one row")),
    ("former_host", Bounded("a row for each name that the magazine had")),
    ("former_host_call", Bounded("five rows for each name that the magazine had")),
    ("recipient_domain", Bounded("a row for each domain that readers have their mail at")),
    ("one_time_link", Bounded("the newest link of a kind for each person on the team")),
    ("confirmation_mail", Goes(&[(subscribers::LETTERS, subscribers::WEEK)])),
    ("numbered_link", Bounded("three rows")),
    (
        "settled_epoch",
        Kept("files of a state that was lost may turn up at any time: a row for each restored backup"),
    ),
    (
        "worker_position",
        Kept("a file of that process may turn up at any time: a row for each start that sent something"),
    ),
    ("withdrawal_journal", Bounded("a row for each machine that writes withdrawals down")),
    ("gift_try", Goes(&[(donations::FORGET_TRIES, DAY)])),
    ("payment_attempt", Goes(&[(donations::FORGET_ATTEMPTS, SEASON)])),
    ("attempt", Goes(&[(attempts::FORGET_ENDED, Duration::ZERO)])),
    ("job_trouble", Goes(&[(store::FORGET, MONTH)])),
    ("limit_used_up", Bounded("a row for each form that everybody shares")),
    ("doctor_look", Goes(&[(doctor::FORGET_LOOKS, MONTH)])),
    ("doctor_told", Bounded("a row for each thing that is looked at")),
    ("relay_sign_in", Goes(&[(relays::forgetting::SIGN_INS, MONTH)])),
    ("news", Goes(&[(queue::FORGET_NEWS, MONTH)])),
    ("job_turns", Goes(&[(store::FORGET_TURNS, MONTH)])),
    ("joined_day", Goes(&[(subscribers::DAYS, MONTH)])),
    ("form", Bounded("made by hand")),
    ("form_list", Bounded("made by hand")),
    (
        "field",
        Goes(&[
            (subscribers::VALUES, subscribers::REMOVED_LASTS),
            (subscribers::FIELDS, subscribers::REMOVED_LASTS),
        ]),
    ),
    ("form_field", Bounded("made by hand")),
    ("field_value", Bounded("a row for each reader and field; those of a field that was removed go with it")),
    ("form_wording", Kept("what readers agreed to, and since when it said so")),
    ("form_day", Goes(&[(subscribers::FORM_DAYS, SEASON)])),
    ("typed", Goes(&[(subscribers::TYPED, subscribers::ASKING_LASTS)])),
    ("sign_up", Goes(&[(subscribers::SIGN_UPS, subscribers::SIGN_UPS_KEPT)])),
    ("asking", Goes(&[(subscribers::ASKED_FROM, Duration::from_secs(2 * 3_600))])),
    (
        "import_part",
        Goes(&[
            (subscribers::IMPORT_PARTS, subscribers::IMPORTS_KEPT),
            (subscribers::BROKEN_IMPORT_PARTS, subscribers::ARRIVING_LASTS),
        ]),
    ),
    (
        "import",
        Goes(&[
            (subscribers::IMPORTS, subscribers::IMPORTS_KEPT),
            (subscribers::BROKEN_IMPORTS, subscribers::ARRIVING_LASTS),
        ]),
    ),
    ("import_change", Goes(&[(subscribers::IMPORT_CHANGES, Duration::from_secs(3 * 86_400))])),
    ("import_problem", Goes(&[(subscribers::IMPORT_PROBLEMS, MONTH)])),
    (
        "bulk_act",
        Goes(&[
            (bulk::UNPRESSED, Duration::from_secs(7 * 86_400)),
            (bulk::ACTS, Duration::from_secs(90 * 86_400)),
        ]),
    ),
    ("bulk_change", Goes(&[(subscribers::BULK_CHANGES, Duration::from_secs(3 * 86_400))])),
    ("reader_count", Bounded("one row")),
    ("counted", Bounded("a row for each list and topic")),
    ("folded", Bounded("one row")),
    (
        "reader_request",
        Kept("what readers asked by law, and what was done: their address is masked once it is"),
    ),
    ("forgotten", Kept("who was forgotten: a hash, by which no file brings them back")),
    ("forgotten_consent", Goes(&[(subscribers::KEPT_CONSENT, subscribers::PROOF_LASTS)])),
    ("leaving_reason", Goes(&[(subscribers::REASONS, SEASON)])),
    ("reader_look", Goes(&[(audit_log::FORGET_LOOKS, BOOKS)])),
    ("reader_note", Kept("what the team noted about a reader; it goes with the reader")),
    ("former_address", Kept("hashes of the addresses that a reader had; they go with the reader")),
    ("address_change", Goes(&[(subscribers::ADDRESS_CHANGES, subscribers::CHANGE_LASTS)])),
    ("leaving_mail", Goes(&[(subscribers::LEAVING_MAILS, BOOKS)])),
];

/// Rows that go in one transaction, at most.
pub const AT_ONCE: i64 = 500;
/// How long such a transaction may take; on a slow disk fewer rows go in it.
const STEP: Duration = Duration::from_millis(250);
/// How far a clock goes on by itself between two rounds, even if the process was restarted at leisure.
const NEAR: Duration = Duration::from_secs(2 * 86_400);

/// A round: deletes what is over, and forgets supporters whose last gift is; returns how many rows were deleted. What cannot be
/// deleted of one table does not keep the others. `ran` is for how long this process has run since its last round, whatever the clock did meanwhile.
pub async fn tidy(site: &Site, ran: Duration) -> Result<u64> {
    if let Err(error) = dossier::forget_supporters(site).await {
        tracing::error!(%error, "supporters whose last gift is over could not be forgotten");
    }
    match believed(site, ran).await? {
        Some(now) => forget_as_of(site, now).await,
        None => Ok(0),
    }
}

/// The moment of the last round, and for how long the clock has stood elsewhere since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tidied {
    at: Moment,
    elsewhere: Duration,
}

impl Tidied {
    /// What a clock that shows `now` makes of it: believed if it went on from the last round, or has stood elsewhere for a
    /// day of running. A machine that starts with a wrong clock is put right within minutes.
    fn then(self, now: Moment, ran: Duration) -> (bool, Self) {
        let near = now.since(self.at).max(self.at.since(now)) <= NEAR;
        let elsewhere = self.elsewhere.saturating_add(ran);
        if near || elsewhere >= DAY {
            (true, Self { at: now, elsewhere: Duration::ZERO })
        } else {
            (false, Self { elsewhere, ..self })
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (at, seconds) = text.split_once(' ')?;
        let elsewhere = Duration::from_secs(seconds.parse().ok()?);
        Some(Self { at: Moment(at.parse().ok()?), elsewhere })
    }
}

impl fmt::Display for Tidied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at.0, self.elsewhere.as_secs())
    }
}

/// The moment by which to forget; none while the clock is not believed. Of two clocks the slower one forgets less.
async fn believed(site: &Site, ran: Duration) -> Result<Option<Moment>> {
    let now = site.db.lease_time(&site.clock).await?.min(site.clock.slowest());
    let mut tx = site.db.begin().await?;
    tx.close(Gate::Past).await?;
    let last = queue::read_cursor_in(&mut tx, TIDIED).await?.and_then(|text| Tidied::parse(&text));
    let (believed, tidied) = last.unwrap_or_default().then(now, ran);
    queue::set_cursor(&mut tx, TIDIED, &tidied.to_string(), now).await?;
    tx.commit().await?;
    if let (false, Some(last)) = (believed, last.filter(|last| *last != Tidied::default())) {
        tracing::warn!(
            clock = %now, last_round = %last.at, hours = tidied.elsewhere.as_secs() / 3_600,
            "the clock has jumped: nothing is deleted by it before it has run for a day; look whether it is right"
        );
    }
    Ok(believed.then_some(now))
}

/// Deletes what is over at a moment; returns how many rows that were.
pub async fn forget_as_of(site: &Site, now: Moment) -> Result<u64> {
    let (mut gone, mut failed, mut unconfirmed) = (0, None, None);
    for (table, rule) in RETENTION {
        let Goes(spans) = rule else { continue };
        for (statement, span) in *spans {
            match forget(site, *statement, now.minus(*span)).await {
                Ok(rows) => {
                    gone += rows;
                    if rows > 0 && statement.name == subscribers::UNCONFIRMED.name {
                        unconfirmed = Some((rows, now.minus(*span)));
                    }
                }
                Err(error) => {
                    tracing::error!(table, %error, "what is over could not be deleted");
                    failed = Some(error);
                }
            }
        }
    }
    if let Some((rows, before)) = unconfirmed {
        // Without a word the team would look for them, or bring them in again.
        let detail = format!("{rows}, from before {before}");
        audit_log::note(site, None, "forgot sign-ups that nobody confirmed", "", &detail).await?;
    }
    match forget_traces(site, now).await {
        Ok(rows) => gone += rows,
        Err(error) => {
            tracing::error!(%error, "where consents came from could not be forgotten");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(gone), Err)
}

/// Where a consent came from is kept for as long as the owner says; the consent itself stays (TRUST L1).
async fn forget_traces(site: &Site, now: Moment) -> Result<u64> {
    let months = Settings::load(&site.db).await?.keep_traces_months.unsigned_abs();
    if months == 0 {
        return Ok(0);
    }
    forget(
        site,
        subscribers::TRACES,
        now.minus(MONTH.saturating_mul(u32::try_from(months).unwrap_or(u32::MAX))),
    )
    .await
}

async fn forget(site: &Site, statement: Sql, before: Moment) -> Result<u64> {
    let (mut gone, mut at_once) = (0, AT_ONCE);
    loop {
        let mut tx = site.db.begin().await?;
        tx.close(Gate::Past).await?;
        let watch = Stopwatch::start();
        let rows = tx.exec(statement, (before, at_once)).await?;
        tx.commit().await?;
        at_once = next(at_once, watch.elapsed());
        if rows == 0 {
            return Ok(gone);
        }
        gone += rows;
    }
}

/// How many rows go in the next transaction, when so many took so long.
fn next(rows: i64, took: Duration) -> i64 {
    if took > STEP {
        (rows / 2).max(1)
    } else if took < STEP / 4 {
        (rows * 2).min(AT_ONCE)
    } else {
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_is_given_less_at_once_and_a_quick_one_as_much_as_ever() {
        let mut rows = AT_ONCE;
        for _ in 0..12 {
            // Two milliseconds a row, and ten more for the commit.
            rows = next(rows, Duration::from_millis(10 + 2 * rows.unsigned_abs()));
        }
        assert!((30..=120).contains(&rows), "{rows}");
        for _ in 0..12 {
            rows = next(rows, Duration::from_secs(9));
        }
        assert_eq!(rows, 1);
        for _ in 0..12 {
            rows = next(rows, Duration::from_millis(3));
        }
        assert_eq!(rows, AT_ONCE);
    }
}
