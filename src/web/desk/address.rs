//! `/desk/address`: the database may be a copy; nothing is sent until an owner says what it is. And after that, what to look at.

use serde::Serialize;

use super::super::{Desk, Outcome, Posted, session::see_other};
use crate::{
    clock::{Moment, Zone},
    delivery::origin::{self, Doubt, Standing},
    restored::{self, Line, Person, Report},
    staff::audit,
};

#[derive(Serialize)]
struct Page {
    /// Where it is at home, if that is another address.
    home: Option<String>,
    /// It last ran on another machine or from another folder.
    elsewhere: bool,
    /// It is older than what ran here last.
    behind: bool,
    here: String,
    /// What was said when a backup was last restored.
    restored: Option<Restored>,
}

/// `GET /desk/address`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let here = desk.site().url("/");
    let mut page = Page { home: None, elsewhere: false, behind: false, here, restored: None };
    match origin::look(desk.site()).await? {
        Standing::AtHome => {
            let report = restored::last(desk.site()).await?;
            page.restored = report.map(|report| Restored::new(report, desk.zone()));
        }
        Standing::Abroad(home) => page.home = Some(home),
        Standing::Doubtful(Doubt::Elsewhere) => page.elsewhere = true,
        Standing::Doubtful(Doubt::Behind) => page.behind = true,
    }
    desk.page("desk/settings/address", "The address", &page).await
}

/// `POST /desk/address`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["is"])?;
    let (site, who) = (desk.site(), desk.who.staff.id);
    let positions = desk.app.positions.as_deref();
    let standing = origin::look(site).await?;
    match (standing, form.text("is")) {
        // Somebody has answered already, perhaps this very press: what they said stands.
        (Standing::AtHome, _) => {}
        (_, "backup") => {
            restored::restored(site, Some(who), Some(&desk.who.session.hash), (None, positions)).await?;
        }
        // What is older than what ran here is taken for the magazine only by somebody who says that they know.
        (Standing::Doubtful(Doubt::Behind), "moved") => {}
        (_, "moved" | "whole") => {
            let place = origin::place(&site.db).await?;
            let mut tx = site.db.begin().await?;
            if origin::look_in(&mut tx, site).await? != Standing::AtHome {
                origin::confirm(&mut tx, site, &place, positions).await?;
                audit::record(&mut tx, site, Some(who), "confirmed the address", "", &site.url("/")).await?;
            }
            tx.commit().await?;
            return Ok(see_other("/desk?done=moved"));
        }
        _ => {}
    }
    Ok(see_other("/desk/address"))
}

/// What was done with a restored backup, and what only people can know.
#[derive(Serialize)]
struct Restored {
    at: String,
    held: Vec<Line>,
    drafts: Vec<Line>,
    letters: i64,
    sessions: u64,
    links: u64,
    consent: String,
    suppression: String,
    deed: String,
    gift: String,
    team: Vec<Person>,
}

impl Restored {
    fn new(report: Report, zone: &Zone) -> Self {
        let when = |at: Option<Moment>| at.map_or("never".to_owned(), |at| at.date_time(zone));
        Self {
            at: report.at.date_time(zone),
            letters: report.letters.iter().map(|(_, count)| count).sum(),
            sessions: report.sessions,
            links: report.links,
            consent: when(report.newest.consent),
            suppression: when(report.newest.suppression),
            deed: when(report.newest.deed),
            gift: when(report.newest.gift),
            held: report.held,
            drafts: report.drafts,
            team: report.team,
        }
    }
}
