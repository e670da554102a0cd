//! An edition as a mail: what the digest template is told, and what comes of it.

use std::collections::HashSet;

use url::Url;

use super::{
    Block, Content, Edition, Error, Look, Placed, Readers, Result, Selections, ShownArticle, Whom, fields,
};
use crate::{
    articles::{self, Article},
    clock::Moment,
    db::Tx,
    delivery::{self, VariantHeaders},
    heavy,
    mail::{
        self, Appeal, ArticleBlock, Compiled, DigestBlock, DigestContext, Image, LetterBlock, Personal,
        SeenParts, Templates,
    },
    segments::{self, Narrowing},
    settings::{ArticlesAt, Settings},
    site::Site,
    subscribers::{self, Subscriber, consent},
    token,
};

/// An edition as a reader who does not exist would get it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The whole HTML page of the mail.
    pub html: String,
    /// Its text part.
    pub text: String,
}

/// What readers will get, or once it is approved what was, with sample personal fields; the links that act for a reader
/// lead nowhere.
///
/// # Errors
/// When the database fails or the mail cannot be made.
pub async fn preview(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
) -> Result<Preview> {
    preview_as(site, templates, settings, edition, Eyes::Sample).await
}

/// With whose eyes an edition is looked at before it goes.
#[derive(Clone, Copy, Debug)]
pub enum Eyes<'a> {
    /// Of a reader who does not exist and has told everything, with every block, whoever it is for.
    Sample,
    /// Of one who told nothing: no name, and no answer.
    Nameless,
    /// Of somebody of whom nothing is known: who never gave, and is in no segment.
    Stranger,
    /// Of one of these readers.
    One(Readers),
    /// Of one who is there.
    Reader(&'a Subscriber),
}

impl Eyes<'_> {
    async fn parts(self, site: &Site, settings: &Settings, edition: &Edition) -> Result<SeenParts> {
        let selections = Selections::load(site, settings, edition).await?;
        Ok(match self {
            Self::Sample | Self::Nameless => SeenParts::ALL,
            Self::Stranger => selections.seen_by(None),
            Self::One(readers) => selections.seen_by(Some(readers)),
            Self::Reader(reader) => selections.seen_by_reader(site, reader.id).await?,
        })
    }
}

/// As [`preview`], as somebody would get it: their name and answers stand in it, and no link of theirs. Nothing is counted.
///
/// # Errors
/// As [`preview`].
pub async fn preview_as(
    site: &Site,
    templates: &Templates,
    settings: &Settings,
    edition: &Edition,
    eyes: Eyes<'_>,
) -> Result<Preview> {
    let links = SampleLinks::seen_by(site, edition, eyes).await?;
    let personal = Personal { parts: eyes.parts(site, settings, edition).await?, ..links.personal() };
    if let Some((html, text)) =
        delivery::revision_shown(site, edition.id, edition.revision, &personal).await?
    {
        return Ok(Preview { html, text });
    }
    Issue::load(site, settings, edition).await?.compile(templates).await?.preview(&personal)
}

/// In one word, what stands in the mail of an edition, and what the segments that it goes by ask, with those that they take in: what its pages carry, so that nobody approves another text than they
/// saw. Of what is frozen it is what was frozen; the day that the mail bears does not count.
pub async fn fingerprint(site: &Site, settings: &Settings, edition: &Edition) -> Result<String> {
    match delivery::fingerprint_of(&site.db, edition.id, edition.revision).await? {
        Some(frozen) => Ok(frozen),
        None => Ok(Issue::load(site, settings, edition).await?.fingerprint()),
    }
}

/// What a fingerprint begins with. It is another one whenever an issue says itself otherwise, so that what was approved before is not
/// taken for changed.
const SHAPE: &str = "parts.";

/// Whether it is one that what is written now could have.
pub(super) fn is_comparable(fingerprint: &str) -> bool {
    fingerprint.starts_with(SHAPE)
}

/// An edition with everything that stands in its mail, read once: what is looked at, checked, compiled and frozen is the same.
pub(super) struct Issue {
    context: DigestContext,
    headers: VariantHeaders,
    pub(super) articles: Vec<Article>,
    /// Those whose picture is shown and described nowhere, by their titles.
    pub(super) undescribed: Vec<String>,
    /// The segments that it goes by, each in a version.
    pub(super) segments: Narrowing,
    /// The selections that its blocks make among its readers.
    pub(super) selections: Selections,
}

