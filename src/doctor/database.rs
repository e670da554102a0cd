//! What the database says.

use std::path::Path;

use super::{Doctor, Finding, Grade, in_time, outside::CLOCKS_APART, store};
use crate::{
    bounces,
    clock::{Ahead, CLOCKS_DIFFER, Clock, Moment, Zone},
    db::{Db, Engine, Migrations},
    delivery::{self, ClockApart, Suppressions},
    dkim, donations,
    journal::Found,
    origin::{self, Doubt, Positions, Standing},
    private, publishing,
    settings::Settings,
    site::Site,
    withdrawals,
};

const CHECK: &str = "database";
const SUPPRESSION: &str = "SUPPRESSION_SECRET";
const SECRET: &str = "SECRET";
/// A machine without a name.
const NAMELESS: &str = "a machine without a name";

impl Doctor {
    /// What the database says. `site` is this instance, where its secrets are known. Changes nothing.
    pub async fn look_into(&self, db: &Db, site: Option<&Site>) -> Vec<Finding> {
        let (mut findings, is_current) = match schema(db, site).await {
            Ok(found) => found,
            Err(error) => return vec![Finding::problem(CHECK, error.to_string())],
        };
        if is_current {
            let now = site.map_or_else(|| Clock::System.now(), Site::now);
            findings.extend(from_the_future(db, now).await);
            if let Some(site) = site {
                findings.extend(clocks_of_others(site).await);
                findings.extend(secrets(site).await);
                findings.extend(withdrawals(site, &self.data_dir).await);
            }
            findings.extend(magazine(db).await);
            findings.extend(self.believed(db).await);
            findings.extend(self.address(db).await);
            findings.extend(self.mail_nobody_reads(db).await);
            findings.extend(held(db).await);
        }
        findings
    }

    /// Whether the database is at home under this address.
    async fn address(&self, db: &Db) -> Option<Finding> {
        let here = format!("{}/", self.base_url.as_str().trim_end_matches('/'));
        Some(match origin::look_as(db, &here).await {
            Ok(Standing::AtHome) => return self.not_started(db).await,
            Ok(Standing::Abroad(home)) => Finding::problem(
                "address",
                format!(
                    "this database belongs to {home}, so nothing is sent from {here}. If it moved: broadside settings confirm-address"
                ),
            ),
            Ok(Standing::Doubtful(Doubt::Elsewhere)) => Finding::problem(
                "place",
                "this database last ran on another machine or from another folder, so nothing is sent. If it moved: broadside settings confirm-address. If it is a restored backup: broadside restored",
            ),
            Ok(Standing::Doubtful(Doubt::Behind)) => Finding::problem(
                "place",
                "this database is older than what ran here last, so nothing is sent. Run broadside restored",
            ),
            Ok(Standing::Doubtful(Doubt::Forgetful)) => Finding::problem(
                "withdrawals",
                "this is a restored backup, and who left since it was made is not known, so nothing is sent. Put the journal of withdrawals where it was, or beside it, and start again; if it is lost for good: broadside withdrawals go-on",
            ),
            Err(error) => Finding::problem("address", error.to_string()),
        })
    }

    /// What was put here and not started yet: what the start will doubt.
    async fn not_started(&self, db: &Db) -> Option<Finding> {
        let positions = Positions::new(self.data_dir.join("position"));
        match origin::foresee(db, &positions).await {
            Ok(None) => None,
            Ok(Some(Doubt::Elsewhere)) => Some(Finding::problem(
                "place",
                "this database last ran on another machine or from another folder, and was not started here yet: once it is, nothing is sent until somebody says what it is. If the magazine moved: broadside settings confirm-address. If this is a backup: broadside restored, which holds every edition that would go out",
            )),
            Ok(Some(Doubt::Behind | Doubt::Forgetful)) => Some(Finding::problem(
                "place",
                "this database is older than what ran here last, and was not started yet. Run broadside restored, which holds every edition that would go out",
            )),
            Err(error) => Some(Finding::problem("place", error.to_string())),
        }
    }

    /// Where no settings say how the mail to BOUNCE_ADDRESS is read: whether a mail server hands it in (TRUST L3, M24). Towards a sandbox
    /// nothing comes back.
    async fn mail_nobody_reads(&self, db: &Db) -> Option<Finding> {
        const CHECK: &str = "returned mail";
        let address = self.bounce_address.as_ref().filter(|_| self.lookout.is_some())?;
        if self.bounce_maildir.is_some() || self.bounce_mailbox.is_some() {
            return None;
        }
        Some(match bounces::last_taken_in(db).await {
            Ok(Some(last)) => Finding::ok(
                CHECK,
                format!(
                    "your mail server hands in the mail to {address}, last on {}",
                    last.date_time(&Zone::UTC)
                ),
            ),
            Ok(None) => Finding::note(
                CHECK,
                format!(
                    "no mail to {address} was taken in yet, and no settings say how it is read. Bounces come there, and mail by which people leave a list: unread, they go on getting copies. Set BOUNCE_MAILDIR or BOUNCE_IMAP_URL, or let your mail server hand it in: broadside bounce ingest -"
                ),
            ),
            Err(error) => Finding::problem(CHECK, error.to_string()),
        })
    }

