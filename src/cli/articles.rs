//! `broadside articles import`: takes in a feed, once, or everything that another program exported.

use std::{io, path::Path, process::ExitCode};

use serde::Serialize;

use super::instance;
use crate::{
    articles::{
        self, ArchiveChoices, ArchiveReport, ArchiveState, ArchiveSurvey, ArticlesImported, FeedArrives,
        Fetcher,
    },
    clock::Clock,
    config::Config,
    site::Site,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Import the articles of a feed (RSS, Atom or JSON Feed), of an export (WordPress, Ghost), or of a folder of Markdown files. Importing
    /// again brings what is new or changed.
    Import(Import),
}

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The feed's address, a file, or a folder.
    #[arg(value_name = "URL|FILE|FOLDER")]
    source: String,
    /// What is published there comes as drafts, or is published here, too. So do new articles of a feed that is not known yet; what is in the file of
    /// a feed is published.
    #[arg(long = "as", value_enum, default_value_t = Becomes::Drafts)]
    becomes: Becomes,
    /// Take pages as articles, too.
    #[arg(long)]
    pages: bool,
    /// What else an export of WordPress has beside posts and pages, by the name that it has there; may be given several times.
    #[arg(long = "kind", value_name = "NAME")]
    kinds: Vec<String>,
    /// Bring back what was deleted here more than 30 days ago, too.
    #[arg(long)]
    deleted: bool,
    /// Take categories as topics, and no tags.
    #[arg(long)]
    categories_only: bool,
    /// The address of the site that an export is from, where it does not say so.
    #[arg(long, value_name = "URL", default_value = "")]
    site: String,
    /// Say what would come of an export, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Becomes {
    Drafts,
    Published,
}

impl Becomes {
    const fn of_a_feed(self) -> FeedArrives {
        match self {
            Self::Drafts => FeedArrives::Draft,
            Self::Published => FeedArrives::Published,
        }
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Told<'a> {
    WouldCome(&'a ArchiveSurvey),
    Came(&'a ArchiveReport),
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Import(import) = command;
    let path = Path::new(&import.source);
    let is_address = import.source.starts_with("http://") || import.source.starts_with("https://");
    if !is_address && articles::is_archive(path).await.unwrap_or(false) {
        return archive(config, &import, path).await;
    }
    anyhow::ensure!(!import.dry_run && !import.json, "--dry-run and --json are for exports and folders");
    let site = instance::open_site(config).await?;
    let fetcher = Fetcher::new(config.fetch_private_addresses)?;
    let report = articles::import_source(&site, &fetcher, &import.source, import.becomes.of_a_feed()).await?;
    site.db.close().await;
    say(&report);
    Ok(ExitCode::SUCCESS)
}

fn say(report: &ArticlesImported) {
    println!("{} new, {} updated, {} unchanged.", report.new, report.updated, report.unchanged);
    if report.kept > 0 {
        println!(
            "{} changed in the feed but were edited at the desk, and stay as they are there.",
            report.kept
        );
    }
    for note in &report.notes {
        println!("{note}");
    }
    for why in &report.skipped {
        println!("Not taken: {why}");
    }
}

async fn archive(config: &Config, import: &Import, path: &Path) -> anyhow::Result<ExitCode> {
    let choices = ArchiveChoices {
        publishes: matches!(import.becomes, Becomes::Published),
        pages: import.pages,
        kinds: import.kinds.clone(),
        brings_back: import.deleted,
        categories_only: import.categories_only,
        site: import.site.clone(),
    };
    if import.dry_run {
        let survey = articles::look_at_archive(path, &choices, Clock::System.now()).await?;
        return printed(import, &Told::WouldCome(&survey), || would_come(&survey));
    }
    let site = instance::open_site(config).await?;
    let archive = articles::bring_in_archive(&site, path, &choices).await?;
    let report = archive.report()?;
    let (survey, choices) = (archive.survey()?, archive.choices()?);
    let code = printed(import, &Told::Came(&report), || {
        came(&report);
        for (kind, number) in survey.kinds.iter().filter(|(kind, _)| !choices.kinds.contains(kind)) {
            println!("{number} “{kind}” were not asked for: --kind {kind}");
        }
    })?;
    left_out(&site, import, &archive).await?;
    site.db.close().await;
    anyhow::ensure!(archive.state == ArchiveState::Done, "it did not get to its end: {}", archive.trouble);
    Ok(code)
}

fn printed(import: &Import, told: &Told<'_>, say: impl FnOnce()) -> anyhow::Result<ExitCode> {
    if import.json {
        serde_json::to_writer_pretty(io::stdout().lock(), told)?;
        println!();
    } else {
        say();
    }
    Ok(ExitCode::SUCCESS)
}

fn would_come(survey: &ArchiveSurvey) {
    println!(
        "{} published there, {} drafts, {} private or in the bin, {} pages, {} with nothing to show.",
        survey.published, survey.drafts, survey.withdrawn, survey.pages, survey.left
    );
    for (kind, number) in &survey.kinds {
        println!("{number} “{kind}”, which come if you ask for them: --kind {kind}");
    }
    if survey.brought > 0 {
        println!("{} pictures of the folder come along.", survey.brought);
    }
    if survey.to_come > 0 {
        println!(
            "{} of those published there are dated on a day to come, and shown from then on.",
            survey.to_come
        );
    }
    if survey.loose_texts > 0 {
        println!("{} files that texts lead to are not there, or no articles.", survey.loose_texts);
    }
    if survey.loose_pictures + survey.loose_links > 0 {
        println!(
            "{} pictures and {} links name a place of the folder alone: give --site, or put the files of the pictures there.",
            survey.loose_pictures, survey.loose_links
        );
    }
    for one in &survey.first {
        println!("  {} ({} words) {}", one.title, one.words, one.byline);
    }
    println!("Nothing was written.");
}

fn came(report: &ArchiveReport) {
    println!(
        "{} new, {} updated, {} unchanged, {} withdrawn.",
        report.new, report.updated, report.unchanged, report.withdrawn
    );
    if report.kept > 0 {
        println!("{} were edited at the desk, and stay as they are there.", report.kept);
    }
    for (name, times) in &report.shortcodes {
        println!("Taken out {times} times, for nobody knows it here: [{name}]");
    }
}

/// Goes to standard error with `--json`, so that what is printed stays JSON.
async fn left_out(site: &Site, import: &Import, archive: &articles::Archive) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let left = articles::left_of_archive(&site.db, archive, after).await?;
        let Some(last) = left.last() else { return Ok(()) };
        after = last.number;
        for one in left {
            let line = format!("“{}”: {}", one.title, one.why);
            if import.json { eprintln!("{line}") } else { println!("{line}") }
        }
    }
}
