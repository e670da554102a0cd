//! `/desk/team`: who is on the team, what they may do, and inviting others.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    email_address::EmailAddress,
    staff::{self, AccountError, Invitation, Member, NewMember, Role, SeenMember},
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        paging::{Links, List, Place},
        session::see_other,
    },
};

const FIELDS: &[&str] = &["name", "email", "role"];
const TITLE: &str = "Team";
const PAGE: usize = 50;
/// What stands behind the role of somebody who may not sign in, in how the page showed them.
const DISABLED: &str = " disabled";

/// What the address of the page asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Look {
    /// By access, when they were added, and key.
    #[serde(default)]
    after: Place<3>,
}

#[derive(Serialize)]
struct Page {
    members: Vec<MemberView>,
    pages: Links,
    roles: Vec<RoleView>,
    form: Form,
    invitation: Option<InvitationView>,
    /// Why nothing was done.
    trouble: Option<String>,
}

#[derive(Serialize)]
struct MemberView {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    /// The role that the list of roles shows: theirs, or what was just chosen.
    chosen: &'static str,
    /// How they are shown here, for whoever acts on them.
    seen: String,
    state: &'static str,
    disabled: bool,
    is_you: bool,
    since: String,
}

#[derive(Serialize)]
struct RoleView {
    role: &'static str,
    meaning: &'static str,
}

/// A link to hand over. Shown once, in answer to the form, so that it stands in no address.
#[derive(Serialize)]
struct InvitationView {
    name: String,
    link: String,
    mailed: bool,
}

/// `GET /desk/team`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, blank(), None, look.after).await?;
    desk.page("desk/settings/team", TITLE, &page).await
}

/// `POST /desk/team`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let name = form.required("name", 100, "Enter their name.");
    let email = form.parse("email", EmailAddress::parse);
    let role = form.parse("role", |role| Role::parse(role).ok_or("Choose a role."));
    if let (true, Some(email), Some(role)) = (form.is_valid(), email, role) {
        let new = NewMember { name: &name, email: &email, role };
        match staff::add_member(desk.site(), Some(desk.who.staff.id), new).await {
            Ok(invitation) => return invited(&desk, name, invitation).await,
            Err(error @ AccountError::AddressTaken) => form.mistake("email", error),
            Err(error) => return Err(error.into()),
        }
    }
    let page = page(&desk, form, None, Place::default()).await?;
    desk.page_again("desk/settings/team", TITLE, &page).await
}

