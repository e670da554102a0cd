//! Who wrote what. Authors come of bylines, and are kept in step with them: whatever changes a byline leaves a row that says so, and
//! what was not read at once a job reads. Two spellings of one person are merged at the desk: then one stands for both.

use std::collections::HashMap;

use url::Url;

use super::{byline, rows::Author, store::authors as store};
use crate::{
    audit_log,
    clock::Moment,
    db::{self, Db, MaybeDatabase},
    email_address::folded,
    site::Site,
};

/// What the desk writes of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorDescription {
    /// How readers read their name; required, up to 100 characters.
    pub name: String,
    /// Up to 2,000 characters.
    pub bio: String,
    /// An https address, or empty.
    pub picture_url: String,
    /// Addresses, a line each; up to six.
    pub links: String,
}

/// Why nothing was done with an author.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// The form comes back with these: field, and a sentence for the person who typed.
    #[error("that cannot be saved as it is")]
    Invalid(Vec<(&'static str, &'static str)>),
    /// There is nobody of that name, or they stand for nobody.
    #[error("there is no such author")]
    NotFound,
    /// Somebody else changed them since they were looked at.
    #[error("somebody else changed the author meanwhile")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for AuthorError {
    fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// An author, and how many articles there are of theirs.
pub type AuthorWrote = (Author, i64);

/// Reads the bylines that wait for it: those of an earlier version, and those that were changed by who does not read them.
///
/// # Errors
/// When the database fails; what was read stays.
pub async fn read_waiting_bylines(site: &Site) -> db::Result<()> {
    const CHUNK: i64 = 50;
    let mut after = 0;
    loop {
        let waiting = store::unread_bylines(&site.db, after, CHUNK).await?;
        let Some(last) = waiting.last() else { return Ok(()) };
        after = last.0;
        db::again(async || {
            let mut tx = site.db.begin().await?;
            for id in &waiting {
                store::read_byline(&mut tx, *id).await?;
            }
            tx.commit().await
        })
        .await?;
    }
}

/// For each name of a byline that has a page, the slug of it.
pub async fn pages_of_authors<'a>(db: &Db, byline: &'a str) -> db::Result<HashMap<&'a str, String>> {
    let names: Vec<_> =
        byline::signed(byline).into_iter().map(|part| part.name).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let spellings: Vec<String> = names.iter().map(|name| byline::spelling(name)).collect();
    let pages: HashMap<String, String> = store::pages_of(db, &spellings).await?.into_iter().collect();
    Ok(names
        .into_iter()
        .zip(spellings)
        .filter_map(|(name, spelling)| Some((name, pages.get(&spelling)?.clone())))
        .collect())
}

/// The author of that name in addresses, also one who is merged into another.
pub async fn author_by_slug(db: &Db, slug: &str) -> db::Result<Option<Author>> {
    store::by_slug(db, slug).await
}

/// One author.
pub async fn author_by_id(db: &Db, id: i64) -> db::Result<Option<Author>> {
    store::by_id(db, id).await
}

/// Whoever is spelt so in bylines, or has that name in addresses.
pub async fn author_named(db: &Db, typed: &str) -> db::Result<Option<Author>> {
    let spelling = byline::spelling(typed);
    let found = store::by_spelling(db, &spelling).await?;
    if found.is_some() { Ok(found) } else { store::by_slug(db, typed.trim()).await }
}

/// Authors, the newest first, from a place on; with a word in their name, in any script and case.
pub async fn authors_page(
    db: &Db,
    search: &str,
    before: Option<i64>,
    limit: i64,
) -> db::Result<Vec<AuthorWrote>> {
    let authors = store::page(db, before.unwrap_or(i64::MAX), &folded(search.trim()), limit).await?;
    let ids: Vec<i64> = authors.iter().map(|author| author.id).collect();
    let wrote: HashMap<i64, i64> = store::wrote(db, &ids).await?.into_iter().collect();
    Ok(authors
        .into_iter()
        .map(|author| {
            let number = wrote.get(&author.id).copied().unwrap_or(0);
            (author, number)
        })
        .collect())
}

