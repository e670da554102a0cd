//! The report: what happened by our own books, and whether the outside world saw the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::Context as _;

use super::super::running::Running;
use crate::{
    articles,
    delivery::{self, CopiesAudit, CopyId, CopyState},
    donations::{self, DonationKind, MoneyAudit},
    sandbox::Sandbox,
    site::Site,
    subscribers,
};

/// A message that our ledger calls accepted.
#[derive(Debug)]
struct Accepted {
    /// Without its brackets.
    message_id: String,
    maybe_duplicate: bool,
}

/// Every copy and every automatic email that was accepted.
async fn accepted(site: &Site) -> anyhow::Result<Vec<Accepted>> {
    let mut accepted = Vec::new();
    for edition in delivery::ever_sealed(&site.db).await? {
        let mut after = 0;
        loop {
            let copies = delivery::copies_of(&site.db, edition, after, CHUNK).await?;
            let Some(last) = copies.last() else { break };
            after = last.subscriber_id;
            for copy in copies.iter().filter(|copy| copy.state == CopyState::Accepted) {
                let names =
                    delivery::names_of_copy(site, CopyId { edition, subscriber: copy.subscriber_id }).await?;
                let message_id = names.and_then(|names| names.message_id(site));
                let message_id = message_id.context("a copy to a reader who is not known")?;
                accepted.push(Accepted { message_id, maybe_duplicate: copy.maybe_duplicate });
            }
        }
    }
    let notices = delivery::accepted_letters(&site.db).await?.into_iter();
    accepted.extend(notices.map(|(message_id, maybe_duplicate)| Accepted { message_id, maybe_duplicate }));
    Ok(accepted)
}

/// How many copies are read at a time.
const CHUNK: i64 = 500;

/// What the demo did.
#[derive(Debug, Default)]
pub(super) struct Report {
    articles: usize,
    readers: i64,
    editions: Vec<(i64, CopiesAudit)>,
    money: MoneyAudit,
    /// Everything that does not agree.
    problems: Vec<String>,
}

impl Report {
    pub(super) async fn make(running: &Running) -> anyhow::Result<Self> {
        let site = &running.site;
        let sandbox = running.sandbox.as_ref().context("the demo runs with the sandbox")?;
        let mut report = Self {
            articles: articles::latest(site, 10_000).await?.len(),
            readers: subscribers::counts(&site.db).await?.confirmed,
            money: donations::audit_money(&site.db).await?,
            ..Self::default()
        };
        for id in delivery::ever_sealed(&site.db).await? {
            let audit = delivery::audit_copies(&site.db, id).await?;
            if !audit.holds() {
                report
                    .problems
                    .push(format!("edition {id}: {}, but the tallies say {}", audit.rows, audit.tallies));
            }
            report.editions.push((id, audit));
        }
        report.compare_mail(sandbox, &accepted(site).await?);
        report.compare_money(sandbox);
        report.problems.extend(report.money.problems.iter().cloned());
        Ok(report)
    }

    /// Joins the mailbox with our ledger by Message-ID: what it calls accepted arrived, once, and nothing else did.
    fn compare_mail(&mut self, sandbox: &Sandbox, accepted: &[Accepted]) {
        let mut arrived = sandbox.mailbox().by_message_id();
        let (mut lost, mut twice) = (Vec::new(), Vec::new());
        for mail in accepted {
            match arrived.remove(&mail.message_id) {
                None => lost.push(&mail.message_id),
                // Where a crash left that open, the ledger says so.
                Some(2..) if !mail.maybe_duplicate => twice.push(&mail.message_id),
                Some(_) => {}
            }
        }
        let unknown: Vec<_> = arrived.keys().collect();
        let kinds = [
            (lost, "accepted by our ledger, and never arrived"),
            (twice, "arrived more than once"),
            (unknown, "arrived, and not accepted by our ledger"),
        ];
        for (messages, what) in kinds {
            if let Some(example) = messages.first() {
                self.problems.push(format!("{what}: {}, such as {example}", messages.len()));
            }
        }
    }

