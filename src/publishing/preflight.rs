//! The last look before sending: what is in the way, and what a sender should know, in plain words.

use std::fmt;

use super::{
    Block, Content, Edition, Error, Placed, Result, fields,
    issue::{Body, Issue, SampleLinks},
    selections,
};
use crate::{
    articles::{self, Article, ArticleId, ArticleState},
    deliverability::{self, BULK, Check},
    mail::{FieldMistake, Templates},
    origin::{self, Standing},
    segments,
    settings::Settings,
    site::Site,
    subscribers::consent::phrase,
};

/// Gmail shows no more of a message than this, and puts a link in the place of the rest: the unsubscribe line among it.
const MOST_BYTES: usize = 102 * 1_024;

/// Mail programs show about 60 characters of a subject; a few more are no reason to speak.
const LONG_SUBJECT: usize = 70;
/// "NATO" is no shouting.
const FEW_LETTERS: usize = 10;

/// One thing that preflight found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The database may be a copy of the magazine's, or an older state of it.
    Doubtful,
    NoSubject,
    /// No article, and no words either.
    Empty,
    /// A field in its words that cannot stand there, with what is wrong with it.
    Field(FieldMistake),
    /// A button without words, or without an address.
    HalfButton,
    /// A field in the greeting or the appeal that is not there any more.
    FieldGone(String),
    /// An article that is not published, by its title.
    Draft(String),
    /// An article that somebody deleted, by its title.
    Deleted(String),
    /// What mail law wants said and the settings do not say (TRUST L4).
    Setting(&'static str),
    /// A segment that it goes by asks for something that is gone, in words.
    Segment(String),
    /// A block is for a segment that is gone, or not for it.
    ReadersGone,
    /// Blocks are for more kinds of readers than one edition can tell apart.
    TooManyChoices,
    /// Nobody is on the list.
    NoReaders,
    /// Some are, and what the edition is for leaves out all of them.
    NobodyMeant(Vec<&'static str>),
    /// So many readers, and what large receivers want of bulk mail is missing (TRUST M27).
    Unproven(Vec<&'static str>),
    /// The body cannot be made; says why.
    Broken(String),
    /// So many bytes, more than Gmail shows.
    TooLarge(usize),
    /// Words, but no article.
    NoArticles,
    /// No preview text, so mail programs show the first words they find.
    NoPreviewText,
    /// A subject of so many characters, of which most mail programs show the beginning.
    LongSubject(usize),
    /// A subject in capitals, as spam has it.
    Shouting,
    /// Words that stand for words, with where they stand.
    Filler(&'static str),
    /// So many blocks stand in the draft and in no mail.
    Hidden(usize),
    /// The picture of an article, by its title, that says nothing to who does not see it.
    NoAlt(String),
}

impl Problem {
    /// Whether the edition cannot be sent like this. The others are for the sender to decide.
    #[must_use]
    pub const fn is_in_the_way(&self) -> bool {
        !matches!(
            self,
            Self::FieldGone(_)
                | Self::TooLarge(_)
                | Self::NoArticles
                | Self::NoPreviewText
                | Self::LongSubject(_)
                | Self::Shouting
                | Self::Filler(_)
                | Self::NoAlt(_)
                | Self::Hidden(_)
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubtful => f.write_str(
                "This may be a copy of the magazine, or an older state of it. An owner says first what it is: the line on top leads there.",
            ),
            Self::NoSubject => f.write_str("It needs a subject."),
            Self::Empty => f.write_str("It is empty: add an article, or write a few words."),
            Self::Field(mistake) => write!(f, "{mistake}"),
            Self::HalfButton => {
                f.write_str("A button needs words and the address that it leads to. Write both, or take it out.")
            }
            Self::FieldGone(name) => write!(
                f,
                "The greeting or the appeal names the field “{name}”, and no such field may stand in mails any more: everybody reads the words for who has not answered. Put it right under Settings."
            ),
            Self::Draft(title) => write!(f, "“{title}” is not published yet. Publish it, or take it out."),
            Self::Deleted(title) => write!(
                f,
                "“{title}” was deleted. Take it out, or bring it back from the bin under Articles."
            ),
            Self::Setting(what) => {
                write!(f, "Under every edition must stand {what}. Fill it in under Settings.")
            }
            Self::Segment(why) => f.write_str(why),
            Self::ReadersGone => f.write_str(
                "A block is for a segment that was deleted, or for all but that one. Choose again who sees it.",
            ),
            Self::TooManyChoices => f.write_str(
                "Its blocks are for too many different kinds of readers: fifteen can be told apart. Choose the same ones for more of them.",
            ),
            Self::NoReaders => f.write_str("Nobody would get it: nobody is on this list whom we may mail."),
            Self::NobodyMeant(by) => write!(
                f,
                "Nobody would get it: there are readers on this list, and by {} none of them is meant. Choose otherwise in the draft.",
                phrase(by)
            ),
            Self::Unproven(missing) => write!(
                f,
                "More than {BULK} copies a day, and receivers have no proof that they come from you: {} missing. Settings, Deliverability says what to do.",
                match missing.as_slice() {
                    [one] => format!("{one} is"),
                    [first @ .., last] => format!("{} and {last} are", first.join(", ")),
                    [] => "it is".to_owned(),
                }
            ),
            Self::Broken(why) => write!(f, "The email cannot be made: {why}."),
            Self::TooLarge(bytes) => write!(
                f,
                "It is {} kB long. Gmail cuts off what is over 102 kB, the unsubscribe link too. Take an article out.",
                bytes.div_ceil(1_024)
            ),
            Self::NoArticles => f.write_str("There is no article in it."),
            Self::NoPreviewText => {
                f.write_str("There is no preview text, so mail programs show the first words they find.")
            }
            Self::LongSubject(characters) => write!(
                f,
                "The subject has {characters} characters. Most mail programs show the first 60, telephones fewer."
            ),
            Self::Shouting => f.write_str(
                "The subject is in capitals. Readers take that for shouting, and mail providers for spam.",
            ),
            Self::Filler(place) => write!(
                f,
                "“Lorem ipsum” stands in {place}: words that somebody may have meant to replace."
            ),
            Self::Hidden(1) => f.write_str("1 block is hidden: it stays in the draft, and no reader gets it."),
            Self::Hidden(blocks) => {
                write!(f, "{blocks} blocks are hidden: they stay in the draft, and no reader gets them.")
            }
            Self::NoAlt(title) => write!(
                f,
                "The picture of “{title}” is not described, so who does not see it hears the title. Describe it in the article."
            ),
        }
    }
}

/// What readers and mail programs make of a subject.
fn of_subject(subject: &str) -> impl Iterator<Item = Problem> {
    let characters = subject.chars().count();
    let letters = subject.chars().filter(|c| c.is_alphabetic()).count();
    let shouts = letters >= FEW_LETTERS
        && subject.chars().any(char::is_uppercase)
        && !subject.chars().any(char::is_lowercase);
    let long = (characters > LONG_SUBJECT).then_some(Problem::LongSubject(characters));
    long.into_iter().chain(shouts.then_some(Problem::Shouting))
}

/// Where words stand that somebody meant to replace.
fn filler(content: &Content) -> Option<Problem> {
    let stands_in = |text: &str| text.to_lowercase().contains("lorem ipsum");
    let in_block = |placed: &Placed| match &placed.block {
        Block::Words(words) => stands_in(words),
        Block::Article(shown) => stands_in(&shown.title) || stands_in(&shown.standfirst),
        Block::Button { label, .. } => stands_in(label),
        Block::Line | Block::Appeal | Block::Hidden(_) => false,
    };
    let places = [
        (stands_in(&content.subject), "the subject"),
        (stands_in(&content.preview_text), "the preview text"),
        (stands_in(&content.intro_markdown), "the words that it begins with"),
        (content.blocks.iter().any(in_block), "one of its blocks"),
    ];
    places.into_iter().find_map(|(stands, place)| stands.then_some(Problem::Filler(place)))
}

/// Why nobody would get it.
async fn nobody(site: &Site, edition: &Edition) -> Result<Problem> {
    let on_it = super::audience(edition).of_list(&site.db, site.now()).await?;
    let Content { topic_ids, rhythm, only_segment, except_segment, .. } = &edition.content;
    let by = [
        (!topic_ids.is_empty(), "its topics"),
        (rhythm.is_some(), "its rhythm"),
        (only_segment.or(*except_segment).is_some(), "the segments that it goes by"),
    ];
    let by: Vec<&'static str> = by.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
    let is_empty = on_it == 0 || by.is_empty();
    Ok(if is_empty { Problem::NoReaders } else { Problem::NobodyMeant(by) })
}

/// Everything that stands between an edition and so many readers, the grave things first.
pub async fn preflight(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
    readers: i64,
) -> Result<Vec<Problem>> {
    let issue = Issue::load(site, settings, edition).await?;
    Ok(check(site, templates, settings, (edition, readers), &issue).await?.0)
}

/// The same of an issue at hand, and the body that it found nothing wrong with.
pub(super) async fn check(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    (edition, readers): (&Edition, i64),
    issue: &Issue,
) -> Result<(Vec<Problem>, Option<Body>)> {
    let content = &edition.content;
    let mut problems = Vec::new();
    if origin::look(site).await? != Standing::AtHome {
        problems.push(Problem::Doubtful);
    }
    if content.subject.is_empty() {
        problems.push(Problem::NoSubject);
    }
    if issue.articles.is_empty() {
        let says = |placed: &Placed| matches!(&placed.block, Block::Words(words) if !words.trim().is_empty());
        let wordless = content.intro_markdown.trim().is_empty() && !content.blocks.iter().any(says);
        let empty = if wordless { Problem::Empty } else { Problem::NoArticles };
        // One that asks its readers needs none.
        problems.extend((wordless || !edition.asks_again).then_some(empty));
    }
    problems.extend(
        fields::mistakes(&site.db, content).await?.into_iter().map(|(_, wrong)| Problem::Field(wrong)),
    );
    let is_half = |placed: &&Placed| matches!(&placed.block, Block::Button { label, url } if label.is_empty() || url.is_empty());
    problems.extend(content.blocks.iter().find(is_half).map(|_| Problem::HalfButton));
    problems.extend(fields::gone(&site.db, settings).await?.into_iter().map(Problem::FieldGone));
    // What is scheduled for later is not out by the time that this goes.
    let goes = edition.send_at.unwrap_or_else(|| site.now());
    let is_out = |article: &Article| article.state == ArticleState::Published && article.published_at <= goes;
    let drafts: Vec<&Article> = issue.articles.iter().filter(|article| !is_out(article)).collect();
    let ids: Vec<ArticleId> = drafts.iter().map(|article| article.id).collect();
    let deleted = if ids.is_empty() { Vec::new() } else { articles::deleted_among(&site.db, &ids).await? };
    problems.extend(drafts.into_iter().map(|article| match deleted.contains(&article.id) {
        true => Problem::Deleted(article.title.clone()),
        false => Problem::Draft(article.title.clone()),
    }));
    problems.extend(settings.can_send().into_iter().map(Problem::Setting));
    problems.extend(segments::what_is_gone(&site.db, edition.id).await?.map(Problem::Segment));
    problems.extend(issue.selections.has_gone().then_some(Problem::ReadersGone));
    problems.extend(selections::are_too_many(content).then_some(Problem::TooManyChoices));
    if readers == 0 {
        problems.push(nobody(site, edition).await?);
    }
    if !settings.send_unproven {
        let missing = deliverability::in_the_way(site, settings.sender_email(), readers).await?;
        if !missing.is_empty() {
            problems.push(Problem::Unproven(missing.into_iter().map(Check::name).collect()));
        }
    }
    let body = match issue.compile(templates).await {
        Ok(body) => {
            let bytes = body.preview(&SampleLinks::load(site, edition).await?.personal())?.html.len();
            if bytes > MOST_BYTES {
                problems.push(Problem::TooLarge(bytes));
            }
            Some(body)
        }
        Err(Error::Database(error)) => return Err(error.into()),
        Err(error) => {
            problems.push(Problem::Broken(error.to_string()));
            None
        }
    };
    if content.preview_text.is_empty() {
        problems.push(Problem::NoPreviewText);
    }
    problems.extend(of_subject(&content.subject));
    problems.extend(filler(content));
    let hidden = content.blocks.iter().filter(|placed| placed.block.is_hidden()).count();
    problems.extend((hidden > 0).then_some(Problem::Hidden(hidden)));
    problems.extend(issue.undescribed.iter().cloned().map(Problem::NoAlt));
    problems.sort_by_key(|problem| !problem.is_in_the_way());
    Ok((problems, body))
}