/// Other spellings of somebody, which were merged into them.
pub async fn other_spellings(db: &Db, id: i64) -> db::Result<Vec<String>> {
    store::spellings(db, id).await
}

/// Writes down what readers read of somebody, as long as they are as they were `seen`.
///
/// # Errors
/// [`AuthorError`]
pub async fn describe_author(
    site: &Site,
    by: i64,
    (id, seen): (i64, Moment),
    typed: &AuthorDescription,
) -> Result<(), AuthorError> {
    let AuthorDescription { name, bio, picture_url, links } = valid(typed).map_err(AuthorError::Invalid)?;
    db::again(async || {
        let mut tx = site.db.begin().await?;
        // Pressed twice within a microsecond it is still another version.
        let now = site.now().max(Moment(seen.0 + 1));
        if !store::describe(&mut tx, id, (&name, &bio, &picture_url, &links), (now, seen)).await? {
            let there = store::is_there(&mut tx, id).await?;
            return Err(if there { AuthorError::Changed } else { AuthorError::NotFound });
        }
        audit_log::record(&mut tx, site, Some(by), "described an author", &name, "").await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// Two spellings are one person from now on: `into` stands for `from`, too, whose page leads there.
///
/// # Errors
/// [`AuthorError::NotFound`] when either is not there, or does not stand for themselves.
pub async fn merge_authors(site: &Site, by: i64, from: &Author, into: &Author) -> Result<(), AuthorError> {
    if from.id == into.id {
        return Err(AuthorError::NotFound);
    }
    db::again(async || {
        let mut tx = site.db.begin().await?;
        if !store::merge(&mut tx, (from.id, into.id), site.now()).await? {
            return Err(AuthorError::NotFound);
        }
        audit_log::record(&mut tx, site, Some(by), "merged two authors", &into.name, &from.name).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// All spellings that were merged into somebody stand for themselves again. Whose articles are whose is read from the bylines
/// within some minutes.
///
/// # Errors
/// [`AuthorError::NotFound`] when nobody is merged into them.
pub async fn part_authors(site: &Site, by: i64, author: &Author) -> Result<(), AuthorError> {
    db::again(async || {
        let mut tx = site.db.begin().await?;
        if !store::part(&mut tx, author.id, site.now()).await? {
            return Err(AuthorError::NotFound);
        }
        audit_log::record(&mut tx, site, Some(by), "parted two authors", &author.name, "").await?;
        Ok(tx.commit().await?)
    })
    .await
}

fn valid(typed: &AuthorDescription) -> Result<AuthorDescription, Vec<(&'static str, &'static str)>> {
    let is_of_the_web = |address: &str, schemes: &[&str]| {
        Url::parse(address).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
    };
    let links: Vec<&str> = typed.links.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let valid = AuthorDescription {
        name: typed.name.split_whitespace().collect::<Vec<_>>().join(" "),
        bio: typed.bio.trim().replace("\r\n", "\n"),
        picture_url: typed.picture_url.trim().to_owned(),
        links: links.join("\n"),
    };
    let longer = |text: &str, most: usize| text.chars().count() > most;
    let checks = [
        (valid.name.is_empty(), "name", "Please enter a name."),
        (longer(&valid.name, 100), "name", "Please keep the name under 100 characters."),
        (longer(&valid.bio, 2_000), "bio", "Please keep it under 2,000 characters."),
        (
            longer(&valid.picture_url, 1_000)
                || !valid.picture_url.is_empty() && !is_of_the_web(&valid.picture_url, &["https"]),
            "picture_url",
            "Please give an address that begins with https://.",
        ),
        (
            links.len() > 6
                || longer(&valid.links, 1_000)
                || !links.iter().all(|link| is_of_the_web(link, &["http", "https"])),
            "links",
            "Please give at most six addresses that begin with https://, a line each.",
        ),
    ];
    let wrong: Vec<_> =
        checks.into_iter().filter(|(wrong, ..)| *wrong).map(|(_, field, message)| (field, message)).collect();
    if wrong.is_empty() { Ok(valid) } else { Err(wrong) }
}
