//! `broadside payments`: the account at the payment service.

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use serde::Serialize;

use super::{instance, reconcile, sandbox};
use crate::{
    config::Config,
    donations::{
        self,
        adopt::{AdoptChoice, AdoptionState, OldBundle},
    },
    payments::{
        Stripe, StripeSettings,
        setup::{self, NewSecret, SetupWanted},
    },
    site::Site,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Ask the sandbox that `broadside serve --sandbox` runs on this machine, whatever the settings say.
    #[arg(long, global = true)]
    sandbox: bool,
    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    /// Whether it makes what the settings are still to have.
    pub(super) const fn is_setup(&self) -> bool {
        matches!(self.command, Command::Setup(_))
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show what is to be done at Stripe so that its news reach us: webhook endpoint, kinds of events, API version, and what supporters
    /// can do on its page. With --yes it is done; ends with 1 while something is left to do.
    Setup(SetupArguments),
    /// Take over what another program left in the account: supporters, standing gifts and past gifts become ours. Nobody is charged,
    /// written to or given a receipt. Without --take what is there is shown. Goes on where it was broken off.
    Adopt(AdoptArguments),
    /// Compare the book with everything that the payment service lists, both ways; ends with 1 if anything differs.
    Reconcile(reconcile::Arguments),
}

#[derive(Debug, clap::Args)]
struct SetupArguments {
    /// Do it. Without this it is shown and nothing is changed.
    #[arg(long)]
    yes: bool,
    /// Make another endpoint with a new signing secret. The old one stays until the new secret is in the settings.
    #[arg(long)]
    rotate: bool,
}

pub(super) async fn run(mut config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.sandbox {
        sandbox::refuse_in_production(&config)?;
        let http = config.sandbox_http;
        sandbox::takes_payments(&mut config, http)?;
    }
    let config = &config;
    match arguments.command {
        Command::Setup(arguments) => set_up(config, &arguments).await,
        Command::Adopt(arguments) => adopt(config, &arguments).await,
        Command::Reconcile(arguments) => reconcile::run(config, &provider(config)?, arguments).await,
    }
}

/// The provider that the settings name.
fn provider(config: &Config) -> anyhow::Result<Stripe> {
    let secret_key = config.stripe_secret_key.clone().context(
        "STRIPE_SECRET_KEY is not set. The key stands in Stripe’s dashboard, under Developers, API keys. Beside serve --sandbox, add --sandbox: then the sandbox is asked",
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

#[derive(Debug, clap::Args)]
struct AdoptArguments {
    /// Payments of so many years are looked at.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,
    /// Take over: all, or the short names of lines, with commas between them. Without it what is there is shown.
    #[arg(long, value_name = "WHAT")]
    take: Option<String>,
    /// Show what is there, and leave it at that whatever else is said.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object, for a program.
    #[arg(long)]
    json: bool,
}

/// What a program reads.
#[derive(Serialize)]
struct AdoptReport<'a> {
    state: &'a str,
    bundles: &'a [OldBundle],
}

/// So long until it is looked again whether it may go on.
const AGAIN: Duration = Duration::from_secs(1);

async fn adopt(config: &Config, arguments: &AdoptArguments) -> anyhow::Result<ExitCode> {
    let stripe = provider(config)?;
    let site = instance::open_site(config).await?;
    let done = take_over(&site, &stripe, arguments).await;
    site.db.close().await;
    done
}

async fn take_over(site: &Site, stripe: &Stripe, arguments: &AdoptArguments) -> anyhow::Result<ExitCode> {
    let standing = donations::adopt::standing(&site.db).await?;
    if arguments.dry_run && standing.as_ref().is_some_and(|one| one.state == AdoptionState::Taking) {
        anyhow::bail!("taking over goes on: what is chosen is being taken. Run this again when it is done");
    }
    // What was begun is gone on with, and what was looked at and is chosen from now is not looked at twice.
    let is_begun = standing.as_ref().is_some_and(|one| match one.state {
        AdoptionState::Looking | AdoptionState::Taking => true,
        AdoptionState::Ready => {
            let is_fresh = site.now().since(one.changed_at) < donations::adopt::LASTS;
            arguments.take.is_some() && !arguments.dry_run && is_fresh
        }
        AdoptionState::Done | AdoptionState::Stopped => false,
    });
    if !is_begun {
        donations::adopt::begin(site, None, arguments.years).await?;
    }
    let mut state = go_on(site, stripe, arguments.json).await?;
    if let (AdoptionState::Ready, Some(what), false) = (state, &arguments.take, arguments.dry_run) {
        let chosen = match what.trim() {
            "all" => AdoptChoice::All,
            names => AdoptChoice::Bundles(names.split(',').map(|name| name.trim().to_owned()).collect()),
        };
        donations::adopt::take(site, &chosen, None).await?;
        state = go_on(site, stripe, arguments.json).await?;
    }
    let sums = donations::adopt::sums(&site.db).await?;
    if arguments.json {
        let report = AdoptReport { state: state.as_str(), bundles: &sums.bundles };
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show(&sums.bundles, state);
    }
    let is_well = sums.bundles.iter().all(|bundle| bundle.refused == 0);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes on until somebody has to choose, or it is over; says once why it waits.
async fn go_on(site: &Site, stripe: &Stripe, quiet: bool) -> anyhow::Result<AdoptionState> {
    let mut told = None;
    loop {
        donations::adopt::go_on(site, stripe).await?;
        let Some(one) = donations::adopt::standing(&site.db).await? else {
            anyhow::bail!("nobody began to take over");
        };
        if !matches!(one.state, AdoptionState::Looking | AdoptionState::Taking) {
            return Ok(one.state);
        }
        if !quiet && one.last_error != told {
            eprintln!("waiting: {}", one.last_error.as_deref().unwrap_or("another process goes on with it"));
            told = one.last_error;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn show(bundles: &[OldBundle], state: AdoptionState) {
    for bundle in bundles {
        let kind = match (bundle.is_monthly, bundle.rhythm.as_str()) {
            (false, _) => "once".to_owned(),
            (true, rhythm) => format!("every {rhythm}"),
        };
        println!("{}  {kind}: {}", bundle.name, bundle.what);
        if !bundle.marks.is_empty() {
            println!("              marked {}", bundle.marks);
        }
        if bundle.is_monthly {
            println!("              {} standing gifts, {} of them not over", bundle.standing, bundle.running);
        }
        println!("              {} payments of {}", bundle.payments, bundle.paid());
        for (number, words) in [
            (bundle.nameless, "without an address"),
            (bundle.taken, "ours"),
            (bundle.foreign, "left to the other program"),
            (bundle.refused, "cannot be taken over"),
        ] {
            if number > 0 {
                println!("              {number} {words}");
            }
        }
    }
    match state {
        AdoptionState::Ready if bundles.is_empty() => println!("There is nothing that is not ours already."),
        AdoptionState::Ready => println!(
            "\nNothing was written but this. To take over: broadside payments adopt --take all, or the short names of lines with commas between them"
        ),
        AdoptionState::Done => println!("\nDone. What was not chosen stays the other program's."),
        _ => println!("\nIt was stopped."),
    }
}
