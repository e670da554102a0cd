//! `/desk/many/ask-again`: asking readers to confirm again: a draft of an edition to them.

use super::many::{FIELDS, TITLE, Whom, new_page};
use crate::{
    publishing,
    segments::{self, Condition, ListStanding, SegmentError, SegmentTree},
    subscribers::{
        ReaderStanding, SubscriptionState,
        lists::{self, List},
        topics,
    },
    web::{Desk, Outcome, Posted, WebError, session::see_other},
};

/// So many are asked on one day, and saved under names of their own.
const MOST_OF_A_DAY: usize = 20;

/// `POST /desk/many/ask-again`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let whom = Whom::of(&form);
    // A list or topic of it is gone since: the page of readers shows what there is.
    let Some(meant) = whom.meant(&desk).await? else { return Ok(see_other("/desk/readers")) };
    let lists = lists::mailed(&desk.site().db).await?;
    let list = form.parse("of", |id| {
        lists.iter().find(|list| list.id.to_string() == id).ok_or("Choose a list that editions go to.")
    });
    if let Some(list) = list {
        match begin(&desk, &whom, list).await? {
            Ok(edition) => return Ok(see_other(&format!("/desk/editions/{edition}"))),
            Err(why) => form.mistake("of", why),
        }
    }
    let page = new_page(&desk, &whom, &meant, form).await?;
    desk.page_again("desk/readers/many_new", TITLE, &page).await
}

/// Begins the draft; its public id, or what is in the way, for a person.
async fn begin(desk: &Desk, whom: &Whom, list: &List) -> Result<Result<String, String>, WebError> {
    let only = match segment(desk, whom, list).await? {
        Ok(only) => only,
        Err(why) => return Ok(Err(why)),
    };
    let begun = publishing::begin_asking_again(desk.site(), list, only, Some(desk.who.staff.id)).await?;
    Ok(begun.ok_or_else(|| "No edition can go to this list: choose another one.".to_owned()))
}

/// The segment of readers of the list who are meant: one that is there, or one that is saved for it; none for the whole list.
async fn segment(desk: &Desk, whom: &Whom, list: &List) -> Result<Result<Option<i64>, String>, WebError> {
    let why = |why: &str| Ok(Err(why.to_owned()));
    if !whom.q.trim().is_empty() {
        return why(
            "An edition goes to a list or a segment, not to what a search found. Leave the search away.",
        );
    }
    let db = &desk.site().db;
    let kept = segments::all(db).await?.into_iter().find(|one| one.public_id == whom.segment);
    let topic = topics::all(db).await?.into_iter().find(|one| one.public_id == whom.topic);
    let of: Option<i64> = whom.list.parse().ok();
    let stands = |stands| SegmentTree::Is(Condition::List { list: of, stands });
    let mut asked = Vec::new();
    match ReaderStanding::parse(&whom.state) {
        Some(ReaderStanding::Stopped) => {
            return why("Nothing is mailed to them, so nobody can be asked by mail.");
        }
        // Whoever rests from its list or is stopped gets no edition in any case.
        None | Some(ReaderStanding::Is(SubscriptionState::Confirmed))
            if of.is_none_or(|of| of == list.id) => {}
        None => asked.push(SegmentTree::Any(
            [ListStanding::On, ListStanding::Waits, ListStanding::Left].map(stands).to_vec(),
        )),
        Some(ReaderStanding::Is(SubscriptionState::Confirmed)) => {
            asked.extend([stands(ListStanding::On), SegmentTree::Not(Box::new(stands(ListStanding::Rests)))]);
        }
        Some(ReaderStanding::Paused) => asked.push(stands(ListStanding::Rests)),
        Some(ReaderStanding::Is(SubscriptionState::Pending)) => asked.push(stands(ListStanding::Waits)),
        Some(ReaderStanding::Is(SubscriptionState::Left)) => asked.push(stands(ListStanding::Left)),
    }
    asked.extend(topic.map(|topic| SegmentTree::Is(Condition::Topic { topic: topic.id, list: of })));
    match (kept, asked.is_empty()) {
        (None, true) => return Ok(Ok(None)),
        (Some(kept), true) => return Ok(Ok(Some(kept.id))),
        (Some(kept), false) => asked.push(SegmentTree::Is(Condition::Segment { segment: kept.id })),
        (None, false) => {}
    }
    let day = desk.site().now().date(desk.zone());
    saved(desk, &format!("Asked to confirm again, {day}"), SegmentTree::All(asked)).await
}

/// Saves a segment under a name, or that name with a number behind it; its key, or what is in the way.
async fn saved(desk: &Desk, name: &str, tree: SegmentTree) -> Result<Result<Option<i64>, String>, WebError> {
    let (site, staff) = (desk.site(), Some(desk.who.staff.id));
    let mut answer = Err(SegmentError::NameTaken);
    for number in 1..=MOST_OF_A_DAY {
        let name = if number == 1 { name.to_owned() } else { format!("{name} ({number})") };
        answer = segments::create(site, staff, &name, tree.clone()).await;
        if !matches!(answer, Err(SegmentError::NameTaken)) {
            break;
        }
    }
    match answer {
        Ok(public_id) => {
            let made = segments::find(&site.db, &public_id).await?;
            Ok(Ok(Some(made.ok_or(WebError::NotFound)?.id)))
        }
        Err(SegmentError::Database(error)) => Err(error.into()),
        Err(why) => Ok(Err(why.to_string())),
    }
}
