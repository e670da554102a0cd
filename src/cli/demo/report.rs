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
#[derive(Debug, Default)]
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
            money: donations::audit_money(&site.db).await?,
            ..Self::default()
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{
        clock::Clock,
        delivery::smtp::{Connection, Envelope, Relay, Timeouts},
        sandbox::SandboxConfig,
        token,
    };

    /// The report can fail: a message that the mailbox forgot is missed.
    #[tokio::test]
    async fn a_message_too_few_does_not_balance() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp").join(token::public_id());
        let sandbox = Sandbox::start(SandboxConfig::new(&folder, Clock::System)).await.unwrap();
        let relay = Relay {
            url: format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse().unwrap(),
            hello: "test.example.org".to_owned(),
            timeouts: Timeouts::scaled(0.05),
            messages_per_connection: 10,
        };
        let mut connection = Connection::open(&relay).await.unwrap();
        for id in ["one", "two"] {
            let message = format!("Message-ID: <{id}@example.org>\r\n\r\nHello\r\n").into_bytes();
            let (from, to) = ("paper@example.org", "ann@example.org");
            connection.begin(&Envelope { from, to, size: message.len() }).await.unwrap();
            connection.finish(message, None).await.unwrap();
        }
        let problems = || {
            let mut report = Report::default();
            report.compare_mail(&sandbox, 2);
            (report.balances(), report.to_string())
        };
        assert!(problems().0, "{}", problems().1);
        sandbox.mailbox().forget_one();
        let (balances, said) = problems();
        assert!(
            !balances && said.contains("the mailbox has 1 different messages, the ledger 2 accepted"),
            "{said}"
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
