//! `broadside doctor`: the settings with secrets hidden, and what is wrong ([`crate::doctor`]). Changes nothing.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::timeout;

use super::{bounce, instance, outside};
use crate::{
    clock::Clock,
    config::{Config, Environment},
    db::Db,
    deliverability::{self, Lookout},
    doctor::{self, Doctor, Finding, Grade, Here, PATIENCE},
    payments::StripeSettings,
    site::Site,
    smtp::{Relay, Timeouts, Wire},
    smtp_url::RelaySettings,
};

/// A database answers at once or not at all.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Look at this message alone: a test copy as its mailbox received it, with all headers. Tells how your mail service
    /// signed it; - is standard input.
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
    /// Print one JSON object, for a program: the worst grade, and the findings with check, grade and words.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(file) = &arguments.message {
        let finding = deliverability::received(&bounce::read(file)?).into();
        return report(&[finding], arguments.json);
    }
    if !arguments.json {
        println!("Settings");
        for (name, value) in config.described() {
            println!("  {name:<28} {value}");
        }
        println!("\nChecks");
    }
    let lookout = config.smtp_url.as_ref().and_then(|relays| outside::lookout(config, relays));
    let doctor = of(config, lookout);
    let Looked { mut findings, here, clock, mail } = database(&doctor, config).await;
    let mail = async {
        match mail {
            Some(found) => found,
            None => doctor.mail_services(None, &[]).await,
        }
    };
    // After the database, whose last files go when it is closed.
    findings.extend(doctor.look_around(here.as_ref(), &clock.unwrap_or(Clock::System), mail).await);
    report(&findings, arguments.json)
}

/// What a program reads.
#[derive(Serialize)]
struct Report<'a> {
    grade: Grade,
    findings: &'a [Finding],
}

fn report(findings: &[Finding], json: bool) -> anyhow::Result<ExitCode> {
    let grade = doctor::worst(findings);
    if json {
        println!("{}", serde_json::to_string_pretty(&Report { grade, findings })?);
    } else {
        findings.iter().for_each(|finding| println!("  {finding}"));
    }
    Ok(if grade == Grade::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The doctor of the instance that the settings describe; there is no lookout towards a sandbox.
pub(super) fn of(config: &Config, lookout: Option<Lookout>) -> Doctor {
    let named = config.smtp_url.as_ref();
    let hello = config.base_url.host_str().unwrap_or("localhost");
    let relay = |RelaySettings { url, .. }: &RelaySettings| Relay {
        url: url.clone(),
        trust: config.mail_trust.clone(),
        hello: hello.to_owned(),
        timeouts: Timeouts { connect: PATIENCE, command: PATIENCE, ..Timeouts::default() },
        messages_per_connection: 1,
        wire: Wire::default(),
    };
    let key = config.stripe_secret_key.clone();
    Doctor {
        in_production: config.environment == Environment::Production,
        base_url: config.base_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        data_dir: config.data_dir.clone(),
        ours: Arc::new({
            let config = config.clone();
            move || instance::our_own(&config)
        }),
        relays: named.iter().flat_map(|relays| relays.0.iter().map(relay)).collect(),
        lookout,
        dns_resolver: config.dns_resolver,
        bounce_address: config.bounce_address.clone(),
        bounce_maildir: config.bounce_maildir.clone(),
        bounce_mailbox: outside::bounce_mailbox(config),
        payments_wanted: super::payments::wanted(config),
        payments: key
            .map(|secret_key| StripeSettings { secret_key, api_base: config.stripe_api_base.clone() }),
    }
}

/// What is found with the database.
#[derive(Default)]
struct Looked {
    /// What it says.
    findings: Vec<Finding>,
    /// Which instance this is, if its secrets are known.
    here: Option<Here>,
    /// What decides what time it is, if that is known.
    clock: Option<Clock>,
    /// What is found of the mail services, if the database can say whether they may be asked, and note what they answer.
    mail: Option<Vec<Finding>>,
}

impl Looked {
    fn only(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }

    /// There is one, and it cannot be asked.
    async fn without_database(doctor: &Doctor, words: String) -> Self {
        let mail = Some(doctor.greetings().await).filter(|found| !found.is_empty());
        Self { mail, ..Self::only(Finding::problem("database", words)) }
    }
}

async fn database(doctor: &Doctor, config: &Config) -> Looked {
    const CHECK: &str = "database";
    match instance::is_missing(config) {
        Ok(false) => {}
        Ok(true) => {
            let file = instance::sqlite_file(config).unwrap_or_default();
            let words = format!("{} is not there yet; serve makes it", file.display());
            return Looked::only(Finding::note(CHECK, words));
        }
        Err(error) => return Looked::only(Finding::problem(CHECK, super::words(&error))),
    }
    let db = match timeout(DATABASE_PATIENCE, instance::open_database(config)).await {
        Ok(Ok(db)) => db,
        Ok(Err(error)) => return Looked::without_database(doctor, super::words(&error)).await,
        Err(_) => {
            let words = format!("no answer in {} seconds", DATABASE_PATIENCE.as_secs());
            return Looked::without_database(doctor, words).await;
        }
    };
    // The DNS, which it asks on the way, has its own time.
    let patience = PATIENCE * 2;
    let looked = timeout(patience, look_into(doctor, config, &db)).await;
    let found = match looked {
        Ok((findings, None)) => Looked { findings, ..Looked::default() },
        Ok((findings, Some(site))) => Looked {
            findings,
            here: Here::of(&site).await.ok(),
            clock: Some(site.clock.clone()),
            mail: Some(doctor.mail_services(Some(&site), &[]).await),
        },
        Err(_) => {
            let words = format!("it does not answer in {} seconds", patience.as_secs());
            Looked::without_database(doctor, words).await
        }
    };
    db.close().await;
    found
}

/// What the database says; and the instance, if its secrets are known.
async fn look_into(doctor: &Doctor, config: &Config, db: &Db) -> (Vec<Finding>, Option<Site>) {
    let clock = db.clock().await.unwrap_or(Clock::System);
    let (site, mut findings) = match config.known_keys() {
        Ok(Some(keys)) => (
            Some(Site {
                db: db.clone(),
                clock: clock.clone(),
                journal: instance::journal(config, &keys),
                keys: Arc::new(keys),
                base_url: config.base_url.clone(),
                bounce_address: config.bounce_address.clone(),
            }),
            Vec::new(),
        ),
        Ok(None) => {
            let words = "they are neither set nor in DATA_DIR. If this database has been in use, put back the files secret and suppression-secret, or set SECRET and SUPPRESSION_SECRET: serve would make new ones";
            (None, vec![Finding::note("secrets", words)])
        }
        Err(error) => {
            let words = format!(
                "those in DATA_DIR cannot be read: {error}. They have to belong to the user that the service runs as"
            );
            (None, vec![Finding::problem("secrets", words)])
        }
    };
    findings.splice(0..0, doctor.look_into(db, site.as_ref()).await);
    findings.extend(doctor::unheeded(db, clock.now()).await);
    (findings, site)
}
