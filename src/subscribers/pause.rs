//! Resting from mail: nothing of what a reader gets comes until a day, and from then on everything as before.
//!
//! The rules: a pause is of the lists that they are on when it begins, and of none that they join later. It ends by the clock, with
//! the beginning of its day where the magazine is at home, or by one press before. What waits for them is withdrawn, as for who
//! leaves, and nothing that went out meanwhile follows. Consent is untouched. It is written down beside the database before it is
//! done, for a restored backup would mail who rests (TRUST T10).

use super::{
    Result, SubscriberError,
    leave::Deed,
    lists::List,
    often,
    read::{Subscriber, SubscriptionState, held},
    store::{self, imports_undone},
    their_choices::choices_path,
};
use crate::{
    audit_log,
    clock::{Moment, Zone},
    db::{self, Tx},
    delivery::{self, Class, Suppressions},
    links::Choices,
    mail::{EmailTemplate as _, Paused},
    settings::Settings,
    site::Site,
    withdrawals::{self, Withdrawal},
    words,
};

words! {
    /// For how many weeks somebody rests from mail.
    pub enum Weeks {
        Two = "2",
        Four = "4",
        Eight = "8",
    }
}

impl Weeks {
    const fn days(self) -> i32 {
        match self {
            Self::Two => 14,
            Self::Four => 28,
            Self::Eight => 56,
        }
    }

    /// When mail comes again to who begins now.
    #[must_use]
    pub fn end(self, zone: &Zone, now: Moment) -> Moment {
        zone.days_after(now, self.days())
    }
}

/// A reader rests from the lists that they are on, by the link to their choices. Until when; none if they are on no list. Doing it
/// again counts from now.
///
/// # Errors
/// [`SubscriberError::Link`] when it is not one of ours; [`SubscriberError::TooMany`]; when the database fails. Then nothing was
/// changed.
pub async fn pause(site: &Site, link: &str, weeks: Weeks) -> Result<Option<Moment>> {
    let reader = of_link(site, link).await?;
    often::change(site, &reader.public_id).await?;
    begin(site, &reader, weeks, None).await
}

/// A reader goes on before their pause is over; `false` if they do not rest.
///
/// # Errors
/// As [`pause`].
pub async fn go_on(site: &Site, link: &str) -> Result<bool> {
    let reader = of_link(site, link).await?;
    often::change(site, &reader.public_id).await?;
    end(site, &reader, None, None).await
}

async fn of_link(site: &Site, link: &str) -> Result<Subscriber> {
    let Choices(name) = Choices::read(&site.keys, link, site.now())?;
    store::named(&site.db, &name).await?.ok_or(SubscriberError::Link)
}

pub(super) async fn begin(
    site: &Site,
    reader: &Subscriber,
    weeks: Weeks,
    deed: Option<Deed<'_>>,
) -> Result<Option<Moment>> {
    let settings = Settings::load(&site.db).await?;
    let until = weeks.end(&settings.time_zone, site.now());
    let known = store::subscriptions(&site.db, reader.id).await?;
    if known.iter().all(|one| one.state != SubscriptionState::Confirmed) {
        return Ok(None);
    }
    let paused = Withdrawal::Paused { reader: reader.public_id.clone(), until };
    withdrawals::write(site, &[paused]).await;
    let begun = db::again(|| begin_once(site, &settings, reader, until, deed)).await?;
    Ok(begun.then_some(until))
}

async fn begin_once(
    site: &Site,
    settings: &Settings,
    reader: &Subscriber,
    until: Moment,
    deed: Option<Deed<'_>>,
) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    let Some(reader) = &held(&mut tx, reader.id).await? else { return Ok(false) };
    // In this order: the rows are what sealing and resting meet at.
    if store::pause(&mut tx, reader.id, until, site.now()).await?.is_empty() {
        return Ok(false);
    }
    // Whatever put them on a list may be taken back: they count on it.
    imports_undone::stays_on(&mut tx, reader.id, None).await?;
    delivery::withdraw_because(&mut tx, site, reader.id, None, Class::Paused).await?;
    if let Some(Deed { staff_id, reader, why }) = deed {
        let detail = format!("until {until}: {why}");
        audit_log::record(&mut tx, site, Some(staff_id), "paused a reader", reader, &detail).await?;
    }
    tell(&mut tx, site, settings, reader, until).await?;
    tx.commit().await?;
    Ok(true)
}

/// One letter for each day on which a pause ends, however often it is begun and ended.
async fn tell(
    tx: &mut Tx,
    site: &Site,
    settings: &Settings,
    reader: &Subscriber,
    until: Moment,
) -> db::Result<()> {
    if Suppressions::new(site).stops_letter(tx, &reader.email, true).await? {
        return Ok(());
    }
    let letterhead = settings.letterhead(site);
    let context = Paused {
        sender: letterhead.sender.clone(),
        until: until.date(&settings.time_zone),
        preferences_url: site.url(&choices_path(site, &reader.public_id)),
    };
    let fact = format!("{}:{}:{}", Paused::NAME, reader.public_id, until.day(&settings.time_zone));
    // Whoever has the link to their choices may have typed the name.
    delivery::tell(tx, site, &letterhead, ("", &reader.email), &fact, &context).await?;
    Ok(())
}