/// `POST /desk/team/{id}/invite`
pub(crate) async fn invite_again(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["seen"])?;
    let Some(seen) = seen(&form) else { return stale(&desk, &id, None).await };
    match staff::invite_again(desk.site(), Some(desk.who.staff.id), &id, seen).await {
        Ok((member, invitation)) => invited(&desk, member.name, invitation).await,
        Err(AccountError::Changed) => stale(&desk, &id, None).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /desk/team/{id}/role`
pub(crate) async fn change_role(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["seen", "role"])?;
    let role = Role::parse(form.text("role")).ok_or(WebError::BadRequest("There is no such role."))?;
    let Some(seen) = seen(&form) else { return stale(&desk, &id, Some(role)).await };
    match staff::change_role(desk.site(), Some(desk.who.staff.id), &id, seen, role).await {
        Ok(Some((member, invitation))) => invited(&desk, member.name, invitation).await,
        Ok(None) => Ok(see_other("/desk/team?done=role")),
        Err(AccountError::Changed) => stale(&desk, &id, Some(role)).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /desk/team/{id}/disable`
pub(crate) async fn disable(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    set_disabled(&desk, &id, posted, true).await
}

/// `POST /desk/team/{id}/enable`
pub(crate) async fn enable(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    set_disabled(&desk, &id, posted, false).await
}

async fn set_disabled(desk: &Desk, id: &str, posted: Posted, disabled: bool) -> Outcome {
    let form = posted.form(&["seen"])?;
    let Some(seen) = seen(&form).filter(|seen| seen.disabled != disabled) else {
        return stale(desk, id, None).await;
    };
    match staff::set_disabled(desk.site(), Some(desk.who.staff.id), id, seen).await {
        Ok(()) if disabled => Ok(see_other("/desk/team?done=disabled")),
        Ok(()) => Ok(see_other("/desk/team?done=enabled")),
        Err(AccountError::Changed) => stale(desk, id, None).await,
        Err(error) => Err(error.into()),
    }
}

/// How the page showed somebody: "editor", or "editor disabled".
fn seen(form: &Form) -> Option<SeenMember> {
    let text = form.text("seen");
    let active = text.strip_suffix(DISABLED);
    Some(SeenMember { role: Role::parse(active.unwrap_or(text))?, disabled: active.is_some() })
}

/// The page as it is now, for somebody who acted on one that was out of date; with the role that they chose.
async fn stale(desk: &Desk, id: &str, chosen: Option<Role>) -> Outcome {
    let member = staff::member(&desk.site().db, id).await?.ok_or(WebError::NotFound)?;
    let [disabled, created_at, key] = key(&member);
    // The page that begins with them, unless they stand on the first.
    let mut page = self::page(desk, blank(), None, Place::default()).await?;
    if page.members.iter().all(|member| member.id != id) {
        page = self::page(desk, blank(), None, Place(Some([disabled, created_at, key - 1]))).await?;
    }
    let member = page.members.iter_mut().find(|member| member.id == id).ok_or(WebError::NotFound)?;
    let now = if member.disabled { "may not sign in now" } else { "can sign in now" };
    page.trouble = Some(format!(
        "Nothing was done: the team changed since you opened the page. {} is {} and {now}. Look at it again, then decide.",
        member.name, member.role
    ));
    if let Some(role) = chosen {
        member.chosen = role.as_str();
    }
    desk.page("desk/settings/team", TITLE, &page).await.map(conflict)
}

fn blank() -> Form {
    Form::new(FIELDS).with("role", "editor")
}

fn key(member: &Member) -> [i64; 3] {
    [i64::from(member.disabled_at.is_some()), member.created_at.0, member.id]
}

async fn invited(desk: &Desk, name: String, new: Invitation) -> Outcome {
    let invitation = InvitationView { name, link: desk.site().url(&new.path), mailed: new.mailed };
    let page = page(desk, blank(), Some(invitation), Place::default()).await?;
    desk.page("desk/settings/team", TITLE, &page).await
}

async fn page(
    desk: &Desk,
    form: Form,
    invitation: Option<InvitationView>,
    after: Place<3>,
) -> Result<Page, WebError> {
    let list = List { path: "/desk/team", place: "after", kept: &[] };
    let from = after.0.map(|[disabled, at, id]| (disabled > 0, Moment(at), id));
    let read = |most| staff::members_page(&desk.site().db, from, most);
    let (members, pages) = list.page(after, PAGE, read, key).await?;
    let view = |member: Member| MemberView {
        state: match (member.disabled_at, member.joined) {
            (Some(_), _) => "disabled",
            (None, true) => "active",
            (None, false) => "invited",
        },
        disabled: member.disabled_at.is_some(),
        is_you: member.id == desk.who.staff.id,
        id: member.public_id,
        name: member.name,
        email: member.email.to_string(),
        role: member.role.as_str(),
        chosen: member.role.as_str(),
        seen: format!("{}{}", member.role, member.disabled_at.map_or("", |_| DISABLED)),
        since: member.created_at.date(desk.zone()),
    };
    let roles = Role::ALL.map(|role| RoleView { role: role.as_str(), meaning: role.meaning() });
    Ok(Page {
        members: members.into_iter().map(view).collect(),
        pages,
        roles: roles.into(),
        form,
        invitation,
        trouble: None,
    })
}
