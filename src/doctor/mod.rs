//! What is wrong with an instance and its surroundings: each finding in a sentence, with what to do next.
//!
//! The rule: it looks, and changes nothing; but a sign-in that it tries counts as one of ours, so that no account is locked. Whatever is outside is waited for no longer than [`PATIENCE`], and what hangs keeps
//! nothing else from being looked at.
//!
//! It may look into every room below the jobs and the web. Start reading at [`Doctor::look`].

mod database;
mod here;
mod machine;
mod mail;
mod outside;
mod record;
mod store;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use url::Url;

pub use self::{
    database::{clocks_of_workers, from_the_future, unheeded},
    here::{BroughtBy, Here, HereAnswer, KnownHere},
    record::{
        EVERY as LOOKS_EVERY, NightLook, keep as keep_look, last as last_looks, look_by_night, look_now,
    },
    store::STATEMENTS,
};
use crate::{
    bounces::ImapMailbox,
    clock::Clock,
    db::Sql,
    deliverability::{self, Check, Lookout},
    email_address::EmailAddress,
    mail::zone_file_strings,
    payments::{StripeSettings, setup::SetupWanted},
    relays,
    site::Site,
    smtp::Relay,
};

/// Looks that are long over.
pub(crate) const FORGET_LOOKS: Sql = store::FORGET;

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
    #[must_use]
    pub fn note(check: &str, words: impl Into<String>) -> Self {
        Self::new(check, Grade::Note, words)
    }

    /// What somebody has to do something about.
    #[must_use]
    pub fn problem(check: &str, words: impl Into<String>) -> Self {
        Self::new(check, Grade::Problem, words)
    }

    /// The words with a sign at their end, to go on with.
    #[must_use]
    pub fn ended(&self) -> String {
        let ends = self.words.ends_with(['.', '?', '!']);
        format!("{}{}", self.words, if ends { "" } else { "." })
    }

    /// The same, to stand alone.
    #[must_use]
    pub fn sentence(&self) -> String {
        let ended = self.ended();
        let mut letters = ended.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// What was looked at and found, for a letter.
    fn in_words(&self) -> String {
        let more: String = self.more.iter().map(|line| format!(" {line}")).collect();
        format!("{}: {}{more}", self.check, self.ended())
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

/// Somebody was waited for, for as long as [`PATIENCE`].
struct Waited;

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "does not answer in {} seconds", PATIENCE.as_secs())
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Waited> {
    timeout(PATIENCE, work).await.map_err(|_| Waited)
}

/// What is looked at beside the database, as the settings name it.
pub struct Doctor {
    /// Whether readers come here, rather than a developer.
    pub in_production: bool,
    /// Where readers reach this instance.
    pub base_url: Url,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where the instance keeps what is its own.
    pub data_dir: PathBuf,
    /// Files and folders that are for our own user alone.
    pub ours: Arc<dyn Fn() -> Vec<PathBuf> + Send + Sync>,
    /// The mail services; none if the settings name none.
    pub relays: Vec<Relay>,
    /// Looks whether our mail is believed; none towards a sandbox.
    pub lookout: Option<Lookout>,
    /// The DNS server of the settings; without it, the system's own.
    pub dns_resolver: Option<SocketAddr>,
    /// Where mail comes back to.
    pub bounce_address: Option<EmailAddress>,
    /// A maildir that it is delivered into.
    pub bounce_maildir: Option<PathBuf>,
    /// A mailbox that it comes to.
    pub bounce_mailbox: Option<ImapMailbox>,
    /// The payment provider; none while donations are switched off.
    pub payments: Option<StripeSettings>,
    /// How the provider is to know us.
    pub payments_wanted: SetupWanted,
}

impl fmt::Debug for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}

impl Doctor {
    /// Everything, from inside of a process that runs; what the desk says in places of its own is left to those.
    pub async fn look(&self, site: &Site) -> Vec<Finding> {
        let here = Here::of(site).await.ok();
        // Mail services lock accounts at a few wrong passwords: what is known to be refused is not tried by us, too.
        let mut refused = relays::troubles(&site.db).await.unwrap_or_default();
        refused.retain(|trouble| trouble.credentials.is_some());
        let mail = self.mail_services(Some(site), &refused);
        let around = self.look_around(here.as_ref(), &site.clock, mail);
        let (mut findings, around) = tokio::join!(self.look_into(&site.db, Some(site)), around);
        findings.extend(around);
        findings
    }

    /// What is around the database. `here` is this instance, as far as it is known; `clock` is the one that decides in it; `mail` is
    /// what is found of its mail services.
    pub async fn look_around(
        &self,
        here: Option<&Here>,
        clock: &Clock,
        mail: impl Future<Output = Vec<Finding>>,
    ) -> Vec<Finding> {
        let mut findings = self.machine().await;
        // What hangs keeps nothing else waiting.
        let (address, mail, returned, dns, payments) = tokio::join!(
            self.public_address(here),
            mail,
            self.returned_mail(),
            self.dns(),
            self.payment_provider(clock),
        );
        findings.extend(address);
        findings.extend(mail);
        findings.extend(returned);
        findings.extend(dns);
        findings.extend(payments);
        findings
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