    /// Whether receivers have reason to believe our mail (TRUST M27). Nothing towards a sandbox, and before there is a sender.
    async fn believed(&self, db: &Db) -> Vec<Finding> {
        let Ok(settings) = Settings::load(db).await else { return Vec::new() };
        let (Some(domain), Some(lookout)) = (dkim::domain_of(settings.sender_email()), &self.lookout) else {
            return Vec::new();
        };
        match in_time(lookout.examine(db, &domain)).await {
            Ok(Ok(findings)) => {
                findings.into_iter().map(|one| proven(Finding::from(one), settings.send_unproven)).collect()
            }
            Ok(Err(error)) => vec![Finding::problem("DKIM", error.to_string())],
            Err(why) => vec![Finding::note("DNS", format!("the DNS server {why}"))],
        }
    }
}

/// Whether the journal beside the database is whole, and can be written; nothing before the first start made it.
async fn withdrawals(site: &Site, data_dir: &Path) -> Option<Finding> {
    const CHECK: &str = "withdrawals";
    let path = site.journal.path()?;
    let file = path.display();
    if path.parent() == Some(data_dir) && !data_dir.exists() {
        return None;
    }
    if let Some(why) = site.journal.failing().or_else(|| private::why_not_ours(path)) {
        let words = format!(
            "who leaves cannot be written to {file}: {why}. They are not mailed any more, but a restored backup would not know. Mend that, and make a backup now"
        );
        return Some(Finding::problem(CHECK, words));
    }
    let found = site.journal.read().await;
    if matches!(found, Ok(Found::Missing | Found::Ours(_))) {
        match withdrawals::missing(site).await {
            Ok(None) => {}
            Ok(Some(until)) => {
                let words = format!(
                    "{file} is not the journal that this database knew until {until}: that one is gone, or lines are missing at its end, and a backup from before would not know who left until then. Put it back, or beside this one, and start again; if it is lost for good, make a backup now. This is said for a week"
                );
                return Some(Finding::problem(CHECK, words));
            }
            Err(error) => return Some(Finding::problem(CHECK, error.to_string())),
        }
    }
    Some(match found {
        Ok(Found::Missing) => return None,
        Ok(Found::Ours(read)) => match read.breaks.first() {
            None => Finding::ok(CHECK, format!("{} written down since {}", read.entries.len(), read.since)),
            Some(one) => {
                let words = format!(
                    "lines of {file} were changed or are missing behind entry {} of {}: a backup from before would not know who left then. Look at it with broadside withdrawals verify, and make a backup now",
                    one.after, one.since
                );
                Finding::note(CHECK, words)
            }
        },
        Ok(Found::Foreign) => Finding::problem(
            CHECK,
            format!(
                "{file} is no journal of this magazine: the next start sets it aside and begins a new one"
            ),
        ),
        Err(error) => Finding::problem(CHECK, format!("{file} cannot be read: {error}")),
    })
}

/// Where an owner said that the proof comes from elsewhere, what is missing here is good to know.
fn proven(mut finding: Finding, is_elsewhere: bool) -> Finding {
    if is_elsewhere && finding.grade == Grade::Problem {
        finding.grade = Grade::Note;
    }
    finding
}

/// How the schema stands, what we may do with it and what time it is there; and whether the schema is this program's.
async fn schema(db: &Db, site: Option<&Site>) -> crate::db::Result<(Vec<Finding>, bool)> {
    let engine = if db.engine() == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
    let applied = Migrations::applied(db).await?;
    let known = Migrations::names().0.len();
    let about = db.about().await?;
    let found = format!("{engine} {}, schema {applied}", about.version);
    let finding = if applied > known {
        let words = format!(
            "{found}, made by a newer program; this one knows {known}. Start that one, or restore a backup"
        );
        Finding::problem(CHECK, words)
    } else if let Some(why) = about.forbidden {
        Finding::problem(CHECK, format!("{found}, but {why}"))
    } else if applied < known {
        Finding::note(CHECK, format!("{found}; {} more are applied by migrate or serve", known - applied))
    } else {
        Finding::ok(CHECK, found)
    };
    let clock = match site {
        Some(site) => site.clock.clone(),
        None => db.clock().await?,
    };
    let clock = clock.own_is_ahead().map(|ahead| {
        if ahead.is_apart() {
            clock_of(&name_of_clock(&delivery::host_name()), "this machine's clock", ahead)
        } else {
            Finding::ok("clock", "this machine's clock and the database server's agree")
        }
    });
    Ok((std::iter::once(finding).chain(clock).collect(), applied == known))
}

/// What is told of a clock that differs from the database's by so much.
fn clock_of(check: &str, whose: &str, ahead: Ahead) -> Finding {
    let grade = if ahead.seconds().abs() < CLOCKS_APART as f64 { Grade::Note } else { Grade::Problem };
    Finding::new(check, grade, ahead.of_the_database(whose))
}

/// What its clock is called, whoever looks at it: owners are told once of one wrong machine.
fn name_of_clock(host: &str) -> String {
    format!("clock of {}", if host.is_empty() { NAMELESS } else { host })
}

