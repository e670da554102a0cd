//! Asking readers to confirm again: an edition like every other, with a button in it.
//!
//! So it has what editions have: somebody who reads it before it goes and presses Send, a pace, a brake, and nobody among its readers who
//! left, rests or is stopped (`docs/decisions/0027-asking-again-is-an-edition.md`).

use super::{Content, Result, store};
use crate::{
    db,
    editions::{self, MoveError},
    segments,
    site::Site,
    subscribers::lists::List,
    token,
};

/// Begins a draft that asks readers of a list, or those of them who are in a segment, to confirm again, with words that can be changed. Whom
/// new editions of the list leave out, it leaves out. Its public id; none where the list has no series of editions.
///
/// # Errors
/// [`super::Error::Segment`] when the segment was deleted; when the list was retired, or the database fails.
pub async fn begin_asking_again(
    site: &Site,
    list: &List,
    only: Option<i64>,
    staff_id: Option<i64>,
) -> Result<Option<String>> {
    let digests = store::digests(&site.db).await?;
    let Some(digest) = digests.iter().find(|digest| digest.list_id == list.id) else { return Ok(None) };
    let (_, except) = segments::usual(&site.db, list.id).await?;
    let content = words(&list.name);
    let public_id = token::public_id();
    let mut tx = site.db.begin().await?;
    let created = editions::create(&mut tx, site, &public_id, digest.id, staff_id).await?;
    let id = created.ok_or(MoveError::Retired)?;
    store::insert_revision(&mut tx, id, 1, &content, staff_id, site.now()).await?;
    editions::set_asking_again(&mut tx, id, true).await?;
    match only {
        None => segments::begin_as_usual(&mut tx, id).await?,
        Some(_) if segments::narrow(&mut tx, id, only, except).await? => {}
        Some(_) => return Err(super::Error::Segment("the segment has been deleted".to_owned())),
    }
    tx.commit().await?;
    Ok(Some(public_id))
}

/// How many said so by the button of an edition.
///
/// # Errors
/// When the database fails.
pub async fn confirmed_again(db: &db::Db, public_id: &str) -> db::Result<i64> {
    store::confirmed_again(db, public_id).await
}

fn words(list: &str) -> Content {
    Content {
        subject: format!("Do you still want {list}?"),
        preview_text: "One press, and it goes on coming.".to_owned(),
        intro_markdown: format!(
            "You get {list} from us by email. We want to send it to those alone who like to get it.\n\n\
             If you do, press the button below, and once more on the page that opens. That is all.\n\n\
             If you do nothing, it may stop coming to you. You can also leave at once, or get less of it: both links stand at the end of this mail."
        ),
        ..Content::default()
    }
}
