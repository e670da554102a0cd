//! What the team does on a reader's page: put the name right, add to a list, pause, note something. Each says why, and is in the log.

use axum::extract::Path;

use super::{
    meant::settled,
    reader::{self, ADDRESS, Forms, JOIN, NAME, NOTE, OFF, PAUSE, find},
};
use crate::{
    clock::Moment,
    email_address::EmailAddress,
    settings::Settings,
    subscribers::{
        self, Adding, ByStaff, LinkSent, NewAddress, Readdressed, SubscriberError, Trace, Weeks, lists,
    },
    web::{
        Desk, Outcome, Posted, WebError, answers::conflict, session::see_other, words::readers::FORGOTTEN,
    },
};

/// `POST /desk/readers/{id}/name`
pub(crate) async fn name(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(NAME)?;
    let name = form.optional("name", 100);
    let why = form.required("name_why", 300, "Say why: the team may ask later.");
    if form.is_valid() {
        let by = by(&desk, &why);
        match subscribers::correct_name(desk.site(), reader.id, form.text("seen_name"), &name, by).await {
            Ok(_) => return Ok(see_other(&format!("/desk/readers/{id}?done=saved"))),
            Err(SubscriberError::Changed) => {
                form.mistake(
                    "name",
                    format_args!("They are called “{}” by now. Look at it once more.", reader.name),
                );
                let typed = (form.text("name").to_owned(), form.text("name_why").to_owned());
                for field in NAME {
                    form.blank(field);
                }
                form = form
                    .with("name", typed.0)
                    .with("name_why", typed.1)
                    .with("seen_name", reader.name.clone());
            }
            Err(error) => return Err(error.into()),
        }
    }
    reader::again(&desk, reader, Forms { name: form, ..Forms::default() }).await
}

/// `POST /desk/readers/{id}/address`
pub(crate) async fn address(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(ADDRESS)?;
    let email = form.parse("new_email", EmailAddress::parse);
    let email = email.and_then(|typed| settled(&mut form, "new_email", typed));
    let why = form.required("address_why", 300, "Say why: the team may ask later.");
    if let (Some(email), true) = (email, form.is_valid()) {
        let site = desk.site();
        let settings = Settings::load(&site.db).await?;
        let new = NewAddress { email: &email, lookout: desk.app.lookout.as_ref(), trace: Trace::default() };
        let seen = (reader.id, form.text("seen_email"));
        let wrong = match subscribers::correct_address(site, &settings, seen, new, by(&desk, &why)).await {
            Ok(Readdressed::Asked) => {
                return Ok(see_other(&format!("/desk/readers/{id}?done=address-asked")));
            }
            Ok(Readdressed::Same) => "Their mail goes to that address already.".to_owned(),
            Ok(Readdressed::Known(_)) => {
                "Another reader has that address. Two readers are not made one: add that one to the lists if they ask, and take this one off.".to_owned()
            }
            Ok(Readdressed::Stopped) => "Mail to that address is stopped, so it cannot be asked.".to_owned(),
            Ok(Readdressed::TooSoon) => {
                "A mail of this kind went to that address within the last day, or three did within a week. Try again later.".to_owned()
            }
            Err(SubscriberError::Blocked) => {
                "The team decided never to mail them, and that goes with them. Let mail go again first.".to_owned()
            }
            Err(SubscriberError::Changed) => {
                form.blank("seen_email");
                format!("Their mail goes to {} by now. Look at it once more.", reader.email)
            }
            Err(SubscriberError::Unwanted(why)) => why.to_string(),
            Err(error) => return Err(error.into()),
        };
        form.mistake("new_email", wrong);
    }
    reader::again(&desk, reader, Forms { address: form, ..Forms::default() }).await
}

/// `POST /desk/readers/{id}/address/off`: the move that the page showed, and no other.
pub(crate) async fn call_off(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(OFF)?;
    let why = form.required("off_why", 300, "Say why: the team may ask later.");
    if form.is_valid() {
        let seen = form.text("seen_move").to_owned();
        if subscribers::call_off_move(desk.site(), &reader, &seen, by(&desk, &why)).await? {
            return Ok(see_other(&format!("/desk/readers/{id}?done=move-off")));
        }
        form.mistake(
            "off_why",
            "It is done or over by now, or another is asked for: nothing was called off. This is how it stands.",
        );
        let page = reader::again(&desk, reader, Forms { off: form, ..Forms::default() }).await?;
        return Ok(conflict(page));
    }
    reader::again(&desk, reader, Forms { off: form, ..Forms::default() }).await
}

