//! A supporter sets out to give: what they typed is checked, the gift is written down, and the way to the checkout opens.

use std::time::Duration;

use super::{
    calls,
    store::{self, gifts::NewDonation, months::NewRecurring},
};
use crate::{
    attempts::{Attempt, Refusal, Shared},
    delivery,
    email_address::EmailAddress,
    links::Give,
    money::{GiftLimits, Money},
    network::Network,
    payments::{Every, NewCheckout, PaymentProvider, ProviderError},
    settings::Settings,
    site::Site,
    token::{self, Purpose, TokenError},
};

/// What the donation form sent, as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct GiftRequest<'a> {
    /// The amount, in the currency of the settings; the form does not choose one.
    pub amount: &'a str,
    /// Once or monthly.
    pub every: Every,
    /// Where the receipt goes.
    pub email: &'a str,
    /// The supporter's name; may be empty.
    pub name: &'a str,
    /// The network it came from, if that is known and not private.
    pub from: Option<Network>,
    /// The token of the edition whose link led here, if any; a bad one credits nobody.
    pub edition_token: Option<&'a str>,
}

/// What to change in the form, each in words for who typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    /// About the amount.
    pub amount: Option<String>,
    /// About the address.
    pub email: Option<String>,
    /// About the name.
    pub name: Option<String>,
}

impl FieldErrors {
    const fn is_empty(&self) -> bool {
        self.amount.is_none() && self.email.is_none() && self.name.is_none()
    }
}

/// A gift that is written down and has a checkout page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedGift {
    /// The donation's public id.
    pub public_id: String,
    /// Where the supporter pays.
    pub checkout_url: String,
}

