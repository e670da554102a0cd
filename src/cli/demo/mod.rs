//! `broadside demo`: a sample magazine that does the whole job before one's eyes, over real sockets, with nothing leaving the
//! machine.
//!
//! It has a folder of its own (`demo` in `DATA_DIR`), so it never touches a real database. Each step looks at what is there
//! and does what is missing, so running it again goes on from where it was.

mod magazine;
mod mailbox;
mod report;
mod steps;
mod visitor;

use std::{fs, io, process::ExitCode};

use anyhow::Context as _;

use super::running::{Parts, Running, Told};
use crate::{
    clock::Stopwatch,
    config::{Config, Environment},
    journal, staff,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Do the job, print the report, and end: with 0 only if every account balances.
    #[arg(long)]
    once: bool,
    /// Forget the earlier demo and start over.
    #[arg(long)]
    fresh: bool,
    /// Take the articles from a feed of your own: an address, or a file.
    #[arg(long, value_name = "URL|FILE")]
    feed: Option<String>,
}

/// How many readers subscribe.
const READERS: usize = 200;

pub(super) async fn run(mut config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let watch = Stopwatch::start();
    prepare(&mut config, &arguments)?;
    let running = Running::start(config, Parts::WebAndWorker, true).await?;
    let plan = steps::Plan { readers: READERS, feed: arguments.feed.as_deref() };
    let outcome = steps::run(&running, &plan).await;
    if let Err(error) = outcome {
        running.stop().await;
        return Err(error.context("the demo could not do its job"));
    }
    let report = report::Report::make(&running).await?;
    println!("{report}");
    println!("Done in {:.0} s.", watch.elapsed().as_secs_f64());
    let balances = report.balances();
    if arguments.once {
        running.stop().await;
    } else {
        greet(&running).await?;
        running.until_told(Told::listen()?).await?;
    }
    Ok(if balances { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prepare(config: &mut Config, arguments: &Arguments) -> anyhow::Result<()> {
    if config.environment == Environment::Production {
        anyhow::bail!("the demo is refused while BROADSIDE_ENV=production");
    }
    config.data_dir = config.data_dir.join("demo");
    config.database_url = format!("sqlite:{}", config.data_dir.join("broadside.db").display());
    config.withdrawals_journal = config.data_dir.join(journal::NAME);
    // Another folder of this name is somebody's work.
    if arguments.fresh && config.data_dir.join("broadside.db").exists() {
        match fs::remove_dir_all(&config.data_dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("{} cannot be removed", config.data_dir.display()));
            }
            _ => {}
        }
    }
    if arguments.once {
        // Nobody will look at the pages, so they need no ports that could be taken.
        config.listen.set_port(0);
        config.sandbox_smtp.set_port(0);
        config.sandbox_http.set_port(0);
    }
    Ok(())
}

async fn greet(running: &Running) -> anyhow::Result<()> {
    let site = &running.site;
    let owner = magazine::owner(site).await?;
    println!("\nEverything is still running. Look around:");
    println!("  public site   {}", site.url("/"));
    println!("  desk          {}", site.url(&staff::sign_in_link_path(site, &owner.public_id).await?));
    println!(
        "                (this link signs you in once; then your password is {:?} for {})",
        magazine::PASSWORD,
        magazine::OWNER
    );
    if let Some(sandbox) = &running.sandbox {
        println!("  mailbox       http://{}/", sandbox.http_addr());
        println!(
            "  checkout      {} leads to it; payments at http://{}/payments",
            site.url("/donate"),
            sandbox.http_addr()
        );
    }
    println!("Ctrl-C stops it; running it again goes on from here, --fresh starts over.");
    Ok(())
}
