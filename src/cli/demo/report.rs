//! The report: what happened by our own books, and whether the outside world saw the same.

use std::{collections::HashMap, fmt};

use anyhow::Context as _;

use super::super::running::Running;
use crate::{
    articles,
    delivery::{
        editions::{self, Audit},
        notices,
    },
    donations::{self, MoneyAudit},
    sandbox::{Rhythm, Sandbox},
    subscribers,
};

/// What the demo did.
#[derive(Debug)]
pub(super) struct Report {
    articles: usize,
    readers: i64,
    editions: Vec<(i64, Audit)>,
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
            editions: Vec::new(),
            money: donations::audit_money(&site.db).await?,
            problems: Vec::new(),
        };
        let mut accepted = 0;
        for id in editions::ever_sealed(&site.db).await? {
            let audit = editions::audit(&site.db, id).await?;
            if !audit.holds() {
                report
                    .problems
                    .push(format!("edition {id}: {}, but the tallies say {}", audit.rows, audit.tallies));
            }
            accepted += audit.rows.accepted;
            report.editions.push((id, audit));
        }
        let notices = notices::counts(&site.db).await?;
        let sent: i64 = notices.iter().filter(|(state, _)| state == "accepted").map(|(_, count)| count).sum();
        report.compare_mail(sandbox, accepted + sent);
        report.compare_money(sandbox);
        report.problems.extend(report.money.problems.iter().cloned());
        Ok(report)
    }

    /// The mailbox counts by Message-ID: each message once, and as many as the ledger says were accepted.
    fn compare_mail(&mut self, sandbox: &Sandbox, accepted: i64) {
        let counts = sandbox.mailbox().by_message_id();
        let twice = counts.values().filter(|count| **count > 1).count();
        if twice > 0 {
            self.problems.push(format!("{twice} messages arrived more than once"));
        }
        if i64::try_from(counts.len()) != Ok(accepted) {
            let words = format!(
                "the mailbox has {} different messages, the ledger {accepted} accepted",
                counts.len()
            );
            self.problems.push(words);
        }
    }

    /// The provider's charges against the paid donations, by currency and kind.
    fn compare_money(&mut self, sandbox: &Sandbox) {
        let mut charged: HashMap<(String, &str), (i64, i64)> = HashMap::new();
        for charge in sandbox.stripe().charges() {
            let kind = if charge.rhythm == Rhythm::Once { "once" } else { "instalment" };
            let sum = charged.entry((charge.currency.to_uppercase(), kind)).or_default();
            *sum = (sum.0 + 1, sum.1 + charge.amount);
        }
        for total in &self.money.totals {
            let key =
                (total.currency.to_uppercase(), if total.kind == "once" { "once" } else { "instalment" });
            let theirs = charged.remove(&key).unwrap_or_default();
            if theirs != (total.number, total.minor) {
                self.problems.push(format!(
                    "{} gifts of {} ({}) are booked, the provider charged {} of {} in minor units",
                    total.number,
                    total.amount(),
                    total.kind,
                    theirs.0,
                    theirs.1
                ));
            }
        }
        for ((currency, kind), (number, minor)) in charged {
            self.problems.push(format!(
                "the provider charged {number} gifts ({kind}) of {minor} {currency} that are not booked"
            ));
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
        for (id, Audit { rows, .. }) in &self.editions {
            writeln!(f, "  edition {id}: sealed     {}", rows.sealed)?;
            writeln!(f, "    accepted            {}", rows.accepted)?;
            writeln!(f, "    failed              {}", rows.failed)?;
            writeln!(f, "    suppressed          {}", rows.suppressed)?;
            writeln!(f, "    unknown             {}", rows.unknown)?;
            writeln!(f, "    still open          {}", rows.open)?;
        }
        for total in &self.money.totals {
            let kind = if total.kind == "once" { "given once" } else { "given monthly" };
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
