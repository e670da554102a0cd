//! What happened in rooms that write no letters, told to people: one letter for each thing, and none of what is no longer so.

use crate::{
    db::Result,
    donations::{self, CANCELLATIONS, CHANGES, CHECKOUTS, COMPARISONS, EVENTS, REFUNDS, RENEWALS},
    mail::WorkGivenUp,
    publishing,
    queue::{self, Came, Due, Happened, NEWS, News, Queue, Telling, Told, Work},
    settings::Settings,
    site::Site,
    staff,
};

/// Every queue, in the order in which it is shown.
pub(super) const QUEUES: [&Queue; 14] = [
    &EVENTS,
    &CHECKOUTS,
    &CANCELLATIONS,
    &REFUNDS,
    &crate::donations::adopt::ADOPTIONS_IN_TURN,
    &CHANGES,
    &COMPARISONS,
    &RENEWALS,
    &crate::articles::FEEDS_IN_TURN,
    &crate::articles::ARCHIVES_IN_TURN,
    &crate::subscribers::IMPORTS_IN_TURN,
    &crate::subscribers::SIGN_UPS_IN_TURN,
    &crate::bulk::BULK_IN_TURN,
    &NEWS,
];

/// Tells what nobody was told of yet. Returns how many things that were.
///
/// # Errors
/// When the database fails; what was not told is told at the next turn.
pub async fn tell(site: &Site) -> Result<u64> {
    Ok(queue::work(site, &Letters).await?.done)
}

struct Letters;

impl Work for Letters {
    type What = Happened;

    fn queue(&self) -> &'static Queue {
        &NEWS
    }

    async fn work(&self, site: &Site, news: &Due<Happened>) -> Result<Came> {
        let letter = match news.what.kind {
            News::EditionPaused => match publishing::tell_of_pause(site, news).await {
                Ok(letter) => letter,
                Err(error) => return Ok(Came::Later(error.to_string())),
            },
            News::GivenUp | News::Failing => tell_of_what_does_not_work(site, news).await?,
            News::Money => donations::tell_of_money(site, news).await?,
            News::Account => donations::tell_of_account(site, news).await?,
        };
        Ok(match letter {
            Telling::Written => Came::Done,
            // There is nothing to tell, unless it happens anew: it is put away.
            Telling::NotSo => {
                let mut tx = site.db.begin().await?;
                queue::news_told(&mut tx, news, site.now()).await?;
                tx.commit().await?;
                Came::Done
            }
            Telling::NobodyThere => Came::Later("nobody could be written to".to_owned()),
        })
    }
}

async fn tell_of_what_does_not_work(site: &Site, news: &Due<Happened>) -> Result<Telling> {
    let named = QUEUES.into_iter().find(|queue| queue.rules.name == news.what.subject);
    let Some(queue) = named else { return Ok(Telling::NotSo) };
    let settings = Settings::load(&site.db).await?;
    let people = match queue.rules.told {
        Told::Money => staff::treasurers(&site.db).await?,
        Told::Owners | Told::Nobody => staff::owners(&site.db).await?,
    };
    let mut tx = site.db.begin().await?;
    if !queue::news_told(&mut tx, news, site.now()).await? {
        return Ok(Telling::NotSo);
    }
    // After whoever gives up another one has committed, or has to say so anew.
    let goes_on = news.what.kind == News::Failing;
    let mut items = queue.troubled_in(&mut tx).await?;
    items.retain(|one| match goes_on {
        true => !one.is_over && queue.rules.told_after.is_some_and(|most| one.attempts >= most),
        false => one.is_over,
    });
    let number = match goes_on {
        true => items.len() as i64,
        false => queue.figures_in(&mut tx, site.now()).await?.given_up,
    };
    if number == 0 {
        return Ok(Telling::NotSo);
    }
    let page = if queue.rules.told == Told::Money { "/desk/donations" } else { "/desk/jobs" };
    let letterhead = settings.letterhead(site);
    let context = WorkGivenUp {
        sender: letterhead.sender.clone(),
        what: queue.rules.did_not_work(number),
        goes_on,
        means: queue.rules.means.to_owned(),
        why: items.into_iter().next().map(|last| last.last_error).unwrap_or_default(),
        page_url: site.url(page),
    };
    let fact = format!("{}:{}", news.name, news.since.0);
    if !staff::tell(&mut tx, (site, &letterhead), &people, &fact, &context).await? {
        return Ok(Telling::NobodyThere);
    }
    tx.commit().await?;
    Ok(Telling::Written)
}
