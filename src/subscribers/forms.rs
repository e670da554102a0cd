//! Forms to subscribe: what each asks, offers and says. The first is called [`MAIN`], and stands at `/subscribe`.
//!
//! A form that other sites hold writes nothing by what their pages send: whoever presses there presses once more on a page of ours,
//! in a frame of ours, or comes by the endpoint for programs, which has a brake of its own.

use std::time::Duration;

use url::Url;

use super::{
    By, Result as Done, SubscriberError,
    budget::day,
    consent,
    fields::short_name,
    lists::{self, List},
    store::{self, forms as rows},
    topics::{self, Topic},
};
pub use super::{
    rows::{Answer, FormState, Offers, OffersTopics, SignUpForm},
    store::forms::{Asked, CameBy, Words},
};
use crate::{
    attempts::{Attempt, Refusal, Shared},
    audit_log,
    clock::Moment,
    db::{self, Db, MaybeDatabase, Tx},
    email_address::EmailAddress,
    network::Network,
    settings::Settings,
    site::Site,
    token,
};

/// The form on our own pages.
pub const MAIN: &str = "main";
/// More are hard to look after.
const MOST_FORMS: usize = 100;
const MOST_SITES: usize = 20;
/// More questions than that keep people away.
pub const MOST_ASKED: usize = 8;
/// What the list of forms counts.
pub const COUNTED: Duration = Duration::from_secs(30 * 86_400);
/// Pages in addresses under `/subscribe` that are no forms.
const TAKEN: [&str; 2] = [MAIN, "sent"];
/// So many of a form's days are counted apart.
const PARTS: u64 = 16;
/// What pages of other sites send for whoever looks at them. Nobody saw how long that took, so it is less than by our own pages.
const FROM_ELSEWHERE: Shared = Shared::new("subscribe on another site", 10, 1_000);

/// Why a form was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    #[error("There are {MOST_FORMS} forms already.")]
    TooMany,
    #[error("Somebody else saved this form meanwhile.")]
    Changed,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl MaybeDatabase for FormError {
    fn database(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}

/// Why a list of sites is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSites {
    #[error("“{0}” is no address of a site. Write it as in https://www.example.org.")]
    Site(String),
    #[error("Name at most {MOST_SITES} sites.")]
    TooMany,
}

impl SignUpForm {
    /// Whether it takes sign-ups.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == FormState::Open && self.retired_at.is_none()
    }

    /// The sites whose pages may hold it, as origins.
    pub fn sites(&self) -> impl Iterator<Item = &str> {
        self.sites.lines()
    }

    /// Whether a page of that origin may hold it.
    #[must_use]
    pub fn is_on(&self, origin: &str) -> bool {
        self.sites().any(|site| site == origin)
    }

    /// Where it stands on our site.
    #[must_use]
    pub fn path(&self) -> String {
        if self.slug == MAIN { "/subscribe".to_owned() } else { format!("/subscribe/{}", self.slug) }
    }

    /// The words beside the box.
    #[must_use]
    pub fn wording(&self, settings: &Settings) -> String {
        if self.wording.is_empty() { consent::wording(&settings.magazine_name) } else { self.wording.clone() }
    }

    /// How somebody came who used it on that page.
    #[must_use]
    pub fn by<'a>(&'a self, page: &'a str) -> By<'a> {
        let source = if self.source.is_empty() { page } else { &self.source };
        By { form: Some(self.id), source, campaign: &self.campaign, at: None }
    }
}

/// A form with what it offers and asks.
#[derive(Clone, Debug)]
pub struct Shown {
    pub form: SignUpForm,
    /// The lists that can be joined by it.
    pub lists: Vec<List>,
    pub fields: Vec<Asked>,
    /// What those lists offer to choose among, by list, where the form says so.
    pub topics: Vec<(i64, Vec<Topic>)>,
    /// The words beside the box.
    pub wording: String,
}

/// The form of that name.
pub async fn named(db: &Db, slug: &str) -> db::Result<Option<SignUpForm>> {
    rows::named(db, slug).await
}

/// As people see it; one that is closed offers nothing.
pub async fn shown(db: &Db, settings: &Settings, slug: &str) -> db::Result<Option<Shown>> {
    let Some(form) = rows::named(db, slug).await? else { return Ok(None) };
    let offered = if form.is_open() { offers(db, &form).await? } else { Vec::new() };
    let fields = rows::fields_of(db, form.id).await?;
    let topics = topics(db, &form, &offered).await?;
    Ok(Some(Shown { wording: form.wording(settings), form, lists: offered, fields, topics }))
}

/// The lists that a form offers once it is open.
pub async fn offers(db: &Db, form: &SignUpForm) -> db::Result<Vec<List>> {
    let mut offered = lists::open(db).await?;
    if form.offers == Offers::Chosen {
        let chosen = rows::lists_of(db, form.id).await?;
        offered.retain(|list| chosen.contains(&list.id));
    }
    Ok(offered)
}

