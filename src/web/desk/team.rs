//! `/desk/team`: who is on the team, what they may do, and inviting others.

use axum::extract::Path;
use serde::Serialize;

use super::super::{Desk, Form, Outcome, Posted, WebError, session::see_other};
use crate::{
    email_address::EmailAddress,
    staff::{
        AccountError, Member, Role,
        accounts::{self, Invitation, NewMember},
    },
};

const FIELDS: &[&str] = &["name", "email", "role"];
const TITLE: &str = "Team";

#[derive(Serialize)]
struct Page {
    members: Vec<MemberView>,
    roles: Vec<RoleView>,
    form: Form,
    invitation: Option<InvitationView>,
}

#[derive(Serialize)]
struct MemberView {
    id: String,
    name: String,
    email: String,
    role: &'static str,
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
pub(crate) async fn show(desk: Desk) -> Outcome {
    let page = page(&desk, Form::new(FIELDS).with("role", "editor"), None).await?;
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
        match accounts::add_member(desk.site(), Some(desk.who.staff.id), new).await {
            Ok(invitation) => return invited(&desk, name, invitation).await,
            Err(error @ AccountError::AddressTaken) => form.mistake("email", error),
            Err(error) => return Err(error.into()),
        }
    }
    let page = page(&desk, form, None).await?;
    desk.page_again("desk/settings/team", TITLE, &page).await
}

/// `POST /desk/team/{id}/invite`
pub(crate) async fn invite_again(desk: Desk, Path(id): Path<String>) -> Outcome {
    let (member, invitation) = accounts::invite_again(desk.site(), Some(desk.who.staff.id), &id).await?;
    invited(&desk, member.name, invitation).await
}

/// `POST /desk/team/{id}/role`
pub(crate) async fn change_role(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(&["role"])?;
    let role = Role::parse(form.text("role")).ok_or(WebError::BadRequest("There is no such role."))?;
    let anew = accounts::change_role(desk.site(), Some(desk.who.staff.id), &id, role).await?;
    if let Some((member, invitation)) = anew {
        return invited(&desk, member.name, invitation).await;
    }
    Ok(see_other("/desk/team?done=role"))
}

/// `POST /desk/team/{id}/disable`
pub(crate) async fn disable(desk: Desk, Path(id): Path<String>) -> Outcome {
    accounts::set_disabled(desk.site(), Some(desk.who.staff.id), &id, true).await?;
    Ok(see_other("/desk/team?done=disabled"))
}

/// `POST /desk/team/{id}/enable`
pub(crate) async fn enable(desk: Desk, Path(id): Path<String>) -> Outcome {
    accounts::set_disabled(desk.site(), Some(desk.who.staff.id), &id, false).await?;
    Ok(see_other("/desk/team?done=enabled"))
}

async fn invited(desk: &Desk, name: String, new: Invitation) -> Outcome {
    let invitation = InvitationView { name, link: desk.site().url(&new.path), mailed: new.mailed };
    let page = page(desk, Form::new(FIELDS).with("role", "editor"), Some(invitation)).await?;
    desk.page("desk/settings/team", TITLE, &page).await
}

async fn page(desk: &Desk, form: Form, invitation: Option<InvitationView>) -> Result<Page, WebError> {
    let members = accounts::members(&desk.site().db).await?;
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
        since: member.created_at.date(desk.zone()),
    };
    let roles = Role::ALL.map(|role| RoleView { role: role.as_str(), meaning: role.meaning() });
    Ok(Page { members: members.into_iter().map(view).collect(), roles: roles.into(), form, invitation })
}
