//! The rows of archives that are brought in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{clock::Moment, db, words};

words! {
    /// How far an archive is.
    pub enum ArchiveState {
        /// Its file is on the way here.
        Arriving = "arriving",
        /// It is looked through.
        Reading = "reading",
        /// Somebody is to say what is to come of it.
        Asking = "asking",
        /// Its articles are brought in.
        Running = "running",
        /// All of them are here.
        Done = "done",
        /// Somebody stopped it.
        Stopped = "stopped",
    }
}

words! {
    /// Which program wrote an archive.
    #[derive(Default)]
    pub enum ArchiveKind else Unknown {
        /// Nobody has looked yet.
        #[default]
        Unknown = "unknown",
        /// An export of WordPress.
        WordPress = "wordpress",
        /// An export of Ghost.
        Ghost = "ghost",
        /// A folder of Markdown files.
        Markdown = "markdown",
        /// A WordPress site, which is asked itself.
        Site = "site",
        /// One article, by its address.
        Page = "page",
    }
}

impl ArchiveState {
    /// Whether it goes on by itself.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Reading | Self::Running)
    }
}

/// What somebody chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchiveChoices {
    /// What is published there is published here at once; else it is a draft first.
    pub publishes: bool,
    /// Pages come as articles, too.
    pub pages: bool,
    /// What else a site has beside posts and pages, by what it calls them, comes as articles, too.
    pub kinds: Vec<String>,
    /// What was deleted here comes back.
    pub brings_back: bool,
    /// Categories become topics, and tags do not.
    pub categories_only: bool,
    /// The address of the site, where the archive does not say it; may be empty.
    pub site: String,
}

/// An article as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFirst {
    pub title: String,
    pub byline: String,
    pub topics: Vec<String>,
    pub published_at: Option<i64>,
    pub words: i64,
    /// Not all readers see it there.
    pub is_draft: bool,
    /// It is private there, or in the bin.
    pub is_withdrawn: bool,
}

/// What was seen in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchiveSurvey {
    /// Which program wrote it.
    pub kind: ArchiveKind,
    /// Articles that readers see there.
    pub published: u64,
    /// Articles that they do not see yet.
    pub drafts: u64,
    /// Articles that are private there, or in the bin.
    pub withdrawn: u64,
    /// Pages.
    pub pages: u64,
    /// What it has beside posts and pages, by what it calls them: brought in only if somebody asks for it.
    pub kinds: BTreeMap<String, u64>,
    /// What is no article: nothing in it, or far too long.
    pub left: u64,
    /// Articles that share what they are called with another.
    pub shared: u64,
    /// Pictures of its folder that come along with its texts.
    pub brought: u64,
    /// Pictures that its texts name by a place of its folder, where they are not.
    pub loose_pictures: u64,
    /// Links that lead to a place of its folder alone.
    pub loose_links: u64,
    /// Texts of its folder that others lead to, and that are not there, or no articles.
    pub loose_texts: u64,
    /// Of those that readers see there, files that are dated on a day to come.
    pub to_come: u64,
    /// The site that it is of, if it says so; of one that is asked itself, where.
    pub site: String,
    /// There are more than were looked at: of a site, which tells by the page.
    pub is_cut: bool,
    /// The text of the only one, as clean HTML; empty of an archive.
    pub preview: String,
    /// The first ones.
    pub first: Vec<ArchiveFirst>,
}

/// What came of an archive so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchiveReport {
    /// Articles that were not here.
    pub new: u64,
    /// Articles that had changed there.
    pub updated: u64,
    /// Articles that are here as they are there.
    pub unchanged: u64,
    /// Articles that were written here since, and stay so.
    pub kept: u64,
    /// Articles that are shown there no more, and here neither.
    pub withdrawn: u64,
    /// What was left out.
    pub left: u64,
    /// Shortcodes that nobody knows here, and in how many places they were taken out.
    pub shortcodes: BTreeMap<String, u64>,
}

/// What was left out, or came otherwise than it stands there.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct ArchiveLeft {
    /// The how many-th it is.
    pub number: i64,
    pub title: String,
    /// Why, as a sentence.
    pub why: String,
}

/// An archive that somebody brings in.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub struct Archive {
    pub(super) id: i64,
    /// In addresses.
    pub public_id: String,
    pub state: ArchiveState,
    pub kind: ArchiveKind,
    /// Who began it; empty at the command line.
    pub who: String,
    pub(super) staff_id: Option<i64>,
    pub created_at: Moment,
    /// When somebody, or the program, last did something with it.
    pub changed_at: Moment,
    /// What the file is called.
    pub file: String,
    /// Its bytes.
    pub size: i64,
    pub(super) choices: String,
    pub(super) survey: String,
    pub(super) report: String,
    /// How many of its pieces were taken.
    pub at: i64,
    /// Why it does not go on; may be empty.
    pub trouble: String,
}

impl Archive {
    /// Its number, for pages of them.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.id
    }

    /// What was chosen.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn choices(&self) -> db::Result<ArchiveChoices> {
        read(&self.choices)
    }

    /// What was seen in its file.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn survey(&self) -> db::Result<ArchiveSurvey> {
        read(&self.survey)
    }

    /// What came of it so far.
    ///
    /// # Errors
    /// When the row holds something else.
    pub fn report(&self) -> db::Result<ArchiveReport> {
        read(&self.report)
    }
}

pub(super) fn written(what: &impl Serialize) -> db::Result<String> {
    serde_json::to_string(what).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read<T: Default + DeserializeOwned>(text: &str) -> db::Result<T> {
    if text.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}