/// An issue ready to be frozen.
pub(super) struct Body {
    headers: VariantHeaders,
    compiled: Compiled,
    selections: Selections,
    fingerprint: String,
}

impl Issue {
    pub(super) async fn load(site: &Site, settings: &Settings, edition: &Edition) -> Result<Self> {
        let articles = articles::by_ids(&site.db, &edition.content.article_ids()).await?;
        let letterhead = settings.letterhead(site);
        let headers = VariantHeaders {
            from_name: letterhead.from_name,
            from_email: letterhead.from.into(),
            reply_to: letterhead.reply_to.map(String::from).unwrap_or_default(),
            edition: edition.public_id.clone(),
            date: site.now(),
            list_id: edition.list_id,
            list: edition.list_public_id.clone(),
            list_slug: edition.list_slug.clone(),
            list_name: edition.list_name.clone(),
        };
        let letters = letters(&edition.content).await?;
        let fields = fields::standing_in(&site.db, settings, &letters).await?;
        let selections = Selections::load(site, settings, edition).await?;
        let (letter, blocks) = blocks(site, settings, edition, (&articles, &selections), letters).await?;
        let mut context = DigestContext { letter, fields, ..context(site, settings, edition) };
        context.lay_out(blocks, appeal(settings, edition, &selections));
        let segments = segments::of_edition(&site.db, edition.id).await?;
        let pictured = context.blocks.iter().chain(&context.after).filter_map(|block| block.article.as_ref());
        let pictured: Vec<&str> =
            pictured.filter(|one| one.image.is_some()).map(|one| one.url.as_str()).collect();
        let is_bare = |one: &&Article| {
            one.image_alt.trim().is_empty() && pictured.contains(&address(site, settings, one).as_str())
        };
        let undescribed = articles.iter().filter(is_bare).map(|one| one.title.clone()).collect();
        Ok(Self { context, headers, articles, undescribed, segments, selections })
    }

    pub(super) fn fingerprint(&self) -> String {
        let undated = (
            DigestContext { date: String::new(), ..self.context.clone() },
            VariantHeaders { date: Moment(0), ..self.headers.clone() },
        );
        let mut said = serde_json::to_string(&undated).unwrap_or_default();
        said.push_str(&self.segments.in_full());
        said.push_str(&self.selections.said());
        format!("{SHAPE}{}", token::hash(&said))
    }

    /// Everywhere outside of this house that its mail leads, each once: to where, and what stands there.
    pub(super) fn links(&self, site: &Site) -> Vec<(String, String)> {
        let of_words = |words: &[LetterBlock]| {
            let runs = words.iter().flat_map(|block| block.runs.clone());
            runs.filter(|run| !run.link.is_empty()).map(|run| (run.link, run.text)).collect::<Vec<_>>()
        };
        let mut links = of_words(&self.context.letter);
        for block in self.context.blocks.iter().chain(&self.context.after) {
            if let Some(article) = &block.article {
                let picture = article.image.as_ref();
                links.push((article.url.clone(), article.title.clone()));
                links.extend(
                    picture.map(|it| (it.url.clone(), format!("the picture of “{}”", article.title))),
                );
            }
            links.extend(block.button.as_ref().map(|button| (button.url.clone(), button.label.clone())));
            links.extend(of_words(&block.words));
        }
        let mut seen = HashSet::new();
        let ours = [site.url("/articles/"), site.url("/pictures/")];
        let is_ours = |url: &str| ours.iter().any(|ours| url.starts_with(ours.as_str()));
        links.retain(|(url, _)| url.starts_with("http") && !is_ours(url) && seen.insert(url.clone()));
        links
    }

    /// Refuses what is not what somebody saw.
    pub(super) fn check_seen(&self, seen: &str) -> Result<()> {
        if self.fingerprint() == seen { Ok(()) } else { Err(Error::NotAsSeen) }
    }

    pub(super) async fn compile(&self, templates: &Templates) -> Result<Body> {
        let (templates, context) = (templates.clone(), self.context.clone());
        let compiled = heavy::aside(move || mail::compile(&templates, &context)).await.map_err(|cause| {
            tracing::error!(%cause, edition = self.headers.edition, "making an edition's mail failed in a way that nobody foresaw");
            Error::Strange
        })??;
        let (headers, selections) = (self.headers.clone(), self.selections.clone());
        Ok(Body { headers, compiled, selections, fingerprint: self.fingerprint() })
    }
}

