//! Whether receivers have reason to believe that our mail is ours: SPF, DKIM, DMARC, the server's name, TLS (TRUST M27).
//!
//! Each check says what it found and what to do next, with the record to publish. What the DNS could not tell is
//! [`Grade::Unknown`], never a failure.
//!
//! It may call the keys (`dkim`), `bounces` and the DNS; the doctor, the jobs and the web ask it. Start reading at [`Lookout`].

mod providers;
mod received;
mod spf;
mod store;

use std::{net::IpAddr, time::Duration};

pub use providers::{Provider, Share, providers};
pub use received::received;
use serde::{Deserialize, Serialize};
pub(crate) use store::FORGET_OTHERS;
pub use store::STATEMENTS;

use crate::{
    clock::Moment,
    db::Db,
    dkim::{self, DkimKey, KeyState},
    dns::{Dns, NoAnswer},
    network::is_private,
    site::Site,
    smtp_url::{SmtpUrl, Tls},
};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Which servers may send for the domain.
    Spf,
    /// Whether mail is signed, and the key is published.
    Dkim,
    /// What receivers do with mail that proves neither.
    Dmarc,
    /// Whether the mail server's address has a name, and the name that address.
    Ptr,
    /// Whether mail leaves this machine encrypted.
    Tls,
}

impl Check {
    /// As the world calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::Ptr => "PTR",
            Self::Tls => "TLS",
        }
    }

    /// Whether large receivers refuse bulk mail without it (Google's and Yahoo's rules of February 2024).
    const fn is_wanted_for_bulk(self) -> bool {
        matches!(self, Self::Spf | Self::Dkim | Self::Dmarc)
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Not wrong, but better could be done, or we cannot see all of it.
    Warning,
    /// Receivers will hold it against us.
    Failure,
    /// The DNS gave no answer.
    Unknown,
}

/// A DNS record to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The whole name, without a dot at its end.
    pub name: String,
    /// Its text.
    pub value: String,
    /// Whether it was there when we looked.
    pub is_published: bool,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub check: Check,
    /// How it came out.
    pub grade: Grade,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do; empty if nothing.
    pub next: String,
    /// What to publish, or what is published.
    pub records: Vec<Record>,
}

impl Finding {
    fn new(check: Check, grade: Grade, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, grade, found: found.into(), next: next.into(), records: Vec::new() }
    }

    fn with(mut self, name: String, value: String, is_published: bool) -> Self {
        self.records.push(Record { name, value, is_published });
        self
    }

    fn unknown(check: Check, error: &NoAnswer) -> Self {
        Self::new(check, Grade::Unknown, error.to_string(), "Look again in a few minutes.")
    }
}

/// The last look at a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverabilityReport {
    /// The domain of the From address.
    pub domain: String,
    /// One finding a check, in the order of [`Check`].
    pub findings: Vec<Finding>,
    /// When it was looked at.
    pub at: Moment,
}

/// What looks: the DNS, and where our mail goes out.
#[derive(Clone, Debug)]
pub struct Lookout {
    /// The resolver.
    pub dns: Dns,
    /// The mail services. What any of them lacks counts.
    pub relays: Vec<SmtpUrl>,
    /// The domain that undeliverable mail comes back to, which SPF is about; without it, that of the From address.
    pub return_domain: Option<String>,
}

/// One mail service, looked at.
struct Look<'a> {
    dns: &'a Dns,
    relay: &'a SmtpUrl,
}

/// Well-known mail services: the end of their servers' names, and the record that lets them send.
const SERVICES: [(&str, &str); 12] = [
    ("amazonaws.com", "amazonses.com"),
    ("postmarkapp.com", "spf.mtasv.net"),
    ("mailgun.org", "mailgun.org"),
    ("sendgrid.net", "sendgrid.net"),
    ("mailjet.com", "spf.mailjet.com"),
    ("brevo.com", "spf.brevo.com"),
    ("sendinblue.com", "spf.brevo.com"),
    ("gmail.com", "_spf.google.com"),
    ("google.com", "_spf.google.com"),
    ("office365.com", "spf.protection.outlook.com"),
    ("fastmail.com", "spf.messagingengine.com"),
    ("sparkpostmail.com", "sparkpostmail.com"),
];

