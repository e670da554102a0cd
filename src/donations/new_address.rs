//! Another address of a supporter. Nothing moves before somebody at the new one says that it is theirs, by a link that is good for that
//! alone; then the old mailbox is told.
//!
//! Supporters change it on their own page. Everything that they gave goes with them, and what they give regularly goes on: by a link that
//! was mailed before, nobody learns the new address or gives in its name, nor does a reader who stays at the old one. The provider has the
//! new address first; where it does not take it, nothing is changed here, and it gets the old one back. Two supporters are never made one.
//!
//! If somebody changed it at the provider, letters go on to the old one until then, and what was given until then stays with it. The link
//! does not run out: it moves nothing unless the gift goes on and the provider still has that address.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::{
    changes::may_write,
    letters,
    lines::figures,
    manage_link::supporter_token,
    regular_letters, search,
    states::RecurringState,
    store::{self, months::Recurring, supporter as rows},
    supporter::Supporter,
};
use crate::{
    attempts,
    clock::Moment,
    db::{self, Gate, Tx},
    delivery::Suppressions,
    email_address::EmailAddress,
    payments::{PaymentProvider, ProviderError},
    site::Site,
    subscribers,
    token::{self, Purpose},
};

/// What the page of the link shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedAddress {
    /// What is given regularly, for people: amount and how often; none of somebody who asked for themselves.
    pub gift: Option<String>,
    /// Whether it was said already.
    pub is_taken: bool,
    /// Whether gifts are known under it already, which keeps it from being taken for others.
    pub is_known: bool,
    /// Whether the provider has to take it, too: something goes on that is given regularly.
    pub goes_on: bool,
}

/// Why nobody was asked whether another address is theirs.
#[derive(Debug, thiserror::Error)]
pub enum OwnAddressError {
    /// What was typed is none.
    #[error("Nothing was changed: {0}")]
    Invalid(String),
    /// It is the one that they have.
    #[error("Nothing was changed: your letters go there already.")]
    Same,
    /// The link is not one that was asked for.
    #[error("that takes a link that was asked for")]
    NeedsLink,
    /// As many letters went today as may go.
    #[error("enough was asked today")]
    Enough,
    /// As many letters went that ask whether an address is theirs as may go: to that mailbox, or to all.
    #[error(
        "Nothing was changed, and no letter went to the new address: enough such letters went there lately. Please try again tomorrow, or write to us."
    )]
    EnoughThere,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What a supporter asked for, as it stands sealed in the link that is mailed to the new address.
#[derive(Debug, Serialize, Deserialize)]
struct OwnAddress {
    /// Their public id, and what the address is known again by that they had.
    whose: String,
    was: String,
    to: String,
    until: i64,
}

const OWN: &str = "a supporter's new address";
/// So long the link works.
const OWN_LASTS: Duration = Duration::from_secs(3 * 86_400);

impl OwnAddress {
    fn sealed(&self, site: &Site) -> db::Result<String> {
        let open = serde_json::to_vec(self).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(BASE64URL_NOPAD.encode(&site.keys.seal(Purpose::Told, OWN, &open)))
    }

    fn open(site: &Site, token: &str) -> Option<(Self, EmailAddress)> {
        let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let open = site.keys.open(Purpose::Told, OWN, &sealed).ok()?;
        let asked: Self = serde_json::from_slice(&open).ok()?;
        let to = EmailAddress::parse(&asked.to).ok()?;
        (site.now() < Moment::from_unix_seconds(asked.until)).then_some((asked, to))
    }
}

/// A supporter wants everything that they gave to be known by another address. A letter there asks.
///
/// # Errors
/// [`OwnAddressError`]; then nobody was written to.
pub async fn ask_for_another_address(
    site: &Site,
    supporter: &Supporter,
    typed: &str,
) -> Result<(), OwnAddressError> {
    let to = EmailAddress::parse(typed).map_err(|error| OwnAddressError::Invalid(error.to_string()))?;
    let was = supporter.email().ok_or(OwnAddressError::Enough)?;
    if was.key() == to.key() {
        return Err(OwnAddressError::Same);
    }
    if !supporter.was_asked_for {
        return Err(OwnAddressError::NeedsLink);
    }
    if !may_write(site, supporter.public_id()).await? {
        return Err(OwnAddressError::Enough);
    }
    let until = site.now().plus(OWN_LASTS).unix_seconds();
    let (whose, was) = (supporter.public_id().to_owned(), name_of(site, &was));
    let token = OwnAddress { whose, was, to: to.to_string(), until }.sealed(site)?;
    let went = db::again(async || {
        let mut tx = site.db.begin().await?;
        let went = regular_letters::send_own_address(&mut tx, site, &to, &token).await?;
        tx.commit().await?;
        Ok::<bool, sqlx::Error>(went)
    })
    .await?;
    if went { Ok(()) } else { Err(OwnAddressError::EnoughThere) }
}

