//! What a feed says, in whatever format: the fields that an article is made of, picked and not settled yet.

use url::Url;

use crate::clock::Moment;

/// A feed's own words and its articles.
#[derive(Debug, Default)]
pub struct Fields {
    /// Plain text.
    pub title: String,
    pub site: Option<Url>,
    /// Of what names no author of its own.
    pub authors: Vec<String>,
    pub items: Vec<Item>,
    /// How many more there were than are read.
    pub beyond: usize,
    /// Whether the last article broke off, and was left out.
    pub cut_off: bool,
}

/// An article, as the feed has it.
#[derive(Debug, Default)]
pub struct Item {
    /// What the feed calls it for good; may be empty.
    pub id: String,
    pub link: Option<Url>,
    /// Plain text.
    pub title: String,
    pub authors: Vec<String>,
    pub topics: Vec<String>,
    pub date: Date,
    pub summary: Option<Written>,
    pub contents: Vec<Written>,
    pub images: Vec<Picture>,
}

/// A picture that goes with an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub address: Url,
    /// What the feed says that it shows; mostly empty.
    pub alt: String,
}

/// When an article was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Date {
    #[default]
    None,
    /// There is one, and it cannot be read.
    Unreadable,
    At(Moment),
}

impl Date {
    /// The moment, if it could be read.
    pub fn moment(self) -> Option<Moment> {
        match self {
            Self::At(moment) => Some(moment),
            Self::None | Self::Unreadable => None,
        }
    }
}

/// A text of a feed, and what its format says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub kind: Kind,
    pub text: String,
    /// What its own links stand against, where the feed says so.
    pub base: Option<Url>,
}

/// What kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words, every one of which stays.
    Plain,
    Markup,
    /// Either: RSS does not say.
    Loose,
}

impl Written {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// An address of the web.
pub fn web_address(address: &str, base: Option<&Url>) -> Option<Url> {
    let address = address.trim();
    let url = match base {
        Some(base) => base.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    (!address.is_empty() && matches!(url.scheme(), "http" | "https")).then_some(url)
}