impl Lookout {
    /// Looks at everything that belongs to a From address, and keeps what was found. None if it is no address.
    ///
    /// # Errors
    /// When the keys cannot be read or the findings not be stored.
    pub async fn look(&self, site: &Site, from: &str) -> dkim::Result<Option<DeliverabilityReport>> {
        let Some(domain) = dkim::domain_of(from) else { return Ok(None) };
        let findings = self.examine(&site.db, &domain).await?;
        let report = DeliverabilityReport { domain, findings, at: site.now() };
        keep(site, &report).await?;
        Ok(Some(report))
    }

    /// Whether a domain takes mail, as far as the DNS tells within two seconds: by a mail server, or an address of its own (RFC 5321
    /// section 5.1). One that says it takes none (RFC 7505) does not.
    pub async fn takes_mail(&self, domain: &str) -> bool {
        let look = async {
            let servers = self.dns.mx(domain).await?;
            if servers.is_empty() {
                return Ok(!self.dns.addresses(domain).await?.is_empty());
            }
            Ok::<bool, NoAnswer>(servers.iter().any(|(_, host)| !host.is_empty()))
        };
        matches!(tokio::time::timeout(Duration::from_secs(2), look).await, Err(_) | Ok(Err(_) | Ok(true)))
    }

    /// Looks at everything that belongs to a domain, and keeps nothing.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn examine(&self, db: &Db, domain: &str) -> dkim::Result<Vec<Finding>> {
        let mut keys = dkim::all(db).await?;
        keys.retain(|key| key.domain == domain);
        self.dns.forget();
        let returned = self.return_domain.as_deref().unwrap_or(domain);
        let (mut spf, mut ptr, mut tls) = (Vec::new(), Vec::new(), Vec::new());
        for relay in &self.relays {
            let look = Look { dns: &self.dns, relay };
            let (one, other) = tokio::join!(look.spf(returned), look.ptr());
            spf.push(one.unwrap_or_else(|error| Finding::unknown(Check::Spf, &error)));
            ptr.push(other.unwrap_or_else(|error| Finding::unknown(Check::Ptr, &error)));
            tls.push(look.tls());
        }
        spf.extend(strange_return(domain, returned));
        let (dkim, dmarc) = tokio::join!(self.dkim(&keys), self.dmarc(domain));
        let all = [
            worst(spf),
            Some(dkim.unwrap_or_else(|error| Finding::unknown(Check::Dkim, &error))),
            Some(dmarc.unwrap_or_else(|error| Finding::unknown(Check::Dmarc, &error))),
            worst(ptr),
            worst(tls),
        ];
        Ok(all.into_iter().flatten().collect())
    }

    async fn dkim(&self, keys: &[DkimKey]) -> Result<Finding, NoAnswer> {
        let finding = |grade, found: String, next: &str| Finding::new(Check::Dkim, grade, found, next);
        let in_use: Vec<&DkimKey> = keys.iter().filter(|key| key.state() != KeyState::Retired).collect();
        if in_use.is_empty() {
            return Ok(finding(
                Grade::Failure,
                "Nothing here signs your mail.".to_owned(),
                "Make a key and publish its record. If your mail service signs for your domain you need none: `broadside doctor --message` tells from a test copy whether it does; then allow large editions.",
            ));
        }
        let (mut records, mut missing, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for key in &in_use {
            let is_published = is_published(&self.dns, key).await?;
            records.push(Record { name: key.dns_name(), value: key.record.clone(), is_published });
            match key.state() {
                KeyState::Signing if !is_published => missing.push(key.selector.as_str()),
                KeyState::Waiting => waiting.push((key.selector.as_str(), is_published)),
                _ => {}
            }
        }
        let signs = in_use.iter().any(|key| key.state() == KeyState::Signing);
        let mut found = if let Some(first) = missing.first() {
            finding(
                Grade::Failure,
                format!(
                    "Mail is signed with the key {first}, but its record cannot be seen, so the signature proves nothing."
                ),
                "Publish the record again, as it stands here.",
            )
        } else if let Some((selector, is_published)) = waiting.first() {
            let grade = if signs { Grade::Warning } else { Grade::Failure };
            let (found, next) = if *is_published {
                (
                    format!("The record of the key {selector} is published, and the key waits to be used."),
                    "Let the key sign.".to_owned(),
                )
            } else {
                (
                    format!("The key {selector} waits for its record."),
                    "Publish the record, then let the key sign.".to_owned(),
                )
            };
            Finding::new(Check::Dkim, grade, found, next)
        } else {
            finding(Grade::Ok, "Every mail is signed, and the key is published.".to_owned(), "")
        };
        found.records = records;
        Ok(found)
    }

    async fn dmarc(&self, domain: &str) -> Result<Finding, NoAnswer> {
        let finding = |grade, found: String, next: &str| Finding::new(Check::Dmarc, grade, found, next);
        let name = format!("_dmarc.{domain}");
        // A domain without a record of its own has its parent's (RFC 7489 section 6.6.3).
        let mut at = domain;
        loop {
            let place = format!("_dmarc.{at}");
            let mut texts = self.dns.txt(&place).await?;
            texts.retain(|text| text.trim_start().starts_with("v=DMARC1"));
            if texts.len() > 1 {
                return Ok(finding(
                    Grade::Failure,
                    format!("{place} holds {} records, so receivers use none of them.", texts.len()),
                    "Leave one record alone there.",
                ));
            }
            if let Some(record) = texts.pop() {
                let policy = tag(&record, "p").unwrap_or_default();
                let good = ["none", "quarantine", "reject"].contains(&policy.as_str());
                let answer = match (good, policy.as_str()) {
                    (false, _) => finding(
                        Grade::Failure,
                        format!("The record at {place} has no p= that receivers know."),
                        "Change it to this.",
                    )
                    .with(place, "v=DMARC1; p=none".to_owned(), false),
                    (true, "none") => finding(
                        Grade::Ok,
                        format!("{domain} has a DMARC record. It only watches (p=none)."),
                        "Once everything here has been good for some weeks, p=quarantine keeps others from writing in your name.",
                    )
                    .with(place, record, true),
                    (true, _) => finding(
                        Grade::Ok,
                        format!("{domain} has a DMARC record: mail that proves nothing is kept out (p={policy})."),
                        "",
                    )
                    .with(place, record, true),
                };
                return Ok(answer);
            }
            match at.split_once('.') {
                Some((_, parent)) if parent.contains('.') => at = parent,
                _ => break,
            }
        }
        Ok(finding(
            Grade::Failure,
            format!(
                "{domain} does not say what receivers should do with mail that only claims to come from it."
            ),
            "Publish this record. It changes nothing for your mail yet; large receivers want it to be there.",
        )
        .with(name, "v=DMARC1; p=none".to_owned(), false))
    }
}

