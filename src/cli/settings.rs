//! `broadside settings`: every setting with its meaning and default, as `.env.example` has them; and confirming that the
//! magazine moved to another address.

use std::process::ExitCode;

use anyhow::bail;

use super::instance::{self, Whose};
use crate::{
    audit_log,
    config::{self, Config},
    delivery::{self, KeptBy, Suppressions},
    origin::{self, Doubt, Standing},
    restored,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say that the magazine moved here, under the address in BASE_URL, so that mail goes out again.
    ConfirmAddress {
        /// Also if the database looks older than what ran here last: nothing is missing in it.
        #[arg(long)]
        not_a_backup: bool,
    },
    /// Say that SECRET is lost, so that the one in the settings holds from now on. Links in mails that went out open nothing any
    /// more, not even those to leave the list.
    AcceptSecret,
    /// Say that the secret by which addresses are kept that must not be mailed is lost, so that the one in the settings holds from
    /// now on. Nobody in the old list is known any more: mail may reach them again.
    AcceptSuppressionSecret {
        /// How many addresses are lost by it, to show that you have seen it.
        #[arg(long, value_name = "NUMBER")]
        lost: i64,
    },
}

pub(super) fn list() -> anyhow::Result<ExitCode> {
    print!("{}", config::example());
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let not_a_backup = match arguments.command {
        None => return list(),
        Some(Command::AcceptSecret) => return accept_secret(config).await,
        Some(Command::AcceptSuppressionSecret { lost }) => {
            return accept_suppression_secret(config, lost).await;
        }
        Some(Command::ConfirmAddress { not_a_backup }) => not_a_backup,
    };
    let site = instance::open_site(config).await?;
    let here = site.url("/");
    if let Some(there) = delivery::living_under_another_address(&site).await? {
        bail!(
            "a process works on this database under {there}: stop it first, or it would send nothing from now on (one that was killed counts as living for a minute)"
        );
    }
    let positions = instance::positions(config)?;
    let standing = origin::arrive(&site, Some(&positions)).await?;
    let moved = match &standing {
        Standing::AtHome => None,
        Standing::Abroad(home) => Some(format!("The magazine moved from {home} to {here}.")),
        Standing::Doubtful(Doubt::Elsewhere) => Some(format!("The magazine lives here now, under {here}.")),
        Standing::Doubtful(Doubt::Behind) if not_a_backup => {
            Some(format!("The magazine goes on under {here}."))
        }
        Standing::Doubtful(Doubt::Forgetful) => bail!(
            "this is a restored backup, and who left since it was made is not known. Put the journal of withdrawals where it was and start again; or, if it is lost for good, run `broadside withdrawals go-on`"
        ),
        Standing::Doubtful(Doubt::Behind) => bail!(
            "this database is older than what ran here last. If it is a restored backup, run `broadside restored`; if you know that nothing is missing in it, add --not-a-backup"
        ),
    };
    match moved {
        None => println!("The database is at home under {here} already."),
        Some(moved) => {
            restored::moved(&site, None, Some(&positions)).await?;
            println!("{moved} Nothing may run at the old place any more.");
            if let Standing::Abroad(home) = &standing {
                println!(
                    "What else must change:
  - {home} keeps leading to this server, with a certificate and without a redirect: links in mails that went out lead there, and one-click unsubscribing follows none.
  - Hooks at Stripe ({here}hooks/stripe) and at mail services that report bounces ({here}hooks/bounces/…).
  - If addresses change too: the sender (Settings at the desk) and BOUNCE_ADDRESS, SPF, DKIM and DMARC of the domain, MX of the bounce address (broadside doctor looks at them). The old bounce address is kept for a week or two."
                );
            }
        }
    }
    site.db.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn accept_secret(config: &Config) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    if origin::knows_secret(&site).await? {
        println!("The secret is the one that the magazine was run with; nothing was changed.");
    } else {
        let mut tx = site.db.begin().await?;
        origin::accept_secret(&mut tx, &site).await?;
        audit_log::record(&mut tx, &site, None, "accepted another secret", "", "").await?;
        tx.commit().await?;
        println!(
            "The secret holds from now on. Links in mails that went out before open nothing: whoever writes that they want to leave is taken off the list at the desk. Keys that sign mail are made anew (broadside dkim)."
        );
    }
    site.db.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn accept_suppression_secret(config: &Config, lost: i64) -> anyhow::Result<ExitCode> {
    let site = instance::open_site_by_secret(config, Whose::Anybody).await?;
    let suppressions = Suppressions::new(&site);
    let really = match suppressions.secret(false).await? {
        KeptBy::This => None,
        KeptBy::Another { lost } => Some(lost),
    };
    if really.is_none() {
        println!("The secret is the one that the database was written with; nothing was changed.");
    } else if really == Some(lost) {
        let mut tx = site.db.begin().await?;
        suppressions.accept_secret(&mut tx).await?;
        let detail = format!("{lost} addresses are not known any more");
        audit_log::record(&mut tx, &site, None, "accepted another suppression secret", "", &detail).await?;
        tx.commit().await?;
        println!(
            "The secret holds from now on. {lost} addresses that were not mailed are not known any more: compare the list of your mail service before the next edition."
        );
    } else if let Some(really) = really {
        bail!("{really} addresses would not be known any more. If that must be: --lost {really}");
    }
    site.db.close().await;
    Ok(ExitCode::SUCCESS)
}
