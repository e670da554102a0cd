//! `broadside restored`: a backup was put in the place of the database. Run before anything is started from it.

use std::process::ExitCode;

use super::instance;
use crate::{
    clock::{Moment, Zone},
    config::Config,
    delivery::Lock,
    dkim, origin,
    restored::{RestoredLine, RestoredReport, restored},
    settings::Settings,
    withdrawals,
};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let lock = instance::lock(config)?;
    settle(config, lock).await
}

/// With the lock in hand.
pub(super) async fn settle(config: &Config, lock: Option<Lock>) -> anyhow::Result<ExitCode> {
    let site = instance::open_site_locked(config, false).await?;
    let positions = instance::positions(config)?;
    withdrawals::begin(&site).await?;
    let knows_secret = origin::knows_secret(&site).await?;
    let report = restored(&site, None, None, (lock.as_ref(), Some(&positions))).await?;
    let settings = Settings::load(&site.db).await?;
    let signs = dkim::check(&site).await;
    site.db.close().await;
    if let Some(report) = report {
        print(&report, &settings.time_zone);
    }
    if !knows_secret {
        eprintln!("\nBefore anything is started: {}", origin::ANOTHER_SECRET);
    } else if let Err(error) = signs {
        eprintln!("\nBefore anything is started: {error}");
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &RestoredReport, zone: &Zone) {
    let when = |at: Option<Moment>| at.map_or("never".to_owned(), |at| at.date_time(zone));
    println!("This database is settled here as a restored backup. What was done:");
    println!(
        "  - {} editions are held back. Each is released, in whole or in part, or taken back, on its page at the desk.",
        report.held.len()
    );
    report.held.iter().for_each(line);
    println!(
        "  - {} sessions at the desk were ended, and {} invitations and sign-in links voided.",
        report.sessions, report.links
    );
    let waiting: i64 = report.letters.iter().map(|(_, count)| count).sum();
    println!(
        "  - {waiting} automatic emails that waited when the backup was made are not sent; most of them went out then."
    );
    for (template, count) in &report.letters {
        println!("      {count} × {template}");
    }
    println!(
        "  - Gifts since then are asked of the payment provider as soon as `broadside serve` runs; receipts of what was paid before now are not sent again."
    );
    let replayed = report.replayed;
    println!(
        "  - From the journal of withdrawals: {} times a reader left a list, {} who rest from mail, {} times a reader chose otherwise of a list, {} who have another address and are off their lists until they ask anew, {} complaints, {} blocked addresses, {} readers who were forgotten, {} regular donations to end.",
        replayed.left,
        replayed.paused,
        replayed.chose,
        replayed.moved,
        replayed.complained,
        replayed.blocked,
        replayed.erased,
        replayed.ended
    );
    if !report.gaps.is_empty() {
        println!("\nNOTHING IS SENT from it, for withdrawals may be missing:");
        for gap in &report.gaps {
            let since = gap.since.map_or("the beginning".to_owned(), |at| at.date_time(zone));
            println!("  - from {since} to {}: {}", gap.until.date_time(zone), gap.why.words());
        }
        println!(
            "      If that file still is somewhere, put it where it was, or beside it, and run this again. Otherwise whoever left then is mailed again: read them from the proxy's log, then `broadside withdrawals go-on`."
        );
    }
    println!("\nWhat this copy cannot know. The newest things in it:");
    println!("  - readers joined, confirmed or left: {}", when(report.newest.consent));
    println!("      Who left since stands in the journal of withdrawals, see above.");
    println!(
        "  - addresses that bounced or complained: {} ({} are not mailed)",
        when(report.newest.suppression),
        report.suppressed
    );
    println!("      Your mail service has a list of its own; compare it.");
    println!("  - something was done at the desk: {}", when(report.newest.deed));
    println!("  - a gift was paid: {}", when(report.newest.gift));
    println!("  - the team. Was somebody shut out, or given another role, since?");
    for member in &report.team {
        let disabled = if member.disabled { ", cannot sign in" } else { "" };
        println!("      {} ({}{disabled})", member.name, member.role);
    }
    if !report.drafts.is_empty() {
        println!("  - drafts. Was one of them sent since?");
        report.drafts.iter().for_each(line);
    }
}

fn line(edition: &RestoredLine) {
    println!("      “{}”  {}", edition.subject, edition.public_id);
}
