//! What an archive consists of, and what its readers have in common.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    sync::Arc,
};

use super::{
    clean,
    rows::{ArchiveChoices, ArchiveFirst},
};
use crate::{
    articles::{feed::ParsedArticle, identity::Document, import::There},
    clock::Moment,
    kept_file,
    moving_in::AnyPlace,
};

/// More articles are brought in in parts.
const MOST_ARTICLES: u64 = 500_000;
/// More files are brought in in parts.
pub(super) const MOST_FILES: usize = 50_000;
/// No site has more kinds of things.
const MOST_KINDS: usize = 50;
/// No tag, text or comment of an export is longer.
pub(super) const LONGEST_PIECE: u64 = 16 * 1024 * 1024;

/// Why an archive is not read, in words for whoever brought it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Nothing that is read here.
    #[error(
        "this is no export that is read here. It can be an export of WordPress (.xml), of Ghost (.json), or a folder of Markdown files, packed as a ZIP"
    )]
    NotKnown,
    /// It is cut off, or no XML.
    #[error("the file is broken, or did not arrive whole ({0}): export it again")]
    Broken(String),
    /// No JSON, or cut off.
    #[error("the file is broken, or did not arrive whole: export it again")]
    Json,
    /// Entities are how a small file grows without end.
    #[error("the file declares entities of its own, which no export of WordPress does: it is not read")]
    Entities,
    /// Nested beyond all measure.
    #[error("its tags are nested too deeply for an export: it is not read")]
    Deep,
    /// One text without end.
    #[error("one piece of the file is longer than {} MB, which no article is: it is not read", LONGEST_PIECE / 1024 / 1024)]
    LongPiece,
    /// A ZIP that cannot be read.
    #[error("the ZIP is broken, or did not arrive whole: pack it again")]
    BrokenZip,
    /// A ZIP with a password.
    #[error("the ZIP needs a password: pack it without one")]
    Password,
    /// A ZIP that unpacks to far more than anybody writes.
    #[error("the ZIP unpacks to far more than anybody writes: it is not read")]
    Bomb,
    /// Too many files.
    #[error("the ZIP has more than {} files in it: pack it in parts", MOST_FILES)]
    TooManyFiles,
    /// Too many articles.
    #[error("it has more than {MOST_ARTICLES} articles: bring them in in parts")]
    TooManyArticles,
    /// It is no WordPress, or one that is closed.
    #[error(
        "its posts cannot be asked for: it is no WordPress site, or it does not let others read them. Export them there, and bring the file in"
    )]
    NoPosts,
    /// A page without an article, or one that a script writes.
    #[error(
        "no article can be made out on that page: it has too little text, or a script writes it. Copy the text, and paste it into a new article"
    )]
    NoText,
    /// The site does not want to be asked.
    #[error("it cannot be asked there: {0}")]
    Site(String),
    /// The site does not answer now.
    #[error("the site does not answer: {0}")]
    Away(String),
    /// The file cannot be read: of one at hand its disk says why.
    #[error("the file cannot be read: {0}")]
    File(io::Error),
    /// The database did not give the file, of which that says nothing.
    #[error("the database did not give the file: {0}")]
    NotNow(String),
    /// Our reader met what nobody foresaw.
    #[error("something in the file is written so strangely that our reader had to stop ({0})")]
    GaveUp(String),
}

impl ArchiveError {
    /// What a failure to read means: `broken`, unless it is the database's.
    pub(super) fn of_reading(error: &io::Error, broken: Self) -> Self {
        if kept_file::is_of_the_database(error) { Self::NotNow(error.to_string()) } else { broken }
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        if kept_file::is_of_the_database(&error) {
            Self::NotNow(error.to_string())
        } else {
            Self::File(error)
        }
    }
}

/// A file that can be opened as often as needed.
pub(super) type Opens = Arc<dyn Fn() -> io::Result<Box<dyn AnyPlace>> + Send + Sync>;

/// An article of an archive.
#[derive(Clone, Debug)]
pub(super) struct Article {
    pub article: ParsedArticle,
    pub there: There,
    /// What it was written as, if that was Markdown.
    pub markdown: Option<String>,
    /// Its name in addresses there.
    pub slug: Option<String>,
    /// What is to be known of it, as the end of a sentence that begins with its title.
    pub said: Option<String>,
}

impl Article {
    /// It as it will be.
    pub fn first(&self) -> ArchiveFirst {
        let one = &self.article;
        ArchiveFirst {
            title: one.title.clone(),
            byline: one.byline.clone(),
            topics: one.topics.clone(),
            published_at: one.published_at.map(|at| at.0),
            words: one.word_count,
            is_draft: self.there == There::Draft,
            is_withdrawn: self.there == There::Withdrawn,
        }
    }
}