/// Why there is no checkout page.
#[derive(Debug, thiserror::Error)]
pub enum GiftError {
    /// The form needs changes.
    #[error("the form needs changes")]
    Invalid(FieldErrors),
    /// More gifts are begun than a magazine is given: someone tries cards out. How long until the next may be.
    #[error("too many gifts in a short time")]
    TooMany(Duration),
    /// Gifts cannot be taken in the currency of the settings.
    #[error("no gifts can be taken in {0}")]
    Currency(String),
    /// The provider gave no page; nothing was charged.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The database failed; nothing was charged.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Each gift that is begun asks the provider for a page. From one network so many as at an evening at which a whole room gives.
pub const GIFTS: Shared = Shared::new("donate", 100, 2_000);

const LONGEST_NAME: usize = 100;

/// The token of the page that thanks for a gift, `/thanks/{token}`: the name of a gift alone opens nothing, for it stands in
/// logs and at the provider.
#[must_use]
pub fn thanks_token(site: &Site, public_id: &str) -> String {
    let until = site.now().plus(THANKS_LAST);
    site.keys.sign(Purpose::Thanks, &format!("{GIFT}{public_id}"), Some(until))
}

/// The public id of the gift whose page a token opens.
///
/// # Errors
/// When the token is not genuine, or too old.
pub fn gift_of(site: &Site, token: &str) -> Result<String, TokenError> {
    let scope = site.keys.verify(Purpose::Thanks, token, site.now())?;
    scope.strip_prefix(GIFT).map(str::to_owned).ok_or(TokenError::Invalid)
}

const GIFT: &str = "gift.";
/// A bank debit takes up to two weeks; the receipt is for later.
const THANKS_LAST: Duration = Duration::from_secs(30 * 86_400);

/// Writes a gift down and opens the provider's checkout page for it. Nobody is subscribed to anything (TRUST L2).
///
/// # Errors
/// [`GiftError`]. When the provider did not answer, the stored call is finished later by [`resume_calls`](super::resume_calls).
pub async fn start_gift(
    site: &Site,
    provider: &dyn PaymentProvider,
    settings: &Settings,
    request: &GiftRequest<'_>,
) -> Result<StartedGift, GiftError> {
    let limits = settings.gift_limits().ok_or_else(|| GiftError::Currency(settings.currency.clone()))?;
    let (amount, email, name) = check(request, limits).map_err(GiftError::Invalid)?;
    brake(site, request.from).await?;
    let given = request.edition_token.and_then(|given| Give::read(&site.keys, given, site.now()).ok());
    let edition_id = match given {
        Some(Give(edition)) => delivery::edition_by_name(&site.db, &edition).await?,
        None => None,
    };

    let public_id = token::public_id();
    let recurring_id = (request.every == Every::Month).then(token::public_id);
    let checkout = NewCheckout {
        idempotency_key: format!("checkout:{public_id}"),
        every: request.every,
        amount_minor: amount.minor,
        currency: amount.currency.code().to_owned(),
        description: match request.every {
            Every::Once => format!("Donation to {}", settings.magazine_name),
            Every::Month => format!("Monthly donation to {}", settings.magazine_name),
        },
        email: email.to_string(),
        donation: public_id.clone(),
        recurring: recurring_id.clone(),
        success_url: site.url(&format!("/thanks/{}", thanks_token(site, &public_id))),
        cancel_url: site.url("/donate"),
    };
    let call = write_down(site, &checkout, &name, edition_id).await?;
    match calls::open_checkout(site, provider, &call).await? {
        Ok(checkout_url) => Ok(StartedGift { public_id, checkout_url }),
        Err(error) if error.is_about_the_gift() => Err(GiftError::Invalid(refused(&error))),
        Err(error) => Err(error.into()),
    }
}

/// Behind a proxy that the settings do not name, everybody comes from one private address: there only the sum counts.
async fn brake(site: &Site, from: Option<Network>) -> Result<(), GiftError> {
    match Attempt::begin(site, &GIFTS.on(from)).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(GiftError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

/// What the provider would not take, at the field that it is about.
fn refused(error: &ProviderError) -> FieldErrors {
    let ProviderError::Refused { code, .. } = error else { return FieldErrors::default() };
    match code.as_str() {
        "email_invalid" => FieldErrors {
            email: Some("The payment service does not take this address.".to_owned()),
            ..FieldErrors::default()
        },
        code => {
            let what = if code == "amount_too_large" { "larger" } else { "smaller" };
            let amount = format!("That amount is {what} than a bank card can pay.");
            FieldErrors { amount: Some(amount), ..FieldErrors::default() }
        }
    }
}

fn check(
    request: &GiftRequest<'_>,
    GiftLimits { least, most }: GiftLimits,
) -> Result<(Money, EmailAddress, String), FieldErrors> {
    let mut errors = FieldErrors::default();
    let amount =
        Money::parse(request.amount, least.currency).map_err(|error| error.to_string()).and_then(|money| {
            if money.minor < least.minor {
                Err(format!("The smallest gift we can take here is {least}."))
            } else if money.minor > most.minor {
                Err(format!(
                    "The largest gift we can take here is {most}. Please write to us for a larger one."
                ))
            } else {
                Ok(money)
            }
        });
    let email = EmailAddress::parse(request.email).map_err(|error| error.to_string());
    let name: String = request.name.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.chars().count() > LONGEST_NAME {
        errors.name = Some(format!("Use at most {LONGEST_NAME} characters."));
    }
    match (amount, email) {
        (Ok(amount), Ok(email)) if errors.is_empty() => Ok((amount, email, name)),
        (amount, email) => {
            errors.amount = amount.err();
            errors.email = email.err();
            Err(errors)
        }
    }
}

/// The rows of the gift and the call that is about to be made, in one transaction, before the call.
async fn write_down(
    site: &Site,
    checkout: &NewCheckout,
    name: &str,
    edition_id: Option<i64>,
) -> Result<store::calls::Call, GiftError> {
    let now = site.now();
    let mut tx = site.db.begin().await?;
    let recurring = match &checkout.recurring {
        None => None,
        Some(public_id) => {
            let new = NewRecurring {
                public_id,
                email: &checkout.email,
                name,
                amount_minor: checkout.amount_minor,
                currency: &checkout.currency,
                edition_id,
                at: now,
            };
            Some(store::months::add_recurring(&mut tx, &new).await?)
        }
    };
    let new = NewDonation {
        public_id: &checkout.donation,
        email: &checkout.email,
        name,
        recurring_donation_id: recurring.as_ref().map(|row| row.id),
        amount_minor: checkout.amount_minor,
        currency: &checkout.currency,
        edition_id,
        at: now,
    };
    store::gifts::add_donation(&mut tx, &new).await?;
    let call = calls::store_checkout(&mut tx, site, checkout).await?;
    tx.commit().await?;
    Ok(call)
}
