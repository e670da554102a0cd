//! What is wrong with an instance and its surroundings: each finding in a sentence, with what to do next.
//!
//! The rule: it looks, and changes nothing. Whatever is outside is waited for no longer than [`PATIENCE`], and what hangs keeps
//! nothing else from being looked at.

mod database;
mod outside;

use std::{fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    db::Db,
    delivery::{
        deliverability::{self, Check, Lookout},
        smtp::Relay,
    },
    mail::dkim::zone_file_strings,
    payments::StripeSettings,
    private,
};

/// Nobody waits longer for a doctor; some mail servers make strangers wait for their greeting.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Not wrong, but good to know.
    Note,
    /// Somebody has to do something.
    Problem,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub grade: Grade,
    /// What was found and what to do next, in a sentence or two.
    pub words: String,
    /// What to publish, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<String>,
}

impl Finding {
    fn new(check: &str, grade: Grade, words: impl Into<String>) -> Self {
        Self { check: check.to_owned(), grade, words: words.into(), more: Vec::new() }
    }

    fn ok(check: &str, words: impl Into<String>) -> Self {
        Self::new(check, Grade::Ok, words)
    }

    /// What is good to know.
    pub fn note(check: &str, words: impl Into<String>) -> Self {
        Self::new(check, Grade::Note, words)
    }

    /// What somebody has to do something about.
    pub fn problem(check: &str, words: impl Into<String>) -> Self {
        Self::new(check, Grade::Problem, words)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Ok => "ok",
            Grade::Note => "note",
            Grade::Problem => "problem",
        };
        write!(f, "{grade:<8} {}: {}", self.check, self.words)?;
        self.more.iter().try_for_each(|line| write!(f, "\n             {line}"))
    }
}

/// The worst of what was found.
#[must_use]
pub fn worst(findings: &[Finding]) -> Grade {
    findings.iter().map(|finding| finding.grade).max().unwrap_or(Grade::Ok)
}

/// What is looked at beside the database, as the settings name it.
pub struct Doctor {
    /// Where readers reach this instance.
    pub base_url: Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Files and folders that are for our own user alone.
    pub ours: Arc<dyn Fn() -> Vec<PathBuf> + Send + Sync>,
    /// The mail services; none if the settings name none.
    pub relays: Vec<Relay>,
    /// Looks whether our mail is believed; none towards a sandbox.
    pub lookout: Option<Lookout>,
    /// The payment provider; none while donations are switched off.
    pub payments: Option<StripeSettings>,
}

impl fmt::Debug for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}

impl Doctor {
    /// What is in the database.
    pub async fn look_at(&self, db: &Db) -> Vec<Finding> {
        self.database(db).await
    }

    /// What is around it.
    pub async fn look_around(&self) -> Vec<Finding> {
        let mut findings = self.others();
        findings.extend(self.visitors());
        findings.extend(self.mail_services().await);
        findings.push(self.payment_provider().await);
        findings
    }

    /// What others on this machine may look into.
    fn others(&self) -> Vec<Finding> {
        let finding = |open: private::Open| {
            let path = open.path.display().to_string().replace('\'', "'\\''");
            Finding::problem(
                "files",
                format!(
                    "others on this machine can look into {open}, where readers' addresses are. Run: chmod {:o} '{path}'",
                    open.should_be
                ),
            )
        };
        private::open_to_others(&(self.ours)()).into_iter().map(finding).collect()
    }
}

impl From<deliverability::Finding> for Finding {
    fn from(finding: deliverability::Finding) -> Self {
        use deliverability::Grade as Theirs;

        let rest = finding.records.iter().filter(|record| !record.is_published);
        let publish =
            rest.map(|record| format!("publish {}. TXT {}", record.name, zone_file_strings(&record.value)));
        let next = Some(finding.next).filter(|next| !next.is_empty());
        let keys = (finding.check == Check::Dkim && finding.grade != Theirs::Ok)
            .then(|| "keys are made and switched on by: broadside dkim --help".to_owned());
        let grade = match finding.grade {
            Theirs::Ok => Grade::Ok,
            Theirs::Warning | Theirs::Unknown => Grade::Note,
            Theirs::Failure => Grade::Problem,
        };
        let more = next.into_iter().chain(publish).chain(keys).collect();
        Self { more, ..Self::new(finding.check.name(), grade, finding.found) }
    }
}