pub(super) async fn end(
    site: &Site,
    reader: &Subscriber,
    seen: Option<Moment>,
    deed: Option<Deed<'_>>,
) -> Result<bool> {
    Ok(db::again(|| end_once(site, reader, seen, deed)).await?)
}

async fn end_once(
    site: &Site,
    reader: &Subscriber,
    seen: Option<Moment>,
    deed: Option<Deed<'_>>,
) -> db::Result<bool> {
    let before = site.now();
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, reader.id).await?;
    let goes_on = store::go_on(&mut tx, reader.id, seen, site.now()).await?;
    if goes_on {
        imports_undone::stays_on(&mut tx, reader.id, None).await?;
    }
    if let (true, Some(Deed { staff_id, reader, why })) = (goes_on, deed) {
        let detail = seen.map_or_else(|| why.to_owned(), |until| format!("the one until {until}: {why}"));
        audit_log::record(&mut tx, site, Some(staff_id), "ended a reader’s pause", reader, &detail).await?;
    }
    let back = goes_on.then(|| Withdrawal::WentOn { reader: reader.public_id.clone(), until: seen });
    withdrawals::commit(tx, site, back.into_iter().collect(), before).await?;
    Ok(goes_on)
}

/// A pause that stands in the journal beside the database, and that the database may not know. Whatever they said later stands, and
/// so do lists that they joined later: those that the rows know, and those of the public ids `but`. Whether they rest by it.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn pause_as_written(
    site: &Site,
    reader: &str,
    (until, but): (Moment, &[String]),
    at: Moment,
) -> db::Result<bool> {
    as_written(site, reader, (until, at), |list| !but.contains(&list.public_id)).await
}

/// The same of one list: they took back that they left it, and rest from it as before.
///
/// # Errors
/// As [`pause_as_written`].
pub async fn rest_as_written(
    site: &Site,
    (reader, list): (&str, &str),
    until: Moment,
    at: Moment,
) -> db::Result<bool> {
    as_written(site, reader, (until, at), |one| one.public_id == list).await
}

async fn as_written(
    site: &Site,
    reader: &str,
    when: (Moment, Moment),
    is_meant: impl Fn(&List) -> bool,
) -> db::Result<bool> {
    let Some(reader) = store::by_public_id(&site.db, reader).await? else { return Ok(false) };
    db::again(|| as_written_once(site, reader.id, when, &is_meant)).await
}

async fn as_written_once(
    site: &Site,
    reader: i64,
    (until, at): (Moment, Moment),
    is_meant: &impl Fn(&List) -> bool,
) -> db::Result<bool> {
    let mut tx = site.db.begin().await?;
    store::hold(&mut tx, reader).await?;
    let mut rests = false;
    for list in store::lists_in(&mut tx).await?.iter().filter(|list| is_meant(list)) {
        // One that is over by now is written down all the same, so that one from before it is not taken for the newest.
        if !store::pause_as_written(&mut tx, (reader, list.id), until, at).await? {
            continue;
        }
        imports_undone::stays_on(&mut tx, reader, Some(list.id)).await?;
        if until > site.now() {
            delivery::withdraw_because(&mut tx, site, reader, Some(list.id), Class::Paused).await?;
            rests = true;
        }
    }
    tx.commit().await?;
    Ok(rests)
}

/// They went on, as the journal says: a pause that was said before ends, with `until` that one alone. Whatever they said later stands.
///
/// # Errors
/// As [`pause_as_written`].
pub async fn go_on_as_written(
    site: &Site,
    reader: &str,
    until: Option<Moment>,
    at: Moment,
) -> db::Result<bool> {
    let Some(reader) = store::by_public_id(&site.db, reader).await? else { return Ok(false) };
    db::again(async || {
        let mut tx = site.db.begin().await?;
        store::hold(&mut tx, reader.id).await?;
        let goes_on = store::go_on_as_written(&mut tx, reader.id, until, at).await? > 0;
        if goes_on {
            imports_undone::stays_on(&mut tx, reader.id, None).await?;
        }
        tx.commit().await?;
        Ok(goes_on)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pause ends when its day begins where the magazine is, also where the clocks change meanwhile.
    #[test]
    fn a_pause_ends_with_the_beginning_of_a_day() {
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        let now: Moment = "2026-03-20T22:30:00Z".parse::<jiff::Timestamp>().expect("a moment").into();
        let ends = |weeks: Weeks| weeks.end(&zone, now).to_string();
        assert_eq!(ends(Weeks::Two), "2026-04-02T22:00:00Z", "3 April, in summer time");
        assert_eq!(ends(Weeks::Four), "2026-04-16T22:00:00Z");
        assert_eq!(ends(Weeks::Eight), "2026-05-14T22:00:00Z");
    }
}
