//! `broadside doctor`: the settings with secrets hidden, and whether everything outside can be reached. Changes nothing.

use std::{fmt, path::PathBuf, process::ExitCode, time::Duration};

use tokio::time::timeout;

use super::{bounce, instance, running};
use crate::{
    clock::Clock,
    config::Config,
    db::{Db, Engine, Migrations},
    delivery::{
        deliverability::{self, Check, Grade},
        dkim, notices,
        origin::{self, Doubt, Standing},
        smtp::{Connection, Failure, Relay, Timeouts, Wire},
    },
    donations::attention,
    mail::dkim::zone_file_strings,
    payments::{PaymentProvider as _, Stripe, StripeSettings},
    private,
    smtp_url::{RelaySettings, SmtpUrl},
    staff::Settings,
    trust::Trust,
};

/// Nobody waits longer for a doctor; some mail servers make strangers wait for their greeting.
const PATIENCE: Duration = Duration::from_secs(30);
/// A database answers at once or not at all.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// What a check found.
enum Finding {
    Well(String),
    /// Not wrong, but good to know.
    Note(String),
    Problem(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well(words) => write!(f, "ok       {words}"),
            Self::Note(words) => write!(f, "note     {words}"),
            Self::Problem(words) => write!(f, "problem  {words}"),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look at this message alone: a test copy as its mailbox received it, with all headers. Tells how your mail service
    /// signed it; - is standard input.
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(file) = &arguments.message {
        return Ok(report(&[deliverability::received(&bounce::read(file)?).into()]));
    }
    println!("Settings");
    for (name, value) in config.described() {
        println!("  {name:<28} {value}");
    }
    println!("\nChecks");
    let mut findings = database(config).await;
    // After the database, whose last files go when it is closed.
    findings.extend(others(config));
    findings.extend(visitors(config));
    findings.extend(mail_services(config).await);
    findings.push(payment_provider(config).await);
    Ok(report(&findings))
}

fn report(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        println!("  {finding}");
    }
    let well = !findings.iter().any(|finding| matches!(finding, Finding::Problem(_)));
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What others on this machine may look into.
fn others(config: &Config) -> Vec<Finding> {
    let open = private::open_to_others(&instance::our_own(config));
    let finding = |open: private::Open| {
        let path = open.path.display().to_string().replace('\'', "'\\''");
        Finding::Problem(format!(
            "files: others on this machine can look into {open}, where readers' addresses are. Run: chmod {:o} '{path}'",
            open.should_be
        ))
    };
    open.into_iter().map(finding).collect()
}

/// Whether one visitor can be told from another.
fn visitors(config: &Config) -> Option<Finding> {
    let is_hidden = config.base_url.scheme() == "https" && config.trusted_proxies.is_empty();
    is_hidden.then(|| {
        Finding::Note(
            "visitors: BASE_URL is https, so a proxy is in front of us, and TRUSTED_PROXIES does not name it: limits count \
             all visitors as one"
                .to_owned(),
        )
    })
}

async fn database(config: &Config) -> Vec<Finding> {
    if let Some(file) = instance::sqlite_file(config).filter(|file| !file.exists()) {
        return vec![Finding::Note(format!("database: {} is not there yet; serve makes it", file.display()))];
    }
    let opened = timeout(DATABASE_PATIENCE, async {
        let db = Db::open(&config.database()).await?;
        let found = schema(&db).await?;
        anyhow::Ok((db, found))
    });
    match opened.await {
        Err(_) => {
            vec![Finding::Problem(format!("database: no answer in {} seconds", DATABASE_PATIENCE.as_secs()))]
        }
        Ok(Err(error)) => vec![Finding::Problem(format!("database: {error:#}"))],
        Ok(Ok((db, (finding, is_current)))) => {
            let mut findings = vec![finding];
            if is_current {
                findings.extend(magazine(&db).await);
                findings.extend(unheeded(&db).await);
                findings.extend(believed(config, &db).await);
                findings.extend(address(config, &db).await);
            }
            db.close().await;
            findings
        }
    }
}

/// How the schema stands, and whether it is this program's.
async fn schema(db: &Db) -> anyhow::Result<(Finding, bool)> {
    let engine = if db.engine() == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
    let applied = Migrations::applied(db).await?;
    let known = Migrations::names().0.len();
    Ok(if applied == known {
        (Finding::Well(format!("database: {engine}, schema {applied}")), true)
    } else if applied < known {
        let missing = known - applied;
        let words =
            format!("database: {engine}, schema {applied}; {missing} more are applied by migrate or serve");
        (Finding::Note(words), false)
    } else {
        let words =
            format!("database: {engine}, schema {applied}, made by a newer program; this one knows {known}");
        (Finding::Problem(words), false)
    })
}

/// What the law wants said under every edition.
async fn magazine(db: &Db) -> Option<Finding> {
    match Settings::load(db).await {
        Ok(settings) => {
            let missing = settings.can_send();
            let words =
                format!("magazine: before the first edition, the desk settings need {}", missing.join(", "));
            (!missing.is_empty()).then_some(Finding::Note(words))
        }
        Err(error) => Some(Finding::Problem(format!("magazine: the desk settings cannot be read: {error}"))),
    }
}

/// What was asked for and is not done.
async fn unheeded(db: &Db) -> Vec<Finding> {
    let now = Clock::System.now();
    let (needs, letters) = match tokio::join!(
        attention::look(db, now),
        notices::failed(db, now.minus(attention::LATELY), i64::MAX)
    ) {
        (Ok(needs), Ok(letters)) => (needs, letters.len()),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::Problem(format!("donations: {error}"))];
        }
    };
    let pressing = !needs.unended.is_empty() || !needs.events.is_empty();
    let finding = if pressing { Finding::Problem } else { Finding::Note };
    let mut findings = Vec::new();
    if let [first, rest @ ..] = needs.sentences().as_slice() {
        let all = rest.iter().fold(first.clone(), |all, one| format!("{all}; {one}"));
        findings.push(finding(format!("donations: {all}. The desk says what to do")));
    }
    if letters > 0 {
        let words = format!("automatic emails: {letters} could not be delivered in the last two weeks");
        findings.push(Finding::Note(words));
    }
    findings
}

