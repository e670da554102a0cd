//! `broadside dkim`: the keys that sign our mail.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::instance;
use crate::{
    clock::{Moment, Zone},
    config::Config,
    deliverability,
    dkim::{self, DkimKey, KeyState},
    dns::Dns,
    mail::{Algorithm, zone_file_strings},
    settings::Settings,
    site::Site,
    staff,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key and print the DNS record to publish. It signs nothing yet.
    New {
        /// The domain of the From address; that of the desk settings if not given.
        #[arg(long)]
        domain: Option<String>,
        /// rsa, which every receiver knows, or ed25519, to sign with beside it.
        #[arg(long, default_value = "rsa", value_parser = algorithm)]
        algorithm: Algorithm,
        /// The key's name; the month if not given, such as b202603.
        #[arg(long)]
        selector: Option<String>,
    },
    /// List the keys with their records.
    List,
    /// Let a key sign, once its record is published. It takes over from the key of its kind that signed so far.
    Activate {
        /// The key's name.
        selector: String,
        /// Its domain, where two domains have keys of one name.
        #[arg(long)]
        domain: Option<String>,
        /// Do not look whether the record is published.
        #[arg(long)]
        without_looking: bool,
    },
    /// Let a key sign no more.
    Retire {
        /// The key's name.
        selector: String,
        /// Its domain, where two domains have keys of one name.
        #[arg(long)]
        domain: Option<String>,
    },
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::parse(text).ok_or_else(|| "choose rsa or ed25519".to_owned())
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let done = match command {
        Command::New { domain, algorithm, selector } => new(&site, domain, algorithm, selector).await,
        Command::List => list(&site).await,
        Command::Activate { selector, domain, without_looking } => {
            let key = dkim::find(&site.db, &selector, domain.as_deref()).await?;
            if !without_looking {
                look_for(config, &key).await?;
            }
            activate(&site, &key).await
        }
        Command::Retire { selector, domain } => {
            let key = dkim::find(&site.db, &selector, domain.as_deref()).await?;
            retire(&site, key).await
        }
    };
    site.db.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn new(
    site: &Site,
    domain: Option<String>,
    algorithm: Algorithm,
    selector: Option<String>,
) -> anyhow::Result<()> {
    let domain = match domain {
        Some(domain) => domain,
        None => {
            let settings = Settings::load(&site.db).await?;
            dkim::domain_of(settings.sender_email()).context(
                "the desk settings hold no sender's address yet; name the domain: --domain example.org",
            )?
        }
    };
    let key = staff::make_signing_key(site, None, &domain, algorithm, selector.as_deref()).await?;
    println!("The key {} for {} is made. It signs nothing yet.\n", key.selector, key.domain);
    println!("1. Publish this TXT record:\n");
    print_record(&key);
    println!("\n2. Once it can be seen, let the key sign:\n");
    println!("  broadside dkim activate {}", key.selector);
    Ok(())
}

fn print_record(key: &DkimKey) {
    println!("  name    {}", key.dns_name());
    println!("  value   {}", key.record);
    println!("  in a zone file, in strings of at most 255 characters:");
    println!("  {}. IN TXT {}", key.dns_name(), zone_file_strings(&key.record));
}

async fn list(site: &Site) -> anyhow::Result<()> {
    let keys = dkim::all(&site.db).await?;
    if keys.is_empty() {
        println!("There are no keys. Make one: broadside dkim new");
    }
    for key in keys {
        println!("{}  {}  {}", key.dns_name(), key.algorithm.as_str(), state(&key, site.now()));
        if key.state() != KeyState::Retired || key.keep_record_until().is_some_and(|until| until > site.now())
        {
            print_record(&key);
        }
        println!();
    }
    Ok(())
}

fn state(key: &DkimKey, now: Moment) -> String {
    let since = |at: Option<Moment>| at.map(|at| at.date(&Zone::UTC)).unwrap_or_default();
    match (key.state(), key.keep_record_until()) {
        (KeyState::Waiting, _) => "waits: publish its record, then activate it".to_owned(),
        (KeyState::Signing, _) => format!("signs since {}", since(key.active_at)),
        (KeyState::Retired, Some(until)) if until > now => {
            format!(
                "retired on {}; its record must stay until {}",
                since(key.retired_at),
                until.date(&Zone::UTC)
            )
        }
        (KeyState::Retired, _) => format!("retired on {}; its record can be removed", since(key.retired_at)),
    }
}

async fn look_for(config: &Config, key: &DkimKey) -> anyhow::Result<()> {
    let dns = Dns::new(config.dns_resolver)?;
    let is_there = deliverability::is_published(&dns, key).await;
    let is_there = is_there.context("add --without-looking if you know that it is published")?;
    if !is_there {
        bail!(
            "the record of the key {} cannot be seen at {} yet. It may take some hours after you published it; `broadside dkim list` shows it",
            key.selector,
            key.dns_name()
        );
    }
    Ok(())
}

async fn activate(site: &Site, key: &DkimKey) -> anyhow::Result<()> {
    let replaced = staff::switch_on_signing_key(site, None, key, None).await?;
    println!(
        "The key {} signs the mail from {} from now on; an edition on its way goes on as it began.",
        key.selector, key.domain
    );
    if let Some(old) = replaced {
        let until = site.now().plus(dkim::KEEP_RECORD).date(&Zone::UTC);
        println!(
            "The key {old} is retired. Leave its record published until {until}: its mail is still under way."
        );
    }
    Ok(())
}

async fn retire(site: &Site, key: DkimKey) -> anyhow::Result<()> {
    staff::retire_signing_key(site, None, &key).await?;
    println!("The key {} is retired.", key.selector);
    let retired = DkimKey { retired_at: Some(site.now()), ..key };
    if let Some(until) = retired.keep_record_until() {
        println!("Leave its record published until {}: its mail is still under way.", until.date(&Zone::UTC));
    }
    let keys = dkim::all(&site.db).await?;
    if !keys.iter().any(|key| key.domain == retired.domain && key.state() == KeyState::Signing) {
        println!("No key signs the mail from {} now.", retired.domain);
    }
    Ok(())
}