/// What becomes of something that stands in an archive.
#[derive(Clone, Debug)]
pub(super) enum What {
    Article(Box<Article>),
    /// It is one, and was not asked for.
    Passed(There),
    /// Why it is none.
    Left(String),
}

/// Something that stands in an archive.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub title: String,
    pub is_page: bool,
    pub what: What,
    pub unknown: clean::Unknown,
}

/// A picture that a text names, for whoever keeps it.
pub(super) struct Wanted {
    pub file: String,
    /// What the text says that it shows.
    pub alt: String,
    pub bytes: Vec<u8>,
}

/// Keeps a picture, and says its address, or why it is not kept.
pub(super) type Keeps<'a> = &'a mut dyn FnMut(Wanted) -> Result<String, String>;

/// A text of a folder that others may name.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// What it is called for good.
    pub id: String,
    /// Where it says that it stands; may be empty.
    pub canonical: String,
    pub title: String,
    pub day: Option<Moment>,
}

/// Where the article is that comes of a text, if it is here.
pub(super) type Leads<'a> = &'a mut dyn FnMut(&Text) -> Option<String>;

/// What leads nowhere, each place once.
#[derive(Debug, Default)]
pub(super) struct AllLoose {
    pub pictures: HashSet<u64>,
    pub links: HashSet<u64>,
    pub texts: HashSet<u64>,
}

/// Who reads an archive, and what they want of it.
pub(super) struct Reading<'a> {
    pub choices: ArchiveChoices,
    /// What its articles are called.
    pub document: Document,
    /// The site that it is of, as far as it says.
    pub site: String,
    /// What is in it that is neither a post nor a page, by its kind.
    pub kinds: BTreeMap<String, u64>,
    /// Pictures that come along with its texts, by their places in the file; what its texts name and leads nowhere.
    pub brought: HashSet<usize>,
    pub loose: AllLoose,
    /// The texts of a folder, by their places in the file.
    pub texts: HashMap<usize, Text>,
    /// How many of those that readers see there are dated on a day to come.
    pub to_come: u64,
    pub now: Moment,
    /// Keeps the pictures that come along, and knows which articles are here; nobody does while it is only looked through.
    pub keeps: Option<Keeps<'a>>,
    pub leads: Option<Leads<'a>>,
    /// All came, and those come again that name others: these are here by now.
    pub is_again: bool,
    /// What was taken before.
    pub after: u64,
    /// How many are wanted as articles.
    pub wanted: u64,
    pub count: u64,
    /// Is told that all names are known now; and each piece, with its number. False ends it.
    pub begin: &'a mut dyn FnMut(&Document) -> bool,
    pub each: &'a mut dyn FnMut(u64, Piece) -> bool,
    /// Is told that what comes now comes again. False ends it.
    pub again: &'a mut dyn FnMut() -> bool,
    pub is_listened_to: &'a dyn Fn() -> bool,
    pub is_over: bool,
}

impl Reading<'_> {
    /// Whether anybody still listens.
    pub fn goes_on(&self) -> bool {
        !self.is_over && (self.is_listened_to)()
    }

    /// Whether the next piece is wanted as an article, or only counted.
    pub fn is_cleaned(&self) -> bool {
        (self.is_again || self.count >= self.after) && self.wanted > 0
    }

    /// The next piece; whether it goes on.
    pub fn piece(&mut self, piece: Piece) -> bool {
        self.count += 1;
        if self.count <= self.after && !self.is_again {
            return !self.is_over;
        }
        if matches!(piece.what, What::Article(_)) {
            self.wanted = self.wanted.saturating_sub(1);
        }
        self.is_over |= !(self.each)(self.count, piece);
        !self.is_over
    }

    /// Something of a kind that is brought in only if somebody asks for it.
    pub fn of_another_kind(&mut self, kind: &str) {
        if self.kinds.len() < MOST_KINDS || self.kinds.contains_key(kind) {
            *self.kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// An article's names.
    pub fn named(&mut self, id: &str, link: &str) -> Result<(), ArchiveError> {
        self.count += 1;
        if self.count > MOST_ARTICLES {
            return Err(ArchiveError::TooManyArticles);
        }
        self.document.add(id, link);
        Ok(())
    }

    /// All came; whether those come again that name others.
    pub fn comes_again(&mut self) -> bool {
        (self.count, self.is_again) = (0, true);
        self.goes_on() && (self.again)()
    }

    /// All names are known.
    pub fn begun(&mut self) -> bool {
        self.count = 0;
        self.is_over |= !(self.begin)(&self.document);
        !self.is_over
    }
}
