//! The comparison that every test of sending ends with: what arrived in the world outside, joined with our own ledger.
//!
//! The ledger says who is to have which message (the Message-ID is a function of the row, TRUST M9); the world outside says
//! what came, by Message-ID and recipient. Neither is believed: every row and every arrival must have its counterpart.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use broadside::{
    delivery::{self, Which},
    sandbox::{Mailbox, Sandbox},
    site::Site,
};

use super::database;

/// One message for one recipient, as the world outside saw it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Without its brackets.
    pub message_id: String,
    pub recipient: String,
}

/// What the comparison came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Everything that does not agree, in words; empty when every account does.
    pub problems: Vec<String>,
    /// Rows of all editions, and automatic emails.
    pub rows: usize,
    /// How many of them the ledger calls accepted.
    pub accepted: usize,
    /// How many have not come to an end.
    pub open: usize,
    /// Rows that the ledger says may have arrived more than once, or at all.
    pub flagged: usize,
    /// Accepted, but nobody got it: lost.
    pub lost: usize,
    /// Copies beyond the first of any message.
    pub duplicates: usize,
    /// For each worker that died: how many messages it left in doubt.
    pub doubts: BTreeMap<i64, i64>,
}

impl Verdict {
    /// Whether everything agrees.
    pub fn agrees(&self) -> bool {
        self.problems.is_empty()
    }

    /// Fails, saying everything that does not agree.
    #[track_caller]
    pub fn assert_agrees(&self) -> &Self {
        assert!(self.agrees(), "{self}");
        self
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, accepted, open, flagged, lost, duplicates, problems, .. } = self;
        write!(
            f,
            "{rows} rows, {accepted} accepted, {open} open, {flagged} flagged, {lost} lost, {duplicates} duplicates"
        )?;
        problems.iter().take(20).try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

/// All that came to the sandbox.
pub fn mailbox(sandbox: &Sandbox) -> Vec<Arrival> {
    arrivals(sandbox.mailbox())
}

fn arrivals(mailbox: &Mailbox) -> Vec<Arrival> {
    let each = |mail: broadside::sandbox::Received| {
        let id = mail.message_id;
        mail.to.into_iter().map(move |recipient| Arrival { message_id: id.clone(), recipient })
    };
    mailbox.messages().into_iter().flat_map(each).collect()
}

#[derive(sqlx_macros::FromRow)]
struct DeliveryRow {
    edition: String,
    subscriber: String,
    address: String,
    state: String,
    marker: bool,
    maybe_duplicate: bool,
}

/// A message that the ledger knows of.
#[derive(Debug, sqlx_macros::FromRow)]
struct Row {
    message_id: String,
    address: String,
    state: String,
    marker: bool,
    maybe_duplicate: bool,
}

impl Row {
    /// Whether the ledger admits that it does not know how often this arrived.
    fn is_in_doubt(&self) -> bool {
        self.maybe_duplicate || self.marker || self.state == "unknown"
    }
}

/// Compares the ledger of an instance with what arrived.
pub async fn verify(site: &Site, arrived: &[Arrival]) -> Verdict {
    let mut verdict = Verdict::default();
    for edition in delivery::ever_sealed(&site.db).await.expect("the editions can be read") {
        let audit = delivery::audit_copies(&site.db, edition).await.expect("the rows can be counted");
        if !audit.holds() {
            verdict.problems.push(format!(
                "edition {edition} does not balance: {}; the tallies say {}",
                audit.rows, audit.tallies
            ));
        }
    }
    let mut by_id: HashMap<&str, Vec<&str>> = HashMap::new();
    for Arrival { message_id, recipient } in arrived {
        by_id.entry(message_id).or_default().push(recipient);
    }
    for row in rows(site).await {
        let recipients = by_id.remove(row.message_id.as_str()).unwrap_or_default();
        verdict.compare(&row, &recipients);
    }
    for (id, recipients) in by_id {
        verdict.problems.push(format!("{recipients:?} got {id:?}, of which no row knows"));
    }
    verdict.doubts = database::rows::<(i64, i64)>(
        &site.db,
        "select worker_id, count(*) from delivery_attempt where outcome = 'unknown' group by worker_id",
    )
    .await
    .into_iter()
    .collect();
    verdict
}

impl Verdict {
    fn compare(&mut self, row: &Row, recipients: &[&str]) {
        let copies = recipients.len();
        let is = |word: &str| row.state == word;
        self.rows += 1;
        self.accepted += usize::from(is("accepted"));
        self.open += usize::from(is("queued") || is("claimed"));
        self.flagged += usize::from(row.is_in_doubt());
        self.duplicates += copies.saturating_sub(1);
        if is("accepted") && copies == 0 {
            self.lost += 1;
            self.problems.push(format!("lost: {} is accepted, and nothing arrived", row.address));
        }
        if copies > 1 && !row.is_in_doubt() {
            self.problems
                .push(format!("{} got {copies} copies, and the ledger does not say so", row.address));
        }
        if copies > 0 && !is("accepted") && !row.is_in_doubt() {
            self.problems.push(format!("{} is {}, and {copies} copies arrived", row.address, row.state));
        }
        if let Some(other) = recipients.iter().find(|recipient| **recipient != row.address) {
            self.problems.push(format!("the message for {} went to {other}", row.address));
        }
    }
}

async fn rows(site: &Site) -> Vec<Row> {
    let deliveries = database::rows::<DeliveryRow>(
        &site.db,
        "select e.public_id as edition, s.public_id as subscriber, d.address, d.state, d.marker, d.maybe_duplicate
            from delivery d join edition e on e.id = d.edition_id join subscriber s on s.id = d.subscriber_id",
    );
    let mut rows: Vec<Row> = deliveries
        .await
        .into_iter()
        .map(|row| Row {
            // The same for every attempt, and another one for every other row (TRUST M9).
            message_id: delivery::message_id(
                &site.keys,
                site.host(),
                &Which::named(&row.edition, &row.subscriber),
            ),
            address: row.address,
            state: row.state,
            marker: row.marker,
            maybe_duplicate: row.maybe_duplicate,
        })
        .collect();
    let notices = "select message_id, address, state, marker, maybe_duplicate from notice";
    rows.extend(database::rows::<Row>(&site.db, notices).await);
    rows
}
