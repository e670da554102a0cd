//! `/desk`: how things stand, and what to do next.

use serde::Serialize;

use super::super::{Desk, Outcome, WebError};
use crate::staff::{Role, Settings, accounts};

#[derive(Serialize)]
struct Overview {
    first_name: String,
    tiles: Vec<Tile>,
    steps: Vec<Step>,
}

/// A figure with its label, leading to the page that explains it.
#[derive(Serialize)]
struct Tile {
    figure: String,
    label: &'static str,
    path: &'static str,
}

/// A line of the checklist, shown until all of them are done.
#[derive(Serialize)]
struct Step {
    done: bool,
    title: &'static str,
    help: String,
    /// Empty where the role cannot do it.
    path: &'static str,
}

/// `GET /desk`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let name = &desk.who.staff.name;
    let steps = steps(&desk).await?;
    let page = Overview {
        first_name: name.split_whitespace().next().unwrap_or(name).to_owned(),
        tiles: tiles(&desk).await?,
        steps: if steps.iter().all(|step| step.done) { Vec::new() } else { steps },
    };
    desk.page("desk/overview", "Overview", &page).await
}

async fn tiles(desk: &Desk) -> Result<Vec<Tile>, WebError> {
    let members = accounts::members(&desk.site().db).await?;
    let active = members.iter().filter(|one| one.joined && one.disabled_at.is_none()).count();
    let mut tiles = Vec::new();
    if desk.may(Role::OWNING) {
        let label = if active == 1 { "person on the team" } else { "people on the team" };
        tiles.push(Tile { figure: active.to_string(), label, path: "/desk/team" });
    }
    Ok(tiles)
}

async fn steps(desk: &Desk) -> Result<Vec<Step>, WebError> {
    let settings = Settings::load(&desk.site().db).await?;
    let owner = |path| if desk.may(Role::OWNING) { path } else { "" };
    let missing = settings.can_send();
    Ok(vec![Step {
        done: missing.is_empty(),
        title: "Say who publishes the magazine",
        help: match missing.as_slice() {
            [] => "Your readers see it under every edition.".to_owned(),
            missing => format!("Mail law wants it under every edition. Missing: {}.", missing.join(", ")),
        },
        path: owner("/desk/settings"),
    }])
}
