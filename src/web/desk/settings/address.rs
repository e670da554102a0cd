//! `/desk/address`: the database may be a copy; nothing is sent until an owner says what it is. And after that, what to look at.

use serde::Serialize;

use crate::{
    clock::{Moment, Zone},
    origin::{self, Caller, Calls, Doubt, Former, Standing},
    restored::{self, Person, RestoredLine, RestoredReport},
    web::{Desk, Outcome, Posted, session::see_other, words::grouped},
    withdrawals::JournalGap,
};

#[derive(Serialize)]
struct Page {
    /// Where it is at home, if that is another address.
    home: Option<String>,
    /// It last ran on another machine or from another folder.
    elsewhere: bool,
    /// It is older than what ran here last.
    behind: bool,
    /// It is a restored backup, and of these times it is not known who left.
    forgetful: Vec<GapView>,
    here: String,
    /// What was said when a backup was last restored.
    restored: Option<Restored>,
    /// Names that it had before.
    former: Vec<FormerView>,
}

/// A time of which it is not known who left.
#[derive(Serialize)]
struct GapView {
    since: String,
    until: String,
    why: &'static str,
}

impl GapView {
    fn new(gap: &JournalGap, zone: &Zone) -> Self {
        let since = gap.since.map_or("the beginning".to_owned(), |at| at.date_time(zone));
        Self { since, until: gap.until.date_time(zone), why: gap.why.words() }
    }
}

/// A name that the magazine had, and who still uses it.
#[derive(Serialize)]
struct FormerView {
    host: String,
    until: String,
    callers: Vec<CallerView>,
}

#[derive(Serialize)]
struct CallerView {
    who: &'static str,
    calls: String,
    last: String,
    /// What to do about it.
    advice: String,
}

impl FormerView {
    fn new(former: Former, zone: &Zone, here: &str) -> Self {
        let view = |(caller, calls): (Caller, Calls)| CallerView {
            who: who(caller),
            calls: grouped(calls.number),
            last: calls.last.date_time(zone),
            advice: advice(caller, here),
        };
        let callers = former.calls.into_iter().map(view).collect();
        Self { host: former.host, until: former.left_at.date_time(zone), callers }
    }
}

const fn who(caller: Caller) -> &'static str {
    match caller {
        Caller::Links => "Links in mails",
        Caller::Pages => "Other pages for readers",
        Caller::Desk => "The desk",
        Caller::Payments => "The payment service",
        Caller::Bounces => "Mail services that report bounces",
    }
}

fn advice(caller: Caller, here: &str) -> String {
    match caller {
        Caller::Links => "Readers open old mails: keep the old name.".to_owned(),
        Caller::Pages => "Bookmarks, search engines, links on other sites.".to_owned(),
        Caller::Desk => "Tell the team the new address.".to_owned(),
        Caller::Payments => format!("At Stripe, change the address it calls to {here}hooks/stripe"),
        Caller::Bounces => {
            format!("At the mail service, change the address it calls to {here}hooks/bounces/ and its name")
        }
    }
}

/// `GET /desk/address`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let here = desk.site().url("/");
    let former = desk.app.former.look(desk.site()).await?;
    let former = former.into_iter().map(|one| FormerView::new(one, desk.zone(), &here)).collect();
    let mut page = Page {
        home: None,
        elsewhere: false,
        behind: false,
        forgetful: Vec::new(),
        here,
        restored: None,
        former,
    };
    match origin::look(desk.site()).await? {
        Standing::AtHome => {
            let report = restored::last(desk.site()).await?;
            page.restored = report.map(|report| Restored::new(report, desk.zone()));
        }
        Standing::Abroad(home) => page.home = Some(home),
        Standing::Doubtful(Doubt::Elsewhere) => page.elsewhere = true,
        Standing::Doubtful(Doubt::Behind) => page.behind = true,
        Standing::Doubtful(Doubt::Forgetful) => {
            let report = restored::last(desk.site()).await?;
            let gaps = report.iter().flat_map(|report| report.gaps.iter());
            page.forgetful = gaps.map(|gap| GapView::new(gap, desk.zone())).collect();
            // They stand above it.
            let restored =
                |report: RestoredReport| Restored { gaps: Vec::new(), ..Restored::new(report, desk.zone()) };
            page.restored = report.map(restored);
        }
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
        (Standing::Doubtful(Doubt::Forgetful), "go-on") => {
            restored::go_on(site, Some(who), positions).await?;
        }
        (Standing::Doubtful(Doubt::Forgetful), _) => {}
        (_, "backup") => {
            restored::restored(site, Some(who), Some(&desk.who.session.hash), (None, positions)).await?;
        }
        // What is older than what ran here is taken for the magazine only by somebody who says that they know.
        (Standing::Doubtful(Doubt::Behind), "moved") => {}
        (_, "moved" | "whole") => {
            restored::moved(site, Some(who), positions).await?;
            desk.app.former.keep(site).await?;
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
    held: Vec<RestoredLine>,
    drafts: Vec<RestoredLine>,
    letters: i64,
    sessions: u64,
    links: u64,
    consent: String,
    suppression: String,
    deed: String,
    gift: String,
    team: Vec<Person>,
    /// So often somebody had left, complained or ended a gift since, says the journal beside the database.
    withdrawals: usize,
    /// How many readers had another address since.
    moved: usize,
    gaps: Vec<GapView>,
}

impl Restored {
    fn new(report: RestoredReport, zone: &Zone) -> Self {
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
            withdrawals: report.replayed.all(),
            moved: report.replayed.moved,
            gaps: report.gaps.iter().map(|gap| GapView::new(gap, zone)).collect(),
            held: report.held,
            drafts: report.drafts,
            team: report.team,
        }
    }
}
