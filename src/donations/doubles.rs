//! Whoever gives twice, perhaps without meaning to: asked before the checkout where it is known who they are, shown to the treasurer
//! in any case (decision 21).
//!
//! Whoever types somebody's address is not known by that: nobody learns from the form that somebody gives (TRUST A22). Known is who
//! came by a link of their own, and for an hour the browser that gave, if the same address is typed into it again.

use std::time::Duration;

use super::{
    lines::{Double, OneOfDouble, figures},
    manage_link::manage_token,
    store::{
        brakes::KnownSupporter,
        doubles::{self as store, Pair},
    },
};
use crate::{
    clock::Moment,
    db::{self, Db},
    email_address::EmailAddress,
    payments::{Every, GiftRhythm},
    site::Site,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// What somebody gave or gives already, who is about to give again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenBefore {
    /// Within the last hour.
    Once {
        /// For people.
        amount: String,
        at: Moment,
    },
    /// A regular donation that runs.
    Monthly {
        /// For people, with how often.
        amount: String,
        /// The token of the page on which it is changed or ended; none for whoever comes by a link of long ago, for that page never
        /// runs out, and mail is handed on.
        manage: Option<String>,
    },
}

/// What whoever is about to give should be asked about, if it is known who that is: a supporter by their own link, or the browser that
/// made a gift within the last hour, with the same address. `is_new` says whether that link was mailed within the last weeks.
///
/// # Errors
/// When the database fails.
pub async fn given_before(
    site: &Site,
    (known, is_new, made): (Option<&KnownSupporter>, bool, Option<&str>),
    email: &EmailAddress,
    every: Every,
) -> db::Result<Option<GivenBefore>> {
    let hour_ago = site.now().minus(HOUR);
    let (donor, running_since) = match (known, made) {
        (Some(known), _) => (Some(known.id), Moment::default()),
        (None, Some(gift)) => (store::giver_of(&site.db, gift, &email.key()).await?, hour_ago),
        (None, None) => (None, hour_ago),
    };
    let Some(donor) = donor else { return Ok(None) };
    if every == Every::Month
        && let Some(running) = store::running_months(&site.db, donor, running_since).await?
    {
        let rhythm = GiftRhythm { count: running.every_count, unit: running.every_unit };
        let amount = format!("{} {}", figures(running.amount_minor, &running.currency), rhythm.words());
        let manage = (known.is_none() || is_new).then(|| manage_token(site, &running.public_id));
        return Ok(Some(GivenBefore::Monthly { amount, manage }));
    }
    let last = store::last_gift(&site.db, donor, hour_ago).await?;
    Ok(last.map(|gift| GivenBefore::Once { amount: figures(gift.amount_minor, &gift.currency), at: gift.at }))
}

/// Gifts given twice within an hour, the newer one since that moment; newest first, those older than that id (see [`Double::id`]).
///
/// # Errors
/// When the database fails.
pub async fn given_twice(
    db: &Db,
    since: Moment,
    before_id: Option<i64>,
    limit: i64,
) -> db::Result<Vec<Double>> {
    Ok(together(store::given_twice(db, since, before_id.unwrap_or(i64::MAX), limit).await?))
}

/// Monthly donations that run beside another of the same supporter, the newer one begun since that moment; newest first, those older
/// than that id.
///
/// # Errors
/// When the database fails.
pub async fn monthly_twice(
    db: &Db,
    since: Moment,
    before_id: Option<i64>,
    limit: i64,
) -> db::Result<Vec<Double>> {
    Ok(together(store::monthly_twice(db, since, before_id.unwrap_or(i64::MAX), limit).await?))
}

/// Three gifts are two pairs, or three, and one thing to look at. The pairs come with the newest first.
fn together(pairs: Vec<Pair>) -> Vec<Double> {
    let mut all: Vec<Double> = Vec::new();
    for pair in pairs {
        let older = OneOfDouble { id: pair.first, amount: figures(pair.first_minor, &pair.first_currency) };
        let is_known = |one: &Double| one.gifts.iter().any(|gift| gift.id == pair.second);
        match all.iter_mut().find(|one| is_known(one)) {
            Some(known) => {
                known.id = pair.id;
                if known.gifts.iter().all(|gift| gift.id != older.id) {
                    known.gifts.insert(0, older);
                }
            }
            None => {
                let amount = figures(pair.second_minor, &pair.second_currency);
                all.push(Double {
                    id: pair.id,
                    email: pair.email,
                    name: pair.name,
                    kind: pair.kind,
                    gifts: vec![older, OneOfDouble { id: pair.second, amount }],
                    at: pair.at,
                });
            }
        }
    }
    all
}
