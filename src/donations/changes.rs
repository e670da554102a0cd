//! What a supporter changes of a regular gift: amount, rhythm, day, a rest, an end that is to come.
//!
//! The rule that must hold: a change is written down with its whole request before the provider hears of it, it is asked for again
//! with the same key until there is an answer, and it is so only once the provider says so. One of a gift at a time. What cannot be
//! made within a day is given up and the team told; an end that cannot be made at its day is made at once, for whoever was told that
//! nothing more is taken must be right.
//!
//! What changes nothing is not asked for, and no letter says that it was changed.
//!
//! Mail is handed on. What takes more money, or takes it sooner, is done by the link alone that was mailed to whoever asked for it; by
//! any other it is not done (TRUST A22). Taking less, a rest, going on after it and ending take no more than the link of a receipt.
//!
//! An end that is set for later stands in the row, in its call and then at the provider. It is not in the journal of withdrawals, whose
//! ends are made at once.

use std::time::Duration;

use super::{
    calls, letters,
    lines::figures,
    regular_letters,
    store::{
        changes as rows,
        months::{self, Recurring},
        renewals,
    },
};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    clock::Moment,
    db::{self, Tx},
    money::{self, GiftLimits, Money},
    payments::{
        GiftChange, GiftRhythm, PaymentProvider, ProviderError, ProviderSubscription, RecurringState,
        SubscriptionChange,
    },
    queue::{self, Came, Due, Queue, Work},
    settings::Settings,
    site::Site,
    token,
};

const DAY: Duration = Duration::from_secs(86_400);
/// A day that the supporter chooses is at most so far away.
const FURTHEST: Duration = Duration::from_secs(62 * 86_400);
/// And a rest ends at most so far away: a year after the next payment of a gift that is taken once a year.
const LONGEST_REST: Duration = Duration::from_secs(2 * 366 * 86_400);
/// So many letters go to one supporter in a day because somebody pressed a button; each change is one.
const LETTERS: Limit = Limit::within("letters of a supporter's page", 10, DAY);

/// What a supporter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Another amount, as it was typed, from the next payment on.
    Amount(&'a str),
    /// Another rhythm, from the next payment on.
    Rhythm(GiftRhythm),
    /// The next payment on that day.
    Date(Moment),
    /// Nothing is taken until that day.
    Rest(Option<Moment>),
    /// It is taken again.
    GoOn,
    /// It ends when what is paid has passed.
    EndLater,
    /// The end that is set for later is taken back.
    KeepOn,
}

/// By which link somebody wishes.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    /// Whose letters are counted: the public id of the supporter, or of the gift of whoever is not known as one.
    pub whose: &'a str,
    /// Whether it is the one that was mailed to whoever asked for it.
    pub was_asked_for: bool,
}

/// Whether another letter may go to somebody today because a button was pressed; then it counts.
pub(super) async fn may_write(site: &Site, whose: &str) -> db::Result<bool> {
    match Attempt::begin(site, &[LETTERS.on(whose)]).await {
        Ok(_stays_counted) => Ok(true),
        Err(Refusal::TooMany(_)) => Ok(false),
        Err(Refusal::Database(error)) => Err(error),
    }
}