/// What these lists offer to choose among, by list, where the form says so.
pub async fn topics(db: &Db, form: &SignUpForm, lists: &[List]) -> db::Result<Vec<(i64, Vec<Topic>)>> {
    if form.topics == OffersTopics::No || lists.is_empty() {
        return Ok(Vec::new());
    }
    let mut of_lists = topics::offered(db).await?;
    Ok(lists.iter().filter_map(|list| Some((list.id, of_lists.remove(&list.id)?))).collect())
}

/// Every form, the first one first, and how many came by it lately.
pub async fn all(site: &Site) -> db::Result<Vec<(SignUpForm, CameBy)>> {
    let came = rows::came(&site.db, day(site.now().minus(COUNTED))).await?;
    let of = |form: &SignUpForm| came.iter().find(|one| one.form_id == form.id).copied().unwrap_or_default();
    Ok(rows::all(&site.db).await?.into_iter().map(|form| (of(&form), form)).map(|(c, f)| (f, c)).collect())
}

/// The open forms that offer nothing: by id and name.
pub async fn empty(db: &Db) -> db::Result<Vec<(i64, String)>> {
    rows::empty_without(db, 0).await
}

/// The open forms that would offer nothing without a list: by id and name.
pub async fn empty_without(db: &Db, list: i64) -> db::Result<Vec<(i64, String)>> {
    rows::empty_without(db, list).await
}

/// The lists that were chosen for a form.
pub async fn chosen_lists(db: &Db, form: i64) -> db::Result<Vec<i64>> {
    rows::lists_of(db, form).await
}

/// The fields that a form asks.
pub async fn asked(db: &Db, form: i64) -> db::Result<Vec<Asked>> {
    rows::fields_of(db, form).await
}

/// The wordings that stood beside its box, and since when; the first is version 1.
pub async fn wordings(db: &Db, form: i64) -> db::Result<Vec<(String, Moment)>> {
    rows::wordings(db, form).await
}

/// Makes a form, closed as yet. Returns its part of an address.
///
/// # Errors
/// [`FormError`]; nothing was made then.
pub async fn add(site: &Site, staff: i64, name: &str) -> Result<String, FormError> {
    let wanted = short_name(name, '-', "form");
    if rows::all(&site.db).await?.iter().filter(|form| form.retired_at.is_none()).count() >= MOST_FORMS {
        return Err(FormError::TooMany);
    }
    let mut tx = site.db.begin().await?;
    for number in 1..=10 * MOST_FORMS {
        let slug = if number == 1 { wanted.clone() } else { format!("{wanted}-{number}") };
        if !TAKEN.contains(&slug.as_str()) && rows::add(&mut tx, &slug, name).await? {
            audit_log::record(&mut tx, site, Some(staff), "made a form", &slug, name).await?;
            tx.commit().await?;
            return Ok(slug);
        }
    }
    Err(FormError::TooMany)
}

/// What a form says, offers and asks.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub words: Words<'a>,
    /// Of those it offers, where that is not every public one.
    pub lists: &'a [i64],
    /// In their order.
    pub fields: &'a [(i64, Answer)],
}

/// Saves a form. `seen` is what [`SignUpForm::changes`] said when the page was opened.
///
/// # Errors
/// [`FormError`]; nothing was changed then.
pub async fn save(
    site: &Site,
    settings: &Settings,
    staff: i64,
    (slug, seen): (&str, i64),
    draft: Draft<'_>,
) -> Result<(), FormError> {
    let mut tx = site.db.begin().await?;
    if !rows::save(&mut tx, slug, seen, draft.words).await? {
        return Err(FormError::Changed);
    }
    let form = rows::named_in(&mut tx, slug).await?.ok_or(FormError::Changed)?;
    rows::offer(&mut tx, form.id, draft.lists).await?;
    rows::ask(&mut tx, form.id, draft.fields).await?;
    let text = form.wording(settings);
    let wording = store::wording(&mut tx, "subscribe", &text, &token::hash(&text), site.now()).await?;
    rows::says(&mut tx, form.id, wording, site.now()).await?;
    audit_log::record(&mut tx, site, Some(staff), "changed a form", slug, form.state.as_str()).await?;
    tx.commit().await?;
    Ok(())
}

