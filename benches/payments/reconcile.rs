//! How long it takes to hold our book of so many gifts against the provider's, and what memory that takes.
//!
//! The provider is the sandbox's, in this process and over TCP: its work is part of the time, and of what the processors did. The gifts
//! are old payments that are taken over, so that both books have been written by what writes them.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use broadside::{
    clock::Clock,
    donations::{
        self,
        adopt::{self, AdoptChoice, AdoptionState},
    },
    payments::{PaymentProvider, Stripe, StripeSettings},
    sandbox::{Sandbox, SandboxConfig},
    site::Site,
};

const DAY: Duration = Duration::from_secs(86_400);

pub async fn compare(site: &Site, scratch: &Path, gifts: u32, json: bool) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(SandboxConfig::new(scratch.join("sandbox"), Clock::System)).await?;
    let now = site.now();
    // Spread over the last three hundred days, the youngest a day old; as they came, for then the sandbox reads no more of a list than it gives.
    for number in 0..gifts {
        let at = now.minus(DAY + (300 * DAY).mul_f64(f64::from(gifts - number) / f64::from(gifts)));
        let email = format!("supporter.{}@example.org", number % (gifts / 4).max(1));
        sandbox.stripe().add_old_payment(Some(&email), 500 + i64::from(number % 50) * 100, "eur", at)?;
    }
    let settings = StripeSettings {
        secret_key: "sk_test_bench".to_owned(),
        api_base: format!("http://{}", sandbox.http_addr()).parse()?,
    };
    let provider: Arc<dyn PaymentProvider> = Arc::new(Stripe::new(&settings)?);
    let began = Instant::now();
    adopt::begin(site, None, 1).await?;
    until(site, provider.as_ref(), AdoptionState::Ready).await?;
    adopt::take(site, &AdoptChoice::All, None).await?;
    until(site, provider.as_ref(), AdoptionState::Done).await?;
    let adopted = began.elapsed();
    let span = (now.minus(400 * DAY), now);
    // The peak is counted from here on (proc(5)).
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = memory()?;
    let began = Instant::now();
    let found = donations::reconcile(site, provider.as_ref(), span, false).await?;
    let (took, more) = (began.elapsed(), memory()?.saturating_sub(before));
    ensure!(found.is_equal(), "they differ: {:?}", found.differences.first());
    ensure!(found.compared >= u64::from(gifts), "{} of {gifts} were compared", found.compared);
    if json {
        let line = serde_json::json!({
            "gifts": gifts, "compared": found.compared, "seconds": took.as_secs_f64(), "peak_more_kib": more,
            "adopted_in_seconds": adopted.as_secs_f64(),
        });
        println!("{line}");
    } else {
        println!(
            "{gifts} gifts, taken over in {:.1} s; {} objects compared in {:.1} s, {} MiB more at most",
            adopted.as_secs_f64(),
            found.compared,
            took.as_secs_f64(),
            more / 1024
        );
    }
    Ok(())
}

async fn until(site: &Site, provider: &dyn PaymentProvider, wanted: AdoptionState) -> anyhow::Result<()> {
    loop {
        adopt::go_on(site, provider).await?;
        let standing = adopt::standing(&site.db).await?.context("nothing was begun")?;
        ensure!(standing.last_error.is_none(), "{:?}", standing.last_error);
        if standing.state == wanted {
            return Ok(());
        }
        ensure!(standing.state != AdoptionState::Stopped, "it was stopped");
    }
}

/// The most memory that this process held since the peak was last forgotten, in KiB.
fn memory() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
