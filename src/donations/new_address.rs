//! The address of whoever gives regularly was changed at the provider: letters go on to the old one until somebody at the new one says
//! that they are its. The link does not run out: it moves nothing unless the gift goes on and the provider still has that address.
//!
//! The rules that must hold: what stands at the provider is typed by somebody there, and moves nothing by itself; the link that is mailed
//! to the new address is good for that alone; what was given until then stays with the old one, whose
//! mailbox is told.

use super::{
    letters, lines::figures, manage_link::supporter_token, regular_letters, search, states::RecurringState,
    store, store::months::Recurring,
};
use crate::{
    clock::Moment,
    db::{self, Gate, Tx},
    delivery::Suppressions,
    email_address::EmailAddress,
    payments::{GiftRhythm, PaymentProvider, ProviderError},
    site::Site,
    subscribers,
    token::Purpose,
};

/// What the page of the link shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedAddress {
    /// The amount, for people.
    pub amount: String,
    /// How often.
    pub rhythm: GiftRhythm,
    /// Whether it was said already.
    pub is_taken: bool,
}

/// Why the new address was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NewAddressError {
    /// The link is not genuine; or the gift is over, or its address was changed again.
    #[error("there is no such change of address")]
    NotFound,
    /// The provider could not be asked whether it still has that address.
    #[error(transparent)]
    Unreachable(ProviderError),
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
    let fact = format!("gift-address:{customer}:{}", Suppressions::new(site).hash(&to));
    regular_letters::send_new_address(tx, site, recurring, (&to, at), (&fact, &token)).await
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
    Ok(named(site, token).await?.map(|(row, name)| AskedAddress {
        amount: figures(row.amount_minor, &row.currency),
        rhythm: row.rhythm(),
        is_taken: has(site, &row.email, &name),
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