impl Body {
    /// As somebody would get it: made of the very bytes that are frozen.
    pub(super) fn preview(&self, personal: &Personal<'_>) -> Result<Preview> {
        let shown = self.compiled.shown(personal);
        let damaged = || sqlx::Error::Decode(Box::new(mail::CompiledFormatError));
        let (html, text) = shown.ok_or_else(damaged)?;
        Ok(Preview { html, text })
    }

    /// Freezes it as that revision, and returns its id; what was frozen before stays.
    pub(super) async fn freeze(
        &self,
        tx: &mut Tx,
        site: &Site,
        (edition_id, revision): (i64, i64),
    ) -> Result<i64> {
        let Self { headers, compiled, selections, fingerprint } = self;
        let variant =
            delivery::freeze_variant(tx, site, (edition_id, revision), headers, compiled, fingerprint)
                .await?;
        segments::keep_parts(tx, variant, &selections.kept()).await?;
        Ok(variant)
    }
}

/// The links of a copy that no reader gets, and what nobody answered. They cannot act for anybody: those that would lead to a page that says so.
pub(super) struct SampleLinks {
    /// Who is greeted.
    name: String,
    explanation: String,
    view: String,
    give_once: String,
    give_monthly: String,
    answers: Vec<(i64, String)>,
}

impl SampleLinks {
    pub(super) async fn load(site: &Site, edition: &Edition) -> Result<Self> {
        Self::seen_by(site, edition, Eyes::Sample).await
    }

    async fn seen_by(site: &Site, edition: &Edition, eyes: Eyes<'_>) -> Result<Self> {
        let fields = subscribers::fields::for_mails(&site.db).await?;
        let (name, answers) = match eyes {
            Eyes::Sample | Eyes::Stranger | Eyes::One(_) => {
                ("Ada".to_owned(), fields.iter().map(|field| (field.id, field.sample())).collect())
            }
            Eyes::Nameless => (String::new(), Vec::new()),
            Eyes::Reader(reader) => {
                let told = subscribers::fields::of_reader(&site.db, reader.id).await?;
                let stands = |field: &subscribers::fields::Field| fields.iter().any(|one| one.id == field.id);
                let told = told.into_iter().filter(|(field, _)| stands(field));
                (reader.name.clone(), told.map(|(field, said)| (field.id, said)).collect())
            }
        };
        Ok(Self {
            name,
            answers,
            explanation: site.url("/sample-link"),
            view: site.url(&format!("/desk/editions/{}/preview", edition.public_id)),
            give_once: site.url("/donate?every=once"),
            give_monthly: site.url("/donate?every=month"),
        })
    }

    /// The same, greeting somebody else.
    pub(super) fn greeting(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    pub(super) fn personal(&self) -> Personal<'_> {
        Personal {
            name: &self.name,
            unsubscribe_url: &self.explanation,
            preferences_url: &self.explanation,
            view_url: &self.view,
            give_once_url: &self.give_once,
            give_monthly_url: &self.give_monthly,
            again_url: &self.explanation,
            answers: &self.answers,
            parts: SeenParts::ALL,
        }
    }
}

/// The edition as a test copy to a member of the team: its subject and its last lines say what it is.
pub(super) async fn test_copy(site: &Site, settings: &Settings, edition: &Edition) -> Result<DigestContext> {
    let mut digest = Issue::load(site, settings, edition).await?.context;
    digest.subject = format!("[Test] {}", digest.subject).trim_end().to_owned();
    digest.why =
        "This is a test copy, sent by the team. No reader got it, and its links to leave and to choose do nothing."
            .to_owned();
    if edition.content.blocks.iter().any(|placed| placed.whom != Whom::Everybody) {
        digest.why.push_str(" It has every block in it, also those that are for some readers alone.");
    }
    Ok(digest)
}

/// What its letters say: of the words that it begins with, then of each block, for those that are none nothing.
async fn letters(content: &Content) -> Result<Vec<Vec<LetterBlock>>> {
    let words = |placed: &Placed| match &placed.block {
        Block::Words(words) => words.clone(),
        _ => String::new(),
    };
    let texts: Vec<String> =
        std::iter::once(content.intro_markdown.clone()).chain(content.blocks.iter().map(words)).collect();
    let read = move || texts.iter().map(|text| mail::letter(text)).collect();
    heavy::aside(read).await.map_err(|_| Error::Strange)
}

