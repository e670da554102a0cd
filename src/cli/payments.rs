//! `broadside payments`: the account at the payment service.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::{
    config::Config,
    payments::{
        Stripe, StripeSettings,
        setup::{self, NewSecret, SetupWanted},
    },
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show what is to be done at Stripe so that its news reach us: webhook endpoint, kinds of events, API version, and what supporters
    /// can do on its page. With --yes it is done; ends with 1 while something is left to do.
    Setup(SetupArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct SetupArguments {
    /// Do it. Without this it is shown and nothing is changed.
    #[arg(long)]
    yes: bool,
    /// Make another endpoint with a new signing secret. The old one stays until the new secret is in the settings.
    #[arg(long)]
    rotate: bool,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup(arguments) => set_up(config, &arguments).await,
    }
}

/// The provider that the settings name.
fn provider(config: &Config) -> anyhow::Result<Stripe> {
    let secret_key = config.stripe_secret_key.clone().context(
        "STRIPE_SECRET_KEY is not set. The key stands in Stripe’s dashboard, under Developers, API keys",
    )?;
    Ok(Stripe::new(&StripeSettings { secret_key, api_base: config.stripe_api_base.clone() })?)
}

/// How the provider is to know us, by the settings.
pub(super) fn wanted(config: &Config) -> SetupWanted {
    SetupWanted::of(&config.base_url, config.stripe_webhook_secrets.clone())
}

async fn set_up(config: &Config, arguments: &SetupArguments) -> anyhow::Result<ExitCode> {
    let (stripe, wanted) = (provider(config)?, wanted(config));
    let is_stripe = config.stripe_api_base.host_str() == Some("api.stripe.com");
    anyhow::ensure!(
        !is_stripe || config.base_url.scheme() == "https",
        "BASE_URL={} is not an https address: Stripe sends its news to nothing else",
        config.base_url
    );
    let plan = setup::look(&stripe, &wanted, arguments.rotate).await?;
    for note in &plan.notes {
        println!("note: {note}");
    }
    if plan.steps.is_empty() {
        println!("Nothing is to be done at {}.", config.stripe_api_base);
        return Ok(if plan.notes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!("To be done at {}:", config.stripe_api_base);
    for step in &plan.steps {
        println!("  {}", step.sentence(&wanted));
    }
    if !arguments.yes {
        println!("\nNothing was changed. To do it, add --yes");
        return Ok(ExitCode::FAILURE);
    }
    let mut secrets = Vec::new();
    for step in &plan.steps {
        match setup::carry_out(&stripe, step, &wanted).await {
            Ok(secret) => secrets.extend(secret),
            // What was made is told before anything else can go wrong.
            Err(error) => {
                tell(&secrets, &wanted);
                return Err(error).context(format!("it was not possible to {}", step.sentence(&wanted)));
            }
        }
    }
    println!("\nDone.");
    tell(&secrets, &wanted);
    Ok(ExitCode::SUCCESS)
}

/// Tells a new secret, once.
fn tell(secrets: &[NewSecret], wanted: &SetupWanted) {
    for NewSecret(secret) in secrets {
        if wanted.secrets.is_empty() {
            println!(
                "\nPut this line into the settings and start serve again. The secret is not shown again:\n"
            );
            println!("STRIPE_WEBHOOK_SECRET={secret}");
        } else {
            println!(
                "\nPut the new secret behind the old one in the settings, with a comma between them, and start serve again. It is not shown again:\n"
            );
            println!("STRIPE_WEBHOOK_SECRET=(what stands there),{secret}");
            println!(
                "\nThen run broadside payments setup --yes: it removes the old endpoint. After that the old secret can go from the settings."
            );
        }
    }
}