/// Why a regular gift was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such gift, or it has ended.
    #[error("there is no such regular gift")]
    NotFound,
    /// What was typed cannot be; why, for whoever typed it.
    #[error("{0}")]
    Invalid(String),
    /// Another change of it is not confirmed yet.
    #[error("another change is not confirmed yet")]
    Waiting,
    /// An end is set for it: nothing else is changed before that is taken back.
    #[error("an end is set for it")]
    Ends,
    /// It would take more money, or take it sooner, and the link is not one that was asked for.
    #[error("that takes a link that was asked for")]
    NeedsLink,
    /// As many letters went today as may go.
    #[error("enough was changed today")]
    Enough,
    /// The provider could not be asked how it is: nothing was written down, and nothing is asked again.
    #[error(transparent)]
    Unreachable(ProviderError),
    /// The provider has not confirmed it yet. It is asked again until it does, or says no.
    #[error(transparent)]
    NotYet(ProviderError),
    /// The provider said no.
    #[error(transparent)]
    Refused(ProviderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Changes a regular gift. What was wanted is kept before the provider hears of it.
///
/// # Errors
/// [`ChangeError`]; after [`ChangeError::NotYet`] the provider is asked again by [`resume_calls`].
pub(super) async fn change(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    recurring: &Recurring,
    (wish, by): (Wish<'_>, By<'_>),
) -> Result<(), ChangeError> {
    let subscription = recurring.provider_subscription_id.as_ref().filter(|_| recurring.state.runs());
    let subscription = subscription.ok_or(ChangeError::NotFound)?;
    let provider = provider.ok_or_else(switched_off)?;
    let ends = renewals::days_of(&site.db, recurring.id).await?.ends_at.is_some();
    if ends && wish != Wish::KeepOn {
        return Err(ChangeError::Ends);
    }
    if wish != Wish::EndLater && rows::waits_since(&site.db, recurring.id).await?.is_some() {
        return Err(ChangeError::Waiting);
    }
    let Planned { change, takes_more } = plan(site, provider, recurring, subscription, wish).await?;
    if takes_more && !by.was_asked_for {
        return Err(ChangeError::NeedsLink);
    }
    // Nobody is ever kept from ending a gift.
    if wish != Wish::EndLater && !may_write(site, by.whose).await? {
        return Err(ChangeError::Enough);
    }
    let wanted = SubscriptionChange { subscription: subscription.clone(), change };
    let request = serde_json::to_string(&wanted).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let (now, public_id) = (site.now(), token::public_id());
    let next_at = now.plus(rows::CHANGES.rules.lease);
    let mut tx = site.db.begin().await?;
    if wish == Wish::EndLater {
        rows::drop_all(&mut tx, recurring.id, now).await?;
    }
    if !rows::add(&mut tx, (&public_id, recurring.id), &request, now, next_at).await? {
        return Err(ChangeError::Waiting);
    }
    tx.commit().await?;
    let what = rows::Wanted { recurring_donation_id: recurring.id, request };
    let due = Due { name: public_id, attempts: 0, next_at, since: now, what };
    let answer = make(site, provider, &due).await?;
    // Whoever asked sees the answer.
    let came = came_of(&answer, true);
    queue::note(site, &Changes(provider), &due, came).await?;
    match answer {
        Ok(()) => Ok(()),
        Err(error) if error.may_work_later() => Err(ChangeError::NotYet(error)),
        Err(error) => Err(ChangeError::Refused(error)),
    }
}

/// Nothing can be asked without a key.
pub(super) fn switched_off() -> ChangeError {
    ChangeError::Unreachable(ProviderError::Unknown("donations are switched off".to_owned()))
}

/// What the provider is asked for.
struct Planned {
    change: GiftChange,
    /// Whether it takes more money than before, or takes it sooner. Going on after a rest takes what was agreed.
    takes_more: bool,
}

impl From<GiftChange> for Planned {
    fn from(change: GiftChange) -> Self {
        Self { change, takes_more: false }
    }
}

/// What the provider is asked for, from what was wanted.
async fn plan(
    site: &Site,
    provider: &dyn PaymentProvider,
    recurring: &Recurring,
    subscription: &str,
    wish: Wish<'_>,
) -> Result<Planned, ChangeError> {
    let now = site.now();
    let invalid = |why: &str| ChangeError::Invalid(why.to_owned());
    // Told to whoever is there; nothing is written down yet.
    let look = || async { provider.subscription(subscription).await.map_err(ChangeError::Unreachable) };
    Ok(match wish {
        Wish::EndLater => GiftChange::EndLater.into(),
        Wish::GoOn => {
            if look().await?.state != RecurringState::Paused {
                return Err(invalid("It goes on already: it does not rest."));
            }
            GiftChange::GoOn.into()
        }
        Wish::KeepOn => {
            let is = look().await?.terms;
            if is.ends_at.is_none() {
                return Err(invalid("It goes on already: no end is set."));
            }
            let change = GiftChange::KeepOn { ended_with_period: is.ends_with_period };
            Planned { change, takes_more: true }
        }
        Wish::Rest(until) => {
            let fits = until.is_none_or(|until| until > now && until < now.plus(LONGEST_REST));
            if !fits {
                return Err(invalid("Choose a day within the next year."));
            }
            GiftChange::Rest { until }.into()
        }
        Wish::Date(next) => {
            if next < now.plus(DAY) || next > now.plus(FURTHEST) {
                return Err(invalid("Choose a day from the day after tomorrow on, within two months."));
            }
            let was = look().await?.terms.next;
            let zone = Settings::load(&site.db).await?.time_zone;
            if was.is_some_and(|was| was.day(&zone) == next.day(&zone)) {
                return Err(invalid("The next payment is on that day already: choose another one first."));
            }
            let takes_more = was.is_none_or(|was| next < was);
            Planned { change: GiftChange::Date { next }, takes_more }
        }
        Wish::Amount(_) | Wish::Rhythm(_) => {
            let is = look().await?;
            let several = "This gift was set up in several parts at the payment service. Please write to us, and we change it.";
            let Some((item, product)) = is.terms.item.clone() else { return Err(invalid(several)) };
            let currency = money::currency(&recurring.currency).ok_or_else(|| invalid(several))?;
            let was = is.amount.unwrap_or(Money::new(recurring.amount_minor, currency));
            let (amount, rhythm) = match wish {
                Wish::Amount(typed) => (checked(site, typed, was).await?, is.terms.rhythm),
                Wish::Rhythm(rhythm) => (was, rhythm),
                _ => (was, is.terms.rhythm),
            };
            if (amount, rhythm) == (was, is.terms.rhythm) {
                return Err(invalid(match wish {
                    Wish::Amount(_) => "You give that already: type another amount first.",
                    _ => "You give that often already: choose another rhythm first.",
                }));
            }
            let takes_more = amount.minor > was.minor || rhythm.is_oftener_than(is.terms.rhythm);
            let change = GiftChange::Amount {
                item,
                product,
                currency: amount.currency.code().to_owned(),
                minor: amount.minor,
                rhythm,
                next: is.terms.next.filter(|next| rhythm != is.terms.rhythm && *next > now),
            };
            Planned { change, takes_more }
        }
    })
}

/// The amount that was typed, if it is one that can be given: the server says so, whatever the page offered (TRUST A27).
async fn checked(site: &Site, typed: &str, was: Money) -> Result<Money, ChangeError> {
    let settings = Settings::load(&site.db).await?;
    let amount =
        Money::parse(typed, was.currency).map_err(|error| ChangeError::Invalid(error.to_string()))?;
    let decided = settings.gift_limits().filter(|limits| limits.least.currency == was.currency);
    // A gift in another currency than that of Settings has the limits that are sensible in its own.
    let Some(GiftLimits { least, most }) = decided.or_else(|| money::sensible_limits(was.currency)) else {
        let why = format!("We take no new gifts in {}. Please write to us.", was.currency.code());
        return Err(ChangeError::Invalid(why));
    };
    if amount.minor < least.minor {
        return Err(ChangeError::Invalid(format!("The smallest gift we can take here is {least}.")));
    }
    if amount.minor > most.minor {
        return Err(ChangeError::Invalid(format!("The largest gift we can take here is {most}.")));
    }
    Ok(amount)
}

/// Makes every stored call whose outcome is not known, again, with the same key: checkouts, ends and changes. Returns how many ended.
///
/// # Errors
/// When the database fails; the calls stay and are found again.
pub async fn resume_calls(site: &Site, provider: &dyn PaymentProvider) -> db::Result<u64> {
    let calls = calls::resume(site, provider).await;
    let changed = queue::work(site, &Changes(provider)).await?;
    Ok(calls? + changed.done + changed.given_up)
}

struct Changes<'a>(&'a dyn PaymentProvider);