impl Look<'_> {
    fn service(&self) -> Option<&'static str> {
        let host = self.relay.host.to_ascii_lowercase();
        let known = |end: &str| host == end || host.ends_with(&format!(".{end}"));
        SERVICES.iter().find(|(end, _)| known(end)).map(|(_, include)| *include)
    }

    /// A mail server on this machine or in its network sends from an address that we cannot see.
    fn relay_is_near(&self, addresses: &[IpAddr]) -> bool {
        self.relay.host == "localhost" || addresses.iter().any(|address| is_private(*address))
    }

    async fn spf(&self, domain: &str) -> Result<Finding, NoAnswer> {
        let service = self.service();
        let addresses = if service.is_some() { Vec::new() } else { self.relay_addresses().await? };
        let mechanism = match service {
            Some(include) => format!("include:{include}"),
            None if self.relay_is_near(&addresses) => "mx".to_owned(),
            None => format!("a:{}", self.relay.host),
        };
        let sender = service.map_or(spf::SentFrom::Addresses(&addresses), spf::SentFrom::Includes);
        let host = &self.relay.host;
        let finding = |grade, found: String, next: &str| Finding::new(Check::Spf, grade, found, next);
        Ok(match spf::read(self.dns, domain, sender).await? {
            spf::Spf::Missing => finding(
                Grade::Failure,
                format!("{domain} does not say which servers may send its mail."),
                "Publish this record. If other services send for the domain too, each needs its own part before ~all.",
            )
            .with(domain.to_owned(), format!("v=spf1 {mechanism} ~all"), false),
            spf::Spf::Broken(why) => finding(
                Grade::Failure,
                format!("Receivers cannot use the SPF record of {domain}: {why}."),
                "Correct the record; there may be one alone.",
            ),
            spf::Spf::Passes(record) => {
                finding(Grade::Ok, format!("{host} may send for {domain}."), "").with(domain.to_owned(), record, true)
            }
            spf::Spf::DoesNotPass(record) if service.is_some() => finding(
                Grade::Failure,
                format!("The SPF record of {domain} does not let {host} send."),
                "Change the record to this.",
            )
            .with(domain.to_owned(), with_mechanism(&record, &mechanism), false),
            spf::Spf::DoesNotPass(record) => finding(
                Grade::Warning,
                format!("{domain} has an SPF record, but {host} is not in it. Its mail may leave from other addresses, which we cannot see."),
                "Ask your mail service what it wants to stand in the record.",
            )
            .with(domain.to_owned(), record, true),
        })
    }

    async fn ptr(&self) -> Result<Finding, NoAnswer> {
        let finding = |grade, found: String, next: &str| Finding::new(Check::Ptr, grade, found, next);
        let host = &self.relay.host;
        if self.service().is_some() {
            return Ok(finding(
                Grade::Ok,
                format!("{host} is a mail service, which names its own servers."),
                "",
            ));
        }
        let addresses = self.relay_addresses().await?;
        if self.relay_is_near(&addresses) {
            return Ok(finding(
                Grade::Warning,
                format!(
                    "{host} is in your own network, so the address that its mail leaves from cannot be seen from here."
                ),
                "Make sure that this address has a name (PTR), and that the name leads back to it.",
            ));
        }
        if addresses.is_empty() {
            return Ok(finding(Grade::Failure, format!("{host} has no address."), "Check SMTP_URL."));
        }
        for address in &addresses {
            let mut is_confirmed = false;
            for name in self.dns.names(*address).await? {
                is_confirmed |= self.dns.addresses(&name).await?.contains(address);
            }
            if !is_confirmed {
                return Ok(finding(
                    Grade::Warning,
                    format!("{address}, an address of {host}, has no name that leads back to it."),
                    "If mail leaves from this address, ask whoever runs it to set its PTR record.",
                ));
            }
        }
        Ok(finding(Grade::Ok, format!("{host} has a name that leads back to its address."), ""))
    }

    fn tls(&self) -> Finding {
        let host = &self.relay.host;
        let finding = |grade, found: String, next: &str| Finding::new(Check::Tls, grade, found, next);
        match self.relay.tls {
            Tls::Required | Tls::Implicit => {
                finding(Grade::Ok, format!("Mail goes to {host} encrypted, or not at all."), "")
            }
            _ if host == "localhost" || host.parse().is_ok_and(is_private) => {
                finding(Grade::Ok, format!("{host} is in your own network."), "")
            }
            Tls::Opportunistic => finding(
                Grade::Warning,
                format!("Mail goes to {host} encrypted only if the server offers it."),
                "Write tls=required in SMTP_URL.",
            ),
            Tls::None => finding(
                Grade::Failure,
                format!("Mail goes to {host} for everybody on the way to read."),
                "Write tls=required in SMTP_URL.",
            ),
        }
    }

    async fn relay_addresses(&self) -> Result<Vec<IpAddr>, NoAnswer> {
        if self.relay.host == "localhost" {
            return Ok(vec![IpAddr::from([127, 0, 0, 1])]);
        }
        self.dns.addresses(&self.relay.host).await
    }
}