/// Why the new address was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NewAddressError {
    /// The link is not genuine; or the gift is over, or its address was changed again.
    #[error("there is no such change of address")]
    NotFound,
    /// The provider could not be asked whether it still has that address, or does not say that it has it by now.
    #[error(transparent)]
    Unreachable(ProviderError),
    /// The provider did not take it.
    #[error(transparent)]
    Refused(ProviderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The provider has this address for a regular gift: if it is another than ours, it is asked, once.
pub(super) async fn ask(
    tx: &mut Tx,
    site: &Site,
    recurring: &Recurring,
    (address, at): (&str, Moment),
) -> db::Result<()> {
    let (Ok(to), Some(customer)) = (EmailAddress::parse(address), &recurring.provider_customer_id) else {
        return Ok(());
    };
    // A gift of nobody's address has nobody whose word it would be.
    if recurring.email.is_empty() || is_at(&recurring.email, &to) {
        return Ok(());
    }
    // Whoever asked to be forgotten is brought back by nobody but themselves.
    if subscribers::is_forgotten(tx, site, &to).await? {
        return Ok(());
    }
    let token = token_of(site, &recurring.public_id, &to);
    let fact = fact_of(site, customer, &to);
    regular_letters::send_new_address(tx, site, recurring, (&to, at), (&fact, &token)).await
}

/// That a customer of the provider has that address by now.
fn fact_of(site: &Site, customer: &str, address: &EmailAddress) -> String {
    format!("gift-address:{customer}:{}", Suppressions::new(site).hash(address))
}

fn is_at(known: &str, address: &EmailAddress) -> bool {
    EmailAddress::parse(known).is_ok_and(|known| known.key() == address.key())
}

/// What an address is known again by: it stands in no link itself.
fn name_of(site: &Site, address: &EmailAddress) -> String {
    site.keys.name(Purpose::AddressChange, &address.key())
}

fn token_of(site: &Site, gift: &str, address: &EmailAddress) -> String {
    let scope = format!("{SCOPE}{gift}.{}", name_of(site, address));
    site.keys.sign(Purpose::AddressChange, &scope, None)
}

const SCOPE: &str = "gift.";

/// The gift that a token names, and what the address is known again by.
async fn named(site: &Site, token: &str) -> db::Result<Option<(Recurring, String)>> {
    let scope = site.keys.verify(Purpose::AddressChange, token, site.now()).ok();
    let Some((gift, name)) = scope.as_deref().and_then(|scope| scope.strip_prefix(SCOPE)?.split_once('.'))
    else {
        return Ok(None);
    };
    let recurring = store::months::read_recurring(&site.db, gift).await?;
    Ok(recurring.filter(|row| row.state != RecurringState::Cancelled).map(|row| (row, name.to_owned())))
}

fn has(site: &Site, email: &str, name: &str) -> bool {
    EmailAddress::parse(email)
        .is_ok_and(|email| site.keys.knows_name(Purpose::AddressChange, &email.key(), name))
}

/// What a link to take a new address is about; none when it works no more.
///
/// # Errors
/// When the database fails.
pub async fn new_gift_address(site: &Site, token: &str) -> db::Result<Option<AskedAddress>> {
    if let Some((asked, to)) = OwnAddress::open(site, token) {
        let mut tx = site.db.begin().await?;
        let giver = rows::named_in(&mut tx, &asked.whose).await?;
        let is_known = rows::at(&mut tx, &to.key()).await?.is_some();
        return Ok(match giver {
            Some(giver) if has(site, &giver.email, &asked.was) => {
                let goes_on = !rows::customers(&mut tx, giver.id).await?.is_empty();
                Some(AskedAddress { gift: None, is_taken: false, is_known, goes_on })
            }
            // By its links of before nobody finds them any more who moved.
            _ if is_known => Some(AskedAddress { gift: None, is_taken: true, is_known, goes_on: false }),
            _ => None,
        });
    }
    Ok(named(site, token).await?.map(|(row, name)| AskedAddress {
        gift: Some(format!("{} {}", figures(row.amount_minor, &row.currency), row.rhythm().words())),
        is_taken: has(site, &row.email, &name),
        is_known: false,
        goes_on: true,
    }))
}

/// Whoever reads the new mailbox says that it is theirs: from now on what that customer pays is theirs. Gives the token of their own page once:
/// the link itself never runs out, and mail is handed on.
///
/// # Errors
/// [`NewAddressError`]; then nothing was changed.
pub async fn take_new_address(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    token: &str,
) -> Result<String, NewAddressError> {
    if let Some((asked, to)) = OwnAddress::open(site, token) {
        return take_own(site, provider, (&asked, &to)).await;
    }
    let (row, name) = named(site, token).await?.ok_or(NewAddressError::NotFound)?;
    let customer = row.provider_customer_id.clone().ok_or(NewAddressError::NotFound)?;
    let provider = provider.ok_or(NewAddressError::NotFound)?;
    // Somebody may have seen their slip, and put it right there.
    let now_there = match provider.customer_email(&customer).await {
        Ok(address) => address,
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(NewAddressError::Unreachable(error)),
    };
    let address = now_there.filter(|address| has(site, address, &name)).ok_or(NewAddressError::NotFound)?;
    let address = EmailAddress::parse(&address).map_err(|_| NewAddressError::NotFound)?;
    db::again(|| take(site, (&row, &customer), &address)).await?.ok_or(NewAddressError::NotFound)
}

/// The provider has it first: a press again mends what was broken off in between. Whatever it has, letters of ours go where our rows say.
async fn take_own(
    site: &Site,
    provider: Option<&dyn PaymentProvider>,
    (asked, to): (&OwnAddress, &EmailAddress),
) -> Result<String, NewAddressError> {
    let Some(customers) = db::again(|| begin_own(site, asked, to)).await? else {
        return Err(NewAddressError::NotFound);
    };
    if customers.is_empty() {
        let taken = db::again(|| move_own(site, (asked, to), &customers)).await?;
        return taken.ok_or(NewAddressError::NotFound);
    }
    let provider = provider.ok_or_else(|| {
        NewAddressError::Unreachable(ProviderError::Unknown("donations are switched off".to_owned()))
    })?;
    let came = match give_out(provider, &customers, to.as_str()).await {
        Ok(()) => match db::again(|| move_own(site, (asked, to), &customers)).await {
            Ok(Some(whose)) => Ok(whose),
            // Somebody else was quicker.
            Ok(None) => Err(NewAddressError::NotFound),
            Err(error) => Err(error.into()),
        },
        Err(error) if error.may_work_later() => Err(NewAddressError::Unreachable(error)),
        Err(error) => Err(NewAddressError::Refused(error)),
    };
    if came.is_err() || !has_all(provider, &customers, to).await {
        give_ours(site, provider, &customers).await?;
    }
    db::again(|| under_way(site, &customers, Duration::ZERO)).await?;
    came
}

/// Where the provider's news of customers wait while we let it have an address ourselves: nobody is asked what they have just said.
const UNDER_WAY: &str = "address of a customer";
/// So long it takes at most.
const UNDER_WAY_LASTS: Duration = Duration::from_secs(300);

async fn under_way(site: &Site, customers: &[String], lasts: Duration) -> db::Result<()> {
    let mut tx = site.db.begin().await?;
    for customer in customers {
        attempts::note(&mut tx, site, (UNDER_WAY, customer), lasts).await?;
    }
    tx.commit().await
}

/// Whether we let the provider have another address of a customer just now.
pub(super) async fn is_under_way(site: &Site, customer: &str) -> db::Result<bool> {
    attempts::is_noted(site, (UNDER_WAY, customer)).await
}

/// What the provider knows somebody by whose address may be changed.
async fn begin_own(site: &Site, asked: &OwnAddress, to: &EmailAddress) -> db::Result<Option<Vec<String>>> {
    let mut tx = site.db.begin().await?;
    let Some((giver, _)) = asker(&mut tx, site, asked, to).await? else { return Ok(None) };
    let customers = rows::customers(&mut tx, giver.id).await?;
    drop(tx);
    under_way(site, &customers, UNDER_WAY_LASTS).await?;
    Ok(Some(customers))
}

/// Who asked, and the address that they have, while that may be changed.
async fn asker(
    tx: &mut Tx,
    site: &Site,
    asked: &OwnAddress,
    to: &EmailAddress,
) -> db::Result<Option<(rows::Giver, EmailAddress)>> {
    let Some(giver) = rows::take(tx, &asked.whose).await? else { return Ok(None) };
    let is_free = rows::at(tx, &to.key()).await?.is_none();
    let was = EmailAddress::parse(&giver.email).ok();
    let was = was.filter(|_| is_free && has(site, &giver.email, &asked.was));
    Ok(was.map(|was| (giver, was)))
}

/// Each of these customers has that address at the provider from now on. One that is deleted there has none.
async fn give_out(
    provider: &dyn PaymentProvider,
    customers: &[String],
    address: &str,
) -> Result<(), ProviderError> {
    for customer in customers {
        // The provider keeps the answer that it gave to a key, a failure too: a try has one of its own.
        let key = format!("address:{customer}:{}", token::public_id());
        match provider.set_customer_email(customer, address, &key).await {
            Err(error) if !error.is_missing() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether each of these customers has that address at the provider: somebody who pressed at the same moment may have given another one back.
async fn has_all(provider: &dyn PaymentProvider, customers: &[String], address: &EmailAddress) -> bool {
    for customer in customers {
        if let Ok(Some(there)) = provider.customer_email(customer).await
            && there != address.as_str()
        {
            return false;
        }
    }
    true
}

/// Each of these customers has the address at the provider that their gifts have here, also if that changes meanwhile: who pressed at the same
/// moment looks after they wrote theirs down, and this looks after it gave it out. Where that does not get through, whoever reads at the other
/// one is asked, as about any address that the provider has.
async fn give_ours(site: &Site, provider: &dyn PaymentProvider, customers: &[String]) -> db::Result<()> {
    for customer in customers {
        let mut given = None;
        loop {
            let address = rows::address_of(&site.db, customer).await?;
            let Some(ours) = address.clone().filter(|_| address != given) else { break };
            if let Err(error) = give_out(provider, std::slice::from_ref(customer), &ours).await {
                let error = error.for_the_record();
                tracing::warn!(
                    error,
                    "the payment service may have an address of a supporter that was not taken"
                );
                break;
            }
            given = address;
        }
    }
    Ok(())
}

async fn move_own(
    site: &Site,
    (asked, to): (&OwnAddress, &EmailAddress),
    customers: &[String],
) -> db::Result<Option<String>> {
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    let Some((giver, was)) = asker(&mut tx, site, asked, to).await? else { return Ok(None) };
    if rows::customers(&mut tx, giver.id).await? != customers {
        return Ok(None);
    }
    let whose = token::public_id();
    rows::readdress(&mut tx, giver.id, (to.as_str(), &to.key()), &whose).await?;
    search::word(&mut tx, giver.id, to.as_str(), &giver.name).await?;
    regular_letters::send_own_address_changed(&mut tx, site, (&was, &giver.name)).await?;
    subscribers::gave_under_another(&mut tx, site, (&was, to)).await?;
    letters::tell_donor_state(&mut tx, site, giver.id).await?;
    tx.commit().await?;
    Ok(Some(supporter_token(site, &whose)))
}

async fn take(
    site: &Site,
    (row, customer): (&Recurring, &str),
    address: &EmailAddress,
) -> db::Result<Option<String>> {
    let mut tx = site.db.begin_inside(Gate::Book).await?;
    store::months::take_of_customer(&mut tx, customer).await?;
    let was = store::months::recurring_by_id(&mut tx, row.id).await?;
    if was.state == RecurringState::Cancelled || is_at(&was.email, address) {
        return Ok(None);
    }
    let name = was.name.as_str();
    let donor =
        store::donors::keep_donor(&mut tx, address.as_str(), &address.key(), name, site.now()).await?;
    search::word(&mut tx, donor, address.as_str(), name).await?;
    store::months::readdress(&mut tx, customer, (address.as_str(), donor)).await?;
    regular_letters::send_address_changed(&mut tx, site, &was).await?;
    for one in [was.donor_id, Some(donor)].into_iter().flatten() {
        letters::tell_donor_state(&mut tx, site, one).await?;
    }
    let whose = store::brakes::name_of(&mut tx, donor).await?.unwrap_or_default();
    tx.commit().await?;
    Ok(Some(supporter_token(site, &whose)))
}