/// Puts a form away: nobody can use it, and its sign-ups stay counted and proven. Or brings it back, as it was.
///
/// # Errors
/// [`FormError::Changed`]; nothing was changed then. The first form stays.
pub async fn put_away(
    site: &Site,
    staff: i64,
    (slug, seen): (&str, i64),
    away: bool,
) -> Result<(), FormError> {
    let mut tx = site.db.begin().await?;
    if !rows::retire(&mut tx, slug, seen, away.then(|| site.now())).await? {
        return Err(FormError::Changed);
    }
    let did = if away { "put a form away" } else { "brought a form back" };
    audit_log::record(&mut tx, site, Some(staff), did, slug, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a form that was put away and by which nobody came.
///
/// # Errors
/// [`FormError::Changed`] when it is not so, or not any more; nothing was deleted then.
pub async fn delete(site: &Site, staff: i64, (slug, seen): (&str, i64)) -> Result<(), FormError> {
    let mut tx = site.db.begin().await?;
    if !rows::delete(&mut tx, slug, seen).await? {
        return Err(FormError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "deleted a form", slug, "").await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody came by a form: then it can be put away, and not deleted.
pub async fn was_used(db: &Db, form: i64) -> db::Result<bool> {
    rows::was_used(db, form).await
}

/// Says which sites may hold a form.
///
/// # Errors
/// [`FormError`]; nothing was changed then.
pub async fn save_sites(
    site: &Site,
    staff: i64,
    (slug, seen): (&str, i64),
    sites: &[String],
) -> Result<(), FormError> {
    let sites = sites.join("\n");
    let mut tx = site.db.begin().await?;
    if !rows::save_sites(&mut tx, slug, seen, &sites).await? {
        return Err(FormError::Changed);
    }
    audit_log::record(&mut tx, site, Some(staff), "named the sites of a form", slug, &sites).await?;
    tx.commit().await?;
    Ok(())
}

/// Sites as people write them, one a line, as origins.
///
/// # Errors
/// [`NoSites`] with the first line that is none.
pub fn read_sites(text: &str) -> Result<Vec<String>, NoSites> {
    let mut sites: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let site = origin_of(line).ok_or_else(|| NoSites::Site(line.chars().take(80).collect()))?;
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    if sites.len() > MOST_SITES { Err(NoSites::TooMany) } else { Ok(sites) }
}

/// The origin stands in headers: there `;` and `*` have a meaning, and the parser of addresses lets them into names.
fn origin_of(line: &str) -> Option<String> {
    let url = Url::parse(line).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let is_bare =
        url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none();
    let origin = url.origin().ascii_serialization();
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'/' | b'[' | b']');
    (is_bare && origin.bytes().all(plain)).then_some(origin)
}

/// Whether a page of another site may send one more sign-up for somebody on that network.
///
/// # Errors
/// [`SubscriberError::TooMany`]; when the database fails.
pub async fn may_send_from_elsewhere(site: &Site, ip: &str) -> Done<()> {
    let network = ip.parse().ok().and_then(Network::of);
    // Who is known by their network keeps nobody else out.
    let limits = if network.is_some() { FROM_ELSEWHERE.apart(network) } else { FROM_ELSEWHERE.on(None) };
    match Attempt::begin(site, &limits).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

/// What somebody did by a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Asked,
    Confirmed,
}

/// The lists that a form offers at this moment; none while it is closed. Whether readers may join them at all is another question.
pub(super) async fn offered(tx: &mut Tx, form: i64) -> db::Result<Vec<i64>> {
    rows::offered(tx, form).await
}

/// By which form a reader last asked for a list, and for what: whether a letter came of that asking or of one before.
pub(super) async fn asked_by(tx: &mut Tx, subscriber: i64, list: i64) -> db::Result<rows::AskedBy> {
    rows::asked_by(tx, subscriber, list).await
}

/// Counts one more of them.
pub(super) async fn one_more(tx: &mut Tx, form: i64, part: i64, did: Did, now: Moment) -> db::Result<()> {
    let counts = (i64::from(did == Did::Asked), i64::from(did == Did::Confirmed));
    rows::one_more(tx, (form, day(now), part), counts).await?;
    Ok(())
}

/// Where somebody is counted: those who come at once are spread, and wait for one another less.
pub(super) fn part_of(email: &EmailAddress) -> i64 {
    let sum: u64 = email.key().bytes().map(u64::from).sum();
    i64::try_from(sum % PARTS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in `frame-ancestors` and is compared with `Origin` is an origin and nothing else.
    #[test]
    fn sites_are_origins() {
        let read = |text: &str| read_sites(text).map(|sites| sites.join(" "));
        assert_eq!(
            read(" https://Example.org/ \n\nhttps://bücher.example:8443\nhttps://example.org").as_deref(),
            Ok("https://example.org https://xn--bcher-kva.example:8443")
        );
        for wrong in [
            "example.org",
            "https://example.org/blog",
            "https://*.example.org",
            "https://a;b.example",
            "javascript:alert(1)",
            "https://ann@example.org",
            "https://a.example, https://b.example",
            "null",
            "https://example.org?x",
            "file:///x",
        ] {
            assert!(matches!(read_sites(wrong), Err(NoSites::Site(_))), "{wrong}");
        }
        let many: String = (0..21).map(|at| format!("https://a{at}.example\n")).collect();
        assert_eq!(read_sites(&many), Err(NoSites::TooMany));
    }
}