/// The words that it begins with, and what its blocks come to; none in the place of the appeal.
async fn blocks(
    site: &Site,
    settings: &Settings,
    edition: &Edition,
    (articles, selections): (&[Article], &Selections),
    letters: Vec<Vec<LetterBlock>>,
) -> Result<(Vec<LetterBlock>, Vec<Option<DigestBlock>>)> {
    let mut letters = letters.into_iter();
    let begins = letters.next().unwrap_or_default();
    let (mut laid, leading) = (Vec::new(), edition.content.leading());
    for (Placed { block, whom }, words) in edition.content.blocks.iter().zip(letters) {
        let part = selections.part(block, *whom);
        let shown = match block {
            Block::Article(shown) => {
                let Some(article) = articles.iter().find(|article| article.id == shown.id) else { continue };
                let is_lead = leading.contains(&shown.id);
                let picture = if is_lead { articles::shown_picture(site, article).await? } else { None };
                let image = picture.map(|it| Image { url: it.url, alt: alt(article), below: it.below });
                DigestBlock::article(ArticleBlock {
                    is_lead,
                    image,
                    ..shown_as(site, settings, article, shown)
                })
            }
            Block::Hidden(_) => continue,
            Block::Words(_) if words.is_empty() => continue,
            Block::Words(_) => DigestBlock::words(words),
            Block::Button { label, url }
                if label.is_empty() || url.is_empty() || fields::check_address(url).is_err() =>
            {
                continue;
            }
            Block::Button { label, url } => DigestBlock::button(label.clone(), url.clone()),
            Block::Line => DigestBlock::line(),
            Block::Appeal => {
                laid.push(None);
                continue;
            }
        };
        laid.push(Some(shown.in_part(part)));
    }
    Ok((begins, laid))
}

fn context(site: &Site, settings: &Settings, edition: &Edition) -> DigestContext {
    let content = &edition.content;
    let at = edition.send_at.or(edition.sealed_at).unwrap_or_else(|| site.now());
    DigestContext {
        sender: settings.letterhead(site).sender,
        language: "en".to_owned(),
        subject: content.subject.clone(),
        title: edition.digest_name.clone(),
        date: at.date(&settings.time_zone),
        preheader: content.preview_text.clone(),
        greeting: settings.greeting.clone(),
        letter: Vec::new(),
        again: edition.asks_again.then(|| consent::AGAIN_BUTTON.to_owned()),
        blocks: Vec::new(),
        appeal: None,
        after: Vec::new(),
        why: format!("You get this because you joined {} of {}.", edition.list_name, settings.magazine_name),
        fields: Vec::new(),
    }
}

fn appeal(settings: &Settings, edition: &Edition, selections: &Selections) -> Option<Appeal> {
    let placed = edition.content.blocks.iter().find(|placed| placed.block == Block::Appeal);
    let part = placed.and_then(|placed| selections.part(&placed.block, placed.whom));
    settings
        .has_appeal()
        .then(|| Appeal::new(settings.appeal_heading.clone(), settings.appeal_text.clone(), part))
}

fn shown_as(site: &Site, settings: &Settings, article: &Article, shown: &ShownArticle) -> ArticleBlock {
    let minutes = articles::reading_minutes(article.word_count, settings.reading_speed);
    let said_or = |said: &str, own: &str| if said.is_empty() { own.to_owned() } else { said.to_owned() };
    ArticleBlock {
        is_lead: false,
        is_short: shown.look == Look::Short,
        is_ruled: false,
        url: address(site, settings, article),
        image: None,
        title: said_or(&shown.title, &article.title),
        standfirst: said_or(&shown.standfirst, &article.standfirst),
        byline: article.byline.clone(),
        topics: article.topics.iter().map(|topic| topic.name.clone()).collect(),
        reading_minutes: u32::try_from(minutes).ok(),
    }
}

/// What the picture of an article shows. It leads to the article, so it says something in any case.
fn alt(article: &Article) -> String {
    let said = if article.image_alt.is_empty() { &article.title } else { &article.image_alt };
    said.clone()
}

/// Where readers read an article: our own page when articles live here, its canonical address otherwise. Never a link that
/// tells who followed it (TRUST L9).
fn address(site: &Site, settings: &Settings, article: &Article) -> String {
    let canonical = article.canonical_url.as_deref().and_then(|url| Url::parse(url).ok());
    match (settings.articles_at, canonical) {
        (ArticlesAt::Here, _) => site.url(&format!("/articles/{}", article.slug)),
        (_, Some(url)) if matches!(url.scheme(), "http" | "https") => url.into(),
        (ArticlesAt::Mirrored, _) => site.url(&format!("/articles/{}", article.slug)),
        (ArticlesAt::Elsewhere, _) => settings.external_site_url.clone(),
    }
}