/// `POST /desk/readers/{id}/join`
pub(crate) async fn join(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(JOIN)?;
    let lists = lists::all(&desk.site().db).await?;
    let list = form.parse("list", |id| {
        lists.iter().find(|list| list.id.to_string() == id).map(|list| list.id).ok_or("Choose a list.")
    });
    let seen = form.text("seen").parse().map_err(|_| WebError::BadRequest("Look at the reader first."))?;
    let basis = form.required("basis", 300, "Say how they asked: it is kept as the proof.");
    if let (Some(list), true) = (list, form.is_valid()) {
        let new =
            Adding { email: &reader.email, name: "", list, source: "", implied: None, seen: Some(seen) };
        match subscribers::add_to_list(desk.site(), new, by(&desk, &basis)).await {
            Ok(_) => return Ok(see_other(&format!("/desk/readers/{id}?done=saved"))),
            Err(SubscriberError::Blocked) => {
                form.mistake("list", "The team decided never to mail them. Let mail go again first.");
            }
            Err(SubscriberError::Forgotten) => form.mistake("list", FORGOTTEN),
            Err(SubscriberError::Changed) => {
                form.mistake(
                    "basis",
                    "They asked or left since you looked: nothing was done yet. This is how they stand now; look at it, then decide.",
                );
                form.blank("seen");
                let page = reader::again(&desk, reader, Forms { join: form, ..Forms::default() }).await?;
                return Ok(conflict(page));
            }
            Err(error) => return Err(error.into()),
        }
    }
    reader::again(&desk, reader, Forms { join: form, ..Forms::default() }).await
}

/// `POST /desk/readers/{id}/choices-link`
pub(crate) async fn choices_link(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let reader = find(&desk, &id).await?;
    let done = match subscribers::send_link(desk.site(), &desk.settings, &reader, by(&desk, "")).await? {
        LinkSent::Sent => "link-sent",
        LinkSent::Lately => "link-lately",
        LinkSent::Stopped => "link-stopped",
        LinkSent::OnNoList => "link-no-list",
    };
    Ok(see_other(&format!("/desk/readers/{id}?done={done}")))
}

/// `POST /desk/readers/{id}/pause`
pub(crate) async fn pause(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(PAUSE)?;
    let weeks = form.parse("weeks", |text| Weeks::parse(text).ok_or("Say for how long."));
    let why = form.required("pause_why", 300, "Say why: the team may ask later.");
    let (Some(weeks), true) = (weeks, form.is_valid()) else {
        return reader::again(&desk, reader, Forms { pause: form, ..Forms::default() }).await;
    };
    let until = subscribers::pause_reader(desk.site(), &reader, weeks, by(&desk, &why)).await?;
    let done = if until.is_some() { "?done=reader-paused" } else { "" };
    Ok(see_other(&format!("/desk/readers/{id}{done}")))
}

/// `POST /desk/readers/{id}/go-on`
pub(crate) async fn go_on(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(PAUSE)?;
    let seen =
        form.text("seen_pause").parse().map_err(|_| WebError::BadRequest("Look at the reader first."))?;
    let why = form.required("pause_why", 300, "Say why: the team may ask later.");
    if form.is_valid() {
        if subscribers::let_go_on(desk.site(), &reader, Moment(seen), by(&desk, &why)).await? {
            return Ok(see_other(&format!("/desk/readers/{id}?done=reader-goes-on")));
        }
        form.mistake(
            "pause_why",
            "Their pause is another by now, or over: nothing was done. This is how it stands; look at it, then decide.",
        );
        let page = reader::again(&desk, reader, Forms { pause: form, ..Forms::default() }).await?;
        return Ok(conflict(page));
    }
    reader::again(&desk, reader, Forms { pause: form, ..Forms::default() }).await
}

/// `POST /desk/readers/{id}/notes`
pub(crate) async fn note(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let reader = find(&desk, &id).await?;
    let mut form = posted.form(NOTE)?;
    let text = form.required("note", 2_000, "Write the note.");
    if !form.is_valid() {
        return reader::again(&desk, reader, Forms { note: form, ..Forms::default() }).await;
    }
    subscribers::note(desk.site(), &reader, &text, desk.who.staff.id).await?;
    Ok(see_other(&format!("/desk/readers/{id}?done=note-kept")))
}

/// `POST /desk/readers/{id}/notes/{note}/remove`
pub(crate) async fn remove_note(
    desk: Desk,
    Path((id, note)): Path<(String, String)>,
    posted: Posted,
) -> Outcome {
    posted.form(&[])?;
    let reader = find(&desk, &id).await?;
    let note = note.parse().map_err(|_| WebError::NotFound)?;
    subscribers::remove_note(desk.site(), &reader, note, desk.who.staff.id).await?;
    Ok(see_other(&format!("/desk/readers/{id}?done=note-removed")))
}

/// Whoever is at the desk.
pub(super) fn by<'a>(desk: &'a Desk, why: &'a str) -> ByStaff<'a> {
    ByStaff { staff_id: desk.who.staff.id, why }
}
