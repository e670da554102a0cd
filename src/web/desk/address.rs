//! `/desk/address`: the database may be a copy; nothing is sent until an owner says what it is.

use serde::Serialize;

use super::super::{Desk, Outcome, Posted, session::see_other};
use crate::{
    clock::{Moment, Zone},
    delivery::origin::{self, Doubt, Standing},
    restored::{self, Report},
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
}

/// `GET /desk/address`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let mut page = Page { home: None, elsewhere: false, behind: false, here: desk.site().url("/") };
    match origin::look(desk.site()).await? {
        Standing::AtHome => {}
        Standing::Abroad(home) => page.home = Some(home),
        Standing::Doubtful(Doubt::Elsewhere) => page.elsewhere = true,
        Standing::Doubtful(Doubt::Behind) => page.behind = true,
    }
    desk.page("desk/settings/address", "The address", &page).await
}

/// `POST /desk/address`
pub(crate) async fn submit(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["is"])?;
    let site = desk.site();
    // What is older than what ran here is a backup, whatever somebody says.
    let behind = origin::look(site).await? == Standing::Doubtful(Doubt::Behind);
    let who = Some(desk.who.staff.id);
    if behind || form.text("is") == "backup" {
        let report = restored::restored(site, who, Some(&desk.who.session.hash), None).await?;
        let page = Restored::new(&report, &desk.settings.time_zone);
        return desk.page("desk/settings/restored", "What to look at now", &page).await;
    }
    let place = origin::place(&site.db).await?;
    let mut tx = site.db.begin().await?;
    origin::confirm(&mut tx, site, &place).await?;
    audit::record(&mut tx, site, who, "confirmed the address", "", &site.url("/")).await?;
    tx.commit().await?;
    Ok(see_other("/desk?done=moved"))
}

/// What was done with a restored backup, and what only people can know.
#[derive(Serialize)]
struct Restored {
    held: Vec<Line>,
    drafts: Vec<Line>,
    letters: i64,
    sessions: u64,
    links: u64,
    consent: String,
    suppression: String,
    deed: String,
    gift: String,
    team: Vec<Member>,
}

#[derive(Serialize)]
struct Line {
    subject: String,
    path: String,
}

#[derive(Serialize)]
struct Member {
    name: String,
    role: &'static str,
    disabled: bool,
}

impl Restored {
    fn new(report: &Report, zone: &Zone) -> Self {
        let when = |at: Option<Moment>| at.map_or("never".to_owned(), |at| at.date_time(zone));
        let line = |edition: &crate::digests::EditionSummary| Line {
            subject: if edition.subject.is_empty() {
                "(no subject)".to_owned()
            } else {
                edition.subject.clone()
            },
            path: format!("/desk/editions/{}", edition.public_id),
        };
        let member = |member: &crate::staff::accounts::Member| Member {
            name: member.name.clone(),
            role: member.role.as_str(),
            disabled: member.disabled_at.is_some(),
        };
        Self {
            held: report.held.iter().map(line).collect(),
            drafts: report.drafts.iter().map(line).collect(),
            letters: report.letters.iter().map(|(_, count)| count).sum(),
            sessions: report.sessions,
            links: report.links,
            consent: when(report.newest.consent),
            suppression: when(report.newest.suppression),
            deed: when(report.newest.deed),
            gift: when(report.newest.gift),
            team: report.team.iter().map(member).collect(),
        }
    }
}
