//! `broadside segments`: which segments there are, what one asks, and how many readers it has. Changes nothing.

use std::process::ExitCode;

use anyhow::Context as _;

use super::instance;
use crate::{
    config::Config,
    segments::{self, Segment, SegmentTree},
    site::Site,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List every segment, with what it asks.
    List,
    /// Print what a segment asks, as a sentence and as JSON.
    Show {
        /// Its name, or its name in addresses.
        segment: String,
    },
    /// Count the readers of a segment, all of them, however long it takes.
    Count {
        /// Its name, or its name in addresses.
        segment: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let done = work(&site, command).await;
    site.db.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn work(site: &Site, command: Command) -> anyhow::Result<()> {
    let all = segments::all(&site.db).await?;
    match command {
        Command::List => {
            let trees: Vec<&SegmentTree> = all.iter().map(|segment| &segment.tree).collect();
            let names = segments::names(&site.db, &trees).await?;
            for Segment { name, public_id, version, tree, .. } in &all {
                println!("{name} ({public_id}, version {version}): {}", segments::sentence(tree, &names));
            }
        }
        Command::Show { segment } => {
            let segment = called(&all, &segment)?;
            let names = segments::names(&site.db, &[&segment.tree]).await?;
            println!("{}", segments::sentence(&segment.tree, &names));
            println!("{}", segment.tree.write());
        }
        Command::Count { segment } => {
            println!("{}", segments::count_all(site, &called(&all, &segment)?.tree).await?);
        }
    }
    Ok(())
}

fn called<'a>(all: &'a [Segment], name: &str) -> anyhow::Result<&'a Segment> {
    let is_called =
        |segment: &&Segment| segment.public_id == name || segment.name.to_lowercase() == name.to_lowercase();
    all.iter()
        .find(is_called)
        .with_context(|| format!("there is no segment {name}: `broadside segments list` names them all"))
}