/// What counts of several mail services: the first of the worst findings.
fn worst(findings: Vec<Finding>) -> Option<Finding> {
    let severity = |finding: &Finding| match finding.grade {
        Grade::Ok => 0,
        Grade::Warning => 1,
        Grade::Unknown => 2,
        Grade::Failure => 3,
    };
    findings.into_iter().rev().max_by_key(severity)
}

/// SPF speaks for the domain that mail comes back to. If that is another than the reader sees, it proves nothing to DMARC
/// (RFC 7489 section 3.1.2).
fn strange_return(domain: &str, returned: &str) -> Option<Finding> {
    let is_below = |one: &str, other: &str| one == other || one.ends_with(&format!(".{other}"));
    if is_below(domain, returned) || is_below(returned, domain) {
        return None;
    }
    Some(Finding::new(
        Check::Spf,
        Grade::Warning,
        format!(
            "Undeliverable mail comes back to {returned}, so SPF speaks for that domain and not for {domain}."
        ),
        format!("Choose a BOUNCE_ADDRESS at {domain}, or rely on DKIM alone."),
    ))
}

/// Whether a key's record can be seen as it was made.
///
/// # Errors
/// [`NoAnswer`].
pub async fn is_published(dns: &Dns, key: &DkimKey) -> Result<bool, NoAnswer> {
    let wanted = public_half(&key.record);
    let texts = dns.txt(&key.dns_name()).await?;
    Ok(texts.iter().any(|text| wanted.is_some() && public_half(text) == wanted))
}

