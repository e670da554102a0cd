//! Corrections: another version for the rest of an edition that was stopped, and one for exactly those who got the old one.
//!
//! The rule: each copy names the revision it carries, in its row and in its bytes. So before a corrected edition goes on,
//! every copy that is still to go is given the corrected body, chunk by chunk; what a worker had claimed is taken from it;
//! and the edition goes on in a transaction that finds nothing left with the old body and nothing just leaving. A crash
//! before that leaves the edition stopped, and going on again does the rest. What they are given is what was seen by whoever
//! lets it go on.

use super::{
    Block, Edition, Error, Problem, Result, find, issue::Issue, load_revision, preflight, rows::Reached,
    store,
};
use crate::{
    articles,
    db::{self, Db, Tx},
    delivery,
    editions::{self, MoveError, MovedBy},
    mail::Templates,
    segments,
    settings::Settings,
    site::Site,
    token,
};

/// How many copies one transaction gives another body.
const CHUNK: i64 = 1_000;

/// The revisions that readers got, the oldest first.
pub async fn reached(db: &Db, edition_id: i64) -> db::Result<Vec<Reached>> {
    // Most editions have one, and then the tallies know: a page does not count a hundred thousand rows.
    let (revision, number) = store::frozen(db, edition_id).await?;
    if number > 1 {
        return store::by_revision(db, edition_id).await;
    }
    let progress = delivery::progress_of(db, edition_id).await?;
    let readers = progress.accepted + progress.unknown;
    Ok(if readers == 0 { Vec::new() } else { vec![Reached { revision, readers }] })
}

/// The revision that copies are sent in now, 0 before Send was pressed; and whether it corrects an earlier one.
pub async fn current_revision(db: &Db, edition_id: i64) -> db::Result<(i64, bool)> {
    let (newest, number) = store::frozen(db, edition_id).await?;
    Ok((newest, number > 1))
}

/// Whether a correction was written that has not reached anybody yet. Somebody may have tried to let it go on.
pub async fn is_corrected(db: &Db, edition: &Edition) -> db::Result<bool> {
    let (newest, number) = store::frozen(db, edition.id).await?;
    if number < 2 {
        return Ok(number > 0 && edition.revision > newest);
    }
    Ok(edition.revision > newest || !store::has_reached(db, edition.id, newest).await?)
}

/// Gives everything that is still to go the newest revision. Returns its body's id; none where there never was a correction.
pub(super) async fn give_to_the_rest(
    site: &Site,
    templates: &Templates,
    edition: &Edition,
    seen: &str,
) -> Result<Option<i64>> {
    let (newest, number) = store::frozen(&site.db, edition.id).await?;
    if number == 0 || (number == 1 && newest == edition.revision) {
        return Ok(None);
    }
    let body = match delivery::fingerprint_of(&site.db, edition.id, edition.revision).await? {
        // Frozen when somebody let it go on before, and it did not.
        Some(frozen) if frozen != seen => return Err(Error::NotAsSeen),
        Some(_) => None,
        None => {
            let settings = Settings::load(&site.db).await?;
            let issue = Issue::load(site, &settings, edition).await?;
            issue.check_seen(seen)?;
            let for_whom = (edition, super::audience_size(site, edition).await?);
            let (problems, body) = preflight::check(site, templates, &settings, for_whom, &issue).await?;
            let in_the_way = |problem: &Problem| {
                problem.is_in_the_way() && !matches!(problem, Problem::NoReaders | Problem::NobodyMeant(..))
            };
            match body.filter(|_| !problems.iter().any(in_the_way)) {
                Some(body) => Some(body),
                None => return Err(Error::NotReady(problems)),
            }
        }
    };
    let mut tx = site.db.begin().await?;
    if !is_stopped(&mut tx, edition).await? {
        return Err(Error::NotAsSeen);
    }
    let variant = match (body, delivery::frozen_variant(&mut tx, edition.id, edition.revision).await?) {
        (None, Some(frozen)) => frozen,
        (Some(body), None) => body.freeze(&mut tx, site, (edition.id, edition.revision)).await?,
        // Somebody else let it go on at this moment.
        _ => return Err(Error::NotAsSeen),
    };
    tx.commit().await?;
    let mut after = 0;
    while let Some(to) = delivery::copies_behind(&site.db, edition.id, variant, after, CHUNK).await? {
        let mut tx = site.db.begin().await?;
        // Whoever told it to go on meanwhile has given the rest this body, or a newer one.
        if !is_stopped(&mut tx, edition).await? {
            return Err(Error::NotAsSeen);
        }
        let given = delivery::repoint_copies(&mut tx, site, (edition.id, variant), (after, to)).await?;
        let seen = segments::parts_seen(&mut tx, variant, &given, site.now()).await?;
        delivery::set_parts(&mut tx, edition.id, &given, &seen).await?;
        tx.commit().await?;
        after = to;
    }
    Ok(Some(variant))
}