/// The clocks of machines that differ from the database's, as their workers say; this one's among them.
pub async fn clocks_of_workers(site: &Site) -> Vec<Finding> {
    clocks_but(site, None).await
}

/// Those of other machines, if this one's is told of already.
async fn clocks_of_others(site: &Site) -> Vec<Finding> {
    let is_told = site.clock.own_is_ahead().is_some_and(Ahead::is_apart);
    clocks_but(site, is_told.then(delivery::host_name)).await
}

async fn clocks_but(site: &Site, known: Option<String>) -> Vec<Finding> {
    match delivery::clocks_apart(site).await {
        Ok(all) => all
            .into_iter()
            .filter(|one| known.as_ref() != Some(&one.host))
            .map(|ClockApart { host, ahead }| {
                let check = name_of_clock(&host);
                clock_of(&check, &format!("the {check}"), ahead)
            })
            .collect(),
        Err(error) => vec![Finding::problem("clock", error.to_string())],
    }
}

/// What was written by a clock that was ahead lies in wait until then.
pub async fn from_the_future(db: &Db, now: Moment) -> Option<Finding> {
    const CHECK: &str = "rows from the future";
    match store::ahead(db, now.plus(CLOCKS_DIFFER)).await {
        Ok(None) => None,
        Ok(Some(at)) => Some(Finding::note(
            CHECK,
            format!(
                "the database holds rows of {}, which is yet to come: some machine's clock was ahead when it wrote them, or ours is behind. Set every machine's clock by the net: timedatectl set-ntp true",
                at.date_time(&Zone::UTC)
            ),
        )),
        Err(error) => Some(Finding::problem(CHECK, error.to_string())),
    }
}

/// Whether the secrets of the settings are those that the database was written with.
async fn secrets(site: &Site) -> [Finding; 2] {
    let suppression = match Suppressions::new(site).unknown_by_this_secret().await {
        Ok(0) => Finding::ok(SUPPRESSION, "it is the one that the database was written with"),
        Ok(lost) => Finding::problem(
            SUPPRESSION,
            format!(
                "it is not the one that this database was written with: none of the {lost} addresses that must not be mailed would be known, and nothing starts. Set the right one: it is kept with the backups (without the setting it is the file suppression-secret in DATA_DIR)"
            ),
        ),
        Err(error) => Finding::problem(SUPPRESSION, error.to_string()),
    };
    let secret = match (origin::knows_secret(site).await, dkim::check(site).await) {
        (Ok(true), Ok(())) => Finding::ok(SECRET, "it opens every key that signs mail"),
        (Ok(false), _) => Finding::problem(SECRET, origin::ANOTHER_SECRET),
        (Ok(true), Err(error)) => Finding::problem(SECRET, error.to_string()),
        (Err(error), _) => Finding::problem(SECRET, error.to_string()),
    };
    [suppression, secret]
}

/// Editions that wait for somebody's word.
async fn held(db: &Db) -> Option<Finding> {
    const CHECK: &str = "editions";
    match publishing::held(db).await {
        Ok(held) => {
            let names: Vec<String> = held.iter().map(|one| format!("“{}”", one.subject)).collect();
            let words =
                format!("held back or paused until somebody decides at the desk: {}", names.join(", "));
            (!held.is_empty()).then(|| Finding::note(CHECK, words))
        }
        Err(error) => Some(Finding::problem(CHECK, error.to_string())),
    }
}

/// What the law wants said under every edition.
async fn magazine(db: &Db) -> Option<Finding> {
    match Settings::load(db).await {
        Ok(settings) => {
            let missing = settings.can_send();
            let words = format!("before the first edition, the desk settings need {}", missing.join(", "));
            (!missing.is_empty()).then_some(Finding::note("magazine", words))
        }
        Err(error) => {
            Some(Finding::problem("magazine", format!("the desk settings cannot be read: {error}")))
        }
    }
}

/// What was asked for and is not done; the desk says it where it can be done.
pub async fn unheeded(db: &Db, now: Moment) -> Vec<Finding> {
    let is_current =
        Migrations::applied(db).await.is_ok_and(|applied| applied == Migrations::names().0.len());
    if !is_current {
        return Vec::new();
    }
    let (needs, letters) = match tokio::join!(
        donations::attention(db, now),
        delivery::failed_letters(db, now.minus(donations::LATELY), i64::MAX)
    ) {
        (Ok(needs), Ok(letters)) => (needs, letters.len()),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::problem("donations", error.to_string())];
        }
    };
    let pressing = !needs.unended.is_empty() || !needs.events.is_empty();
    let finding = if pressing { Finding::problem } else { Finding::note };
    let mut findings = Vec::new();
    if let [first, rest @ ..] = needs.sentences().as_slice() {
        let all = rest.iter().fold(first.clone(), |all, one| format!("{all}; {one}"));
        findings.push(finding("donations", format!("{all}. The desk says what to do")));
    }
    if letters > 0 {
        let words = format!("{letters} could not be delivered in the last two weeks");
        findings.push(Finding::note("automatic emails", words));
    }
    findings
}