/// Whether the database is at home under this address.
async fn address(config: &Config, db: &Db) -> Option<Finding> {
    let here = format!("{}/", config.base_url.as_str().trim_end_matches('/'));
    match origin::look_as(db, &here).await {
        Ok(Standing::AtHome) => None,
        Ok(Standing::Abroad(home)) => Some(Finding::Problem(format!(
            "address: this database belongs to {home}, so nothing is sent from {here}. If it moved: broadside settings confirm-address"
        ))),
        Ok(Standing::Doubtful(Doubt::Elsewhere)) => Some(Finding::Problem(
            "place: this database last ran on another machine or from another folder, so nothing is sent. If it moved: broadside settings confirm-address. If it is a restored backup: broadside restored".to_owned(),
        )),
        Ok(Standing::Doubtful(Doubt::Behind)) => Some(Finding::Problem(
            "place: this database is older than what ran here last, so nothing is sent. Run broadside restored".to_owned(),
        )),
        Err(error) => Some(Finding::Problem(format!("address: {error}"))),
    }
}

/// Whether receivers have reason to believe our mail (TRUST M27). Nothing towards a sandbox, and before there is a sender.
async fn believed(config: &Config, db: &Db) -> Vec<Finding> {
    let Ok(settings) = Settings::load(db).await else { return Vec::new() };
    let domain = dkim::domain_of(settings.sender_email());
    let lookout = config.smtp_url.as_ref().and_then(|relay| running::lookout(config, relay));
    let (Some(domain), Some(lookout)) = (domain, lookout) else { return Vec::new() };
    match lookout.examine(db, &domain).await {
        Ok(findings) => findings.into_iter().map(Finding::from).collect(),
        Err(error) => vec![Finding::Problem(format!("DKIM: {error}"))],
    }
}

impl From<deliverability::Finding> for Finding {
    fn from(finding: deliverability::Finding) -> Self {
        let mut words = format!("{}: {}", finding.check.name(), finding.found);
        let rest = finding.records.iter().filter(|record| !record.is_published);
        let publish =
            rest.map(|record| format!("publish {}. TXT {}", record.name, zone_file_strings(&record.value)));
        let next = Some(finding.next).filter(|next| !next.is_empty());
        let keys = (finding.check == Check::Dkim && finding.grade != Grade::Ok)
            .then(|| "keys are made and switched on by: broadside dkim --help".to_owned());
        for line in next.into_iter().chain(publish).chain(keys) {
            words.push_str("\n             ");
            words.push_str(&line);
        }
        match finding.grade {
            Grade::Ok => Self::Well(words),
            Grade::Warning | Grade::Unknown => Self::Note(words),
            Grade::Failure => Self::Problem(words),
        }
    }
}

async fn mail_services(config: &Config) -> Vec<Finding> {
    let Some(relays) = &config.smtp_url else {
        return vec![Finding::Problem(
            "mail service: SMTP_URL is not set, so serve will not start".to_owned(),
        )];
    };
    let hello = config.base_url.host_str().unwrap_or("localhost");
    let mut findings = Vec::new();
    for RelaySettings { url, .. } in &relays.0 {
        findings.push(match greet(url, hello, &config.mail_trust).await {
            Ok(()) => Finding::Well(format!("mail service: {url} greets us")),
            Err(why) => Finding::Problem(format!("mail service: {why}")),
        });
    }
    findings
}

async fn greet(url: &SmtpUrl, hello: &str, trust: &Trust) -> Result<(), String> {
    let limits = Timeouts { connect: PATIENCE, command: PATIENCE, ..Timeouts::default() };
    let relay = Relay {
        url: url.clone(),
        trust: trust.clone(),
        hello: hello.to_owned(),
        timeouts: limits,
        messages_per_connection: 1,
        wire: Wire::default(),
    };
    match timeout(PATIENCE, Connection::open(&relay)).await {
        Ok(Ok(connection)) => {
            connection.quit().await;
            Ok(())
        }
        Ok(Err(Failure::Broken { why, .. })) => Err(why),
        Ok(Err(Failure::Refused { reply, .. })) => Err(format!("{url} refuses us: {reply}")),
        Ok(Err(other)) => Err(format!("{other:?}")),
        Err(_) => Err(format!("{url} does not answer in {} seconds", PATIENCE.as_secs())),
    }
}

async fn payment_provider(config: &Config) -> Finding {
    let Some(key) = &config.stripe_secret_key else {
        return Finding::Note(
            "payments: STRIPE_SECRET_KEY is not set, so donations are switched off".to_owned(),
        );
    };
    let settings = StripeSettings { secret_key: key.clone(), api_base: config.stripe_api_base.clone() };
    let asked = async { Stripe::new(&settings)?.probe().await };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Finding::Well(format!("payments: {} knows our key", config.stripe_api_base)),
        Ok(Err(error)) => Finding::Problem(format!("payments: {error}")),
        Err(_) => Finding::Problem(format!(
            "payments: {} does not answer in {} seconds",
            config.stripe_api_base,
            PATIENCE.as_secs()
        )),
    }
}
