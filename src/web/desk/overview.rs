//! `/desk`: how things stand, and what to do next.

use serde::Serialize;

use super::super::{Desk, Outcome};
use crate::staff::{Role, Settings};

#[derive(Serialize)]
struct Overview {
    first_name: String,
    /// What the law still wants before an edition can be sent.
    missing: Vec<&'static str>,
    may_change_settings: bool,
}

/// `GET /desk`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let settings = Settings::load(&desk.site().db).await?;
    let name = &desk.who.staff.name;
    let page = Overview {
        first_name: name.split_whitespace().next().unwrap_or(name).to_owned(),
        missing: settings.can_send(),
        may_change_settings: Role::OWNING.contains(&desk.who.staff.role),
    };
    desk.page("desk/overview", "Overview", &page).await
}