    /// What stands here as given against what the provider's own book says was given and not given back, by currency.
    fn compare_money(&mut self, sandbox: &Sandbox) {
        let mut ours: BTreeMap<String, i64> = BTreeMap::new();
        for total in &self.money.totals {
            *ours.entry(total.currency.to_uppercase()).or_default() += total.minor;
        }
        let given = sandbox.stripe().book().given;
        let theirs: BTreeMap<String, i64> = given
            .into_iter()
            .map(|(currency, all)| {
                (
                    currency.to_uppercase(),
                    all.once + all.recurring + all.outside - all.refunded - all.disputed,
                )
            })
            .collect();
        let currencies: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for currency in currencies {
            let sum = |of: &BTreeMap<String, i64>| of.get(currency).copied().unwrap_or_default();
            if sum(&ours) != sum(&theirs) {
                let shown = |minor| donations::figures(minor, currency);
                self.problems.push(format!(
                    "gifts of {} are booked, and the payment service has {} of them",
                    shown(sum(&ours)),
                    shown(sum(&theirs))
                ));
            }
        }
    }

    /// Whether every account agrees.
    pub(super) fn balances(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nReport")?;
        writeln!(f, "  articles imported     {}", self.articles)?;
        writeln!(f, "  readers confirmed     {}", self.readers)?;
        for (id, CopiesAudit { rows, .. }) in &self.editions {
            writeln!(f, "  edition {id}: sealed     {}", rows.sealed)?;
            writeln!(f, "    accepted            {}", rows.accepted)?;
            writeln!(f, "    failed              {}", rows.failed)?;
            writeln!(f, "    suppressed          {}", rows.suppressed)?;
            if rows.cancelled > 0 {
                writeln!(f, "    cancelled           {}", rows.cancelled)?;
            }
            writeln!(f, "    unknown             {}", rows.unknown)?;
            writeln!(f, "    still open          {}", rows.open)?;
        }
        for total in &self.money.totals {
            let kind = if total.kind == Some(DonationKind::Once) { "given once" } else { "given regularly" };
            writeln!(f, "  {kind:<20}  {}, {} in all", total.number, total.amount())?;
        }
        writeln!(f, "  receipts              {}", self.money.receipts)?;
        if self.balances() {
            writeln!(f, "\nEvery account balances: the ledger of deliveries, the money ledger,")?;
            return write!(f, "and what the sandbox really received and really charged.");
        }
        writeln!(f, "\nTHE ACCOUNTS DO NOT BALANCE:")?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  - {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{
        authorities::Trust,
        clock::Clock,
        sandbox::SandboxConfig,
        smtp::{Connection, Envelope, Relay, Timeouts, Wire},
        token,
    };

    /// The report can fail: a message that the mailbox forgot is missed, and one that nobody sent is found.
    #[tokio::test]
    async fn a_message_too_few_or_too_many_does_not_balance() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp").join(token::public_id());
        let sandbox = Sandbox::start(SandboxConfig::new(&folder, Clock::System)).await.unwrap();
        let relay = Relay {
            url: format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse().unwrap(),
            hello: "test.example.org".to_owned(),
            trust: Trust::public(),
            timeouts: Timeouts::scaled(0.05),
            messages_per_connection: 10,
            wire: Wire::default(),
        };
        let mut connection = Connection::open(&relay).await.unwrap();
        for id in ["one", "two"] {
            let message = format!("Message-ID: <{id}@example.org>\r\n\r\nHello\r\n").into_bytes();
            let (from, to) = ("paper@example.org", "ann@example.org");
            connection.begin(&Envelope { from, to, size: message.len() }).await.unwrap();
            connection.finish(message, None).await.unwrap();
        }
        let said = |ids: &[&str]| {
            let accepted: Vec<_> = ids
                .iter()
                .map(|id| Accepted { message_id: format!("{id}@example.org"), maybe_duplicate: false })
                .collect();
            let mut report = Report::default();
            report.compare_mail(&sandbox, &accepted);
            report.problems.join(", ")
        };
        assert_eq!(said(&["one", "two"]), "");
        assert_eq!(said(&["two"]), "arrived, and not accepted by our ledger: 1, such as one@example.org");
        sandbox.mailbox().forget_one();
        let lost = said(&["one", "two"]);
        assert!(lost.starts_with("accepted by our ledger, and never arrived: 1, such as "), "{lost}");
        let mut report = Report::default();
        report.compare_money(&sandbox);
        assert!(report.balances(), "nothing was given, and nothing is booked");
        let total = donations::Total { kind: None, currency: "EUR".to_owned(), number: 1, minor: 1_500 };
        report.money.totals.push(total);
        report.compare_money(&sandbox);
        assert_eq!(
            report.problems,
            ["gifts of €15.00 are booked, and the payment service has €0.00 of them"]
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