impl Work for Changes<'_> {
    type What = rows::Wanted;

    fn queue(&self) -> &'static Queue {
        &rows::CHANGES
    }

    async fn work(&self, site: &Site, due: &Due<rows::Wanted>) -> db::Result<Came> {
        Ok(came_of(&make(site, self.0, due).await?, false))
    }

    async fn gave_up(
        &self,
        tx: &mut Tx,
        site: &Site,
        due: &Due<rows::Wanted>,
        _is_known: bool,
    ) -> db::Result<()> {
        let was_end = serde_json::from_str::<SubscriptionChange>(&due.what.request)
            .is_ok_and(|wanted| wanted.change == GiftChange::EndLater);
        if was_end {
            let recurring = months::recurring_by_id(tx, due.what.recurring_donation_id).await?;
            if recurring.state != RecurringState::Cancelled {
                calls::store_cancellation(tx, site, &recurring.public_id).await?;
            }
        }
        Ok(())
    }
}

fn came_of(answer: &Result<(), ProviderError>, is_known: bool) -> Came {
    match answer {
        Ok(()) => Came::Done,
        Err(error) if error.may_work_later() => Came::Later(error.for_the_record()),
        Err(error) => Came::GivenUp { why: error.for_the_record(), is_known },
    }
}

async fn make(
    site: &Site,
    provider: &dyn PaymentProvider,
    due: &Due<rows::Wanted>,
) -> db::Result<Result<(), ProviderError>> {
    let wanted: SubscriptionChange =
        serde_json::from_str(&due.what.request).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let followed = months::version_of(&site.db, &wanted.subscription).await?;
    let key = format!("change:{}", due.name);
    let is = match provider.change_subscription(&wanted, &key).await {
        Ok(is) => is,
        Err(error) => return Ok(Err(error)),
    };
    db::again(|| follow(site, due, &wanted.change, &is, followed)).await?;
    Ok(Ok(()))
}