/// In the transaction that lets the edition go on: nothing is left with the old body, and nothing is just leaving.
pub(super) async fn check_the_rest(tx: &mut Tx, edition: &Edition, variant: i64) -> Result<()> {
    let stand = editions::stand(tx, edition.id).await?.ok_or(Error::NotFound)?;
    if stand.revision != edition.revision {
        return Err(Error::NotAsSeen);
    }
    if delivery::not_yet_sent(tx, edition.id, variant).await? > 0 {
        return Err(Error::StillLeaving);
    }
    Ok(())
}

async fn is_stopped(tx: &mut Tx, edition: &Edition) -> Result<bool> {
    let stand = editions::stand(tx, edition.id).await?;
    Ok(stand.is_some_and(|stand| stand.state == edition.state && stand.revision == edition.revision))
}

/// Begins a draft that goes to exactly those who got, or may have got, one revision of an edition, and are still on its
/// list. Returns its public id.
///
/// # Errors
/// [`Error::NotFound`] when nobody got that revision.
pub async fn begin_correction(
    site: &Site,
    public_id: &str,
    revision: i64,
    staff_id: Option<i64>,
) -> Result<String> {
    let wrong = find(&site.db, public_id).await?;
    if !reached(&site.db, wrong.id).await?.iter().any(|one| one.revision == revision) {
        return Err(Error::NotFound);
    }
    // The words to put right: the newest version, which may be the corrected one.
    let newest = load_revision(&site.db, wrong.id, wrong.revision).await?;
    let mut content = newest.content;
    content.subject = format!("Correction: {}", content.subject).chars().take(200).collect();
    // What its articles say below was put right comes first.
    let articles = articles::by_ids(&site.db, &content.article_ids()).await?;
    let put_right = articles.iter().filter(|article| article.corrected_at >= wrong.sealed_at);
    let said: Vec<&str> =
        put_right.map(|one| one.correction.as_str()).filter(|said| !said.is_empty()).collect();
    content.intro_markdown =
        [&said[..], &[content.intro_markdown.as_str()]].concat().join("\n\n").trim().to_owned();
    // Whoever was written to twice for our mistake is not asked for a gift as well.
    content.blocks.retain(|placed| placed.block != Block::Appeal && !placed.block.is_hidden());
    // It goes to whoever got the wrong copy, whatever they choose.
    content.topic_ids.clear();
    content.rhythm = None;
    (content.only_segment, content.except_segment) = (None, None);
    let now = site.now();
    let name = token::public_id();
    let mut tx = site.db.begin().await?;
    let detail = format!("of revision {revision} of edition {public_id}");
    let by = MovedBy { staff_id, detail: &detail };
    let created = editions::create_correction(&mut tx, site, &name, (wrong.id, revision), by).await?;
    let id = created.ok_or(MoveError::Retired)?;
    store::insert_revision(&mut tx, id, 1, &content, staff_id, now).await?;
    tx.commit().await?;
    Ok(name)
}