/// The value of a tag in a record such as `v=DMARC1; p=none`.
fn tag(record: &str, name: &str) -> Option<String> {
    record.split(';').find_map(|tag| {
        let (known, value) = tag.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then(|| value.split_whitespace().collect())
    })
}

/// The public key in a DKIM record; none if it was withdrawn (an empty `p=`).
fn public_half(record: &str) -> Option<String> {
    tag(record, "p").filter(|key| !key.is_empty())
}

/// The record with one more part, before its `all`.
fn with_mechanism(record: &str, mechanism: &str) -> String {
    let mut terms: Vec<&str> = record.split_whitespace().collect();
    let is_last =
        |term: &&str| term.trim_start_matches(['+', '-', '~', '?']) == "all" || term.starts_with("redirect=");
    let at = terms.iter().position(is_last).unwrap_or(terms.len());
    terms.insert(at, mechanism);
    terms.join(" ")
}

async fn keep(site: &Site, report: &DeliverabilityReport) -> crate::db::Result<()> {
    let findings =
        serde_json::to_string(&report.findings).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let mut tx = site.db.begin().await?;
    store::keep(&mut tx, &report.domain, &findings, report.at).await?;
    tx.commit().await
}

/// What the last look at the domain of a From address found; none before the first.
pub async fn last(db: &Db, from: &str) -> crate::db::Result<Option<DeliverabilityReport>> {
    let Some(domain) = dkim::domain_of(from) else { return Ok(None) };
    let Some((findings, at)) = store::last(db, &domain).await? else { return Ok(None) };
    // Findings in the words of another version are as good as none.
    let Ok(findings) = serde_json::from_str(&findings) else { return Ok(None) };
    Ok(Some(DeliverabilityReport { domain, findings, at }))
}

/// A domain that sends more than this in a day is a bulk sender (TRUST M27).
pub const BULK: i64 = 1_000;

/// What large receivers want and is missing, if so many copies more make the day's mail bulk mail. Nothing where the DNS was
/// never asked, as in the sandbox, or gave no answer.
pub async fn in_the_way(site: &Site, from: &str, copies: i64) -> crate::db::Result<Vec<Check>> {
    let now = site.now();
    let since = now.minus(Duration::from_secs(24 * 60 * 60));
    if copies + store::sealed_between(&site.db, since, now).await? <= BULK {
        return Ok(Vec::new());
    }
    Ok(last(&site.db, from).await?.map(|report| report.missing_for_bulk()).unwrap_or_default())
}

/// Forgets what was found: towards a sandbox it means nothing, and must hold nothing back.
pub async fn forget(db: &Db) -> crate::db::Result<()> {
    let mut tx = db.begin().await?;
    store::forget(&mut tx).await?;
    tx.commit().await
}

impl DeliverabilityReport {
    /// What large receivers want of bulk mail and was missing when we looked (TRUST M27).
    #[must_use]
    pub fn missing_for_bulk(&self) -> Vec<Check> {
        let failed = self.findings.iter().filter(|finding| finding.grade == Grade::Failure);
        failed.map(|finding| finding.check).filter(|check| check.is_wanted_for_bulk()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_added_before_the_end_of_a_record() {
        assert_eq!(
            with_mechanism("v=spf1 mx -all", "include:amazonses.com"),
            "v=spf1 mx include:amazonses.com -all"
        );
        assert_eq!(with_mechanism("v=spf1 redirect=x.org", "mx"), "v=spf1 mx redirect=x.org");
    }

    #[test]
    fn tags_are_read_with_space_around_them() {
        assert_eq!(tag("v=DMARC1 ; P = none ; rua=mailto:a@b", "p").as_deref(), Some("none"));
        assert_eq!(public_half("v=DKIM1; k=rsa; p=AB CD"), public_half("p=ABCD"));
        assert_eq!(public_half("v=DKIM1; p="), None);
    }
}
