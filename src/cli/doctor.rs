//! `broadside doctor`: the settings with secrets hidden, and what is wrong ([`crate::doctor`]). Changes nothing.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{bounce, instance, running};
use crate::{
    config::Config,
    db::Db,
    delivery::{
        deliverability,
        smtp::{Relay, Timeouts, Wire},
    },
    doctor::{self, Doctor, Finding, Grade, PATIENCE},
    payments::StripeSettings,
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
    let doctor = doctor(config);
    let mut findings = database(&doctor, config).await;
    // After the database, whose last files go when it is closed.
    findings.extend(doctor.look_around().await);
    Ok(report(&findings))
}

fn report(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        println!("  {finding}");
    }
    if doctor::worst(findings) == Grade::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The doctor of the instance that the settings describe.
pub(super) fn doctor(config: &Config) -> Doctor {
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
    Doctor {
        base_url: config.base_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        ours: Arc::new({
            let config = config.clone();
            move || instance::our_own(&config)
        }),
        relays: named.iter().flat_map(|relays| relays.0.iter().map(relay)).collect(),
        lookout: named.and_then(|relays| running::lookout(config, relays)),
        payments: config
            .stripe_secret_key
            .as_ref()
            .map(|key| StripeSettings { secret_key: key.clone(), api_base: config.stripe_api_base.clone() }),
    }
}

async fn database(doctor: &Doctor, config: &Config) -> Vec<Finding> {
    if let Some(file) = instance::sqlite_file(config).filter(|file| !file.exists()) {
        let words = format!("{} is not there yet; serve makes it", file.display());
        return vec![Finding::note("database", words)];
    }
    let looked = timeout(DATABASE_PATIENCE, Db::open(&config.database()));
    match looked.await {
        Err(_) => {
            let words = format!("no answer in {} seconds", DATABASE_PATIENCE.as_secs());
            vec![Finding::problem("database", words)]
        }
        Ok(Err(error)) => vec![Finding::problem("database", error.to_string())],
        Ok(Ok(db)) => {
            let findings = doctor.look_at(&db).await;
            db.close().await;
            findings
        }
    }
}
