//! What was found, kept for the desk; when it is looked at by itself; and letters to the owners.
//!
//! The rule: each process looks for itself, at night. What turned bad is looked at once more, a quarter of an hour later, before
//! anybody is told: the net has hiccups at night. Owners get one letter about it, and none again while it stays bad; once it is well
//! it is as if it had never been.

use std::{collections::BTreeMap, time::Duration};

use tokio::sync::Mutex;

use super::{Doctor, Finding, Grade, store};
use crate::{
    clock::{Moment, Zone},
    db::{Db, Result},
    mail::{EmailTemplate as _, SomethingWrong},
    settings::Settings,
    site::Site,
    staff,
};

/// How often it is asked whether a look is due.
pub const EVERY: Duration = Duration::from_secs(15 * 60);
/// In this hour of the magazine's day.
const NIGHT: i8 = 3;
/// Not twice in a night.
const A_NIGHT: Duration = Duration::from_secs(12 * 3_600);
/// A machine that is switched off at night is looked at in the daytime.
const OVERDUE: Duration = Duration::from_secs(36 * 3_600);
/// A process that is gone finds nothing any more, and cannot say so.
const FRESH: Duration = Duration::from_secs(60 * 3_600);
/// What each machine has of its own; everything else is the same for all of them.
const OF_A_MACHINE: [&str; 6] = ["data folder", "disk", "files", "open files", "memory", "clock"];

/// What one process found last.
#[derive(Clone, Debug)]
pub struct NightLook {
    /// The machine, and which part of the program.
    pub place: String,
    /// The findings, in the order of `broadside doctor`.
    pub findings: Vec<Finding>,
    /// When it looked.
    pub at: Moment,
    again: bool,
}

impl NightLook {
    /// What is bad, by what owners are told of once, each with its words.
    fn problems(&self) -> BTreeMap<String, String> {
        let mut problems = BTreeMap::new();
        for finding in self.findings.iter().filter(|finding| finding.grade == Grade::Problem) {
            let thing = if OF_A_MACHINE.contains(&finding.check.as_str()) {
                format!("{} ({})", finding.check, self.place)
            } else {
                finding.check.clone()
            };
            let words: &mut String = problems.entry(thing).or_default();
            words.push_str(if words.is_empty() { "" } else { " " });
            words.push_str(&finding.in_words());
        }
        problems
    }

    fn is_fresh(&self, now: Moment) -> bool {
        now.since(self.at) < FRESH
    }

    /// Whether it is time for another. A look that is yet to come was noted by a clock that was wrong.
    fn is_over(&self, now: Moment, zone: &Zone) -> bool {
        let age = now.since(self.at);
        self.at > now
            || self.again && age >= EVERY
            || now.hour(zone) == NIGHT && age >= A_NIGHT
            || age >= OVERDUE
    }
}

/// The last look of each process that looked lately.
pub async fn last(db: &Db, now: Moment) -> Result<Vec<NightLook>> {
    let mut looks = all(db).await?;
    looks.retain(|look| look.is_fresh(now));
    Ok(looks)
}

async fn all(db: &Db) -> Result<Vec<NightLook>> {
    let look = |row: store::LookRow| {
        // Findings in the words of another version are as good as none.
        let findings = serde_json::from_str(&row.findings).ok()?;
        Some(NightLook { place: row.place, findings, at: row.looked_at, again: row.again })
    };
    Ok(store::looks(db).await?.into_iter().filter_map(look).collect())
}

/// Looks if it is time, keeps what was found, and tells the owners what turned bad.
pub async fn look_by_night(doctor: &Doctor, site: &Site, place: &str) -> Result<()> {
    let zone = Settings::load(&site.db).await?.time_zone;
    let before = all(&site.db).await?.into_iter().find(|look| look.place == place);
    if before.is_some_and(|look| !look.is_over(site.now(), &zone)) {
        return Ok(());
    }
    let _alone = LOOKING.lock().await;
    let findings = doctor.look(site).await;
    keep(site, place, findings, true).await
}

/// Who presses again so soon sees what was found a moment ago.
const JUST_NOW: Duration = Duration::from_secs(60);

/// One look at a time, of this process: each signs in at the mail service.
static LOOKING: Mutex<()> = Mutex::const_new(());

/// Looks now, for somebody who sees at once what was found, unless somebody just has: nobody is written to.
pub async fn look_now(doctor: &Doctor, site: &Site, place: &str) -> Result<()> {
    let _alone = LOOKING.lock().await;
    let now = site.now();
    let is_new = |look: &NightLook| look.place == place && look.at <= now && now.since(look.at) < JUST_NOW;
    if last(&site.db, now).await?.iter().any(is_new) {
        return Ok(());
    }
    let findings = doctor.look(site).await;
    keep(site, place, findings, false).await
}

/// Keeps what was found; with `tells`, owners are told what is as bad as it was at the look before.
///
/// # Errors
/// When the database fails; then nothing is kept.
pub async fn keep(site: &Site, place: &str, findings: Vec<Finding>, tells: bool) -> Result<()> {
    let now = site.now();
    let mut looks = all(&site.db).await?;
    let told = store::told(&site.db).await?;
    let (settings, owners) = (Settings::load(&site.db).await?, staff::owners(&site.db).await?);
    // Whoever cannot be written to has not been told.
    let tells = tells && !owners.is_empty();
    let at = looks.iter().position(|look| look.place == place);
    // Processes of one machine share its place: what another found a moment ago is no look before this one.
    let before = at.map(|at| looks.swap_remove(at)).filter(|look| now.since(look.at) >= EVERY);
    let before = before.map(|look| look.problems()).unwrap_or_default();
    let mut look = NightLook { place: place.to_owned(), findings, at: now, again: false };
    let mut bad = look.problems();
    bad.retain(|thing, _| !told.contains(thing));
    look.again = bad.keys().any(|thing| !before.contains_key(thing));
    bad.retain(|thing, _| before.contains_key(thing));
    let text = serde_json::to_string(&look.findings).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    looks.push(look);

    let mut tx = site.db.begin().await?;
    if let Some(look) = looks.last() {
        let row =
            store::LookRow { place: place.to_owned(), findings: text, looked_at: now, again: look.again };
        store::keep(&mut tx, &row).await?;
    }
    let still: Vec<String> =
        looks.iter().filter(|look| look.is_fresh(now)).flat_map(|look| look.problems().into_keys()).collect();
    for thing in told.iter().filter(|thing| !still.contains(thing)) {
        store::well(&mut tx, thing).await?;
    }
    let mut news = Vec::new();
    for (thing, words) in bad.into_iter().filter(|_| tells) {
        if store::tell(&mut tx, &thing, now).await? {
            news.push(words);
        }
    }
    if !news.is_empty() {
        let letterhead = settings.letterhead(site);
        let context = SomethingWrong {
            sender: letterhead.sender.clone(),
            problems: news,
            place: place.to_owned(),
            desk_url: site.url("/desk/doctor"),
        };
        let fact = format!("{}:{place}:{}", SomethingWrong::NAME, now.0);
        staff::tell(&mut tx, (site, &letterhead), &owners, &fact, &context).await?;
    }
    tx.commit().await
}
