//! `broadside sandbox`: the outside world alone, for an instance that runs elsewhere on this machine.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context as _;

use crate::{
    clock::Clock,
    config::{Config, Environment},
    sandbox::{Sandbox, SandboxConfig, Webhook},
};

/// Refuses where real readers could take it for the real thing.
pub(super) fn refuse_in_production(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.environment != Environment::Production,
        "the sandbox is not for production: it shows every mail to everybody. Set BROADSIDE_ENV=development to try things out"
    );
    Ok(())
}

/// The secrets of the sandbox beside `serve`: they guard nothing, and are the same on both sides.
pub(super) const KEY: &str = "sk_test_sandbox";
pub(super) const WEBHOOK_SECRET: &str = "whsec_sandbox";

/// Gifts are paid at the sandbox that listens there, whatever the settings say.
pub(super) fn takes_payments(config: &mut Config, http: SocketAddr) -> anyhow::Result<()> {
    config.stripe_api_base = format!("http://{http}").parse()?;
    config.stripe_secret_key = Some(KEY.to_owned());
    config.stripe_webhook_secrets = vec![WEBHOOK_SECRET.to_owned()];
    Ok(())
}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    refuse_in_production(config)?;
    let mut options = SandboxConfig::new(config.data_dir.join("sandbox"), Clock::System);
    options.smtp = config.sandbox_smtp;
    options.http = config.sandbox_http;
    options.webhook = config.stripe_webhook_secrets.first().map(|secret| Webhook {
        url: format!("{}/hooks/stripe", config.base_url.as_str().trim_end_matches('/')),
        secret: secret.clone(),
    });
    let events_go_out = options.webhook.is_some();
    let sandbox = Sandbox::start(options).await.context("the sandbox cannot start")?;
    println!("The sandbox takes mail and money that are not real, until you press Ctrl-C.");
    println!("  mailbox   http://{}/", sandbox.http_addr());
    println!("  payments  http://{}/payments", sandbox.http_addr());
    println!("  SMTP_URL=smtp://{}?tls=none", sandbox.smtp_addr());
    println!("  STRIPE_API_BASE=http://{}", sandbox.http_addr());
    println!("  STRIPE_SECRET_KEY=sk_test_ and anything after it");
    if events_go_out {
        println!("  events go to {}", config.base_url);
    } else {
        println!("  no events are sent: set STRIPE_WEBHOOK_SECRET to anything, for both programs");
    }
    tokio::signal::ctrl_c().await.context("the sandbox cannot wait for Ctrl-C")?;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}
