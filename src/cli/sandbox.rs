//! `broadside sandbox`: the outside world alone, for trying an instance that runs in another process.

use std::process::ExitCode;

use anyhow::bail;

use crate::{
    clock::Clock,
    config::{Config, Environment},
    sandbox::{Sandbox, SandboxConfig, Webhook},
};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    if config.environment == Environment::Production {
        bail!("the sandbox is refused while BROADSIDE_ENV=production");
    }
    let secret = config.stripe_webhook_secrets.first().cloned();
    let webhook =
        secret.map(|secret| Webhook { url: format!("http://{}/hooks/stripe", config.listen), secret });
    let sandbox = Sandbox::start(SandboxConfig {
        smtp: config.sandbox_smtp,
        http: config.sandbox_http,
        webhook,
        api_key: config.stripe_secret_key.clone().unwrap_or_default(),
        ..SandboxConfig::new(config.data_dir.join("sandbox"), Clock::System)
    })
    .await?;
    println!("The sandbox is running. Point an instance at it:");
    println!("  SMTP_URL=smtp://{}?tls=none", sandbox.smtp_addr());
    println!("  STRIPE_API_BASE=http://{}", sandbox.http_addr());
    println!("  STRIPE_SECRET_KEY=sk_test_sandbox STRIPE_WEBHOOK_SECRET=whsec_sandbox (for both processes)");
    println!("Mailbox: http://{}/", sandbox.http_addr());
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}