/// The row follows what the provider answered, the change is over, and its supporter hears of it: in one transaction.
async fn follow(
    site: &Site,
    due: &Due<rows::Wanted>,
    change: &GiftChange,
    is: &ProviderSubscription,
    followed: Option<i64>,
) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    let recurring = months::recurring_by_id(&mut tx, due.what.recurring_donation_id).await?;
    let ours = rows::CHANGES.done(&mut tx, (due.name.as_str(), due.next_at, site.now())).await?;
    // If somebody else followed it since, the provider's own news of this change says how it is.
    let seen = months::Mirror::of(&recurring, is, followed.unwrap_or_default(), site.now());
    if months::mirror_subscription(&mut tx, &seen).await? {
        renewals::mirror_terms(&mut tx, recurring.id, &is.terms).await?;
    }
    if ours && recurring.state.runs() {
        let settings = Settings::load_in(&mut tx).await?;
        let what = said(change, is, &settings);
        regular_letters::send_changed(&mut tx, site, &recurring, (&due.name, what)).await?;
    }
    letters::follow_up(&mut tx, site, recurring.id).await?;
    tx.commit().await
}

/// What a change came to, for its supporter.
fn said(change: &GiftChange, is: &ProviderSubscription, settings: &Settings) -> String {
    let day = |at: Moment| at.date(&settings.time_zone);
    let from = is.terms.next.map_or_else(|| "From now on".to_owned(), |at| format!("From {} on", day(at)));
    match change {
        GiftChange::Amount { minor, currency, rhythm, .. } => {
            format!("{from} you give {} {}.", figures(*minor, currency), rhythm.words())
        }
        GiftChange::Date { next } => format!("The next payment is on {}.", day(*next)),
        GiftChange::Rest { until: Some(until) } => format!("Nothing is taken until {}.", day(*until)),
        GiftChange::Rest { until: None } => "Nothing is taken until you say so.".to_owned(),
        GiftChange::GoOn | GiftChange::KeepOn { .. } => match is.terms.next {
            Some(next) => format!("Your gift goes on. The next payment is on {}.", day(next)),
            None => "Your gift goes on.".to_owned(),
        },
        GiftChange::EndLater => match is.terms.ends_at {
            Some(ends) => format!("It ends on {}, and nothing more is taken.", day(ends)),
            None => "It ends when what you have paid for has passed, and nothing more is taken.".to_owned(),
        },
    }
}
