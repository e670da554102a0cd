//! `broadside export-proof`: everything on record about what one reader agreed to (TRUST L1).

use std::process::ExitCode;

use anyhow::Context as _;

use super::instance;
use crate::{
    config::Config,
    email_address::EmailAddress,
    subscribers::{self, consent},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The reader's address.
    email: String,
}

pub(super) async fn run(config: &Config, Arguments { email }: Arguments) -> anyhow::Result<ExitCode> {
    let address = EmailAddress::parse(&email).with_context(|| format!("{email} is no email address"))?;
    let site = instance::open_site(config).await?;
    let Some(reader) = subscribers::by_email(&site.db, &address).await? else {
        anyhow::bail!("no reader has the address {email}");
    };
    let events = consent::proof(&site.db, reader.id).await?;
    site.db.close().await;
    println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "reader": reader, "events": events }))?);
    Ok(ExitCode::SUCCESS)
}
