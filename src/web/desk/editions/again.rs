//! `/desk/editions/{id}/again`: a segment of those who got an edition that asks to confirm again, and did not.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    publishing::{self, Edition},
    segments::{self, Condition, LONGEST_NAME, ListStanding, SegmentError, SegmentTree},
    staff::Role,
    web::{Desk, Outcome, Posted, WebError, session::see_other, words::count},
};

/// Who confirmed again, on the page of the edition that asked.
#[derive(Serialize)]
pub(super) struct WhoConfirmed {
    said: String,
    /// Whether whoever looks may have a segment made of the others.
    may_choose: bool,
}

impl WhoConfirmed {
    /// None for an edition that asks nobody, or that nobody got.
    pub(super) async fn of(desk: &Desk, edition: &Edition) -> Result<Option<Self>, WebError> {
        if !edition.asks_again || edition.sealed_at.is_none() {
            return Ok(None);
        }
        let number = publishing::confirmed_again(&desk.site().db, &edition.public_id).await?;
        let said = match number {
            0 => "Nobody has confirmed again so far.".to_owned(),
            1 => "One reader has confirmed again so far.".to_owned(),
            _ => format!("{} have confirmed again so far.", count(number, "reader")),
        };
        Ok(Some(Self { said, may_choose: desk.may(Role::READERS) }))
    }
}

/// `POST /desk/editions/{id}/again`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let (site, db) = (desk.site(), &desk.site().db);
    let edition = publishing::find(db, &id).await?;
    let asked_on = edition.sealed_at.filter(|_| edition.asks_again).ok_or(WebError::NotFound)?;
    let list = Some(edition.list_id);
    let tree = SegmentTree::All(vec![
        SegmentTree::Is(Condition::Got { edition: edition.id }),
        SegmentTree::Is(Condition::List { list, stands: ListStanding::On }),
        SegmentTree::Not(Box::new(SegmentTree::Is(Condition::ConfirmedBy { edition: edition.id }))),
    ]);
    // Whoever presses it again finds it.
    if let Some(known) = segments::all(db).await?.into_iter().find(|one| one.tree == tree) {
        return Ok(see_other(&format!("/desk/readers?segment={}", known.public_id)));
    }
    // Another one asked in the same words: each has the beginning of its name in the address.
    let asked =
        format!("{} ({})", asked_on.date(desk.zone()), edition.public_id.get(..4).unwrap_or_default());
    let subject = edition.content.subject.chars();
    let subject: String = subject.take(LONGEST_NAME.saturating_sub(asked.len() + 28)).collect();
    let name = format!("Did not confirm again: {}, {asked}", subject.trim());
    let made = match segments::create(site, Some(desk.who.staff.id), name.trim(), tree).await {
        Err(SegmentError::Database(error)) => return Err(error.into()),
        // The page of segments says that there are too many, or has one of that name.
        Err(_) => return Ok(see_other("/desk/segments")),
        Ok(made) => made,
    };
    Ok(see_other(&format!("/desk/readers?segment={made}")))
}
