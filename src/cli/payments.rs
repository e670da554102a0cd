//! `broadside payments`: the account at the payment service.

use std::process::ExitCode;

use anyhow::Context as _;

use super::reconcile;
use crate::{
    config::Config,
    payments::{Stripe, StripeSettings},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compare the book with everything that the payment service lists, both ways; ends with 1 if anything differs.
    Reconcile(reconcile::Arguments),
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Reconcile(arguments) => reconcile::run(config, &provider(config)?, arguments).await,
    }
}

/// The provider that the settings name.
fn provider(config: &Config) -> anyhow::Result<Stripe> {
    let secret_key = config.stripe_secret_key.clone().context(
        "STRIPE_SECRET_KEY is not set. The key stands in Stripe’s dashboard, under Developers, API keys",
    )?;
    Ok(Stripe::new(&StripeSettings { secret_key, api_base: config.stripe_api_base.clone() })?)
}
